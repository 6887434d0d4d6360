"""vLLM: starts `vllm serve` for the run and talks to it like to any other server.

A child process rather than the in-process `LLM` class: its continuous batching takes requests one by one,
so the batch never drains between tasks; its own log stays out of ours; and where vLLM cannot share an
environment with the rest (it pins transformers), `HARNESS_VLLM` names the executable of another one.
`--vllm-args`, or `HARNESS_VLLM_ARGS`, holds further arguments of `vllm serve`, as on a command line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.models.generation import checkpoint_sampling
from harness.models.hf_files import checkpoint_folder, fingerprint
from harness.models.openai import OpenAIBackend
from harness.models.pixels import AS_STORED, image_settings, rule_of
from harness.models.spec import AS_IT_IS, CheckpointOptions, VLLMOptions
from harness.models.vllm_arguments import (
    deciding,
    flags,
    own_arguments,
    pixel_arguments,
    refuse_what_vllm_lacks,
    same_answers,
)
from harness.models.vllm_chat import parses_reasoning, served_chat
from harness.models.vllm_server import Server
from harness.types import NO_LIMITS, PixelLimits, Request
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords
from tasks.types import Response

_UNKNOWN = (
    "{model}: whether its chat template opens thinking is not known here ({why}); if it does, thinking that "
    "the token limit cuts is read as an answer"
)
PLACES = 256
"""Requests in flight at once for each copy of the model: what vLLM batches by default."""


class VLLMBackend:
    """A model served by a vLLM child process, started by `start` and stopped by `close`.

    Args:
        model: a path or a name on the hub.
        coords: the model family's coordinate convention.
        dtype: as for `vllm serve --dtype`.
        revision: of the model on the hub.
        concurrency: requests in flight at once; None: 256 for each copy of the model.
        start_timeout: seconds until the server must be ready.
        delimiters: by which thinking that the chat template opened is known; it is part of the response.
        options: how the checkpoint is used.
        serving: how the server is started, beside what `HARNESS_VLLM_ARGS` says.
        pixels: bounds on the images that will be asked about.

    Raises:
        UsageError: vLLM is not there, or an option is one that it does not take.
    """

    name = "vllm"

    def __init__(
        self,
        model: str,
        *,
        coords: Coords | None = None,
        dtype: str = "auto",
        revision: str | None = None,
        concurrency: int | None = None,
        start_timeout: float = 1800.0,
        delimiters: Delimiters = STANDARD,
        options: CheckpointOptions = AS_IT_IS,
        serving: VLLMOptions | None = None,
        pixels: PixelLimits = NO_LIMITS,
    ) -> None:
        refuse_what_vllm_lacks(options)
        executable = _executable()
        own = own_arguments(serving or VLLMOptions())
        arguments = [*same_answers(flags(own), options), *own]
        self.model, self.coords = model, coords
        self._served = model
        self._described: dict[str, Any] = {"model": model, "revision": revision, "dtype": dtype}
        if (folder := Path(model)).is_dir():
            self._described |= {"model": folder.resolve().name, "fingerprint": fingerprint(folder)}
        self._chat, why = served_chat(model, revision, arguments, delimiters)
        self.notes = () if self._chat else (_UNKNOWN.format(model=model, why=why),)
        """What the user should know before anything is asked, a line each."""
        self._described |= self._chat.opening() if self._chat else {}
        self._parses_reasoning = parses_reasoning(own)
        self._rule = AS_STORED
        self._further: dict[str, Any] = {}
        self._read_files(revision, options)
        arguments = [*pixel_arguments(pixels, self._rule), *arguments]
        if self._chat and self._chat.marks:
            # The server drops special tokens, and with them the end of thinking where it is one.
            self._further["skip_special_tokens"] = False
        if decide := deciding(arguments):
            self._described["arguments"] = decide
        if options.adapter is not None:
            arguments = [*self._lora(options.adapter), *arguments]
        self._concurrency = concurrency or PLACES * _copies(own)
        self._start_timeout = start_timeout
        self._command = [executable, "serve", model, "--served-model-name", model, "--dtype", dtype, *arguments]
        if revision is not None:
            self._command += ["--revision", revision]
        self._server: Server | None = None
        self._client: OpenAIBackend | None = None

    def _read_files(self, revision: str | None, options: CheckpointOptions) -> None:
        """Take from the checkpoint's small files how it sizes images and, where asked, how it samples."""
        try:
            folder, _ = checkpoint_folder(self.model, revision, weights=False)
        except HarnessError:  # a name that only vLLM can resolve: it will say so itself
            if options.generation == "checkpoint":
                raise
            return
        self._rule = rule_of(image_settings(folder))
        if options.generation == "checkpoint":
            sampling = checkpoint_sampling(folder).said()
            self._further |= sampling
            self._described["generation"] = sampling

    def _lora(self, adapter: str) -> list[str]:
        """Arguments that serve an adapter beside the model; requests then name the adapter."""
        path = Path(adapter).expanduser()
        if not path.is_dir():
            path, _ = checkpoint_folder(adapter, None, adapter=True)
        try:
            rank = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))["r"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(f"--adapter {adapter}: it has no adapter_config.json of a LoRA") from None
        name = Path(adapter).expanduser().resolve().name
        self._served = f"{self._described['model']}+{name}"
        self._described["adapter"] = {"name": name, "fingerprint": fingerprint(path)}
        modules = f"{self._served}={path.resolve()}"
        return ["--enable-lora", "--max-lora-rank", str(rank), "--lora-modules", modules]

    def describe(self) -> dict[str, Any]:
        """What identifies the model: for a folder its name and the SHA-256 of its files, not its path."""
        return dict(self._described)

    def start(self) -> None:
        """Start the server, unless it runs, and wait until it serves.

        Raises:
            HarnessError: it ended, or is not ready in time.
        """
        if self._client is None:
            self._server = Server(self.model, self._command, self._start_timeout)
            self._client = self._connect(self._server.wait())

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests, yielding each as it finishes; the server is started where it does not run yet.

        Raises:
            HarnessError: the server did not start, or ended; what was not answered yet is not marked as failed.
        """
        self.start()
        assert self._server is not None
        assert self._client is not None
        with contextlib.closing(self._client.generate(requests)) as answers:
            for request, response in answers:
                if response.error is not None:
                    self._server.check()
                yield request, self._whole(request, response)

    def _connect(self, url: str) -> OpenAIBackend:
        return OpenAIBackend(
            self._served,
            url,
            coords=self.coords,
            rule=self._rule,
            api_key="",
            concurrency=self._concurrency,
            further=self._further,
            max_wait=0.0,  # a child that is down has ended
        )

    def render(self, request: Request) -> str | None:
        """The prompt as the server renders it; None where its chat template is not known here."""
        return self._chat.render(request) if self._chat is not None else None

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
        server, self._server, self._client = self._server, None, None
        if server is not None:
            server.stop()


def _executable() -> str:
    given = os.environ.get("HARNESS_VLLM")
    executable = shutil.which(given or "vllm")
    if executable is None and given:
        raise UsageError(f"HARNESS_VLLM: no such executable: {given}")
    if executable is None:
        raise UsageError(
            "vllm is not installed here: pip install -c constraints.txt -e '.[vllm]', or set HARNESS_VLLM "
            "to the `vllm` executable of another environment"
        )
    return executable


def _copies(arguments: Sequence[str]) -> int:
    """How many copies of the model a server shares requests among."""
    size = flags(arguments).get("data-parallel-size", "1")
    return max(1, int(size)) if size.isdecimal() else 1
