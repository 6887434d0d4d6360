"""One prediction of another tool's file, and which file is whose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction."""

    where: str
    """File and line, for messages."""
    key: str
    """The document's number or index in the data set."""
    response: str
    record: dict[str, Any]
    """What the file itself says of the data set row: all of it, or no more than the question and the gold."""
    question: str
    """What was asked, as the file has it: the question, or the whole prompt that holds it."""


def read_log(path: Path) -> Iterator[Logged] | None:
    """The predictions of a file; None where it is not one of another tool's.

    Raises:
        UsageError: the file is one that cannot be read, or a line is not as its tool writes it.
    """
    from harness.imports import lmms_eval, vlmevalkit

    if path.suffix in (".xlsx", ".xls", ".pkl"):
        raise UsageError(
            f"{path}: {path.suffix} is not read: save it as TSV, e.g. with pandas: "
            "read_excel('IN.xlsx').to_csv('OUT.tsv', sep='\\t', index=False)"
        )
    if path.suffix in (".tsv", ".csv") or (path.suffix == ".json" and vlmevalkit.is_table(path)):
        return vlmevalkit.predictions(path)
    first = _first_line(path)
    return lmms_eval.predictions(path) if isinstance(first, dict) and "doc_id" in first else None


def _first_line(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return json.loads(next((line for line in file if line.strip()), b"null"))
    except (OSError, ValueError, RecursionError):
        return None
