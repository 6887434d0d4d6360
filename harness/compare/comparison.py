"""What a comparison of two runs found, and which of it counts as a change.

A is the baseline, B the candidate, every difference is B - A. All scores and differences are in points: per
cent of the headline (a tenth of OCRBench's total).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.compare.statistics import holm
from harness.errors import Exit
from harness.jsonl import plain
from harness.scores.stats import Estimate, Spread
from harness.words import missing_responses

POINTS = 100.0
SIGNIFICANT = 0.05
BUDGET = 0.01
"""As the failure budget of a run."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One of the two runs."""

    path: str
    name: str
    """The model's."""
    prompt: str
    """The prompt's style: `direct` or `think`."""
    coords: str | None
    """How the model writes coordinates."""
    synthetic: bool
    """Some of its data are synthetic: not the benchmark."""
    complete: bool
    missing: int
    """Responses that it does not have yet."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """One task, on the samples that both runs answered."""

    name: str
    category: str
    headline: str
    n: int
    """Pairs: samples, or groups of a circular metric."""
    a: float | None
    """A's headline on the pairs, in points."""
    b: float | None
    both_right: int
    only_a: int
    """Pairs in which only A is right (a graded score: `harness.scores.repeats.RIGHT` or more)."""
    only_b: int
    both_wrong: int
    mcnemar: float
    """Exact two-sided p on right or wrong, the pairs taken as independent."""
    p: float
    """Of no difference: McNemar's where scores are right or wrong and pairs independent, else Student's t."""
    test: str
    """`McNemar` or `t`."""
    p_adjusted: float
    """After Holm, over all tasks of the comparison."""
    difference: Estimate
    """B - A with its closed-form interval."""
    bootstrap: Estimate
    """The same with the bootstrap's interval; nothing where it was not asked for."""
    visible: float | None
    """The minimum detectable difference: what these pairs show with 80 % power at the 5 % level."""
    flips_a: Sequence[str]
    """Ids of `only_a`; groups of a circular metric."""
    flips_b: Sequence[str]
    only_in_a: tuple[str, ...]
    """Samples that only A was asked."""
    only_in_b: tuple[str, ...]
    shared: int
    """Samples that both were asked."""
    mismatched: int
    """Shared samples left out because question or images differ."""
    unanswered: int
    """Shared samples left out because a run has no verdict on them."""
    spread: Spread | None = field(default=None, repr=False)
    """What interval and test are made of, as fractions."""


@dataclass(frozen=True, slots=True)
class MeanComparison:
    """The difference of the plain means of several tasks' headlines, in points."""

    name: str
    """A category, or `all`."""
    tasks: tuple[str, ...]
    missing: tuple[str, ...]
    """Its tasks that could not be compared."""
    a: float | None
    b: float | None
    difference: Estimate
    bootstrap: Estimate
    p: float
    p_adjusted: float
    """After Holm over the categories; `all` stands alone."""
    visible: float | None
    spread: Spread | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A task whose data differ, or whose verdicts are of different scorers."""

    task: str
    why: str


@dataclass(frozen=True, slots=True)
class OtherPrompts:
    """A task that the two runs asked with different prompts: compared like any other."""

    task: str
    samples: int
    """Shared samples whose prompts differ."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the same samples."""

    a: RunInfo
    """The baseline."""
    b: RunInfo
    """The candidate."""
    tasks: Mapping[str, TaskComparison]
    categories: Mapping[str, MeanComparison]
    overall: MeanComparison
    mismatches: tuple[Mismatch, ...]
    """Tasks that differ; they are among `tasks` only where that was allowed."""
    prompts: tuple[OtherPrompts, ...]
    """Tasks whose prompts differ."""
    only_in_a: tuple[str, ...]
    """Tasks that only A has."""
    only_in_b: tuple[str, ...]
    repeats: int
    """Draws of the bootstrap."""

    @property
    def synthetic(self) -> bool:
        """Either run has synthetic data: not the benchmarks."""
        return self.a.synthetic or self.b.synthetic

    @property
    def partial(self) -> bool:
        """Either run is not complete."""
        return not (self.a.complete and self.b.complete)


@dataclass(frozen=True, slots=True)
class Change:
    """A task, a category or all, in which B differs from A by more than a margin."""

    kind: str
    """`task`, `category` or `overall`."""
    name: str
    difference: Estimate
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Gate:
    """What `--fail-on-regression` finds."""

    margin: float
    regressions: Sequence[Change]
    doubts: Sequence[str]
    """Why "no regression" cannot be concluded."""
    exit_code: int


def adjusted(p_values: Mapping[str, float]) -> dict[str, float]:
    """Named p-values after Holm."""
    return dict(zip(p_values, holm(list(p_values.values())), strict=True))


def changes(comparison: Comparison, margin: float = 0.0, *, better: bool = False) -> list[Change]:
    """Where B is worse than A by more than a margin, or better.

    A difference counts where the 95 % interval of B - A lies wholly below -margin (above, for better) *and* the
    test of it, adjusted after Holm, has p <= 0.05: over the tasks for a task, over the categories for a
    category; `all` is one test. What is adjusted is the larger p of the comparison's own and of the interval
    against the margin, so that no change is reported that the table would not show.

    Args:
        comparison: what to look through.
        margin: in points; smaller changes are of no interest, however significant.
        better: look for improvements.
    """
    sign = 1.0 if better else -1.0
    found = _beyond("task", comparison.tasks, margin, sign)
    found += _beyond("category", comparison.categories, margin, sign)
    return found + _beyond("overall", {"all": comparison.overall}, margin, sign)


def doubts(comparison: Comparison, budget: float = BUDGET, letter: str = "B") -> list[str]:
    """Why "no regression" cannot be concluded, in words: what should have been compared and was not.

    Args:
        comparison: what to look through.
        budget: the share of a task's samples that may be missing in B, or lack a verdict in one of the runs.
        letter: what B is called.
    """
    found = [
        f"{name} is not complete: {missing_responses(info.missing)}"
        for name, info in (("A", comparison.a), (letter, comparison.b))
        if not info.complete
    ]
    if comparison.only_in_a:
        found.append(f"not in {letter}: {', '.join(comparison.only_in_a)}")
    found += [
        f"{apart.task}: not compared: {apart.why}"
        for apart in comparison.mismatches
        if apart.task not in comparison.tasks
    ]
    for task in comparison.tasks.values():
        asked = len(task.only_in_a) + task.shared
        if not task.n:
            found.append(f"{task.name}: no sample could be paired")
        elif len(task.only_in_a) > budget * asked:
            found.append(f"{task.name}: {len(task.only_in_a)} of A's {asked} samples are not in {letter}")
        elif task.unanswered > budget * task.shared:
            found.append(f"{task.name}: {task.unanswered} of {task.shared} samples have no verdict in one run")
    return found


def gate(comparison: Comparison, margin: float, letter: str = "B") -> Gate:
    """Whether B is worse than A by more than a margin, in points; `letter` is what B is called."""
    found, open_questions = changes(comparison, margin), doubts(comparison, letter=letter)
    code = Exit.REGRESSION if found else Exit.INCOMPLETE if open_questions else Exit.COMPLETE
    return Gate(margin, found, open_questions, int(code))


def _beyond(
    kind: str, entries: Mapping[str, TaskComparison | MeanComparison], margin: float, sign: float
) -> list[Change]:
    p_values = {
        name: _p_beyond(entry.spread, entry.p, margin / POINTS, sign)
        for name, entry in entries.items()
        if entry.spread is not None
    }
    return [
        Change(kind, name, entries[name].difference, p_value)
        for name, p_value in adjusted(p_values).items()
        if p_value <= SIGNIFICANT
    ]


def _p_beyond(spread: Spread, p_value: float, margin: float, sign: float) -> float:
    if min(sign * spread.value, sign * spread.centre) <= margin:
        return 1.0
    return max(p_value, spread.p_value(sign * margin))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain JSON: fields as named here, without what intervals are made of."""
    found: dict[str, Any] = plain(comparison)
    for entry in (*found["tasks"].values(), *found["categories"].values(), found["overall"]):
        del entry["spread"]
    return found
