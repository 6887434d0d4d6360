"""What is trained on: rows of the tasks, or a file in the format of OneThinker and EasyR1.

Rows of a task come from `harness.data` (drawings, a directory, the hub's train splits) and become samples by
the task itself. A file's rows name their scorer by `problem_type` (`scorers.problem_types`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from harness.data import load_rows
from harness.errors import HarnessError, UsageError
from harness.run.media import ImageStore
from harness.run.plan import FailedRow, samples_of
from scorers.problem_types import Problem, ProblemError, problem_scorer
from scorers.types import Coords
from tasks.images import ImageRef
from tasks.types import Category, Metric, RowError, Sample, Source, Task
from training.data.prompt_stream import Problems

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

INSTRUCTIONS: Mapping[str, str] = {
    "multiple choice": "Answer with the option's letter.",
    "numerical": "Answer with a number.",
    "regression": "Answer with a number.",
    "ocr": "Answer with the text as it is written.",
    "open ended": "Answer in a few words.",
    "math": "Answer with the final result.",
    "spatial grounding": 'Answer with the bounding box as JSON: {"bbox_2d": [x1, y1, x2, y2]}.',
}
ANY_SIZE = (1000, 1000)
"""Stands in for an image's size (width, height) where an answer is only checked."""
_MARKER = re.compile(r"<image>")


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
        return _fresh(self._samples[index])


def _fresh(sample: Sample) -> Sample:
    """A reference to a file keeps the bytes that it has read: hand out new ones, so that memory stays flat."""
    images = tuple(ImageRef(image.path) if image.path is not None else image for image in sample.images)
    return replace(sample, images=images)


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
        problem_type: names their scorer.
        rows: (where it is, for messages, row).
        folder: image paths are relative to it.
        coords: how gold boxes are written.
    """

    def __init__(
        self,
        task_type: str,
        problem_type: str,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
        folder: Path,
        coords: Coords,
    ) -> None:
        self._rows, self._folder, self._coords = rows, folder, coords
        self._problem_type = problem_type
        self.size: int | None = len(rows)
        plain = " ".join(re.split(r"[\s_-]+", problem_type.strip().lower()))
        self._instruction = INSTRUCTIONS.get(plain, "")
        scorer, target = self._scorer(0)
        self.task = Task(
            name=f"{task_type}/{plain}",
            category=FAMILIES[task_type],
            title=f"{plain} problems of {task_type}",
            source=Source(repo="", split="train"),
            to_samples=lambda row: [self._read("row", row)],
            scorer=scorer,
            target=type(target),
            metrics=(Metric("value", headline=True),),
            places=task_type == "spatial_grounding",
        )

    def _scorer(self, index: int) -> tuple[Any, Any]:
        where, row = self._rows[index]
        return _judge(where, self._problem_type, row, None, self._coords)

    def sample(self, index: int) -> Sample:
        """Row `index` as a sample."""
        return self._read(*self._rows[index])

    def _read(self, where: str, row: Mapping[str, Any]) -> Sample:
        images = tuple(ImageRef(self._folder / path) for path in row.get("images") or ())
        size = ImageRef(self._folder / row["images"][0]).size if self.task.places else None
        _, target = _judge(where, self._problem_type, row, size, self._coords)
        numbers = iter(range(1, len(images) + 1))
        problem = str(row["problem"])
        question = _MARKER.sub(lambda _: f"<image {next(numbers, len(images) + 1)}>", problem).strip()
        options = [re.sub(r"^\s*\(?[A-Z][).:]\s*", "", str(option)) for option in row.get("options") or ()]
        listed = all(option in problem for option in options)
        return Sample(
            id=str(row.get("problem_id", where)),
            question=question,
            target=target,
            images=images,
            choices=() if listed else tuple(options),
            instruction=self._instruction,
            groups={"source": str(row.get("data_source", ""))},
        )


def _judge(
    where: str, problem_type: str, row: Mapping[str, Any], size: tuple[int, int] | None, coords: Coords
) -> tuple[Any, Any]:
    options = [str(option) for option in row.get("options") or ()]
    problem = Problem(str(row["answer"]), str(row["problem"]), options, size or ANY_SIZE, coords)
    try:
        return problem_scorer(problem_type, problem)
    except ProblemError as error:
        raise RowError(f"{where}: {error}") from None


def load_file(path: Path, *, coords: Coords = "abs") -> tuple[list[Problems], list[FailedRow]]:
    """The questions of a OneThinker or EasyR1 file, and the rows that cannot be trained on.

    Columns: `problem_id, problem ("<image> …"), data_type, problem_type, options, data_source, answer
    ("<answer>…</answer>"), images [path], task_type`. Rows of videos and rows without an answer are failures.

    Args:
        path: a JSON list, or one JSON object a line. Image paths are relative to it.
        coords: how gold boxes are written.

    Raises:
        UsageError: the file cannot be read or holds no row that can be trained on.
    """
    groups: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    failed: list[FailedRow] = []
    for number, row in enumerate(_read_rows(path)):
        where = f"{path.name} row {number}"
        error = _complaint(row, where, coords)
        if error is None:
            key = (str(row["task_type"]), str(row["problem_type"]))
            groups.setdefault(key, []).append((where, row))
        else:
            failed.append(
                FailedRow(str(row.get("problem_id", where)) if isinstance(row, Mapping) else where, error)
            )
    if not groups:
        why = f"; the first: {failed[0].error}" if failed else ""
        raise UsageError(f"{path}: no row to train on{why}")
    problems: list[Problems] = [
        FileProblems(task_type, problem_type, rows, path.parent, coords)
        for (task_type, problem_type), rows in sorted(groups.items())
    ]
    return problems, failed


def _complaint(row: Any, where: str, coords: Coords) -> str | None:
    """Why a row cannot be trained on; None where it can."""
    if not isinstance(row, Mapping):
        return f"{where}: not an object"
    missing = [name for name in ("problem", "answer", "problem_type", "task_type") if not row.get(name)]
    complaint = None
    if missing:
        complaint = f"column {missing[0]!r} is missing or empty"
    elif row["task_type"] not in FAMILIES:
        complaint = f"task_type {row['task_type']!r} is none of {', '.join(FAMILIES)}"
    elif row.get("data_type", "image") not in ("image", "text"):
        complaint = f"data_type {row['data_type']!r} is not image or text"
    elif row["task_type"] == "spatial_grounding" and not row.get("images"):
        complaint = "a place is asked for and there is no image"
    if complaint is not None:
        return f"{where}: {complaint}"
    try:
        _judge(where, str(row["problem_type"]), row, None, coords)
    except RowError as error:
        return str(error)
    return None


def _read_rows(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            rows: list[Any] = json.loads(text)
            return rows
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not JSON or JSON lines: {error}") from None
