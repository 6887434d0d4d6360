"""What every data source gives: rows with a label and a fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.types import Row


@dataclass(frozen=True, slots=True)
class BadRow:
    """Stands in a source in place of a row that cannot be read; the engine counts it failed and goes on."""

    index: int
    """Of the row within its source, from 0."""
    error: str
    """What is wrong and where, in one line."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """The rows of one task. Iterate as often as needed: each time starts anew."""

    open: Callable[[], Iterator[Row | BadRow]]
    """Starts an iteration."""
    fingerprint: str
    """SHA-256 over the content, or over what determines it (commit, seed), in hex."""
    label: str
    """For people: "hub: repo@revision", "directory: path", "synthetic"."""
    synthetic: bool = False
    """Drawn, not the benchmark."""
    count: int | None = None
    """How many rows there are; None where that is unknown or there is no end."""

    @property
    def rows(self) -> Iterator[Row | BadRow]:
        """A new iteration over the rows."""
        return self.open()

    def __iter__(self) -> Iterator[Row | BadRow]:
        return self.open()
