"""Run folders written by hand: scores as told, nothing asked of any model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import RunConfig


def sample(name: str, *scores: float | None, **more: Any) -> dict[str, Any]:
    """One sample: its score in each epoch (None: failed), and what else of its item is not as usual."""
    return {"id": name, "scores": scores, **more}


def row(name: str, score: float | None, **groups: Any) -> dict[str, Any]:
    """One sample of one epoch with its groups."""
    return sample(name, score, groups=groups)


def write_run(path: Path, tasks: Mapping[str, Sequence[Mapping[str, Any]]], **more: Any) -> Path:
    """Write a complete run: run.json, items, scores, results.json (only its presence counts).

    Args:
        path: its folder.
        tasks: task → `sample`s; keys of a sample go into its item, `scores` into its scores.
        more: of run.json: `name`, `coords`, `prompt`, `synthetic`, `epochs`, `fingerprint`, `scorer`;
            `complete=False` leaves results.json away.
    """
    epochs = more.get("epochs", 1)
    settings = {"epochs": epochs, "data": "hub", "prompt": more.get("prompt", "direct")}
    config = RunConfig(model=more.get("name", path.name), tasks=tuple(tasks), **settings)
    described = {
        name: {
            "fingerprint": more.get("fingerprint", "f" * 64),
            "data": "hub",
            "synthetic": more.get("synthetic", False),
            "max_new_tokens": 8,
            "generation_sha": "g",
            "prompts_sha": "p",
        }
        for name in tasks
    }
    run = {
        "format": 1,
        "command": "harness eval",
        "config": config.model_dump(mode="json", exclude={"fresh"}),
        "fixed": {},
        "model": {"backend": "mock"},
        "coords": more.get("coords"),
        "seed": 0,
        "tasks": described,
        "versions": {},
    }
    for folder in ("items", "scores"):
        (path / folder).mkdir(parents=True, exist_ok=True)
    (path / "run.json").write_text(json.dumps(run), encoding="utf-8")
    for name, samples in tasks.items():
        items = [_item(one) for one in samples]
        scores = [line for one in samples for line in _scores(one, more.get("scorer", "v1"))]
        for folder, lines in (("items", items), ("scores", scores)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (path / folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    if more.get("complete", True):
        (path / "results.json").write_text("{}", encoding="utf-8")
    return path


def _item(one: Mapping[str, Any]) -> dict[str, Any]:
    usual = {
        "prompt_sha": f"prompt of {one['id']}",
        "image_sha": f"image of {one['id']}",
        "question": f"What is {one['id']}?",
        "choices": [],
        "target": {},
        "groups": {},
    }
    return {**usual, **{key: value for key, value in one.items() if key != "scores"}}


def _scores(one: Mapping[str, Any], scorer: str) -> list[dict[str, Any]]:
    return [
        {
            "id": one["id"],
            "epoch": epoch,
            "value": score or 0.0,
            "official": score,
            "status": "failed" if score is None else "ok",
            "extracted": None,
            "scorer": scorer,
        }
        for epoch, score in enumerate(one["scores"])
    ]
