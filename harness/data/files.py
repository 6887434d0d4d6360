"""Readers of the three file formats: parquet, JSON lines with image files, VLMEvalKit's TSV.

A row that cannot be read is a `BadRow` in its place; a file that cannot be opened at all is an error.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from harness.data.base import BadRow
from harness.data.layout import SPLITS, same_split, wanted_splits
from harness.errors import HarnessError
from harness.fingerprint import fingerprint as files_fingerprint
from tasks.images import IMAGE_COLUMNS, is_path
from tasks.types import Row, Source

Record = dict[str, Any]
Reader = Callable[[Path, Source], Iterator[Record | str]]
"""A file → its rows; in place of a row that cannot be read, why, in one line."""

_NUMBERED = re.compile(r"image_\d+")
_REFERENCE = 64
"""A TSV image cell of at most so many characters may name the row whose image it shares (VLMEvalKit)."""


def read_files(paths: list[Path], source: Source) -> Iterator[Row | BadRow]:
    """The rows of several files of one format, one after the other.

    Where a row lacks the source's config or split column, it is filled from the file's name
    ("location.jsonl", "Accounting-00000-of-00001.parquet"). Rows that the source's `where` or its list of
    splits leaves out are skipped.
    """
    index = -1
    for path in paths:
        filled = _from_name(path, source)
        for row in READERS[path.suffix](path, source):
            index += 1
            if isinstance(row, str):
                yield BadRow(index, row)
                continue
            for column, value in filled.items():
                if row.get(column) is None:
                    row[column] = value
            if wanted(row, source):
                yield row


def wanted(row: Row, source: Source) -> bool:
    """Whether the source's `where` and splits let a row in; a row that says nothing of them is let in."""
    if source.where is not None:
        column, values = source.where
        if column in row and row[column] not in values:
            return False
    if source.split_column is not None:
        split = row.get(source.split_column)
        return split is None or split in split_names(source.split)
    split = row.get("split")
    if isinstance(split, str) and split.lower() in SPLITS:
        return any(same_split(split, one) for one in wanted_splits(source))
    return True


def split_names(split: str) -> list[str]:
    """The names in a comma-separated list of splits."""
    return [name.strip() for name in split.split(",")]


def _from_name(path: Path, source: Source) -> Record:
    """The columns that a row gets from its file's name, or from the folders that it lies in."""
    names = [*path.stem.split("-"), *(parent.name for parent in list(path.parents)[:3])]
    filled: Record = {}
    for column, known in (
        (source.config_column, source.configs),
        (source.split_column, split_names(source.split)),
    ):
        found = next((name for name in names if name in known), None)
        if column is not None and found is not None:
            filled[column] = found
    return filled


def absolute_images(row: Record, folder: Path, source: Source) -> Record:
    """Make relative paths in image columns absolute, in place.

    These are the source's image columns, those that any data set may have, and `image_1`, `image_2` …
    """
    for column, value in row.items():
        if column in source.image_columns or column in IMAGE_COLUMNS or _NUMBERED.fullmatch(column):
            row[column] = _absolute(value, folder)
    return row


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and value[:1] + value[-1:] == "[]":  # a list written as text
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            value = ast.literal_eval(value)
    if isinstance(value, list):
        return [_absolute(each, folder) for each in value]
    if isinstance(value, str) and is_path(value):
        return str(folder / value)
    if isinstance(value, dict) and not value.get("bytes") and isinstance(value.get("path"), str):
        return {**value, "path": str(folder / value["path"])}
    return value


def read_jsonl(path: Path, source: Source) -> Iterator[Record | str]:
    """One JSON object a line; blank lines are skipped."""
    folder = path.parent.absolute()
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            row = _json_object(line)
            yield absolute_images(row, folder, source) if isinstance(row, dict) else f"{path}:{number}: {row}"


def _json_object(line: bytes) -> Record | str:
    """The object, or what is wrong with the line."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"broken JSON: {error.msg} at column {error.colno}"
    except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
        return "broken JSON: nested too deeply or a number too long"
    return row if isinstance(row, dict) else f"a JSON object is wanted, not {type(row).__name__}"


def read_tsv(path: Path, source: Source) -> Iterator[Record | str]:
    """VLMEvalKit's form: tab-separated with a header, `image` in base64, an empty cell for a missing value.

    An image cell may name, by `index`, the row whose image it shares, as MMBench's rotations do; only the
    images so named are held in memory. `index` is given as an int.
    """
    shared: dict[str, str] = dict.fromkeys(_references(path), "")
    folder = path.parent.absolute()
    waiting = False
    for number, cells in _cells(path):
        row = _tsv_row(cells)
        if isinstance(row, str):
            yield f"{path}:{number}: {row}"
            continue
        key, image = str(row.get("index")), row.get("image")
        if key in shared and isinstance(image, str) and len(image) > _REFERENCE:
            shared[key] = image
        if isinstance(image, str) and image in shared:
            waiting = not shared[image]
            row["image"] = shared[image] or None
        yield (
            f"{path}:{number}: its image is that of row {image}, which has none"
            if waiting
            else absolute_images(_beside(row, path), folder, source)
        )
        waiting = False


def _beside(row: Record, path: Path) -> Record:
    """A row of VLMEvalKit's `_local.tsv`, whose pictures lie beside it or in `images/<data set>/`."""
    name = row.get("image_path")
    if row.get("image") is None and isinstance(name, str) and is_path(name):
        dataset = path.stem.removesuffix("_local")
        for place in ("", "images", f"images/{dataset}"):
            if os.path.isfile(path.parent / place / name):
                row["image_path"] = str(Path(place) / name)
                break
    return row


def _references(path: Path) -> set[str]:
    """The `index` values that image cells refer to."""
    found = set()
    for _, cells in _cells(path):
        image = cells.get("image") if isinstance(cells, dict) else None
        if image and len(image) <= _REFERENCE and image.isdigit():
            found.add(image)
    return found


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """(line number, column → cell) or (line number, what is wrong)."""
    csv.field_size_limit(2**31 - 1)  # a base64 image in one cell
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter="\t")
        header = next(reader, None)
        if not header:
            raise HarnessError(f"{path}: no header line with column names")
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield reader.line_num, f"broken line: {error}"
                continue
            if cells is None:
                return
            if len(cells) == len(header):
                yield reader.line_num, dict(zip(header, cells, strict=True))
            elif cells:
                yield reader.line_num, f"{len(cells)} cells under {len(header)} column names"


def _tsv_row(cells: dict[str, str] | str) -> Record | str:
    if isinstance(cells, str):
        return cells
    row: Record = {column: cell or None for column, cell in cells.items()}
    index = cells.get("index", "")
    if index.removesuffix(".0").isdecimal():
        row["index"] = int(index.removesuffix(".0"))
    return row


def read_parquet(path: Path, source: Source) -> Iterator[Record | str]:
    """One row group after the other, 32 rows at a time; what is unreadable of a group is one bad row each."""
    import pyarrow as pa

    folder = path.parent.absolute()
    with _parquet(path) as file:
        for group in range(file.num_row_groups):
            left = file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(32, [group]):
                    for row in batch.to_pylist():
                        left -= 1
                        yield absolute_images(row, folder, source)
            except (pa.ArrowException, OSError, ValueError) as error:
                why = str(error).splitlines()[0]
                yield from (f"{path}: row group {group} cannot be decoded: {why}" for _ in range(left))


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise HarnessError(f"{path}: not a readable parquet file: {str(error).splitlines()[0]}") from error


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error


def read_json(path: Path, source: Source) -> Iterator[Record | str]:
    """A list of objects."""
    folder = path.parent.absolute()
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: not JSON: {error}") from error
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        if isinstance(row, dict):
            yield absolute_images(row, folder, source)
        else:
            yield f"{path}: entry {number}: a JSON object is wanted, not {type(row).__name__}"


READERS: dict[str, Reader] = {
    ".parquet": read_parquet,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".tsv": read_tsv,
}
"""Suffix → reader."""


def count_rows(path: Path) -> int | None:
    """How many rows a file has, where that is cheap to know."""
    if path.suffix == ".parquet":
        with _parquet(path) as file:
            return int(file.metadata.num_rows)
    if path.suffix == ".jsonl":
        with _open(path) as file:
            return sum(1 for line in file if line.strip())
    return None


def fingerprint(paths: list[Path], *, extra: str = "") -> str:
    """SHA-256 over names, sizes and all bytes of files, in hex; a file is hashed once."""
    return files_fingerprint([(path.name, path) for path in paths], extra=extra)
