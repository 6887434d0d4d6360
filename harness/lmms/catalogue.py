"""What lmms-eval has: its tasks, groups and tags, read from their YAML files without importing it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError, nearest
from harness.lmms.child import said_by

PREFIX = "lmms:"
"""How names of its tasks begin here."""
_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints"})
_KEYS = re.compile(
    rb"^(?:\xef\xbb\xbf)?[\"']?(?P<key>task|group|tag|include|output_type|class)[\"']?[ ]*:"
    rb"[ ]*(?P<value>[^\n#]*?)[ \t\r]*(?:#[^\n]*)?$",
    re.MULTILINE,
)
_FUNCTION = re.compile(rb"!function\s+([\w.]+)\.\w+")
_IMPORT = re.compile(rb"^\s*(?:from|import)\s+(?:[\w.]*\.)?(\w+)", re.MULTILINE)
_WHERE = "from importlib.util import find_spec as f; print(*f('lmms_eval').submodule_search_locations)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A task, a group of tasks, or a tag that tasks bear."""

    name: str
    """As lmms-eval knows it."""
    kind: Literal["task", "group", "tag"]
    path: Path | None = None
    """Its YAML file; a tag has none."""
    output_type: str = "generate_until"
    members: tuple[str, ...] = ()
    """Of a tag: the tasks that bear it. What a group holds is in its file."""


def package() -> Path | None:
    """The folder of the package lmms_eval; None where it is not installed.

    `HARNESS_LMMS_PYTHON` names the Python of another environment that has it.
    """
    if "HARNESS_LMMS_PYTHON" in os.environ:
        said = said_by(["-c", _WHERE])
        return Path(said) if said else None
    spec = find_spec("lmms_eval")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) if places else None


def _version(home: Path) -> str:
    """The installed version of lmms-eval, as the folder beside its own says it."""
    said = sorted(home.parent.glob("lmms_eval-*.dist-info"))
    return said[-1].name.removeprefix("lmms_eval-").removesuffix(".dist-info") if said else "unknown"


class Catalogue:
    """lmms-eval's tasks by name, and those of further folders.

    Args:
        extra: folders, or single files, of further tasks, as its own `--include_path`; its own names win.

    Raises:
        UsageError: lmms-eval is not installed.
    """

    def __init__(self, extra: Iterable[Path] = ()) -> None:
        if (home := package()) is None:
            raise UsageError(
                "lmms-eval is not installed: pip install --no-deps lmms-eval, then pip install -c "
                "constraints.txt -e '.[lmms]' (or name the Python that has it with HARNESS_LMMS_PYTHON)"
            )
        self.version = _version(home)
        """Of lmms-eval."""
        self._entries: dict[str, Entry] = {}
        for place in (home / "tasks", *extra):
            self._entries = _entries(place) | self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values(), key=lambda entry: entry.name))

    def leaves(self, name: str) -> list[str]:
        """The tasks that a name stands for, it and they with the prefix: itself, or those of a group or tag.

        Raises:
            UsageError: there is no such name, or a group changes the settings of a task of its own.
        """
        found = self._leaves(name.removeprefix(PREFIX), ())
        return list(dict.fromkeys(PREFIX + entry.name for entry in found))

    def entry(self, name: str) -> Entry:
        """The task of that name, with the prefix or without.

        Raises:
            UsageError: there is none, or it is a group.
        """
        first, *others = self._leaves(name.removeprefix(PREFIX), ())
        if others or first.name != name.removeprefix(PREFIX):
            raise UsageError(f"{name} is a group of {len(others) + 1} tasks, {PREFIX}{first.name} among them")
        return first

    def _leaves(self, name: str, within: tuple[str, ...]) -> Iterator[Entry]:
        entry = self._entries.get(name)
        if entry is None or name in within:
            known = [f"{PREFIX}{each}" for each in self._entries]
            raise UsageError(f"unknown task {PREFIX + name!r}{_close(PREFIX + name, known)}")
        if entry.kind == "task":
            yield entry
            return
        members = entry.members
        if entry.path is not None:
            members = tuple(_members(name, settings(entry.path)["task"]))
        for member in members:
            yield from self._leaves(member, (*within, name))


def _close(name: str, known: list[str]) -> str:
    hint = nearest(name, known)
    return hint if hint.startswith("; did") else "; harness ls tasks --lmms lists them"


def _members(group: str, listed: Iterable[Any]) -> Iterator[str]:
    """The names in a group's list, which may hold groups of its own."""
    for member in listed:
        if isinstance(member, str):
            yield member
        elif isinstance(member.get("task"), list):
            yield from _members(group, member["task"])
        elif set(member) == {"task"}:
            yield member["task"]
        else:
            raise UsageError(
                f"{PREFIX}{group} is a group that asks {member.get('task')} with other settings "
                f"({', '.join(sorted(set(member) - {'task'}))}): name its tasks one by one"
            )


def _entries(place: Path) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    bearers: dict[str, list[str]] = {}
    for path in [place] if place.is_file() else _files(place):
        keys = _keys(path)
        if "task" not in keys:
            continue
        task = _scalar(keys["task"])
        if task is None:
            group = _scalar(keys.get("group", b"")) or path.stem
            found[group] = Entry(group, "group", path)
            continue
        output_type = "class" if "class" in keys else _scalar(keys.get("output_type", b""))
        found[task] = Entry(task, "task", path, output_type or "generate_until")
        for key in ("tag", "group"):
            if key in keys:
                tag = _scalar(keys[key])
                for name in [tag] if tag is not None else settings(path)[key] or ():
                    bearers.setdefault(name, []).append(task)
    tags = {tag: Entry(tag, "tag", members=tuple(tasks)) for tag, tasks in bearers.items()}
    return tags | found


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (Path(here, name) for name in files if name.endswith(".yaml"))


def _scalar(value: bytes) -> str | None:
    """A value in a line of its key; None where it is a list, or stands in the lines below."""
    text = value.decode("utf-8", "replace").strip()
    return None if not text or text.startswith(("[", "-")) else text.strip("\"'")


@cache
def _keys(path: Path) -> Mapping[str, bytes]:
    """The keys of a file that say what it is, with those that it includes: by their lines, which is quick."""
    own = {match["key"].decode(): match["value"] for match in _KEYS.finditer(path.read_bytes())}
    include = _scalar(own.pop("include", b""))
    if include is None:
        return own
    within = path.parent / include
    return {**(_keys(within) if within.is_file() else {}), **own}


def settings(path: Path) -> dict[str, Any]:
    """A task's or group's settings with those that its file includes; functions stay names, "!function a.b".

    Raises:
        UsageError: a file is no YAML.
    """
    found = _parsed(path.read_bytes(), path)
    includes = found.pop("include", None)
    merged: dict[str, Any] = {}
    for name in reversed([includes] if isinstance(includes, str) else includes or []):
        merged |= settings(path.parent / name)
    return merged | found


def modules(path: Path) -> list[Path]:
    """The modules with the functions that a task's settings name, beside its file or those that it includes.

    Modules of the same folder that these import are among them.
    """
    text = path.read_bytes()
    wanted = sorted({match[1].decode() for match in _FUNCTION.finditer(text)})
    found: list[Path] = []
    for name in wanted:  # which grows by what a module imports
        file = path.parent / f"{name}.py"
        if file.is_file():
            found.append(file)
            imported = {match[1].decode() for match in _IMPORT.finditer(file.read_bytes())}
            wanted += sorted(imported - set(wanted))
    includes = _parsed(text, path).get("include") or []
    for name in [includes] if isinstance(includes, str) else includes:
        found += modules(path.parent / name)
    return list(dict.fromkeys(found))


def _parsed(text: bytes, path: Path | None = None) -> dict[str, Any]:
    import yaml

    try:
        return dict(yaml.load(text, _loader()))  # noqa: S506 # nosec B506 # a safe loader
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: no settings of a task: {' '.join(str(error).split())[:200]}") from None


@cache
def _loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Safe: what is no plain value stays its own text."""

    def as_text(loader: Any, suffix: str, node: Any) -> str:  # noqa: ARG001 - PyYAML gives it
        return f"!{suffix} {getattr(node, 'value', '')}"

    Loader.add_multi_constructor("!", as_text)
    return Loader
