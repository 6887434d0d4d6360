"""Readers of the formats: parquet, JSON with image files, VLMEvalKit's TSV, saved data sets.

A row that cannot be read is a `BadRow` in its place; a file that cannot be opened at all is an error.
"""

from __future__ import annotations

import csv
import json
import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any

from harness.data.base import BadRow
from harness.data.layout import RowFile, is_split, same_split, split_names, wanted_splits
from harness.data.saved import arrow_files, load, read_saved
from harness.errors import HarnessError, first_line
from harness.fingerprint import fingerprint as files_fingerprint
from tasks.images import IMAGE_COLUMNS, ImageError, is_path, listed
from tasks.types import Row, Source

Record = dict[str, Any]
Reader = Callable[[Path], Iterator[Record | str]]
"""A file → its rows; in place of a row that cannot be read, why, in one line."""

_NUMBERED = re.compile(r"image_\d+")
_REFERENCE = 64
"""A TSV image cell of at most so many characters may name the row whose image it shares (VLMEvalKit)."""


def read_files(files: Sequence[RowFile], source: Source, within: Path | None = None) -> Iterator[Row | BadRow]:
    """The rows of several files of one format, one after the other.

    Where a row lacks the source's config or split column, it is filled with what the file says. Rows that the
    source's `where` or its list of splits leaves out are skipped.
    """
    index = -1
    for file in files:
        columns = {source.config_column: file.config, source.split_column: file.split}
        filled = {column: value for column, value in columns.items() if column and value}
        place = PictureFolder(file.path if file.saved else file.path.parent, within)
        for row in READERS[file.format](file.path):
            index += 1
            if isinstance(row, str):
                yield BadRow(index, row)
                continue
            for column, value in filled.items():
                if row.get(column) is None:
                    row[column] = value
            if wanted(row, source):
                try:
                    yield absolute_images(row, source, place)
                except ImageError as error:
                    yield BadRow(index, f"{file.place}: image {error}")


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
    if isinstance(split, str) and is_split(split):
        return any(same_split(split, one) for one in wanted_splits(source))
    return True


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """Where the paths of a row's images lead."""

    folder: Path
    """Relative paths are relative to it."""
    within: Path | None
    """Images lie below it, links followed; None: they may lie anywhere."""

    def file(self, path: str) -> str:
        """The absolute path of an image.

        Raises:
            ImageError: it leads outside.
        """
        found = self.folder.absolute() / path
        if self.within is not None and "\0" not in path:
            real, bound = os.path.realpath(found), os.path.realpath(self.within)
            if os.path.commonpath((real, bound)) != bound:
                raise ImageError(f"{path!r} leads outside {self.within}: --allow-outside-images permits it")
        return str(found)


def absolute_images(row: Record, source: Source, place: PictureFolder) -> Record:
    """Make relative paths in image columns absolute, in place.

    These are the source's image columns, those that any data set may have, and `image_1`, `image_2` …

    Raises:
        ImageError: a path leads outside.
    """
    for column, value in row.items():
        if column in source.image_columns or _may_hold_images(column):
            row[column] = _absolute(value, place)
    return row


@lru_cache(maxsize=256)
def _may_hold_images(column: str) -> bool:
    return column in IMAGE_COLUMNS or _NUMBERED.fullmatch(column) is not None


def _absolute(value: Any, place: PictureFolder) -> Any:
    value = listed(value)
    if isinstance(value, list):
        return [_absolute(each, place) for each in value]
    if isinstance(value, str) and is_path(value):
        return place.file(value)
    if isinstance(value, dict) and not value.get("bytes") and isinstance(value.get("path"), str):
        return {**value, "path": place.file(value["path"])}
    return value


def read_jsonl(path: Path) -> Iterator[Record | str]:
    """One JSON object a line; blank lines are skipped."""
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            row = _json_object(line)
            yield row if isinstance(row, dict) else f"{path}:{number}: {row}"


def _json_object(line: bytes) -> Record | str:
    """The object, or what is wrong with the line."""
    try:
        row = json.loads(line.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"broken JSON: {error.msg} at column {error.colno}"
    except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
        return "broken JSON: nested too deeply or a number too long"
    return row if isinstance(row, dict) else f"a JSON object is wanted, not {type(row).__name__}"


def read_tsv(path: Path) -> Iterator[Record | str]:
    """VLMEvalKit's form: tab-separated with a header, `image` in base64, an empty cell for a missing value.

    An image cell may name, by `index`, the row whose image it shares, as MMBench's rotations do; only the
    images so named are held in memory. `index` is given as an int.
    """
    shared = _shared(path)
    places = _picture_folders(path)
    for number, cells in _cells(path):
        row = _tsv_row(cells)
        if isinstance(row, str):
            yield f"{path}:{number}: {row}"
            continue
        image = row.get("image")
        if isinstance(image, str) and _index(image) in shared:
            row["image"] = shared[_index(image)] or None
            if row["image"] is None:
                yield f"{path}:{number}: its image is that of row {image}, which has none"
                continue
        if row.get("image") is None and row.get("image_path") is not None:
            row["image_path"] = _beside(row["image_path"], places)
        yield row


def _picture_folders(path: Path) -> list[Path]:
    """Where the pictures of VLMEvalKit's `X_local.tsv` may lie: beside it, or in `images/X/`.

    That toolkit keeps the pictures of several tables in one folder (MMBench's in `images/MMBench/`): it counts
    where it is the only one.
    """
    images = path.parent.absolute() / "images"
    held = sorted(entry for entry in images.iterdir() if entry.is_dir()) if images.is_dir() else []
    own = images / path.stem.removesuffix("_local")
    return [path.parent.absolute(), images, own if own in held or len(held) != 1 else held[0]]


def _beside(value: Any, places: list[Path]) -> Any:
    """A cell of paths (one, or a list written as text) with each path found that lies in one of the places."""
    value = listed(value)
    if isinstance(value, list):
        return [_beside(each, places) for each in value]
    if isinstance(value, str) and is_path(value):
        return next((str(place / value) for place in places if os.path.isfile(place / value)), value)
    return value


def _index(text: str) -> str:
    """An index as it is compared: pandas writes 7.0 for 7."""
    return text.removesuffix(".0") if text.removesuffix(".0").isdecimal() else text


def _shared(path: Path) -> dict[str, str]:
    """Index → image, for each row whose image another row's cell refers to; "" where that row has none."""
    indexes: set[str] = set()
    short: set[str] = set()
    for _, cells in _cells(path):
        if isinstance(cells, dict):
            indexes.add(_index(cells.get("index", "")))
            if 0 < len(cells.get("image", "")) <= _REFERENCE:
                short.add(_index(cells["image"]))
    shared = {cell: "" for cell in short if cell in indexes or cell.isdecimal()}
    for _, cells in _cells(path) if shared else ():
        if isinstance(cells, dict) and len(cells.get("image", "")) > _REFERENCE:
            key = _index(cells.get("index", ""))
            if key in shared:
                shared[key] = cells["image"]
    return shared


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
    index = _index(cells.get("index", ""))
    if index.isdecimal():
        row["index"] = int(index)
    return row


def read_parquet(path: Path) -> Iterator[Record | str]:
    """One row group after the other, 32 rows at a time; what is unreadable of a group is one bad row each."""
    import pyarrow as pa

    with _parquet(path) as file:
        for group in range(file.num_row_groups):
            left = file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(32, [group]):
                    for row in batch.to_pylist():
                        left -= 1
                        yield row
            except (pa.ArrowException, OSError, ValueError) as error:
                why = first_line(error)
                yield from (f"{path}: row group {group} cannot be decoded: {why}" for _ in range(left))


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise HarnessError(f"{path}: not a readable parquet file: {first_line(error)}") from error


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error


def holds_rows(path: Path) -> bool:
    """Whether a JSON file holds rows: a list, or objects one a line. A single object describes something."""
    with _open(path) as file:
        first = next((line for line in file if line.strip()), b"").removeprefix(b"\xef\xbb\xbf").lstrip()
        if first[:1] != b"{":
            return first[:1] == b"["
        second = next((line for line in file if line.strip()), b"")
    return second.lstrip()[:1] == b"{" and not isinstance(_json_object(first), str)


def read_json(path: Path) -> Iterator[Record | str]:
    """A list of objects, or one object a line."""
    with _open(path) as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] != b"[":
        yield from read_jsonl(path)
        return
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: not JSON: {error}") from error
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            yield row
        else:
            yield f"{path}: entry {number}: a JSON object is wanted, not {type(row).__name__}"


READERS: dict[str, Reader] = {
    ".parquet": read_parquet,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".tsv": read_tsv,
    "saved": read_saved,
}
"""Suffix, or "saved" → reader."""


def count_rows(file: RowFile, source: Source) -> int | None:
    """How many of a file's rows are the source's, where that is cheap to know.

    Unknown where the source leaves rows out by a column of its own. A column `split` is read and counted.
    """
    if source.where is not None or source.split_column is not None:
        return None
    if file.format == "saved":
        table = load(file.path)
        held = "split" in table.column_names
        return _count_wanted(table["split"], source) if held else len(table)
    if file.format == ".parquet":
        with _parquet(file.path) as parquet:
            if "split" not in parquet.schema_arrow.names:
                return int(parquet.metadata.num_rows)
            return _count_wanted(_splits(parquet), source)
    if file.format == ".jsonl":
        with _open(file.path) as lines:
            return sum(_counts(line, source) for line in lines if line.strip())
    return None


def _splits(parquet: Any) -> list[Any]:
    """The cells of the column `split`; None for the rows of a group that cannot be decoded."""
    import pyarrow as pa

    splits: list[Any] = []
    for group in range(parquet.num_row_groups):
        try:
            splits += parquet.read_row_group(group, ["split"])["split"].to_pylist()
        except (pa.ArrowException, OSError, ValueError):
            splits += [None] * parquet.metadata.row_group(group).num_rows
    return splits


def _count_wanted(splits: Iterable[Any], source: Source) -> int:
    """How many rows the source lets in, by their cells in the column `split`."""
    return sum(wanted({"split": split}, source) for split in splits)


def _counts(line: bytes, source: Source) -> bool:
    """Whether a line of JSON counts as a row: one that cannot be read does."""
    row = _json_object(line) if b'"split"' in line else None
    return wanted(row, source) if isinstance(row, dict) else True


def says_splits(file: RowFile, source: Source) -> bool:
    """Whether a file's rows say their split, going by its first row."""
    column = source.split_column or "split"
    first = next((row for row in READERS[file.format](file.path) if isinstance(row, dict)), {})
    return first.get(column) is not None


def fingerprint(files: Sequence[RowFile], *, extra: str = "") -> str:
    """SHA-256 over places, sizes and all bytes of files, in hex; a file is hashed once."""
    named: list[tuple[str, Path]] = []
    for file in files:
        if file.saved:
            named += [(f"{file.place}/{path.name}", path) for path in arrow_files(file.path)]
        else:
            named.append((file.place, file.path))
    return files_fingerprint(named, extra=extra)
