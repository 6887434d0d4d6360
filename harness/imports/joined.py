"""Predictions beside the data that they are about: rows for `harness score`, samples for `harness import`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harness.data import BadRow, RowSource
from harness.imports.logged import Logged
from harness.imports.matching import mismatch, same
from harness.jsonl import plain
from harness.run.items import Entries, FailedRow, Planned
from tasks.types import Row, Sample, Task


def joined(predictions: Iterable[Logged], source: RowSource) -> Iterator[Logged | str]:
    """Each prediction with its whole row; in place of one that has none, why, in one line.

    A row is found by its `index`, where the rows have one, else by its number. The question of the row must
    occur in what the file says was asked.
    """
    rows = list(source)
    by_index = {str(row["index"]): row for row in rows if not isinstance(row, BadRow) and "index" in row}
    for logged in predictions:
        row = by_index.get(logged.key) if by_index else _numbered(rows, logged.key)
        if row is None or isinstance(row, BadRow):
            yield f"{logged.where}: {source.label} has no row {logged.key}"
        elif not _asks(logged, row):
            yield f"{logged.where}: row {logged.key} of {source.label} asks something else"
        else:
            yield replace(logged, record=dict(row))


def _numbered(rows: list[Row | BadRow], key: str) -> Row | BadRow | None:
    return rows[int(key)] if key.isdecimal() and int(key) < len(rows) else None


def _asks(logged: Logged, row: Row) -> bool:
    return same(str(plain(row.get("question")) or "")) in same(logged.question)


@dataclass(frozen=True, slots=True)
class Match:
    """A prediction and the sample that it is about, or the row that gave none."""

    logged: Logged
    id: str
    """The sample's, or that of the row that gave none."""
    why_not: str | None = None
    """What speaks against it: then the prediction is not judged."""
    unaskable: bool = False
    """The row gave no sample."""


class Places:
    """Where the samples of a task are found: by the row's `index`, by their own id, by their number.

    Args:
        task: its `to_samples` is to be replaced by `watched`, which notes the rows' indices.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._met: dict[str, int] = {}
        self._by_index: dict[str, list[str]] = {}
        self._entries: Entries | None = None
        self._by_id: dict[str, int] = {}

    def watched(self, row: Row) -> Iterator[Sample]:
        """The samples of a row, as the task gives them."""
        for sample in self._task.to_samples(row):
            count = self._met[sample.id] = self._met.get(sample.id, 0) + 1
            name = sample.id if count == 1 else f"{sample.id}~{count}"  # as a plan names what is there twice
            if row.get("index") is not None:
                self._by_index.setdefault(str(row["index"]), []).append(name)
            yield sample

    def take(self, entries: Entries) -> None:
        """The samples of the plan, in the order of the rows."""
        self._entries = entries
        for position, entry in enumerate(entries):
            if isinstance(entry, Planned):
                self._by_id[entry.sample.id] = position

    def find(self, logged: Logged) -> Match | None:
        """The sample that a prediction is about; None where the data hold none at its place.

        Of several places that it may mean, the first where nothing speaks against it; else the first.
        """
        first: Match | None = None
        for entry in self._candidates(logged):
            if isinstance(entry, FailedRow):
                match = Match(logged, entry.id, entry.error, unaskable=True)
            else:
                match = Match(logged, entry.sample.id, mismatch(logged, entry.sample))
            if match.why_not is None:
                return match
            first = first or match
        return first

    def _candidates(self, logged: Logged) -> Iterator[Planned | FailedRow]:
        assert self._entries is not None
        names = [name for given in logged.names for name in (*self._by_index.get(given, ()), given)]
        yield from (self._entries[self._by_id[name]] for name in names if name in self._by_id)
        if logged.number is not None and 0 <= logged.number < len(self._entries):
            yield self._entries[logged.number]
