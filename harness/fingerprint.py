"""SHA-256 of whole files. A file is hashed once: what was found is kept in the user's cache directory.

A kept hash counts as long as the file's real path, device, inode, size and times of change are those it was
made from. A file that changed less than two seconds ago may change again within its time's resolution: its hash
is not kept. Without a cache that can be written or read, files are hashed again, and nothing is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from pathlib import Path

from harness.errors import HarnessError
from harness.words import counted

KEPT_FROM = 1 << 20
"""Bytes from which a file's hash is worth keeping."""
SETTLED = 2.0
"""Seconds since its last change after which a file's hash is kept: some file systems count in twos."""
_THREADS = 8

_memory: dict[Path, tuple[list[int], str]] = {}
"""What the cache keeps, for where it cannot be written."""
_say: ContextVar[Callable[[str], None] | None] = ContextVar("say", default=None)


@contextlib.contextmanager
def announced(say: Callable[[str], None]) -> Iterator[None]:
    """Say, within the block, a line where hashing takes more than a second."""
    token = _say.set(say)
    try:
        yield
    finally:
        _say.reset(token)


def fingerprint(files: Sequence[tuple[str, Path]], *, extra: str = "") -> str:
    """SHA-256, in hex, over the names, sizes and all bytes of files.

    Args:
        files: the name that counts for each, and where it lies.
        extra: further text that counts.

    Raises:
        HarnessError: a file cannot be read.
    """
    paths = [path for _, path in files]
    digest = hashlib.sha256(extra.encode())
    for (name, path), content in zip(files, hashes(paths), strict=True):
        digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        digest.update(bytes.fromhex(content))
    return digest.hexdigest()


def hashes(paths: Sequence[Path]) -> list[str]:
    """SHA-256 of each file, in hex; several are read at once.

    Raises:
        HarnessError: a file cannot be read.
    """
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "hash") as pool:
        futures = [pool.submit(file_hash, path) for path in paths]
        try:
            waiting = wait(futures, timeout=1.0).not_done
            if waiting and (say := _say.get()) is not None:
                size = sum(path.stat().st_size for path in paths) / 1e9
                say(f"hashing {counted(len(paths), 'file')}, {size:.1f} GB, once: {paths[0].parent}")
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)


def file_hash(path: Path) -> str:
    """SHA-256 of one file, in hex, from the cache where it is known.

    Raises:
        HarnessError: the file cannot be read.
    """
    try:
        real = path.resolve()
        with real.open("rb") as file:
            before = _state(file.fileno())
            known = _memory.get(real) or _kept(_entry(real)) if before[2] >= KEPT_FROM else None
            if known is not None and known[0] == before:
                return known[1]
            found = hashlib.file_digest(file, "sha256").hexdigest()
            settled = before[3] < (time.time() - SETTLED) * 1e9
            if settled and before[2] >= KEPT_FROM and _state(file.fileno()) == before:
                _memory[real] = before, found
                _keep(_entry(real), before, found)
            return found
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error


def _state(descriptor: int) -> list[int]:
    """What changes with a file's content: device, inode, size, last change (of content or inode) in ns."""
    told = os.fstat(descriptor)
    return [told.st_dev, told.st_ino, told.st_size, max(told.st_mtime_ns, told.st_ctime_ns), told.st_mtime_ns]


def cache_folder() -> Path:
    """Where hashes are kept: `harness/sha256` in the user's cache directory."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if Path(given).is_absolute() else Path("~/.cache").expanduser()
    return base / "harness" / "sha256"


def _entry(real: Path) -> Path | None:
    """The file that keeps the hash of another; None where the user has no home."""
    try:
        return cache_folder() / f"{hashlib.sha256(os.fsencode(real)).hexdigest()}.json"
    except RuntimeError:
        return None


def _kept(entry: Path | None) -> tuple[list[int], str] | None:
    """(state, hash) of a file as the cache has them; None where it has none that can be one."""
    if entry is None:
        return None
    try:
        content = json.loads(entry.read_bytes())
        state, found = list(content["state"]), str(content["sha256"])
        return (state, found) if len(bytes.fromhex(found)) == 32 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(entry: Path | None, state: list[int], found: str) -> None:
    if entry is None:
        return
    beside = entry.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"state": state, "sha256": found}), encoding="utf-8")
        beside.replace(entry)


SUMS = "SHA256SUMS"
"""The file that lists a folder's hashes, in the form of `sha256sum`."""


def write_sums(folder: Path, names: Sequence[str]) -> None:
    """Write the hashes of files of a folder beside them, so that a damaged copy is known."""
    found = hashes([folder / name for name in names])
    lines = (f"{content}  {name}\n" for content, name in zip(found, names, strict=True))
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check_sums(folder: Path, mend: str | None = None) -> None:
    """See that the files of a folder are those whose hashes lie beside them, where any do.

    Args:
        folder: with the files.
        mend: what to do about one that is not; None: copy it again.

    Raises:
        HarnessError: one is another; the message names it.
    """
    for file in changed(folder):
        if file.is_file():
            raise HarnessError(
                f"{file} is not as it was saved, its hash is not that of {SUMS}: "
                + (mend or f"copy it again, or remove {folder / SUMS} if you changed it")
            )


def changed(folder: Path) -> list[Path]:
    """The files of a folder that are missing, or not those whose hashes lie beside them."""
    path = folder / SUMS
    if not path.is_file():
        return []
    listed = [line.split(maxsplit=1) for line in path.read_text("utf-8", "replace").splitlines()]
    named = [(entry[0].lower(), folder / entry[1].lstrip("*")) for entry in listed if len(entry) == 2]
    kept = [file for _, file in named if file.is_file()]
    found = dict(zip(kept, hashes(kept), strict=True))
    return [file for content, file in named if found.get(file) != content]
