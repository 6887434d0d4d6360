"""What the terminal shows below the table of scores: several responses to each sample, a judge's verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from harness.scores.results import JudgeResult, Repeats, Results, TaskResult
from harness.scores.stats import Estimate
from harness.scores.table import digits_of, interval, number, percent
from harness.terminal import Cell, Column, Screen, table, wrapped

_ABOUT_REPEATS = (
    "pass@k: a response is right from a score of 0.5 on. maj@K: the score of the most frequent answer. "
    "Consistency: per cent of the pairs of responses with the same answer. results.json has all k."
)
_ABOUT_JUDGE = (
    "Judge: a judge model's verdicts; no score above is made of them. Failed: errors, time-outs, replies "
    "without a verdict, excluded from the judge's n. Not asked: no answer to judge, counted 0. Ours: the score "
    "above; in the second table and in the agreement, value."
)


def further(results: Results, where: Screen | None = None) -> Iterator[str]:
    """The tables line by line; nothing where each sample was asked once and no judge was.

    Args:
        results: of the run.
        where: 80 columns without colour by default.
    """
    where = where or Screen()
    tasks = results.tasks.values()
    yield from _repeated([(task, task.repeats) for task in tasks if task.repeats is not None], where)
    yield from _judged([(task, task.judge) for task in tasks if task.judge is not None], where)


def _repeated(tasks: list[tuple[TaskResult, Repeats]], where: Screen) -> Iterator[str]:
    if not tasks:
        return
    k = tasks[0][1].epochs
    names = (f"mean@{k}", f"pass@{k}", f"maj@{k}", "consistency")
    columns = [Column("task")]
    for place, name in enumerate(names):
        columns += [Column(name), Column("95 %", 1 + place)]
    rows = []
    for task, repeats in tasks:
        digits = digits_of(task.scale)
        shown = [(each, digits) for each in (task.score, repeats.pass_at[k], repeats.majority)]
        cells = [cell for each in (*shown, (repeats.consistency, 1)) for cell in _estimated(*each)]
        rows.append([task.name, *cells])
    yield ""
    yield from table(columns, rows, where)
    yield from wrapped(_ABOUT_REPEATS, where)


def _estimated(estimate: Estimate, digits: int) -> tuple[Cell | str, str]:
    bounds = interval(estimate, digits).replace(" – ", "–") if estimate.value is not None else ""
    return Cell(number(estimate.value, digits), "bold"), bounds


def _judged(tasks: list[tuple[TaskResult, JudgeResult]], where: Screen) -> Iterator[str]:
    if not tasks:
        return
    columns = (
        Column("judged task"),
        Column("judge"),
        Column("95 % interval", 4),
        Column("n", 3),
        Column("ours", 1),
        Column("judged"),
        Column("failed"),
        Column("not asked"),
        Column("agreement"),
        Column("kappa", 2),
    )
    cells = ("task", "both right", "judge only", "ours only", "both wrong")
    yield ""
    yield from table(columns, [_judge(*each) for each in tasks], where)
    yield ""
    yield from table([Column(name) for name in cells], [_confusion(*each) for each in tasks], where)
    yield from wrapped(_ABOUT_JUDGE, where)
    for task, judge in tasks:
        yield from wrapped(f"{task.name}: judged by {judge.model}, rubric {judge.prompt}", where)
        if judge.errors:
            yield from wrapped(
                f"{task.name}: the judge failed on {judge.failed}; first: {judge.errors[0]}", where
            )


def _judge(task: TaskResult, judge: JudgeResult) -> list[Cell | str]:
    digits = digits_of(task.scale)
    return [
        task.name,
        Cell(number(judge.score.value, digits), "bold"),
        interval(judge.score, digits),
        str(judge.score.n),
        number(task.score.value, digits),
        str(judge.judged),
        Cell(str(judge.failed), "bad" if judge.failed else "soft"),
        str(judge.not_asked),
        number(None) if judge.agreement is None else percent(judge.agreement),
        number(judge.kappa, 2),
    ]


def _confusion(task: TaskResult, judge: JudgeResult) -> list[str]:
    counts = (judge.both_right, judge.judge_only, judge.value_only, judge.both_wrong)
    return [task.name, *map(str, counts)]
