"""How a model generates here: by each request's own sampling; what its checkpoint wishes does not leak in.

A `generation_config.json` may set penalties, beams, banned or forced tokens, minimal lengths, and transformers
merges it into every call of `generate`. Only what decoding cannot do without is taken from it: the tokens that
begin, end and pad a sequence. Forced tokens are none of these. With `--generation checkpoint` its sampling
counts, as far as vLLM takes it too: temperature, top-p, top-k, min-p, repetition penalty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError
from harness.models.generation import CheckpointSampling
from harness.types import Sampling

if TYPE_CHECKING:
    import torch

_STRUCTURE = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


class Generator:
    """Calls a model's `generate` with nothing but what was asked for.

    Args:
        model: a transformers model.
        tokenizer: its tokenizer; padding is on the left.
        sampling: of the checkpoint, where it counts in place of each request's own.
        never: tokens that an answer never holds; usually none.

    Raises:
        UsageError: the checkpoint names no token that ends an answer.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        sampling: CheckpointSampling | None = None,
        never: Sequence[int] = (),
    ) -> None:
        self._model = model
        self._plainly = False
        """Past the model's own `generate`, which does not ask our sampler."""
        self._never = list(never) or None
        own = model.generation_config
        self._source = "checkpoint" if sampling is not None else "harness"
        self.sampling = sampling or CheckpointSampling()
        self.ends = _end_tokens(own, tokenizer)
        """Tokens that end an answer."""
        structure = {name: getattr(own, name, None) for name in _STRUCTURE}
        self._structure = structure | {"eos_token_id": self.ends, "pad_token_id": tokenizer.pad_token_id}
        self._owners = [module for module in model.modules() if getattr(module, "generation_config", None)]

    def describe(self) -> dict[str, Any]:
        """The settings in effect beside each request's own, as plain JSON."""
        return {"source": self._source, "end_tokens": self.ends, **self.sampling.said()}

    def run(self, inputs: dict[str, Any], rules: list[Sampling], **more: Any) -> Any:
        """The tokens generated for each row.

        Args:
            inputs: what the processor made, on the model's device.
            rules: one `Sampling` a row.
            more: further settings of `GenerationConfig`; with `return_dict_in_generate` the whole output is
                returned.

        Returns:
            (rows, new tokens), without the prompt.

        Raises:
            HarnessError: the model's own `generate` does not let tokens be sampled.
        """
        import torch
        from transformers import GenerationConfig, GenerationMixin, LogitsProcessorList

        from harness.models.hf_sampling import RowPenalty, RowSampler

        own = self.sampling
        rules = [own.apply(rule) for rule in rules]
        settings = GenerationConfig(
            **self._structure,
            max_new_tokens=max(rule.max_new_tokens for rule in rules),
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            suppress_tokens=self._never,
            **more,
        )
        for plainly in (self._plainly, True):
            generate = GenerationMixin.generate.__get__(self._model) if plainly else self._model.generate
            sampler = RowSampler(rules, self.ends[0], top_k=own.top_k, min_p=own.min_p)
            processors = LogitsProcessorList([sampler])
            if own.repetition_penalty != 1.0:
                processors.insert(0, RowPenalty(own.repetition_penalty, _mask(inputs)))
            with torch.inference_mode(), self._own_settings_only(settings):
                output = generate(**inputs, generation_config=settings, logits_processor=processors)
            if sampler.steps or (not sampler.needed and len(processors) == 1):
                self._plainly = plainly
                return output if more else self._new(output, inputs["input_ids"])
        raise HarnessError(f"{type(self._model).__name__} does not let its tokens be sampled one by one")

    @contextmanager
    def _own_settings_only(self, settings: Any) -> Iterator[None]:
        """Without the checkpoint's `generation_config`, which transformers would merge in."""
        before = [module.generation_config for module in self._owners]
        for module in self._owners:
            module.generation_config = settings
        try:
            yield
        finally:
            for module, config in zip(self._owners, before, strict=True):
                module.generation_config = config

    def _new(self, output: Any, prompt: torch.Tensor) -> torch.Tensor:
        """Generated tokens: encoder–decoder models begin anew, some return no prompt, some more than tokens."""
        import torch

        tokens: torch.Tensor = output[0] if isinstance(output, tuple) else getattr(output, "sequences", output)
        if self._model.config.is_encoder_decoder:
            return tokens[:, 1:]
        width = prompt.shape[1]
        if tokens.shape[1] >= width and torch.equal(tokens[:, :width], prompt):
            return tokens[:, width:]
        return tokens


def _mask(inputs: dict[str, Any]) -> torch.Tensor:
    import torch

    mask: torch.Tensor = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
    return mask


def _end_tokens(config: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer: the tokenizer's, and what the checkpoint's generation settings name."""
    named = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    ends = dict.fromkeys(token for token in [tokenizer.eos_token_id, *named] if token is not None)
    if not ends:
        raise UsageError("the checkpoint names no end token (eos_token_id): its answers would never end")
    return list(ends)
