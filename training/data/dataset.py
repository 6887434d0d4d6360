"""What is trained on: rows of the tasks, or a file in the format of OneThinker and EasyR1.

Rows of a task come from `harness.data` (drawings, a directory, the hub's train splits) and become samples by
the task itself. A file's rows name their scorer by `problem_type` (`training.problems`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

from harness.data import load_rows
from harness.errors import HarnessError, UsageError
from harness.run.media import ImageStore
from harness.run.plan import FailedRow, samples_of
from harness.words import counted
from scorers.types import Coords, ScorerError
from tasks.images import ImageRef
from tasks.types import Category, Metric, RowError, Sample, Source, Task
from training.data.prompt_stream import Problems
from training.data.rows import MARKER, check_markers, read_rows, row_images
from training.problems import Problem, ProblemError, gold_value, problem_scorer, problem_type
from training.problems.options import read_options

MAX_ROWS = 500_000
"""Questions of a finite source that are held."""

FAMILIES: Mapping[str, Category] = {
    "spatial_grounding": "grounding",
    "spatial_reasoning": "spatial",
    "general_vqa_science_stem": "general_vqa",
    "math_reasoning": "math",
    "chart_figure_qa": "chart",
    "ocr": "document",
}
"""`task_type` of a file's rows → our family."""

GOLD_EARNS = 0.95
"""What a row's own gold answer must earn by the row's scorer, or the row is refused."""
_PLACE = "spatial grounding"


class DrawnProblems:
    """Synthetic rows of a task's training seeds, without end. See `training.data.prompt_stream.Problems`."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.size: int | None = None
        self._seed = seed
        load_rows(task, "synthetic", seed=seed, split="train")  # no drawings of this task: said now

    def sample(self, index: int) -> Sample:
        """One of the samples of row `index`, by the seed."""
        from harness.data.synthetic import synthetic_row

        row = synthetic_row(self.task.name, index, seed=self._seed, split="train")
        samples = list(self.task.to_samples(row))
        if not samples:
            raise RowError(f"row {index} gives no sample")
        return Random(f"{self._seed}/{index}").choice(samples)  # noqa: S311 - not a secret


class HeldProblems:
    """Samples that are held in memory, their images outside it. See `training.data.prompt_stream.Problems`."""

    def __init__(self, task: Task, samples: Sequence[Sample]) -> None:
        self.task = task
        self._samples = samples
        self.size: int | None = len(samples)

    def sample(self, index: int) -> Sample:
        """Sample `index`, with images that will be read afresh."""
        sample = self._samples[index]
        return replace(sample, images=tuple(map(unread, sample.images)))


def unread(image: ImageRef) -> ImageRef:
    """An image that has not been read: a reference to a file keeps its bytes, and memory is to stay flat."""
    return ImageRef(image.path) if image.path is not None else image


def load_problems(
    tasks: Iterable[Task], data: str, *, seed: int, folder: Path
) -> tuple[list[Problems], list[FailedRow]]:
    """The questions of tasks, and the rows that cannot be asked.

    Args:
        tasks: whose rows.
        data: `synthetic`, `hub` (train splits) or a directory.
        seed: of the drawings.
        folder: where a temporary file of images may lie; it has no name and goes with the process.

    Raises:
        UsageError: there is no such source, or it does not hold a task.
        HarnessError: the hub cannot be reached, or a task has no rows.
    """
    if data == "synthetic":
        return [DrawnProblems(task, seed) for task in tasks], []
    store = ImageStore(folder)
    problems: list[Problems] = []
    failed: list[FailedRow] = []
    for task in tasks:
        held: list[Sample] = []
        for draft in islice(samples_of(task, load_rows(task, data, split="train")), MAX_ROWS):
            if isinstance(draft, FailedRow):
                failed.append(replace(draft, error=f"{task.name}: {draft.error}"))
                continue
            images = tuple(image if image.path is not None else store.keep(image) for image in draft.images)
            held.append(replace(draft, images=images))
        if not held:
            raise HarnessError(f"{task.name}: no rows to train on in {data}")
        problems.append(HeldProblems(task, held))
    return problems, failed


class FileProblems:
    """Rows of a OneThinker or EasyR1 file that have one family and one problem type.

    Args:
        task_type: the rows' family, a key of `FAMILIES`.
        problem_type_name: names their scorer.
        rows: (where it is, for messages, row); each has been checked.
        folder: image paths are relative to it.
        coords: how gold boxes are written where a row does not say.
    """

    def __init__(
        self,
        task_type: str,
        problem_type_name: str,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
        folder: Path,
        coords: Coords,
    ) -> None:
        self._rows, self._folder, self._coords = rows, folder, coords
        self._type = problem_type(problem_type_name)
        self.size: int | None = len(rows)
        self.with_images = sum(bool(row_images(row, folder)) for _, row in rows)
        """Rows that show one or more."""
        name = self._type.name
        target = self._type.target(_problem(rows[0][1], coords))
        self.task = Task(
            name=f"{task_type}/{name}",
            category=FAMILIES[task_type],
            title=f"{name} problems of {task_type}",
            source=Source(repo="", split="train"),
            to_samples=lambda row: [self._read("row", row)],
            scorer=self._type.scorer,
            target=type(target),
            metrics=(Metric("value", headline=True),),
            places=name == _PLACE,
        )

    def sample(self, index: int) -> Sample:
        """Row `index` as a sample."""
        return self._read(*self._rows[index])

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any], Sample]]:
        """(where it is, row, sample) of each."""
        for where, row in self._rows:
            yield where, row, self._read(where, row)

    def _read(self, where: str, row: Mapping[str, Any]) -> Sample:
        problem = _problem(row, self._coords)
        try:
            images = row_images(row, self._folder)
            if self.task.places:
                problem = replace(problem, size=images[0].size)
            _, target = problem_scorer(self._type.name, problem)
            offered = read_options(problem) if self._type.name == "multiple choice" else None
        except ProblemError as error:
            raise RowError(f"{where}: {error}") from None
        numbers = count(1)
        question = re.sub(MARKER, lambda _: f"<image {next(numbers)}>", problem.question).strip()
        return Sample(
            id=str(row.get("problem_id", where)),
            question=question,
            target=target,
            images=images,
            choices=() if offered is None or offered.listed else offered.texts,
            instruction=self._type.instruction,
            groups={"source": str(row.get("data_source", ""))},
        )


def told(problems: Sequence[Problems]) -> str:
    """What a file was found to hold, for people: its rows by family, and how many of them have images."""
    families: Counter[str] = Counter()
    shown = 0
    for each in problems:
        families[each.task.category] += each.size or 0
        shown += each.with_images if isinstance(each, FileProblems) else 0
    named = ", ".join(f"{name} {rows}" for name, rows in families.items())
    return f"{counted(families.total(), 'row')} ({named}), {shown} with images"


def _problem(row: Mapping[str, Any], coords: Coords) -> Problem:
    """A row as a problem whose box is judged without its image: in fractions; one in pixels without bounds."""
    coords = row.get("gold_coords") or coords
    options = row.get("options")
    options = tuple(map(str, options)) if isinstance(options, Sequence) and not isinstance(options, str) else ()
    size = None if coords == "abs" else (1, 1)
    return Problem(str(row["answer"]), str(row["problem"]), options, size, coords)


def load_file(path: Path, coords: Coords) -> tuple[list[Problems], list[FailedRow]]:
    """The questions of a OneThinker or EasyR1 file, and the rows that cannot be trained on.

    Columns: `problem_id, problem ("<image> …"), data_type, problem_type, options, data_source, answer
    ("<answer>…</answer>"), images, task_type`; optionally `gold_coords`, the row's own convention. Pictures may
    lie under other names and in any form (`training.data.rows`). Rows of videos, rows that speak of a picture
    and have none, rows without an answer and rows whose own answer their scorer does not accept are failures.

    Args:
        path: a JSON list, or one JSON object a line. Image paths are relative to it.
        coords: how gold boxes are written where a row does not say (a recipe's `gold_coords`).

    Raises:
        UsageError: the file cannot be read or holds no row that can be trained on.
    """
    groups: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    failed: list[FailedRow] = []
    for number, row in enumerate(read_rows(path)):
        where = f"{path.name} row {number}"
        try:
            name = _checked(row, path.parent, coords)
        except (ProblemError, ScorerError) as error:
            known = row.get("problem_id", where) if isinstance(row, Mapping) else where
            failed.append(FailedRow(str(known), f"{where}: {error}"))
        else:
            groups.setdefault((str(row["task_type"]), name), []).append((where, row))
    if not groups:
        why = f"; the first: {failed[0].error}" if failed else ""
        raise UsageError(f"{path}: no row to train on{why}")
    problems: list[Problems] = [
        FileProblems(task_type, name, rows, path.parent, coords)
        for (task_type, name), rows in sorted(groups.items())
    ]
    return problems, failed


def _checked(row: Any, folder: Path, coords: Coords) -> str:
    """The problem type of a row that can be trained on.

    Raises:
        ProblemError, ScorerError: why it cannot, in one line.
    """
    if not isinstance(row, Mapping):
        raise ProblemError("not an object")
    missing = [name for name in ("problem", "answer", "problem_type", "task_type") if not row.get(name)]
    if missing:
        raise ProblemError(f"column {missing[0]!r} is missing or empty")
    if row["task_type"] not in FAMILIES:
        raise ProblemError(f"task_type {row['task_type']!r} is none of {', '.join(FAMILIES)}")
    if row.get("data_type", "image") not in ("image", "text"):
        raise ProblemError(f"data_type {row['data_type']!r} is not image or text")
    name = problem_type(str(row["problem_type"])).name
    images = row_images(row, folder)
    check_markers(str(row["problem"]), len(images), row)
    if name == _PLACE and not images:
        raise ProblemError("a place is asked for and there is no image")
    earned = gold_value(name, _problem(row, coords))
    if earned < GOLD_EARNS:
        raise ProblemError(f"its own answer earns {earned:.2f} of 1 by the scorer of {name}")
    return name
