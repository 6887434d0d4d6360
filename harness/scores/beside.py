"""A task's result whole: its metrics, and beside them what asking several times and a judge model show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import mul

from harness.scores import aggregate
from harness.scores.aggregate import Table, estimate_of, matches, number_of, observations_of, observed
from harness.scores.repeats import Vote, ballot, consistency, majority, pass_at, powers
from harness.scores.results import JudgeResult, Repeats, TaskResult
from harness.scores.rulings import JUDGE, Rulings, judge_result
from harness.scores.stats import Estimate
from harness.scores.verdicts import Verdicts
from tasks.types import Metric, Task


def task_result(task: Task, verdicts: Verdicts, *, data: str, fingerprint: str, synthetic: bool) -> TaskResult:
    """All numbers of one task; arguments as of `aggregate.task_result`."""
    found = aggregate.task_result(task, verdicts, data=data, fingerprint=fingerprint, synthetic=synthetic)
    several = max(verdicts.epochs, default=0) > 0 and task.headline.aggregate is None
    if not several and verdicts.rulings is None:
        return found
    table = Table(task, verdicts)
    return replace(
        found,
        repeats=_repeats(table) if several else None,
        judge=_judge(table, verdicts.rulings) if verdicts.rulings is not None else None,
    )


def _repeats(table: Table) -> Repeats:
    metric, rows, epochs = table.task.headline, table.counted, max(table.verdicts.epochs) + 1
    passes = {
        k: estimate_of(table, metric, observations_of(table, metric, rows, take=partial(pass_at, k)))
        for k in powers(epochs)
    }
    voted, agreed = [], []
    for row, votes in _votes(table, metric, rows):
        if len(votes) == epochs:
            voted.append((row, majority(votes)))
        if (share := consistency(votes)) is not None:
            agreed.append((row, share))
    plain = replace(metric, reduce="mean", by=None, scale=100.0)
    return Repeats(
        epochs,
        passes,
        # Ties of two members are broken independently, so both are right with the product of their scores.
        estimate_of(table, metric, observed(table, metric, voted, both=mul)),
        estimate_of(table, plain, observed(table, plain, agreed)),
    )


def _votes(table: Table, metric: Metric, rows: Iterable[int]) -> Iterator[tuple[int, list[Vote]]]:
    """The first row of each sample, and its votes. There are none on places: two are hardly ever equal."""
    chosen = (row for row in rows if not table.task.places and matches(table, metric, row))
    for _, epochs in groupby(chosen, table.verdicts.positions.__getitem__):
        same: Sequence[int] = list(epochs)
        numbers = [(row, number_of(table, metric, row, None)) for row in same]
        yield (
            same[0],
            [(ballot(table.verdicts.extracted(row)), number) for row, number in numbers if number is not None],
        )


def _judge(table: Table, rulings: Rulings) -> JudgeResult:
    """What the judge made of the rows in n; the score is the headline of its verdicts."""
    rows = table.counted
    failed = Table(table.task, table.verdicts, [row for row in rows if row in rulings.failed])
    metric = replace(table.task.headline, of=JUDGE)
    score: Estimate = estimate_of(failed, metric, observations_of(failed, metric, failed.counted))
    return judge_result(rulings, [(row, table.verdicts.values[row]) for row in rows], score)
