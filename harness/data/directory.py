"""Rows out of a directory: `DIR/<task>/` with parquet files, JSON lines and images, or a VLMEvalKit TSV."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness.data.base import RowSource
from harness.data.files import READERS, count_rows, fingerprint, read_files
from harness.errors import UsageError, nearest
from tasks.types import Task


def directory_rows(task: Task, directory: Path) -> RowSource:
    """The rows of a task out of `directory/<task>/`, or `directory` itself where it has the task's name.

    Columns are the hub's; an image is bytes, base64, or a path relative to the task's folder. All files of
    the folder are read, in the order of their names; files in folders below are not.

    Raises:
        UsageError: no folder for the task, no rows in it, or files of two formats.
        HarnessError: a file that cannot be opened.
    """
    folder = task_folder(task.name, directory)
    paths = data_files(folder)
    counts = [count_rows(path) for path in paths]
    whole = task.source.where is None and task.source.split_column is None
    known = [count for count in counts if count is not None]
    return RowSource(
        partial(read_files, paths, task.source),
        fingerprint(paths),
        f"directory: {folder}",
        count=sum(known) if whole and len(known) == len(counts) else None,
    )


def task_folder(name: str, directory: Path) -> Path:
    """The task's folder in a data directory.

    Raises:
        UsageError: there is none.
    """
    folder = directory / name
    if folder.is_dir():
        return folder
    if directory.absolute().name == name:
        return directory
    folders = sorted(path.name for path in directory.iterdir() if path.is_dir() and path.name[0] != ".")
    hint = nearest(name, folders) if folders else ""
    what = (
        f"no folder {name!r} in {directory}" if folders else f"{directory} is empty: no folder {name!r} in it"
    )
    raise UsageError(f"{what}{hint} (make {folder} with parquet, jsonl or tsv files)")


def data_files(folder: Path) -> list[Path]:
    """The files of the one format that a folder holds, sorted by name.

    Raises:
        UsageError: none, or of two formats.
    """
    found = {
        suffix: sorted(path for path in folder.glob(f"*{suffix}") if path.is_file() and path.name[0] != ".")
        for suffix in READERS
    }
    formats = [suffix for suffix, paths in found.items() if paths]
    if len(formats) > 1:
        first, second = (found[suffix][0].name for suffix in formats[:2])
        raise UsageError(f"{folder} holds two formats, {first} and {second}: keep the files of one")
    if formats:
        return found[formats[0]]
    deeper = next((path for suffix in READERS for path in folder.glob(f"*/**/*{suffix}")), None)
    hint = f"; {deeper.relative_to(folder)} lies too deep" if deeper else ""
    raise UsageError(f"no rows in {folder}: it needs parquet, jsonl or tsv files{hint}")
