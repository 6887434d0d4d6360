"""Intervals: hand-checked values, and those of scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats as scipy_stats
from statsmodels.stats import proportion

from harness.scores.stats import (
    NOTHING,
    Estimate,
    Spread,
    freedom,
    joined,
    macro_interval,
    mean_interval,
    mean_of,
    paired_interval,
    paired_macro_spread,
    paired_spread,
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


# Against scipy and statsmodels


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 40), (199, 200), (1234, 3000)])
def test_wilson_is_that_of_scipy_and_statsmodels(right: int, n: int) -> None:
    found = wilson(right / n, n)
    test = scipy_stats.binomtest(right, n).proportion_ci(method="wilson")
    assert found == pytest.approx((test.low, test.high))
    assert found == pytest.approx(proportion.proportion_confint(right, n, method="wilson"), abs=1e-12)


def test_students_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).normal(3, 2, 25)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval()
    found = mean_interval(values.tolist())
    # freedom() may take fewer degrees than n - 1 where the tails are heavy.
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_clustered_error_is_that_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    values = rng.normal(0, 0.1, 40)[clusters] + rng.normal(0, 0.1, len(clusters))
    fitted = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "df_correction": False, "use_correction": False}
    )
    spread = paired_spread(values.tolist(), [0.0] * len(values), clusters.tolist())
    assert spread is not None
    assert spread.error == pytest.approx(float(fitted.bse[0]) * math.sqrt(40 / 39))


def test_the_paired_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.uniform(0, 1, 400), rng.uniform(0, 1, 400)
    spread = paired_spread(a.tolist(), b.tolist())
    assert spread is not None
    expected = scipy_stats.ttest_rel(a, b)
    assert spread.p_value() == pytest.approx(expected.pvalue, abs=1e-4)
    interval = expected.confidence_interval()
    assert (spread.estimate.low, spread.estimate.high) == pytest.approx((interval.low, interval.high), abs=1e-4)
    against = scipy_stats.ttest_1samp(a - b, 0.05).pvalue
    assert spread.p_value(0.05) == pytest.approx(against, abs=1e-3)


def test_bonett_and_price_by_hand() -> None:
    """Their formula put in: 12 and 5 of 60 pairs differ."""
    a, b = [1.0] * 12 + [0.0] * 48, [0.0] * 12 + [1.0] * 5 + [0.0] * 43
    p12, p21, n = 13 / 62, 6 / 62, 62
    half = 1.959964 * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / n)
    found = paired_interval(a, b)
    assert (found.low, found.high) == pytest.approx((p12 - p21 - half, p12 - p21 + half), abs=1e-6)
    assert found.value == pytest.approx(7 / 60)


def test_a_p_value_below_5_percent_is_an_interval_without_the_value() -> None:
    rng = np.random.default_rng(2)
    seen = set()
    for _ in range(200):
        values = rng.normal(0.1, 0.3, 30).tolist()
        spread = paired_spread(values, [0.0] * 30)
        assert spread is not None
        low = spread.estimate.low
        assert low is not None
        seen.add(low > 0)
        assert (spread.p_value() < 0.05) == (low > 0 or (spread.estimate.high or 0) < 0)
    assert seen == {True, False}


def test_a_spread_without_error() -> None:
    assert Spread(0.5, 0.5, 0.0, 3, 4).p_value() == 0.0
    assert Spread(0.0, 0.0, 0.0, 3, 4).p_value() == 1.0
    assert Spread(0.99, 0.97, 0.05, 3, 4).estimate.high == 1.0


def test_degrees_of_freedom() -> None:
    """Sums of one size have all, few that make up the variance have about twice as many as they are."""
    assert freedom([1.0, -1.0] * 20) == 39
    assert freedom([0.0] * 10) == 9
    rare = freedom([0.0] * 196 + [1.0, -1.0, 1.0, -1.0])
    assert rare == pytest.approx(8, abs=0.2)
    draws = np.random.default_rng(0).normal(0, 1, 3000)
    assert freedom(draws.tolist()) > 2500


def test_joining_is_welch_for_two() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(0.2, 0.1, 40), rng.normal(-0.1, 0.3, 25)
    parts = [paired_spread(values.tolist(), [0.0] * len(values)) for values in (a, -b)]
    assert None not in parts
    whole = joined([part for part in parts if part is not None])
    welch = scipy_stats.ttest_ind(a, b, equal_var=False)
    assert whole.value == pytest.approx((a.mean() - b.mean()) / 2)
    assert whole.error == pytest.approx(welch.statistic**-1 * whole.value * 1.0, rel=1e-9)
    assert whole.df == pytest.approx(welch.df, rel=0.25)
    assert joined(whole_parts := [whole]) is whole_parts[0]


def test_a_mean_is_not_pulled_to_zero() -> None:
    """Added pairs would bias the mean of many tasks; its interval is centred at its value."""
    spread = paired_spread([1.0] * 10 + [0.0] * 10, [0.0] * 20)
    assert spread is not None
    assert spread.centre < spread.value
    whole = joined([spread] * 9).estimate
    assert whole.low is not None
    assert whole.high is not None
    assert whole.value == pytest.approx((whole.low + whole.high) / 2)


def test_paired_macro_by_hand() -> None:
    a, b = [1.0] * 4 + [0.0] * 2, [0.0] * 2 + [1.0] * 2 + [1.0, 0.0]
    found = paired_macro_spread(a, b, ["x"] * 4 + ["y"] * 2)
    assert found is not None
    assert found.value == pytest.approx((0.5 - 0.5) / 2)
    assert found.n == 6
    assert paired_macro_spread([], [], []) is None
    parts = [paired_spread(a[:4], b[:4]), paired_spread(a[4:], b[4:])]
    assert found == joined([part for part in parts if part is not None])


def test_clusters_across_the_groups_of_a_macro_mean() -> None:
    """Answers copied to both groups are as uncertain as one group's."""
    rng = np.random.default_rng(5)
    values = rng.normal(0.1, 0.3, 80).tolist()
    copied = paired_macro_spread(values * 2, [0.0] * 160, ["x"] * 80 + ["y"] * 80, list(range(80)) * 2)
    once = paired_spread(values, [0.0] * 80)
    assert copied is not None
    assert once is not None
    assert (copied.value, copied.error) == (pytest.approx(once.value), pytest.approx(once.error))
