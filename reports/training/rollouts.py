"""Rollouts on the training page: groups of some steps, each response with what it earned and for what.

Read from `rollouts/step-N.jsonl` and the pictures beside it; `training/rollout_log.py` writes them.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from reports.samples.geometry import drawn
from reports.training.runs import Stage, json_object, number

STEPS = 9
"""Steps shown of a stage: the first, the last, and those evenly between."""
GROUPS = 3
"""Groups shown of a family and step, the first that were asked."""
LONGEST = 6000
"""Characters shown of a prompt or response; the file has all of them."""
PICTURES = 12 << 20
"""Characters of pictures in a page."""
_NAME = re.compile(r"step-(\d+)\.jsonl")
_PICTURE = re.compile(r"[0-9a-f]{24}\.jpg")


@dataclass
class Budget:
    """Characters of pictures that a page may still hold."""

    left: int = PICTURES


def stage_rollouts(stage: Stage, budget: Budget, steps: int = STEPS) -> list[dict[str, Any]]:
    """The steps to show of a stage, with their groups; none where it kept no rollouts.

    Args:
        stage: which.
        budget: of the page's pictures; what is shown is taken from it.
        steps: how many, at most; 1: the last.

    Raises:
        HarnessError: a file cannot be read.
    """
    folder = stage.folder / "rollouts"
    found = {int(name[1]): path for path in folder.glob("step-*.jsonl") if (name := _NAME.fullmatch(path.name))}
    return [_step(step, found[step], budget) for step in chosen(sorted(found), steps)]


def chosen(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps: the first, the last, and those evenly between."""
    if most == 1 or not steps:
        return list(steps[-1:])
    return sorted({steps[place * (len(steps) - 1) // (most - 1)] for place in range(most)})


def packed(step: Mapping[str, Any]) -> str:
    """A step's groups for a data block of the page: gzipped JSON in base64."""
    return base64.b64encode(gzip.compress(json.dumps(step["groups"]).encode(), mtime=0)).decode()


def _step(step: int, path: Path, budget: Budget) -> dict[str, Any]:
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
        "groups": [
            _group(family, task, group, path.parent / "images", budget)
            for (family, task, *_), group in sorted(groups.items())
        ],
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


def _group(
    family: str, task: str, lines: list[Mapping[str, Any]], folder: Path, budget: Budget
) -> dict[str, Any]:
    first = lines[0]
    values = [value for line in lines if (value := number(line.get("value"))) is not None]
    reference = first.get("reference")
    return {
        "family": family,
        "task": task,
        "id": str(first.get("id", "")),
        "prompt": _cut(_prompt(first.get("prompt"))),
        "images": [str(image) for image in _listed(first.get("images"))],
        "pictures": [_picture(folder, name, budget) for name in _listed(first.get("pictures"))],
        "reference": _cut(reference) if isinstance(reference, str) else None,
        "shapes": drawn(first.get("true")),
        "value": sum(values) / len(values) if values else None,
        "trained": any(number(line.get("advantage")) is not None for line in lines),
        "responses": [_response(line) for line in lines],
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _picture(folder: Path, name: Any, budget: Budget) -> str | None:
    """A picture as a data URL; None where it is not kept, or the page has no room for it."""
    path = folder / str(name)
    if not _PICTURE.fullmatch(str(name)) or path.is_symlink() or not path.is_file():
        return None
    url = f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}"
    if len(url) > budget.left:
        return None
    budget.left -= len(url)
    return url


def _response(line: Mapping[str, Any]) -> dict[str, Any]:
    terms = line.get("terms")
    terms = terms if isinstance(terms, Mapping) else {}
    numbers = {name: number(line.get(name)) for name in ("value", "reward", "advantage", "tokens")}
    extracted = line.get("extracted")
    return {
        **numbers,
        "text": _cut(line["text"]),
        "parsed": extracted if isinstance(extracted, str) else None,
        "shapes": drawn(line.get("predicted")),
        "status": str(line.get("status", "")),
        "finish": str(line.get("finish_reason", "")),
        "terms": [(str(name), value) for name, each in terms.items() if (value := number(each)) is not None],
    }


def _prompt(pieces: Any) -> str:
    """A prompt as text, its images in their places."""
    pieces = pieces if isinstance(pieces, list) else []
    return "".join(piece if isinstance(piece, str) else "[image]" for piece in pieces)


def _cut(text: str) -> str:
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]} … ({more} more characters in the file)"
