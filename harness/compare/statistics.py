"""Tests and resampling for two models on the same samples: McNemar, Holm, the paired bootstrap, power.

Differences are fractions, -1 to 1. The closed forms of `harness.scores.stats` decide; the bootstrap stands
beside them as a check that assumes less.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.scores.stats import LEVEL, NORMAL, Estimate, Spread, freedom, numbered, quantile

POWER = 0.8
REPEATS = 10_000
"""Draws of a bootstrap: its ends then move by about 1 % of the interval's width from seed to seed."""
CELLS = 64
"""Up to so many kinds of clusters are drawn as one multinomial; more are drawn one by one."""
_BLOCK = 1 << 20
"""Indices drawn at once: bounds the memory to some 30 MB."""
_NORMAL_POWER = 0.8416212335729143
"""The 80 % quantile of the normal distribution."""

Floats = NDArray[np.float64]


def mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's test that two models are right equally often, two-sided p.

    The exact conditional variant: the pairs in which one is right and the other wrong are tosses of a fair
    coin, and p is twice the binomial tail, at most 1. It never exceeds its level, whatever n. It takes the
    pairs as independent; where samples share an image, use `Spread.p_value` of the clustered difference.

    Args:
        only_a: pairs in which only A is right.
        only_b: pairs in which only B is right.

    Source: McNemar (1947); the exact form in Fay and Lumbard (2021).
    """
    from scipy.special import bdtr

    pairs = only_a + only_b
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), pairs, 0.5))) if pairs else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, adjusted so that the chance of any false alarm among them stays at the level.

    Holm's step-down: no assumption on how the tests depend, and never weaker than Bonferroni. (The false
    discovery rate would let some alarms be false; here one alarm stops a release.)

    Source: Holm (1979).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def visible_share(discordant: int, n: int) -> float | None:
    """The smallest difference of two shares that n independent pairs would show, 80 times in 100, at 5 %.

    Args:
        discordant: pairs in which one model is right and the other wrong; their share is taken as
            (discordant + 2) / (n + 2), so that none seen does not mean that there are none.
        n: pairs.

    Returns:
        0..1, None where no difference is large enough. A difference cannot exceed the share of discordant
        pairs, so where it must, that share grows with it.

    Source: Connor (1987), n = (z_α √ψ + z_β √(ψ - δ²))² / δ², solved for δ.
    """
    if n == 0:
        return None
    share = (discordant + 2) / (n + 2)

    def wanted(delta: float) -> float:
        pairs = max(share, delta)
        spread = NORMAL * math.sqrt(pairs) + _NORMAL_POWER * math.sqrt(max(pairs - delta * delta, 0.0))
        return (spread / delta) ** 2

    if wanted(1.0) > n:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if wanted(middle) > n else (low, middle)
    return high


def visible_mean(spread: Spread) -> float | None:
    """The same for any mean difference: (t_0.975 + t_0.8) standard errors, as observed.

    Clusters are in the standard error. None where that is more than 1.

    Source: the usual normal theory, e.g. Cohen (1988), with Student's t.
    """
    found = (quantile(spread.df) + power_quantile(spread.df)) * spread.error
    return found if 0 < found <= 1 else None


def power_quantile(df: float) -> float:
    """The 80 % quantile of Student's t."""
    if math.isinf(df):
        return _NORMAL_POWER
    from scipy.special import stdtrit

    return float(stdtrit(df, POWER))


def bootstrap(
    differences: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    *,
    seed: int | Sequence[int] = 0,
    repeats: int = REPEATS,
) -> Floats:
    """Draws of a mean difference: pairs resampled with replacement, clusters whole.

    Args:
        differences: (n,) of each pair, n > 0.
        clusters: (n,) what each pair belongs to; None: all independent.
        groups: (n,) for a macro mean: the mean of the groups' means. Groups are resampled each by itself,
            unless a cluster lies in several.
        seed: the same seed gives the same draws.
        repeats: how many.

    Returns:
        (repeats,) draws, for `bootstrap_interval`, and of several tasks for `averaged`.

    Two repairs keep the level in small samples. Right-or-wrong pairs are one multinomial of their cells (only
    A, both or neither, only B) with one pair added in either direction, as in Bonett and Price (2012): a plain
    bootstrap of pairs that all agree has no width at all. Other draws are widened about their mean by
    t/z · √(G/(G - 1)), G clusters, after Hesterberg (2015): a plain percentile interval is too narrow by that.

    Source: Efron (1979); clusters whole: Davison and Hinkley (1997), section 3.8.
    """
    values = np.asarray(differences, np.float64)
    rng = np.random.default_rng(seed)
    if groups is None:
        return _draws(values, _codes(clusters, len(values)), rng, repeats)
    strata = _codes(groups, len(values))
    units = _codes(clusters, len(values))
    count = int(strata.max()) + 1
    crossing = len(np.unique(units * count + strata)) > len(np.unique(units))
    if crossing:
        return _crossed_draws(values, units, strata, rng, repeats)
    parts = [
        _draws(values[strata == group], _codes(array("q", units[strata == group].tobytes()), 0), rng, repeats)
        for group in range(count)
    ]
    return averaged(parts, [float(values[strata == group].mean()) for group in range(count)])


def averaged(draws: Sequence[Floats], values: Sequence[float]) -> Floats:
    """Draws of the plain mean of independent differences, each centred at the value observed.

    Centred, because the added pairs pull each towards zero, which would not average out.
    """
    if len(draws) == 1:
        return draws[0]
    centred = [drawn - drawn.mean() + value for drawn, value in zip(draws, values, strict=True)]
    mean: Floats = np.mean(centred, axis=0)
    return mean


def bootstrap_interval(draws: Floats, value: float, n: int) -> Estimate:
    """The 2.5 % and 97.5 % points of the draws, never without the value observed.

    Args:
        draws: (repeats,) of `bootstrap`.
        value: the difference observed.
        n: how many pairs it is the mean of.
    """
    low, high = (float(end) for end in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return Estimate(value, max(-1.0, min(value, low)), min(1.0, max(value, high)), n)


def _codes(labels: Sequence[Hashable] | None, n: int) -> NDArray[np.int64]:
    """Labels as numbers from 0; without any, each observation is its own."""
    if labels is None:
        return np.arange(n)
    return np.array(numbered(labels)[0], np.int64)


def _draws(values: Floats, units: NDArray[np.int64], rng: np.random.Generator, repeats: int) -> Floats:
    sums, sizes = np.bincount(units, values), np.bincount(units).astype(np.float64)
    means = sums / sizes
    if np.ptp(means) < 1e-9 or (len(sums) == len(values) and np.isin(values, (-1.0, 0.0, 1.0)).all()):
        # Clusters that are all alike count as one yes or no each, as in the closed form.
        worse, better = -means[means < 0].sum() + 1, means[means > 0].sum() + 1
        total = len(means) + 2
        drawn = rng.multinomial(total, np.array([worse, total - worse - better, better]) / total, size=repeats)
        shares: Floats = (drawn[:, 2] - drawn[:, 0]) / total
        return shares
    kinds, counts = np.unique(np.stack([sums, sizes], axis=1), axis=0, return_counts=True)
    if len(kinds) <= CELLS:
        drawn = rng.multinomial(len(sums), counts / len(sums), size=repeats)
        draws = (drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1])
    else:
        blocks = _blocks(len(sums), rng, repeats)
        draws = np.concatenate([sums[block].sum(axis=1) / sizes[block].sum(axis=1) for block in blocks])
    return _widened(draws, sums - sizes * values.mean())


def _crossed_draws(
    values: Floats,
    units: NDArray[np.int64],
    strata: NDArray[np.int64],
    rng: np.random.Generator,
    repeats: int,
) -> Floats:
    """A macro mean whose clusters lie in several groups; a group that a draw misses leaves that draw's mean."""
    shape = (int(units.max()) + 1, int(strata.max()) + 1)
    sums, sizes = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (units, strata), values)
    np.add.at(sizes, (units, strata), 1.0)
    parts = []
    for block in _blocks(shape[0], rng, repeats):
        weights = np.zeros((len(block), shape[0]))
        np.add.at(weights, (np.arange(len(block))[:, None], block), 1.0)
        with np.errstate(invalid="ignore"):
            parts.append(np.nanmean((weights @ sums) / (weights @ sizes), axis=1))
    totals = sizes.sum(axis=0)
    deviations = (sums - sizes * (sums.sum(axis=0) / totals)) / totals
    return _widened(np.concatenate(parts), deviations.mean(axis=1))


def _blocks(count: int, rng: np.random.Generator, repeats: int) -> Iterator[NDArray[np.int64]]:
    """Indices of `count` clusters drawn with replacement, (draws, count) at a time."""
    step = max(1, _BLOCK // count)
    for start in range(0, repeats, step):
        yield rng.integers(0, count, (min(step, repeats - start), count))


def _widened(draws: Floats, sums: Floats) -> Floats:
    """Draws wider about their mean; sums: (G,) of deviations within each cluster."""
    count = len(sums)
    centre = draws.mean()
    factor = quantile(freedom(array("d", sums.tobytes()))) / NORMAL * math.sqrt(count / max(count - 1, 1))
    wider: Floats = centre + factor * (draws - centre)
    return wider
