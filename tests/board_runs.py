"""Run folders with the results one likes, and a few lines of items, responses and scores that fit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config import build
from harness.jsonl import encode, write_atomic
from harness.run.identity import describe_run, save_run
from harness.scores.aggregate import run_results
from harness.scores.results import TaskResult, write_results
from harness.scores.stats import Estimate
from tasks import load_builtin

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror='hit=1'>\u2028\u202e javascript:hit()"


def result(name: str, score: float | None, half: float = 2.0, n: int = 100, **more: Any) -> TaskResult:
    """One task's result: a score in its own units, its interval `half` to either side."""
    task = load_builtin(name)
    scale = task.headline.scale
    estimate = Estimate(None, None, None, 0)
    if score is not None:
        estimate = Estimate(score, max(0.0, score - half), min(scale, score + half), n)
    made = TaskResult(
        name=name,
        category=task.category,
        headline=task.headline.name,
        scale=scale,
        score=estimate,
        low=score,
        high=score,
        metrics={task.headline.name: estimate},
        samples=n,
        counted=n if score is not None else 0,
        responses=n,
        unparsed=0,
        truncated=0,
        failed=0 if score is not None else n,
        error=0,
        loopholes=0,
        missed=0,
        prompt_tokens=50.0,
        completion_tokens=10.0,
        data="hub",
        fingerprint=f"data of {name}",
        scorer="v1",
    )
    return replace(made, **more)


def write_run(
    path: Path, results: Mapping[str, TaskResult | float | None], *, model: str = "model", **settings: Any
) -> Path:
    """Write a complete run.

    Args:
        path: its folder.
        results: task → its result, or its score.
        model: its name.
        settings: of the configuration, and `seconds`, `latency`, `synthetic`, `asked`.
    """
    seconds, latency = settings.pop("seconds", 20.0), settings.pop("latency", 0.5)
    synthetic, asked = settings.pop("synthetic", False), settings.pop("asked", None)
    tasks = {
        name: found if isinstance(found, TaskResult) else result(name, found) for name, found in results.items()
    }
    if synthetic:
        label = ("synthetic data: not the benchmark",)
        tasks = {name: replace(task, labels=label, data="synthetic") for name, task in tasks.items()}
    config = build({"model": model, "tasks": tuple(tasks), "data": "hub", **settings})
    described = {
        name: {
            "fingerprint": task.fingerprint,
            "data": task.data,
            "synthetic": synthetic,
            "max_new_tokens": 8,
            "generation_sha": "g",
            "prompts_sha": f"prompts of {name}",
        }
        for name, task in tasks.items()
    }
    about = {"backend": "mock", "model": model}
    command = ["harness", "eval", "--model", model]
    run = describe_run(config, model=about, coords="norm1000", tasks=described, command=command)
    save_run(path, run)
    for name in tasks:
        _write_lines(path, name, latency)
    answered = sum(task.responses for task in tasks.values())
    found = run_results(
        tasks,
        failure_budget=config.failure_budget,
        model=about,
        seconds=seconds,
        run_dir=path,
        asked=answered if asked is None else asked,
    )
    write_results(path / "results.json", found)
    return path


def _write_lines(path: Path, name: str, latency: float) -> None:
    keys = [{"id": f"{name}-{index}", "prompt_sha": "p", "image_sha": "i"} for index in range(2)]
    items = [
        {
            **key,
            "question": "?",
            "choices": [],
            "target": {},
            "groups": {},
            "images": [],
            "sizes": [],
            "prompt": ["?"],
        }
        for key in keys
    ]
    answer = {
        "text": "A",
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 1,
        "latency": latency,
    }
    samples = [{**key, "epoch": 0, "generation_sha": "g", **answer} for key in keys]
    verdict = {"value": 1.0, "official": 1.0, "status": "ok", "extracted": "A", "scorer": "v1"}
    scores = [{"id": key["id"], "epoch": 0, **verdict} for key in keys]
    for folder, lines in (("items", items), ("samples", samples), ("scores", scores)):
        write_atomic(path / folder / f"{name}.jsonl", map(encode, lines))
