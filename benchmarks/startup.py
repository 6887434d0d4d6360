"""How long the command line takes to start, and what a run of one sample costs.

    python benchmarks/startup.py

Each command runs five times in a process of its own; the median counts.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness.cli import VERBS

REPEATS = 5
HARNESS = [sys.executable, "-m", "harness"]


def timed(words: list[str]) -> tuple[float, float, float]:
    """Wall seconds, most memory in MB, and processor seconds of a command, which must succeed."""
    started = time.perf_counter()
    child = os.posix_spawn(
        words[0],
        words,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)],
    )
    _, status, usage = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, words
    wall, cpu = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    return wall, usage.ru_maxrss / 1024, cpu


def measure(arguments: list[str]) -> tuple[float, float]:
    """Median wall seconds and most memory, in MB, of `harness ARGUMENTS`."""
    seconds, memory = [], 0.0
    for repeat in range(REPEATS):
        words = [word.replace("REPEAT", str(repeat)) for word in arguments]
        taken, used, _ = timed([*HARNESS, *words])
        seconds.append(taken)
        memory = max(memory, used)
    return statistics.median(seconds), memory


def main() -> None:
    print(f"{'command':<28}{'seconds':>8}{'MB':>7}   wanted")
    for verb in ("", *VERBS):
        seconds, memory = measure([*filter(None, [verb]), "--help"])
        print(f"{f'{verb} --help'.strip():<28}{seconds:8.3f}{memory:7.0f}   < 0.15 s")
    seconds, memory = measure(["ls", "tasks"])
    print(f"{'ls tasks':<28}{seconds:8.3f}{memory:7.0f}   < 0.3 s")
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "REPEAT")
        for task in ("chartqa", "refcoco", "mmbench"):
            words = ["eval", "--model", "mock", "--tasks", task, "--limit", "1", "--out", f"{run}-{task}"]
            seconds, memory = measure([*words, "--data", "synthetic"])
            print(f"{f'one sample of {task}':<28}{seconds:8.3f}{memory:7.0f}   < 1 s, < 150 MB")


if __name__ == "__main__":
    main()
