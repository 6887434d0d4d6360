"""JSON lines and JSON files, written so that a reader never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from harness.errors import HarnessError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a disk, a quota or a file that is full."""


class DiskFullError(HarnessError):
    """Nothing more can be written; what was written stays readable."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: no space left; what was written stays readable: free some, then run the command again"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system says while one of our files is written becomes one line.

    Raises:
        DiskFullError: there is no space.
        HarnessError: it cannot be written for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError(path) from error
        raise HarnessError(f"{path}: cannot be written: {error.strerror or error}") from error


_SCALARS = (str, int, float, NoneType)


class NotPlainError(TypeError):
    """A value has no form as plain JSON."""


def plain(value: Any) -> Any:
    """A value as plain JSON types: dataclasses become dicts, tuples lists, bytes text.

    Raises:
        NotPlainError: the value has no plain form.
    """
    if isinstance(value, _SCALARS):
        return value
    kind: Any = type(value)  # mypy holds no class hashable
    if (names := _fields(kind)) is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (dict, Mapping)):  # a built-in type first: it is found sooner than an abstract one
        return {str(key): item if isinstance(item, _SCALARS) else plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("ascii")
    if isinstance(value, (tuple, list, set, frozenset, Sequence)):
        return [item if isinstance(item, _SCALARS) else plain(item) for item in value]
    if hasattr(value, "item"):
        return plain(value.item())
    raise NotPlainError(f"{type(value).__name__} is not plain JSON")


@cache
def _fields(kind: type[object]) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for other types."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def tuples(value: Any) -> Any:
    """The value with every list turned into a tuple, however deep: as target dataclasses hold it."""
    if isinstance(value, list):
        return tuple([item if isinstance(item, _SCALARS) else tuples(item) for item in value])
    if isinstance(value, dict):
        return {key: item if isinstance(item, _SCALARS) else tuples(item) for key, item in value.items()}
    return value


_COMPACT = (",", ":")
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT)  # `json.dumps` makes one for every call
_ESCAPED = json.JSONEncoder(separators=_COMPACT)
_CANONICAL = json.JSONEncoder(separators=_COMPACT, sort_keys=True)


def encode(value: Any) -> bytes:
    """One JSON line. Text that UTF-8 cannot hold (lone surrogates) is escaped."""
    try:
        return _AS_IT_IS.encode(value).encode() + b"\n"
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode() + b"\n"


def sha(*values: Any) -> str:
    """The first 16 hex digits of SHA-256 over the values as canonical JSON."""
    return hashlib.sha256(_CANONICAL.encode(values).encode()).hexdigest()[:16]


def sha_of_list(values: Iterable[Any]) -> str:
    """`sha` of one list, of which no more than a value is held."""
    digest = hashlib.sha256(b"[[")
    for index, value in enumerate(values):
        digest.update(("," * (index > 0) + _CANONICAL.encode(value)).encode())
    digest.update(b"]]")
    return digest.hexdigest()[:16]


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number from 1, value) of every line that is not blank.

    Raises:
        HarnessError: the file is not there, or a line is not JSON; FILE:LINE is named.
    """
    if not path.exists():
        raise HarnessError(f"{path}: there is no such file")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError) as error:
                raise HarnessError(f"{path}:{number}: not a line of JSON ({error})") from None


def write_atomic(path: Path, chunks: Iterable[bytes], *, durable: bool = True) -> None:
    """Write a whole file or nothing: beside it, on to the disk, then renamed over it.

    Also after a power failure the name holds the old file or the new one, never an empty one: unless `durable`
    is False, for files that can be made again.

    Raises:
        HarnessError: it cannot be written; an older file of that name is untouched.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with writing(path):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        if durable:
            sync(path.parent)


def sync(path: Path) -> None:
    """Have a file's content, or the names in a folder, on the disk itself: a rename counts from then on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """Have all that a folder holds on the disk itself, for a rename of the folder to declare it whole."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    write_atomic(path, [json.dumps(plain(value), indent=2).encode() + b"\n"])


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        HarnessError: it is not there, cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: not JSON ({error})") from None
