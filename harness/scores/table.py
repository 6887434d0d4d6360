"""The final table, as wide as the screen at most."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from harness.control import CONTROLS
from harness.errors import Exit
from harness.scores.results import CategoryResult, Results, TaskResult
from harness.scores.stats import Estimate
from harness.terminal import Cell, Column, Row, Screen, table, wrapped
from tasks import CATEGORIES

NO_NUMBER = "–"
NOT_SCORED = "not scored"
"""In place of a score, where the answers are withheld."""
MUCH = 0.05
"""From this share of responses without an answer a table warns."""
MOST = 0.5
"""From this share on a score says little about the model."""
_COLUMNS = (
    Column("task"),
    Column("score"),
    Column("95 % interval"),
    Column("n"),
    Column("unparsed", 1),
    Column("truncated", 1),
    Column("failed", 1),
    Column("tokens", 1),
    Column("if wrong … right", 2),
    Column("official only", 3),
    Column("ours only", 3),
    Column("prompt tokens", 4),
    Column("metric", 5, left=True),
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


def lines(results: Results, where: Screen | None = None, about: str = "") -> Iterator[str]:
    """The table and what must be known about it, line by line.

    Args:
        results: of the run.
        where: 80 columns without colour by default.
        about: the model and how it was asked, above the table.
    """
    where = where or Screen()
    if about:
        yield from wrapped(about, where)
        yield ""
    rows: list[Row] = [*map(_task, results.tasks.values()), None]
    rows += [_mean(category) for category in results.categories.values()]
    if any(task.category in CATEGORIES for task in results.tasks.values()):
        rows.append(_mean(results.mean))
    yield from table(_COLUMNS, rows, where)
    for note in _notes(results):
        yield from wrapped(note, where)


def score_text(task: TaskResult) -> str:
    """A task's score; where its answers are withheld, that it has none."""
    return NOT_SCORED if task.unscored else number(task.score.value, digits_of(task.scale))


def _task(task: TaskResult) -> Row:
    digits = digits_of(task.scale)
    failed = task.share("failed") + task.share("error")
    unanswered = sum(map(task.share, ("unparsed", "truncated", "filtered")))
    score = Cell(score_text(task), "bad" if unanswered >= MOST else "bold")
    span = NO_NUMBER if task.low is None else f"{number(task.low, digits)} … {number(task.high, digits)}"
    return (
        task.name,
        score,
        interval(task.score, digits),
        str(task.score.n),
        _share(task.share("unparsed")),
        _share(task.share("truncated")),
        _share(failed, most=MUCH),
        number(task.completion_tokens),
        span,
        str(task.loopholes),
        str(task.missed),
        number(task.prompt_tokens),
        task.headline,
    )


def _share(share: float, most: float = MOST) -> Cell:
    """A share of responses that have no answer: marked where it is most of them, without colour too."""
    if share >= most:
        return Cell(f"! {percent(share)}", "bad")
    return Cell(percent(share), "warn" if share >= MUCH else "" if share else "soft")


def _mean(mean: CategoryResult) -> Row:
    of = f"{len(mean.tasks)}/{len(mean.tasks) + len(mean.missing)}" if mean.missing else str(len(mean.tasks))
    tasks = "1 task" if of == "1" else f"{of} tasks"
    style = "bold" if mean.name == "all" else ""
    texts = (mean.name, number(mean.score.value), interval(mean.score), "", tasks)
    cells = [Cell(text, style) for text in texts]
    return [*cells, *[""] * (len(_COLUMNS) - len(cells))]


def _foreign(results: Results) -> Iterator[str]:
    """What the numbers are of tasks outside the six categories."""
    for task in results.tasks.values():
        if task.category not in CATEGORIES:
            yield f"{task.name}: {task.headline}, in no mean{''.join(f'; {label}' for label in task.labels)}."


def _notes(results: Results) -> Iterator[str]:
    if results.shard is not None:
        yield f"Shard {results.shard}: part of a run, not a benchmark's score; harness merge joins the shards."
    if results.control is not None:
        yield f"Not a score of the benchmark: {CONTROLS[results.control]}."
    if results.synthetic:
        yield "Synthetic data, not the benchmarks: not comparable to published scores."
    if results.model.get("allow_missing_weights"):
        yield "Loaded with --allow-missing-weights: weights that the checkpoint lacks are random."
    unjudged = [
        name
        for name, task in results.tasks.items()
        if any(label.startswith("no judge") for label in task.labels)
    ]
    if unjudged:
        yield f"No judge model, so not comparable to published scores: {', '.join(unjudged)}."
    yield from _foreign(results)
    totals = [task for task in results.tasks.values() if task.scale != 100 and task.category in CATEGORIES]
    for task in totals:
        yield (
            f"{task.name}: total of {task.scale:.0f}; a tenth of it in the means."
            if task.scale == 1000
            else (f"{task.name}: out of {task.scale:g}.")
        )
    yield from results.notes
    yield from _unanswered(results)
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
            "" if results.model.get("backend") == "imported" else " Rerun the command to retry failed samples."
        )
        yield f"More failures than allowed: exit 3.{again}"


def _unanswered(results: Results) -> Iterator[str]:
    """The tasks whose scores say little: most responses have no answer that could be read."""
    for status, mend in (
        ("unparsed", "see the responses in the report; --prompt and --delimiters change how answers are read"),
        ("truncated", "--max-new-tokens raises the limit"),
    ):
        names = [name for name, task in results.tasks.items() if task.share(status) >= MOST]
        if names:
            yield f"! Most responses are {status}: {', '.join(names)}; {mend}."
