"""Rows out of a directory: parquet, JSON or TSV files, a hub snapshot, or a saved data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from harness.data.base import RowSource
from harness.data.card import listed
from harness.data.files import READERS, count_rows, fingerprint, holds_rows, read_files, says_splits
from harness.data.layout import RowFile, below, chosen, for_split, is_saved, named
from harness.data.saved import described
from harness.errors import HarnessError, UsageError, nearest
from harness.fingerprint import SUMS, check_sums
from tasks.types import Source, Task

_NEEDED = "parquet, jsonl, json or tsv files"


def directory_rows(
    task: Task,
    directory: Path,
    *,
    split: Literal["test", "train"] = "test",
    alone: bool = False,
    outside: bool = False,
) -> RowSource:
    """The rows of a task out of its folder in a directory, or the directory itself (see `task_folder`).

    Columns are the hub's; an image is bytes, base64, or a path relative to the file that names it. Of several
    splits or configurations the task's own are read. For training those are the training split's files, or
    files that say no split. Images outside the directory are read with `outside` only.

    Raises:
        UsageError: no folder for the task, no rows of its split in it, or files of two formats.
        HarnessError: a file cannot be opened, or is not as it was pulled.
    """
    folder = task_folder(task, directory, alone=alone)
    check_sums(folder, mend=f"harness data pull fetches it again; remove {folder / SUMS} if you changed it")
    source = for_split(task.source, split)
    files = row_files(folder, source, shared=folder.name.lower() != task.name and _is_repository(folder, task))
    counts = [count_rows(file, source) for file in files]
    known = [count for count in counts if count is not None]
    return RowSource(
        partial(read_files, files, source, None if outside else _bound(directory)),
        fingerprint(files),
        f"directory: {folder}",
        count=sum(known) if len(known) == len(counts) else None,
    )


def _bound(directory: Path) -> Path:
    """What images must lie in: the directory, or the repository in the hub's cache that it is a part of."""
    return next(iter(_in_cache(directory)), directory)


def task_folder(task: Task, directory: Path, *, alone: bool = False) -> Path:
    """Where a data directory holds a task.

    That is the folder with the task's name, or with its repository's; the directory itself where it has one of
    these names, or, where no other task is asked for, where rows lie in it.

    Raises:
        UsageError: there is none.
    """
    inside = sorted(path for path in directory.iterdir() if path.is_dir() and path.name[0] != ".")
    own = [path for path in inside if path.name == task.name]
    if not own and directory.absolute().name == task.name:
        own = [directory]
    if not own and _is_repository(directory, task):
        own = [directory]
    if not own:  # after the folder itself: DocVQA holds a configuration DocVQA
        own = [path for path in inside if _has_repository_name(path, task)]
    if not own and alone and _is_data_itself(directory, task.source):
        own = [directory]
    if own:
        return _snapshot(own[0])
    folders = [path.name for path in inside]
    hint = nearest(task.name, folders) if folders else ""
    what = (
        f"no folder {task.name!r} in {directory}" if folders else f"{directory} holds no folder {task.name!r}"
    )
    raise UsageError(f"{what}{hint} (make {directory / task.name} with {_NEEDED})")


def _is_repository(folder: Path, task: Task) -> bool:
    """Whether a folder has the name of the task's repository, or lies in the hub's cache of it."""
    return any(_has_repository_name(path, task) for path in [folder.absolute(), *_in_cache(folder)])


def _in_cache(folder: Path) -> list[Path]:
    """The folders of the hub's cache of data sets that a folder lies in."""
    return [path for path in folder.absolute().parents if path.name.startswith("datasets--")]


def _has_repository_name(folder: Path, task: Task) -> bool:
    repos = [repo.lower() for repo in (task.source.repo, *task.source.former)]
    return any(
        folder.name.lower() in {repo.rpartition("/")[2], f"datasets--{repo.replace('/', '--')}"}
        for repo in repos
    )


def _is_data_itself(directory: Path, source: Source) -> bool:
    """Whether rows lie in a directory, and nowhere but in it, its `data/` and folders of splits or configs."""
    try:
        files = _found(directory, source)
    except HarnessError:
        return False
    return bool(files) and all(file.elsewhere is None for file in files)


def _snapshot(folder: Path) -> Path:
    """The snapshot in a repository's folder of the hub's cache; any other folder as it is.

    Raises:
        UsageError: there are several, and none is the main branch's.
    """
    if not (folder / "snapshots").is_dir():
        return folder
    held = sorted(path for path in (folder / "snapshots").iterdir() if path.is_dir())
    main = folder / "refs" / "main"
    current = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    own = [path for path in held if path.name == current] or held
    if len(own) > 1:
        raise UsageError(f"{folder} holds {len(own)} snapshots: give the folder of one, as {own[0]}")
    return own[0] if own else folder


def row_files(folder: Path, source: Source, *, shared: bool = False) -> list[RowFile]:
    """The files of the one format that a folder holds, of the source's split and configurations.

    Args:
        folder: the task's.
        source: says which split, which configurations.
        shared: the folder is one repository's, whose configurations may be other tasks' too.

    Raises:
        UsageError: none, of two formats, or of another split.
        HarnessError: a description of the files cannot be read.
    """
    found = _found(folder, source)
    if not found:
        other = next((path for path in below(folder, [".json"]) if path.suffix == ".json"), None)
        hint = f"; {other.relative_to(folder)} holds no list of rows" if other else ""
        raise UsageError(f"no rows in {folder}: it needs {_NEEDED}, or a saved data set{hint}")
    files = chosen(folder, found, source, shared=shared)
    formats = {file.format: file for file in reversed(files)}
    if len(formats) > 1:
        first, second = (formats[name].place for name in sorted(formats)[:2])
        raise UsageError(f"{folder} holds two formats, {first} and {second}: keep the files of one")
    for file in files:
        if len(file.splits) > 1 and not says_splits(file, source):
            said = " and ".join(file.splits)
            raise UsageError(
                f"{file.path} holds the splits {said}, and no column of its rows distinguishes them"
            )
    return files


def _found(folder: Path, source: Source) -> list[RowFile]:
    """The files of rows in a folder: those that its card lists, or all."""
    paths = [path for path in below(folder, READERS) if path.suffix != ".json" or holds_rows(path)]
    by_card = listed(folder, [path for path in paths if path.is_file()], source)
    return by_card or [
        described(folder, path, source) if is_saved(path) else named(folder, path, source) for path in paths
    ]
