"""From scores to metrics: a task's numbers with their intervals, category means, the mean of all."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from harness.control import Control
from harness.errors import Exit
from harness.registry import suite_names
from harness.scores.results import CategoryResult, Results, TaskResult
from harness.scores.stats import NOTHING, Estimate, macro_interval, mean_interval, mean_of
from harness.scores.verdicts import NO_VERDICT, STATUSES, Labels, Verdicts, scorer_version
from harness.shards import Shard
from scorers.types import ScorerError, Status
from tasks import CATEGORIES
from tasks.types import Metric, Task

PARTING = 0.5
"""How far official and value must be apart to count as a disagreement."""
_OK, _FAILED, _UNSCORED = map(STATUSES.index, (Status.OK, Status.FAILED, Status.UNSCORED))
_MISSING = (Status.UNPARSED, Status.TRUNCATED, Status.FILTERED)


@dataclass(frozen=True, slots=True)
class Observations:
    """The numbers that a metric is the mean of, as columns: one a sample (its mean over epochs) or a group."""

    rows: array[int]
    """Of each, the first row in the table of verdicts: its groups are those of the observation."""
    values: array[float]
    clusters: array[int] | None
    """Numbers from 0: those of one cluster are equal; None: all are independent."""

    def chosen(self, indices: Sequence[int]) -> Observations:
        """Some of them."""
        rows, values = array("q", map(self.rows.__getitem__, indices)), self.values
        clusters = self.clusters and array("q", map(self.clusters.__getitem__, indices))
        return Observations(rows, array("d", map(values.__getitem__, indices)), clusters)


def task_result(task: Task, verdicts: Verdicts, *, data: str, fingerprint: str, synthetic: bool) -> TaskResult:
    """All numbers of one task.

    Args:
        task: whose metrics to compute.
        verdicts: one for each sample and epoch.
        data: the label of its rows.
        fingerprint: of its rows.
        synthetic: the rows were drawn.
    """
    table = Table(task, verdicts)
    counted = table.counted
    metrics: dict[str, Estimate | dict[str, Estimate]] = {}
    unmade: list[str] = []
    for metric in task.metrics:
        try:
            metrics[metric.name] = _metric(table, metric, counted)
        except ScorerError as error:
            metrics[metric.name] = NOTHING
            unmade.append(str(error))
    score = metrics[task.headline.name]
    assert isinstance(score, Estimate)
    partings = Counter(_parting(verdicts, row) for row in counted)
    statuses = {STATUSES[code]: count for code, count in Counter(table.statuses).items()}
    labels = (["synthetic data: not the benchmark"] if synthetic else []) + (
        ["no judge: not comparable to published"] if task.judged and verdicts.rulings is None else []
    )
    labels += task.labels if task.answered else ("not scored: its answers are withheld", *task.labels)
    return TaskResult(
        name=task.name,
        category=task.category,
        headline=task.headline.name,
        scale=task.headline.scale,
        score=score,
        low=_if_scored(table, score, 0.0),
        high=_if_scored(table, score, 1.0),
        metrics=metrics,
        samples=_distinct(verdicts.positions, table.rows),
        counted=_distinct(verdicts.positions, counted),
        responses=len(verdicts),
        unparsed=statuses.get(Status.UNPARSED, 0),
        truncated=statuses.get(Status.TRUNCATED, 0),
        filtered=statuses.get(Status.FILTERED, 0),
        failed=statuses.get(Status.FAILED, 0),
        error=statuses.get(Status.ERROR, 0),
        unscored=statuses.get(Status.UNSCORED, 0),
        loopholes=partings[1],
        missed=partings[-1],
        prompt_tokens=_mean(verdicts.prompt_tokens, table.statuses),
        completion_tokens=_mean(verdicts.completion_tokens, table.statuses),
        labels=tuple(labels),
        data=data,
        fingerprint=fingerprint,
        scorer=scorer_version(task),
        errors=_first_distinct((*unmade, *table.reasons())),
    )


def _distinct(positions: Sequence[int], rows: Sequence[int]) -> int:
    """How many positions rows have that are ordered by them."""
    return sum(index == 0 or positions[rows[index - 1]] != positions[row] for index, row in enumerate(rows))


def _first_distinct(reasons: Iterable[str], most: int = 5) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for reason in reasons:
        found.setdefault(reason)
        if len(found) == most:
            break
    return tuple(found)


def _mean(tokens: Sequence[int], statuses: Sequence[int]) -> float | None:
    """Over the responses that there are."""
    count = len(statuses) - sum(status == _FAILED for status in statuses)
    total = sum(number for number, status in zip(tokens, statuses, strict=True) if status != _FAILED)
    return total / count if count else None


def _parting(verdicts: Verdicts, row: int) -> int:
    """1: official right, value wrong (a loophole); -1: the other way (a missed answer); 0: neither."""
    official, value = verdicts.officials[row], verdicts.values[row]
    if math.isnan(official) or abs(official - value) < PARTING:
        return 0
    return 1 if official > value else -1


class Table:
    """The verdicts of a task as its metrics see them: where one member of a unit failed, all of them did.

    Args:
        task: whose metrics.
        verdicts: of it.
        fails: rows that count as failed, whatever their verdict.
    """

    def __init__(self, task: Task, verdicts: Verdicts, fails: Iterable[int] = ()) -> None:
        self.task, self.verdicts = task, verdicts
        self.rows = verdicts.ordered()
        """By position and epoch."""
        self.statuses = array("b", verdicts.statuses)
        for row in fails:
            self.statuses[row] = _FAILED
        if task.unit is not None:
            bad = {verdicts.group(task.unit, row) for row in self.rows if not self.counts(row)} - {None}
            for row in self.rows:
                if bad and self.counts(row) and verdicts.group(task.unit, row) in bad:
                    self.statuses[row] = _FAILED

    def counts(self, row: int) -> bool:
        """Whether a row is part of n."""
        return self.statuses[row] not in NO_VERDICT

    @property
    def counted(self) -> Sequence[int]:
        """The rows that are part of n, in order."""
        return self.rows if all(map(self.counts, self.rows)) else array("q", filter(self.counts, self.rows))

    def reasons(self) -> Iterator[str]:
        """Why rows have no verdict, in order."""
        for row in self.rows:
            if not self.counts(row) and self.statuses[row] != _UNSCORED:
                own = self.verdicts.statuses[row] in NO_VERDICT
                yield self.verdicts.reason(row) if own else "another member of its group failed"

    def cluster(self, row: int) -> int:
        """The number of a row's cluster: its group's, else its own position's beyond all of those."""
        labels = self.verdicts.groups.get(self.task.cluster or "")
        group = self.verdicts.group(self.task.cluster, row)
        if labels is not None and group:
            return labels.code(group[0]) if isinstance(group, tuple) else labels.codes[row]
        return self.verdicts.positions[row] + (0 if labels is None else self._clusters)

    @cached_property
    def _clusters(self) -> int:
        """More than the largest code of a cluster, those of the first of several names among them."""
        labels = self.verdicts.groups[self.task.cluster or ""]
        for several in [group_names(names) for names in labels.names if isinstance(names, tuple) and names]:
            labels.code(several[0])
        return len(labels.names)


def _if_scored(table: Table, score: Estimate, value: float) -> float | None:
    """The headline, which is `score`, if every response without an answer had scored `value`."""
    if table.task.headline.aggregate is not None or not table.task.answered:
        return None
    if table.statuses.count(_OK) == len(table.statuses):
        return score.value
    estimate = _metric(table, table.task.headline, table.rows, value)
    assert isinstance(estimate, Estimate)
    return estimate.value


def mean_of_epochs(numbers: Sequence[float]) -> float:
    """The mean of a sample's numbers; mostly there is one."""
    return numbers[0] if len(numbers) == 1 else fmean(numbers)


def observations_of(
    table: Table,
    metric: Metric,
    rows: Iterable[int],
    unanswered: float | None = None,
    take: Callable[[Sequence[float]], float | None] = mean_of_epochs,
) -> Observations:
    """The numbers that a metric is the mean of (macro: placed by its `by`).

    Args:
        table: of verdicts.
        metric: what to take of them.
        rows: of which to take it, in order.
        unanswered: what every row that is not `ok` counts; None: what it scored.
        take: makes one number of those of a sample's epochs; None: the sample is left out.
    """
    chosen = ((row, number_of(table, metric, row, unanswered)) for row in rows if matches(table, metric, row))
    numbers = ((row, number) for row, number in chosen if number is not None)
    return observed(table, metric, numbers, take)


def observed(
    table: Table,
    metric: Metric,
    numbers: Iterable[tuple[int, float]],
    take: Callable[[Sequence[float]], float | None] = mean_of_epochs,
    both: Callable[[float, float], float] = min,
) -> Observations:
    """Observations of numbers by row; `both` joins those of two members of a group, for a circular metric."""
    if metric.reduce == "circular":
        return _circular(table, metric, numbers, take, both)
    return _samples(table, metric, numbers, take)


def estimate_of(table: Table, metric: Metric, found: Observations) -> Estimate:
    """The mean of observations, or of the means of a macro metric's groups, with its interval."""
    if metric.reduce != "macro" or metric.by is None:
        return mean_interval(found.values, found.clusters).scaled(metric.scale)
    placed, groups = placed_by(table, found, metric.by)
    taken = found.chosen(placed)
    return macro_interval(taken.values, groups, taken.clusters).scaled(metric.scale)


def _metric(
    table: Table, metric: Metric, rows: Iterable[int], unanswered: float | None = None
) -> Estimate | dict[str, Estimate]:
    if metric.aggregate is not None:
        return _whole(table, metric, list(rows)).scaled(metric.scale)
    found = observations_of(table, metric, rows, unanswered)
    if metric.by is None or metric.reduce != "mean":
        return estimate_of(table, metric, found)
    members: dict[str, array[int]] = {}
    for index, row in enumerate(found.rows):
        for group in group_names(table.verdicts.group(metric.by, row)):
            members.setdefault(group, array("q")).append(index)
    parts = ((group, found.chosen(members[group])) for group in sorted(members))
    return {group: mean_interval(part.values, part.clusters).scaled(metric.scale) for group, part in parts}


def _whole(table: Table, metric: Metric, rows: Sequence[int]) -> Estimate:
    """A metric that `Metric.aggregate` makes: of each epoch, then the mean over epochs.

    It has the interval of a mean where it is known to be one, and is that of the samples' numbers.
    """
    assert metric.aggregate is not None
    epochs: dict[int, list[str]] = {}
    for row in rows:
        if (extracted := table.verdicts.extracted(row)) is not None:
            epochs.setdefault(table.verdicts.epochs[row], []).append(extracted)
    numbers = [metric.aggregate(epochs[epoch]) for epoch in sorted(epochs)]
    found = [number for number in numbers if number is not None]
    if not found:
        return NOTHING
    value = sum(found) / len(found)
    samples = observations_of(table, metric, rows)
    mean = mean_interval(samples.values, samples.clusters) if metric.reduce == "mean" else NOTHING
    if mean.value is not None and math.isclose(mean.value, value, rel_tol=1e-9):
        return replace(mean, value=value)
    return Estimate(value, None, None, _distinct(table.verdicts.positions, rows))


def placed_by(table: Table, found: Observations, by: str) -> tuple[array[int], list[str]]:
    """Every observation once for each of its groups: (index, group), as two columns."""
    placed, names = array("q"), []
    for index, row in enumerate(found.rows):
        for name in group_names(table.verdicts.group(by, row)):
            placed.append(index)
            names.append(name)
    return placed, names


def matches(table: Table, metric: Metric, row: int) -> bool:
    """Whether a metric is about a row."""
    return metric.where is None or metric.where[1] in group_names(table.verdicts.group(metric.where[0], row))


def group_names(group: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The groups that a sample is in for one group key: one, several or none."""
    if group is None:
        return ()
    return (group,) if isinstance(group, str) else group


def number_of(table: Table, metric: Metric, row: int, unanswered: float | None) -> float | None:
    """What a metric takes of a row; None where its score does not have it."""
    status, verdicts = STATUSES[table.statuses[row]], table.verdicts
    if unanswered is not None and status is not Status.OK:
        return unanswered
    if metric.of == "value":
        return verdicts.values[row]
    if metric.of == "official":
        official = verdicts.officials[row]
        return None if math.isnan(official) else official
    number = verdicts.component(metric.of, row)
    absent = 0.0 if status in _MISSING and metric.aggregate is None else None
    return absent if number is None else number


def _samples(
    table: Table,
    metric: Metric,
    numbers: Iterable[tuple[int, float]],
    take: Callable[[Sequence[float]], float | None],
) -> Observations:
    """One observation a sample: what `take` makes of its epochs."""
    # In a macro mean, a sample may stand in several groups.
    clustered = metric.reduce == "macro" or table.task.cluster in table.verdicts.groups
    found = Observations(array("q"), array("d"), array("q") if clustered else None)
    for row, values in _by_sample(table.verdicts.positions, numbers):
        if (number := take(values)) is None:
            continue
        found.rows.append(row)
        found.values.append(number)
        if found.clusters is not None:
            found.clusters.append(table.cluster(row))
    return found


def _by_sample(
    positions: Sequence[int], numbers: Iterable[tuple[int, float]]
) -> Iterator[tuple[int, list[float]]]:
    """The first row of each sample, and its numbers."""
    first, values = -1, list[float]()
    for row, number in numbers:
        if values and positions[row] == positions[first]:
            values.append(number)
            continue
        if values:
            yield first, values
        first, values = row, [number]
    if values:
        yield first, values


def _circular(
    table: Table,
    metric: Metric,
    numbers: Iterable[tuple[int, float]],
    take: Callable[[Sequence[float]], float | None],
    both: Callable[[float, float], float],
) -> Observations:
    """One observation a group: in each epoch its members joined, by `min` the worst; then what `take` makes."""
    verdicts, epochs = table.verdicts, max(table.verdicts.epochs, default=0) + 1
    labels = verdicts.groups.get(metric.by or "", Labels())
    places = array("q", [-1]) * len(labels.names)
    rows, worst = array("q"), array("d")
    for row, number in numbers:
        if not group_names(verdicts.group(metric.by, row)):
            continue
        group = labels.codes[row]
        if places[group] < 0:
            places[group] = len(rows)
            rows.append(row)
            worst.extend([math.nan] * epochs)
        at = places[group] * epochs + verdicts.epochs[row]
        worst[at] = number if math.isnan(worst[at]) else both(number, worst[at])
    found = Observations(array("q"), array("d"), array("q") if table.task.cluster else None)
    for place, row in enumerate(rows):
        values = [value for value in worst[place * epochs : (place + 1) * epochs] if not math.isnan(value)]
        if (joined := take(values)) is None:
            continue
        found.rows.append(row)
        found.values.append(joined)
        if found.clusters is not None:
            found.clusters.append(table.cluster(row))
    return found


def category_results(tasks: Mapping[str, TaskResult]) -> dict[str, CategoryResult]:
    """The plain mean of each category's headlines, in per cent, where there is at least one."""
    found: dict[str, CategoryResult] = {}
    for category in CATEGORIES:
        here = [task for task in tasks.values() if task.category == category]
        if here:
            found[category] = _mean_result(category, here, suite_names(category))
    return found


def overall(tasks: Mapping[str, TaskResult]) -> CategoryResult:
    """The plain mean of all headlines, in per cent; tasks outside the six categories are not part of it."""
    here = [task for task in tasks.values() if task.category in CATEGORIES]
    return _mean_result("all", here, suite_names("all"))


def _mean_result(name: str, tasks: Sequence[TaskResult], expected: Sequence[str]) -> CategoryResult:
    scored = [task for task in tasks if task.score.value is not None]
    names = tuple(task.name for task in scored)
    missing = [task.name for task in tasks if task.score.value is None]
    missing += [task for task in expected if task not in {task.name for task in tasks}]
    estimate = mean_of([task.percent for task in scored]) if scored else NOTHING
    return CategoryResult(name, estimate, names, tuple(missing))


def _fails(task: TaskResult, failure_budget: float, shard: Shard | None) -> bool:
    """Whether too much of a task has no verdict. A submission is whole or nothing."""
    if task.unscored:
        return task.failed + task.error > 0
    without = task.score.value is None and (task.samples > 0 or shard is None)
    unjudged = task.judge.failing if task.judge is not None else 0.0
    return without or max(task.share("failed") + task.share("error"), unjudged) > failure_budget


def run_results(
    tasks: Mapping[str, TaskResult],
    *,
    failure_budget: float,
    model: Mapping[str, object],
    seconds: float,
    run_dir: Path,
    asked: int | None = None,
    shard: Shard | None = None,
    control: Control | None = None,
    notes: Sequence[str] = (),
) -> Results:
    """The results of a run from those of its tasks.

    Args:
        tasks: by name, in the order of reports.
        failure_budget: the share of a task's responses that may get no verdict before the exit code is 3.
        model: as the backend describes it.
        seconds: how long the command took.
        run_dir: the run's folder.
        asked: responses that the command asked for; None: not recorded.
        shard: the part that was asked; None: all. One may hold no sample of a small task, which is no failure.
        control: what was changed of the samples on purpose; None: nothing.
        notes: what a reader must know of how the model was asked.
    """
    over = any(_fails(task, failure_budget, shard) for task in tasks.values())
    return Results(
        tasks=tasks,
        categories=category_results(tasks),
        mean=overall(tasks),
        exit_code=Exit.INCOMPLETE if over else Exit.COMPLETE,
        model=model,
        synthetic=any(label.startswith("synthetic") for task in tasks.values() for label in task.labels),
        shard=str(shard) if shard is not None else None,
        control=control,
        seconds=round(seconds, 3),
        asked=asked,
        notes=tuple(notes),
        run_dir=run_dir,
    )
