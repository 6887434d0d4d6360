"""Where rows come from: the hub, a directory, or drawings made on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from harness.data.base import BadRow, RowSource
from harness.errors import UsageError
from tasks.types import Row, Task

__all__ = ["BadRow", "RowSource", "load_rows"]


def load_rows(
    task: Task,
    data: str,
    *,
    seed: int = 0,
    split: Literal["test", "train"] = "test",
    limit: int | None = None,
    revision: str | None = None,
    alone: bool = False,
    outside_images: bool = False,
) -> RowSource:
    """The rows of a task.

    Args:
        task: the benchmark.
        data: `hub`, `synthetic`, or a directory with a folder per task; a task that brings its own rows has
            them from there only where it is a directory.
        seed: of the drawings.
        split: `train` gives the benchmark's training split, or drawings from seeds of their own.
        limit: how many rows will be wanted. A hint: drawings end there (rounded up, so that no MMBench
            rotation is missing) and are endless without it; other sources give all their rows.
        revision: of the hub's data set, in place of the task's own.
        alone: no other task's rows are wanted: a directory may then be the task's own folder under any name.
        outside_images: images of a directory may lie outside it.

    Raises:
        UsageError: there is no such source, or it does not hold the task.
        HarnessError: the hub cannot be reached.
    """
    if task.rows is not None:
        own: RowSource = task.rows(data)
        return own
    if data == "synthetic":
        return _synthetic(task, seed, split, limit)
    if data == "hub":
        from harness.data.hub import hub_rows

        return hub_rows(task, split=split, revision=revision)
    if not Path(data).is_dir():
        known = "hub, synthetic or a directory with a folder per task"
        raise UsageError(f"--data {data}: no such directory (give {known})")
    from harness.data.directory import directory_rows

    return directory_rows(task, Path(data), split=split, alone=alone, outside=outside_images)


def _synthetic(task: Task, seed: int, split: Literal["test", "train"], limit: int | None) -> RowSource:
    from harness.data import synthetic

    synthetic.synthetic_row(task.name, 0, seed=seed, split=split)  # an unknown task is an error now, not later
    rows = None if limit is None else synthetic.unit_end(task.name, limit)

    def open_rows() -> Iterator[Row | BadRow]:
        return islice(synthetic.synthetic_rows(task.name, seed=seed, split=split), rows)

    what = f"{synthetic.drawing_fingerprint()}/{split}/{seed}/{task.name}"
    fingerprint = hashlib.sha256(what.encode()).hexdigest()
    return RowSource(open_rows, fingerprint, "synthetic", synthetic=True, count=rows)
