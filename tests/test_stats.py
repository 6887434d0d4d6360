"""Intervals: hand-checked values, and that they hold the truth about 95 times in 100."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import (
    NOTHING,
    Estimate,
    macro_interval,
    mean_interval,
    mean_of,
    paired_interval,
    quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("df", "expected"),
    [
        (1, 12.7062047),
        (2, 4.3026527),
        (10, 2.2281389),
        (30, 2.0422725),
        (1000, 1.9623391),
        (math.inf, 1.959964),
    ],
)
def test_quantiles_are_those_of_the_tables(df: float, expected: float) -> None:
    assert quantile(df) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (5, 10, 0.23659, 0.76341),
        (81, 263, 0.25529, 0.36621),  # Newcombe (1998), table I
        (15, 148, 0.06237, 0.16051),  # the same
        (1, 29, 0.00611, 0.17178),  # the same
    ],
)
def test_wilson_is_as_published(right: int, n: int, low: float, high: float) -> None:
    found = wilson(right / n, n)
    assert found == pytest.approx((low, high), abs=6e-5)
    estimate = mean_interval([1.0] * right + [0.0] * (n - right))
    assert (estimate.low, estimate.high) == pytest.approx(found)
    assert estimate.n == n


def test_nothing_has_no_number() -> None:
    assert mean_interval([]) == NOTHING
    assert paired_interval([], []) == NOTHING
    assert mean_of([]) == NOTHING
    assert mean_of([Estimate(0.5, 0.4, 0.6, 10), NOTHING]) == NOTHING
    assert NOTHING.scaled(100) == NOTHING


def test_one_observation_says_almost_nothing() -> None:
    estimate = mean_interval([1.0])
    assert estimate.low is not None
    assert estimate.low < 0.25
    assert estimate.high == 1.0


def test_equal_graded_scores_are_not_certain() -> None:
    estimate = mean_interval([0.5] * 8)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 0.25
    assert estimate.high > 0.75


def test_clusters_of_copies_count_once() -> None:
    values = [1.0, 0.0, 1.0, 1.0] * 5
    clusters = [f"c{index % 4}" for index in range(20)]
    copied = mean_interval(values, clusters)
    alone = mean_interval(values)
    assert copied.value == alone.value == 0.75
    assert copied.n == 20
    assert copied.high is not None
    assert copied.low is not None
    assert alone.low is not None
    assert copied.low < alone.low - 0.2


def test_singleton_clusters_change_nothing() -> None:
    values = [1.0, 0.0, 1.0, 1.0]
    assert mean_interval(values, list(range(4))) == mean_interval(values)


def test_values_outside_0_to_1_get_students_interval() -> None:
    estimate = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert estimate.value == 3.0
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert (estimate.low, estimate.high) == pytest.approx((3 - half, 3 + half), abs=1e-5)


def test_means_of_means_join_their_distances() -> None:
    parts = [Estimate(0.5, 0.4, 0.7, 10), Estimate(0.9, 0.6, 1.0, 5)]
    joined = mean_of(parts)
    assert joined.value == pytest.approx(0.7)
    assert joined.low == pytest.approx(0.7 - math.hypot(0.1, 0.3) / 2)
    assert joined.high == pytest.approx(0.7 + math.hypot(0.2, 0.1) / 2)
    assert joined.n == 15


def test_macro_weighs_groups_alike() -> None:
    values = [1.0] * 9 + [0.0]
    groups = ["many"] * 9 + ["one"]
    assert macro_interval(values, groups).value == 0.5


def test_macro_with_clusters_across_groups() -> None:
    rng = np.random.default_rng(0)
    values = list((rng.random(200) < 0.6).astype(float))
    groups = ["a", "b"] * 100
    across = [index // 2 for index in range(200)]
    apart = macro_interval(values, groups, list(range(200)))
    joined = macro_interval(values, groups, across)
    assert joined.value == apart.value
    assert joined.low == pytest.approx(apart.low, abs=0.02)
    same = [value for value in values[:100] for _ in range(2)]
    doubled = macro_interval(same, groups, across)
    single = mean_interval(same[::2])
    assert (doubled.low, doubled.high) == pytest.approx((single.low, single.high), abs=0.01)


def test_paired_difference_is_signed_and_bounded() -> None:
    better = paired_interval([1.0] * 20, [0.0] * 20)
    assert better.value == 1.0
    assert better.low is not None
    assert 0.7 < better.low < 1.0
    assert better.high == 1.0
    nothing = paired_interval([1.0, 0.0] * 10, [1.0, 0.0] * 10)
    assert nothing.value == 0.0
    assert nothing.low is not None
    assert nothing.high is not None
    assert nothing.low < 0 < nothing.high


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_interval([1.0], [1.0, 0.0])


Draw = Callable[[np.random.Generator], tuple[Estimate, float]]


def plain(rng: np.random.Generator) -> tuple[Estimate, float]:
    return mean_interval(list((rng.random(40) < 0.85).astype(float))), 0.85


def graded(rng: np.random.Generator) -> tuple[Estimate, float]:
    return mean_interval(list(rng.beta(4, 1, 60))), 0.8


def clustered(rng: np.random.Generator) -> tuple[Estimate, float]:
    rates = rng.beta(2, 2, 40)
    sizes = rng.integers(1, 6, 40)
    clusters = np.repeat(np.arange(40), sizes)
    values = (rng.random(sizes.sum()) < rates[clusters]).astype(float)
    return mean_interval(list(values), list(clusters)), 0.5


def macro(rng: np.random.Generator) -> tuple[Estimate, float]:
    values = list((rng.random(50) < 0.9).astype(float)) + list((rng.random(20) < 0.4).astype(float))
    return macro_interval(values, ["a"] * 50 + ["b"] * 20), 0.65


def means(rng: np.random.Generator) -> tuple[Estimate, float]:
    parts = [mean_interval(list((rng.random(50) < p).astype(float))) for p in (0.98, 0.5, 0.8)]
    return mean_of(parts), (0.98 + 0.5 + 0.8) / 3


def paired(rng: np.random.Generator) -> tuple[Estimate, float]:
    both = rng.random(60)
    return paired_interval(list((both < 0.7).astype(float)), list((both < 0.6).astype(float))), 0.1


def paired_graded(rng: np.random.Generator) -> tuple[Estimate, float]:
    base = rng.random(50)
    return paired_interval(list(base * 0.9 + 0.1 * rng.random(50)), list(base * 0.9)), 0.05


@pytest.mark.parametrize("draw", [plain, graded, clustered, macro, means, paired, paired_graded])
def test_intervals_hold_the_truth(draw: Draw) -> None:
    rng = np.random.default_rng(7)
    held, repeats = 0, 1000
    for _ in range(repeats):
        estimate, truth = draw(rng)
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= truth <= estimate.high
    # 0.93 is three standard errors of 1000 draws below 0.95.
    assert 0.93 <= held / repeats <= 0.99


def test_ignoring_clusters_would_miss_the_truth() -> None:
    """The control of the test above: it can fail."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        rates = rng.beta(1, 1, 15)
        values = (rng.random((15, 8)) < rates[:, None]).astype(float).ravel()
        estimate = mean_interval(list(values))
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 0.5 <= estimate.high
    assert held / 300 < 0.85
