"""Which files of a folder hold a task's rows: its split and its configurations, and no others.

A folder may be a snapshot of a hub repository as it was downloaded, a data set saved by `datasets`, or files
put together by hand. What a file holds is said by the repository's card, by the saved data set, or else by the
names of the file and of the folders that it lies in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.errors import UsageError
from tasks.types import Source

ALIASES: Mapping[str, frozenset[str]] = {
    name: frozenset({"val", "valid", "validation"}) for name in ("val", "valid", "validation")
}
"""Names of one and the same split. MMMU has a `dev` beside its `validation`: that is another."""
_SPLIT = re.compile(
    r"(mini)?(train|training|trainval|val|valid|validation|dev|test|testmini|testdev)(20\d\d)?|test[abc]"
)
"""Words that name a split wherever they stand; COCO's have a year."""
_BETWEEN = re.compile(r"[-_. ]+")
_SHARD = re.compile(r"-\d{5}-of-\d{5}.*$")
_PLAIN = frozenset({"data", "default", "snapshots"})
"""Folders of a repository whose name says nothing."""
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of rows (or the folder of a saved data set), with what is known of it."""

    path: Path
    place: str
    """Its path below the task's folder."""
    splits: tuple[str, ...] = ()
    """What it holds, as the source spells it where the source has it; empty where nothing says it."""
    config: str | None = None
    """None where nothing says it."""
    elsewhere: str | None = None
    """A folder that it lies in whose name is neither split nor configuration."""
    saved: bool = False
    """Written by `save_to_disk`."""

    @property
    def format(self) -> str:
        """Which reader it needs."""
        return "saved" if self.saved else self.path.suffix

    @property
    def said_by(self) -> str:
        """What a message names."""
        return self.place if self.place != "." else "state.json"

    @property
    def split(self) -> str | None:
        """The one split that it holds; None where that is not known."""
        return self.splits[0] if len(self.splits) == 1 else None


def is_split(name: str) -> bool:
    """Whether a word is the usual name of a split."""
    return _SPLIT.fullmatch(name.lower()) is not None


def same_split(name: str, split: str) -> bool:
    """Whether two names are of one split."""
    name, split = (re.sub(r"20\d\d$", "", each.lower()) for each in (name, split))
    return name == split or name in ALIASES.get(split, ())


def split_names(split: str) -> list[str]:
    """The names in a comma-separated list of splits."""
    return [name.strip() for name in split.split(",")]


def wanted_splits(source: Source) -> list[str]:
    """The names of the splits that a source reads."""
    return [*split_names(source.split), *source.config_splits.values()]


def for_split(source: Source, split: Literal["test", "train"]) -> Source:
    """The source as evaluation or training reads it from a folder.

    A benchmark whose splits are groups of its rows (RefSpatial) has no other rows to train on: files of them
    count too.
    """
    if split == "test":
        return source
    train = source.train_split or "train"
    return replace(source, split=f"{source.split},{train}" if source.split_column else train, config_splits={})


def below(folder: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """Files with one of the suffixes, and folders of saved data sets, in a folder and three levels below it.

    Hidden ones are left out.
    """
    known = tuple(suffixes)
    level = [folder]
    for _ in range(_DEPTH + 1):
        deeper: list[Path] = []
        for place in level:
            if is_saved(place):
                yield place
                continue
            for entry in sorted(place.iterdir()):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    deeper.append(entry)
                elif entry.suffix in known:
                    yield entry
        level = deeper


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a data set of one split into a folder."""
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def named(folder: Path, path: Path, source: Source) -> RowFile:
    """A file with what its name and folders say of it; the deepest that says a split counts."""
    place = path.relative_to(folder)
    configs = sorted((name for name in (*source.configs, *source.other_configs) if name), key=len, reverse=True)
    splits: tuple[str, ...] = ()
    config = elsewhere = None
    for part in (*place.parts[:-1], _SHARD.sub("", path.stem) if place.parts else ""):
        said = _splits_in(part, source)
        own = next((name for name in configs if _says(part, name)), None)
        splits, config = said or splits, own or config
        if not said and own is None and part in place.parts[:-1] and part not in _PLAIN:
            elsewhere = elsewhere or part
    return RowFile(path, place.as_posix(), splits, config, elsewhere)


def _says(part: str, name: str) -> bool:
    """Whether the words of a name stand, one after the other, in the name of a file or folder."""
    words, wanted = (_BETWEEN.split(text.lower()) for text in (part, name))
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def _splits_in(part: str, source: Source) -> tuple[str, ...]:
    """The splits that a name says: MMMU_DEV_VAL says two."""
    own = sorted(wanted_splits(source), key=len, reverse=True)
    spelled = next((name for name in own if not is_split(name) and _says(part, name)), None)
    if spelled is not None:
        return (spelled,)
    words = [word for word in _BETWEEN.split(part.lower()) if is_split(word)]
    return tuple(dict.fromkeys(next((name for name in own if same_split(word, name)), word) for word in words))


def chosen(folder: Path, files: Sequence[RowFile], source: Source, *, shared: bool = False) -> list[RowFile]:
    """The files that hold the source's splits and configurations.

    Args:
        folder: the task's, for messages.
        files: what lies in it.
        source: says which split, which configurations.
        shared: the folder is one repository's, whose configurations may be other tasks' too.

    Raises:
        UsageError: no file holds them, or it cannot be told which do.
    """
    files = _of_configs(folder, files, source, shared=shared)
    wanted = wanted_splits(source)
    right = [file for file in files if set(file.splits) & set(wanted)]
    unsaid = [file for file in files if not file.splits]
    others = [file for file in files if file.splits and file not in right]
    asked = " and ".join(dict.fromkeys(wanted))
    if unsaid and (right or others):
        first = (right or others)[0]
        raise UsageError(
            f"{folder}: {first.place} holds the split {' and '.join(first.splits)}, and nothing says which "
            f"{unsaid[0].place} holds: keep the files of {asked} alone"
        )
    if right or unsaid:
        return right or unsaid
    held = ", ".join(dict.fromkeys(split for file in others for split in file.splits))
    raise UsageError(
        f"{folder} holds the split {held} ({others[0].said_by}), and {source.repo} is asked about {asked}: "
        "put those files there; a file whose name is wrong may be renamed, or moved into a folder of its split"
    )


def _of_configs(folder: Path, files: Sequence[RowFile], source: Source, *, shared: bool) -> Sequence[RowFile]:
    """The files of the source's configurations, where something tells configurations apart."""
    if not any(source.configs):
        several = sorted({file.config for file in files if file.config})
        if len(several) < 2:
            return files
        raise UsageError(f"{folder} holds the configurations {', '.join(several)}: keep the files of one")
    own = [file for file in files if file.config is not None and file.config in source.configs]
    if own:
        return own
    apart = next((file for file in files if file.elsewhere or file.config), files[0] if shared else None)
    if apart is None:
        return files
    configs = ", ".join(name for name in source.configs if name)
    other = apart.config or apart.elsewhere
    if other is None:
        raise UsageError(
            f"{folder}: nothing says that {apart.place} is of {source.repo}'s configuration {configs}: "
            "name it, or its folder, after it"
        )
    raise UsageError(
        f"{folder}: {apart.place} is of {other}, which is none of {source.repo}'s configurations {configs}"
    )
