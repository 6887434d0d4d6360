"""How often the 95 % intervals hold the truth: `python benchmarks/coverage.py [--runs 2000] [WORD…]`.

Each line is one setting: `runs` evaluations are drawn from a known truth, and those are counted whose interval
holds it. The words choose settings whose line contains them all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import comb
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from harness.compare.statistics import averaged, bootstrap, bootstrap_interval
from harness.scores.repeats import Vote, consistency, majority, pass_at
from harness.scores.stats import (
    Estimate,
    Spread,
    joined,
    macro_interval,
    mean_interval,
    mean_of,
    paired_interval,
    paired_macro_spread,
    paired_spread,
)

RUNS = 2000
LOW, HIGH = 0.93, 0.97
DRAWS = 1000
"""Of the bootstrap here: enough for its ends, and 2,000 of them take seconds."""

Rng = np.random.Generator
Draw = Callable[[Rng], tuple[Estimate, float]]
"""One evaluation: the interval it gives, and the truth."""


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    interval: str
    what: str
    draw: Draw
    hard: str = ""
    """Why coverage may leave 93 to 97 %; shown all the same, and named in docs/statistics.md."""

    def coverage(self, runs: int = RUNS) -> float:
        """The share of drawn evaluations whose interval holds the truth."""
        rng = np.random.default_rng(crc32(f"{self.interval} {self.what}".encode()))
        held = 0
        for _ in range(runs):
            estimate, truth = self.draw(rng)
            assert estimate.low is not None
            assert estimate.high is not None
            held += estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
        return held / runs


# What is drawn. Members of a cluster share its uniform number with probability `rho`, so that is about their
# correlation.


def uniforms(rng: Rng, clusters: NDArray[np.int64], rho: float) -> NDArray[np.float64]:
    shared = rng.random(int(clusters.max()) + 1)[clusters]
    return np.where(rng.random(len(clusters)) < rho, shared, rng.random(len(clusters)))


def clusters_of(rng: Rng, count: int, largest: int) -> NDArray[np.int64]:
    """`count` clusters of 2 to `largest`."""
    return np.repeat(np.arange(count), rng.integers(2, largest + 1, count))


def anls(uniform: NDArray[np.float64], wrong: float) -> NDArray[np.float64]:
    """Scores like ANLS: a share of 0, of the others seven in ten are 1 and the rest spread over 0.5 to 1."""
    inner = (uniform - wrong) / (1 - wrong)
    return np.where(uniform < wrong, 0.0, np.where(inner < 0.7, 1.0, 0.5 + (inner - 0.7) / 0.6))


def anls_mean(wrong: float) -> float:
    return (1 - wrong) * (0.7 + 0.3 * 0.75)


def changed(uniform: NDArray[np.float64], differing: float, delta: float) -> NDArray[np.float64]:
    """Differences of right-or-wrong scores: a share differs, by `delta` on the mean."""
    better, worse = (differing + delta) / 2, (differing - delta) / 2
    return np.where(uniform < better, 1.0, np.where(uniform > 1 - worse, -1.0, 0.0))


# One mean


@cache
def _right(count: int, n: int) -> Estimate:
    return mean_interval([1.0] * count + [0.0] * (n - count))


def right(n: int, p: float) -> Draw:
    return lambda rng: (_right(int(rng.binomial(n, p)), n), p)


def graded(n: int, wrong: float) -> Draw:
    return lambda rng: (mean_interval(anls(rng.random(n), wrong).tolist()), anls_mean(wrong))


def clustered(count: int, largest: int, p: float, rho: float) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        clusters = clusters_of(rng, count, largest)
        values = (uniforms(rng, clusters, rho) < p).astype(float)
        return mean_interval(values.tolist(), clusters.tolist()), p

    return draw


def clustered_graded(count: int, largest: int, wrong: float, rho: float) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        clusters = clusters_of(rng, count, largest)
        values = anls(uniforms(rng, clusters, rho), wrong)
        return mean_interval(values.tolist(), clusters.tolist()), anls_mean(wrong)

    return draw


def macro(sizes: tuple[int, ...], rates: tuple[float, ...], rho: float = 0.0) -> Draw:
    """A macro mean; with `rho`, images with questions of every group."""

    def draw(rng: Rng) -> tuple[Estimate, float]:
        groups = np.repeat(np.arange(len(sizes)), sizes)
        clusters = np.concatenate([np.arange(size) for size in sizes]) if rho else np.arange(sum(sizes))
        values = (uniforms(rng, clusters, rho) < np.asarray(rates)[groups]).astype(float)
        found = macro_interval(values.tolist(), groups.tolist(), clusters.tolist() if rho else None)
        return found, sum(rates) / len(rates)

    return draw


def mean_of_tasks(sizes: tuple[int, ...], rates: tuple[float, ...]) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        counts = [int(rng.binomial(n, p)) for n, p in zip(sizes, rates, strict=True)]
        parts = [_right(count, n) for count, n in zip(counts, sizes, strict=True)]
        return mean_of(parts), sum(rates) / len(rates)

    return draw


# Several responses to each sample


@cache
def _passes(k: int, epochs: int) -> NDArray[np.float64]:
    """The estimate of pass@k by the number of right responses."""
    found = [pass_at(k, [1.0] * right + [0.0] * (epochs - right)) for right in range(epochs + 1)]
    return np.asarray(found, dtype=float)


def passed(count: int, largest: int, epochs: int, k: int, rates: tuple[float, ...]) -> Draw:
    """pass@k of `epochs` responses to each sample; the samples of a cluster share one of the rates."""

    def draw(rng: Rng) -> tuple[Estimate, float]:
        clusters = clusters_of(rng, count, largest) if largest > 1 else np.arange(count)
        rate = rng.choice(rates, int(clusters.max()) + 1)[clusters]
        values = _passes(k, epochs)[rng.binomial(epochs, rate)]
        return mean_interval(values.tolist(), clusters.tolist() if largest > 1 else None), truth

    truth = sum(1 - (1 - rate) ** k for rate in rates) / len(rates)
    return draw


Answers = tuple[float, ...]
"""Chances of the answers to one kind of sample; the first is right, the last is none that can be parsed."""


def _votes(counts: tuple[int, ...]) -> list[Vote]:
    votes: list[Vote] = []
    for place, count in enumerate(counts):
        given = None if place == len(counts) - 1 else str(place)
        votes += [(given, float(place == 0))] * count
    return votes


@cache
def _of_votes(number: str, counts: tuple[int, ...]) -> float:
    votes = _votes(counts)
    found = majority(votes) if number == "maj@K" else consistency(votes)
    assert found is not None
    return found


def _expected(number: str, chances: Answers, epochs: int) -> float:
    """The truth for one kind of sample, by enumerating the counts of its answers."""
    total = 0.0
    for counts in product(range(epochs + 1), repeat=len(chances)):
        if sum(counts) == epochs:
            chance, left = 1.0, epochs
            for count, each in zip(counts, chances, strict=True):
                chance *= comb(left, count) * each**count
                left -= count
            total += chance * _of_votes(number, counts)
    return total


def voted(number: str, count: int, largest: int, epochs: int, kinds: tuple[Answers, ...]) -> Draw:
    """maj@K or consistency; the samples of a cluster are of one kind."""

    def draw(rng: Rng) -> tuple[Estimate, float]:
        clusters = clusters_of(rng, count, largest) if largest > 1 else np.arange(count)
        kind = rng.integers(0, len(kinds), int(clusters.max()) + 1)[clusters]
        counts = rng.multinomial(epochs, np.asarray(kinds)[kind])
        values = [_of_votes(number, each) for each in map(tuple, counts.tolist())]
        return mean_interval(values, clusters.tolist() if largest > 1 else None), truth

    truth = sum(_expected(number, kind, epochs) for kind in kinds) / len(kinds)
    return draw


# Two models on the same samples


@cache
def _paired(better: int, worse: int, n: int) -> Spread:
    a = [1.0] * better + [0.0] * (n - better)
    b = [0.0] * better + [1.0] * worse + [0.0] * (n - better - worse)
    found = paired_spread(a, b)
    assert found is not None
    return found


def _cells(rng: Rng, n: int, differing: float, delta: float) -> Spread:
    better, worse, _ = rng.multinomial(n, [(differing + delta) / 2, (differing - delta) / 2, 1 - differing])
    return _paired(int(better), int(worse), n)


def paired(n: int, differing: float, delta: float) -> Draw:
    return lambda rng: (_cells(rng, n, differing, delta).estimate, delta)


def paired_tasks(sizes: tuple[int, ...], differing: float, delta: float) -> Draw:
    return lambda rng: (joined([_cells(rng, n, differing, delta) for n in sizes]).estimate, delta)


def differences(
    rng: Rng, count: int, largest: int, change: tuple[float, float], *, rho: float, soft: bool
) -> tuple[list[float], list[int] | None]:
    """Differences and clusters; `largest` 1: none."""
    clusters = clusters_of(rng, count, largest) if largest > 1 else np.arange(count)
    values = changed(uniforms(rng, clusters, rho), *change)
    if soft:
        values = values * (0.5 + 0.5 * rng.random(len(values)))
    return values.tolist(), clusters.tolist() if largest > 1 else None


def paired_soft(
    count: int, largest: int, differing: float, delta: float, *, rho: float = 0.0, soft: bool = True
) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        values, clusters = differences(rng, count, largest, (differing, delta), rho=rho, soft=soft)
        return paired_interval(values, [0.0] * len(values), clusters), delta * (0.75 if soft else 1)

    return draw


def paired_macro(sizes: tuple[int, ...], differing: float, delta: float, rho: float = 0.0) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        values, groups, clusters = _grouped(rng, sizes, differing, delta, rho)
        found = paired_macro_spread(values, [0.0] * len(values), groups, clusters)
        assert found is not None
        return found.estimate, delta

    return draw


def _grouped(
    rng: Rng, sizes: tuple[int, ...], differing: float, delta: float, rho: float
) -> tuple[list[float], list[int], list[int] | None]:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    clusters = np.concatenate([np.arange(size) for size in sizes])
    values = changed(uniforms(rng, clusters, rho) if rho else rng.random(len(groups)), differing, delta)
    return values.tolist(), groups.tolist(), clusters.tolist() if rho else None


def booted(
    count: int, largest: int, differing: float, delta: float, *, rho: float = 0.0, soft: bool = False
) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        values, clusters = differences(rng, count, largest, (differing, delta), rho=rho, soft=soft)
        drawn = bootstrap(values, clusters, seed=int(rng.integers(1 << 30)), repeats=DRAWS)
        found = bootstrap_interval(drawn, float(np.mean(values)), len(values))
        return found, delta * (0.75 if soft else 1)

    return draw


def booted_macro(sizes: tuple[int, ...], differing: float, delta: float, rho: float = 0.0) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        values, groups, clusters = _grouped(rng, sizes, differing, delta, rho)
        drawn = bootstrap(values, clusters, groups, seed=int(rng.integers(1 << 30)), repeats=DRAWS)
        means = [np.mean([v for v, g in zip(values, groups, strict=True) if g == k]) for k in set(groups)]
        return bootstrap_interval(drawn, float(np.mean(means)), len(values)), delta

    return draw


def booted_tasks(sizes: tuple[int, ...], differing: float, delta: float) -> Draw:
    def draw(rng: Rng) -> tuple[Estimate, float]:
        tasks = [changed(rng.random(n), differing, delta).tolist() for n in sizes]
        drawn = [bootstrap(task, seed=int(rng.integers(1 << 30)), repeats=DRAWS) for task in tasks]
        means = [float(np.mean(task)) for task in tasks]
        return bootstrap_interval(averaged(drawn, means), float(np.mean(means)), sum(sizes)), delta

    return draw


HARD_RATES = (0.0, 0.02, 0.1, 0.3, 0.8)
EASY_RATES = (0.1, 0.5, 0.8, 0.95, 1.0)
KINDS = ((0.7, 0.1, 0.1, 0.05, 0.05), (0.4, 0.3, 0.2, 0.05, 0.05), (0.1, 0.6, 0.1, 0.1, 0.1))

SUITE = (60, 80, 100, 120, 150, 200) * 3
RATES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95) * 3


def settings() -> Iterator[Setting]:
    yield from _means()
    yield from _repeats()
    yield from _pairs()
    yield from _bootstraps()


def _means() -> Iterator[Setting]:
    for n in (50, 200, 1000, 3000):
        for p in (0.05, 0.2, 0.5, 0.8, 0.95):
            yield Setting("Wilson", f"n {n}, p {p}", right(n, p))
    for n in (50, 300, 3000):
        for wrong in (0.05, 0.3, 0.7):
            yield Setting("graded", f"n {n}, {wrong:.0%} wrong", graded(n, wrong))
    for count, largest in ((50, 8), (200, 3), (200, 8), (500, 8)):
        for p in (0.05, 0.5, 0.95):
            for rho in (0.1, 0.5):
                yield Setting(
                    "clustered", f"{count} of 2-{largest}, p {p}, rho {rho}", clustered(count, largest, p, rho)
                )
        yield Setting(
            "clustered graded", f"{count} of 2-{largest}, 30% wrong", clustered_graded(count, largest, 0.3, 0.5)
        )
    few = "few errors in few clusters"
    for count in (8, 20):
        for p in (0.5, 0.95):
            hard = few if p == 0.95 else ""
            yield Setting("clustered", f"{count} of 2-8, p {p}, rho 0.5", clustered(count, 8, p, 0.5), hard)
    yield Setting("macro", "100 + 150, p 0.7 0.9", macro((100, 150), (0.7, 0.9)))
    yield Setting("macro", "50 + 50 + 50, p 0.2 0.5 0.95", macro((50, 50, 50), (0.2, 0.5, 0.95)))
    yield Setting("macro", "1250 + 1250, p 0.75 0.95", macro((1250, 1250), (0.75, 0.95)))
    yield Setting("macro", "80 + 120 on shared images, rho 0.5", macro((80, 120), (0.4, 0.6), 0.5))
    yield Setting(
        "mean of tasks", "n 50 200 1000, p 0.95 0.5 0.8", mean_of_tasks((50, 200, 1000), (0.95, 0.5, 0.8))
    )
    yield Setting("mean of tasks", "18 of n 60-200, p 0.05-0.95", mean_of_tasks(SUITE, RATES))


def _repeats() -> Iterator[Setting]:
    for count, largest in ((50, 1), (300, 1), (50, 8), (200, 8)):
        what = f"{count} of 2-{largest}" if largest > 1 else f"n {count}"
        for epochs, k in ((8, 1), (8, 4), (8, 8), (16, 4)):
            for name, rates in (("hard", HARD_RATES), ("easy", EASY_RATES)):
                draw = passed(count, largest, epochs, k, rates)
                yield Setting(f"pass@{k}", f"{what}, {epochs} responses, {name}", draw)
        for number in ("maj@K", "consistency"):
            for epochs in (4, 8):
                draw = voted(number, count, largest, epochs, KINDS)
                yield Setting(number, f"{what}, {epochs} responses", draw)


def _pairs() -> Iterator[Setting]:
    for n in (50, 200, 1000, 3000):
        for differing, delta in ((0.1, 0.0), (0.2, 0.05), (0.3, 0.2), (0.6, 0.0)):
            hard = "five pairs differ" if n * differing < 8 else ""
            yield Setting(
                "paired right/wrong",
                f"n {n}, {differing} differ, by {delta}",
                paired(n, differing, delta),
                hard,
            )
    for n in (50, 300, 3000):
        for differing, delta in ((0.3, 0.1), (0.9, 0.3)):
            yield Setting(
                "paired graded", f"n {n}, {differing} differ, by {delta}", paired_soft(n, 1, differing, delta)
            )
    for count, largest in ((50, 8), (200, 3), (200, 8), (500, 8)):
        for differing, delta in ((0.1, 0.05), (0.3, 0.1)):
            for rho in (0.0, 0.5):
                what = f"{count} of 2-{largest}, {differing} differ, by {delta}, rho {rho}"
                yield Setting(
                    "paired clustered", what, paired_soft(count, largest, differing, delta, rho=rho, soft=False)
                )
    for count, differing, delta in ((20, 0.3, 0.1), (50, 0.04, 0.02), (50, 0.9, 0.8), (200, 0.9, 0.8)):
        what = f"{count} of 2-8, {differing} differ, by {delta}, rho 0.5"
        draw = paired_soft(count, 8, differing, delta, rho=0.5, soft=False)
        yield Setting("paired clustered", what, draw)
    yield Setting("paired macro", "100 + 150, 0.3 differ, by 0.1", paired_macro((100, 150), 0.3, 0.1))
    yield Setting("paired macro", "80 + 120 on shared images", paired_macro((80, 120), 0.3, 0.1, 0.5))
    yield Setting("paired mean", "3 tasks of n 50-300, by 0.2", paired_tasks((50, 150, 300), 0.3, 0.2))
    yield Setting("paired mean", "18 tasks of n 60-200, by 0.05", paired_tasks(SUITE, 0.2, 0.05))
    yield Setting("paired mean", "18 tasks of n 50, by 0.25", paired_tasks((50,) * 18, 0.3, 0.25))


def _bootstraps() -> Iterator[Setting]:
    for n in (50, 300, 3000):
        yield Setting("bootstrap", f"right/wrong, n {n}, 0.3 differ, by 0.1", booted(n, 1, 0.3, 0.1))
    for n in (50, 300):
        yield Setting("bootstrap", f"graded, n {n}, 0.3 differ, by 0.1", booted(n, 1, 0.3, 0.1, soft=True))
    yield Setting("bootstrap", "50 of 2-8, 0.3 differ, rho 0.5", booted(50, 8, 0.3, 0.1, rho=0.5))
    yield Setting("bootstrap", "200 of 2-8, 0.1 differ, rho 0.5", booted(200, 8, 0.1, 0.05, rho=0.5))
    yield Setting("bootstrap", "macro, 100 + 150", booted_macro((100, 150), 0.3, 0.1))
    yield Setting("bootstrap", "macro, 80 + 120 on shared images", booted_macro((80, 120), 0.3, 0.1, 0.5))
    yield Setting("bootstrap", "3 tasks of n 50-300, by 0.2", booted_tasks((50, 150, 300), 0.3, 0.2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    outside = 0
    started = time.monotonic()
    print("| interval | setting | holds the truth |\n|---|---|---|")
    for setting in settings():
        name = f"{setting.interval} | {setting.what}"
        if not all(word in name for word in given.words):
            continue
        found = setting.coverage(given.runs)
        apart = not LOW <= found <= HIGH
        outside += apart and not setting.hard
        note = f" ({setting.hard})" if setting.hard else " **outside**" if apart else ""
        print(f"| {name} | {100 * found:.1f} %{note} |", flush=True)
    print(
        f"\n{given.runs} drawn evaluations each, {time.monotonic() - started:.0f} s; {outside} outside 93-97 %"
    )


if __name__ == "__main__":
    main()
