"""VLMEvalKit's prediction tables: the data set's own columns, and `prediction`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.imports.logged import Logged

COLUMN = "prediction"


def is_table(path: Path) -> bool:
    """Whether a JSON file is a list of rows with predictions."""
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and COLUMN in rows[0]


def predictions(path: Path) -> Iterator[Logged]:
    """The predictions of a table.

    Raises:
        UsageError: the table has no column `prediction`, or cannot be read.
    """
    for number, row in _rows(path):
        where = f"{path}:{number}"
        if COLUMN not in row:
            raise UsageError(f"{where}: no table of VLMEvalKit's: there is no column {COLUMN!r}")
        record = {name: value for name, value in row.items() if name != COLUMN}
        key = str(record.get("index", number - 1))
        yield Logged(where, key, str(row[COLUMN] or ""), record, str(record.get("question") or ""))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        if path.suffix == ".json":
            yield from enumerate(json.loads(path.read_bytes()), 1)
            return
        csv.field_size_limit(2**31 - 1)
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            for row in reader:
                yield reader.line_num, {name: value or None for name, value in row.items() if name is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: {error}") from None
