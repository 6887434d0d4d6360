"""Problems out of a file, a folder of files or a data set on the hub: rows in OneThinker's or EasyR1's format.

A row names its scorer by its problem type (`training.problems`). Columns: `problem_id, problem ("<image> …"),
data_type, problem_type, options, data_source, answer ("<answer>…</answer>"), images, task_type`, of which
EasyR1 has `problem, answer, images` alone; a recipe says the rest (`RowFormat`). Optionally `gold_coords`, the
row's own convention. Pictures may lie under other names and in any form (`training.data.rows`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby
from random import Random
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.run.items import FailedRow
from harness.run.media import ImageStore
from harness.words import counted
from scorers.types import ScorerError
from tasks.images import ImageError, ImageRef
from tasks.options import as_list
from tasks.types import Family, Metric, RowError, Sample, Source, Task
from training.data.dataset import unread
from training.data.prompt_stream import Problems
from training.data.row_format import RowFormat, text
from training.data.rows import MARKER, ReadRow, check_markers, read_rows, reasons, row_images
from training.problems import Problem, ProblemError, gold_value, problem_scorer, problem_type
from training.problems.options import read_options

GOLD_EARNS = 0.95
"""What a row's own gold answer must earn by the row's scorer, or the row is left out."""
_PLACE = "spatial grounding"


class GoldError(ProblemError):
    """A row's own gold answer is not accepted by its scorer."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row that can be trained on."""

    where: str
    """For messages."""
    id: str
    problem: Problem
    """A box, if it has one, is judged in fractions; one in pixels in the image's own size."""
    images: tuple[ImageRef, ...]
    kind: str
    """The problem type."""
    family: Family
    source: str
    """`data_source`."""
    process: str | None
    """Thinking that leads to the answer, for the cold start."""


class FileProblems:
    """Rows of one family and one problem type. See `training.data.prompt_stream.Problems`.

    Their task knows a row by its `index` here: it has been read and checked.
    """

    def __init__(self, rows: Sequence[FileRow]) -> None:
        self.rows = rows
        self._type = problem_type(rows[0].kind)
        self.size: int | None = len(rows)
        name, family = self._type.name, rows[0].family
        self.task = Task(
            name=f"{family}/{name}",
            category=family,
            title=f"{name} problems of the family {family}",
            source=Source(repo="", split="train"),
            to_samples=lambda row: [self.sample(row["index"])],
            scorer=self._type.scorer,
            target=type(self._type.target(rows[0].problem)),
            metrics=(Metric("value", headline=True),),
            places=name == _PLACE,
        )

    def sample(self, index: int) -> Sample:
        """Row `index` as a sample, with images that will be read afresh."""
        row = self.rows[index]
        problem, images = row.problem, tuple(map(unread, row.images))
        try:
            if self.task.places:
                problem = replace(problem, size=images[0].size)
            _, target = problem_scorer(self._type.name, problem)
            offered = read_options(problem) if self._type.name == "multiple choice" else None
        except ProblemError as error:
            raise RowError(f"{row.where}: {error}") from None
        numbers = count(1)
        question = re.sub(MARKER, lambda _: f"<image {next(numbers)}>", problem.question).strip()
        return Sample(
            id=row.id,
            question=question,
            target=target,
            images=images,
            choices=() if offered is None or offered.listed else offered.texts,
            instruction=self._type.instruction,
            groups={"source": row.source},
            text_only=not images,
        )


def told(problems: Sequence[Problems]) -> str:
    """What a file was found to hold, for people: its rows by family, and how many of them have images."""
    families: Counter[str] = Counter()
    for each in problems:
        families[each.task.category] += each.size or 0
    shown = sum(bool(row.images) for each in problems if isinstance(each, FileProblems) for row in each.rows)
    named = ", ".join(f"{name} {rows}" for name, rows in families.items())
    return f"{counted(families.total(), 'row')} ({named}), {shown} with images"


class Loaded(NamedTuple):
    """The rows of a file, by family and problem type."""

    problems: list[FileProblems]
    """What is trained on."""
    failed: list[FailedRow]
    """The rows that cannot be trained on."""
    held_out: list[FileProblems]
    """The rows that could be and never are."""


def load_file(data: str, form: RowFormat, store: ImageStore) -> Loaded:
    """The problems of a file, a folder or a data set on the hub, and the rows that cannot be trained on.

    Left out are rows of videos, rows that speak of a picture and have none, rows without an answer, and rows
    whose own answer their scorer does not accept.

    Args:
        data: as a recipe names it (`training.data.rows.has_own_rows`).
        form: how its rows are read.
        store: holds images that do not lie in files of their own.

    Raises:
        UsageError: it cannot be found, lacks a column that `form` names, holds no row that can be trained on,
            or more gold answers that their scorers refuse than `form.gold_budget`.
        HarnessError: it cannot be read.
    """
    groups: dict[tuple[str, str], list[FileRow]] = {}
    failed: list[FailedRow] = []
    refused: list[FailedRow] = []
    for read in read_rows(data, form):
        try:
            row = checked(read, form, store)
        except (ProblemError, RowError) as error:
            failed.append(FailedRow(read.where, f"{read.where}: {error}"))
            if isinstance(error, GoldError):
                refused.append(failed[-1])
        else:
            groups.setdefault((row.family, row.kind), []).append(row)
    if not groups:
        raise UsageError(f"{data}: no row to train on: {(reasons(failed) or ['it has none'])[0]}")
    judged = sum(map(len, groups.values())) + len(refused)
    if len(refused) > form.gold_budget * judged:
        raise UsageError(
            f"{data}: the scorers refuse the gold answers of {len(refused)} of {judged} rows, more than the "
            f"gold_budget of {form.gold_budget:.0%}: {reasons(refused)[0]}"
        )
    rows = [row for _, group in sorted(groups.items()) for row in group]
    if form.held_out >= len(rows):
        raise UsageError(f"{data}: held_out is {form.held_out}, of {counted(len(rows), 'row')} none is left")
    held = set(Random(f"held-out/{form.seed}").sample(range(len(rows)), form.held_out))  # noqa: S311
    kept = _grouped([row for at, row in enumerate(rows) if at not in held])
    return Loaded(kept, failed, _grouped([rows[at] for at in sorted(held)]))


def _grouped(rows: Sequence[FileRow]) -> list[FileProblems]:
    """Rows that are sorted by family and problem type, in groups of one."""
    return [FileProblems([*group]) for _, group in groupby(rows, lambda row: (row.family, row.kind))]


def checked(read: ReadRow, form: RowFormat, store: ImageStore) -> FileRow:
    """A row as one that can be trained on.

    Raises:
        ProblemError, RowError: why it cannot be trained on, in one line.
    """
    row = read.row
    if isinstance(row, str):
        raise ProblemError(row)
    shows = "video" if row.get("videos") else text(row, "data_type") or "image"
    if shows not in ("image", "text"):
        raise ProblemError(f"it shows a {shows}: images and text are trained on")
    question, answer = (_needed(row, name, form) for name in ("problem", "answer"))
    kind = form.type_of(row)
    family = form.family_of(row, kind)
    images = row_images(row, read.folder, store)
    check_markers(question, len(images), row)
    if kind == _PLACE and not images:
        raise ProblemError("a place is asked for and there is no image")
    coords = form.coords_of(row)
    size = _size(images[0]) if kind == _PLACE and coords == "abs" else (1, 1)
    problem = Problem(answer, question, _options(row), size, coords)
    try:
        earned = gold_value(kind, problem)
    except (ProblemError, ScorerError) as error:
        raise GoldError(str(error)) from error
    if earned < GOLD_EARNS:
        raise GoldError(f"its own answer earns {earned:.2f} of 1 by the scorer of {kind}")
    return FileRow(
        read.where,
        text(row, "problem_id") or read.where,
        problem,
        images,
        kind,
        family,
        text(row, "data_source") or "",
        text(row, "process"),
    )


def _size(image: ImageRef) -> tuple[int, int]:
    """(width, height) of an image, whose bytes are not kept for it.

    Raises:
        ProblemError: it cannot be read.
    """
    try:
        return unread(image).size
    except ImageError as error:
        raise ProblemError(f"its picture is none: {error}") from None


def _needed(row: Mapping[str, Any], name: str, form: RowFormat) -> str:
    found = text(row, name)
    if found is None:
        theirs = form.columns.get(name, name)
        raise ProblemError(
            f"column {theirs!r} is missing or empty" + ("" if name in row else f": {_naming(name, row)}")
        )
    return found


def _naming(name: str, row: Mapping[str, Any]) -> str:
    return f"name another with columns.{name}; it has: {', '.join(map(str, row))}"


def _options(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The options of a row: a list, or one written as text; none where the column is missing or empty."""
    value = row.get("options")
    if value is None or value != value or value in ("", []):  # noqa: PLR0124 - NaN is not itself
        return ()
    return as_list(value, "options")
