"""Data sets that `datasets` saved with `save_to_disk`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.base import BadRow, RowSource
from harness.data.files import absolute_images, fingerprint, wanted
from harness.data.layout import same_split, wanted_splits
from harness.errors import HarnessError, UsageError
from tasks.types import Row, Source

if TYPE_CHECKING:
    from datasets import Dataset

_SEVERAL, _ONE = "dataset_dict.json", "state.json"


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`, of one split or of several."""
    return (folder / _SEVERAL).is_file() or (folder / _ONE).is_file()


def saved_rows(folder: Path, source: Source) -> RowSource:
    """The rows of the source's splits.

    Raises:
        UsageError: the folder holds other splits.
        HarnessError: it cannot be read.
    """
    import datasets

    parts: list[tuple[str | None, Dataset]] = []
    for split, place in _places(folder, source):
        try:
            table = datasets.load_from_disk(str(place))
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = str(error).splitlines()[0]
            raise HarnessError(f"{place}: no data set that `datasets` can load: {said}") from error
        parts.append((split, undecoded(table)))
    files = sorted(path for _, place in _places(folder, source) for path in place.glob("*.arrow"))
    count = None if source.where else sum(len(table) for _, table in parts)
    rows = partial(_rows, folder, parts, source)
    return RowSource(rows, fingerprint(files), f"directory: {folder}", count=count)


def undecoded(table: Dataset) -> Dataset:
    """A table whose images stay encoded."""
    from datasets import Image

    for name, feature in table.features.items():
        if isinstance(feature, Image):
            table = table.cast_column(name, Image(decode=False))
    return table


def _places(folder: Path, source: Source) -> list[tuple[str | None, Path]]:
    """(split, folder) of each split that is read."""
    splits = wanted_splits(source)
    if (folder / _SEVERAL).is_file():
        held = _read(folder / _SEVERAL).get("splits")
        names = [str(name) for name in held] if isinstance(held, list) else []
        right = [name for name in names if any(same_split(name, split) for split in splits)]
        if not right:
            raise UsageError(f"{folder} holds the splits {', '.join(names)}: none is {' or '.join(splits)}")
        return [(name, folder / name) for name in right]
    split = _read(folder / _ONE).get("_split")
    if split and not any(same_split(str(split), one) for one in splits):
        raise UsageError(f"{folder} holds the split {split}, not {' or '.join(splits)}")
    return [(str(split) if split else None, folder)]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: {error}") from None
    return content if isinstance(content, dict) else {}


def _rows(folder: Path, parts: list[tuple[str | None, Dataset]], source: Source) -> Iterator[Row | BadRow]:
    for split, table in parts:
        for row in table:
            if source.split_column is not None and split is not None:
                row = {**row, source.split_column: split}  # noqa: PLW2901 - the row as the task sees it
            if wanted(row, source):
                yield absolute_images(dict(row), folder, source)
