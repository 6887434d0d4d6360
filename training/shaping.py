"""Length and entropy shaping, per task family: how long to think, and how sure to be.

Source: arXiv 2604.08539. Its released code has one pair of entropy bounds, which `shaping.toml` takes over, and
has both shapings switched off. Lengths are published nowhere: those of `shaping.toml` are this project's, set
around the paper's training figure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    from torch import Tensor

NEVER = -1e9
"""The logit of what is never sampled: finite, so that p · log p is 0 and not NaN."""
ENTROPY_WEIGHT = 0.02
"""λ of the entropy hinge in the loss."""


class LengthEnvelope(BaseModel):
    """A trapezoid over the length of a response in tokens: 0, up to 1, a plateau, down to 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_start: int
    """Below this the reward is 0."""
    peak_start: int
    peak_end: int
    max_end: int
    """From this on the reward is 0."""

    @model_validator(mode="after")
    def _in_order(self) -> LengthEnvelope:
        if not 0 <= self.min_start <= self.peak_start <= self.peak_end <= self.max_end:
            raise ValueError(
                "a length envelope needs 0 <= min_start <= peak_start <= peak_end <= max_end, not "
                f"{self.min_start}, {self.peak_start}, {self.peak_end}, {self.max_end}"
            )
        return self

    def reward(self, tokens: int) -> float:
        """The length term of the reward, 0 to 1, for a response of so many tokens."""
        if self.peak_start <= tokens <= self.peak_end:
            return 1.0
        if tokens <= self.min_start or tokens >= self.max_end:
            return 0.0
        if tokens < self.peak_start:
            return (tokens - self.min_start) / (self.peak_start - self.min_start)
        return (self.max_end - tokens) / (self.max_end - self.peak_end)


class EntropyBand(BaseModel):
    """The mean entropy of the next-token distribution, in nats, that a family is kept within."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> EntropyBand:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"an entropy band needs 0 <= low <= high, not {self.low}, {self.high}")
        return self

    def slope(self, entropy: float) -> int:
        """The derivative of the hinge max(0, H − high) + max(0, low − H) at a mean entropy: −1, 0 or 1."""
        return int(entropy > self.high) - int(entropy < self.low)

    def hinge(self, entropy: float) -> float:
        """How far a mean entropy lies outside the band, in nats."""
        return max(0.0, entropy - self.high) + max(0.0, self.low - entropy)


class FamilyShape(BaseModel):
    """The shaping of one family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: LengthEnvelope
    entropy: EntropyBand


@cache
def default_shapes() -> Mapping[str, FamilyShape]:
    """The shipped table: family → shaping."""
    table = tomllib.loads(files("training").joinpath("shaping.toml").read_text(encoding="utf-8"))
    return {family: FamilyShape.model_validate(shape) for family, shape in table.items()}


def token_entropy(logps: Tensor) -> Tensor:
    """Entropy of the full softmax at each position, in nats, with its gradient.

    The estimate −log p of the sampled token is no substitute: its gradient is zero in expectation.

    Args:
        logps: log-probabilities, shape (tokens, vocabulary).

    Returns:
        Shape (tokens,).
    """
    return -(logps.exp() * logps).sum(-1)


def outside(bands: Mapping[str, EntropyBand], means: Mapping[str, float], keys: Iterable[str]) -> bool:
    """Whether the mean entropy of one of some keys lies outside its band."""
    return any(key in means and bands[key].slope(means[key]) for key in set(keys))


def entropy_penalty(
    entropies: Tensor,
    families: list[str],
    means: Mapping[str, float],
    counts: Mapping[str, int],
    *,
    bands: Mapping[str, EntropyBand],
    weight: float = ENTROPY_WEIGHT,
) -> Tensor:
    """A micro-batch's part of the entropy hinge of the whole mini-batch.

    The hinge of a family is linear on each side of its band, so with the side taken from the mean over the
    whole mini-batch the micro-batches' gradients add up to the gradient of the whole. A family that is absent
    adds exactly 0.

    Args:
        entropies: shape (tokens,), of this micro-batch's response tokens.
        families: the family of each of those tokens.
        means: family → mean entropy over the whole mini-batch, in nats.
        counts: family → response tokens in the whole mini-batch.
        bands: family → the band to stay within; a family without one is left alone.
        weight: λ.

    Returns:
        A scalar to add to the loss: this micro-batch's part of λ · slope · mean entropy.
    """
    import torch

    factors = {
        family: weight * bands[family].slope(means[family]) / counts[family]
        for family in set(families)
        if family in bands and counts[family] > 0
    }
    scale = torch.tensor([factors.get(family, 0.0) for family in families], dtype=entropies.dtype)
    used = scale != 0
    return (entropies[used] * scale.to(entropies.device)[used]).sum()
