"""Which tool wrote a file of predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.imports.lmms_eval import predictions as of_lmms_eval
from harness.imports.logged import Logged
from harness.imports.vlmevalkit import is_table
from harness.imports.vlmevalkit import predictions as of_vlmevalkit


def read_log(path: Path) -> Iterator[Logged] | None:
    """The predictions of a file; None where it is not one of another tool's.

    Raises:
        UsageError: the file is one that cannot be read, or a line is not as its tool writes it.
    """
    if path.suffix in (".xlsx", ".xls", ".pkl"):
        raise UsageError(
            f"{path}: {path.suffix} is not read: save it as TSV, e.g. with pandas: "
            "read_excel('IN.xlsx').to_csv('OUT.tsv', sep='\\t', index=False)"
        )
    if path.suffix in (".tsv", ".csv") or (path.suffix == ".json" and is_table(path)):
        return of_vlmevalkit(path)
    first = _first_line(path)
    return of_lmms_eval(path) if isinstance(first, dict) and "doc_id" in first else None


def _first_line(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return json.loads(next((line for line in file if line.strip()), b"null"))
    except (OSError, ValueError, RecursionError):
        return None
