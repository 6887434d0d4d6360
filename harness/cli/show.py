"""`harness show`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from tasks.types import Metric, Task


def show(parser: argparse.ArgumentParser) -> Runner:
    """Show a task: where its rows come from, what is asked, how it is scored, its limits and defaults."""
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--data", metavar="hub|DIR|synthetic", help="whose first row to show [synthetic]")
    parser.add_argument("--coords", help="convention to ask for, for tasks with places [norm1000]")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Print all that a task says."""
    from harness.registry import Registry

    task = Registry(getattr(args, "task_file", ())).get(args.task)
    for line in _facts(task):
        print(line)
    for line in _prompts(task, getattr(args, "data", "synthetic"), getattr(args, "coords", "norm1000")):
        print(line)
    return 0


def _facts(task: Task) -> Iterator[str]:
    import sys
    from pathlib import Path

    source = task.source
    configs = ", ".join(config for config in source.configs if config is not None)
    yield f"{task.name}: {task.title}"
    yield f"category     {task.category}"
    yield f"hub          {source.repo}{f' ({configs})' if configs else ''}, revision {source.revision}"
    train = f"; to train on: {source.train_split}" if source.train_split else ""
    yield f"split        {source.split}{f', {source.rows} rows' if source.rows else ''}{train}"
    yield f"scorer       {task.scorer.__module__}.{task.scorer.__name__}({task.target.__name__})"
    defined = getattr(sys.modules.get(task.to_samples.__module__), "__file__", None)
    yield f"defined in   {Path(defined).parent.name}/{Path(defined).name}" if defined else "defined in   –"
    yield f"official     {task.official or 'no deterministic rule of its own: official is null'}"
    if task.judged:
        yield "judge        published figures come from a judge model: ours are not comparable to them"
    for metric in task.metrics:
        yield f"metric       {_metric(metric)}"
    for style, tokens in task.limits.items():
        yield f"limit        {tokens} new tokens, style {style} (--max-new-tokens)"
    yield "pixels       the model processor's own limits (--min-pixels, --max-pixels)"
    yield "sampling     greedy (--temperature 0, --top-p 1, --epochs 1)"
    if task.places:
        yield "coordinates  the model family's convention, or --coords"
    if task.cluster:
        yield f"intervals    samples of one {task.cluster!r} count as one cluster"
    if task.unit:
        yield f"unit         samples of one {task.unit!r} stand or fall together; --limit keeps them whole"
    if task.notes:
        yield f"notes        {' '.join(task.notes.split())}"


def _metric(metric: Metric) -> str:
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


def _prompts(task: Task, data: str, coords: str) -> Iterator[str]:
    from harness.data import BadRow, load_rows
    from harness.errors import HarnessError
    from scorers.types import COORDS
    from tasks.prompts import render
    from tasks.types import Style

    convention = next((known for known in COORDS if known == coords), None)
    try:
        row = next(iter(load_rows(task, data, alone=True)))
    except HarnessError as error:
        yield f"prompt       no row to show one on: {error}"
        return
    if isinstance(row, BadRow):
        yield f"prompt       the first row cannot be read: {row.error}"
        return
    sample = next(iter(task.to_samples(row)))
    for style in get_args(Style):
        yield f"── prompt, style {style}, on a row of {data} " + "─" * 20
        for part in render(task, sample, style, coords=convention):
            yield part if isinstance(part, str) else f"[image {part.index + 1}]"
