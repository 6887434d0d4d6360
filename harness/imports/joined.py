"""Predictions beside the data set rows that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.data import BadRow, RowSource
from harness.imports.logged import Logged
from harness.jsonl import plain
from tasks.types import Row


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
    question = str(plain(row.get("question")) or "").strip()
    return " ".join(question.split()) in " ".join(logged.question.split())
