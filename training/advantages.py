"""Advantages: from the rewards of a batch of responses to the weight of each in the policy gradient.

Six estimators behind one signature. Rewards are float64 throughout: in float32, noise of 1e-7 decides the order
of near-ties and moves an advantage by up to 2.2.

Sources: G²RPO, Gaussian GRPO (arXiv 2604.08539); GRPO (arXiv 2402.03300); Dr. GRPO (arXiv 2503.20783);
EMA-GRPO (OneThinker, arXiv 2512.03043); GDPO (arXiv 2601.05242).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]

TaskPass = Literal["rank", "scale", "none"]
"""What G²RPO does over a family after its pass over the groups.

rank: the same Gaussian map again, as the paper has it; on uneven mixes it may change signs. scale: divide by
the family's root mean square, which keeps signs. none: nothing.
"""

TIE = 1e-6
"""Sorted neighbours closer than this are equal."""
EPSILON = 1e-8
"""Keeps a division by a standard deviation finite."""


@dataclass(frozen=True)
class Batch:
    """The rewards of a batch, one entry a response, in any order.

    Args:
        rewards: shape (n,), the total reward of each response.
        groups: length n, which prompt a response answers: any hashable labels.
        families: length n, which task family the prompt is of; one family a group.
        components: name → shape (n,), the terms that the total is made of; for GDPO only.
        weights: name → the weight of a component in the total; 1 where absent.
    """

    rewards: Array
    groups: Sequence[object]
    families: Sequence[str]
    components: dict[str, Array] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.rewards)
        columns: dict[str, Sized] = {"groups": self.groups, "families": self.families, **self.components}
        for name, column in columns.items():
            if len(column) != n:
                raise ValueError(f"{name} has {len(column)} entries for {n} rewards")
        if not all(np.isfinite(values).all() for values in (self.rewards, *self.components.values())):
            raise ValueError("a reward is not finite")


@dataclass
class Moments:
    """Moving first and second moments of the rewards of each family: the state of EMA-GRPO."""

    decay: float = 0.99
    by_family: dict[str, tuple[float, float]] = field(default_factory=dict)

    def update(self, family: str, rewards: Array) -> float:
        """Take in a batch's rewards of a family; returns the standard deviation after it.

        The first batch of a family sets the moments.
        """
        mean, square = float(rewards.mean()), float(np.square(rewards).mean())
        if family in self.by_family:
            old_mean, old_square = self.by_family[family]
            mean = self.decay * old_mean + (1 - self.decay) * mean
            square = self.decay * old_square + (1 - self.decay) * square
        self.by_family[family] = (mean, square)
        return float(np.sqrt(max(0.0, square - mean**2)))


def encode(labels: Sequence[object]) -> Labels:
    """Labels as integers from 0, in order of first appearance. Shape (n,)."""
    codes: dict[object, int] = {}
    return np.fromiter((codes.setdefault(label, len(codes)) for label in labels), np.intp, len(labels))


def gaussian_ranks(values: Array, sets: Labels) -> Array:
    """Φ⁻¹(F(value)) within each set: equal values share the mean of their quantiles.

    In a set of N, sorted, the value of rank r (from 1) gets Φ⁻¹((r − ½)/N). One value, or all equal: 0.

    Args:
        values: shape (n,).
        sets: shape (n,), the set that each value is ranked in, coded from 0.

    Returns:
        Shape (n,), with mean 0 over each set.
    """
    n = len(values)
    if n == 0:
        return np.zeros(0)
    order = np.lexsort((values, sets))
    by_set, sorted_values = sets[order], values[order]
    starts_set = np.ones(n, dtype=bool)
    starts_set[1:] = by_set[1:] != by_set[:-1]
    first = np.flatnonzero(starts_set)
    sizes = np.diff(np.append(first, n))
    rank = np.arange(n) - np.repeat(first, sizes)
    quantiles = ndtri((rank + 0.5) / np.repeat(sizes, sizes))
    starts_tie = starts_set.copy()
    starts_tie[1:] |= np.diff(sorted_values) >= TIE
    ties = np.cumsum(starts_tie) - 1
    shared = np.bincount(ties, quantiles) / np.bincount(ties)
    # The quantiles of a whole set are symmetric; without rounding their mean is 0.
    shared[np.bincount(ties) == np.repeat(sizes, sizes)[starts_tie]] = 0.0
    result = np.empty(n)
    result[order] = shared[ties]
    return result


def _mean(values: Array, sets: Labels) -> Array:
    """The mean of each value's set. Shape (n,)."""
    return (np.bincount(sets, values) / np.bincount(sets))[sets]


def _deviation(values: Array, sets: Labels) -> Array:
    """The population standard deviation of each value's set. Shape (n,)."""
    variance = np.bincount(sets, np.square(values - _mean(values, sets))) / np.bincount(sets)
    return np.sqrt(variance)[sets]


def _standard(values: Array, sets: Labels) -> Array:
    """Values minus their set's mean, over its deviation; 0 where all of a set are equal (closer than TIE)."""
    deviation = _deviation(values, sets)
    return np.where(deviation < TIE, 0.0, (values - _mean(values, sets)) / (deviation + EPSILON))


def g2rpo(batch: Batch, moments: Moments | None = None, *, task_pass: TaskPass = "rank") -> Array:
    """Gaussian GRPO: a Gaussian map within each group, then over each family."""
    del moments
    within = gaussian_ranks(batch.rewards, encode(batch.groups))
    return _over_families(within, encode(batch.families), task_pass)


def _over_families(within: Array, families: Labels, task_pass: TaskPass) -> Array:
    if task_pass == "none":
        return within
    if task_pass == "rank":
        return gaussian_ranks(within, families)
    root_mean_square = np.sqrt(_mean(np.square(within), families))
    return np.where(root_mean_square < TIE, 0.0, within / (root_mean_square + EPSILON))


def grpo(batch: Batch, moments: Moments | None = None) -> Array:
    """GRPO: the reward minus the group's mean, over the group's population standard deviation."""
    del moments
    return _standard(batch.rewards, encode(batch.groups))


def dr_grpo(batch: Batch, moments: Moments | None = None) -> Array:
    """Dr. GRPO: the reward minus the group's mean."""
    del moments
    return batch.rewards - _mean(batch.rewards, encode(batch.groups))


def ema_grpo(batch: Batch, moments: Moments | None = None) -> Array:
    """EMA-GRPO: the reward minus the group's mean, over the family's moving deviation, updated before use."""
    moments = moments if moments is not None else Moments()
    centred = dr_grpo(batch)
    families = np.asarray(batch.families, dtype=object)
    result = np.zeros(len(centred))
    for family in sorted(set(batch.families)):
        of_family = families == family
        deviation = moments.update(family, batch.rewards[of_family])
        if deviation >= TIE:
            result[of_family] = centred[of_family] / (deviation + EPSILON)
    return result


def _decoupled(batch: Batch, normalize: Callable[[Array, Labels], Array]) -> Array:
    """Each component normalised within its group, summed by weight, then standardised over the family."""
    groups = encode(batch.groups)
    components = batch.components or {"reward": batch.rewards}
    total = np.zeros(len(batch.rewards))
    for name, values in components.items():
        total += batch.weights.get(name, 1.0) * normalize(values, groups)
    return _standard(total, encode(batch.families))


def gdpo(batch: Batch, moments: Moments | None = None) -> Array:
    """GDPO: each reward component standardised on its own, so that none drowns another."""
    del moments
    return _decoupled(batch, _standard)


def gs_gdpo(batch: Batch, moments: Moments | None = None) -> Array:
    """GDPO's Gaussian form: the components pass the Gaussian map instead of standardisation."""
    del moments
    return _decoupled(batch, gaussian_ranks)


Estimator = Callable[[Batch, Moments | None], Array]

ESTIMATORS: dict[str, Estimator] = {
    "g2rpo": g2rpo,
    "grpo": grpo,
    "dr_grpo": dr_grpo,
    "ema_grpo": ema_grpo,
    "gdpo": gdpo,
    "gs_gdpo": gs_gdpo,
}


def estimator(name: str, *, task_pass: TaskPass = "rank") -> Estimator:
    """The estimator of a name; `task_pass` is for `g2rpo` alone.

    Raises:
        KeyError: there is no such estimator.
    """
    return partial(g2rpo, task_pass=task_pass) if name == "g2rpo" else ESTIMATORS[name]


@dataclass(frozen=True, slots=True)
class FamilyStatistics:
    """What to log of one family's advantages."""

    mean: float
    variance: float
    skew: float
    flips: float
    """Share of responses whose advantage has the opposite sign to their reward minus the group's mean."""


def statistics(batch: Batch, advantages: Array) -> dict[str, FamilyStatistics]:
    """Mean, variance, skew and share of sign flips of the advantages of each family."""
    centred = dr_grpo(batch)
    centred[np.abs(centred) < TIE] = 0.0
    flipped = centred * advantages < 0
    families = np.asarray(batch.families, dtype=object)
    result = {}
    for family in sorted(set(batch.families)):
        values = advantages[families == family]
        deviation = float(values.std())
        third = float(((values - values.mean()) ** 3).mean())
        result[family] = FamilyStatistics(
            mean=float(values.mean()),
            variance=deviation**2,
            skew=third / deviation**3 if deviation > TIE else 0.0,
            flips=float(flipped[families == family].mean()),
        )
    return result
