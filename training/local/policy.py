"""The policy as a distribution: log-probabilities of sampled tokens, and the clipped surrogate loss.

Source: PPO (arXiv 1707.06347) with separate bounds (DAPO, arXiv 2503.14476) and a dual clip (arXiv 1912.09729).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.errors import HarnessError
from harness.models.hf import input_only_tokens
from harness.models.hf_prompts import Prompter
from training.local.rollout import Rollout

CHUNK = 1024
"""Tokens whose softmax is held at once."""
_NEVER = -1e9
"""The logit of what is never sampled: finite, so that p · log p is 0 and not NaN."""


def token_logps(logits: Tensor, tokens: Tensor, chunk: int = CHUNK) -> Tensor:
    """The log-probability of each token, with its gradient; memory beyond the logits stays at one chunk.

    Args:
        logits: shape (tokens, vocabulary).
        tokens: shape (tokens,).
        chunk: tokens at once; each chunk's softmax is recomputed in the backward pass.

    Returns:
        Shape (tokens,), float32 or wider.
    """

    def logps(part: Tensor, chosen: Tensor) -> Tensor:
        part = part.float() if part.dtype.itemsize < 4 else part
        return part.gather(-1, chosen[:, None]).squeeze(-1) - part.logsumexp(-1)

    if len(logits) == 0:
        return logits.new_zeros(0)
    pairs = zip(torch.split(logits, chunk), torch.split(tokens, chunk), strict=True)
    return torch.cat([checkpoint(logps, part, chosen, use_reentrant=False) for part, chosen in pairs])


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Response tokens of several rollouts, one after another."""

    logits: Tensor
    """(tokens, vocabulary), over the sampling temperature."""
    logps: Tensor
    """(tokens,), of the tokens that were sampled."""
    lengths: tuple[int, ...]
    """Tokens of each rollout."""

    def each(self, values: Sequence[float]) -> Tensor:
        """One value a rollout → one a token. Shape (tokens,)."""
        counts = torch.tensor(self.lengths, device=self.logps.device)
        return torch.tensor(values, dtype=self.logps.dtype, device=self.logps.device).repeat_interleave(counts)

    def split(self, values: Tensor) -> tuple[Tensor, ...]:
        """One value a token → the values of each rollout."""
        return torch.split(values, list(self.lengths))


class Policy:
    """A model with its processor, asked for the log-probabilities of what it sampled.

    Args:
        model: a transformers vision-language model.
        processor: its processor.
        temperature: at which it samples.
    """

    def __init__(self, model: Any, processor: Any, temperature: float) -> None:
        self.model = model
        self.temperature = temperature
        self._prompter = Prompter(processor)
        self._never = torch.tensor(input_only_tokens(model), dtype=torch.long, device=model.device)

    def log_probabilities(self, rollouts: Sequence[Rollout]) -> Likelihoods:
        """Log-probabilities of the sampled tokens under the present weights.

        Raises:
            HarnessError: an image that was shown cannot be read any more.
        """
        inputs, targets, kept = self._inputs(rollouts)
        width = targets.shape[1]
        logits = self.model(**inputs, logits_to_keep=width + 1).logits[:, :-1][kept]
        if self.temperature != 1.0:
            logits = logits / self.temperature
        logits = logits.index_fill(1, self._never, _NEVER)
        lengths = tuple(len(rollout.tokens) for rollout in rollouts)
        return Likelihoods(logits, token_logps(logits, targets[kept]), lengths)

    def _inputs(self, rollouts: Sequence[Rollout]) -> tuple[dict[str, Any], Tensor, Tensor]:
        """Model inputs, response tokens behind left-padded prompts; the tokens; and where they are real."""
        batch = self._prompter.batch([self._prompter.read(rollout.request) for rollout in rollouts])
        if batch.failed:
            raise HarnessError(f"a prompt that was answered cannot be read again: {batch.failed[0][1].error}")
        width = max(1, *(len(rollout.tokens) for rollout in rollouts))
        targets = torch.zeros((len(rollouts), width), dtype=torch.long)
        kept = torch.zeros_like(targets, dtype=torch.bool)
        for row, rollout in enumerate(rollouts):
            targets[row, : len(rollout.tokens)] = torch.tensor(rollout.tokens, dtype=torch.long)
            kept[row, : len(rollout.tokens)] = True
        inputs = dict(batch.inputs)
        shape = inputs["input_ids"].shape
        for name, value in inputs.items():
            if value.shape == shape:  # one entry a token: room for the response's
                inputs[name] = torch.cat([value, value.new_zeros(targets.shape)], 1)
            elif torch.is_floating_point(value):
                inputs[name] = value.to(self.model.dtype)
        inputs["input_ids"][:, shape[1] :] = targets
        inputs["attention_mask"][:, shape[1] :] = kept
        device = self.model.device
        moved = {name: value.to(device) for name, value in inputs.items()}
        return moved, targets.to(device), kept.to(device)


@dataclass(frozen=True, slots=True)
class Clip:
    """Bounds of the surrogate."""

    low: float = 0.2
    high: float = 0.3
    dual: float = 3.0
    """The most that a negative advantage's loss is multiplied by."""


def clipped_loss(logps: Tensor, old: Tensor, advantages: Tensor, clip: Clip) -> tuple[Tensor, Tensor]:
    """The clipped surrogate of each token.

    Args:
        logps: shape (tokens,), under the weights that are trained.
        old: shape (tokens,), under the weights that sampled.
        advantages: shape (tokens,).
        clip: the bounds.

    Returns:
        The losses, shape (tokens,); and where a bound took the gradient away, shape (tokens,), bool.
    """
    ratio = (logps - old).exp()
    bounded = ratio.clamp(1 - clip.low, 1 + clip.high)
    losses = torch.maximum(-advantages * ratio, -advantages * bounded)
    ceiling = -advantages * clip.dual
    losses = torch.where(advantages < 0, torch.minimum(losses, ceiling), losses)
    upper = (advantages > 0) & (ratio > 1 + clip.high)
    lower = (advantages < 0) & ((ratio < 1 - clip.low) | (ratio > clip.dual))
    return losses, (upper | lower).detach()


def micro_batches(rollouts: Sequence[int], lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Positions in batches of like length, so that little is padded.

    Args:
        rollouts: positions to batch.
        lengths: of each rollout, by position.
        size: of a batch, at most.
    """
    ordered = sorted(rollouts, key=lambda index: lengths[index])
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
