"""Rows of a training file: read, and their pictures found."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.files import PictureFolder, absolute_images
from harness.errors import UsageError
from harness.run.plan import FailedRow
from harness.words import counted
from tasks import images
from tasks.images import IMAGE_COLUMNS, ImageError, ImageRef
from tasks.types import Source
from training.problems import ProblemError

PICTURES = (*IMAGE_COLUMNS, "path")
"""Columns that may hold a row's pictures; the first that holds any counts."""
MARKER = "<image>"
_SOURCE = Source(repo="", split="train", image_columns=("path",))


def is_file(data: str) -> bool:
    """Whether a recipe's `data` names a file of rows."""
    return Path(data).suffix in (".json", ".jsonl")


def read_rows(path: Path) -> list[Any]:
    """The rows of a JSON list, or of one JSON object a line.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            rows: list[Any] = json.loads(text)
            return rows
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not JSON or JSON lines: {error}") from None


def report_left_out(failed: Sequence[FailedRow]) -> None:
    """Say how many rows are left out, and why: each reason once, with its first row."""
    if not failed:
        return
    reasons = Counter(row.error.partition(": ")[2] for row in failed)
    print(f"{counted(len(failed), 'row')} left out:", file=sys.stderr)  # noqa: T201 - said before a long run
    for row in {row.error.partition(": ")[2]: row for row in reversed(failed)}.values():
        more = reasons[row.error.partition(": ")[2]] - 1
        also = f" (and {more} more)" if more else ""
        print(f"  {row.error}{also}", file=sys.stderr, flush=True)  # noqa: T201


def row_images(row: Mapping[str, Any], folder: Path) -> tuple[ImageRef, ...]:
    """The pictures of a row, as those of a benchmark's row are found, and also under `path`.

    Args:
        row: as the file has it.
        folder: relative paths are relative to it; a picture may lie anywhere.

    Raises:
        ProblemError: something under a picture's name is none.
    """
    found = absolute_images(dict(row), _SOURCE, PictureFolder(folder, None))
    try:
        return images.row_images(found) or images.row_images({"image": found.get("path")})
    except ImageError as error:
        raise ProblemError(f"its picture is none: {error}") from None


def check_markers(text: str, shown: int, row: Mapping[str, Any]) -> None:
    """See that a row has the pictures that it speaks of.

    Raises:
        ProblemError: it has fewer.
    """
    marked = text.count(MARKER)
    if marked > shown:
        raise ProblemError(f"its text has {marked} {MARKER} and the row {shown or 'no'} images{_has(row)}")
    if row.get("data_type") == "image" and not shown:
        raise ProblemError(f"data_type is image and the row has none{_has(row)}")


def _has(row: Mapping[str, Any]) -> str:
    return f" (under {', '.join(PICTURES)}; it has: {', '.join(map(str, row))})"
