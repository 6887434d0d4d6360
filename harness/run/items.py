"""What was asked: `items/<task>.jsonl`, enough to score a run's responses again without its data.

A line also says what a right answer looks like, as text and as places to draw, so that reports need neither the
task nor its scorer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, HarnessError
from harness.jsonl import encode, plain, read_lines, tuples, write_atomic
from harness.run.media import KeptImage
from harness.run.plan import FailedRow, Planned, TaskPlan
from scorers.types import Coords, Shape, Target
from tasks.types import Groups, Sample, Task


@dataclass(frozen=True, slots=True)
class Item:
    """One sample of an items file."""

    sample: Sample
    """Without its images: the scorers do not look."""
    prompt_sha: str
    image_sha: str

    @property
    def id(self) -> str:
        """The sample's."""
        return self.sample.id


def groups_of(task: Task, row: FailedRow) -> Groups:
    """The groups of a row that could not be asked: that of its unit, where it is known."""
    return {task.unit: row.unit} if task.unit and row.unit else {}


def gold_of(target: Target, coords: Coords | None) -> str | None:
    """A target's own right answer; None where it knows none, or none that the convention can write."""
    try:
        return target.gold(coords)
    except FAULTS:
        return None


def _shapes_of(target: Target) -> tuple[Shape, ...]:
    try:
        return target.shapes()
    except FAULTS:
        return ()


def write_items(path: Path, plan: TaskPlan, coords: Coords | None = None) -> None:
    """Write what a task's plan asks, whole or not at all.

    Args:
        path: of the file.
        plan: what is asked.
        coords: the convention in which gold places are written; None: in fractions.
    """
    write_atomic(path, (encode(_line(plan.task, entry, coords)) for entry in plan.entries))


def _line(task: Task, entry: Planned | FailedRow, coords: Coords | None) -> dict[str, Any]:
    if isinstance(entry, FailedRow):
        return {"id": entry.id, "error": entry.error, "groups": plain(groups_of(task, entry))}
    sample = entry.sample
    line: dict[str, Any] = {
        "id": sample.id,
        "prompt_sha": entry.prompt_sha,
        "image_sha": entry.image_sha,
        "question": sample.question,
        "choices": list(sample.choices),
        "target": plain(sample.target),
        "gold": gold_of(sample.target, coords),
        "shapes": plain(_shapes_of(sample.target)),
        "groups": plain(sample.groups),
        "images": [image.name for image in sample.images if isinstance(image, KeptImage)],
        "sizes": [list(image.size) for image in sample.images],
        "prompt": [part if isinstance(part, str) else {"image": part.index} for part in entry.parts],
    }
    if sample.meta:
        line["meta"] = plain(sample.meta)
    return line


def read_items(path: Path, task: Task) -> Iterator[Item | FailedRow]:
    """The items of a run's task in the order of the rows, and the rows that could not be asked.

    Raises:
        HarnessError: a line is not JSON or its target is not of the task's type (another version wrote it).
    """
    for number, line in read_lines(path):
        try:
            groups = {key: tuples(value) for key, value in line.get("groups", {}).items()}
            texts = [line["id"], *(line[name] for name in ("error", "prompt_sha", "image_sha") if name in line)]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError("an id, hash or error that is no text")
            if "error" in line:
                yield FailedRow(line["id"], line["error"], groups.get(task.unit or ""))
                continue
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
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HarnessError(
                f"{path}:{number}: not an item of {task.name} as this version writes it: {error}"
            ) from None
