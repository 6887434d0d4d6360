"""Rollouts on the training page: groups of some steps, each response with what it earned and for what.

Read from `rollouts/step-N.jsonl` beside the log of a stage; `training/rollout_log.py` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from reports.training.runs import Stage, json_object, number

STEPS = 3
"""Steps shown of a stage: the first, the last, and those evenly between."""
GROUPS = 3
"""Groups shown of a family and step, the first that were asked."""
LONGEST = 2000
"""Characters shown of a prompt or response; the file has all of them."""
_NAME = re.compile(r"step-(\d+)\.jsonl")


def stage_rollouts(stage: Stage) -> list[dict[str, Any]] | None:
    """The steps to show of a stage, with their groups; None where it kept no rollouts.

    Raises:
        HarnessError: a file cannot be read.
    """
    folder = stage.path.parent / "rollouts"
    found = {int(name[1]): path for path in folder.glob("step-*.jsonl") if (name := _NAME.fullmatch(path.name))}
    if not found:
        return None
    steps = sorted(found)
    wanted = sorted({steps[place * (len(steps) - 1) // (STEPS - 1)] for place in range(STEPS)})
    return [_step(step, found[step]) for step in wanted]


def _step(step: int, path: Path) -> dict[str, Any]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    shown: dict[str, int] = {}
    responses = unreadable = 0
    for line in _lines(path):
        if line is None:
            unreadable += 1
            continue
        responses += 1
        key = tuple(str(line.get(name)) for name in ("family", "task", "epoch", "index", "attempt"))
        if key not in groups and shown.get(key[0], 0) < GROUPS:
            shown[key[0]] = shown.get(key[0], 0) + 1
            groups[key] = []
        if key in groups:
            groups[key].append(line)
    return {
        "step": step,
        "responses": responses,
        "unreadable": unreadable,
        "file": path.name,
        "groups": [_group(family, task, group) for (family, task, *_), group in sorted(groups.items())],
    }


def _lines(path: Path) -> Iterator[Mapping[str, Any] | None]:
    """The responses in a file; None for a line that is none."""
    try:
        with path.open("rb") as file:
            for raw in file:
                line = json_object(raw)
                yield line if line is not None and isinstance(line.get("text"), str) else None
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error


def _group(family: str, task: str, lines: list[Mapping[str, Any]]) -> dict[str, Any]:
    first = lines[0]
    images = first.get("images")
    values = [value for line in lines if (value := number(line.get("value"))) is not None]
    return {
        "family": family,
        "task": task,
        "id": str(first.get("id", "")),
        "prompt": _cut(_prompt(first.get("prompt"))),
        "images": [str(image) for image in images] if isinstance(images, list) else [],
        "value": sum(values) / len(values) if values else None,
        "trained": any(number(line.get("advantage")) is not None for line in lines),
        "responses": [_response(line) for line in lines],
    }


def _response(line: Mapping[str, Any]) -> dict[str, Any]:
    terms = line.get("terms")
    terms = terms if isinstance(terms, Mapping) else {}
    numbers = {name: number(line.get(name)) for name in ("value", "reward", "advantage", "tokens")}
    return {
        **numbers,
        "text": _cut(line["text"]),
        "status": str(line.get("status", "")),
        "finish": str(line.get("finish_reason", "")),
        "terms": [(str(name), value) for name, each in terms.items() if (value := number(each)) is not None],
    }


def _prompt(parts: Any) -> str:
    """A prompt as text, its images in their places."""
    parts = parts if isinstance(parts, list) else []
    return "".join(part if isinstance(part, str) else "[image]" for part in parts)


def _cut(text: str) -> str:
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]} … ({more} more characters in the file)"
