"""One writer a run directory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from harness.errors import HarnessError
from harness.jsonl import writing


class LockedError(HarnessError):
    """Another process writes to the run."""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def held(directory: Path) -> bool:
    """Whether a process writes to the folder, as far as its lock says; the lock is read and not taken.

    A lock that was not touched for `Lock.DEAD` seconds, or is of a dead process of this host, is left over.
    """
    try:
        with (directory / "lock").open("rb") as file:
            touched, content = os.fstat(file.fileno()).st_mtime, file.read(4096)
    except OSError:
        return False
    holder = _holder(content)
    if holder is None or time.time() - touched >= Lock.DEAD:
        return False
    pid, host = holder
    return host != socket.gethostname() or _alive(pid)


def _holder(content: bytes) -> tuple[int, str] | None:
    """The process and host that a lock names."""
    try:
        found = json.loads(content)
        return int(found["pid"]), str(found["host"])
    except (ValueError, KeyError, TypeError):
        return None


class Lock:
    """Holds `DIR/lock`, which names the writer's process and host, until left.

    The kernel's lock goes with its process, so a killed run leaves nothing to clean up. What the file says
    is checked too, for file systems that do not lock between hosts: its writer touches it every `BEAT` seconds,
    and one that was not touched for `DEAD` seconds, or is of a dead process of this host, is taken over.

    Raises:
        LockedError: on entering, where another process holds it.
    """

    BEAT = 15.0
    DEAD = 90.0

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._descriptor: int | None = None
        self._left = Event()

    def __enter__(self) -> Lock:
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while self._descriptor is None:
                self._descriptor = self._acquire()
        try:
            Thread(target=self._beat, name="lock", daemon=True).start()
        except BaseException:
            self._free()
            raise
        return self

    def _beat(self) -> None:
        while not self._left.wait(self.BEAT):
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def check(self) -> None:
        """See that the directory is still the one that was locked.

        Raises:
            HarnessError: it was removed or moved; what is written now would not be the run.
        """
        assert self._descriptor is not None
        if not self._same_file(self._descriptor):
            raise HarnessError(
                f"{self.path.parent}: removed or moved while the run was writing to it: run the command again"
            )

    def _acquire(self) -> int | None:
        """The locked file; None where it was removed by its writer meanwhile."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            taken = self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if not taken:
            os.close(descriptor)
            return None
        return descriptor

    def _take(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refusal(_holder(os.pread(descriptor, 4096, 0))) from None
        holder = _holder(os.pread(descriptor, 4096, 0))
        if holder is not None and self._fresh(descriptor) and self._held(*holder):
            raise self._refusal(holder)
        if not self._same_file(descriptor):
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        return True

    def _same_file(self, descriptor: int) -> bool:
        """Whether the file was not removed, by the writer before us, between opening and locking it."""
        try:
            return os.fstat(descriptor).st_ino == self.path.stat().st_ino
        except FileNotFoundError:
            return False

    def _fresh(self, descriptor: int) -> bool:
        """Whether it was touched lately, by the clock of its file system."""
        with tempfile.TemporaryFile(dir=self.path.parent) as now:
            return os.fstat(now.fileno()).st_mtime - os.fstat(descriptor).st_mtime < self.DEAD

    @staticmethod
    def _held(pid: int, host: str) -> bool:
        return host != socket.gethostname() or (pid != os.getpid() and _alive(pid))

    def _refusal(self, holder: tuple[int, str] | None) -> LockedError:
        who = f"process {holder[0]} on {holder[1]}" if holder else "another process"
        return LockedError(
            f"{self.path.parent}: {who} is writing to this run; wait for it, or choose another --out "
            f"(if it is gone: in {self.DEAD:g} s, or rm {self.path})"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free()

    def _free(self) -> None:
        assert self._descriptor is not None
        descriptor, self._descriptor = self._descriptor, None
        self._left.set()
        try:
            if self._same_file(descriptor):
                self.path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
