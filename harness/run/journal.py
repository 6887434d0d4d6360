"""The journal of a run's responses: `samples/<task>.jsonl`, append-only, one line an answer.

Each line is handed to the operating system at once: a process that dies loses none. The last line of a key
wins.
"""

from __future__ import annotations

import json
import math
import os
from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from harness.columns import sorted_column
from harness.errors import HarnessError
from harness.jsonl import encode, write_atomic, writing
from tasks.types import FINISH_REASONS, Response


class Key(NamedTuple):
    """What a response answers. `digest` stands for all six parts."""

    task: str
    id: str
    epoch: int
    prompt_sha: str
    image_sha: str
    generation_sha: str

    @property
    def digest(self) -> str:
        """The key as one short text, as `Request.key` carries it."""
        return "\x1f".join(
            (self.task, self.id, str(self.epoch), self.prompt_sha, self.image_sha, self.generation_sha)
        )


def line_of(key: Key, response: Response) -> dict[str, Any]:
    """A journal line as plain JSON."""
    line: dict[str, Any] = {
        "id": key.id,
        "epoch": key.epoch,
        "prompt_sha": key.prompt_sha,
        "image_sha": key.image_sha,
        "generation_sha": key.generation_sha,
        "text": response.text,
        "finish_reason": response.finish_reason,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "latency": round(response.latency, 4),
    }
    if response.shown:
        line["shown"] = response.shown
    if response.error is not None:
        line["error"] = response.error
    return line


def parse_line(task: str, line: bytes) -> tuple[Key, Response] | None:
    """A journal line read back; None where it is garbage."""
    try:
        value = json.loads(line)
        parts = [value[name] for name in ("id", "prompt_sha", "image_sha", "generation_sha", "text")]
        if set(map(type, parts)) != {str}:
            return None
        key = Key(task, parts[0], int(value["epoch"]), *parts[1:4])
        response = Response(
            parts[4],
            value["finish_reason"],
            int(value["prompt_tokens"]),
            int(value["completion_tokens"]),
            float(value["latency"]),
            tuple((int(width), int(height)) for width, height in value.get("shown", ())),
            value.get("error"),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return (key, response) if response.finish_reason in FINISH_REASONS else None


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong with a journal when it was opened."""

    torn: bool
    """Its last line was cut by a crash and is dropped."""
    garbage: int
    """How many lines were no answers; they lie in the sidecar now."""
    sidecar: Path


class TaskJournal:
    """The journal of one task.

    Args:
        path: `samples/<task>.jsonl`; created where it is not there.
        task: the task's name, part of every key.
    """

    def __init__(self, path: Path, task: str) -> None:
        self.path = path
        self.task = task
        self._descriptor: int | None = None

    def read(self) -> Iterator[tuple[Key, Response]]:
        """The journal's answers in the order written; lines that are none are skipped."""
        for _, parsed in self._parsed():
            if parsed is not None:
                yield parsed

    def repair(self) -> Repair:
        """Drop a torn last line and move garbage lines to `<task>.garbage`. Only the writer calls this."""
        sidecar = self.path.with_suffix(".garbage")
        torn, rewrite, garbage = False, False, []
        for line, parsed in self._parsed():
            if parsed is not None:
                rewrite = rewrite or not line.endswith(b"\n")
            elif not line.endswith(b"\n"):
                torn = True
            elif line.strip():
                garbage.append(line)
        if garbage:
            before = [sidecar.read_bytes()] if sidecar.exists() else []
            write_atomic(sidecar, before + garbage)
        if torn or rewrite or garbage:
            write_atomic(self.path, (line.rstrip(b"\n") + b"\n" for line, parsed in self._parsed() if parsed))
        return Repair(torn, len(garbage), sidecar)

    def answers(self, name: Callable[[Key], Hashable | None] = lambda key: key) -> Answers:
        """The journal as it is now, to be looked up. What is appended later is not in it.

        Args:
            name: what an answer is looked up by, made of its key; None: not at all.
        """
        return Answers(self.path, self.task, name)

    def _parsed(self) -> Iterator[tuple[bytes, tuple[Key, Response] | None]]:
        """Every line of the file, and the answer it holds, if any."""
        if self.path.exists():
            with self.path.open("rb") as file:
                for line in file:
                    yield line, parse_line(self.task, line)

    def append(self, key: Key, response: Response) -> None:
        """Add an answer. A process that is killed afterwards has not lost it.

        Raises:
            HarnessError: there is no space, or the file has gone. What is left ends with a whole line.
        """
        data = encode(line_of(key, response))
        with writing(self.path):
            descriptor = self._open()
            if os.fstat(descriptor).st_nlink == 0:
                raise HarnessError(f"{self.path}: removed while the run was writing it: run the command again")
            written = 0
            try:
                while written < len(data):
                    written += os.write(descriptor, data[written:])
            except OSError:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise

    def _open(self) -> int:
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self._descriptor

    def close(self) -> None:
        """Make sure that the lines are on the disk itself, and close."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with writing(self.path):
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


class Answers:
    """A journal to look up answers in: on disk the texts, in memory 28 bytes a line.

    Args:
        path: of the journal; where there is none, nothing was answered.
        task: its task.
        name: as in `TaskJournal.answers`.
    """

    def __init__(self, path: Path, task: str, name: Callable[[Key], Hashable | None]) -> None:
        self._task, self._name = task, name
        self._file: IO[bytes] | None = None
        if path.exists():
            self._file = path.open("rb")
        hashes, starts, sizes, seconds = array("q"), array("q"), array("I"), array("d")
        start = 0
        for line in self._file or ():
            parsed = parse_line(task, line)
            if parsed is not None and (found := name(parsed[0])) is not None:
                hashes.append(hash(found))
                starts.append(start)
                sizes.append(len(line))
                known = parsed[1].error is None and math.isfinite(parsed[1].latency)
                seconds.append(parsed[1].latency if known else math.nan)
            start += len(line)
        self._hashes, self._starts, self._sizes, self._seconds = _ordered(hashes, starts, sizes, seconds)
        """Of each line, by the hash of its key, those of one hash as in the file; NaN: not known."""

    def __len__(self) -> int:
        return len(self._hashes)

    def get(self, name: Hashable) -> Response | None:
        """The last answer of a name, by default a key; None where there is none."""
        found = self.find(name)
        return None if found is None else found[1]

    def find(self, name: Hashable) -> tuple[Key, Response] | None:
        """The same, with its key."""
        found = self._last(name)
        return None if found is None else found[1]

    def seconds(self) -> Iterator[float]:
        """How long the last answer of every name took, in no order; of errors that is not known."""
        for place, seconds in enumerate(self._seconds):
            alone = self._hashes[place + 1 : place + 2] != self._hashes[place : place + 1]
            if not math.isnan(seconds) and (alone or self._is_last(place)):
                yield seconds

    def _last(self, name: Hashable) -> tuple[int, tuple[Key, Response]] | None:
        place = bisect_right(self._hashes, hash(name))
        while place > 0 and self._hashes[place - 1] == hash(name):
            place -= 1
            if (found := self._at(place)) is not None and self._name(found[0]) == name:
                return place, found
        return None

    def _is_last(self, place: int) -> bool:
        found = self._at(place)
        return found is not None and self._last(self._name(found[0])) == (place, found)

    def _at(self, place: int) -> tuple[Key, Response] | None:
        assert self._file is not None
        line = os.pread(self._file.fileno(), self._sizes[place], self._starts[place])
        return parse_line(self._task, line)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()


def _ordered(hashes: array[int], *columns: array[Any]) -> Iterator[array[Any]]:
    """Hashes in their order, and columns in that order too."""
    order = sorted_column(array("q", range(len(hashes))), hashes.__getitem__)
    return (array(column.typecode, map(column.__getitem__, order)) for column in (hashes, *columns))


class Journal:
    """The journals of all tasks of a run.

    Args:
        directory: the run's `samples` folder.
        tasks: names of the tasks.
    """

    def __init__(self, directory: Path, tasks: Iterable[str]) -> None:
        self.tasks = {name: TaskJournal(directory / f"{name}.jsonl", name) for name in tasks}

    def append(self, key: Key, response: Response) -> None:
        """Add an answer to its task's journal."""
        self.tasks[key.task].append(key, response)

    def close(self) -> None:
        """Close every task's file, also where one of them fails."""
        errors: list[HarnessError] = []
        for journal in self.tasks.values():
            try:
                journal.close()
            except HarnessError as error:
                errors.append(error)
        if errors:
            raise errors[0]
