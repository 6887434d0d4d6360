"""A task's metrics but the headline, and which of them break its score down by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.scores.results import TaskResult
from harness.scores.stats import Estimate
from reports.board.board import Board, Row, definition


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A metric of one number a group."""

    metric: str
    key: str
    """The group key of the samples that it divides; empty where only the task's own code knows."""
    scale: float
    """What all right is displayed as."""
    parts: Mapping[str, Estimate]


def breakdowns(result: TaskResult) -> Iterator[Breakdown]:
    """What a result reports by group; of several rules for one group key the headline's, which come first."""
    task, seen = definition(result), set()
    defined = {} if task is None else {metric.name: metric for metric in task.metrics}
    for name, parts in result.metrics.items():
        if isinstance(parts, Estimate):
            continue
        known = defined.get(name)
        key = (known.by or "") if known is not None else ""
        if key and key in seen:
            continue
        seen.add(key)
        yield Breakdown(name, key, known.scale if known is not None else result.scale, parts)


def metrics(board: Board, row: Row) -> list[dict[str, Any]]:
    """A task's metrics but the headline: [{name, groups: [[group, [score, low, high, n] of each run]]}].

    One that the breakdown shows also has `by`, the samples' group key, and `scale`.
    """
    results = [None if cell is None else cell.task for cell in board.line(row)]
    shown = {part.metric: part for result in results if result is not None for part in breakdowns(result)}
    groups: dict[str, dict[str, list[list[float | None] | None]]] = {}
    for index, result in enumerate(results):
        for name, metric in (result.metrics if result is not None else {}).items():
            parts = {"": metric} if isinstance(metric, Estimate) else metric
            for group, estimate in parts.items() if name != row.metric else ():
                line = groups.setdefault(name, {}).setdefault(group, [None] * len(results))
                line[index] = _rounded(estimate, row.digits + 1)
    return [
        {
            "name": name,
            "groups": sorted(parts.items()),
            **({"by": shown[name].key, "scale": shown[name].scale} if name in shown else {}),
        }
        for name, parts in groups.items()
    ]


def _rounded(estimate: Estimate, digits: int) -> list[float | None] | None:
    if estimate.value is None:
        return None
    parts = (estimate.value, estimate.low, estimate.high)
    return [*(None if part is None else round(part, digits) for part in parts), estimate.n]
