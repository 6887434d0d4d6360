"""What ends a command from outside: Ctrl-C, a scheduler's SIGTERM, a closed terminal's SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.errors import Exit

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.5
"""Seconds after which a signal is a second one: Ctrl-C may reach a process twice, once through its parent."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the first signal raises `KeyboardInterrupt`, and a second one ends the process at once.

    Nothing is lost by the second: every answer is with the operating system when it arrives. What is ignored
    (SIGHUP under nohup) stays so. Only the main thread can be told; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[float] = []

    def end(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not first:
            first.append(now)
            raise KeyboardInterrupt
        if now - first[0] > AGAIN:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h")  # the cursor, which a progress bar hides
            os._exit(Exit.INTERRUPTED)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
