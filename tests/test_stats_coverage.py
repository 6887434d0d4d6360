"""Intervals of 95 % hold the truth in 93 to 97 of 100 drawn evaluations: 2,000 of each kind."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.scores.stats import mean_interval, paired_interval


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "coverage.py"
    spec = spec_from_file_location("coverage_of_intervals", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


coverage = _benchmark()
SETTINGS = [setting for setting in coverage.settings() if not setting.hard]
LARGE = (
    *("n 1000", "n 3000", "200 of 2-8", "500 of", "1250", "graded, n 300", "macro, 80 + 120"),
    *(
        "n 300, 8 responses",
        "n 300, 4",
        "n 300, 16",
        "2-8, 16 responses",
        "2-8, 4 responses",
        "responses, easy",
    ),
)
"""Left to the benchmark: they take most of its time."""
QUICK = [
    setting
    for setting in SETTINGS
    if setting.interval == "Wilson" or not any(part in setting.what for part in LARGE)
]


@pytest.mark.parametrize("setting", QUICK, ids=lambda setting: f"{setting.interval}: {setting.what}")
def test_intervals_hold_the_truth(setting: Any) -> None:
    assert 0.93 <= setting.coverage(2000) <= 0.97


def test_every_interval_is_simulated() -> None:
    kinds = {setting.interval for setting in QUICK}
    assert kinds == {setting.interval for setting in SETTINGS}
    assert {"Wilson", "graded", "clustered", "macro", "mean of tasks", "bootstrap"} <= kinds
    assert {"pass@1", "pass@4", "pass@8", "maj@K", "consistency"} <= kinds
    assert {"paired right/wrong", "paired graded", "paired clustered", "paired mean"} <= kinds


def test_ignoring_clusters_would_miss_the_truth() -> None:
    """The control: clusters taken for independent samples hold it far less often."""
    rng = np.random.default_rng(7)
    held = np.zeros(2)
    for _ in range(500):
        clusters = coverage.clusters_of(rng, 60, 8)
        values = (coverage.uniforms(rng, clusters, 0.8) < 0.7).astype(float).tolist()
        for place, given in enumerate((None, clusters.tolist())):
            estimate = mean_interval(values, given)
            assert estimate.low is not None
            assert estimate.high is not None
            held[place] += estimate.low <= 0.7 <= estimate.high
    assert held[0] / 500 < 0.85
    assert held[1] / 500 > 0.92


def test_pairing_narrows_the_interval() -> None:
    """Two models that mostly agree: their difference is known far better than either score."""
    rng = np.random.default_rng(1)
    base = rng.random(500)
    a, b = ((base < rate).astype(float).tolist() for rate in (0.7, 0.68))
    paired = paired_interval(a, b)
    alone = mean_interval(a)
    assert paired.low is not None
    assert paired.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)
