"""Advantages: the paper's worked examples, a brute-force oracle, invariances, the known sign flip."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.advantages import ESTIMATORS, Array, Batch, Moments, TaskPass, estimator, g2rpo, statistics

WORKED = [
    ([0, 0, 0, 0, 1], [-0.32, -0.32, -0.32, -0.32, 1.28]),
    ([0, 0, 1, 1, 1], [-0.90, -0.90, 0.60, 0.60, 0.60]),
    ([0.1, 0.1, 0.1, 0.2, 1.0], [-0.60, -0.60, -0.60, 0.52, 1.28]),
    ([0.81, 0.81, 0.82, 0.82, 0.83], [-0.90, -0.90, 0.26, 0.26, 1.28]),
]


def batch(rewards: list[float], groups: list[int] | None = None, families: list[str] | None = None) -> Batch:
    n = len(rewards)
    return Batch(np.array(rewards, dtype=np.float64), groups or [0] * n, families or ["math"] * n)


@pytest.mark.parametrize(("rewards", "expected"), WORKED)
@pytest.mark.parametrize("task_pass", ["rank", "none"])
def test_worked_examples(rewards: list[float], expected: list[float], task_pass: TaskPass) -> None:
    assert g2rpo(batch(rewards), task_pass=task_pass).round(2).tolist() == expected


def test_other_estimators_on_the_worked_examples() -> None:
    assert ESTIMATORS["grpo"](batch([0, 0, 0, 0, 1]), None) == pytest.approx([-0.5] * 4 + [2.0])
    dr_grpo = ESTIMATORS["dr_grpo"](batch([0.81, 0.81, 0.82, 0.82, 0.83]), None)
    assert dr_grpo == pytest.approx([-0.008, -0.008, 0.002, 0.002, 0.012])


def oracle_ranks(values: list[float], sets: list[object]) -> list[float]:
    """The definition, one set at a time, with the standard library alone."""
    result = [0.0] * len(values)
    for name in set(sets):
        members = sorted((values[i], i) for i in range(len(values)) if sets[i] == name)
        ties: list[list[tuple[int, int]]] = []
        for rank, (value, index) in enumerate(members):
            if rank == 0 or value - members[rank - 1][0] >= 1e-6:
                ties.append([])
            ties[-1].append((rank, index))
        for tie in ties:
            quantiles = [NormalDist().inv_cdf((rank + 0.5) / len(members)) for rank, _ in tie]
            for _, index in tie:
                result[index] = 0.0 if len(ties) == 1 else sum(quantiles) / len(tie)
    return result


REWARDS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 6), st.sampled_from([0.0, 1e-7, 3e-7])),
    min_size=1,
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(REWARDS)
def test_equals_the_oracle(rows: list[tuple[int, int, float]]) -> None:
    rewards = [value / 20 + noise for value, _, noise in rows]
    groups = [group for _, group, _ in rows]
    families = [f"family {group % 3}" for group in groups]
    once = oracle_ranks(rewards, list(groups))
    twice = oracle_ranks(once, list(families))
    one = batch(rewards, groups, families)
    assert np.abs(g2rpo(one, task_pass="none") - once).max() < 1e-12
    assert np.abs(g2rpo(one) - twice).max() < 1e-12


@settings(max_examples=100, deadline=None)
@given(REWARDS, st.randoms(use_true_random=False))
def test_noise_below_the_tie_and_order_change_nothing(rows: list[tuple[int, int, float]], random) -> None:
    rewards = np.array([value / 20 for value, _, _ in rows])
    groups = [group for _, group, _ in rows]
    families = [f"family {group % 3}" for group in groups]
    expected = g2rpo(Batch(rewards, groups, families))
    noise = np.array([noise - 1.5e-7 for _, _, noise in rows])
    assert (g2rpo(Batch(rewards + noise, groups, families)) == expected).all()
    order = list(range(len(rows)))
    random.shuffle(order)
    renamed = {group: f"renamed {-group}" for group in groups}
    shuffled = Batch(rewards[order], [renamed[groups[i]] for i in order], [families[i] for i in order])
    assert (g2rpo(shuffled) == expected[order]).all()


def uneven_mix() -> Batch:
    """The case of the known defect: 50 groups with 3 of 8 right, 10 groups with 1 of 8 right."""
    rewards, groups = [], []
    for group in range(60):
        right = 3 if group < 50 else 1
        rewards += [1.0] * right + [0.0] * (8 - right)
        groups += [group] * 8
    return batch(rewards, groups)


def test_the_paper_s_second_pass_flips_signs_on_an_uneven_mix_and_none_does_not() -> None:
    mix = uneven_mix()
    faithful = g2rpo(mix)
    wrong_in_hard_groups = faithful[(np.array(mix.groups) >= 50) & (mix.rewards == 0)]
    assert wrong_in_hard_groups == pytest.approx(0.2386, abs=5e-5)
    assert statistics(mix, faithful)["math"].flips == pytest.approx(70 / 480)
    for task_pass in ("none", "scale"):
        kept = g2rpo(mix, task_pass=task_pass)
        assert statistics(mix, kept)["math"].flips == 0
        assert (np.sign(kept) == np.sign(mix.rewards - 0.3)).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_one_response_or_all_equal_teach_nothing(name: str) -> None:
    alone = estimator(name)(batch([0.7]), Moments())
    assert alone.tolist() == [0.0]
    equal = estimator(name)(batch([0.5] * 8 + [1.0] * 8, [0] * 8 + [1] * 8), Moments())
    assert np.abs(equal).max() == 0
    assert len(estimator(name)(batch([]), Moments())) == 0


def test_families_are_ranked_apart() -> None:
    one = batch([0, 1, 0, 1], [0, 0, 1, 1], ["math", "math", "chart", "chart"])
    assert g2rpo(one) == pytest.approx([-0.6745, 0.6745] * 2, abs=1e-4)


def test_scale_gives_each_family_the_same_power() -> None:
    rewards = [0, 0, 0, 1, 0, 0.1, 0.2, 0.9]
    one = batch(rewards, [0] * 4 + [1] * 4, ["math"] * 4 + ["chart"] * 4)
    scaled = g2rpo(one, task_pass="scale")
    assert np.square(scaled[:4]).mean() == pytest.approx(1)
    assert np.square(scaled[4:]).mean() == pytest.approx(1)


def test_ema_grpo_updates_before_use_and_keeps_families_apart() -> None:
    moments = Moments(decay=0.9)
    first = ESTIMATORS["ema_grpo"](batch([0.0, 1.0]), moments)
    assert first == pytest.approx([-1, 1])
    second = ESTIMATORS["ema_grpo"](batch([0.0, 0.2]), moments)
    mean, square = 0.9 * 0.5 + 0.1 * 0.1, 0.9 * 0.5 + 0.1 * 0.02
    assert second == pytest.approx(np.array([-0.1, 0.1]) / np.sqrt(square - mean**2))
    assert set(moments.by_family) == {"math"}


def components(weights: dict[str, float]) -> Batch:
    parts: dict[str, Array] = {"value": np.array([0.0, 0, 1, 1]), "format": np.array([0.0, 1, 0, 1])}
    return Batch(parts["value"] + parts["format"], [0] * 4, ["math"] * 4, parts, weights)


@pytest.mark.parametrize("name", ["gdpo", "gs_gdpo"])
def test_gdpo_normalises_components_apart(name: str) -> None:
    even = ESTIMATORS[name](components({}), None)
    assert even == pytest.approx([-np.sqrt(2), 0, 0, np.sqrt(2)])
    weighted = ESTIMATORS[name](components({"format": 0.1}), None)
    assert (np.diff(weighted) > 0).all()


@pytest.mark.parametrize(
    ("rewards", "groups", "said"),
    [([0.0, 1.0], [0], "groups has 1 entries for 2 rewards"), ([0.0, float("nan")], [0, 0], "not finite")],
)
def test_bad_batches_are_refused(rewards: list[float], groups: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Batch(np.array(rewards), groups, ["math"] * 2)


def test_statistics() -> None:
    one = batch([0, 0, 0, 1])
    [found] = statistics(one, np.array([-1.0, -1, -1, 3])).values()
    assert (found.mean, found.variance, found.flips) == pytest.approx((0, 3, 0))
    assert found.skew == pytest.approx(6 / 3**1.5)
