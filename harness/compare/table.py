"""A comparison as text, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from harness.compare.comparison import (
    SIGNIFICANT,
    Change,
    Comparison,
    MeanComparison,
    RunInfo,
    TaskComparison,
    changes,
)
from harness.scores.stats import Estimate
from harness.scores.table import NO_NUMBER, WIDTH, interval, number
from harness.words import counted, missing_responses
from tasks import CATEGORIES

_NUMBERS = f"{'A':>7}{'B':>7}{'B-A':>8}  {'95 % interval':^15}"
_HEAD = f"{'task':<12}{'n':>7}{_NUMBERS}{'only A':>7}{'only B':>7}{'p adj':>8}"
_MEANS = f"{'mean':<12}{'tasks':>7}{_NUMBERS}{'bootstrap':^14}{'p adj':>8}"


def lines(comparison: Comparison) -> Iterator[str]:
    """Table, notes and conclusion, line by line, none wider than 80 columns."""
    yield from _run("A  baseline ", comparison.a)
    yield from _run("B  candidate", comparison.b)
    yield ""
    yield _HEAD
    yield "─" * WIDTH
    for task in comparison.tasks.values():
        yield _task(task)
    yield "─" * WIDTH
    yield _MEANS
    for category in comparison.categories.values():
        yield _mean(category)
    yield _mean(comparison.overall)
    yield ""
    for note in (*_notes(comparison), conclusion(comparison)):
        yield from textwrap.wrap(note, WIDTH, subsequent_indent="  ", break_long_words=True)


def _run(role: str, info: RunInfo) -> Iterator[str]:
    text = " ".join(f"{info.name}  {info.path}".split())
    text = "".join(character if character.isprintable() else "?" for character in text)
    yield from textwrap.wrap(text, WIDTH, initial_indent=f"{role}  ", subsequent_indent=" " * 14)


def signed(value: float | None) -> str:
    """A difference in points, with its sign."""
    return NO_NUMBER if value is None else f"{round(value, 1) + 0.0:+.1f}"


def p_text(p: float) -> str:
    """A p-value; never 0."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _clipped(name: str) -> str:
    return name if len(name) < 12 else name[:10] + "…"


def _task(task: TaskComparison) -> str:
    start = f"{_clipped(task.name):<12}{task.n:>7}{number(task.a):>7}{number(task.b):>7}"
    if not task.n:
        return start
    return (
        f"{start}{signed(task.difference.value):>8}  {interval(task.difference):^15}"
        f"{task.only_a:>7}{task.only_b:>7}{p_text(task.p_adjusted):>8}"
    )


def _mean(mean: MeanComparison) -> str:
    count = f"{len(mean.tasks)}/{len(mean.tasks) + len(mean.missing)}"
    start = f"{_clipped(mean.name):<12}{count:>7}{number(mean.a):>7}{number(mean.b):>7}"
    if mean.difference.value is None:
        return start
    return (
        f"{start}{signed(mean.difference.value):>8}  {interval(mean.difference):^15}"
        f"{interval(mean.bootstrap):^14}{p_text(mean.p_adjusted):>8}"
    )


def _notes(comparison: Comparison) -> Iterator[str]:
    if comparison.synthetic:
        yield "Synthetic data: drawn for these runs, not the benchmarks. Not comparable to anything published."
    for letter, info in (("A", comparison.a), ("B", comparison.b)):
        if not info.complete:
            yield f"{letter} is not complete, {missing_responses(info.missing)}: compared on what both have."
    for mismatch in comparison.mismatches:
        yield (
            f"Not alike: {mismatch.task}: {mismatch.why}. Paired are the samples whose question and "
            "images agree."
        )
    for task in comparison.tasks.values():
        if task.category not in CATEGORIES:
            what = task.headline if task.n else f"{task.headline}: its documents have no numbers to pair"
            yield f"{task.name}: {what}; in no mean."
        if left := _left_out(task):
            yield f"{task.name}: left out: {', '.join(left)}."
    for letter, names in (("A", comparison.only_in_a), ("B", comparison.only_in_b)):
        if names:
            yield f"Only in {letter}, not compared: {', '.join(names)}."
    yield from _methods(comparison)
    yield could_see(comparison)


def _left_out(task: TaskComparison) -> list[str]:
    found = [
        (len(task.only_in_a), "only in A"),
        (len(task.only_in_b), "only in B"),
        (task.mismatched, "with another question or other images"),
        (task.unanswered, "without a verdict in one run"),
    ]
    return [f"{count} {what}" for count, what in found if count]


def _methods(comparison: Comparison) -> Iterator[str]:
    tasks = [task for task in comparison.tasks.values() if task.n]
    graded = [task.name for task in tasks if task.test != "McNemar"]
    exact = "McNemar's exact test" if len(graded) < len(tasks) else ""
    other = f"Student's t on {', '.join(graded)}" if graded else ""
    yield (
        f"p adj: {'; '.join(part for part in (exact, other) if part)}; after Holm for "
        f"{counted(len(tasks), 'task')}, of means for {len(comparison.categories)}."
    )
    apart = [(_apart(task.difference, task.bootstrap), task.name) for task in tasks]
    if apart and comparison.repeats:
        most, name = max(apart)
        yield (
            f"Paired bootstrap, {comparison.repeats:,} draws: the tasks' intervals end at most {most:.1f} "
            f"points from these ({name}); --json has them."
        )


def _apart(one: Estimate, other: Estimate) -> float:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return 0.0
    return max(abs(one.low - other.low), abs(one.high - other.high))


def could_see(comparison: Comparison) -> str:
    """The smallest differences that these samples would show."""
    entries: list[TaskComparison | MeanComparison] = [
        *comparison.tasks.values(),
        *comparison.categories.values(),
        comparison.overall,
    ]
    if len(comparison.tasks) == 1:
        entries = entries[:1]
    seen = [f"{entry.name} {entry.visible:.1f}" for entry in entries if entry.visible is not None]
    blind = [entry.name for entry in entries if entry.visible is None]
    text = f"Smallest difference these n show 4 times in 5 (points): {', '.join(seen)}." if seen else ""
    return f"{text} Too few samples for any: {', '.join(blind)}.".strip() if blind else text


def conclusion(comparison: Comparison) -> str:
    """What may be concluded, in plain words."""
    mean = comparison.overall
    better, worse = changes(comparison, better=True), changes(comparison)
    if mean.difference.value is None:
        alike = (
            "no sample has a verdict in both runs"
            if comparison.tasks
            else "the runs were not asked or not scored alike"
        )
        return f"Nothing could be compared: {alike}."
    size = f"{abs(mean.difference.value):.1f} points (B-A: {interval(mean.difference)})"
    whole = {"better": better, "worse": worse}
    said = [word for word, found in whole.items() if any(change.kind == "overall" for change in found)]
    if said:
        text = f"Verdict: B is {said[0]} than A overall, by {size}."
    else:
        text = (
            f"Verdict: no certain difference overall: {signed(mean.difference.value)} points "
            f"({interval(mean.difference)})."
        )
    parts = [f" {word.capitalize()}: {names}." for word, found in whole.items() if (names := _names(found))]
    return text + ("".join(parts) or " No task and no category differs for certain.")


def _names(found: Iterable[Change]) -> str:
    named = [change for change in found if change.kind != "overall"]
    return ", ".join(change.name if change.kind == "task" else f"{change.name} (mean)" for change in named)


def gate(found: Sequence[Change], doubts: Sequence[str], margin: float) -> str:
    """What `--fail-on-regression` says."""
    beyond = f" by more than {margin:g} points" if margin else ""
    if found:
        named = [
            f"{'mean of ' if change.kind != 'task' else ''}{change.name} {signed(change.difference.value)} "
            f"({interval(change.difference)})"
            for change in found
        ]
        return f"Regression: B is worse than A{beyond}, p <= {SIGNIFICANT}: {'; '.join(named)}: exit 4."
    if doubts:
        return f"No regression{beyond} found, but: {'; '.join(doubts)}: exit 3."
    return f"No regression{beyond}."
