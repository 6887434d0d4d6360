"""Checking a benchmark's data before it is relied on: on the hub, or in a directory that was pulled or made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.data import BadRow, RowSource, load_rows
from harness.data.directory import task_folder
from harness.fingerprint import changed
from harness.progress import Progress
from harness.run.items import FailedRow
from harness.run.plan import samples_of
from harness.validate import gold_problem, image_problem
from tasks.types import Row, Task

CHECKS = (gold_problem, image_problem)
"""Of each sample: the gold answer earns its full score, the images open."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of one task's data."""

    task: str
    label: str
    rows: int
    expected: int | None
    """The published number; None: not known."""
    samples: int = 0
    problems: tuple[str, ...] = ()
    """Files that were changed; rows without a sample, with a gold that earns too little, a broken image."""
    known: tuple[str, ...] = ()
    """What is known to be wrong with the benchmark as published."""

    @property
    def ok(self) -> bool:
        """All rows are there, and nothing is wrong with them that is not known."""
        return not self.problems and self.expected in {None, self.rows}


@dataclass(slots=True)
class _Tally:
    """What passes on its way from the rows to the samples."""

    task: Task
    rows: int = 0
    known: list[str] = field(default_factory=list)

    def over(self, source: RowSource) -> RowSource:
        """The source, counted as it is read."""

        def rows() -> Iterator[Row | BadRow]:
            for row in source:
                self.rows += 1
                if self.task.defect is not None and not isinstance(row, BadRow):
                    self.known += filter(None, [self.task.defect(row)])
                yield row

        return replace(source, open=rows)


def verify(
    task: Task, data: str, *, revision: str | None = None, alone: bool = False, progress: Progress | None = None
) -> Verified:
    """Read every row of a task's split and check what a score depends on.

    Args:
        task: on the split to check.
        data: `hub`, or a directory; files that were pulled are compared with their hashes first.
        revision: of the hub's data set, in place of the task's own.
        alone: no other task's rows are wanted, as for `load_rows`.
        progress: where to say how far it is; None: nowhere.

    Raises:
        UsageError, HarnessError: as `load_rows`.
    """
    if data != "hub" and Path(data).is_dir():
        folder = task_folder(task, Path(data), alone=alone)
        if damaged := changed(folder):
            said = tuple(
                f"{path} is {'not as it was pulled' if path.is_file() else 'missing'}" for path in damaged
            )
            return Verified(task.name, f"directory: {folder}", 0, task.source.rows, problems=said)
    source = load_rows(task, data, revision=revision, alone=alone)
    tally, problems, samples = _Tally(task), [], 0
    with (progress or Progress(quiet=True)).stage(task.name, source.count) as stage:
        for sample in samples_of(task, tally.over(source)):
            stage.advance()
            if isinstance(sample, FailedRow):
                problems.append(sample.error)
                continue
            samples += 1
            found = (check(task, sample) for check in CHECKS)
            problems += [f"{sample.id}: {why}" for why in found if why is not None]
    return Verified(
        task.name, source.label, tally.rows, task.source.rows, samples, tuple(problems), tuple(tally.known)
    )
