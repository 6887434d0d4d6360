"""vLLM: starts `vllm serve` for the run and talks to it like to any other server.

A child process rather than the in-process `LLM` class: its continuous batching takes requests one by one,
so the batch never drains between tasks; its own log stays out of ours; and where vLLM cannot share an
environment with the rest (it pins transformers), `HARNESS_VLLM` names the executable of another one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

from harness.backends.openai import OpenAIBackend
from harness.errors import HarnessError, UsageError
from harness.types import Request
from scorers.types import Coords
from tasks.types import Response


class VLLMBackend:
    """A model served by a vLLM child process, started on the first request and stopped by `close`.

    Args:
        model: a path or a name on the hub.
        coords: the model family's coordinate convention.
        dtype: as for `vllm serve --dtype`.
        revision: of the model on the hub.
        concurrency: requests in flight at once.
        extra: further arguments for `vllm serve`, e.g. `("--tensor-parallel-size", "2")`.
        start_timeout: seconds until the server must be ready.
    """

    name = "vllm"

    def __init__(
        self,
        model: str,
        *,
        coords: Coords | None = None,
        dtype: str = "auto",
        revision: str | None = None,
        concurrency: int = 256,
        extra: tuple[str, ...] = (),
        start_timeout: float = 1800.0,
    ) -> None:
        executable = shutil.which(os.environ.get("HARNESS_VLLM", "vllm"))
        if executable is None:
            raise UsageError(
                "vllm is not installed here: pip install -c constraints.txt -e '.[vllm]', or set HARNESS_VLLM "
                "to the `vllm` executable of another environment"
            )
        self.model, self.coords, self.dtype, self.revision = model, coords, dtype, revision
        self._concurrency, self._start_timeout = concurrency, start_timeout
        self._command = [executable, "serve", model, "--served-model-name", model, "--dtype", dtype, *extra]
        if revision is not None:
            self._command += ["--revision", revision]
        self._server: subprocess.Popen[bytes] | None = None
        self._client: OpenAIBackend | None = None

    def describe(self) -> dict[str, Any]:
        """What identifies the model."""
        return {"model": self.model, "revision": self.revision, "dtype": self.dtype}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests, yielding each as it finishes; the server is started where it does not run yet."""
        if self._client is None:
            self._client = self._start()
        yield from self._client.generate(requests)

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._server = self._client = None

    def _start(self) -> OpenAIBackend:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        descriptor, log = tempfile.mkstemp(prefix="harness-vllm-", suffix=".log")
        command = [*self._command, "--host", "127.0.0.1", "--port", str(port)]
        with os.fdopen(descriptor, "wb") as output:
            self._server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + self._start_timeout
        while not _is_ready(f"http://127.0.0.1:{port}/health"):
            code = self._server.poll()
            if code is not None or time.monotonic() > deadline:
                self.close()
                what = f"ended with code {code}" if code is not None else "was not ready in time"
                raise HarnessError(f"vllm serve {self.model} {what}; its log: {log}")
            time.sleep(0.2)
        return OpenAIBackend(
            self.model,
            f"http://127.0.0.1:{port}/v1",
            coords=self.coords,
            api_key="",
            concurrency=self._concurrency,
        )


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - http to this machine
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
