"""What is trained on where it is the tasks' own: drawings, or rows of a directory or of the hub's train splits.

Rows come from `harness.data` and become samples by the task itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

from harness.data import load_rows
from harness.errors import HarnessError
from harness.run.items import FailedRow
from harness.run.media import ImageStore
from harness.run.plan import samples_of
from tasks.images import ImageRef
from tasks.types import RowError, Sample, Task
from training.data.prompt_stream import Problems

MAX_ROWS = 500_000
"""Questions of a finite source that are held."""


class DrawnProblems:
    """Synthetic rows of a task's training seeds, without end. See `training.data.prompt_stream.Problems`."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.size: int | None = None
        self._seed = seed
        load_rows(task, "synthetic", seed=seed, split="train")  # no drawings of this task: said now

    def sample(self, index: int) -> Sample:
        """One of the samples of row `index`, by the seed."""
        from harness.data.synthetic import synthetic_row

        row = synthetic_row(self.task.name, index, seed=self._seed, split="train")
        samples = list(self.task.to_samples(row))
        if not samples:
            raise RowError(f"row {index} gives no sample")
        return Random(f"{self._seed}/{index}").choice(samples)  # noqa: S311 - not a secret


class HeldProblems:
    """Samples that are held in memory, their images outside it. See `training.data.prompt_stream.Problems`."""

    def __init__(self, task: Task, samples: Sequence[Sample]) -> None:
        self.task = task
        self._samples = samples
        self.size: int | None = len(samples)

    def sample(self, index: int) -> Sample:
        """Sample `index`, with images that will be read afresh."""
        sample = self._samples[index]
        return replace(sample, images=tuple(map(unread, sample.images)))


def unread(image: ImageRef) -> ImageRef:
    """An image that has not been read: a reference to a file keeps its bytes, and memory is to stay flat."""
    return ImageRef(image.path) if image.path is not None else image


def load_problems(
    tasks: Iterable[Task], data: str, *, seed: int, folder: Path
) -> tuple[list[Problems], list[FailedRow]]:
    """The questions of tasks, and the rows that cannot be asked.

    Args:
        tasks: whose rows.
        data: `synthetic`, `hub` (train splits) or a directory.
        seed: of the drawings.
        folder: where a temporary file of images may lie; it has no name and goes with the process.

    Raises:
        UsageError: there is no such source, or it does not hold a task.
        HarnessError: the hub cannot be reached, or a task has no rows.
    """
    if data == "synthetic":
        return [DrawnProblems(task, seed) for task in tasks], []
    store = ImageStore(folder)
    problems: list[Problems] = []
    failed: list[FailedRow] = []
    for task in tasks:
        held: list[Sample] = []
        for draft in islice(samples_of(task, load_rows(task, data, split="train")), MAX_ROWS):
            if isinstance(draft, FailedRow):
                failed.append(replace(draft, error=f"{task.name}: {draft.error}"))
                continue
            images = tuple(image if image.path is not None else store.keep(image) for image in draft.images)
            held.append(replace(draft, images=images))
        if not held:
            raise HarnessError(f"{task.name}: no rows to train on in {data}")
        problems.append(HeldProblems(task, held))
    return problems, failed
