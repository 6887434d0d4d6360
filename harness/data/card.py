"""What the card of a hub repository (its README.md) says of the repository's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.data.layout import RowFile, same_split, wanted_splits
from harness.errors import HarnessError
from tasks.types import Source


def listed(folder: Path, paths: list[Path], source: Source) -> list[RowFile]:
    """The files that a card lists under `configs`, with the configuration and split that it gives them.

    Empty where there is no card, or it lists none of them.

    Raises:
        HarnessError: the card's header cannot be read.
    """
    patterns = list(_patterns(folder / "README.md"))
    default = not any(source.configs) and any(config == "default" for config, _, _ in patterns)
    found = []
    for path in paths:
        place = path.relative_to(folder).as_posix()
        for config, split, pattern in patterns:
            matches = any(fnmatchcase(place, each) for each in (pattern, pattern.replace("**/", "")))
            if matches and (config == "default" or not default):
                own = next((name for name in wanted_splits(source) if same_split(split, name)), split)
                found.append(RowFile(path, place, (own,), config))
    return found


def _patterns(card: Path) -> Iterator[tuple[str, str, str]]:
    """(configuration, split, pattern of files) as a card lists them."""
    if not card.is_file():
        return
    import yaml
    from huggingface_hub import metadata_load

    try:
        header: Any = metadata_load(card)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HarnessError(f"{card}: {' '.join(str(error).split())}") from error
    configs = header.get("configs") if isinstance(header, Mapping) else None
    for config in configs if isinstance(configs, list) else []:
        if isinstance(config, Mapping):
            name = str(config.get("config_name", "default"))
            for split, pattern in _of_splits(config.get("data_files")):
                yield name, split, pattern.removeprefix("./")


def _of_splits(files: Any) -> Iterator[tuple[str, str]]:
    """(split, pattern): a list of `{split, path}`, a mapping, or patterns alone, which are of `train`."""
    if isinstance(files, Mapping):
        entries: list[Any] = [{"split": split, "path": paths} for split, paths in files.items()]
    else:
        entries = files if isinstance(files, list) else [files]
    for entry in entries:
        told = entry if isinstance(entry, Mapping) else {"path": entry}
        paths = told.get("path")
        for path in paths if isinstance(paths, list) else [paths]:
            if isinstance(path, str):
                yield str(told.get("split", "train")), path
