"""Data sets that `datasets` wrote with `save_to_disk`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.layout import RowFile, named, same_split, wanted_splits
from harness.errors import HarnessError, first_line
from harness.jsonl import read_json
from tasks.types import Source

if TYPE_CHECKING:
    from datasets import Dataset

_BATCH = 32


def described(folder: Path, place: Path, source: Source) -> RowFile:
    """A saved data set with what is said of it: by its key in a `DatasetDict`, its folders, then by itself.

    Raises:
        HarnessError: its description cannot be read.
    """
    file = named(folder, place, source)
    state, info = _read(place / "state.json"), _read(place / "dataset_info.json")
    key = place.name if (place.parent / "dataset_dict.json").is_file() else None
    said, splits, own = key or (not file.splits and state.get("_split")), file.splits, wanted_splits(source)
    if said:
        names = [re.sub(r"\[.*\]$", "", part) for part in str(said).split("+")]  # "train[:9]+test"
        splits = tuple(next((one for one in own if same_split(name, one)), name) for name in names)
    config = info.get("config_name")
    if config in {None, "", "default"} or info.get("dataset_name") == info.get("builder_name"):
        config = file.config  # made of loose files: what it says is `datasets`' own name
    return replace(file, splits=splits, config=config, saved=True)


def read_saved(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of one saved data set.

    Raises:
        HarnessError: it cannot be loaded.
    """
    yield from rows_of(load(path))


def load(path: Path) -> Dataset:
    """A saved data set, memory-mapped.

    Raises:
        HarnessError: it cannot be loaded.
    """
    import datasets
    import pyarrow as pa

    try:
        return datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise HarnessError(f"{path}: no data set that `datasets` can load: {first_line(error)}") from error


def rows_of(table: Dataset) -> Iterator[dict[str, Any]]:
    """The rows as they are stored: no image is decoded, in lists neither."""
    for batch in table.with_format("arrow").iter(_BATCH):
        yield from batch.to_pylist()


def arrow_files(place: Path) -> list[Path]:
    """The files that hold a saved data set's rows."""
    return sorted(place.glob("*.arrow"))


def _read(path: Path) -> dict[str, Any]:
    content = read_json(path)
    return content if isinstance(content, dict) else {}
