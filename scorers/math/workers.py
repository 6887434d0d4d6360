"""Processes for work that may not end: spawned on first use, bounded in time and memory, killed and replaced.

A worker is a module run as `python -m MODULE` that calls `serve` below. Parent and worker exchange one JSON
value a line over pipes. The parent waits with a clock and kills; the worker also ends by itself when its clock
runs out or its parent is gone. Nothing is forked and nothing of the caller's main module is imported, so a
pool can be used from any thread, after torch, and from a script without a `__main__` guard.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from scorers.types import ScorerError

_ROOT = str(Path(__file__).resolve().parents[2])
_READY = "ready"


class _Died(Exception):  # noqa: N818
    """The worker ended in the middle of a job."""


class _Worker:
    """One process and its pipes. Used by one thread at a time."""

    def __init__(self, module: str, *, seconds: float, startup_seconds: float, memory: int) -> None:
        self._seconds = seconds
        self.jobs = 0
        path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(seconds), str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise ScorerError(f"the worker {module} cannot be started: {error}") from error
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        try:
            line, _ = self._read(startup_seconds)
        except _Died:
            line = ""
        if line != _READY:
            message = f"the worker {module} did not start: {self._last_error()}"
            self.kill()
            raise ScorerError(message)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _read(self, seconds: float) -> tuple[Any, bool]:
        """The next value the worker writes, and whether it was late: then the worker is dead."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            line = self._output.readline()
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            return json.loads(line), False
        if late.is_set():
            return None, True
        raise _Died

    def ask(self, request: Any) -> tuple[Any, bool]:
        """Send a request; see `_read` for what comes back."""
        self.jobs += 1
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()
        except OSError:
            raise _Died from None
        return self._read(self._seconds)

    def kill(self) -> None:
        """End the process and wait for it, so that no zombie is left."""
        self._process.kill()
        self._process.wait()
        self.forget()

    def forget(self) -> None:
        """Close this side of the pipes."""
        for pipe in (self._input, self._output, self._errors):
            try:
                pipe.close()
            except OSError:  # what was not sent has nowhere to go
                continue


class WorkerPool:
    """Up to `size` workers of one kind.

    Args:
        module: what a worker runs; it calls `serve`.
        size: workers at most; further callers wait for one.
        seconds: time limit of one job, start-up not counted.
        startup_seconds: time limit of a worker's start.
        jobs: after so many a worker is replaced, so that what libraries cache does not pile up.
        memory: address space of a worker in bytes, where the platform can limit it.
    """

    def __init__(
        self,
        module: str,
        *,
        size: int = 2,
        seconds: float = 1.5,
        startup_seconds: float = 60.0,
        jobs: int = 2000,
        memory: int = 2 << 30,
    ) -> None:
        self._module = module
        self._seconds = seconds
        self._startup_seconds = startup_seconds
        self._jobs = jobs
        self._memory = memory
        self._size = size
        self._reset()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _reset(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self._size)

    def _after_fork(self) -> None:
        """The workers belong to the parent: a forked child closes its copies of the pipes and has none."""
        for worker in self._idle:
            worker.forget()
        self._reset()

    def call(self, request: Any) -> Any:
        """What a worker answers to a request (plain JSON both).

        A worker that is killed from outside is replaced and asked once more.

        Raises:
            ScorerError: no worker starts, the job ran out of time or memory, or its worker died twice.
        """
        with self._places:
            for _ in range(2):
                worker = self._take()
                try:
                    answer, late = worker.ask(request)
                except _Died:
                    worker.kill()
                    continue
                except BaseException:
                    worker.kill()
                    raise
                if late:
                    worker.kill()
                    raise ScorerError(f"{self._module}: more than {self._seconds:g} s")
                if "error" in answer or worker.jobs >= self._jobs:
                    worker.kill()
                else:
                    self._give(worker)
                if "error" in answer:
                    raise ScorerError(f"{self._module}: {answer['error']}")
                return answer["value"]
        raise ScorerError(f"{self._module}: the worker died twice")

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker(
            self._module,
            seconds=self._seconds,
            startup_seconds=self._startup_seconds,
            memory=self._memory,
        )

    def _give(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)

    def pids(self) -> tuple[int, ...]:
        """The processes of the idle workers."""
        with self._lock:
            return tuple(worker.pid for worker in self._idle)

    def close(self) -> None:
        """End the idle workers. The pool can be used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


def serve(answer: Callable[[Any], Any]) -> None:
    """The life of a worker: limit memory, say ready, answer requests line by line until the parent is gone.

    Call it after the heavy imports. What the job prints goes to stderr. A job that fails for lack of memory is
    answered as an error, and so is one that came near the limit, since libraries swallow the exception. The
    clock of a job that hangs (three times its limit, so that the parent comes first) ends the process.
    """
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the parent's business
    _limit_memory(memory)

    def reply(value: Any) -> None:
        replies.write(json.dumps(value).encode() + b"\n")
        replies.flush()

    reply(_READY)
    for line in sys.stdin.buffer:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 3 * seconds)
        try:
            value = {"value": answer(json.loads(line))}
        except MemoryError:
            value = {"error": "out of memory"}
        reply({"error": "out of memory"} if _peak() > memory / 2 else value)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _peak() -> int:
    """The most memory that this process has held, in bytes; 0 where the platform does not say.

    Linux's ru_maxrss starts at what the parent held (a parent with a model in memory is large), VmHWM does not.
    """
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
        return 0
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def _limit_memory(limit: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
