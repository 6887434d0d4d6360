"""The compare tab: the runs of a report on the same samples, every pair of them computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.compare.comparison import Comparison, MeanComparison, TaskComparison
from harness.compare.table import Entry, conclusion, could_see, p_text, signed
from harness.scores.table import interval, number
from reports.board.board import CATEGORY_LABELS, LABELS
from reports.page import Section, markup
from reports.pairs import Pairing, Pairings
from reports.runs import Run
from tasks import CATEGORIES


def compare_section(
    runs: Sequence[Run], pairs: Pairings, opened: tuple[int, int], *, samples: bool = True
) -> Section:
    """The section of a report of several runs.

    Args:
        runs: of the report, in its order.
        pairs: of them, compared.
        opened: the pair that is shown first, the earlier run as the baseline.
        samples: the report has a sample viewer that flips can link into.
    """
    first = pairs.of(*opened)
    comparison = first.comparison if first is not None else None
    html = markup(
        "compare.html.jinja",
        runs=runs,
        opened=opened,
        rows=_first_rows(comparison) if comparison is not None and comparison.tasks else [],
        verdict=_verdict(first),
        detectable=could_see(comparison) if comparison is not None else "",
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
        data={"compare-data": {**_data(runs, pairs.all, samples), "opened": opened}},
        scripts=("compare.js",),
        styles=("compare.css",),
    )


def _verdict(pairing: Pairing | None) -> str:
    if pairing is None:
        return "This pair is not in this report: harness compare BASE RUN."
    return f"Not comparable: {pairing.why}" if pairing.comparison is None else conclusion(pairing.comparison)


def _first_rows(comparison: Comparison) -> list[tuple[str, str, Entry]]:
    """(kind, label, entry) in the order of the table: overall, then each category with its tasks."""
    rows: list[tuple[str, str, Entry]] = [("all", "Overall", comparison.overall)]
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
            {
                "name": run.name,
                "partial": not run.finished,
                "missing": run.missing,
                "synthetic": run.synthetic,
                "prompt": run.run["config"].get("prompt"),
                "coords": run.run.get("coords"),
            }
            for run in runs
        ],
        "labels": {**LABELS, **CATEGORY_LABELS, "all": "Overall"},
        "samples": samples,
        "pairs": [_pair(pairing) for pairing in pairings],
    }


def _pair(pairing: Pairing) -> dict[str, Any]:
    """One pair as the script reads it; it turns the signs where the reader swaps the runs."""
    found: dict[str, Any] = {"a": pairing.a, "b": pairing.b}
    comparison = pairing.comparison
    if comparison is None:
        return {**found, "why": pairing.why}
    signs = pairing.significant or {}
    return {
        **found,
        "all": _mean(comparison.overall, signs.get(("overall", "all"), 0)),
        "groups": [
            {
                "mean": _mean(category, signs.get(("category", name), 0)),
                "tasks": [
                    _task(task, signs.get(("task", task.name), 0))
                    for task in comparison.tasks.values()
                    if task.category == name
                ],
            }
            for name, category in comparison.categories.items()
        ],
        "others": [_task(task, signs.get(("task", task.name), 0)) for task in _others(comparison)],
        "mismatches": [
            {"task": each.task, "why": each.why, "paired": each.task in comparison.tasks}
            for each in comparison.mismatches
        ],
        "prompts": [each.task for each in comparison.prompts],
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
        "detectable": _short(entry.visible),
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
