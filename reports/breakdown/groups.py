"""Scores by group (subject, question type): what each task's results report, as rows of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.scores.stats import Estimate
from reports.board.board import Board, Row
from reports.board.metrics import breakdowns
from tasks import CATEGORIES

LEAST = 10
"""Observations that a group needs to be named the lowest, or the widest gap, where any group has so many."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a task, or a whole task that reports none, with each run's score."""

    row: Row
    """The task's."""
    metric: str
    """The breakdown's name; empty: the whole task."""
    key: str
    value: str
    scale: float
    cells: Sequence[Estimate | None]
    """One a run."""
    same: bool
    """Whether all runs that have the task were evaluated on the same samples."""

    @property
    def label(self) -> str:
        """As "MMMU · Art"; a value without letters is named with its key: "MathVision · level 5"."""
        if not self.metric:
            return self.row.label
        bare = self.value and not any(map(str.isalpha, self.value))
        return f"{self.row.label} · {self.key + ' ' if bare and self.key else ''}{self.value or '(none)'}"

    @property
    def id(self) -> tuple[str, str, str]:
        """Unique in a report, and as the page's script names it."""
        return self.row.id, self.metric, self.value

    def percent(self, run: int) -> float | None:
        """A run's score where all right is 100."""
        cell = self.cells[run]
        return None if cell is None or cell.value is None else 100 * cell.value / self.scale

    def n(self, run: int) -> int:
        """A run's observations."""
        cell = self.cells[run]
        return 0 if cell is None else cell.n


def groups(board: Board) -> list[Group]:
    """All groups of all tasks, in the order of the board; a task that reports none is one group."""
    found: list[Group] = []
    for row in board.rows:
        if row.kind == "task":
            found += _of_task(board, row)
    return found


def _of_task(board: Board, row: Row) -> list[Group]:
    line = board.line(row)
    results = [None if cell is None else cell.task for cell in line]
    same = len({(task.fingerprint, task.samples) for task in results if task is not None}) <= 1
    read = [{} if task is None else {part.metric: part for part in breakdowns(task)} for task in results]
    shapes = {name: part for parts in read for name, part in parts.items()}
    found = []
    for name, shape in shapes.items():
        own = [parts[name].parts if name in parts else {} for parts in read]
        for value in sorted({value for parts in own for value in parts}):
            cells = [parts.get(value) for parts in own]
            found.append(Group(row, name, shape.key, value, shape.scale, cells, same))
    whole = [None if cell is None else cell.score for cell in line]
    return found or [Group(row, "", "", "", row.scale, whole, same)]


def lowest(found: Sequence[Group], run: int, most: int = 3) -> list[Group]:
    """A run's groups of the lowest scores; those of few observations only where all have few."""
    scored = [
        (percent, place, group)
        for place, group in enumerate(found)
        if group.row.category in CATEGORIES and (percent := group.percent(run)) is not None
    ]
    enough = [entry for entry in scored if entry[2].n(run) >= LEAST]
    return [group for _, _, group in sorted(enough or scored, key=lambda entry: entry[:2])[:most]]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the best and the worst run are apart in a group."""

    group: Group
    best: int
    worst: int
    points: float


def widest(board: Board, found: Sequence[Group]) -> Gap | None:
    """The group in which complete runs differ most; None where there is none that two of them have."""
    gaps = [gap for group in found if (gap := _gap(board, group)) is not None and gap.points > 0]
    enough = [gap for gap in gaps if min(gap.group.n(gap.best), gap.group.n(gap.worst)) >= LEAST]
    return max(enough or gaps, key=lambda gap: gap.points, default=None)


def _gap(board: Board, group: Group) -> Gap | None:
    if group.row.category not in CATEGORIES or not group.same:
        return None
    scores = [
        (percent, -index)
        for index, run in enumerate(board.runs)
        if run.whole and (percent := group.percent(index)) is not None
    ]
    if len(scores) < 2:
        return None
    (high, best), (low, worst) = max(scores), min(scores)
    return Gap(group, -best, -worst, high - low)
