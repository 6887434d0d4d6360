"""Runs of models of differing skill on the same drawn samples: right, wrong, unparsed and cut-off responses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import harness
from harness.jsonl import encode, read_json, read_lines, write_json
from harness.registry import Registry
from harness.run import rescore

TEXT = """the chart shows that value of left right above below image figure first second compare therefore
because option since area angle line so look at which is then we see count both sides equals between axis"""
WORDS = TEXT.split()


def prose(rng: Random) -> str:
    """Thoughts of 100 to 2,000 characters."""
    length, words = int(100 * 20 ** rng.random()), []
    while length > 0:
        words.append(rng.choice(WORDS) if rng.random() > 0.1 else str(rng.randint(1, 999)))
        length -= len(words[-1]) + 1
    return " ".join(words)


def response(rng: Random, gold: str, other: str, skill: float) -> dict[str, Any]:
    """A model's response: right as often as its skill says, else another sample's answer, none, or cut off."""
    thoughts, luck = prose(rng), rng.random()
    if luck > 0.99:
        text, finish = f"<think>{thoughts}", "length"
    elif luck > 0.96:
        text, finish = f"<think>{thoughts}</think>", "stop"
    else:
        answer = gold if luck < 0.96 * skill else other
        text, finish = f"<think>{thoughts}</think>\n<answer>{answer}</answer>", "stop"
    tokens = len(text) // 4
    latency = round(0.3 + tokens / 80, 4)
    return {
        "text": text,
        "finish_reason": finish,
        "prompt_tokens": 300,
        "completion_tokens": tokens,
        "latency": latency,
    }


def make_runs(
    folder: Path, models: int, samples: int, *, tasks: str = "", skills: tuple[float, ...] = ()
) -> list[Path]:
    """Run folders of models that answered the same samples; images are hard links to the first one's.

    Args:
        folder: to write them into.
        models: how many.
        samples: responses of all models and tasks.
        tasks: with commas; all 18 by default.
        skills: of each model, the share of right answers; by default from 0.25 upwards.
    """
    chosen = tasks.split(",") if tasks else Registry().names()
    limit = -(-samples // (models * len(chosen)))
    base = folder / "base"
    asked = {"tasks": tasks} if tasks else {"suite": "all"}
    harness.evaluate("mock", **asked, data="synthetic", limit=limit, coords="norm1", out=str(base))
    for stale in (base / "scores", base / "results.json", base / "report.html"):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink(missing_ok=True)
    runs = []
    for number in range(models):
        path = folder / f"model-{number:02d}"
        shutil.copytree(base, path, copy_function=os.link)
        described = read_json(path / "run.json")
        described["config"]["model"] = f"some-lab/model-{number:02d}-8b-instruct"
        (path / "run.json").unlink()
        write_json(path / "run.json", described)
        for name in described["tasks"]:
            skill = skills[number] if skills else 0.25 + 0.6 * number / models
            _answer(path, name, Random(f"{number}/{name}"), skill)
        rescore(path)
        runs.append(path)
    return runs


def _answer(path: Path, name: str, rng: Random, skill: float) -> None:
    """Put a model's responses in the place of the first one's, under the same keys."""
    items = (line for _, line in read_lines(path / "items" / f"{name}.jsonl"))
    golds = {item["id"]: item["gold"] or "A" for item in items if "error" not in item}
    others = list(golds.values())
    journal = path / "samples" / f"{name}.jsonl"
    lines = [json.loads(line) for line in journal.read_bytes().splitlines()]
    journal.unlink()
    answered = [{**line, **response(rng, golds[line["id"]], rng.choice(others), skill)} for line in lines]
    journal.write_bytes(b"".join(map(encode, answered)))
