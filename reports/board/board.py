"""The table of a report: rows (the mean, six categories, their tasks) × runs, with rank intervals."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, Literal

from harness.columns import sorted_column
from harness.scores.results import CategoryResult, Results, TaskResult
from harness.scores.stats import Estimate
from harness.scores.table import digits_of
from reports.runs import Run
from tasks import BUILTIN, CATEGORIES, Task, load_builtin

LABELS = {
    "mmmu": "MMMU",
    "mmbench": "MMBench",
    "mmstar": "MMStar",
    "mathvista": "MathVista",
    "mathverse": "MathVerse",
    "mathvision": "MathVision",
    "ai2d": "AI2D",
    "chartqa": "ChartQA",
    "charxiv": "CharXiv",
    "docvqa": "DocVQA",
    "ocrbench": "OCRBench",
    "infovqa": "InfoVQA",
    "embspatial": "EmbSpatial",
    "refspatial": "RefSpatial",
    "robospatial": "RoboSpatial",
    "refcoco": "RefCOCO",
    "refcoco+": "RefCOCO+",
    "refcocog": "RefCOCOg",
}
CATEGORY_LABELS = {
    "general_vqa": "General VQA",
    "math": "Math",
    "chart": "Chart",
    "document": "Document",
    "spatial": "Spatial",
    "grounding": "Grounding",
    "other": "Other",
}
Kind = Literal["mean", "category", "task"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    kind: Kind
    name: str
    """The task's or category's; of the mean of all "all"."""
    label: str
    category: str = ""
    """Of a task or category; empty for the mean of all."""
    scale: float = 100.0
    about: str = ""
    """What is measured: a task's title, the tasks of a mean."""
    metric: str = ""
    """A task's headline."""

    @property
    def id(self) -> str:
        """Unique in the table."""
        return f"{self.kind}:{self.name}"

    @property
    def digits(self) -> int:
        """Decimals of its scores."""
        return digits_of(self.scale)


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of a run: from `best` to `worst` among `of` runs evaluated on the same samples."""

    best: int
    worst: int
    of: int

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from request to response, over the responses of a task or a run."""

    n: int
    mean: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One run's number in one row."""

    score: Estimate
    """In the row's units; no number where nothing had a verdict."""
    task: TaskResult | None = None
    mean: CategoryResult | None = None
    value: Estimate | None = None
    """The headline by our rule, where the task has it by both."""
    official: Estimate | None = None
    """The headline by the benchmark's own rule, where the task has it by both."""
    tokens: float | None = None
    """Mean response length; of a mean, the plain mean of its tasks'."""
    latency: Latency | None = None
    seconds: float | None = None
    """Mean latency; of a mean, the plain mean of its tasks'."""
    rank: Rank | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The table."""

    runs: Sequence[Run]
    rows: Sequence[Row]
    cells: Mapping[tuple[str, int], Cell]
    """(row id, position of the run) → cell; runs that do not have a row have no cell."""
    latencies: Sequence[Latency | None]
    """Of each run, over all its responses."""

    def line(self, row: Row) -> list[Cell | None]:
        """A row's cells, one a run."""
        return [self.cells.get((row.id, index)) for index in range(len(self.runs))]

    @property
    def order(self) -> list[int]:
        """Positions of the runs, best mean first; runs that stand apart or have no mean come last."""

        def key(index: int) -> tuple[bool, float]:
            mean = self.runs[index].results.mean.score.value
            return not self.runs[index].whole or mean is None, -(mean or 0.0)

        return sorted(range(len(self.runs)), key=key)


def make_board(runs: Sequence[Run], *, timed: bool = True) -> Board:
    """The table of some runs.

    Args:
        runs: in the order given.
        timed: read latencies from the journals too.
    """
    rows = list(_rows(runs))
    cells: dict[tuple[str, int], Cell] = {}
    latencies = []
    for index, run in enumerate(runs):
        read = {name: _seconds(run, name) if timed else array("d") for name in run.results.tasks}
        for row in rows:
            cell = _cell(row, run.results, {name: _latency(found) for name, found in read.items()})
            if cell is not None:
                cells[row.id, index] = cell
        latencies.append(_latency(array("d", chain.from_iterable(read.values()))))
    for row in rows:
        _rank(row, runs, cells)
    return Board(runs, rows, cells, latencies)


def _rows(runs: Sequence[Run]) -> Iterator[Row]:
    found: dict[str, TaskResult] = {}
    for run in runs:
        for name, result in run.results.tasks.items():
            found.setdefault(name, result)
    order = list(BUILTIN)
    tasks = sorted(
        found.values(), key=lambda task: (order.index(task.name) if task.name in order else 99, task.name)
    )
    if sum(task.category in CATEGORIES for task in tasks) > 1:
        yield Row("mean", "all", "Overall", about="plain mean of the tasks' headlines, in per cent")
    categories = dict.fromkeys([*CATEGORIES, *(task.category for task in tasks)])
    for category in categories:
        here = [task for task in tasks if task.category == category]
        if category in CATEGORIES and (len(here) > 1 or (here and len(tasks) > len(here))):
            names = ", ".join(label(task.name) for task in here)
            yield Row(
                "category",
                category,
                CATEGORY_LABELS.get(category, category),
                category,
                about=f"mean of {names}",
            )
        for task in here:
            about = known.title if (known := definition(task)) is not None else ""
            yield Row("task", task.name, label(task.name), category, task.scale, about, task.headline)


def label(task: str) -> str:
    """A task's name as its authors write it."""
    return LABELS.get(task, task)


def _cell(row: Row, results: Results, latencies: Mapping[str, Latency | None]) -> Cell | None:
    if row.kind == "task":
        task = results.tasks.get(row.name)
        if task is None:
            return None
        latency = latencies[row.name]
        value, official = _both(task)
        seconds = latency.mean if latency is not None else None
        return Cell(task.score, task, None, value, official, task.completion_tokens, latency, seconds)
    mean = results.mean if row.kind == "mean" else results.categories.get(row.name)
    if mean is None:
        return None
    tokens = [results.tasks[name].completion_tokens for name in mean.tasks]
    seconds_of = [None if (each := latencies[name]) is None else each.mean for name in mean.tasks]
    return Cell(mean.score, mean=mean, tokens=_mean(tokens), seconds=_mean(seconds_of))


def _mean(values: Sequence[float | None]) -> float | None:
    """The plain mean, none where a part of it is missing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def definition(result: TaskResult) -> Task | None:
    """The built-in task of a result; others' code is not loaded for a report."""
    if result.name not in BUILTIN:
        return None
    task = _builtin(result.name)
    return task if task.headline.name == result.headline else None


@cache
def _builtin(name: str) -> Task:
    return load_builtin(name)


def _both(result: TaskResult) -> tuple[Estimate | None, Estimate | None]:
    """The headline by our rule and by the official one; none where there is only one of them."""
    task = definition(result)
    if task is None:
        return None, None
    headline = task.headline
    # What grounding counts officially is whether the IoU reaches a half; its value is the IoU itself.
    twins = ("value", "iou") if headline.of == "official" else ("official",)
    for metric in task.metrics:
        same = (metric.reduce, metric.by, metric.where) == (headline.reduce, headline.by, headline.where)
        other = result.metrics.get(metric.name)
        if same and metric.of in twins and isinstance(other, Estimate) and other.value is not None:
            return (other, result.score) if headline.of == "official" else (result.score, other)
    return None, None


def _seconds(run: Run, task: str) -> array[float]:
    return array("d", run.responses(task).seconds())


def _latency(seconds: array[float]) -> Latency | None:
    if not seconds:
        return None
    ordered = sorted_column(seconds)
    count = len(ordered)
    return Latency(
        count,
        sum(ordered) / count,
        (ordered[(count - 1) // 2] + ordered[count // 2]) / 2,
        ordered[min(count - 1, int(0.95 * count))],
    )


def rank_intervals(scores: Sequence[Estimate]) -> list[tuple[int, int]]:
    """The rank of each score, from best to worst: scores whose 95 % intervals overlap tie.

    One is surely before another where its whole interval lies above. The best rank counts those surely
    before, the worst those not surely behind. Every score must have a number.
    """
    highs = [_bound(score.high) for score in scores]
    lows = [_bound(score.low) for score in scores]
    return [
        (1 + sum(other > high for other in lows), len(scores) - sum(other < low for other in highs))
        for low, high in zip(lows, highs, strict=True)
    ]


def _bound(value: float | None) -> float:
    assert value is not None
    return value


def _rank(row: Row, runs: Sequence[Run], cells: dict[tuple[str, int], Cell]) -> None:
    """Rank the runs of a row among those evaluated on the same samples; a run alone has no rank."""
    groups: dict[Any, list[int]] = {}
    for index, run in enumerate(runs):
        cell = cells.get((row.id, index))
        if cell is not None and cell.score.low is not None and run.whole:
            groups.setdefault(_asked(cell, run), []).append(index)
    for members in groups.values():
        if len(members) == 1:
            continue
        found = rank_intervals([cells[row.id, index].score for index in members])
        for index, (best, worst) in zip(members, found, strict=True):
            key = (row.id, index)
            cells[key] = replace(cells[key], rank=Rank(best, worst, len(members)))


def _asked(cell: Cell, run: Run) -> tuple[Any, ...]:
    """What a number is about: equal for numbers that can be ranked."""
    results = run.results.tasks
    names = (
        [cell.task.name] if cell.task is not None else list(cell.mean.tasks if cell.mean is not None else ())
    )
    return tuple((name, results[name].fingerprint, results[name].samples) for name in sorted(names))
