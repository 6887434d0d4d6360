"""`submission/<task>-<split>.json`: a run's responses for the challenge that keeps the split's answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.jsonl import read_lines, write_atomic
from harness.run.items import FailedRow
from harness.words import counted
from scorers.read.normalise import Delimiters, clean
from tasks.types import Response, Submission, Submitted, Task

if TYPE_CHECKING:
    from harness.run.items import Item
    from harness.scores.results import Results

    Answers = Iterable[tuple[int, Item | FailedRow, int, Response | None]]
    """(position, item, epoch, response) of all that a run asks of a task, in order."""

FOLDER = "submission"
_REPEATED = re.compile(r"(.*)~\d+")
"""The id of a row that the data hold twice: the question is answered once."""


def check_writable(tasks: Iterable[Task]) -> None:
    """See, before anything is asked, that the files can be written.

    Raises:
        UsageError: a package is missing that one of them needs.
    """
    for task in tasks:
        file = None if task.answered else task.submission
        if file is not None and file.needs is not None and find_spec(file.needs) is None:
            raise UsageError(
                f"{task.name}: the challenge takes a {file.suffix} file, which needs {file.needs}: "
                f"pip install {file.needs}"
            )


def path_of(run_dir: Path, task: Task) -> Path | None:
    """Where a task's file lies in a run; None where its responses are scored here, or no server takes them."""
    if task.answered or task.submission is None:
        return None
    return run_dir / FOLDER / f"{task.name}-{task.source.split}{task.submission.suffix}"


def write_submission(run_dir: Path, task: Task, answers: Answers, delimiters: Delimiters) -> None:
    """Write the file of a task whose answers are withheld; none where a response is missing.

    Of several epochs the first is sent.

    Args:
        run_dir: the run, its scores written.
        task: on the split that was asked.
        answers: what was asked and answered.
        delimiters: by which final answers are known.

    Raises:
        HarnessError: the file cannot be written.
    """
    path = path_of(run_dir, task)
    if path is None:
        return
    assert isinstance(task.submission, Submission)
    responses = list(_submitted(run_dir, task, answers, delimiters))
    if responses and None not in responses:
        write_atomic(path, [task.submission.content([each for each in responses if each is not None])])
    else:
        path.unlink(missing_ok=True)


def _submitted(
    run_dir: Path, task: Task, answers: Answers, delimiters: Delimiters
) -> Iterator[Submitted | None]:
    """Each question's response, once; None for one without."""
    scores = (line for _, line in read_lines(run_dir / "scores" / f"{task.name}.jsonl"))
    read = {line["id"]: line["extracted"] for line in scores if line["epoch"] == 0}
    seen: set[str] = set()
    for _, item, epoch, response in answers:
        repeated = _REPEATED.fullmatch(item.id)
        if epoch > 0 or (repeated and repeated[1] in seen):
            continue
        seen.add(item.id)
        if isinstance(item, FailedRow) or response is None or response.error is not None:
            yield None
            continue
        found = read[item.id]
        answer = found if found is not None else clean(response.text, delimiters).final
        yield Submitted(item.sample, response.text, answer, found is not None)


def said(results: Results, tasks: Sequence[Task]) -> Iterator[str]:
    """For the end of a command: which file is to be sent where, or why there is none."""
    assert results.run_dir is not None
    for task in tasks:
        path, result = path_of(results.run_dir, task), results.tasks[task.name]
        if path is None or results.shard is not None:
            continue
        assert isinstance(task.submission, Submission)
        if not path.exists():
            yield (
                f"{task.name}: no submission file, since responses failed or are missing: "
                "run its harness eval command again"
            )
            continue
        rows = task.source.rows
        part = f" (the server wants all {rows:,} questions)" if rows and rows > result.samples else ""
        yield f"{path}: {counted(result.samples, 'answer')}{part}; send it to {task.submission.to}"
