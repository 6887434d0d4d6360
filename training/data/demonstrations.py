"""Demonstrations out of a file, for the cold start: questions with the responses to teach, word for word.

Two formats: OneThinker's, where `process` is the thinking and `answer` the answer, each with its tags or
without; and the conversations of LLaMA-Factory and its like, `conversations` or `messages`, of one question and
one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.run.items import FailedRow
from harness.run.media import ImageStore
from harness.types import Request, Sampling
from scorers.types import Coords
from tasks.images import ImageError, ImageRef
from tasks.prompts import ImagePart, Part, render
from tasks.types import RowError
from training.data.file_problems import FileProblems, load_file
from training.data.row_format import RowFormat
from training.data.rows import MARKER, ReadRow, check_markers, read_rows, reasons, row_images
from training.problems import ProblemError

CONVERSATIONS = ("conversations", "messages")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One question and the response to teach."""

    request: Request
    response: str


def load_demonstrations(
    data: str, form: RowFormat, coords: Coords | None, store: ImageStore
) -> tuple[dict[str, list[Demonstration]], list[FailedRow]]:
    """The demonstrations of a file by family ("conversations" where it names none), and the rows without one.

    Args:
        data: a file, a folder of files or a data set on the hub (`training.data.rows.has_own_rows`).
        form: how its rows are read.
        coords: how the model writes places.
        store: holds images that do not lie in files of their own.

    Raises:
        UsageError: it cannot be found or holds no demonstration, or as `load_file`.
        HarnessError: it cannot be read.
    """
    found: dict[str, list[Demonstration]] = {}
    if _are_conversations(data, form):
        if form.held_out:
            raise UsageError(f"{data}: held_out needs gold answers, and these are conversations: set it to 0")
        taught, failed = _conversations(read_rows(data, form), store)
        if taught:
            found["conversations"] = taught
    else:
        problems, failed, _ = load_file(data, form, store)
        for each in problems:
            if taught := _taught(each, form, coords, failed):
                found.setdefault(each.task.category, []).extend(taught)
    if not found:
        raise UsageError(f"{data}: no row to teach: {(reasons(failed) or ['it has none'])[0]}")
    return found, failed


def _are_conversations(data: str, form: RowFormat) -> bool:
    """Whether the first row that can be read is a conversation."""
    first = next((read.row for read in read_rows(data, form) if not isinstance(read.row, str)), ())
    return any(name in first for name in CONVERSATIONS)


def _taught(
    problems: FileProblems, form: RowFormat, coords: Coords | None, failed: list[FailedRow]
) -> list[Demonstration]:
    """The demonstrations of problems of one type; rows without one go to `failed`."""
    found = []
    for number, row in enumerate(problems.rows):
        try:
            if problems.task.places and row.problem.coords != coords:
                raise RowError(f"its place is written in {row.problem.coords}, the model writes {coords}")
            if row.process is None:
                column = form.columns.get("process", "process")
                raise RowError(f"column {column!r} is missing or empty: nothing shows how to answer")
            sample = problems.sample(number)
        except (RowError, ImageError) as error:
            failed.append(FailedRow(row.id, f"{row.where}: {error}"))
            continue
        parts = render(problems.task, sample, "think", coords=coords)
        response = _tagged(row.process, "think") + _tagged(row.problem.answer, "answer")
        found.append(Demonstration(_request(parts, sample.images), response))
    return found


def _tagged(text: str, tag: str) -> str:
    """A text in its block: as it is where it has one."""
    text = text.strip()
    return text if f"<{tag}" in text else f"<{tag}>{text}</{tag}>"


def _conversations(rows: Iterable[ReadRow], store: ImageStore) -> tuple[list[Demonstration], list[FailedRow]]:
    found: list[Demonstration] = []
    failed: list[FailedRow] = []
    for read in rows:
        try:
            found.append(_conversation(read, store))
        except ProblemError as error:
            failed.append(FailedRow(read.where, f"{read.where}: {error}"))
    return found, failed


def first_question(row: Mapping[str, Any]) -> str:
    """What a conversation asks first.

    Raises:
        ProblemError: the row has none, or none that is known.
    """
    turns: list[Any] = next((row[name] for name in CONVERSATIONS if isinstance(row.get(name), list)), [])
    for role, said in map(_turn, turns):
        if role == "user":
            return said
    raise ProblemError("it asks nothing")


def _conversation(read: ReadRow, store: ImageStore) -> Demonstration:
    """A row of one question and one answer, with a system prompt or without.

    Raises:
        ProblemError: it is something else.
    """
    row = read.row
    if isinstance(row, str):
        raise ProblemError(row)
    turns = next((row[name] for name in CONVERSATIONS if row.get(name)), None)
    if not isinstance(turns, list):
        raise ProblemError("it has no conversation")
    said = [_turn(turn) for turn in turns]
    system = str(row.get("system") or "")
    if said[:1] and said[0][0] == "system":
        system, said = said[0][1], said[1:]
    if [role for role, _ in said] != ["user", "assistant"]:
        raise ProblemError(f"one question and one answer can be taught, it has {len(said)} turns")
    (_, question), (_, response) = said
    images = row_images(row, read.folder, store)
    check_markers(question, len(images), row)
    if question.count(MARKER) != len(images):
        raise ProblemError(f"its question has {question.count(MARKER)} {MARKER} for {len(images)} images")
    if not response.strip():
        raise ProblemError("its answer is empty")
    parts: list[Part] = []
    for index, piece in enumerate(question.split(MARKER)):
        parts += [ImagePart(index - 1)] if index else []
        parts += [piece] if piece.strip() else []
    return Demonstration(_request(tuple(parts), images, system or None), response)


def _turn(turn: Any) -> tuple[str, str]:
    """(role, text) of a turn, as either format writes it."""
    if not isinstance(turn, Mapping):
        raise ProblemError("a turn is no object")
    role = _ROLES.get(str(turn.get("from") or turn.get("role")))
    content = turn.get("value", turn.get("content"))
    if isinstance(content, list):  # parts, as in chat templates
        content = "".join(_part(part) for part in content)
    if role is None or not isinstance(content, str):
        raise ProblemError(f"a turn has no role or text that is known: {str(turn)[:60]}")
    return role, content


def _part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "image":
        return MARKER
    if kind == "text" and isinstance(part["text"], str):
        return part["text"]
    raise ProblemError(f"a part of a turn is neither text nor image: {str(part)[:60]}")


def _request(parts: tuple[Part, ...], images: tuple[ImageRef, ...], system: str | None = None) -> Request:
    return Request("", parts, images, Sampling(0), system_prompt=system)
