"""Paired tests and the bootstrap: against scipy, statsmodels and hand-checked values."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats import contingency_tables, multitest, power

from harness.compare.statistics import (
    bootstrap,
    bootstrap_interval,
    holm,
    mcnemar,
    power_quantile,
    visible_mean,
    visible_share,
)
from harness.scores.stats import Spread, paired_interval, paired_macro_spread, paired_spread


@pytest.mark.parametrize(
    ("only_a", "only_b", "expected"),
    [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (10, 10, 1.0), (1, 9, 2 * 11 / 1024)],
)
def test_mcnemar_by_hand(only_a: int, only_b: int, expected: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(expected)
    assert mcnemar(only_b, only_a) == pytest.approx(expected)


@pytest.mark.parametrize(("only_a", "only_b"), [(3, 15), (40, 60), (59, 6), (700, 640), (1, 0)])
def test_mcnemar_is_that_of_scipy_and_statsmodels(only_a: int, only_b: int) -> None:
    found = mcnemar(only_a, only_b)
    table = np.array([[50, only_a], [only_b, 20]])
    assert found == pytest.approx(contingency_tables.mcnemar(table, exact=True).pvalue)
    assert found == pytest.approx(min(1.0, scipy_stats.binomtest(only_a, only_a + only_b).pvalue))


def test_holm_by_hand() -> None:
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_is_that_of_statsmodels() -> None:
    p_values = np.random.default_rng(3).random(18) ** 3
    expected = multitest.multipletests(p_values, method="holm")[1]
    assert holm(p_values.tolist()) == pytest.approx(expected.tolist())


def test_what_pairs_could_see_is_seen_so_often() -> None:
    """The visible difference, put in, is found by the interval in about 80 of 100 drawn runs."""
    n, discordant = 1000, 150
    delta = visible_share(discordant, n)
    assert delta is not None
    share = (discordant + 2) / (n + 2)
    rng = np.random.default_rng(5)
    cells = rng.multinomial(n, [(share + delta) / 2, (share - delta) / 2, 1 - share], size=2000)
    found = np.mean([scipy_stats.chi2.sf((up - down) ** 2 / (up + down), 1) < 0.05 for up, down, _ in cells])
    assert 0.77 <= found <= 0.83


def test_smallest_visible_difference_by_hand() -> None:
    # Connor's formula, put in: 0.1 of the pairs differ, and delta is 0.02823.
    delta = visible_share(98, 978 + 20)
    assert delta is not None
    share = 0.1
    z = 1.959964 * math.sqrt(share) + 0.8416212 * math.sqrt(share - delta**2)
    assert (z / delta) ** 2 == pytest.approx(998, rel=1e-4)
    assert visible_share(0, 0) is None
    assert visible_share(2, 3) is None


def test_more_pairs_see_less_and_more_noise_sees_more() -> None:
    found = [visible_share(n // 10, n) for n in (20, 100, 1000, 10_000)]
    assert None not in found
    assert found == sorted(found, reverse=True)
    assert visible_share(10, 200) < visible_share(80, 200)
    assert all(delta is None or 0 < delta <= 1 for n in range(1, 30) for delta in [visible_share(0, n)])


def test_visible_mean_is_the_usual_formula() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(200), rng.random(200)
    spread = paired_spread(a.tolist(), b.tolist())
    assert spread is not None
    delta = visible_mean(spread)
    effect = power.TTestPower().solve_power(nobs=200, alpha=0.05, power=0.8)
    assert delta == pytest.approx(effect * np.std(a - b, ddof=1), rel=0.01)
    assert visible_mean(Spread(0.0, 0.0, 0.0, 5, 6)) is None
    assert visible_mean(Spread(0.0, 0.0, 0.9, 5, 6)) is None
    assert power_quantile(1) == pytest.approx(scipy_stats.t.ppf(0.8, 1))


def differences(n: int, better: float, worse: float, seed: int = 0) -> list[float]:
    drawn = np.random.default_rng(seed).random(n)
    return [1.0 if value < better else -1.0 if value > 1 - worse else 0.0 for value in drawn]


def test_the_bootstrap_is_seeded() -> None:
    given = differences(200, 0.1, 0.05)
    assert np.array_equal(bootstrap(given, seed=4), bootstrap(given, seed=4))
    assert not np.array_equal(bootstrap(given, seed=4), bootstrap(given, seed=5))
    assert bootstrap(given, repeats=123).shape == (123,)


@pytest.mark.parametrize("kind", ["right or wrong", "graded", "few kinds", "clustered"])
def test_the_bootstrap_agrees_with_the_closed_form(kind: str) -> None:
    rng = np.random.default_rng(2)
    given, clusters = differences(900, 0.15, 0.1), None
    if kind == "graded":
        given = [value * share for value, share in zip(given, rng.random(900), strict=True)]
    elif kind == "few kinds":
        given = [value / 2 for value in given]
    elif kind == "clustered":
        clusters = rng.integers(0, 300, 900).tolist()
    found = bootstrap_interval(bootstrap(given, clusters), sum(given) / 900, 900)
    closed = paired_interval(given, [0.0] * 900, clusters)
    assert (found.value, found.n) == (closed.value, 900)
    assert (found.low, found.high) == pytest.approx((closed.low, closed.high), abs=0.0015)


def test_the_bootstrap_resamples_clusters_whole() -> None:
    given = differences(100, 0.3, 0.2)
    copies = [value for value in given for _ in range(6)]
    whole = bootstrap(copies, [place // 6 for place in range(600)])
    alone = bootstrap(given)
    assert np.std(whole) == pytest.approx(np.std(alone), rel=0.05)
    assert np.std(bootstrap(copies)) < 0.5 * np.std(whole)


@pytest.mark.parametrize("crossing", [False, True])
def test_the_bootstrap_of_a_macro_mean(crossing: bool) -> None:
    given = differences(400, 0.2, 0.05) + differences(80, 0.05, 0.3, seed=1)
    groups = ["many"] * 400 + ["few"] * 80
    clusters = [place % 80 if crossing else place // 2 for place in range(480)]
    spread = paired_macro_spread(given, [0.0] * 480, groups, clusters)
    assert spread is not None
    found = bootstrap_interval(bootstrap(given, clusters, groups), spread.value, 480)
    closed = spread.estimate
    assert (found.low, found.high) == pytest.approx((closed.low, closed.high), abs=0.006)


@pytest.mark.parametrize("clusters", [None, [0] * 10 + [1] * 10, list(range(20))])
@pytest.mark.parametrize("level", [0.0, 1.0, -0.25])
def test_pairs_that_all_agree_are_not_certain(level: float, clusters: list[int] | None) -> None:
    found = bootstrap_interval(bootstrap([level] * 20, clusters), level, 20)
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= level <= found.high <= 1
    assert found.high - found.low > 0.09


def test_the_bootstrap_bounds_its_memory() -> None:
    values = np.random.default_rng(0).normal(0, 0.1, 40_000).tolist()
    tracemalloc.start()
    bootstrap(values, repeats=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
