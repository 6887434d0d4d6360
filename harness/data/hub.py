"""Rows from the Hugging Face hub, as each task's `Source` says.

`Source.repo` may also be a local folder laid out like a hub repository: it takes the same path through
`datasets`, which is how the loading code of every task is tested without a network.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from harness.data.base import BadRow, RowSource
from harness.data.files import fingerprint, read_files, wanted
from harness.data.layout import RowFile, split_names
from harness.data.saved import rows_of
from harness.errors import HarnessError, UsageError, first_line
from tasks.types import Row, Source, Task

if TYPE_CHECKING:
    from datasets import Dataset

TIMEOUT = 5.0
"""Seconds that the hub has to say what a revision is, before it counts as unreachable."""

Split = Literal["test", "train"]
_T = TypeVar("_T")


class UnreachableError(HarnessError):
    """The hub cannot be reached. The message ends before what mends it, which its catcher knows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One config and split of a source, loaded: a memory-mapped table whose images stay encoded."""

    config: str | None
    split: str
    table: Dataset


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a repository, as the hub resolves it."""

    repo: str
    """The repository's name in the source."""
    name: str
    """Its name on the hub: another one where it has moved."""
    commit: str | None
    """None where nothing was asked: only the cache, or a local repository, is read."""
    asked: str
    """The branch, tag or commit that was asked for."""

    @property
    def label(self) -> str:
        """Both names and the commit, for people."""
        moved = f" (now {self.name})" if self.name != self.repo else ""
        return f"hub: {self.repo}{moved}@{self.commit[:12] if self.commit else self.asked}"


def hub_rows(task: Task, *, split: Split = "test", revision: str | None = None) -> RowSource:
    """The rows of a task from the hub, downloaded (and cached) by `datasets`.

    Image columns hold `{"bytes": …, "path": …}`: nothing is decoded.

    Args:
        task: the benchmark.
        split: `train` for the benchmark's training split.
        revision: a branch, tag or commit in place of the source's.

    Raises:
        UsageError: no such config, split or revision; no training split; a gated or missing repository.
        HarnessError: the hub cannot be reached.
    """
    with _unreachable_mended(task):
        return source_rows(task.source, _splits(task, split), revision)


def source_rows(source: Source, splits: list[str], revision: str | None = None) -> RowSource:
    """The rows of a repository's splits, whatever task they are of. Otherwise as `hub_rows`.

    Raises:
        UnreachableError: the hub cannot be reached.
    """
    found = resolve(source, revision or source.revision)
    commit, label = found.commit, found.label
    if source.data_files is not None:
        path = _file(source, source.data_files, commit)
        files = [RowFile(path, path.name)]
        return RowSource(partial(read_files, files, source), fingerprint(files), label)
    parts = _load(source, splits, commit)
    count = None if source.where else sum(len(part.table) for part in parts)
    return RowSource(partial(_rows, parts, source), _fingerprint(source, parts), label, count=count)


def _splits(task: Task, split: Split) -> list[str]:
    if split == "test":
        return split_names(task.source.split)
    if task.source.train_split is None:
        raise UsageError(f"{task.name} has no training split on the hub: use --data synthetic or a directory")
    return split_names(task.source.train_split)


def resolve(source: Source, revision: str) -> Revision:
    """The commit that a revision of a repository stands for, asked with a short time limit.

    Nothing is asked for a local repository, or with HF_HUB_OFFLINE=1 (only the cache is used). The hub
    redirects the former name of a repository that has moved.

    Raises:
        UsageError: the repository or revision does not exist or is gated.
        UnreachableError: the hub cannot be reached.
    """
    repo = source.repo
    unasked = Revision(repo, repo, None, revision)
    if Path(repo).is_dir():
        return unasked
    from huggingface_hub import HfApi, errors

    try:
        info = HfApi().dataset_info(repo, revision=revision, timeout=TIMEOUT)
        return Revision(repo, info.id, info.sha, revision)
    except errors.OfflineModeIsEnabled:
        return unasked
    except errors.GatedRepoError as error:
        raise UsageError(
            f"{repo} is gated: accept its terms at https://huggingface.co/datasets/{repo} and set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UsageError(f"{repo}: no such data set on the hub (or a private one: set HF_TOKEN)") from error
    except errors.RevisionNotFoundError as error:
        raise UsageError(f"{repo}: no revision {revision!r} on the hub") from error
    except network_errors() as error:
        raise unreachable(source, error) from error


def network_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises when the network fails; its HTTP library has changed with its versions."""
    from huggingface_hub import errors

    base = getattr(errors, "HTTPError", None)
    return (OSError, base) if isinstance(base, type) and issubclass(base, Exception) else (OSError,)


def unreachable(source: Source, error: Exception) -> HarnessError:
    """The error to raise for one of `network_errors`: the disk's own, or that the hub cannot be reached."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}:
        return HarnessError(f"{error.filename or 'the cache of the hub'}: {error.strerror}")
    return UnreachableError(f"the hub cannot be reached for {source.repo} ({first_line(error)})")


@contextmanager
def _unreachable_mended(task: Task) -> Iterator[None]:
    """Say how to do without the hub where it cannot be reached."""
    try:
        yield
    except UnreachableError as error:
        raise HarnessError(
            f"{error}: where there is a network, run `harness data pull --tasks {task.name} --out DIR`, then "
            "give --data DIR here (or --data synthetic)"
        ) from error


def _load(source: Source, splits: list[str], commit: str | None) -> list[Part]:
    import datasets

    parts = []
    for config in source.configs:
        own = source.config_splits.get(config or "")
        for split in splits if own is None else [own]:
            load = partial(datasets.load_dataset, source.repo, config, split=split, revision=commit)
            parts.append(Part(config, split, _translated(source, load)))
    return parts


def _translated(source: Source, load: Callable[[], _T]) -> _T:
    """Run a call into `datasets` or `huggingface_hub`; its errors become one line each."""
    from datasets import exceptions

    repo = source.repo
    try:
        return load()
    except FileNotFoundError as error:  # no data set, no data files
        if not Path(repo).is_dir() and _offline():
            raise unreachable(source, error) from error
        raise UsageError(f"{repo}: {' '.join(str(error).split())}") from error
    except network_errors() as error:
        raise unreachable(source, error) from error
    except (ValueError, exceptions.DatasetGenerationError) as error:
        # "Unknown split … Should be one of …", "BuilderConfig … not found. Available: …"
        raise UsageError(f"{repo}: {' '.join(str(error).split())}") from error


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _rows(parts: list[Part], source: Source) -> Iterator[Row | BadRow]:
    for part in parts:
        filled = _filled(part, source)
        for row in rows_of(part.table):
            row = {**row, **filled}  # noqa: PLW2901 - the row as the task sees it
            if wanted(row, source):
                yield row


def _filled(part: Part, source: Source) -> dict[str, str]:
    """The columns that a part's rows get from its config's and split's names."""
    columns = {source.config_column: part.config, source.split_column: part.split}
    return {column: name for column, name in columns.items() if column is not None and name is not None}


def _fingerprint(source: Source, parts: list[Part]) -> str:
    """SHA-256 over what was loaded: `datasets` caches a table in a folder named by the commit it is from."""
    told: list[object] = [source.repo, source.where]
    for part in parts:
        cached = [Path(file["filename"]).parent.name for file in part.table.cache_files]
        told += [part.config, part.split, len(part.table), *cached]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _file(source: Source, name: str, commit: str | None) -> Path:
    """One file of the repository: in the hub's cache, or where it lies in a local repository."""
    repo = source.repo
    if Path(repo).is_dir():
        path = Path(repo) / name
        if not path.is_file():
            raise UsageError(f"{repo}: no file {name}")
        return path
    from huggingface_hub import errors, hf_hub_download

    try:
        return Path(hf_hub_download(repo, name, repo_type="dataset", revision=commit, etag_timeout=TIMEOUT))
    except errors.LocalEntryNotFoundError as error:
        raise unreachable(source, error) from error
    except errors.EntryNotFoundError as error:
        raise UsageError(f"{repo}: no file {name} at revision {commit}") from error
    except network_errors() as error:
        raise unreachable(source, error) from error
