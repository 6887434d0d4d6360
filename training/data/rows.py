"""Rows of training data: read from files, folders and the hub, and their pictures found."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.data.base import BadRow
from harness.data.directory import row_files, task_folder
from harness.data.files import READERS, PictureFolder, absolute_images
from harness.data.hub import UnreachableError, source_rows
from harness.data.layout import RowFile
from harness.errors import HarnessError, UsageError
from harness.registry import Registry
from harness.run.items import FailedRow
from harness.run.media import ImageStore
from harness.words import counted
from tasks import images
from tasks.images import IMAGE_COLUMNS, ImageError, ImageRef
from tasks.types import Source, Task
from training.data.row_format import RowFormat
from training.problems import ProblemError

PICTURES = (*IMAGE_COLUMNS, "path")
"""Columns that may hold a row's pictures; the first that holds any counts."""
MARKER = "<image>"
_FILES = (".parquet", ".json", ".jsonl")
_HUB = re.compile(r"[\w-][\w.-]*/[\w.-]+(@[\w.-]+)?")
"""A data set on the hub, with its split or without: `hiyouga/geometry3k@train`."""
_PARTICULAR = re.compile(r"""'[^']*'|"[^"]*"|\d+(\.\d+)?""")
"""What differs between messages of one reason: texts and numbers of the row."""


class ReadRow(NamedTuple):
    """A row as it was read."""

    where: str
    """For messages."""
    row: Mapping[str, Any] | str
    """Columns by our names; or why it cannot be read."""
    folder: Path
    """Relative image paths are relative to it."""


def has_own_rows(data: str, tasks: Registry | None = None) -> bool:
    """Whether a recipe's `data` names rows of no task: a file, a folder of files, or a data set on the hub.

    Args:
        data: of the recipe.
        tasks: those that are known; None: without task files.
    """
    tasks = tasks or Registry()
    path = Path(data)
    if path.suffix in _FILES:
        return True
    if path.is_dir():
        return not any(holds(path, tasks.get(name)) for name in tasks.names())
    return _HUB.fullmatch(data) is not None


def holds(directory: Path, task: Task) -> bool:
    """Whether a directory is one of a task's rows, or has a folder of them."""
    try:
        task_folder(task, directory)
    except UsageError:
        return False
    return True


def read_rows(data: str, form: RowFormat) -> Iterator[ReadRow]:
    """The rows of a file, of a folder's files, or of a data set on the hub, in order.

    Args:
        data: as a recipe names it (`has_own_rows`). Of a folder and of the hub the split `train` is read, of
            the hub another where one is named behind an @.
        form: the names of the columns and the folder of the images.

    Raises:
        UsageError: there is no such file, no rows in it, or no column of a name that `form` gives.
        HarnessError: a file cannot be read, or the hub cannot be reached.
    """
    unseen = dict(form.columns)
    held: Mapping[str, Any] = {}
    for where, row, folder in _hub_rows(data) if _is_on_hub(data) else _file_rows(Path(data)):
        if isinstance(row, str):
            yield ReadRow(where, row, folder)
            continue
        held = row
        unseen = {ours: theirs for ours, theirs in unseen.items() if theirs not in row}
        yield ReadRow(where, _renamed(row, form.columns), form.image_dir or folder)
    for ours, theirs in unseen.items():
        if held:
            raise UsageError(
                f"{data}: no row has a column {theirs!r} (columns.{ours}); the last has: {', '.join(held)}"
            )


def _is_on_hub(data: str) -> bool:
    return Path(data).suffix not in _FILES and not Path(data).exists() and _HUB.fullmatch(data) is not None


def _file_rows(path: Path) -> Iterator[ReadRow]:
    if path.is_dir():
        files = row_files(path, Source(repo=path.name, split="train"))
    elif path.is_file():
        files = [RowFile(path, path.name)]
    else:
        raise UsageError(f"{path}: no such file")
    for file in files:
        for number, row in enumerate(READERS[file.format](file.path)):
            if isinstance(row, str):
                row = row.partition(": ")[2]  # noqa: PLW2901 - without the path
            name = file.place if file.place != "." else path.name
            yield ReadRow(f"{name} row {number}", row, file.path if file.saved else file.path.parent)


def _hub_rows(data: str) -> Iterator[ReadRow]:
    repo, _, split = data.partition("@")
    try:
        rows = source_rows(Source(repo=repo, split=split or "train"), [split or "train"])
    except UnreachableError as error:
        raise HarnessError(f"{error}: where there is a network, download it, and give its folder") from error
    for number, row in enumerate(rows):
        yield ReadRow(f"{repo} row {number}", row.error if isinstance(row, BadRow) else row, Path())


def _renamed(row: Mapping[str, Any], columns: Mapping[str, str]) -> Mapping[str, Any]:
    """A row with its columns by our names; where one of pictures is named, no other counts."""
    if not columns:
        return row
    dropped = PICTURES if "images" in columns else ()
    kept = {name: value for name, value in row.items() if name not in dropped}
    return kept | {ours: row.get(theirs) for ours, theirs in columns.items()}


def left_out(failed: Sequence[FailedRow]) -> Iterator[str]:
    """How many rows are left out, and why: a line for each reason. Nothing where none is."""
    if failed:
        yield f"{counted(len(failed), 'row')} left out:"
        yield from (f"  {line}" for line in reasons(failed))


def reasons(failed: Sequence[FailedRow]) -> list[str]:
    """Why rows are left out, by frequency: each reason with its first row and the count of the others."""
    counts = Counter(map(_reason, failed))
    firsts = {_reason(row): row.error for row in reversed(failed)}
    return [
        f"{firsts[reason]} (and {number - 1} more)" if number > 1 else firsts[reason]
        for reason, number in counts.most_common()
    ]


def _reason(row: FailedRow) -> str:
    """What is wrong with a row, without where it is and what only it holds."""
    return _PARTICULAR.sub("", row.error.partition(": ")[2])


def row_images(row: Mapping[str, Any], folder: Path, store: ImageStore) -> tuple[ImageRef, ...]:
    """The pictures of a row, as those of a benchmark's row are found, and also under `path`.

    Args:
        row: its columns by our names.
        folder: relative paths are relative to it; a picture may lie anywhere.
        store: holds what does not lie in a file of its own.

    Raises:
        ProblemError: something under a picture's name is none, or is not there.
    """
    try:
        return tuple(_kept(image, store) for image in found_images(row, folder))
    except ImageError as error:
        raise ProblemError(f"its picture is none: {error}") from None


def found_images(row: Mapping[str, Any], folder: Path) -> tuple[ImageRef, ...]:
    """The pictures of a row, as `row_images` finds them, where the row has them.

    Raises:
        ImageError: something under a picture's name is none.
    """
    source = Source(repo="", split="train", image_columns=("path",))
    placed = absolute_images(dict(row), source, PictureFolder(folder, None))
    return images.row_images(placed) or images.row_images({"image": placed.get("path")})


def _kept(image: ImageRef, store: ImageStore) -> ImageRef:
    if image.url is not None:
        raise ProblemError(f"its picture is an address, {image.url!r}: download it, and give the path")
    if image.path is None:
        return store.keep(image)
    if not os.path.isfile(image.path):
        raise ProblemError(f"there is no image {str(image.path)!r}")
    return image


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
