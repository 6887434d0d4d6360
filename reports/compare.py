"""The compare tab: two runs of a report on the same samples, every pair of them computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.compare.comparison import Comparison, MeanComparison, TaskComparison
from harness.compare.table import conclusion, could_see, p_text, signed
from harness.scores.table import interval, number
from reports.board.board import CATEGORY_LABELS, LABELS
from reports.page import Section, markup
from reports.pairs import Pairing, Pairings
from reports.runs import Run
from tasks import CATEGORIES


def compare_section(runs: Sequence[Run], pairs: Pairings, *, samples: bool = True) -> Section:
    """The section of a report of several runs.

    Args:
        runs: of the report, in its order.
        pairs: of them, compared.
        samples: the report has a sample viewer that flips can link into.
    """
    pairings = pairs.all
    html = markup(
        "compare.html.jinja",
        runs=runs,
        first=pairings[0],
        rows=_first_rows(pairings[0].comparison),
        said=conclusion(pairings[0].comparison) if pairings[0].comparison else "",
        seen=could_see(pairings[0].comparison) if pairings[0].comparison else "",
        all_pairs=pairs.complete,
        hub=runs[pairs.first].name,
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
    rows += [("task", task.name, task) for task in _others(comparison)]
    return rows


def _others(comparison: Comparison) -> list[TaskComparison]:
    """The tasks outside the six categories."""
    return [task for task in comparison.tasks.values() if task.category not in CATEGORIES]


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
    certain = pairing.significant or {}
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
        "others": [_task(task, certain.get(("task", task.name), 0)) for task in _others(comparison)],
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
        "p": None if difference.value is None else _p(entry.p_adjusted),
        "sees": _short(entry.visible),
        "certain": sign,
    }


def _task(task: TaskComparison, sign: int) -> dict[str, Any]:
    cells = [task.both_right, task.only_a, task.only_b, task.both_wrong]
    left = [len(task.only_in_a), len(task.only_in_b), task.mismatched, task.unanswered]
    return {**_entry(task, sign), "n": task.n, "cells": cells, "left": left, "test": task.test}


def _mean(mean: MeanComparison, sign: int) -> dict[str, Any]:
    return {**_entry(mean, sign), "of": len(mean.tasks), "missing": mean.missing}


def _short(value: float | None) -> float | None:
    """Rounded here as on the terminal, so that the script's own rounding cannot give another digit."""
    return None if value is None else round(value, 1) + 0.0


def _p(p: float) -> float:
    return 0.0 if p < 0.001 else float(p_text(p))
