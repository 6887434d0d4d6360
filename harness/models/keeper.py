"""Runs a command and ends it, with all that it started, when the process that asked for it ends.

    python keeper.py GRACE COMMAND [ARGUMENT ...]

Standard input is a pipe that the asking process holds open. It closes when that process closes it or dies,
however it dies; SIGTERM says the same. The command's whole session is then asked to end, and killed after
GRACE seconds: a server killed alone, while it starts, leaves its workers behind with the memory they hold.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time


def _signal_all(session: int, number: int) -> bool:
    """Whether anything of the session was there to get the signal."""
    try:
        os.killpg(session, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def keep(command: list[str], grace: float) -> int:
    """Run the command until it ends or standard input closes; its exit code, -N for signal N."""
    stopped: list[bool] = []
    for number in (signal.SIGINT, signal.SIGHUP):  # handled, not ignored: the command would inherit that
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    child = subprocess.Popen(  # noqa: S603 # nosec B603 # a list, no shell; `vllm serve` and its arguments
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    while child.poll() is None and not stopped:
        if select.select([0], [], [], 0.1)[0] and not os.read(0, 4096):
            stopped.append(True)
    if child.poll() is None:
        _signal_all(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    # Workers end a moment after the server, where it ended in order.
    deadline = time.monotonic() + min(grace, 2.0)
    while time.monotonic() < deadline and child.poll() is not None and _signal_all(child.pid, 0):
        time.sleep(0.05)
    _signal_all(child.pid, signal.SIGKILL)
    return child.wait()


if __name__ == "__main__":
    code = keep(sys.argv[2:], float(sys.argv[1]))
    sys.exit(code if code >= 0 else 128 - code)
