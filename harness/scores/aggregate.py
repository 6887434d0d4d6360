"""From scores to metrics: a task's numbers with their intervals, category means, the mean of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import Exit
from harness.registry import suite_names
from harness.scores.results import CategoryResult, Results, TaskResult
from harness.scores.scoring import Verdict, scorer_version
from harness.scores.stats import NOTHING, Estimate, macro_interval, mean_interval, mean_of
from scorers.types import Score, Status
from tasks import CATEGORIES
from tasks.types import Metric, Task

PARTING = 0.5
"""How far official and value must be apart to count as a disagreement."""
_MISSING = (Status.UNPARSED, Status.TRUNCATED, Status.FILTERED)


@dataclass(frozen=True, slots=True)
class Observation:
    """One number of a metric: a sample's mean over its epochs, or a whole group's."""

    key: str
    """The sample's id, or the group's name."""
    value: float
    groups: Mapping[str, str | tuple[str, ...]]
    cluster: str


def task_result(
    task: Task, verdicts: Sequence[Verdict], *, data: str, fingerprint: str, synthetic: bool
) -> TaskResult:
    """All numbers of one task.

    Args:
        task: whose metrics to compute.
        verdicts: one for each sample and epoch.
        data: the label of its rows.
        fingerprint: of its rows.
        synthetic: the rows were drawn.
    """
    verdicts = fell_together(task, verdicts)
    counted = [verdict for verdict in verdicts if verdict.counts]
    metrics = {metric.name: _metric(task, metric, counted) for metric in task.metrics}
    score = metrics[task.headline.name]
    assert isinstance(score, Estimate)
    statuses = [verdict.score.status for verdict in verdicts]
    answered = [verdict for verdict in verdicts if verdict.score.status is not Status.FAILED]
    partings = [_parting(verdict.score) for verdict in counted]
    labels = (["synthetic data: not the benchmark"] if synthetic else []) + (
        ["no judge: not comparable to published"] if task.judged else []
    )
    errors = dict.fromkeys(
        verdict.score.error or "no reason given" for verdict in verdicts if not verdict.counts
    )
    return TaskResult(
        name=task.name,
        category=task.category,
        headline=task.headline.name,
        scale=task.headline.scale,
        score=score,
        low=_if_scored(task, verdicts, 0.0),
        high=_if_scored(task, verdicts, 1.0),
        metrics=metrics,
        samples=len({verdict.position for verdict in verdicts}),
        counted=len({verdict.position for verdict in counted}),
        responses=len(verdicts),
        unparsed=statuses.count(Status.UNPARSED),
        truncated=statuses.count(Status.TRUNCATED),
        filtered=statuses.count(Status.FILTERED),
        failed=statuses.count(Status.FAILED),
        error=statuses.count(Status.ERROR),
        loopholes=partings.count(1),
        missed=partings.count(-1),
        prompt_tokens=_mean([verdict.prompt_tokens for verdict in answered]),
        completion_tokens=_mean([verdict.completion_tokens for verdict in answered]),
        labels=tuple(labels),
        data=data,
        fingerprint=fingerprint,
        scorer=scorer_version(task),
        errors=tuple(list(errors)[:5]),
    )


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _parting(score: Score) -> int:
    """1: official right, value wrong (a loophole); -1: the other way (a missed answer); 0: neither."""
    if score.official is None or abs(score.official - score.value) < PARTING:
        return 0
    return 1 if score.official > score.value else -1


def fell_together(task: Task, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, every member of a unit with a failed member failed."""
    if task.unit is None:
        return list(verdicts)
    bad = {verdict.groups.get(task.unit) for verdict in verdicts if not verdict.counts} - {None}
    together = Score(0.0, None, Status.FAILED, error="another member of its group failed")
    return [
        replace(verdict, score=together) if verdict.counts and verdict.groups.get(task.unit) in bad else verdict
        for verdict in verdicts
    ]


def _if_scored(task: Task, verdicts: Sequence[Verdict], value: float) -> float | None:
    """The headline if every response without an answer had scored `value`."""
    metric = task.headline

    def scored(verdict: Verdict) -> Verdict:
        if verdict.score.status is Status.OK:
            return verdict
        components = {metric.of: value}
        return replace(verdict, score=Score(value, value, Status.OK, components=components))

    estimate = _metric(task, metric, [scored(verdict) for verdict in verdicts])
    assert isinstance(estimate, Estimate)
    return estimate.value


def observations_of(task: Task, metric: Metric, counted: Iterable[Verdict]) -> list[Observation]:
    """The numbers that a metric is the mean of (macro: placed by its `by`), from the verdicts that count."""
    chosen = [verdict for verdict in counted if _matches(verdict, metric)]
    return (_circular if metric.reduce == "circular" else _samples)(task, metric, chosen)


def _metric(task: Task, metric: Metric, counted: Iterable[Verdict]) -> Estimate | dict[str, Estimate]:
    observations = observations_of(task, metric, counted)
    if metric.by is None or metric.reduce == "circular":
        return _estimate(observations).scaled(metric.scale)
    if metric.reduce == "macro":
        return _macro(observations, metric.by).scaled(metric.scale)
    by_group: dict[str, list[Observation]] = {}
    for observation in observations:
        for group in group_names(observation.groups.get(metric.by)):
            by_group.setdefault(group, []).append(observation)
    return {group: _estimate(by_group[group]).scaled(metric.scale) for group in sorted(by_group)}


def _matches(verdict: Verdict, metric: Metric) -> bool:
    return metric.where is None or metric.where[1] in group_names(verdict.groups.get(metric.where[0]))


def group_names(group: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The groups that a sample is in for one group key: one, several or none."""
    if group is None:
        return ()
    return (group,) if isinstance(group, str) else group


def _estimate(observations: Sequence[Observation]) -> Estimate:
    return mean_interval(
        [observation.value for observation in observations],
        [observation.cluster for observation in observations],
    )


def _macro(observations: Sequence[Observation], by: str) -> Estimate:
    placed = [
        (observation, group)
        for observation in observations
        for group in group_names(observation.groups.get(by))
    ]
    return macro_interval(
        [observation.value for observation, _ in placed],
        [group for _, group in placed],
        [observation.cluster for observation, _ in placed],
    )


def _number(metric: Metric, score: Score) -> float | None:
    """What a metric takes of a score; None where the score does not have it."""
    if metric.of == "value":
        return score.value
    if metric.of == "official":
        return score.official
    missing = 0.0 if score.status in _MISSING else None
    return score.components.get(metric.of, missing)


def _cluster(task: Task, verdict: Verdict) -> str:
    names = group_names(verdict.groups.get(task.cluster)) if task.cluster else ()
    return f"\x1f{names[0]}" if names else str(verdict.position)


def _samples(task: Task, metric: Metric, verdicts: Iterable[Verdict]) -> list[Observation]:
    """One observation a sample: its mean over epochs."""
    numbers: dict[int, list[float]] = {}
    first: dict[int, Verdict] = {}
    for verdict in verdicts:
        number = _number(metric, verdict.score)
        if number is not None:
            numbers.setdefault(verdict.position, []).append(number)
            first.setdefault(verdict.position, verdict)
    return [
        Observation(
            first[position].id,
            sum(values) / len(values),
            first[position].groups,
            _cluster(task, first[position]),
        )
        for position, values in numbers.items()
    ]


def _circular(task: Task, metric: Metric, verdicts: Iterable[Verdict]) -> list[Observation]:
    """One observation a group: in each epoch its worst member, then the mean over epochs."""
    worst: dict[tuple[str, ...], dict[int, float]] = {}
    first: dict[tuple[str, ...], Verdict] = {}
    for verdict in verdicts:
        number = _number(metric, verdict.score)
        group = group_names(verdict.groups.get(metric.by or ""))
        if number is None or not group:
            continue
        epochs = worst.setdefault(group, {})
        epochs[verdict.epoch] = min(number, epochs.get(verdict.epoch, 1.0))
        first.setdefault(group, verdict)
    return [
        Observation(
            "\x1f".join(group),
            sum(epochs.values()) / len(epochs),
            first[group].groups,
            _circular_cluster(task, first[group], group),
        )
        for group, epochs in worst.items()
    ]


def _circular_cluster(task: Task, verdict: Verdict, group: tuple[str, ...]) -> str:
    return _cluster(task, verdict) if task.cluster else "\x1f".join(group)


def category_results(tasks: Mapping[str, TaskResult]) -> dict[str, CategoryResult]:
    """The plain mean of each category's headlines, in per cent, where there is at least one."""
    found: dict[str, CategoryResult] = {}
    for category in CATEGORIES:
        here = [task for task in tasks.values() if task.category == category]
        if here:
            found[category] = _mean_result(category, here, suite_names(category))
    return found


def overall(tasks: Mapping[str, TaskResult]) -> CategoryResult:
    """The plain mean of all headlines, in per cent."""
    return _mean_result("all", list(tasks.values()), suite_names("all"))


def _mean_result(name: str, tasks: Sequence[TaskResult], expected: Sequence[str]) -> CategoryResult:
    scored = [task for task in tasks if task.score.value is not None]
    names = tuple(task.name for task in scored)
    missing = [task.name for task in tasks if task.score.value is None]
    missing += [task for task in expected if task not in {task.name for task in tasks}]
    estimate = mean_of([task.percent for task in scored]) if scored else NOTHING
    return CategoryResult(name, estimate, names, tuple(missing))


def run_results(
    tasks: Mapping[str, TaskResult],
    *,
    failure_budget: float,
    model: Mapping[str, object],
    seconds: float,
    run_dir: Path,
    asked: int | None = None,
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
        notes: what a reader must know of how the model was asked.
    """
    over = any(
        task.counted == 0 or task.share("failed") + task.share("error") > failure_budget
        for task in tasks.values()
    )
    return Results(
        tasks=tasks,
        categories=category_results(tasks),
        mean=overall(tasks),
        exit_code=Exit.INCOMPLETE if over else Exit.COMPLETE,
        model=model,
        synthetic=any(label.startswith("synthetic") for task in tasks.values() for label in task.labels),
        seconds=round(seconds, 3),
        asked=asked,
        notes=tuple(notes),
        run_dir=run_dir,
    )
