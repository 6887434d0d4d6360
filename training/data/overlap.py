"""Rows that are to be trained on and occur in what the model will be evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from harness.data.overlap import SHOWN, Found, Question, overlap, task_questions
from harness.errors import UsageError
from harness.jsonl import write_json
from harness.registry import SUITES, Registry
from harness.words import counted
from tasks.images import ImageError
from training.data.demonstrations import first_question
from training.data.row_format import RowFormat, text
from training.data.rows import found_images, has_own_rows, holds, read_rows
from training.log import say
from training.problems import ProblemError
from training.recipe import Recipe, task_names

RECORD = "overlap.json"
"""In the folder of a training: what its data and the evaluation data have in common."""
_QUESTIONS = ("problem", "question", "query", "prompt")
"""Columns that may hold a row's question; the first that does counts."""


def questions(name: str, *, data: str = "hub", tasks: Registry | None = None) -> Iterator[Question]:
    """The questions of a data set.

    Args:
        name: tasks and suites with commas between, their training split with `@train` behind; a directory of
            tasks' rows; or rows of no task: a file, a folder of files, a data set on the hub.
        data: where the rows of tasks are.
        tasks: those that are known; None: without task files.

    Raises:
        UsageError: there is no such thing.
        HarnessError: it cannot be read.
    """
    tasks = tasks or Registry()
    names, _, split = name.partition("@")
    if split in ("", "train") and all(each in SUITES or each in tasks.names() for each in names.split(",")):
        chosen = tasks.select(None, names.split(","))
        yield from task_questions(chosen, data, "train" if split else "test")
    elif has_own_rows(name, tasks):
        yield from row_questions(name, RowFormat())
    elif Path(name).is_dir():
        held = [task for task in map(tasks.get, tasks.names()) if holds(Path(name), task)]
        yield from task_questions(held, name)
    else:
        raise UsageError(f"{name}: neither a task, a suite, a file, a directory nor ORG/NAME on the hub")


def row_questions(data: str, form: RowFormat) -> Iterator[Question]:
    """The questions of rows of no task; those that have none, or no readable picture, are passed over."""
    for read in read_rows(data, form):
        if isinstance(read.row, str):
            continue
        try:
            asked = _asked(read.row)
            identity = text(read.row, "problem_id") or read.where
            yield Question(identity, asked, found_images(read.row, read.folder))
        except (ProblemError, ImageError):
            continue


def _asked(row: Mapping[str, Any]) -> str:
    """The question of a row, in whichever form.

    Raises:
        ProblemError: it has none.
    """
    found = next((row[name] for name in _QUESTIONS if isinstance(row.get(name), str)), None)
    return first_question(row) if found is None else found


def find_overlap(recipe: Recipe) -> Found | None:
    """What a recipe's data have in common with its `held_out_data`; None where it names none.

    Drawn data are drawn from seeds that no evaluation uses, and are not compared.

    Raises:
        UsageError: rows occur in both, and the recipe does not allow it.
        HarnessError: data cannot be read.
    """
    if not recipe.held_out_data or recipe.data == "synthetic":
        return None
    registry = recipe.registry
    evaluated = chain.from_iterable(questions(name, tasks=registry) for name in recipe.held_out_data)
    trained = (
        row_questions(recipe.data, recipe.row_format)
        if recipe.own_rows
        else task_questions(map(registry.get, task_names(recipe.tasks, registry)), recipe.data, "train")
    )
    found = overlap(evaluated, trained)
    if found.counts["both"] and not recipe.allow_overlap:
        raise UsageError(
            f"{_summary(recipe, found)}; leave them out, or --allow-overlap trains on them and records it"
        )
    return found


def _summary(recipe: Recipe, found: Found) -> str:
    ids = [other for _, other in found.pairs["both"][:SHOWN]]
    named = f": {', '.join(ids)}{', …' if found.counts['both'] > len(ids) else ''}" if ids else ""
    rows = f"{found.counts['both']:,} of {counted(found.second, 'row')}"
    return f"{recipe.data}: {rows} occur in {', '.join(recipe.held_out_data)} (same image and question){named}"


def overlap_lines(recipe: Recipe, found: Found) -> Iterator[str]:
    """What was found, in a line; another where rows share a picture alone."""
    yield f"{_summary(recipe, found)}{'; trained on all the same' if found.counts['both'] else ''}"
    if shared := found.counts["image"]:
        yield f"{recipe.data}: {counted(shared, 'row')} more with an image of theirs and another question"


def check_overlap(recipe: Recipe) -> None:
    """Refuse a recipe whose data occur in what it will be evaluated on; else say and record what is shared.

    Raises:
        UsageError, HarnessError: as `find_overlap`.
    """
    if (found := find_overlap(recipe)) is None:
        return
    for line in overlap_lines(recipe, found):
        say(line)
    record = {"data": recipe.data, "held_out_data": recipe.held_out_data, "allowed": recipe.allow_overlap}
    write_json(Path(recipe.out) / RECORD, {**record, "counts": found.counts, "pairs": found.pairs})
