"""Pulling a benchmark's files from the hub into a directory, from where they are read without a network.

`DIR/<task>/` holds the repository's own files, those of the task's split and configurations and no others, with
`pulled.json`, which says what they are, and `SHA256SUMS`. It appears when all is there; until then the files
lie in `DIR/.<task>.part/`, where the next command finds those that are whole. The hub's client takes up a
dropped connection where it broke; of a command that was killed it keeps no part of a file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.card import listed
from harness.data.files import READERS
from harness.data.hub import (
    TIMEOUT,
    Revision,
    UnreachableError,
    network_errors,
    resolve,
    unreachable,
)
from harness.data.layout import chosen, named
from harness.errors import HarnessError, UsageError
from harness.fingerprint import changed, file_hash, write_sums
from harness.jsonl import read_json, write_json
from harness.progress import Progress
from tasks.types import Source, Task

Key = tuple[str, str | None, str]
"""A file on the hub: repository, commit, name. Several tasks may want one."""
CARD = "README.md"
PULLED = "pulled.json"
_KEPT_BY_HUB = ".cache"
"""Where the hub's client keeps what it has of unfinished files."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file, as the hub lists it."""

    name: str
    size: int
    sha256: str | None
    """None where the hub does not say it: small files, which git keeps itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task needs of a repository."""

    task: Task
    revision: Revision
    files: tuple[Listed, ...]
    directory: Path

    @property
    def folder(self) -> Path:
        """Where the files are read from."""
        return self.directory / self.task.name

    @property
    def part(self) -> Path:
        """Where they lie until all are there."""
        return self.directory / f".{self.task.name}.part"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def key(self, file: Listed) -> Key:
        """Which file on the hub it is."""
        return self.revision.name, self.revision.commit, file.name

    @property
    def content(self) -> dict[str, Any]:
        """What `pulled.json` says."""
        source = self.task.source
        return {
            "repo": self.revision.repo,
            "name": self.revision.name,
            "commit": self.revision.commit,
            "split": source.split,
            "configs": list(source.configs),
        }

    def there(self, file: Listed) -> int:
        """Bytes of a file that need not be fetched any more."""
        place = self.folder if self.folder.is_dir() else self.part
        return min(file.size, _size_of(place / file.name))


def parse_size(text: str) -> int:
    """Bytes of "500MB", "20 GB", "1.5T": decimal units.

    Raises:
        UsageError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--max-disk {text}: not a size; give one like 500MB or 20GB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def pull(
    tasks: Sequence[Task],
    directory: Path,
    *,
    revision: str | None = None,
    max_disk: int | None = None,
    progress: Progress | None = None,
) -> Iterable[Wanted]:
    """Download tasks into `directory/<task>/`; each is yielded when it is there.

    A task that is there already, whole and of the same commit, is not fetched again. An interrupted command
    goes on where it was when it is given again.

    Args:
        tasks: each on the split to fetch.
        directory: made where it is not there.
        revision: of the hub's data sets, in place of each task's own.
        max_disk: bytes that the files of all tasks may take.
        progress: where to say how far it is; None: nowhere.

    Raises:
        UsageError: a folder is there that holds something else; no such split, configuration or revision.
        HarnessError: the hub cannot be reached, or the disk has no room; nothing was fetched then.
    """
    progress = progress or Progress(quiet=True)
    plans = []
    for task in progress.over("listing files", tasks, len(tasks)):
        with _goes_on():
            plans.append(_planned(task, directory, revision))
    sizes = {each.key(file): file.size for each in plans for file in each.files}
    lying = {each.key(file): each.there(file) for each in plans for file in each.files if each.there(file)}
    check_room(sizes, lying, directory, max_disk)
    for each in plans:
        with _goes_on():
            _fetch(each, plans, progress)
        yield each


@contextmanager
def _goes_on() -> Iterator[None]:
    """Say what to do where the hub cannot be reached."""
    try:
        yield
    except UnreachableError as error:
        raise HarnessError(f"{error}: give the same command again, it goes on where it was") from error


def _planned(task: Task, directory: Path, revision: str | None) -> Wanted:
    """What is to be fetched; a folder that is there and damaged is made one to be finished."""
    source = task.source
    found = resolve(source, revision or source.revision)
    if found.commit is None:
        raise HarnessError(f"{task.name}: nothing can be pulled with HF_HUB_OFFLINE=1")
    wanted = Wanted(task, found, (), directory)
    if wanted.folder.is_dir():
        _check_folder(wanted)
    files = _tree(source, found.commit)
    place = wanted.folder if wanted.folder.is_dir() else wanted.part
    if CARD in files and place == wanted.part:
        _download(source, found.commit, CARD, place)
    names = [CARD] * (CARD in files) + _names_of(source, place, files)
    return replace(wanted, files=tuple(files[name] for name in names))


def _check_folder(wanted: Wanted) -> None:
    """See that a folder holds what is wanted; where a file of it is damaged, it is fetched again."""
    folder = wanted.folder
    if not (folder / PULLED).is_file():
        raise UsageError(f"{folder} is there, and was not pulled: remove it, or pull into another --out")
    before = read_json(folder / PULLED)
    for name, value in wanted.content.items():
        if before.get(name) != value and name in ("commit", "split", "configs"):
            raise UsageError(
                f"{folder} holds {name} {before.get(name)}, and {value} is wanted: "
                "remove it, or pull into another --out"
            )
    if damaged := changed(folder):
        for path in damaged:
            path.unlink(missing_ok=True)
        shutil.rmtree(wanted.part, ignore_errors=True)
        os.replace(folder, wanted.part)


def _tree(source: Source, commit: str) -> dict[str, Listed]:
    """The files of a repository by name."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    try:
        entries = list(
            HfApi().list_repo_tree(source.repo, recursive=True, revision=commit, repo_type="dataset")
        )
    except network_errors() as error:
        raise unreachable(source, error) from error
    return {
        entry.path: Listed(entry.path, entry.size, entry.lfs.sha256 if entry.lfs is not None else None)
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def _names_of(source: Source, folder: Path, files: Iterable[str]) -> list[str]:
    """The files that hold a source's rows, by the repository's card, else by their names.

    Raises:
        UsageError: none does.
    """
    if source.data_files is not None:
        if source.data_files not in files:
            raise UsageError(f"{source.repo}: no file {source.data_files}")
        return [source.data_files]
    paths = [folder / name for name in files if Path(name).suffix in READERS and not name.startswith(".")]
    found = listed(folder, paths, source) or [named(folder, path, source) for path in paths]
    if not found:
        raise UsageError(f"{source.repo}: no {', '.join(sorted(READERS))} file on the hub")
    kept = chosen(folder, found, source)
    first = next(suffix for suffix in READERS if any(file.format == suffix for file in kept))
    return [file.place for file in kept if file.format == first]


def check_room(
    sizes: Mapping[Key, int], there: Mapping[Key, int], directory: Path, max_disk: int | None
) -> None:
    """Refuse, before anything is fetched, what the bound or the disk does not hold.

    Args:
        sizes: bytes of each file that is wanted.
        there: bytes of those that need not be fetched, or not whole.
        directory: to fetch them into.
        max_disk: bytes that they may take; None: what is free.

    Raises:
        HarnessError: they do not fit.
    """
    total = sum(sizes.values())
    if max_disk is not None and total > max_disk:
        raise HarnessError(
            f"the files take {amount(total)}, --max-disk is {amount(max_disk)}: pull fewer tasks, or raise it"
        )
    directory.mkdir(parents=True, exist_ok=True)
    missing, free = total - sum(there.values()), shutil.disk_usage(directory).free
    if missing > free:
        raise HarnessError(
            f"{directory}: {amount(missing)} are to be fetched and {amount(free)} are free: "
            "make room, pull fewer tasks, or give another --out"
        )


def amount(size: int) -> str:
    """Bytes for people."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _fetch(wanted: Wanted, plans: Sequence[Wanted], progress: Progress) -> None:
    """Fetch what is missing, check it, and give the folder its name."""
    folder, part = wanted.folder, wanted.part
    if folder.is_dir():
        return
    assert wanted.revision.commit is not None
    try:
        part.mkdir(parents=True, exist_ok=True)
        for left in part.rglob("*.incomplete"):  # by a command that was killed
            left.unlink()
        with progress.stage(f"{wanted.task.name}, MB", -(-wanted.size // 10**6)) as stage:
            counted = _Counter(stage.advance)
            counted(sum(map(wanted.there, wanted.files)))
            for file in wanted.files:
                _borrow(file, wanted, plans)
                if not _whole(part / file.name, file):
                    _download(wanted.task.source, wanted.revision.commit, file.name, part, counted)
                if _size_of(part / file.name) != file.size or not _same(part / file.name, file):
                    (part / file.name).unlink(missing_ok=True)
                    shutil.rmtree(part / _KEPT_BY_HUB, ignore_errors=True)
                    raise HarnessError(
                        f"{file.name} of {wanted.revision.name} arrived damaged: give the command again"
                    )
        write_sums(part, [file.name for file in wanted.files])
        write_json(part / PULLED, wanted.content)
        shutil.rmtree(part / _KEPT_BY_HUB, ignore_errors=True)
        os.replace(part, folder)
    except OSError as error:
        raise HarnessError(f"{folder}: {error.strerror or error}") from error


class _Counter:
    """Bytes into steps of a megabyte."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance, self._bytes = advance, 0

    def __call__(self, size: float) -> None:
        before, self._bytes = self._bytes // 10**6, self._bytes + int(size)
        for _ in range(before, self._bytes // 10**6):
            self._advance()


def _borrow(file: Listed, wanted: Wanted, plans: Sequence[Wanted]) -> None:
    """Link a file that another task of the same repository has, as RefCOCO's three have one table."""
    path = wanted.part / file.name
    others = (other for other in plans if other is not wanted)
    having = [other.folder for other in others if wanted.key(file) in map(other.key, other.files)]
    lying = [folder / file.name for folder in having if (folder / file.name).is_file()]
    if lying and file.sha256 is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(lying[0], path)


def _whole(path: Path, file: Listed) -> bool:
    """Whether a file is there, as far as the hub says what it is."""
    return file.sha256 is not None and _size_of(path) == file.size and _same(path, file)


def _same(path: Path, file: Listed) -> bool:
    return file.sha256 is None or file_hash(path) == file.sha256


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _download(
    source: Source, commit: str, name: str, folder: Path, counted: Callable[[float], None] = lambda _: None
) -> None:
    """Have the hub's client fetch a file.

    Raises:
        UnreachableError: the hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Counting(tqdm):
        """What the client reports its progress to, in place of a bar of its own."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            counted(n or 0)
            return None

    try:
        hf_hub_download(
            source.repo,
            name,
            repo_type="dataset",
            revision=commit,
            local_dir=folder,
            etag_timeout=TIMEOUT,
            tqdm_class=Counting,
        )
    except network_errors() as error:
        raise unreachable(source, error) from error
