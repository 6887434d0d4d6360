"""Which files of a folder hold a task's rows: its split and its configurations, and no others.

A folder may be a snapshot of a hub repository as it was downloaded, or files put together by hand. Files say by
their names, or by the folders that they lie in, which split they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from tasks.types import Source

ALIASES: Mapping[str, frozenset[str]] = {
    name: frozenset({"val", "valid", "validation"}) for name in ("val", "valid", "validation")
}
"""Names of one and the same split. MMMU has a `dev` beside its `validation`: that is another."""
SPLITS = frozenset(
    {"train", "training", "val", "valid", "validation", "dev", "test", "testmini", "testa", "testb"}
)
"""Words that name a split wherever they stand."""
_PLAIN = frozenset({"data", "default"})
"""Folders of a repository whose name says nothing."""
_SHARD = re.compile(r"-\d{5}-of-\d{5}.*$")
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A file of rows, with what its place says of it."""

    path: Path
    split: str | None
    """In lower case; None where nothing says it."""
    config: str | None
    """A configuration of the source; None where nothing says it."""
    elsewhere: str | None
    """A folder that it lies in whose name is neither; None where there is none."""


def same_split(name: str, split: str) -> bool:
    """Whether two names are of one split."""
    return name.lower() == split.lower() or name.lower() in ALIASES.get(split.lower(), ())


def wanted_splits(source: Source) -> list[str]:
    """The names of the splits that a source reads."""
    return [*(name.strip() for name in source.split.split(",")), *source.config_splits.values()]


def chosen(folder: Path, paths: Iterable[Path], source: Source) -> list[Path]:
    """The files that hold the source's split and configurations.

    Args:
        folder: the task's.
        paths: files of rows in it.
        source: says which split, which configurations.

    Raises:
        UsageError: no file holds them, or it cannot be told which do.
    """
    files = _of_configs(folder, [_found(folder, path, source) for path in paths], source)
    splits = wanted_splits(source)
    right = [file for file in files if file.split and any(same_split(file.split, one) for one in splits)]
    unsaid = [file for file in files if file.split is None]
    others = [file for file in files if file.split and file not in right]
    if unsaid and (right or others):
        first = (right or others)[0]
        raise UsageError(
            f"{folder}: {_name(folder, first)} holds the split {first.split}, and nothing says which "
            f"{_name(folder, unsaid[0])} holds: keep the files of {' and '.join(splits)} alone"
        )
    if right or unsaid:
        return [file.path for file in right or unsaid]
    held = ", ".join(sorted({str(file.split) for file in others}))
    raise UsageError(
        f"{folder} holds the split {held} ({_name(folder, others[0])}), and {source.repo} is asked about "
        f"{' and '.join(splits)}: put those files there, or rename a file whose name is wrong"
    )


def below(folder: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """Files with one of the suffixes in a folder and up to three levels below it, hidden ones left out."""
    known = tuple(suffixes)
    level = [folder]
    for _ in range(_DEPTH + 1):
        deeper: list[Path] = []
        for place in level:
            for entry in sorted(place.iterdir()):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    deeper.append(entry)
                elif entry.suffix in known:
                    yield entry
        level = deeper


def _found(folder: Path, path: Path, source: Source) -> Found:
    parents = path.relative_to(folder).parts[:-1]
    stem = _SHARD.sub("", path.stem)
    configs = [name for name in source.configs if name is not None]
    config = next((name for name in configs if name in parents or stem.split("-")[0] == name), None)
    said = [word for part in (*parents, stem) if (word := _split_of(part, path, source)) is not None]
    named = (part for part in parents if part != config and part not in _PLAIN and part.lower() not in said)
    return Found(path, said[-1] if said else None, config, next(named, None))


def _split_of(part: str, path: Path, source: Source) -> str | None:
    """The split that a name says. Tables of VLMEvalKit (`X_TEST.tsv`) have a column for it."""
    for name in wanted_splits(source):
        if part.lower() == name.lower() or part.endswith(f"-{name}"):
            return name.lower()
    words = [part.lower()] if path.suffix == ".tsv" else re.split(r"[-_.]", part.lower())
    return next((word for word in words if word in SPLITS), None)


def _of_configs(folder: Path, files: list[Found], source: Source) -> list[Found]:
    """The files of the source's configurations, where folders or names tell configurations apart."""
    if not any(source.configs):
        return files
    named = [file for file in files if file.config is not None]
    if named:
        return named
    apart = [file for file in files if file.elsewhere is not None]
    if apart:
        configs = ", ".join(name for name in source.configs if name)
        raise UsageError(
            f"{folder}: {_name(folder, apart[0])} lies in the folder {apart[0].elsewhere}, which is none of "
            f"{source.repo}'s configurations {configs}"
        )
    return files


def _name(folder: Path, file: Found) -> str:
    return str(file.path.relative_to(folder))
