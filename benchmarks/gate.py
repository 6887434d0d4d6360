"""How often `harness compare --fail-on-regression` fires: `python benchmarks/gate.py [--runs 2000]`.

Each line draws evaluations of the 18 tasks, right or wrong, with a known difference, and counts those in which
the gate finds a regression: false alarms where B is as good, regressions found where it is worse.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from harness.compare.comparison import Comparison, changes
from harness.compare.statistics import mcnemar
from harness.registry import suite_names
from harness.scores.stats import Spread, joined, paired_spread
from tasks import CATEGORIES

RUNS = 2000
DIFFERING = 0.2
"""The share of samples that one model has right and the other wrong."""


@cache
def entry(better: int, worse: int, n: int) -> Any:
    """A task's comparison, as far as the gate looks at it."""
    a = [1.0] * worse + [0.0] * (n - worse)
    b = [0.0] * worse + [1.0] * better + [0.0] * (n - worse - better)
    spread = paired_spread(b, a)
    assert spread is not None
    return SimpleNamespace(spread=spread, p=mcnemar(worse, better), difference=spread.estimate)


def mean(spreads: Sequence[Spread]) -> Any:
    spread = joined(spreads)
    return SimpleNamespace(spread=spread, p=spread.p_value(), difference=spread.estimate)


def evaluation(rng: np.random.Generator, n: int, deltas: Sequence[float]) -> Comparison:
    """All 18 tasks of n samples; `deltas`: B - A in each, as a share."""
    names = suite_names("all")
    tasks = {}
    for name, delta in zip(names, deltas, strict=True):
        better, worse = (DIFFERING + delta) / 2, (DIFFERING - delta) / 2
        drawn = rng.multinomial(n, [better, worse, 1 - DIFFERING])
        tasks[name] = entry(int(drawn[0]), int(drawn[1]), n)
    categories = {
        category: mean([tasks[name].spread for name in suite_names(category)]) for category in CATEGORIES
    }
    overall = mean([task.spread for task in tasks.values()])
    return cast("Comparison", SimpleNamespace(tasks=tasks, categories=categories, overall=overall))


def rates(n: int, deltas: Sequence[float], margin: float, runs: int = RUNS) -> dict[str, float]:
    """The share of drawn evaluations with a regression: of any kind, and of each."""
    rng = np.random.default_rng(n)
    counts = dict.fromkeys(("any", "task", "category", "overall"), 0)
    for _ in range(runs):
        kinds = {change.kind for change in changes(evaluation(rng, n, deltas), margin)}
        for kind in kinds | ({"any"} if kinds else set()):
            counts[kind] += 1
    return {kind: count / runs for kind, count in counts.items()}


CASES = (
    ("B is as good", 0, 0.0),
    ("B is 2 points worse on all tasks, margin 2", 18, -0.02),
    ("B is 2 points worse on all tasks", 18, -0.02),
    ("B is 10 points worse on one task", 1, -0.10),
    ("B is 5 points worse on the three tasks of a category", 3, -0.05),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    runs = parser.parse_args().runs
    print("| 18 tasks, 20 % of samples differ | n each | regression | task | category | overall |")
    print("|---|---|---|---|---|---|")
    for what, worse, delta in CASES:
        for n in (100, 300, 1000):
            deltas = [delta] * worse + [0.0] * (18 - worse)
            found = rates(n, deltas, 2.0 if "margin" in what else 0.0, runs)
            cells = " | ".join(f"{100 * found[kind]:.1f} %" for kind in ("any", "task", "category", "overall"))
            print(f"| {what} | {n} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
