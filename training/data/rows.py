"""Rows of a training file: read, and their pictures found."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.run.plan import FailedRow
from harness.words import counted
from tasks.images import ImageError, ImageRef
from training.problems import ProblemError

PICTURES = ("images", "image", "image_path", "image_paths", "img", "path", "picture", "pictures")
"""Columns that hold a row's pictures, by the names that training files give them; the first with any counts."""
MARKER = "<image>"
_SHORT = 1024
"""A text of fewer characters is a path."""


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
    """The pictures of a row: one or a list, nested or not, of paths, base64, or `{"bytes": …, "path": …}`.

    Args:
        row: as the file has it.
        folder: relative paths are relative to it.

    Raises:
        ProblemError: something under a picture's name is none.
    """
    for name in PICTURES:
        if row.get(name):
            try:
                return tuple(_image(value, folder) for value in _flat(row[name]))
            except ImageError as error:
                raise ProblemError(f"column {name!r}: {error}") from None
    return ()


def check_markers(text: str, images: int, row: Mapping[str, Any]) -> None:
    """See that a row has the pictures that it speaks of.

    Raises:
        ProblemError: it has fewer.
    """
    marked = text.count(MARKER)
    if marked > images:
        raise ProblemError(f"its text has {marked} {MARKER} and the row {images or 'no'} images{_has(row)}")
    if row.get("data_type") == "image" and not images:
        raise ProblemError(f"data_type is image and the row has none{_has(row)}")


def _has(row: Mapping[str, Any]) -> str:
    return f" (under {', '.join(PICTURES)}; it has: {', '.join(map(str, row))})"


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _flat(each)
    else:
        yield value


def _image(value: Any, folder: Path) -> ImageRef:
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str) and 0 < len(value) < _SHORT:
        return ImageRef(folder / value)
    return ImageRef(value)
