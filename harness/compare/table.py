"""Comparisons as text, as wide as the screen at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_uppercase

from harness.compare.comparison import (
    SIGNIFICANT,
    Change,
    Comparison,
    Gate,
    MeanComparison,
    Mismatch,
    RunInfo,
    TaskComparison,
    changes,
)
from harness.scores.stats import Estimate
from harness.scores.table import NO_NUMBER, interval, number
from harness.terminal import Cell, Column, Row, Screen, painted, table, wrapped
from harness.words import counted, missing_responses
from tasks import CATEGORIES

Entry = TaskComparison | MeanComparison
Signs = Mapping[tuple[str, str], int]
"""(kind, name) of what differs significantly → 1 where the candidate is better, -1 where it is worse."""

LISTED = 3
"""Up to so many tasks are named in a note."""

_COLUMNS = (
    Column("task"),
    Column("n"),
    Column("A"),
    Column("B"),
    Column("B − A"),
    Column("95 % interval"),
    Column("bootstrap", 3),
    Column("detectable", 2),
    Column("A✓B✗", 1),
    Column("A✗B✓", 1),
    Column("p (Holm)"),
)
_OVERALL = (
    Column("run"),
    Column("overall"),
    Column("A", 1),
    Column("run − A"),
    Column("95 % interval"),
    Column("bootstrap", 4),
    Column("detectable", 3),
    Column("tasks", 2),
    Column("better", 2),
    Column("worse", 2),
    Column("p"),
)


def lines(comparison: Comparison, where: Screen | None = None) -> Iterator[str]:
    """Table, notes and verdict of two runs, line by line; by default 80 columns without colour."""
    where = where or Screen()
    yield from _run("A  baseline   ", comparison.a, where)
    yield from _run("B  candidate  ", comparison.b, where)
    yield ""
    signs = significant(comparison)
    rows: list[Row] = [_row(task, signs) for task in comparison.tasks.values()]
    rows += [None, *(_row(category, signs) for category in comparison.categories.values())]
    yield from table(_COLUMNS, [*rows, _row(comparison.overall, signs)], where)
    yield ""
    for note in (*_notes(comparison), *_methods([comparison]), could_see(comparison)):
        yield from wrapped(note, where)
    yield from _verdict(f"Verdict: {conclusion(comparison)}", comparison, where)


def several(comparisons: Sequence[Comparison], where: Screen | None = None) -> Iterator[str]:
    """The same of several runs and one baseline: models as rows, differences overall and by category."""
    where = where or Screen()
    lettered = list(zip(letters(len(comparisons)), comparisons, strict=True))
    yield from _run("A  baseline  ", comparisons[0].a, where)
    for letter, comparison in lettered:
        yield from _run(f"{letter}  ".ljust(13), comparison.b, where)
    yield ""
    yield from table(_OVERALL, [_overall(letter, each) for letter, each in lettered], where)
    yield ""
    names = _entry_names(comparisons)
    columns = [Column("run − A"), *(Column(name, 0 if kind == "category" else 2) for kind, name in names)]
    yield from table(columns, [_differences(letter, each, names) for letter, each in lettered], where)
    yield ""
    yield from wrapped(
        f"* significant: p (Holm) at most {SIGNIFICANT}, adjusted within each pair of runs.", where
    )
    for text, of in _common_notes(lettered).items():
        prefix = "" if len(of) == len(lettered) else f"{', '.join(of)}: "
        yield from wrapped(prefix + text, where)
    for note in _methods(comparisons):
        yield from wrapped(note, where)
    for letter, comparison in lettered:
        yield from _verdict(conclusion(comparison, letter), comparison, where)


def letters(count: int) -> list[str]:
    """What candidates are called after the baseline A: B, C … Z, then R27 and so on."""
    return [ascii_uppercase[place] if place < 26 else f"R{place + 1}" for place in range(1, count + 1)]


def significant(comparison: Comparison) -> Signs:
    """What differs significantly, and in which direction."""
    return {
        (change.kind, change.name): sign
        for sign, better in ((1, True), (-1, False))
        for change in changes(comparison, better=better)
    }


def kind_of(entry: Entry) -> str:
    """`task`, `category` or `overall`."""
    if isinstance(entry, TaskComparison):
        return "task"
    return "overall" if entry.name == "all" else "category"


def _run(role: str, info: RunInfo, where: Screen) -> Iterator[str]:
    first, *more = wrapped(f"{info.name} · {info.path}", Screen(where.width - len(role)))
    yield role + first
    yield from (" " * len(role) + line.strip() for line in more)


def signed(value: float | None) -> str:
    """A difference in points, with its sign."""
    return NO_NUMBER if value is None else f"{round(value, 1) + 0.0:+.1f}"


def p_text(p: float) -> str:
    """A p-value; never 0."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _row(entry: Entry, signs: Signs) -> Row:
    """A task or a mean."""
    task = entry if isinstance(entry, TaskComparison) else None
    sign = signs.get((kind_of(entry), entry.name), 0)
    nothing = entry.difference.value is None
    return (
        Cell(entry.name, "" if task else "bold"),
        str(task.n) if task else _of(entry),
        number(entry.a),
        number(entry.b),
        "" if nothing else Cell(signed(entry.difference.value), _tone(sign)),
        "" if nothing else interval(entry.difference),
        "" if nothing else interval(entry.bootstrap),
        number(entry.visible),
        str(task.only_a) if task and task.n else "",
        str(task.only_b) if task and task.n else "",
        "" if nothing else p_text(entry.p_adjusted),
    )


def _of(mean: Entry) -> str:
    assert isinstance(mean, MeanComparison)
    return f"{len(mean.tasks)}/{len(mean.tasks) + len(mean.missing)}"


def _tone(sign: int) -> str:
    return "good" if sign > 0 else "bad" if sign < 0 else ""


def _overall(letter: str, comparison: Comparison) -> Row:
    mean, signs = comparison.overall, significant(comparison)
    nothing = mean.difference.value is None
    tasks = [sign for (kind, _), sign in signs.items() if kind == "task"]
    return (
        f"{letter}  {comparison.b.name}",
        number(mean.b),
        number(mean.a),
        "" if nothing else Cell(signed(mean.difference.value), _tone(signs.get(("overall", "all"), 0))),
        "" if nothing else interval(mean.difference),
        "" if nothing else interval(mean.bootstrap),
        number(mean.visible),
        _of(mean),
        str(tasks.count(1)),
        str(tasks.count(-1)),
        "" if nothing else p_text(mean.p_adjusted),
    )


def _entry_names(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """(kind, name) of the categories and then the tasks that some comparison has."""
    categories = [name for name in CATEGORIES if any(name in each.categories for each in comparisons)]
    tasks = dict.fromkeys(name for each in comparisons for name in each.tasks)
    return [*(("category", name) for name in categories), *(("task", name) for name in tasks)]


def _differences(letter: str, comparison: Comparison, names: Sequence[tuple[str, str]]) -> Row:
    signs = significant(comparison)
    cells: list[Cell | str] = [f"{letter}  {comparison.b.name}"]
    for kind, name in names:
        entries: Mapping[str, Entry] = comparison.categories if kind == "category" else comparison.tasks
        entry = entries.get(name)
        sign = signs.get((kind, name), 0)
        text = NO_NUMBER if entry is None else signed(entry.difference.value)
        cells.append(Cell(f"{text}{'*' if sign else ' '}", _tone(sign)))
    return cells


def _notes(comparison: Comparison, letter: str = "B") -> Iterator[str]:
    if comparison.synthetic:
        yield "Synthetic data, not the benchmarks: not comparable to published scores."
    for name, info in (("A", comparison.a), (letter, comparison.b)):
        if not info.complete:
            yield f"{name} is not complete, {missing_responses(info.missing)}: compared on what both have."
    yield from mismatch_notes(comparison)
    if prompts := prompts_note(comparison, letter):
        yield prompts
    for task in comparison.tasks.values():
        if task.category not in CATEGORIES:
            what = task.headline if task.n else f"{task.headline}: its documents have no numbers to pair"
            yield f"{task.name}: {what}; in no mean."
    if left := left_out(comparison, letter):
        yield left
    for name, names in (("A", comparison.only_in_a), (letter, comparison.only_in_b)):
        if names:
            yield f"Only in {name}, not compared: {', '.join(names)}."


def _common_notes(lettered: Sequence[tuple[str, Comparison]]) -> dict[str, list[str]]:
    """Note → the runs that it is about."""
    found: dict[str, list[str]] = {}
    for letter, comparison in lettered:
        for note in _notes(comparison, letter):
            found.setdefault(note, []).append(letter)
    return found


def mismatch_notes(comparison: Comparison) -> Iterator[str]:
    """Which tasks differ in more than their prompts, and what became of them; a reason once."""
    reasons: dict[tuple[bool, str], list[Mismatch]] = {}
    for each in comparison.mismatches:
        reasons.setdefault((each.task in comparison.tasks, each.why), []).append(each)
    for (paired, why), found in reasons.items():
        names = ", ".join(each.task for each in found)
        if paired:
            yield f"Mismatch: {names}: {why}. Only samples whose question and images agree are paired."
        else:
            yield f"Not compared, and in no mean: {names}: {why}."


def prompts_note(comparison: Comparison, letter: str = "B") -> str:
    """Which tasks were asked with different prompts; empty where none was."""
    if not comparison.prompts:
        return ""
    a, b = comparison.a, comparison.b
    settings = [
        f"{what}{one} in A and {other} in {letter}"
        for what, one, other in (("", a.prompt, b.prompt), ("coordinates ", a.coords, b.coords))
        if one != other
    ]
    how = f" ({'; '.join(settings)})" if settings else ""
    names = [each.task for each in comparison.prompts]
    tasks = ", ".join(names) if len(names) <= LISTED else counted(len(names), "task")
    return f"Different prompts{how}: {tasks}. Questions, images and right answers are the same."


def left_out(comparison: Comparison, letter: str = "B") -> str:
    """How many samples are in no pair, and why, summed over the tasks; empty where all are."""
    kinds = {
        "only in A": [len(task.only_in_a) for task in comparison.tasks.values()],
        f"only in {letter}": [len(task.only_in_b) for task in comparison.tasks.values()],
        "with another question or other images": [task.mismatched for task in comparison.tasks.values()],
        "without a verdict in one run": [task.unanswered for task in comparison.tasks.values()],
    }
    said = [f"{sum(counts):,} {what}" for what, counts in kinds.items() if sum(counts)]
    if not said:
        return ""
    names = [name for name, *counts in zip(comparison.tasks, *kinds.values(), strict=True) if any(counts)]
    where = ", ".join(names) if len(names) <= 2 else f"{counted(len(names), 'task')}; --json lists them"
    return f"Samples left out: {', '.join(said)} ({where})."


def _methods(comparisons: Sequence[Comparison]) -> Iterator[str]:
    tasks = [task for comparison in comparisons for task in comparison.tasks.values() if task.n]
    graded = list(dict.fromkeys(task.name for task in tasks if task.test != "McNemar"))
    exact = "McNemar's exact test" if any(task.test == "McNemar" for task in tasks) else ""
    other = f"Student's t on {', '.join(graded)}" if graded else ""
    most = max(len(comparison.categories) for comparison in comparisons)
    yield (
        f"p (Holm): {'; '.join(part for part in (exact, other) if part)}; adjusted over "
        f"{counted(max(len(each.tasks) for each in comparisons), 'task')}, of means over "
        f"{'1 category' if most == 1 else f'{most} categories'}."
    )
    apart = [(_apart(task.difference, task.bootstrap), task.name) for task in tasks]
    if apart and comparisons[0].repeats:
        widest, name = max(apart)
        yield (
            f"Paired bootstrap, {comparisons[0].repeats:,} resamples: its intervals end at most {widest:.1f} "
            f"points from these ({name}); --json has them."
        )


def _apart(one: Estimate, other: Estimate) -> float:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return 0.0
    return max(abs(one.low - other.low), abs(one.high - other.high))


def could_see(comparison: Comparison) -> str:
    """The minimum detectable differences of these samples, of many tasks their means' alone."""
    tasks, means = list(comparison.tasks.values()), [*comparison.categories.values(), comparison.overall]
    entries: list[Entry] = [*tasks, *means]
    if len(tasks) == 1:
        entries = [*tasks]
    elif len(tasks) > LISTED:
        entries = [*means]
    seen = [f"{entry.name} {entry.visible:.1f}" for entry in entries if entry.visible is not None]
    blind = [entry.name for entry in entries if entry.visible is None]
    text = f"Minimum detectable difference in points (80 % power): {', '.join(seen)}." if seen else ""
    return f"{text} Too few samples to detect any: {', '.join(blind)}.".strip() if blind else text


def _verdict(text: str, comparison: Comparison, where: Screen) -> Iterator[str]:
    tone = _tone(significant(comparison).get(("overall", "all"), 0)) or "bold"
    return (painted(line, tone, where) for line in wrapped(text, where))


def conclusion(comparison: Comparison, letter: str = "B") -> str:
    """What can be concluded, in plain words."""
    mean = comparison.overall
    better, worse = changes(comparison, better=True), changes(comparison)
    if mean.difference.value is None:
        return f"Nothing could be compared: {_why_nothing(comparison)}."
    size = f"{abs(mean.difference.value):.1f} points ({letter} − A: {interval(mean.difference)})"
    whole = {"better": better, "worse": worse}
    said = [word for word, found in whole.items() if any(change.kind == "overall" for change in found)]
    if said:
        text = f"{letter} is {said[0]} than A overall, by {size}."
    else:
        text = (
            f"no significant difference between {letter} and A overall: "
            f"{signed(mean.difference.value)} points ({interval(mean.difference)})."
        )
    parts = [f" {word.capitalize()}: {names}." for word, found in whole.items() if (names := _names(found))]
    return text[0].upper() + text[1:] + ("".join(parts) or " No task and no category differs significantly.")


def _why_nothing(comparison: Comparison) -> str:
    if any(task.n for task in comparison.tasks.values()):
        return "no task of a category is in both runs"
    return (
        "no sample has a verdict in both runs" if comparison.tasks else "data or scorers differ in every task"
    )


def _names(found: Iterable[Change]) -> str:
    named = [change for change in found if change.kind != "overall"]
    return ", ".join(change.name if change.kind == "task" else f"{change.name} (mean)" for change in named)


def gate_lines(gates: Sequence[Gate], where: Screen) -> Iterator[str]:
    """What `--fail-on-regression` says of each run."""
    for letter, found in zip(letters(len(gates)), gates, strict=True):
        tone = "bad" if found.regressions else ""
        yield from (painted(line, tone, where) for line in wrapped(_gate(found, letter), where))


def _gate(found: Gate, letter: str) -> str:
    beyond = f" by more than {found.margin:g} points" if found.margin else ""
    if found.regressions:
        named = [
            f"{'mean of ' if change.kind != 'task' else ''}{change.name} {signed(change.difference.value)} "
            f"({interval(change.difference)})"
            for change in found.regressions
        ]
        return f"Regression: {letter} is worse than A{beyond}, p <= {SIGNIFICANT}: {'; '.join(named)}: exit 4."
    if found.doubts:
        return f"{letter}: no regression{beyond} found, but: {'; '.join(found.doubts)}: exit 3."
    return f"{letter}: no regression{beyond}."
