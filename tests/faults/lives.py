"""Processes that are started and, at a moment drawn beforehand, killed."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds after which a process that has neither ended nor been killed is taken for hung."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: so many seconds after something was seen for the first time."""

    seen: Callable[[], bool]
    seconds: float


class Starting:
    """How long processes take until something is seen for the first time.

    Args:
        seen: whether it is, of the process that runs.
    """

    def __init__(self, seen: Callable[[], bool]) -> None:
        self._seen = seen
        self.least = math.inf
        """Seconds of the fastest: the first process has more to read from the disk."""

    def then(self, seconds: float) -> Moment:
        """So many seconds after it is seen, of a process that is started now."""
        started = time.monotonic()

        def seen() -> bool:
            found = self._seen()
            if found:
                self.least = min(self.least, time.monotonic() - started)
            return found

        return Moment(seen, seconds)

    def before(self, share: float) -> Moment:
        """At a share of the time that it takes."""
        return Moment(lambda: True, share * self.least)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    killed_at: float | None
    """By `time.monotonic`; None: it ended by itself."""
    code: int
    said: str

    @property
    def last_words(self) -> str:
        return " | ".join(self.said.strip().splitlines()[-3:])


def live(
    words: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    moment: Moment | None = None,
    before: Callable[[], object] = lambda: None,
    choose: Callable[[Sequence[int]], int] | None = None,
) -> Ended:
    """Run a command, to its end or to the moment.

    Args:
        words: of the command, after `python`.
        log: takes what it prints.
        environment: over that of this process.
        moment: when to kill it; None: never.
        before: called right before it is killed.
        choose: for a command that starts others and ends when one of them dies: given the process IDs of its
            workers, which to kill, or 0 for all with it.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        started, due, killed_at = time.monotonic(), None, None
        try:
            while process.poll() is None and (now := time.monotonic()) < started + PATIENCE:
                if moment is not None and due is None and moment.seen():
                    due = now + moment.seconds
                if due is not None and now >= due:
                    before()
                    killed_at = time.monotonic()
                    if choose is not None:
                        _kill_among(process, choose)
                    break
                time.sleep(0.002)
        finally:
            if choose is None or killed_at is None:
                process.send_signal(signal.SIGKILL)
            code = process.wait(PATIENCE)
    said = log.read_text(encoding="utf-8", errors="replace")
    died = code == -signal.SIGKILL if choose is None else code != 0
    return Ended(killed_at if died else None, code, said)


def _kill_among(process: subprocess.Popen[bytes], choose: Callable[[Sequence[int]], int]) -> None:
    """Kill one worker, or all processes at once, as a machine that loses its power does."""
    launcher = psutil.Process(process.pid)
    workers = sorted(child.pid for child in launcher.children())
    one = choose(workers) if workers else 0
    for victim in [psutil.Process(one)] if one else [launcher, *launcher.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
