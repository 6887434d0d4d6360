"""The first sentence of a report: who leads, by how much, and whether that is significant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.scores.table import NOT_SCORED, interval, number
from harness.words import counted
from reports.board.board import Board, Row, label
from tasks import CATEGORIES

if TYPE_CHECKING:
    from harness.compare.comparison import MeanComparison, TaskComparison
    from reports.pairs import Pairings


def headline(board: Board, pairs: Pairings | None) -> str:
    """One sentence on the two best runs, or on the only one.

    Args:
        board: the table.
        pairs: its runs compared two by two; None where there is one.
    """
    if pairs is None:
        return _one_run(board)
    first, second = board.order[:2]
    names = f"{board.runs[first].name} and {board.runs[second].name}"
    found = pairs.of(first, second)
    if found is None or found.comparison is None:
        why = found.why if found is not None else "there are too many samples for all pairs"
        return f"{names} are not compared: {why}"
    tasks = [task for task in found.comparison.tasks.values() if task.difference.value is not None]
    entry: MeanComparison | TaskComparison = found.comparison.overall
    kind, name = "overall", "all"
    if entry.difference.value is None:
        if not tasks:
            return f"{names} have no task in common that could be compared."
        if len(tasks) > 1:
            return f"{names} have no overall score in common: their {len(tasks)} common tasks enter no mean."
        [entry], kind, name = tasks, "task", tasks[0].name
    significant = pairs.sign(first, second, kind, name)
    n = sum(task.n for task in tasks)
    return _two_runs(board, entry, n, found.a == first, bool(significant))


def _two_runs(
    board: Board, entry: TaskComparison | MeanComparison, n: int, leader_is_a: bool, significant: bool
) -> str:
    from harness.compare.table import p_text

    difference = entry.difference
    assert difference.value is not None
    assert difference.low is not None
    assert difference.high is not None
    value, low, high = difference.value, difference.low, difference.high
    if leader_is_a:  # every difference of a comparison is B - A
        value, low, high = -value, -high, -low
    p = p_text(entry.p_adjusted)
    p = f"< {p[1:]}" if p.startswith("<") else f"= {p}"
    paired = f"(95 % CI {low:.1f} to {high:.1f}, p {p}, paired on {counted(n, 'sample')})"
    first, second = (board.runs[index].name for index in board.order[:2])
    if significant:
        leads = (first, second) if value > 0 else (second, first)
        return f"{leads[0]} leads {leads[1]} by {abs(value):.1f} points {paired}."
    text = f"No significant difference between {first} and {second}: {value:+.1f} points {paired}."
    if entry.visible is None:
        return text
    return f"{text} The minimum detectable difference is {entry.visible:.1f} points (80 % power)."


def _one_run(board: Board) -> str:
    top, name = board.rows[0], board.runs[0].name
    cell = board.cells.get((top.id, 0))
    if cell is None or cell.score.value is None:
        return no_score(board)
    what = f"overall on {counted(len(cell.mean.tasks), 'task')}" if cell.mean is not None else f"on {top.label}"
    digits = top.digits
    score = f"{number(cell.score.value, digits)} {what}"
    if cell.score.low is not None:
        score += f" (95 % CI {interval(cell.score, digits)})"
    rows = lowest(board)
    if not rows:
        return f"{name} scores {score}."
    names = [f"{row.label} ({number(board.cells[row.id, 0].score.value, row.digits)})" for row in rows]
    return f"{name} scores {score}; lowest: {', '.join(names)}."


def no_score(board: Board) -> str:
    """Of the first run, which has no score."""
    run = board.runs[0]
    withheld = [label(name) for name, task in run.results.tasks.items() if task.unscored]
    if not withheld:
        return f"{run.name}: no score."
    return f"{run.name} is {NOT_SCORED}: the answers of {', '.join(withheld)} are withheld."


def lowest(board: Board) -> list[Row]:
    """The lowest category and the lowest task of the first run, where there are several."""
    found = []
    for kind in ("category", "task"):
        scored = [
            (cell.score.value / row.scale, place, row)
            for place, row in enumerate(board.rows)
            if row.kind == kind
            and row.category in CATEGORIES
            and (cell := board.cells.get((row.id, 0))) is not None
            and cell.score.value is not None
        ]
        if len(scored) > 1:
            found.append(min(scored)[2])
    return found
