"""Rows out of a directory: parquet, JSON or TSV files, a hub snapshot, or a saved data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness.data.base import RowSource
from harness.data.files import READERS, count_rows, fingerprint, read_files
from harness.data.layout import below, chosen
from harness.data.saved import is_saved, saved_rows
from harness.errors import UsageError, nearest
from tasks.types import Source, Task


def directory_rows(task: Task, directory: Path) -> RowSource:
    """The rows of a task out of `directory/<task>/`, or `directory` itself where it has the task's name.

    Columns are the hub's; an image is bytes, base64, or a path relative to the file that names it. Of several
    splits or configurations the task's own are read.

    Raises:
        UsageError: no folder for the task, no rows of its split in it, or files of two formats.
        HarnessError: a file that cannot be opened.
    """
    folder = task_folder(task, directory)
    if is_saved(folder):
        return saved_rows(folder, task.source)
    paths = data_files(folder, task.source)
    counts = [count_rows(path) for path in paths]
    whole = task.source.where is None and task.source.split_column is None
    known = [count for count in counts if count is not None]
    return RowSource(
        partial(read_files, paths, task.source),
        fingerprint(paths),
        f"directory: {folder}",
        count=sum(known) if whole and len(known) == len(counts) else None,
    )


def task_folder(task: Task, directory: Path) -> Path:
    """The task's folder in a data directory; the directory itself, where it has the task's or hub's name.

    Raises:
        UsageError: there is none.
    """
    folder = directory / task.name
    if folder.is_dir():
        return folder
    repository = task.source.repo.rpartition("/")[2].lower()
    names = {task.name, repository, f"datasets--{task.source.repo.replace('/', '--')}".lower()}
    place = directory.absolute()
    if names & {place.name.lower(), *(part.lower() for part in place.parts if part.startswith("datasets--"))}:
        return directory
    folders = sorted(path.name for path in directory.iterdir() if path.is_dir() and path.name[0] != ".")
    hint = nearest(task.name, folders) if folders else ""
    what = (
        f"no folder {task.name!r} in {directory}"
        if folders
        else f"{directory} is empty: no folder {task.name!r} in it"
    )
    raise UsageError(f"{what}{hint} (make {folder} with parquet, jsonl, json or tsv files)")


def data_files(folder: Path, source: Source) -> list[Path]:
    """The files of the one format that a folder holds, of the source's split and configurations.

    Raises:
        UsageError: none, of two formats, or of another split.
    """
    found: dict[str, list[Path]] = {}
    for path in below(folder, READERS):
        if path.suffix != ".json" or not _is_description(path):
            found.setdefault(path.suffix, []).append(path)
    if len(found) > 1:
        first, second = (paths[0].relative_to(folder) for paths in list(found.values())[:2])
        raise UsageError(f"{folder} holds two formats, {first} and {second}: keep the files of one")
    for paths in found.values():
        return chosen(folder, paths, source)
    raise UsageError(f"no rows in {folder}: it needs parquet, jsonl, json or tsv files, or a saved data set")


def _is_description(path: Path) -> bool:
    """Whether a JSON file holds something else than rows: an object, where rows are a list."""
    with path.open("rb") as file:
        return file.read(64).lstrip()[:1] != b"["
