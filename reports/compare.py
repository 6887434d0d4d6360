"""The compare tab: two runs of a report on the same samples, every pair of them computed beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from harness.compare import compare_sides
from harness.compare.comparison import Comparison, MeanComparison, TaskComparison, changes
from harness.compare.pairing import Side, side_of
from harness.compare.table import conclusion, could_see, p_text, signed
from harness.errors import UsageError
from harness.scores.table import interval, number
from reports.board.board import CATEGORY_LABELS, LABELS
from reports.page import Section, markup
from reports.runs import Run

ALL_PAIRS = 4
"""Up to so many runs every pair is compared, whatever their size."""
WORK = 250_000
"""Samples in all pairs: beyond it each run is compared with the first only."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two runs of the report, by position, the earlier one the baseline."""

    a: int
    b: int
    comparison: Comparison | None
    why: str = ""
    """Why there is none."""


def compare_section(runs: Sequence[Run], *, samples: bool = True) -> Section | None:
    """The section of a report; None where there is nothing to compare.

    Args:
        runs: of the report, in its order.
        samples: the report has a sample viewer that flips can link into.

    Intervals and tests are the closed forms; `harness compare` has the bootstrap beside them.
    """
    if len(runs) < 2:
        return None
    pairings = list(_pairings(runs))
    html = markup(
        "compare.html.jinja",
        runs=runs,
        first=pairings[0],
        rows=_first_rows(pairings[0].comparison),
        said=conclusion(pairings[0].comparison) if pairings[0].comparison else "",
        seen=could_see(pairings[0].comparison) if pairings[0].comparison else "",
        all_pairs=len(pairings) == len(runs) * (len(runs) - 1) // 2,
        signed=signed,
        number=number,
        interval=interval,
        p_text=p_text,
    )
    return Section(
        "compare",
        "Compare",
        html,
        data={"compare-data": _data(runs, pairings, samples)},
        scripts=("compare.js",),
        styles=("compare.css",),
    )


def _pairings(runs: Sequence[Run]) -> Iterator[Pairing]:
    sides = [_side(run) for run in runs]
    wanted = list(combinations(range(len(runs)), 2))
    work = sum(min(_size(sides[a]), _size(sides[b])) for a, b in wanted)
    if len(runs) > ALL_PAIRS and work > WORK:
        wanted = [pair for pair in wanted if pair[0] == 0]
    for a, b in wanted:
        one, other = sides[a], sides[b]
        if isinstance(one, str) or isinstance(other, str):
            yield Pairing(a, b, None, one if isinstance(one, str) else str(other))
            continue
        try:
            yield Pairing(a, b, compare_sides(one, other, repeats=0))
        except UsageError as error:
            yield Pairing(a, b, None, str(error).removeprefix(f"{one.path} and {other.path}: "))


def _side(run: Run) -> Side | str:
    """A run to compare, or why it cannot be: its task file is gone."""
    try:
        return side_of(run.path, run.name, run.run, run.items, run.scores, complete=run.finished)
    except UsageError as error:
        return f"{run.name}: {error}"


def _size(side: Side | str) -> int:
    return 0 if isinstance(side, str) else sum(len(task.verdicts) for task in side.tasks.values())


Entry = TaskComparison | MeanComparison


def _first_rows(comparison: Comparison | None) -> list[tuple[str, str, Entry]]:
    """(kind, label, entry) in the order of the table: all, then each category with its tasks."""
    if comparison is None:
        return []
    rows: list[tuple[str, str, Entry]] = [("all", "All tasks", comparison.overall)]
    for name, category in comparison.categories.items():
        rows.append(("category", CATEGORY_LABELS.get(name, name), category))
        rows += [
            ("task", LABELS.get(task.name, task.name), task)
            for task in comparison.tasks.values()
            if task.category == name
        ]
    return rows


def _data(runs: Sequence[Run], pairings: Sequence[Pairing], samples: bool) -> dict[str, Any]:
    return {
        "runs": [
            {"name": run.name, "partial": not run.finished, "missing": run.missing, "synthetic": run.synthetic}
            for run in runs
        ],
        "labels": {**LABELS, **CATEGORY_LABELS, "all": "All tasks"},
        "samples": samples,
        "pairs": [_pair(pairing) for pairing in pairings],
    }


def _pair(pairing: Pairing) -> dict[str, Any]:
    """One pair as the script reads it; it turns the signs where the reader swaps the runs."""
    found: dict[str, Any] = {"a": pairing.a, "b": pairing.b}
    comparison = pairing.comparison
    if comparison is None:
        return {**found, "why": pairing.why}
    certain = {
        (change.kind, change.name): sign
        for sign, better in ((1, True), (-1, False))
        for change in changes(comparison, better=better)
    }
    return {
        **found,
        "all": _mean(comparison.overall, certain.get(("overall", "all"), 0)),
        "groups": [
            {
                "mean": _mean(category, certain.get(("category", name), 0)),
                "tasks": [
                    _task(task, certain.get(("task", task.name), 0))
                    for task in comparison.tasks.values()
                    if task.category == name
                ],
            }
            for name, category in comparison.categories.items()
        ],
        "apart": [[mismatch.task, mismatch.why] for mismatch in comparison.mismatches],
        "onlyA": comparison.only_in_a,
        "onlyB": comparison.only_in_b,
    }


def _entry(entry: Entry, sign: int) -> dict[str, Any]:
    difference = entry.difference
    return {
        "name": entry.name,
        "a": _short(entry.a),
        "b": _short(entry.b),
        "d": [_short(difference.value), _short(difference.low), _short(difference.high)],
        "p": None if difference.value is None else _short(entry.p_adjusted, 5),
        "sees": _short(entry.visible),
        "certain": sign,
    }


def _task(task: TaskComparison, sign: int) -> dict[str, Any]:
    cells = [task.both_right, task.only_a, task.only_b, task.both_wrong]
    left = [len(task.only_in_a), len(task.only_in_b), task.mismatched, task.unanswered]
    return {**_entry(task, sign), "n": task.n, "cells": cells, "left": left, "test": task.test}


def _mean(mean: MeanComparison, sign: int) -> dict[str, Any]:
    return {**_entry(mean, sign), "of": len(mean.tasks), "missing": mean.missing}


def _short(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
