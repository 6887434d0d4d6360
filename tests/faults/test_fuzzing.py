"""Hostile responses and damaged rows of every task: nothing raises, and everything stays within its bounds.

`HARNESS_FUZZ_SCALE` says how much of it is drawn: 1 is 20,000 responses a task and 45,000 rows in all, the
default 0.01 a hundredth of that. How time grows with length is measured by `benchmarks/fuzzing.py`.
"""

from __future__ import annotations

import json
import os
from itertools import cycle, islice
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from harness.data import RowSource, load_rows
from harness.run.items import FailedRow
from harness.run.plan import samples_of
from harness.scores.judging import judge
from scorers.types import COORDS, ScorerError, Status
from tasks import BUILTIN, load_builtin
from tasks.types import Response, Sample, Task

SCALE = float(os.environ.get("HARNESS_FUZZ_SCALE", "0.01"))
RESPONSES = round(20_000 * SCALE)
ROWS = round(45_000 * SCALE / len(BUILTIN))
SEED = 20
pytestmark = pytest.mark.timeout(300 if SCALE <= 0.01 else 0)


def rows_of(task: Task, count: int) -> list[dict[str, Any]]:
    return [dict(row) for row in islice(load_rows(task, "synthetic", limit=count).rows, count)]


def drafts(task: Task, rows: list[dict[str, Any]]) -> list[Sample | FailedRow]:
    return list(samples_of(task, RowSource(lambda: iter(rows), "f" * 64, "here", count=len(rows))))


def gold(sample: Sample, coords: Any) -> str:
    try:
        return sample.target.gold(coords) or ""
    except ScorerError:
        return ""


@pytest.mark.parametrize("name", BUILTIN)
def test_no_response_breaks_a_scorer(hostile: ModuleType, name: str) -> None:
    task = load_builtin(name)
    samples = [sample for sample in drafts(task, rows_of(task, 40)) if isinstance(sample, Sample)]
    for number, sample in zip(range(RESPONSES), cycle(samples), strict=False):
        draw = Random(f"{SEED}/{name}/{number}")
        coords = draw.choice(COORDS) if task.places else None
        text = hostile.response(draw, gold(sample, coords))
        response = Response(text, draw.choice(("stop", "length", None)))
        score = judge(task, sample, response, coords=coords, raw=draw.random() < 0.1)
        where = f"{name}, response {number}: {text[:200]!r}"
        assert score.status is not Status.ERROR, f"{where}: {score.error}"
        assert 0 <= score.value <= 1, where
        assert score.official is None or 0 <= score.official <= 1, where
        json.dumps([score.extracted, dict(score.components), score.shapes], allow_nan=False)


def shown(value: Any) -> str:
    try:
        return str(value)[:60]
    except RecursionError:
        return f"{type(value).__name__}, nested deeply"


def check(hostile: ModuleType, task: Task, rows: list[dict[str, Any]]) -> None:
    """Each damaged row gives samples that can be judged, or a failure of one line."""
    for number, row in zip(range(ROWS), cycle(rows), strict=False):
        damaged = hostile.mutated(Random(f"{SEED}/{task.name}/{number}"), row)
        where = f"{task.name}, row {number}: { {key: shown(value) for key, value in damaged.items()} }"
        found = drafts(task, [damaged])
        assert found, where
        for draft in found:
            if isinstance(draft, FailedRow):
                assert draft.error, where
                assert "\n" not in draft.error, f"{where}: {draft.error}"
                assert len(draft.error) <= 1000, f"{where}: {draft.error[:300]}"
            else:
                score = judge(task, draft, Response("A"), coords="norm1" if task.places else None)
                assert 0 <= score.value <= 1, where


@pytest.mark.parametrize("name", BUILTIN)
def test_no_row_breaks_a_task(hostile: ModuleType, name: str) -> None:
    task = load_builtin(name)
    check(hostile, task, rows_of(task, 40))


@pytest.mark.parametrize("name", BUILTIN)
def test_no_damage_to_a_real_row_breaks_a_task(hostile: ModuleType, samples_dir: Path, name: str) -> None:
    if not (samples_dir / name).is_dir():
        pytest.skip(f"no items of {name}")
    task = load_builtin(name)
    rows = [dict(row) for row in islice(load_rows(task, str(samples_dir)).rows, 40) if isinstance(row, dict)]
    check(hostile, task, rows)
