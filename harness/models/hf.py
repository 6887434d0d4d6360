"""Any Hugging Face vision-language model, on a CPU or on GPUs, through transformers.

Requests are answered in length-sorted batches with left padding; images of the next batch are read and
resized in a thread while the model runs. Decoding is greedy, or sampled row by row (`RowSampler`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.models.checkpoint import find, load
from harness.models.hf_prompts import Batch, Batcher, Prompt, Prompter, failure
from harness.models.spec import CheckpointOptions
from harness.types import Request
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords
from tasks.types import Response

if TYPE_CHECKING:
    import torch

CPU_BATCH, GPU_BATCH = 32, 64
CPU_BUDGET = 65_536
"""Tokens in a batch at most, on a CPU."""
WINDOW = 8
"""Batches' worth of requests from which a batch of like lengths is drawn."""


class HFBackend:
    """A `harness.types.Backend` that runs a checkpoint with transformers.

    Args:
        path_or_name: a checkpoint folder, or a repository of the hub.
        dtype: one of `harness.models.checkpoint.DTYPES`. `auto` is float32 on a CPU, where answers then do not depend on the batch, and
            the checkpoint's own elsewhere.
        revision: branch, tag or commit of a hub repository.
        batch_size: requests in a batch at most; by default 32 on a CPU, 64 on a GPU, always within the token
            budget that memory allows.
        coords: the model family's coordinate convention.
        delimiters: by which thinking that the chat template opened is known; it is part of the response.
        checkpoint: adapter, processor, attention, device, and what is allowed.

    Raises:
        UsageError: no such checkpoint, not a vision-language model, or one that wants code of its own.
        HarnessError: it cannot be loaded as it is, a package is missing, or the hub cannot be reached.
    """

    name = "hf"
    notes: tuple[str, ...] = ()
    """What the user should know of how the model was loaded: one line each."""

    def __init__(
        self,
        path_or_name: str,
        *,
        dtype: str = "auto",
        revision: str | None = None,
        batch_size: int | None = None,
        coords: Coords | None = None,
        delimiters: Delimiters = STANDARD,
        checkpoint: CheckpointOptions | None = None,
    ) -> None:
        options = checkpoint or CheckpointOptions()
        loaded = load(find(path_or_name, revision, options), dtype=dtype, options=options)
        self.coords = coords
        self.notes = loaded.notes
        self._attach(loaded.model, loaded.processor, batch_size, delimiters)
        self._described = {"backend": self.name, **loaded.described, **self._prompter.chat.opening()}

    def _attach(
        self, model: Any, processor: Any, batch_size: int | None, delimiters: Delimiters = STANDARD
    ) -> None:
        """Take a loaded model and its processor."""
        self.model, self.processor = model, processor
        self.device: torch.device = model.device
        self._prompter = Prompter(processor, delimiters)
        self._ends = _end_tokens(model, self._prompter.tokenizer)
        self.input_only = input_only_tokens(model)
        """Tokens that stand for images: an answer never holds one."""
        self._batch_size = batch_size or (CPU_BATCH if self.device.type == "cpu" else GPU_BATCH)
        self._budget = CPU_BUDGET if self.device.type == "cpu" else _token_budget(model)

    def describe(self) -> dict[str, Any]:
        """Model, revision and the SHA-256 of its files; class, dtype, attention, processor and kind of device."""
        return dict(self._described)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests batch by batch; see `harness.types.Backend`."""
        batcher = Batcher(
            self._prompter, requests, self._batch_size, lambda: self._budget, WINDOW * self._batch_size
        )
        with ThreadPoolExecutor(1, "prepare") as thread:
            upcoming = thread.submit(batcher.next)
            while (batch := upcoming.result()) is not None:
                upcoming = thread.submit(batcher.next)
                yield from batch.failed
                if batch.prompts:
                    yield from self._answer(batch)

    def close(self) -> None:
        """Drop the model and give its memory back."""
        import torch

        del self.model
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _answer(self, batch: Batch) -> Iterator[tuple[Request, Response]]:
        """Answer a batch; where memory does not suffice, its halves."""
        try:
            responses = self._run(batch)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            responses = None
        if responses is not None:
            yield from zip((prompt.request for prompt in batch.prompts), responses, strict=True)
            return
        self._free()
        size = len(batch.prompts)
        if size == 1:
            [prompt] = batch.prompts
            reason = f"out of memory: {prompt.tokens} prompt tokens do not fit on {self.device}"
            yield prompt.request, failure(reason, prompt.arrived)
            return
        widest = max(prompt.cost for prompt in batch.prompts)
        self._budget = max(1, min(self._budget, widest * (size // 2)))
        halves = (batch.prompts[: size // 2], batch.prompts[size // 2 :])
        batch.inputs = None
        for half in halves:
            yield from self._answer(self._prompter.batch(half))

    def _free(self) -> None:
        import torch

        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, batch: Batch) -> list[Response]:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        from harness.models.hf_sampling import RowSampler

        rules = [prompt.request.sampling for prompt in batch.prompts]
        inputs = batch.inputs.to(self.device)
        for key, value in inputs.items():
            if torch.is_floating_point(value):
                inputs[key] = value.to(self.model.dtype)
        settings = GenerationConfig(
            max_new_tokens=max(rule.max_new_tokens for rule in rules),
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            eos_token_id=self._ends,
            pad_token_id=self._prompter.tokenizer.pad_token_id,
            suppress_tokens=self.input_only or None,
        )
        sampler = LogitsProcessorList([RowSampler(rules, self._ends[0])])
        with torch.inference_mode():
            output = self.model.generate(**inputs, generation_config=settings, logits_processor=sampler)
        width = inputs["input_ids"].shape[1]
        lengths = inputs["attention_mask"].sum(1).tolist()
        rows = output[:, width:].tolist()
        return [
            self._response(prompt, row, length, shown)
            for prompt, row, length, shown in zip(batch.prompts, rows, lengths, batch.shown, strict=True)
        ]

    def _response(
        self, prompt: Prompt, row: list[int], prompt_tokens: int, shown: tuple[tuple[int, int], ...]
    ) -> Response:
        limit = prompt.request.sampling.max_new_tokens
        end = next((index for index, token in enumerate(row[:limit]) if token in self._ends), None)
        kept = row[: limit if end is None else end]
        response = Response(
            self._prompter.chat.decode(kept),
            "length" if end is None else "stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(kept) + (end is not None),
            latency=time.monotonic() - prompt.arrived,
            shown=shown,
        )
        return self._prompter.chat.whole(prompt.text, response)


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer: the tokenizer's, and what the checkpoint's generation settings name."""
    named = model.generation_config.eos_token_id
    named = named if isinstance(named, list) else [named]
    ends = dict.fromkeys(token for token in [tokenizer.eos_token_id, *named] if token is not None)
    if not ends:
        raise UsageError("the checkpoint names no end token (eos_token_id): its answers would never end")
    return list(ends)


def input_only_tokens(model: Any) -> list[int]:
    """Tokens that mark the place of an image or video: in a prompt only."""
    names = ("image_token_id", "image_token_index", "video_token_id", "vision_start_token_id")
    return sorted({token for name in names if isinstance(token := getattr(model.config, name, None), int)})


def _token_budget(model: Any) -> int:
    """Tokens whose keys and values fill half of the GPU memory left over by the weights."""
    import torch

    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize
    free, _ = torch.cuda.mem_get_info()
    return max(4096, int(free / 2 / token))


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)
