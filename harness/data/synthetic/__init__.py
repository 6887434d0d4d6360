"""Rows drawn on the spot, in the hub's exact column schema: for the embedded default, tests and training.

Endless, seeded, and the same in every process: row i of a task is a function of (split, seed, task, i) alone,
so that it can be drawn without the rows before it. Train and test rows come from disjoint seeds. They are not
the benchmark, and every artifact made from them says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Literal

from harness.data.synthetic import chart, document, general, grounding, maths, spatial
from harness.errors import UsageError, nearest

Split = Literal["train", "test"]
Drawer = Callable[[Random, int], dict[str, Any]]
"""(random numbers of this row, row number) → the row."""

DRAWERS: dict[str, Drawer] = {
    "mmmu": general.mmmu,
    "mmbench": general.mmbench,
    "mmstar": general.mmstar,
    "mathvista": maths.mathvista,
    "mathverse": maths.mathverse,
    "mathvision": maths.mathvision,
    "ai2d": chart.ai2d,
    "chartqa": chart.chartqa,
    "charxiv": chart.charxiv,
    "docvqa": document.docvqa,
    "ocrbench": document.ocrbench,
    "infovqa": document.infovqa,
    "embspatial": spatial.embspatial,
    "refspatial": spatial.refspatial,
    "robospatial": spatial.robospatial,
    "refcoco": grounding.refcoco,
    "refcoco+": grounding.refcoco_plus,
    "refcocog": grounding.refcocog,
}
_GROUPS: dict[str, Callable[[int], int]] = {
    "mmbench": general.mmbench_group,
    "mathverse": maths.mathverse_problem,
}
"""Tasks in which several consecutive rows show one picture: row number → the number that seeds them."""


def synthetic_row(task_name: str, index: int, *, seed: int = 0, split: Split = "test") -> dict[str, Any]:
    """Row `index` (from 0) of a task.

    Raises:
        UsageError: no drawings exist for the task.
    """
    try:
        drawer = DRAWERS[task_name]
    except KeyError:
        hint = nearest(task_name, DRAWERS)
        raise UsageError(f"no synthetic rows for task {task_name!r}{hint} (use --data hub or DIR)") from None
    group = _GROUPS[task_name](index) if task_name in _GROUPS else index
    # A text seed is hashed with SHA-512 by Random: the same in every process and on every platform.
    return drawer(Random(f"{split}/{seed}/{task_name}/{group}"), index)  # noqa: S311


def synthetic_rows(task_name: str, *, seed: int = 0, split: Split = "test") -> Iterator[dict[str, Any]]:
    """The rows of a task, without end.

    Raises:
        UsageError: no drawings exist for the task.
    """
    for index in count():
        yield synthetic_row(task_name, index, seed=seed, split=split)


def unit_end(task_name: str, rows: int) -> int:
    """The smallest number of rows, at least `rows`, that cuts no group of rows with one picture in two."""
    if task_name not in _GROUPS or rows <= 0:
        return max(rows, 0)
    group = _GROUPS[task_name]
    while group(rows) == group(rows - 1):
        rows += 1
    return rows


@cache
def drawing_fingerprint() -> str:
    """SHA-256 over this package's source: it changes when drawings may."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
