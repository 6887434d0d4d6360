"""Which tool wrote a file of predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.imports.inspect_log import inspect_log
from harness.imports.lmms_eval import lmms_eval_log
from harness.imports.logged import Log
from harness.imports.vlmevalkit import is_table, vlmevalkit_log


def read_log(path: Path, metric: str | None = None) -> Log | None:
    """The log in a file; None where it is not one of another tool's.

    Args:
        path: the file.
        metric: the tool's metric, scorer or column whose verdicts count; None: its headline's.

    Raises:
        UsageError: the file is one that cannot be read, or a line is not as its tool writes it.
    """
    if path.suffix in (".xls", ".pkl"):
        raise UsageError(f"{path}: {path.suffix} is not read: save the table as .xlsx, .tsv or .json")
    if path.suffix == ".eval":
        return inspect_log(path, metric)
    if path.suffix in (".xlsx", ".tsv", ".csv") or (path.suffix == ".json" and is_table(path)):
        return vlmevalkit_log(path, metric)
    first = _first_line(path)
    return lmms_eval_log(path, metric) if isinstance(first, dict) and "doc_id" in first else None


def _first_line(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return json.loads(next((line for line in file if line.strip()), b"null"))
    except (OSError, ValueError, RecursionError):
        return None
