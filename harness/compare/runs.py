"""Runs compared on the same samples: `compare_runs(a, b)` gives a `Comparison`, `compare_with` several."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from harness.compare.comparison import (
    POINTS,
    Comparison,
    MeanComparison,
    Mismatch,
    OtherPrompts,
    RunInfo,
    TaskComparison,
    adjusted,
)
from harness.compare.pairing import (
    Ids,
    Pairs,
    Side,
    differing_prompts,
    mismatch,
    other_control,
    pair,
    read_side,
)
from harness.compare.statistics import (
    REPEATS,
    Floats,
    averaged,
    bootstrap,
    bootstrap_interval,
    mcnemar,
    visible_mean,
    visible_share,
)
from harness.errors import UsageError
from harness.registry import suite_names
from harness.scores.repeats import RIGHT
from harness.scores.stats import (
    NOTHING,
    Estimate,
    Spread,
    joined,
    numbered,
    paired_macro_spread,
    paired_spread,
)
from harness.words import counted
from tasks import CATEGORIES
from tasks.types import Task


def compare_runs(a: Path, b: Path, *, allow_mismatch: bool = False) -> Comparison:
    """Compare two run folders.

    Args:
        a: the baseline.
        b: the candidate.
        allow_mismatch: where data, images or scorers differ, pair the samples that agree.

    Raises:
        UsageError: a folder is no run, or no task of both can be compared.
        HarnessError: a file of a run cannot be read.
    """
    return compare_with(a, [b], allow_mismatch=allow_mismatch)[0]


def compare_with(
    baseline: Path, candidates: Sequence[Path], *, allow_mismatch: bool = False
) -> list[Comparison]:
    """Compare run folders with one baseline, which is read once; see `compare_runs`."""
    base = read_side(baseline)
    found = []
    for path in candidates:
        comparison = compare_sides(base, read_side(path), allow_mismatch=allow_mismatch)
        if not comparison.tasks:
            first, *others = comparison.mismatches
            more = f", and {counted(len(others), 'more task')} likewise" if others else ""
            raise UsageError(
                f"{baseline} and {path}: {first.task}: {first.why}{more}; "
                "--allow-mismatch pairs the samples whose question and images agree"
            )
        found.append(comparison)
    return found


def compare_sides(
    a: Side, b: Side, *, allow_mismatch: bool = False, repeats: int = REPEATS, seed: int = 0
) -> Comparison:
    """Compare two runs that were read.

    Args:
        a: the baseline.
        b: the candidate.
        allow_mismatch: tasks whose data, images or scorers differ are compared on the samples that agree; else
            they are left out.
        repeats: draws of the bootstrap; 0: no bootstrap.
        seed: of the bootstrap.

    Raises:
        UsageError: no task is in both runs.
    """
    shared = [name for name in a.tasks if name in b.tasks]
    if not shared:
        raise UsageError(
            f"{a.path} and {b.path}: no task is in both: {', '.join(a.tasks)} and {', '.join(b.tasks)}"
        )
    withheld = [name for name in shared if a.tasks[name].unscored and b.tasks[name].unscored]
    if withheld == shared:
        have = "has" if len(withheld) == 1 else "have"
        raise UsageError(
            f"{a.path} and {b.path}: nothing to compare: {', '.join(withheld)} {have} no scores, "
            f"{'its' if len(withheld) == 1 else 'their'} answers are withheld"
        )
    mismatches = tuple(
        Mismatch(name, why) for name in shared if (why := other_control(a, b) or mismatch(name, a, b))
    )
    apart = set() if allow_mismatch else {found.task for found in mismatches}
    draws: dict[str, Floats] = {}
    tasks: dict[str, TaskComparison] = {}
    for name in shared:
        if name not in apart:
            task = a.registry.get(name)
            pairs = pair(task, a.tasks[name], b.tasks[name])
            drawn = _draws(task, pairs, repeats, seed)
            if drawn is not None:
                draws[name] = drawn
            tasks[name] = _task(task, pairs, drawn)
    p_values = adjusted({name: task.p for name, task in tasks.items() if task.n})
    tasks = {name: replace(task, p_adjusted=p_values.get(name, 1.0)) for name, task in tasks.items()}
    return Comparison(
        a=_info(a),
        b=_info(b),
        tasks=tasks,
        categories=_categories(tasks, draws),
        overall=_mean("all", _of_suite(tasks), suite_names("all"), draws),
        mismatches=mismatches,
        prompts=tuple(
            OtherPrompts(name, samples)
            for name in tasks
            if (samples := differing_prompts(a.tasks[name], b.tasks[name]))
        ),
        only_in_a=tuple(name for name in a.tasks if name not in b.tasks),
        only_in_b=tuple(name for name in b.tasks if name not in a.tasks),
        repeats=repeats,
    )


def _info(side: Side) -> RunInfo:
    return RunInfo(
        str(side.path), side.name, side.prompt, side.coords, side.synthetic, side.complete, side.missing
    )


def _task(task: Task, pairs: Pairs, draws: Floats | None) -> TaskComparison:
    right = bytes(
        (mine >= RIGHT) + 2 * (theirs >= RIGHT) for mine, theirs in zip(pairs.a, pairs.b, strict=True)
    )
    flips_a, flips_b = (
        Ids(pairs.name, array("i", (index for index, outcome in enumerate(right) if outcome == wanted)))
        for wanted in (1, 2)
    )
    n, spread = len(pairs.a), _spread(task, pairs)
    binary = {*pairs.a, *pairs.b} <= {0.0, 1.0} and (pairs.clusters is None or numbered(pairs.clusters)[1] == n)
    exact = binary and task.headline.reduce != "macro"
    exact_p = mcnemar(len(flips_a), len(flips_b))
    value = spread.value if spread else 0.0
    return TaskComparison(
        name=task.name,
        category=task.category,
        headline=_headline_name(task),
        n=n,
        a=_headline(task, pairs, pairs.a),
        b=_headline(task, pairs, pairs.b),
        both_right=right.count(3),
        only_a=len(flips_a),
        only_b=len(flips_b),
        both_wrong=right.count(0),
        mcnemar=exact_p,
        p=exact_p if exact or spread is None else spread.p_value(),
        test="McNemar" if exact else "t",
        p_adjusted=1.0,
        difference=_points(spread),
        bootstrap=bootstrap_interval(draws, value, n).scaled(POINTS) if draws is not None else NOTHING,
        visible=_scaled(visible_share(len(flips_a) + len(flips_b), n) if exact else _visible(spread)),
        flips_a=flips_a,
        flips_b=flips_b,
        only_in_a=pairs.only_in_a,
        only_in_b=pairs.only_in_b,
        shared=pairs.shared,
        mismatched=pairs.mismatched,
        unanswered=pairs.unanswered,
        spread=spread,
    )


def _spread(task: Task, pairs: Pairs) -> Spread | None:
    if task.headline.reduce != "macro":
        return paired_spread(pairs.b, pairs.a, pairs.clusters)
    placed, groups = pairs.placed
    a, b = (array("d", map(side.__getitem__, placed)) for side in (pairs.a, pairs.b))
    return paired_macro_spread(b, a, groups, _taken(pairs.clusters, placed))


def _taken(clusters: array[int] | None, placed: Sequence[int]) -> array[int] | None:
    return clusters and array("q", map(clusters.__getitem__, placed))


def _draws(task: Task, pairs: Pairs, repeats: int, seed: int) -> Floats | None:
    """Bootstrap draws of the difference; None where there is nothing to draw."""
    macro = task.headline.reduce == "macro"
    placed, groups = pairs.placed if macro else (range(len(pairs.a)), None)
    if not placed or not repeats:
        return None
    return bootstrap(
        array("d", (pairs.b[index] - pairs.a[index] for index in placed)),
        _taken(pairs.clusters, placed) if macro else pairs.clusters,
        groups,
        seed=(seed, crc32(task.name.encode())),
        repeats=repeats,
    )


def _headline_name(task: Task) -> str:
    """What is compared: of a metric that only all documents together have, their own numbers."""
    name = task.headline.name
    return f"{name}, mean of documents" if task.headline.reduce == "whole" else name


def _headline(task: Task, pairs: Pairs, values: Sequence[float]) -> float | None:
    """The headline over the pairs, in points."""
    if not values:
        return None
    if task.headline.reduce != "macro":
        return POINTS * sum(values) / len(values)
    groups: dict[str, array[float]] = {}
    for index, group in zip(*pairs.placed, strict=True):
        groups.setdefault(group, array("d")).append(values[index])
    means = [sum(members) / len(members) for members in groups.values()]
    return POINTS * sum(means) / len(means) if means else None


def _points(spread: Spread | None) -> Estimate:
    return NOTHING if spread is None else spread.estimate.scaled(POINTS)


def _visible(spread: Spread | None) -> float | None:
    return None if spread is None else visible_mean(spread)


def _scaled(share: float | None) -> float | None:
    return None if share is None else POINTS * share


def _categories(tasks: Mapping[str, TaskComparison], draws: Mapping[str, Floats]) -> dict[str, MeanComparison]:
    found = {}
    for category in CATEGORIES:
        here = [task for task in tasks.values() if task.category == category]
        if here:
            found[category] = _mean(category, here, suite_names(category), draws)
    p_values = adjusted({name: mean.p for name, mean in found.items() if mean.spread is not None})
    return {name: replace(mean, p_adjusted=p_values.get(name, 1.0)) for name, mean in found.items()}


def _of_suite(tasks: Mapping[str, TaskComparison]) -> list[TaskComparison]:
    """The tasks that means are of: those of the six categories."""
    return [task for task in tasks.values() if task.category in CATEGORIES]


def _mean(
    name: str, tasks: Sequence[TaskComparison], expected: Sequence[str], draws: Mapping[str, Floats]
) -> MeanComparison:
    """The plain mean over tasks, which are taken as independent."""
    scored = [task for task in tasks if task.spread is not None]
    names = [task.name for task in scored]
    missing = tuple(task.name for task in tasks if task.spread is None)
    missing += tuple(task for task in expected if task not in {task.name for task in tasks})
    spread = joined([task.spread for task in scored if task.spread is not None]) if scored else None
    p_value = 1.0 if spread is None else spread.p_value()
    boot = NOTHING
    if spread is not None and all(task in draws for task in names):
        values = [task.spread.value for task in scored if task.spread is not None]
        mean = averaged([draws[task] for task in names], values)
        boot = bootstrap_interval(mean, spread.value, spread.n).scaled(POINTS)
    return MeanComparison(
        name=name,
        tasks=tuple(names),
        missing=missing,
        a=_average([task.a for task in scored]),
        b=_average([task.b for task in scored]),
        difference=_points(spread),
        bootstrap=boot,
        p=p_value,
        p_adjusted=p_value,
        visible=_scaled(_visible(spread)),
        spread=spread,
    )


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
