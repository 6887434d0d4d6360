"""Any Hugging Face vision-language model, on a CPU or on GPUs, through transformers.

Requests are answered in length-sorted batches with left padding; images of the next batch are read and
resized in a thread while the model runs. Decoding is greedy, or sampled row by row (`RowSampler`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from harness.errors import FAULTS, first_line
from harness.models.checkpoint import find, load
from harness.models.generation import CheckpointSampling, checkpoint_sampling
from harness.models.hf_batching import TOLERANCE, answers_alike
from harness.models.hf_generation import Generator
from harness.models.hf_prompts import Batch, Batcher, Prompt, Prompter, failure
from harness.models.spec import AS_IT_IS, CheckpointOptions
from harness.types import Request, Sampling
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
        dtype: one of `harness.models.checkpoint.DTYPES`. `auto` is float32 on a CPU, where answers then do not
            depend on the batch, and the checkpoint's own elsewhere.
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
        checkpoint: CheckpointOptions = AS_IT_IS,
    ) -> None:
        found = find(path_or_name, revision, checkpoint)
        loaded = load(found, dtype=dtype, options=checkpoint)
        self.coords = coords
        self.notes = loaded.notes
        sampling = checkpoint_sampling(found.model.folder) if checkpoint.generation == "checkpoint" else None
        self._attach(
            loaded.model,
            loaded.processor,
            batch_size,
            delimiters=delimiters,
            options=checkpoint,
            sampling=sampling,
        )
        self._described = {
            "backend": self.name,
            **loaded.described,
            "generation": self._generator.describe(),
            **self._prompter.chat.opening(),
        }

    def _attach(
        self,
        model: Any,
        processor: Any,
        batch_size: int | None,
        *,
        delimiters: Delimiters = STANDARD,
        options: CheckpointOptions = AS_IT_IS,
        sampling: CheckpointSampling | None = None,
        never: Sequence[int] = (),
    ) -> None:
        """Take a loaded model and its processor; an answer holds none of the tokens `never`."""
        self.model, self.processor = model, processor
        self.device: torch.device = model.device
        self._prompter = Prompter(
            processor, delimiters, template=options.chat_template, variables=options.template_vars
        )
        self._generator = Generator(model, self._prompter.tokenizer, sampling, never)
        self._together: bool | None = None
        """Whether answers are the same in a batch; None: not tried yet."""
        self._batch_size = batch_size or (CPU_BATCH if self.device.type == "cpu" else GPU_BATCH)
        self._budget = CPU_BUDGET if self.device.type == "cpu" else _token_budget(model)

    def describe(self) -> dict[str, Any]:
        """Model, revision, SHA-256 of its files; class, dtype, attention, processor, sampling, device."""
        return dict(self._described)

    def render(self, request: Request) -> str:
        """The prompt of a request as the chat template writes it."""
        return self._prompter.chat.render(request)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests batch by batch; see `harness.types.Backend`."""
        requests = iter(requests)
        first = list(islice(requests, 2))
        if self._together is None and len(first) > 1 and self._batch_size > 1:
            self._together = self._try_together()
        size = self._batch_size if self._together else 1
        batcher = Batcher(
            self._prompter, chain(first, requests), size, lambda: self._budget, WINDOW * self._batch_size
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

        del self.model, self._generator
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _answer(self, batch: Batch) -> Iterator[tuple[Request, Response]]:
        """Answer a batch; its halves where memory does not suffice, one by one where it is refused whole."""
        if batch.inputs is None:
            yield from self._answer_each(batch)
            return
        try:
            responses = self._run(batch)
        except (ValueError, TypeError, LookupError) as error:
            if len(batch.prompts) > 1:
                yield from self._answer_each(batch)
                return
            responses = [failure(f"the model refuses it: {first_line(error)}", batch.prompts[0].arrived)]
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
            again = self._prompter.batch(half)
            yield from again.failed
            yield from self._answer(again)

    def _answer_each(self, batch: Batch) -> Iterator[tuple[Request, Response]]:
        for prompt in batch.prompts:
            alone = self._prompter.batch([prompt])
            yield from alone.failed
            if alone.prompts:
                yield from self._answer(alone)

    def _free(self) -> None:
        import torch

        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, batch: Batch) -> list[Response]:
        inputs = self._placed(dict(batch.inputs))
        rows = self._generator.run(inputs, [prompt.request.sampling for prompt in batch.prompts]).tolist()
        lengths = self._lengths(inputs)
        return [
            self._response(prompt, row, length, shown)
            for prompt, row, length, shown in zip(batch.prompts, rows, lengths, batch.shown, strict=True)
        ]

    def _try_together(self) -> bool:
        """Whether batches change no answer; they do where they cannot be tried."""
        tolerance = TOLERANCE.get(self._itemsize(), max(TOLERANCE.values()))
        try:
            return answers_alike(self._prompter, self._logits_of, tolerance)
        except FAULTS:  # whatever it is, it is said when the request itself is answered
            self._free()
            return False

    def _itemsize(self) -> int:
        """Bytes of a number as the model computes with it."""
        return int(self.model.dtype.itemsize)

    def _logits_of(self, batch: Batch, steps: int) -> list[torch.Tensor]:
        """What the model says at each of the first steps of its answers: (rows, vocabulary)."""
        output = self._generator.run(
            self._placed(dict(batch.inputs)),
            [Sampling(steps)] * len(batch.prompts),
            return_dict_in_generate=True,
            output_logits=True,
        )
        if getattr(output, "logits", None) is None:
            raise ValueError("its logits cannot be had")
        return list(output.logits)

    def _placed(self, value: Any) -> Any:
        """What a processor made, on the model's device, pixels in the model's dtype."""
        import torch

        if isinstance(value, torch.Tensor):
            return value.to(self.device, self.model.dtype if value.is_floating_point() else None)
        if isinstance(value, dict):
            return {name: self._placed(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._placed(part) for part in value)
        return value

    def _lengths(self, inputs: dict[str, Any]) -> list[int]:
        """Prompt tokens of each row, without padding."""
        mask = inputs.get("attention_mask")
        if mask is None:
            return [inputs["input_ids"].shape[1]] * len(inputs["input_ids"])
        lengths: list[int] = mask.sum(1).tolist()
        return lengths

    def _response(
        self, prompt: Prompt, row: list[int], prompt_tokens: int, shown: tuple[tuple[int, int], ...]
    ) -> Response:
        limit = prompt.request.sampling.max_new_tokens
        end = next((index for index, token in enumerate(row[:limit]) if token in self._generator.ends), None)
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
