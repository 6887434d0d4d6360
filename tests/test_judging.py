"""`judge`, the one caller of `Task.score`: what a scorer does wrong costs one response."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.scores import judge
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Answer, Score, Status
from tasks import load_builtin
from tasks.types import Response, Sample, Task

ROOT = Path(__file__).parents[1]
SAMPLE = Sample("1", "Which?", "B")
SEEN: list[Answer] = []


def task(scorer: Callable[[Answer, Any], Score], **changes: Any) -> Task:
    return replace(load_builtin("mmstar"), scorer=scorer, **changes)


def test_what_the_scorer_says_is_the_score() -> None:
    said = Score(0.25, 1.0, Status.OK, "B", {"iou": 3.5})
    assert judge(task(lambda *_: said), SAMPLE, Response("B")) == said


def test_a_bug_of_the_scorer_is_an_error_and_not_a_zero() -> None:
    def broken(answer: Answer, target: Any) -> Score:
        raise KeyError("B" * 400)

    score = judge(task(broken), SAMPLE, Response("B"))
    assert (score.status, score.official, score.value) == (Status.ERROR, None, 0)
    assert score.error is not None
    assert score.error.startswith("KeyError: 'BBB")
    assert len(score.error) == 300


@pytest.mark.parametrize(
    ("value", "official", "said"),
    [
        (1.5, None, "the scorer gave value 1.5, which is no number in 0..1"),
        (-0.1, 0.0, "the scorer gave value -0.1, which is no number in 0..1"),
        (math.nan, 0.0, "the scorer gave value nan, which is no number in 0..1"),
        (0.0, math.inf, "the scorer gave official inf, which is no number in 0..1"),
        ("1", None, "the scorer gave value '1', which is no number in 0..1"),
        (None, None, "the scorer gave value None, which is no number in 0..1"),
    ],
)
def test_a_score_outside_its_range_is_an_error(value: Any, official: float | None, said: str) -> None:
    score = judge(task(lambda *_: Score(value, official)), SAMPLE, Response("B"))
    assert (score.status, score.value, score.official, score.error) == (Status.ERROR, 0, None, said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "TypeError: the scorer gave NoneType, not a Score"),
        (0.5, "TypeError: the scorer gave float, not a Score"),
        (
            Score(1.0, None, components={"iou": math.nan}),
            "the scorer gave the component iou nan, which is no number",
        ),
        (Score(1.0, None, "right"), "ValueError: 'right' is not a valid Status"),  # type: ignore[arg-type]
        (Score(1.0, None, shapes=({"box": [math.inf]},)), "ValueError: Out of range float values"),
        (Score(1.0, None, extracted={1}), "TypeError: Object of type set"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_score_is_an_error(given: Any, said: str) -> None:
    score = judge(task(lambda *_: given), SAMPLE, Response("B"))
    assert score.status is Status.ERROR
    assert (score.error or "").startswith(said)


@pytest.mark.parametrize(
    "fault", [SyntaxError("?"), OSError(5, "I/O"), StopIteration(), SystemExit(3), MemoryError()]
)
def test_whatever_a_scorer_raises_costs_its_sample(fault: BaseException) -> None:
    def broken(answer: Answer, target: Any) -> Score:
        raise fault

    score = judge(task(broken), SAMPLE, Response("B"))
    assert (score.status, (score.error or "").partition(":")[0]) == (Status.ERROR, type(fault).__name__)


def test_numbers_of_other_libraries_become_plain() -> None:
    import numpy as np

    score = judge(task(lambda *_: Score(np.float32(0.5), None)), SAMPLE, Response("B"))
    assert type(score.value) is float


@pytest.mark.parametrize(("places", "coords"), [(True, "norm1"), (False, None)])
def test_only_tasks_with_places_see_the_convention(places: bool, coords: str | None) -> None:
    SEEN.clear()

    def scorer(answer: Answer, target: Any) -> Score:
        SEEN.append(answer)
        return Score(1.0, None)

    judge(task(scorer, places=places), SAMPLE, Response("B"), coords="norm1")
    assert [answer.coords for answer in SEEN] == [coords]


def test_the_delimiters_reach_the_scorer() -> None:
    SEEN.clear()

    def scorer(answer: Answer, target: Any) -> Score:
        SEEN.append(answer)
        return Score(1.0, None)

    own = STANDARD + Delimiters.of({"answer": [["<verdict>", "</verdict>"]]})
    judge(task(scorer), SAMPLE, Response("B"), delimiters=own)
    judge(task(scorer), SAMPLE, Response("B"))
    assert [answer.delimiters for answer in SEEN] == [own, STANDARD]


def test_nothing_else_calls_task_score() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("harness", "training", "reports")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "score"
    ]
    assert [place.split(":")[0] for place in found] == ["harness/scores/judging.py"]
