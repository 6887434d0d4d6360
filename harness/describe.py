"""What a task is, in words: for `harness show` and the documentation's page of each benchmark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from harness.data import BadRow, load_rows
from harness.errors import HarnessError
from scorers.types import COORDS
from tasks.prompts import as_text, render
from tasks.types import Style

if TYPE_CHECKING:
    from tasks.types import Metric, Task


class Fact(NamedTuple):
    """One line about a task."""

    name: str
    text: str


def facts(task: Task) -> Iterator[Fact]:
    """Where the rows of a task come from, how it is scored, its limits and defaults."""
    source = task.source
    configs = ", ".join(config for config in source.configs if config is not None)
    yield Fact("category", task.category)
    former = f"; before it moved: {', '.join(source.former)}" if source.former else ""
    yield Fact("hub", f"{source.repo}{f' ({configs})' if configs else ''}, revision {source.revision}{former}")
    train = f"; to train on: {source.train_split}" if source.train_split else ""
    yield Fact("split", f"{source.split}{f', {source.rows} rows' if source.rows else ''}{train}")
    for name, split in source.splits.items():
        rows = f", {split.rows} rows" if split.rows else ""
        yield Fact("--split", f"{name}{rows}{', answers withheld: not scored' if split.unanswered else ''}")
    if task.submission is not None:
        yield Fact("submission", f"a {task.submission.suffix} file, sent to {task.submission.to}")
    yield Fact("scorer", f"{task.scorer.__module__}.{task.scorer.__name__}({task.target.__name__})")
    defined = getattr(sys.modules.get(task.to_samples.__module__), "__file__", None)
    yield Fact("defined in", f"{Path(defined).parent.name}/{Path(defined).name}" if defined else "–")
    yield Fact("official", task.official or "no deterministic rule: official is null")
    if task.judged:
        yield Fact("judge", "published figures come from a judge model: ours are not comparable to them")
    if task.rubric is not None:
        yield Fact("rubric", "for a judge model beside the score (--judge-url, --judge-model)")
    for metric in task.metrics:
        yield Fact("metric", describe_metric(metric))
    for style, tokens in task.limits.items():
        yield Fact("limit", f"{tokens} new tokens, style {style} (--max-new-tokens)")
    yield Fact("pixels", "the model processor's own limits (--min-pixels, --max-pixels)")
    yield Fact("sampling", "greedy (--temperature 0, --top-p 1, --epochs 1)")
    if task.places:
        yield Fact("coordinates", "the model family's convention, or --coords")
    if task.cluster:
        yield Fact("intervals", f"samples of one {task.cluster!r} count as one cluster")
    if task.unit:
        yield Fact(
            "unit", f"samples of one {task.unit!r} are right or wrong together; --limit keeps them whole"
        )
    if task.defect is not None:
        yield Fact("known defects", " ".join((task.defect.__doc__ or "").split()))
    if task.notes:
        yield Fact("notes", " ".join(task.notes.split()))


def describe_metric(metric: Metric) -> str:
    """A metric in one line: what is averaged, over what, and whether it is the headline."""
    what = {
        "mean": "mean",
        "macro": "mean of the means",
        "circular": "all right",
        "whole": "its own aggregation",
    }[metric.reduce]
    by = f" by {metric.by}" if metric.by else ""
    where = f" where {metric.where[0]} is {metric.where[1]}" if metric.where else ""
    headline = "  ← headline" if metric.headline else ""
    return f"{metric.name}: {what} of {metric.of}{by}{where}, out of {metric.scale:g}{headline}"


def prompts(task: Task, data: str, coords: str) -> dict[Style, str]:
    """Style → the prompt of the first row as it is sent, `[image n]` where an image belongs.

    Args:
        task: any.
        data: as `--data`.
        coords: the convention to ask for, in tasks with places.

    Raises:
        HarnessError: there is no row, or it cannot be read.
    """
    convention = next((known for known in COORDS if known == coords), None)
    row = next(iter(load_rows(task, data, alone=True)))
    if isinstance(row, BadRow):
        raise HarnessError(f"the first row cannot be read: {row.error}")
    sample = next(iter(task.to_samples(row)))
    return {style: as_text(render(task, sample, style, coords=convention)) for style in get_args(Style)}
