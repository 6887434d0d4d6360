"""What was asked: `items/<task>.jsonl`, enough to score a run's responses again without its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.jsonl import encode, plain, read_lines, tuples, write_atomic
from harness.run.media import KeptImage
from harness.run.plan import FailedRow, Planned, TaskPlan
from tasks.types import Sample, Task


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an items file."""

    sample: Sample
    """Without its images: the scorers do not look."""
    prompt_sha: str
    image_sha: str
    error: str | None = None
    """Why it could not be asked."""


def write_items(path: Path, plan: TaskPlan) -> None:
    """Write what a task's plan asks, whole or not at all."""
    write_atomic(path, (encode(_line(plan.task, entry)) for entry in plan.entries))


def _line(task: Task, entry: Planned | FailedRow) -> dict[str, Any]:
    if isinstance(entry, FailedRow):
        groups = {task.unit: entry.unit} if task.unit and entry.unit else {}
        return {"id": entry.id, "error": entry.error, "groups": groups}
    sample = entry.sample
    line: dict[str, Any] = {
        "id": sample.id,
        "prompt_sha": entry.prompt_sha,
        "image_sha": entry.image_sha,
        "question": sample.question,
        "choices": list(sample.choices),
        "target": plain(sample.target),
        "groups": plain(sample.groups),
        "images": [image.name for image in sample.images if isinstance(image, KeptImage)],
        "sizes": [list(image.size) for image in sample.images],
        "prompt": [part if isinstance(part, str) else {"image": part.index} for part in entry.parts],
    }
    if sample.meta:
        line["meta"] = plain(sample.meta)
    return line


def read_items(path: Path, task: Task) -> Iterator[Item]:
    """The items of a run's task in the order of the rows.

    Raises:
        HarnessError: a line is not JSON or its target is not of the task's type (another version wrote it).
    """
    for number, line in read_lines(path):
        groups = {key: tuples(value) for key, value in line.get("groups", {}).items()}
        if "error" in line:
            yield Item(Sample(line["id"], "", None, groups=groups), "", "", line["error"])
            continue
        try:
            target = task.target(**tuples(line["target"]))
            sample = Sample(
                id=line["id"],
                question=line["question"],
                target=target,
                choices=tuple(line["choices"]),
                groups=groups,
                meta=line.get("meta", {}),
            )
            yield Item(sample, line["prompt_sha"], line["image_sha"])
        except (KeyError, TypeError) as error:
            raise HarnessError(
                f"{path}:{number}: not an item of {task.name} as this version writes it: {error}"
            ) from None
