"""vLLM: starts `vllm serve` for the run and talks to it like to any other server.

A child process rather than the in-process `LLM` class: its continuous batching takes requests one by one,
so the batch never drains between tasks; its own log stays out of ours; and where vLLM cannot share an
environment with the rest (it pins transformers), `HARNESS_VLLM` names the executable of another one.
`HARNESS_VLLM_ARGS` holds further arguments of `vllm serve`, as on a command line.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.models import keeper
from harness.models.hf_files import fingerprint
from harness.models.openai import OpenAIBackend
from harness.models.vllm_chat import parses_reasoning, served_chat
from harness.types import Request
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords
from tasks.types import Response

_UNKNOWN = (
    "{model}: whether its chat template opens thinking is not known here ({why}); if it does, thinking that "
    "the token limit cuts is read as an answer"
)
GRACE = 15.0
"""Seconds that the server may take to end before it is killed."""


class VLLMBackend:
    """A model served by a vLLM child process, started on the first request and stopped by `close`.

    Args:
        model: a path or a name on the hub.
        coords: the model family's coordinate convention.
        dtype: as for `vllm serve --dtype`.
        revision: of the model on the hub.
        concurrency: requests in flight at once.
        extra: further arguments for `vllm serve`, e.g. `("--tensor-parallel-size", "2")`; None: the value of
            `HARNESS_VLLM_ARGS`, split as a shell does.
        start_timeout: seconds until the server must be ready.
        delimiters: by which thinking that the chat template opened is known; it is part of the response.
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
        extra: tuple[str, ...] | None = None,
        start_timeout: float = 1800.0,
        delimiters: Delimiters = STANDARD,
    ) -> None:
        given = os.environ.get("HARNESS_VLLM")
        executable = shutil.which(given or "vllm")
        if executable is None and given:
            raise UsageError(f"HARNESS_VLLM: no such executable: {given}")
        if executable is None:
            raise UsageError(
                "vllm is not installed here: pip install -c constraints.txt -e '.[vllm]', or set HARNESS_VLLM "
                "to the `vllm` executable of another environment"
            )
        self.model, self.coords, self.dtype, self.revision = model, coords, dtype, revision
        if extra is None:
            try:
                extra = tuple(shlex.split(os.environ.get("HARNESS_VLLM_ARGS", "")))
            except ValueError as error:
                raise UsageError(f"HARNESS_VLLM_ARGS: {error}") from None
        self._described: dict[str, Any] = {"model": model, "revision": revision, "dtype": dtype}
        if (folder := Path(model)).is_dir():
            self._described |= {"model": folder.resolve().name, "fingerprint": fingerprint(folder)}
        self._chat, why = served_chat(model, revision, extra, delimiters)
        self.notes = () if self._chat else (_UNKNOWN.format(model=model, why=why),)
        """What the user should know before anything is asked, a line each."""
        self._described |= self._chat.opening() if self._chat else {}
        self._parses_reasoning = parses_reasoning(extra)
        if extra:
            self._described["arguments"] = list(extra)
        self._concurrency, self._start_timeout = concurrency, start_timeout
        self._command = [executable, "serve", model, "--served-model-name", model, "--dtype", dtype, *extra]
        if revision is not None:
            self._command += ["--revision", revision]
        self._server: subprocess.Popen[bytes] | None = None
        self._log: Path | None = None
        self._client: OpenAIBackend | None = None

    def describe(self) -> dict[str, Any]:
        """What identifies the model: for a folder its name and the SHA-256 of its files, not its path."""
        return dict(self._described)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests, yielding each as it finishes; the server is started where it does not run yet.

        Raises:
            HarnessError: the server did not start, or ended; what was not answered yet is not marked as failed.
        """
        if self._client is None:
            self._client = self._start()
        with contextlib.closing(self._client.generate(requests)) as answers:
            for request, response in answers:
                if response.error is not None:
                    self._check()
                yield request, self._whole(request, response)

    def _whole(self, request: Request, response: Response) -> Response:
        """The response with the thinking that its prompt opened.

        A server that takes thinking apart has sent what it found; one that the limit cut may have found none.
        """
        if response.error is not None or self._chat is None:
            return response
        if self._parses_reasoning and response.finish_reason != "length":
            return response
        return self._chat.whole(self._chat.render(request), response)

    def close(self) -> None:
        """Stop the server, with its workers."""
        served = self._client is not None and self._server is not None and self._server.poll() is None
        if self._server is not None:
            assert self._server.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._server.stdin.close()
            self._server.terminate()
            self._server.wait()
        if served and self._log is not None:
            self._log.unlink(missing_ok=True)
        self._server = self._client = self._log = None

    def _check(self) -> None:
        """Raise where the server has ended."""
        assert self._server is not None
        assert self._log is not None
        code, log = self._server.poll(), self._log
        if code is not None:
            self.close()
            raise HarnessError(f"vllm serve {self.model} ended with code {code}{_cause(log)}; its log: {log}")

    def _start(self) -> OpenAIBackend:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        descriptor, log = tempfile.mkstemp(prefix="harness-vllm-", suffix=".log")
        self._log = Path(log)
        command = [*self._command, "--host", "127.0.0.1", "--port", str(port)]
        keeping = [sys.executable, "-I", keeper.__file__, f"{GRACE}"]
        # A key for the servers of the user's own would lock ours.
        environment = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
        with os.fdopen(descriptor, "wb") as output:
            self._server = subprocess.Popen(
                [*keeping, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + self._start_timeout
        while not _is_ready(f"http://127.0.0.1:{port}/health"):
            self._check()
            if time.monotonic() > deadline:
                self.close()
                raise HarnessError(
                    f"vllm serve {self.model} was not ready in time{_cause(Path(log))}; its log: {log}"
                )
            time.sleep(0.2)
        return OpenAIBackend(
            self.model,
            f"http://127.0.0.1:{port}/v1",
            coords=self.coords,
            api_key="",
            concurrency=self._concurrency,
            # The server drops special tokens, and with them the end of thinking where it is one.
            further={"skip_special_tokens": False} if self._chat and self._chat.marks else None,
        )


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
