"""Intervals of means: plain proportions, graded scores, clusters, macro averages, paired differences.

All inputs are fractions, 0 to 1 unless said otherwise; all intervals are at 95 %. Everything is a closed form,
so the same scores give the same interval everywhere.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

LEVEL = 0.95
NORMAL = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval. With n = 0 there is no number: all three are None.

    A number that is no mean over samples has no interval: `low` and `high` are None.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    """How many observations it is the mean of: samples, or groups of a circular metric."""

    def scaled(self, scale: float) -> Estimate:
        """The estimate in displayed units, 1.0 being `scale`."""
        if self.value is None:
            return self
        if self.low is None or self.high is None:
            return replace(self, value=self.value * scale)
        return Estimate(self.value * scale, self.low * scale, self.high * scale, self.n)


NOTHING = Estimate(None, None, None, 0)


@cache
def quantile(df: float) -> float:
    """The 97.5 % quantile of Student's t with `df`, of the normal distribution where it is infinite."""
    if math.isinf(df):
        return NORMAL
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + LEVEL) / 2))


def wilson(p: float, n: float, df: float = math.inf) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        p: the share observed.
        n: how many were observed; with clusters or graded scores the effective number, p (1 - p) / variance.
        df: degrees of freedom behind the variance; infinite where it follows from p alone.

    Source: Wilson (1927); with an effective n and Student's t as for survey samples (Korn and Graubard 1998).
    """
    t = quantile(df)
    shrink = 1 + t * t / n
    centre = (p + t * t / (2 * n)) / shrink
    half = t / shrink * math.sqrt(max(p * (1 - p), 0.0) / n + t * t / (4 * n * n))
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Estimate:
    """The mean of scores, with Wilson's interval over the effective number of observations.

    Args:
        values: (n,) one for each observation.
        clusters: (n,) what each belongs to: observations that share an image or a question vary together, and
            the interval is that of the clusters (cluster-robust, linearised ratio). None: all independent.

    Values outside 0..1 get Student's interval instead, which knows no bounds.
    """
    n = len(values)
    if n == 0:
        return NOTHING
    mean = math.fsum(values) / n
    sums = _cluster_sums(values, clusters, mean)
    groups = len(sums)
    bounded = all(0.0 <= value <= 1.0 for value in values)
    if bounded and groups == n and all(value in (0.0, 1.0) for value in values):
        return Estimate(mean, *wilson(mean, n), n)
    variance = _variance(sums, n)
    df = freedom(sums)
    if not bounded:
        half = quantile(df) * math.sqrt(variance)
        return Estimate(mean, mean - half, mean + half, n)
    if variance * n * groups <= 1e-9:
        # All alike: the variance says nothing yet, so each cluster counts as one yes or no.
        return Estimate(mean, *wilson(mean, groups, df), n)
    return Estimate(mean, *wilson(mean, mean * (1 - mean) / variance, df), n)


def numbered(labels: Sequence[Hashable]) -> tuple[array[int], int]:
    """Labels as numbers from 0 in the order in which they appear first, and how many there are.

    An array of whole numbers from 0 needs no dictionary: that takes eight bytes up to its largest one.
    """
    if isinstance(labels, array):
        numbers = array("q", [-1]) * (max(labels, default=-1) + 1)
        count = 0
        for label in labels:
            if numbers[label] < 0:
                numbers[label] = count
                count += 1
        return array("q", map(numbers.__getitem__, labels)), count
    known: dict[Hashable, int] = {}
    return array("q", (known.setdefault(label, len(known)) for label in labels)), len(known)


def _cluster_sums(values: Iterable[float], clusters: Sequence[Hashable] | None, mean: float) -> array[float]:
    """The sum of deviations from the mean within each cluster."""
    if clusters is None:
        return array("d", (value - mean for value in values))
    numbers, count = numbered(clusters)
    sums = array("d", [0.0]) * count
    for value, number in zip(values, numbers, strict=True):
        sums[number] = sums[number] + value - mean
    return sums


def _variance(sums: Sequence[float], n: int) -> float:
    """The variance of a mean over n observations from the sums of deviations of independent clusters."""
    groups = len(sums)
    return math.fsum(part * part for part in sums) / n**2 * groups / max(groups - 1, 1)


def freedom(sums: Sequence[float]) -> float:
    """Degrees of freedom behind a variance that is estimated from the deviations of independent clusters.

    One less than the clusters, and fewer where a few of them make up the variance (rare errors that come in
    clusters): 2 V² / Var(V), with the fourth powers for Var(V). Source: Satterthwaite (1946); for
    cluster-robust variances Pan and Wall (2002).
    """
    groups = len(sums)
    squares = array("d", (part * part for part in sums))
    total = math.fsum(squares)
    spread = math.fsum(square * square for square in squares) - total * total / groups
    most = max(groups - 1, 1)
    return float(most) if spread <= 1e-12 * total * total else max(1.0, min(most, 2 * total * total / spread))


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The plain mean of independent estimates (groups of a macro average, tasks of a category).

    Its interval joins theirs, each side by itself, as the square root of the sum of squared distances
    (MOVER: Zou and Donner 2008). Nothing where one of them is nothing.
    """
    if not estimates:
        return NOTHING
    value = below = above = 0.0
    for estimate in estimates:
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return NOTHING
        value += estimate.value
        below += (estimate.value - estimate.low) ** 2
        above += (estimate.high - estimate.value) ** 2
    k = len(estimates)
    mean = value / k
    n = sum(estimate.n for estimate in estimates)
    return Estimate(mean, mean - math.sqrt(below) / k, mean + math.sqrt(above) / k, n)


def macro_interval(
    values: Sequence[float], groups: Sequence[Hashable], clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean of the means of groups.

    Args:
        values: (n,) one for each observation.
        groups: (n,) the group of each.
        clusters: (n,) as for `mean_interval`. A cluster that lies in several groups makes their means
            dependent: then the interval is Wilson's with the linearised variance of the whole.
    """
    members = _members(groups)
    parts = [
        mean_interval(
            array("d", map(values.__getitem__, positions)),
            None if clusters is None else _chosen(clusters, positions),
        )
        for positions in members
    ]
    joined = mean_of(parts)
    if clusters is None or joined.value is None:
        return joined
    numbers, count = numbered(clusters)
    if not _crossing(numbers, count, members):
        return joined
    influence = array("d", [0.0]) * count
    for part, positions in zip(parts, members, strict=True):
        for position in positions:
            assert part.value is not None
            share = (values[position] - part.value) / (len(members) * len(positions))
            influence[numbers[position]] += share
    variance = _variance(influence, 1)
    df = max(min(len(influence) - len(members), freedom(influence)), 1)
    if variance <= 1e-12:
        return Estimate(joined.value, *wilson(joined.value, len(influence), df), joined.n)
    effective = joined.value * (1 - joined.value) / variance
    return Estimate(joined.value, *wilson(joined.value, effective, df), joined.n)


def _members(groups: Sequence[Hashable]) -> list[array[int]]:
    """The positions of each group, in the order in which groups appear."""
    members: dict[Hashable, array[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group, array("q")).append(position)
    return list(members.values())


def _chosen(labels: Sequence[Hashable], positions: Iterable[int]) -> Sequence[Hashable]:
    """Some of the labels; an array of whole numbers stays one."""
    chosen: Any = map(labels.__getitem__, positions)
    return array("q", chosen) if isinstance(labels, array) else list(chosen)


def _crossing(numbers: Sequence[int], count: int, members: Sequence[Iterable[int]]) -> bool:
    """Whether a cluster, by its number, lies in several groups."""
    home = array("q", [-1]) * count
    for group, positions in enumerate(members):
        for position in positions:
            if home[numbers[position]] not in (-1, group):
                return True
            home[numbers[position]] = group
    return False


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean difference with its standard error: what its interval and its test are made of."""

    value: float
    """As observed; -1..1."""
    centre: float
    """Of the interval; not the value where pairs were added (Bonett and Price)."""
    error: float
    """Standard error of the centre."""
    df: float
    """Degrees of freedom of Student's t; infinite: normal."""
    n: int

    @property
    def estimate(self) -> Estimate:
        """The value with its 95 % interval, never beyond -1..1 and never without the value."""
        half = quantile(self.df) * self.error
        low, high = self.centre - half, self.centre + half
        return Estimate(self.value, max(-1.0, min(self.value, low)), min(1.0, max(self.value, high)), self.n)

    def p_value(self, against: float = 0.0) -> float:
        """Of the difference being `against`, two-sided: below 0.05 where the interval leaves it out."""
        distance = abs(self.centre - against)
        if self.error == 0:
            return 1.0 if distance == 0 else 0.0
        if math.isinf(self.df):
            return math.erfc(distance / self.error / math.sqrt(2))
        from scipy.special import stdtr

        return float(2 * stdtr(self.df, -distance / self.error))


def joined(spreads: Sequence[Spread]) -> Spread:
    """The plain mean of independent differences; degrees of freedom of Welch (1947).

    The mean of several is centred at its value: what the added pairs pull each part towards zero would not
    average out, while the error does.
    """
    if len(spreads) == 1:
        return spreads[0]
    k = len(spreads)
    value = math.fsum(part.value for part in spreads) / k
    variance = math.fsum(part.error**2 for part in spreads) / k**2
    finite = math.fsum((part.error / k) ** 4 / part.df for part in spreads)
    df = variance**2 / finite if finite > 0 else math.inf
    return Spread(value, value, math.sqrt(variance), df, sum(part.n for part in spreads))


def paired_spread(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> Spread | None:
    """The mean difference a - b of scores of the same samples, as `paired_interval`; None without any."""
    differences = array("d", (left - right for left, right in zip(a, b, strict=True)))
    n = len(differences)
    if n == 0:
        return None
    mean = math.fsum(differences) / n
    sums = _cluster_sums(differences, clusters, mean)
    variance = _variance(sums, n)
    groups = len(sums)
    independent = groups == n and all(value in (-1.0, 0.0, 1.0) for value in differences)
    if independent or variance * n * groups <= 1e-9:
        differing = sum(map(abs, differences)) / n * groups
        centre = mean * groups / (groups + 2)
        error = math.sqrt(max((differing + 2) / (groups + 2) - centre**2, 0) / (groups + 2))
        return Spread(mean, centre, error, math.inf, n)
    return Spread(mean, mean, math.sqrt(variance), freedom(sums), n)


def paired_macro_spread(
    a: Sequence[float],
    b: Sequence[float],
    groups: Sequence[Hashable],
    clusters: Sequence[Hashable] | None = None,
) -> Spread | None:
    """The difference of two macro means (see `macro_interval`) over the same samples; None without any.

    Where no cluster lies in several groups, the groups' differences joined; else the linearised variance of
    the whole.
    """
    members = _members(groups)
    numbers, count = numbered(array("q", range(len(a))) if clusters is None else clusters)
    parts: list[Spread] = []
    influence = array("d", [0.0]) * count
    for positions in members:
        own = None if clusters is None else _chosen(clusters, positions)
        mine, theirs = (array("d", map(side.__getitem__, positions)) for side in (a, b))
        part = paired_spread(mine, theirs, own)
        assert part is not None
        parts.append(part)
        for index in positions:
            share = (a[index] - b[index] - part.value) / (len(members) * len(positions))
            influence[numbers[index]] += share
    if not parts:
        return None
    whole = joined(parts)
    variance = _variance(influence, 1)
    if not _crossing(numbers, count, members) or variance <= 1e-12:
        return whole
    return Spread(whole.value, whole.value, math.sqrt(variance), freedom(influence), whole.n)


def paired_interval(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean difference a - b of scores of the same samples; in -1..1.

    Args:
        a: (n,) scores of one model.
        b: (n,) scores of another on the same samples, in the same order.
        clusters: (n,) as for `mean_interval`.

    Right-or-wrong scores without clusters get the interval of Bonett and Price (2012), which adds one pair in
    either direction and so keeps its level where few pairs differ; others get Student's with cluster-robust
    variance.
    """
    spread = paired_spread(a, b, clusters)
    return NOTHING if spread is None else spread.estimate
