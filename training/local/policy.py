"""The policy as a distribution: log-probabilities of sampled tokens, and the clipped surrogate loss.

Source: PPO (arXiv 1707.06347) with separate bounds (DAPO, arXiv 2503.14476) and a dual clip (arXiv 1912.09729).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.errors import HarnessError
from harness.models.hf import input_only_tokens
from harness.models.hf_batching import TOLERANCE
from harness.models.hf_prompts import Prompter
from training.rollout import Rollout
from training.shaping import NEVER, token_entropy

CHUNK = 1024
"""Tokens whose logits are held at once."""


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Response tokens of several rollouts, one after another."""

    logps: Tensor
    """(tokens,), of the tokens that were sampled, float32 or wider."""
    entropies: Tensor
    """(tokens,), of the full softmax at each of them, in nats."""
    lengths: tuple[int, ...]
    """Tokens of each rollout."""

    def each(self, values: Sequence[float]) -> Tensor:
        """One value a rollout → one a token. Shape (tokens,)."""
        counts = torch.tensor(self.lengths, device=self.logps.device)
        return torch.tensor(values, dtype=self.logps.dtype, device=self.logps.device).repeat_interleave(counts)

    def split(self, values: Tensor) -> tuple[Tensor, ...]:
        """One value a token → the values of each rollout."""
        return torch.split(values, list(self.lengths))


def likelihoods_of(
    hidden: Tensor,
    tokens: Tensor,
    logits_of: Callable[[Tensor], Tensor],
    *,
    entropy_gradient: bool = False,
    chunk: int = CHUNK,
) -> tuple[Tensor, Tensor]:
    """The log-probability of each token and the entropy at its place; the logits are there a chunk at a time.

    Args:
        hidden: shape (tokens, width), what the logits are made of.
        tokens: shape (tokens,).
        logits_of: (some tokens, width) → (some tokens, vocabulary); called again in the backward pass.
        entropy_gradient: whether entropies have one; log-probabilities do.
        chunk: tokens at once.

    Returns:
        Log-probabilities and entropies in nats, each of shape (tokens,), float32 or wider.
    """

    def scored(part: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits_of(part)
        logps = (logits.float() if logits.dtype.itemsize < 4 else logits).log_softmax(-1)
        spread = token_entropy(logps if entropy_gradient else logps.detach())
        return logps.gather(-1, chosen[:, None]).squeeze(-1), spread

    if len(hidden) == 0:
        nothing = hidden.new_zeros(0, dtype=torch.float32)
        return nothing, nothing
    pairs = zip(torch.split(hidden, chunk), torch.split(tokens, chunk), strict=True)
    scores = [checkpoint(scored, part, chosen, use_reentrant=False) for part, chosen in pairs]
    logps, entropies = zip(*scores, strict=True)
    return torch.cat(logps), torch.cat(entropies)


class Policy:
    """A model with its processor, asked for the log-probabilities of what it sampled.

    Args:
        model: a transformers vision-language model.
        processor: its processor.
        temperature: at which it samples.
        keeps_reference: keep a copy of the trained weights as they are now, for `reference`.
    """

    def __init__(
        self, model: Any, processor: Any, temperature: float, *, keeps_reference: bool = False
    ) -> None:
        self.model = model
        trained = [each for each in model.parameters() if each.requires_grad] if keeps_reference else []
        self._before = [(each, each.detach().clone()) for each in trained]
        self.temperature = temperature
        self._prompter = Prompter(processor)
        self._never = torch.tensor(input_only_tokens(model), dtype=torch.long, device=model.device)
        self._head = model.get_output_embeddings()
        self._by_head: bool | None = None
        """Whether the model's logits are its output layer's, and nothing is done to them; None: not tried."""

    def log_probabilities(self, rollouts: Sequence[Rollout], *, entropy_gradient: bool = False) -> Likelihoods:
        """Log-probabilities of the sampled tokens under the present weights, and the entropies beside them.

        Args:
            rollouts: of one micro-batch.
            entropy_gradient: whether the entropies have a gradient.

        Raises:
            HarnessError: an image that was shown cannot be read any more.
        """
        if self._by_head is None:
            self._by_head = self._try_head(rollouts[0])
        inputs, targets, kept = self._inputs(rollouts)
        hidden = self._last(inputs, targets.shape[1])[kept]
        lengths = tuple(len(rollout.tokens) for rollout in rollouts)
        scores = likelihoods_of(hidden, targets[kept], self._logits, entropy_gradient=entropy_gradient)
        return Likelihoods(*scores, lengths)

    @torch.no_grad()
    def reference(self, rollouts: Sequence[Rollout]) -> Tensor:
        """Log-probabilities of the sampled tokens under the weights that training started from: (tokens,)."""
        self._exchange()
        try:
            return self.log_probabilities(rollouts).logps
        finally:
            self._exchange()

    def _exchange(self) -> None:
        """Have the weights that were kept in the model, and keep those that it had."""
        for place, (parameter, kept) in enumerate(self._before):
            self._before[place] = (parameter, parameter.data)
            parameter.data = kept

    def _last(self, inputs: Mapping[str, Any], width: int) -> Tensor:
        """What the logits before each of the last `width` tokens are made of: (rows, width, …)."""
        if self._by_head:
            with _as_it_is(self._head):
                output = self.model(**inputs, logits_to_keep=width + 1).logits
        else:
            output = self.model(**inputs, logits_to_keep=width + 1).logits
        last: Tensor = output[:, :-1]
        return last

    def _logits(self, hidden: Tensor) -> Tensor:
        """Logits as they are sampled from: over the temperature, image tokens never."""
        logits = self._head(hidden) if self._by_head else hidden
        logits = logits / self.temperature if self.temperature != 1.0 else logits
        return logits.index_fill(1, self._never, NEVER)

    @torch.no_grad()
    def _try_head(self, rollout: Rollout) -> bool:
        """Whether a model's logits are what its output layer makes of its last hidden states.

        Some families scale or cap them afterwards: theirs are taken whole.
        """
        inputs, targets, _ = self._inputs([rollout])
        width = targets.shape[1]
        expected = self.model(**inputs, logits_to_keep=width + 1).logits
        with _as_it_is(self._head):
            hidden = self.model(**inputs, logits_to_keep=width + 1).logits
        if self._head is None or hidden.shape[-1] != self._head.weight.shape[-1]:
            return False
        found = self._head(hidden)
        if found.shape != expected.shape:
            return False
        within = TOLERANCE[expected.dtype.itemsize] * (expected.max() - expected.min())
        return bool((found - expected).abs().max() <= within)

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


@contextmanager
def _as_it_is(layer: Any) -> Iterator[None]:
    """Within the block a layer gives back what it is given."""
    if layer is None:
        yield
        return
    layer.forward = lambda hidden: hidden
    try:
        yield
    finally:
        del layer.forward


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
        The losses, shape (tokens,); and where a bound took the gradient away, shape (tokens,): 1 by the upper
        bound, −1 by the lower one or the dual clip, 0 elsewhere.
    """
    ratio = (logps - old).exp()
    bounded = ratio.clamp(1 - clip.low, 1 + clip.high)
    losses = torch.maximum(-advantages * ratio, -advantages * bounded)
    ceiling = -advantages * clip.dual
    losses = torch.where(advantages < 0, torch.minimum(losses, ceiling), losses)
    upper = (advantages > 0) & (ratio > 1 + clip.high)
    lower = (advantages < 0) & ((ratio < 1 - clip.low) | (ratio > clip.dual))
    return losses, (upper.int() - lower.int()).detach()


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
