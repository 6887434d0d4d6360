"""What controls cost a score: runs whose samples were changed on purpose, paired with the run as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.compare.comparison import Comparison, MeanComparison, TaskComparison, as_json
from harness.compare.pairing import Asked, Side, read_side
from harness.compare.runs import compare_sides
from harness.compare.table import p_text, signed
from harness.control import CONTROLS, Control, short
from harness.errors import UsageError
from harness.scores.table import interval, number
from harness.terminal import Cell, Column, Row, Screen, table, wrapped

_COLUMNS = (
    Column("task"),
    Column("control", left=True),
    Column("n", 2),
    Column("base"),
    Column("score"),
    Column("Δ"),
    Column("95 % CI", 1),
    Column("p (Holm)", 1),
)
_NOTE = (
    "Δ: with the control minus without it, paired on the samples that it changes. What is left "
    "without the right image is the text's own share (a text-only prior); what shuffled options cost is "
    "position bias."
)


def compare_controls(base: Path, controls: Mapping[Control, Path]) -> dict[Control, Comparison]:
    """Compare each control's run with the run without one, on the samples that the control changes.

    Args:
        base: the run as it is.
        controls: control → its run; those that apply to no task are left out.

    Raises:
        UsageError: a folder holds no run, or no run of that control.
        HarnessError: a file of a run cannot be read.
    """
    plain, found = read_side(base), {}
    for control, path in controls.items():
        side = read_side(path)
        if plain.control is not None or side.control != control:
            raise UsageError(f"{base} and {path}: not a run and its control {control}")
        found[control] = compare_sides(plain, _asked_alike(plain, side), allow_mismatch=True, repeats=0)
    return found


def _asked_alike(base: Side, control: Side) -> Side:
    """A control's run as if it had asked what the base asked, where it changed something; elsewhere not."""
    tasks = {
        name: replace(task, asked=_as_asked(base.tasks[name].asked, task.asked))
        for name, task in control.tasks.items()
        if name in base.tasks
    }
    return replace(control, tasks=tasks, control=None)


def _as_asked(base: Asked, control: Asked) -> Asked:
    there = control.places_in(base)
    alike = copy(control)
    mine, theirs = (
        [np.frombuffer(column, np.uint64) for column in (asked.prompts, asked.images, asked.contents)]
        for asked in (control, base)
    )
    changed = (there >= 0) & (theirs[1][there] != mine[1]) | (theirs[0][there] != mine[0])
    columns = [np.where(changed, their[there], my) for my, their in zip(mine, theirs, strict=True)]
    # Pairs need equal images: what was not changed leaves by having others.
    columns[1] = np.where(changed, columns[1], columns[1] + np.uint64(1))
    alike.prompts, alike.images, alike.contents = (type(control.ids)("Q", found.tobytes()) for found in columns)
    return alike


def lines(
    comparisons: Mapping[Control, Comparison], tasks: Mapping[str, str], where: Screen | None = None
) -> Iterator[str]:
    """What was found, as a table: a line for each task or mean and control.

    Args:
        comparisons: of `compare_controls`.
        tasks: of the base run → category.
        where: the screen; None: one of 80 columns without colour.
    """
    where = where or Screen()
    rows: list[Row] = []
    for task in tasks:
        for control in CONTROLS:
            found = comparisons.get(control)
            rows.append(_row(task, control, found.tasks.get(task) if found is not None else None))
    rows.append(None)
    for name in (*dict.fromkeys(tasks.values()), "all"):
        for control, found in comparisons.items():
            mean = found.overall if name == "all" else found.categories.get(name)
            if mean is not None and mean.difference.value is not None:
                rows.append(_row("overall" if name == "all" else name, control, mean))
    yield from table(_COLUMNS, rows, where)
    yield ""
    yield from wrapped(_NOTE, where)


def _row(name: str, control: Control, found: TaskComparison | MeanComparison | None) -> Row:
    if found is None or (isinstance(found, TaskComparison) and not found.n):
        return name, short(control), "", "", "", "", Cell("not applicable", "soft"), ""
    count = found.n if isinstance(found, TaskComparison) else len(found.tasks)
    return (
        name,
        short(control),
        str(count),
        number(found.a),
        number(found.b),
        signed(found.difference.value),
        interval(found.difference),
        p_text(found.p_adjusted),
    )


def controls_json(comparisons: Mapping[Control, Comparison], tasks: Mapping[str, str]) -> dict[str, Any]:
    """The same as plain JSON: for each control its comparison, and the tasks to which it does not apply."""
    return {
        control: {
            **(as_json(comparisons[control]) if control in comparisons else {}),
            "not_applicable": [
                task
                for task in tasks
                if control not in comparisons
                or (found := comparisons[control].tasks.get(task)) is None
                or not found.n
            ],
        }
        for control in CONTROLS
    }
