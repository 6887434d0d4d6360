"""The process in which lmms-eval works: started on first use, asked by one thread at a time."""

from __future__ import annotations

import atexit
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from harness.errors import HarnessError, UsageError

_WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 90.0
"""Seconds for what concerns one document: less than the engine gives a scorer, so that a rule that hangs costs
its own response and no other."""


class WorkerError(HarnessError):
    """lmms-eval could not answer a question: one line."""


def python() -> str:
    """The Python that has lmms-eval: ours, or the one that `HARNESS_LMMS_PYTHON` names.

    Raises:
        UsageError: there is no such executable.
    """
    given = os.environ.get("HARNESS_LMMS_PYTHON")
    if given is None:
        return sys.executable
    if (found := shutil.which(given)) is None:
        raise UsageError(f"HARNESS_LMMS_PYTHON: no such executable: {given}")
    return found


class Child:
    """lmms-eval in a process of its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    def ask(self, do: str, *, patience: float | None = None, **what: Any) -> tuple[Any, list[bytes]]:
        """The answer of a method of `worker.Tasks`, and the bytes that come with it.

        Args:
            do: the method.
            patience: seconds after which it is given up and ended; None: it may take as long as it wants.
            what: the method's arguments, as plain JSON.

        Raises:
            WorkerError: the method raised, the process ended, or it took too long.
        """
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            reader = _Reader(process.stdout.fileno(), patience)
            try:
                process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
                process.stdin.flush()
                told = json.loads(reader.line())
                blobs = [reader.take(length) for length in told.get("bytes", ())]
            except TimeoutError:
                self._end()
                raise WorkerError(f"lmms-eval gave nothing within {patience:g} s") from None
            except (EOFError, BrokenPipeError):
                why = self._last_words()
                self._end()
                raise WorkerError(f"the process of lmms-eval ended: {why}") from None
            except BaseException:
                self._end()  # an answer half read is nobody's
                raise
        if "error" in told:
            raise WorkerError(told["error"])
        return told["answer"], blobs

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._folder = Path(tempfile.mkdtemp(prefix="harness-lmms-"))
            with (self._folder / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 # nosec B603 # the user's own Python
                    [python(), str(_WORKER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    env=os.environ | {"HARNESS_LMMS_SCRATCH": str(self._folder)},
                )
        return self._process

    def _last_words(self) -> str:
        assert self._folder is not None
        lines = (self._folder / "log").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")[:300]

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):
                    assert pipe is not None
                    pipe.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._folder = None

    def close(self) -> None:
        """End it; the next question starts another."""
        self._end()


class _Reader:
    """Reads an answer from a pipe, not longer than the patience lasts."""

    def __init__(self, pipe: int, patience: float | None) -> None:
        self._pipe = pipe
        self._until = None if patience is None else time.monotonic() + patience
        self._held = b""

    def line(self) -> bytes:
        """Up to a line's end."""
        pieces: list[bytes] = []
        while b"\n" not in self._held:
            pieces.append(self._held)
            self._held = self._read()
        end, _, self._held = self._held.partition(b"\n")
        return b"".join((*pieces, end))

    def take(self, length: int) -> bytes:
        """So many bytes."""
        pieces, left = [self._held[:length]], length - len(self._held)
        self._held = self._held[length:]
        while left > 0:
            piece = self._read()
            pieces.append(piece[:left])
            self._held = piece[left:]
            left -= len(piece)
        return b"".join(pieces)

    def _read(self) -> bytes:
        while True:
            left = None if self._until is None else self._until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            ready, _, _ = select.select([self._pipe], [], [], left)
            if ready:
                if not (piece := os.read(self._pipe, 1 << 20)):
                    raise EOFError
                return piece


@cache
def child() -> Child:
    """The one process of ours."""
    found = Child()
    atexit.register(found.close)
    return found


def said_by(command: Sequence[str]) -> str | None:
    """What the Python that has lmms-eval prints for some code; None where it fails."""
    done = subprocess.run(  # noqa: S603 # nosec B603 # the user's own Python
        [python(), *command], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
