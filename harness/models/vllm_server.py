"""A `vllm serve` child process: started, waited for, ended, and what its log says when it does not serve."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.models import keeper

GRACE = 15.0
"""Seconds that the server may take to end before it is killed."""


class Server:
    """A server of our own, with its workers; it ends when this process does, however that ends.

    Args:
        name: of the model, for messages.
        command: that serves, without `--host` and `--port`.
        timeout: seconds until it must be ready.
    """

    def __init__(self, name: str, command: Sequence[str], timeout: float) -> None:
        self._name, self._timeout = name, timeout
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        descriptor, log = tempfile.mkstemp(prefix="harness-vllm-", suffix=".log")
        self._log = Path(log)
        keeping = [sys.executable, "-I", keeper.__file__, f"{GRACE}"]
        # A key for the servers of the user's own would lock ours.
        environment = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
        with os.fdopen(descriptor, "wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 # nosec B603 # a list, no shell
                [*keeping, *command, "--host", "127.0.0.1", "--port", str(port)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._deadline = time.monotonic() + timeout
        self._ready = False

    def wait(self) -> str:
        """Wait until it serves; its base URL.

        Raises:
            HarnessError: it ended, or is not ready in time.
        """
        while not _is_ready(f"{self._address}/health"):
            self.check()
            if time.monotonic() > self._deadline:
                self.stop()
                raise HarnessError(
                    f"vllm serve {self._name} was not ready in time{_cause(self._log)}; its log: {self._log}"
                )
            time.sleep(0.2)
        self._ready = True
        return f"{self._address}/v1"

    def check(self) -> None:
        """Raise `HarnessError` where it has ended."""
        if (code := self._process.poll()) is not None:
            raise HarnessError(
                f"vllm serve {self._name} ended with code {code}{_cause(self._log)}; its log: {self._log}"
            )

    def stop(self) -> None:
        """End it, with its workers. The log of one that served to the last is removed."""
        served = self._ready and self._process.poll() is None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
        if served:
            self._log.unlink(missing_ok=True)


_ERROR = re.compile(
    r"(?:^|[\s\]])(?!\S*ValidationError: \d)((?:\w+\.)*\w*(?:Error|Exception): .+)"  # of Python
    r"|\bValue error, (.+)"  # of pydantic, on the line after one that says only how many
    r"|^vllm[\w ]*: error: (.+)"  # of argparse
)


def _cause(log: Path) -> str:
    """The first error that a log names, as `: it`; later ones are of processes that waited for the first."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := _ERROR.search(line):
                cause = " ".join(found[found.lastindex or 0].split())
                return f": {cause[:300]}{'…' if len(cause) > 300 else ''}"
    return ""


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy of the environment does not know this machine's own ports."""


def _is_ready(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
