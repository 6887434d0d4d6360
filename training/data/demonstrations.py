"""Demonstrations out of a file, for the cold start: questions with the responses to teach, word for word.

Two formats: OneThinker's, where `process` is the thinking and `answer` the answer block; and the conversations
of LLaMA-Factory and its like, `conversations` or `messages`, of one question and one answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.run.plan import FailedRow
from harness.types import Request, Sampling
from scorers.types import Coords
from tasks.images import ImageRef
from tasks.prompts import ImagePart, Part, render
from tasks.types import RowError
from training.data.dataset import FileProblems, load_file
from training.data.rows import MARKER, check_markers, read_rows, row_images
from training.problems import ProblemError

CONVERSATIONS = ("conversations", "messages")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One question and the response to teach."""

    request: Request
    response: str


def load_demonstrations(
    path: Path, gold_coords: Coords, coords: Coords | None
) -> tuple[dict[str, list[Demonstration]], list[FailedRow]]:
    """The demonstrations of a file by family ("conversations" where it names none), and the rows without one.

    Args:
        path: a JSON list, or one JSON object a line. Image paths are relative to it.
        gold_coords: how the file writes places.
        coords: how the model does.

    Raises:
        UsageError: the file cannot be read or holds no demonstration.
    """
    rows = read_rows(path)
    first = rows[0] if rows and isinstance(rows[0], Mapping) else {}
    if any(name in first for name in CONVERSATIONS):
        found, failed = _conversations(path, rows)
    else:
        problems, failed = load_file(path, gold_coords)
        found = {}
        for each in problems:
            assert isinstance(each, FileProblems)
            taught = _taught(each, gold_coords, coords, failed)
            if taught:
                found.setdefault(each.task.category, []).extend(taught)
    if not found:
        why = f"; the first: {failed[0].error}" if failed else ""
        raise UsageError(f"{path}: no row to teach{why}")
    return found, failed


def _taught(
    problems: FileProblems, gold_coords: Coords, coords: Coords | None, failed: list[FailedRow]
) -> list[Demonstration]:
    """The demonstrations of problems of one type; rows without one go to `failed`."""
    found = []
    for where, row, sample in problems.rows():
        try:
            written = row.get("gold_coords") or gold_coords
            if problems.task.places and written != coords:
                raise RowError(f"its place is written in {written}, the model writes {coords}")
            process = row.get("process")
            if not isinstance(process, str) or not process.strip():
                raise RowError("column 'process' is missing or empty: nothing shows how to answer")
        except RowError as error:
            failed.append(FailedRow(sample.id, f"{where}: {error}"))
            continue
        parts = render(problems.task, sample, "think", coords=coords)
        found.append(
            Demonstration(_request(parts, sample.images), process.strip() + str(row["answer"]).strip())
        )
    return found


def _conversations(path: Path, rows: Sequence[Any]) -> tuple[dict[str, list[Demonstration]], list[FailedRow]]:
    found: list[Demonstration] = []
    failed: list[FailedRow] = []
    for number, row in enumerate(rows):
        where = f"{path.name} row {number}"
        try:
            found.append(_conversation(row, path.parent))
        except ProblemError as error:
            failed.append(FailedRow(where, f"{where}: {error}"))
    return ({"conversations": found} if found else {}), failed


def _conversation(row: Any, folder: Path) -> Demonstration:
    """A row of one question and one answer, with a system prompt or without.

    Raises:
        ProblemError: it is something else.
    """
    turns = next((row[name] for name in CONVERSATIONS if isinstance(row, Mapping) and row.get(name)), None)
    if not isinstance(turns, list):
        raise ProblemError("it has no conversation")
    said = [_turn(turn) for turn in turns]
    system = str(row.get("system") or "")
    if said[:1] and said[0][0] == "system":
        system, said = said[0][1], said[1:]
    if [role for role, _ in said] != ["user", "assistant"]:
        raise ProblemError(f"one question and one answer can be taught, it has {len(said)} turns")
    (_, question), (_, response) = said
    images = row_images(row, folder)
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
