"""The final table, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from harness.errors import Exit
from harness.scores.results import CategoryResult, Results, TaskResult
from harness.scores.stats import Estimate
from harness.words import counted
from tasks import CATEGORIES

WIDTH = 80
NO_NUMBER = "–"
_HEAD = (
    f"{'task':<13}{'score':>7}  {'95 % interval':^15}{'n':>7}"
    f"{'unparsed':>10}{'truncated':>10}{'failed':>8}{'tokens':>8}"
)


def number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash where there is none: never 0 for nothing."""
    return NO_NUMBER if value is None else f"{value:.{digits}f}"


def digits_of(scale: float) -> int:
    """How many decimals a number has, where all right is `scale`."""
    return 0 if scale >= 1000 else 1 if scale >= 10 else 3


def interval(estimate: Estimate, digits: int = 1) -> str:
    """An interval as "12.3 – 45.6"."""
    if estimate.low is None:
        return NO_NUMBER
    return f"{number(estimate.low, digits)} – {number(estimate.high, digits)}"


def percent(share: float) -> str:
    """A share as per cent; nothing at all stays visibly different from a little."""
    return "0 %" if share == 0 else "<0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"


def lines(results: Results) -> Iterator[str]:
    """The table, line by line, none wider than 80 columns."""
    yield _HEAD
    yield "─" * len(_HEAD)
    for task in results.tasks.values():
        yield _task(task)
    yield "─" * len(_HEAD)
    for category in results.categories.values():
        yield _mean(category, f"mean of {len(category.tasks)}")
    if any(task.category in CATEGORIES for task in results.tasks.values()):
        yield _mean(results.mean, f"mean of {counted(len(results.mean.tasks), 'task')}")
    for note in _notes(results):
        yield from textwrap.wrap(note, WIDTH, subsequent_indent="  ", break_long_words=True)


def _name(name: str, width: int = 13) -> str:
    """A name in its column; of a long one the beginning and the end, which tells tasks of one family apart."""
    return f"{name if len(name) < width else f'{name[:5]}…{name[7 - width :]}':<{width}}"


def _task(task: TaskResult) -> str:
    digits = digits_of(task.scale)
    failed = task.share("failed") + task.share("error")
    return (
        f"{_name(task.name)}{number(task.score.value, digits):>7}  {interval(task.score, digits):^15}"
        f"{task.score.n:>7}{percent(task.share('unparsed')):>10}{percent(task.share('truncated')):>10}"
        f"{percent(failed):>8}{number(task.completion_tokens):>8}"
    )


def _mean(mean: CategoryResult, said: str) -> str:
    partial = f", {len(mean.missing)} missing" if mean.missing else ""
    return f"{_name(mean.name)}{number(mean.score.value):>7}  {interval(mean.score):^15}  {said}{partial}"


def _foreign(results: Results) -> Iterator[str]:
    """What the numbers are of tasks outside the six categories."""
    for task in results.tasks.values():
        if task.category not in CATEGORIES:
            yield f"{task.name}: {task.headline}, in no mean{''.join(f'; {label}' for label in task.labels)}."


def _notes(results: Results) -> Iterator[str]:
    if results.shard is not None:
        yield f"Shard {results.shard}: a part of a run, not a benchmark's score; harness merge joins the parts."
    if results.synthetic:
        yield "Synthetic data: drawn for this run, not the benchmarks. Not comparable to anything published."
    if results.model.get("allow_missing_weights"):
        yield "Loaded with --allow-missing-weights: what the checkpoint lacks is random."
    unjudged = [
        name
        for name, task in results.tasks.items()
        if any(label.startswith("no judge") for label in task.labels)
    ]
    if unjudged:
        yield f"No judge, not comparable to published: {', '.join(unjudged)}."
    yield from _foreign(results)
    totals = [task for task in results.tasks.values() if task.scale != 100 and task.category in CATEGORIES]
    for task in totals:
        yield (
            f"{task.name}: total of {task.scale:.0f}; a tenth of it in the means."
            if task.scale == 1000
            else (f"{task.name}: out of {task.scale:g}.")
        )
    yield from results.notes
    for task in results.tasks.values():
        if task.filtered:
            share = percent(task.share("filtered"))
            yield (
                f"{task.name}: {task.filtered} of {task.responses} answers ({share}) were withheld by the "
                f"provider's content filter{': counted 0' if task.category in CATEGORIES else ''}."
            )
    for task in results.tasks.values():
        if task.failed + task.error:
            counts = f"{task.failed} failed" + (f", {task.error} scorer errors" if task.error else "")
            yield f"{task.name}: {counts} of {task.responses}; first: {textwrap.shorten(task.errors[0], 160)}"
    if results.exit_code == Exit.INCOMPLETE:
        again = (
            ""
            if results.model.get("backend") == "imported"
            else " The same command asks the failed ones again."
        )
        yield f"More failures than allowed: exit 3.{again}"
