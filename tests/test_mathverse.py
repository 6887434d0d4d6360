"""MathVerse: rows of all versions, options in the question, our rule."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from harness.data.synthetic import maths
from scorers.math_answer import MathTarget
from scorers.mathverse import mathverse
from scorers.types import Answer, Status
from tasks.mathverse import TASK, embedded_options
from tasks.prompts import ImagePart, render
from tasks.types import Response, RowError

QUESTION = "As shown, find the measure of angle ABC.\nChoices:\nA:35°\nB:45°\nC:55°\nD:65°"
OPTIONS = ("35°", "45°", "55°", "65°")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "sample_index": "11",
        "problem_index": "3",
        "problem_version": "Text Dominant",
        "question": QUESTION,
        "answer": "C",
        "question_type": "multi-choice",
        "metadata": {"split": "testmini", "source": "x", "subject": "Plane Geometry", "subfield": "Angle"},
        "query_wo": "…",
        "query_cot": "…",
        "question_for_eval": QUESTION,
        **changes,
    }


@pytest.mark.parametrize(
    ("question", "options"),
    [
        (QUESTION, OPTIONS),
        ("Find x.\nChoices:\nA: 1\nB: 2", ("1", "2")),
        ("Find x.\nChoices:\n(A) 1\n(B) 2\n(C) 3", ()),
        ("Find x.\nChoices:\n(A): 1\n(B): 2\n(C): 3", ("1", "2", "3")),
        ("Find x.\nChoices:\nA. $\\frac{1}{2}$\nB. 2\n", ("$\\frac{1}{2}$", "2")),
        ("Find x. Choices:\nA:y=2:1\nB:\nC:z", ("y=2:1", "", "z")),
        ("Find x.\nChoices:\nA:1", ()),
        ("Find x.\nChoices:\nB:1\nC:2", ()),
        ("A:1\nB:2", ()),
        ("", ()),
    ],
)
def test_embedded_options(question: str, options: tuple[str, ...]) -> None:
    assert embedded_options(question) == options


def test_rows_become_samples() -> None:
    [sample] = TASK.to_samples(row(image=b"\x89PNG"))
    assert sample.id == "11"
    assert sample.target == MathTarget(QUESTION, "C", OPTIONS)
    assert sample.choices == ()
    assert len(sample.images) == 1
    assert sample.groups["problem"] == "3"
    assert (sample.groups["subject"], sample.groups["subfield"]) == ("Plane Geometry", "Angle")
    parts = render(TASK, sample)
    assert parts[0] == ImagePart(0)
    assert str(parts[1]).count("A:35°") == 1


def test_vision_only_asks_for_the_question_in_the_image() -> None:
    [sample] = TASK.to_samples(row(problem_version="Vision Only", question="", image=b"\x89PNG"))
    assert "image" in sample.question
    assert "angle ABC" not in str(render(TASK, sample))
    assert sample.target.options == OPTIONS


def test_vision_only_without_its_text_knows_letters() -> None:
    changes = {"problem_version": "Vision Only", "question": None, "question_for_eval": None}
    [sample] = TASK.to_samples(row(**changes))
    assert sample.target.options == ("", "", "", "")
    assert TASK.score(sample, Response("The answer is C.")).value == 1.0
    assert TASK.score(sample, Response("55")).status is Status.OK
    assert TASK.score(sample, Response("55")).value == 0.0


@pytest.mark.parametrize("version", ["Text Only", "Text_Only", "text-only"])
def test_text_only_counts_apart(version: str) -> None:
    [sample] = TASK.to_samples(row(problem_version=version))
    [other] = TASK.to_samples(row())
    assert sample.id != other.id
    key, name = TASK.headline.where or ("", "")
    assert other.groups[key] == name
    assert sample.groups[key] != name
    assert any(metric.where == (key, sample.groups[key]) for metric in TASK.metrics)


def test_five_versions_of_synthetic_rows() -> None:
    samples = [sample for index in range(10) for sample in TASK.to_samples(maths.mathverse(Random(5), index))]
    assert len({sample.groups["version"] for sample in samples}) == 5
    assert len({sample.groups["problem"] for sample in samples}) == 2
    assert len({sample.id for sample in samples}) == 10
    assert all(TASK.score(sample, Response(sample.target.answer)).value == 1.0 for sample in samples)


@pytest.mark.parametrize(
    ("response", "answer", "options", "value"),
    [
        ("C", "C", OPTIONS, 1),
        ("C: 55°", "C", OPTIONS, 1),
        ("55°", "C", OPTIONS, 1),
        ("55", "C", OPTIONS, 1),
        ("The angle ABC is 55 degrees, so the answer is C.", "C", OPTIONS, 1),
        ("The angle ABC is 45 degrees.", "C", OPTIONS, 0),
        ("<think>B?</think><answer>C</answer>", "C", OPTIONS, 1),
        ("I cannot see the image.", "C", OPTIONS, None),
        ("The length is 20√3 m.", r"20*\sqrt{3}", (), 1),
        (r"\boxed{20\sqrt{3}}", "20√3 m", (), 1),
        (r"\boxed{34.64}", "20√3", (), 1),
        ("y = 2x + 1", "y=1+2x", (), 1),
        (r"$\boxed{y = 2x - 1}$", "y=1+2x", (), 0),
        ("12π", r"12\pi", (), 1),
        ("3", "4", (), 0),
        ("", "4", (), None),
    ],
)
def test_value(response: str, answer: str, options: tuple[str, ...], value: float | None) -> None:
    score = mathverse(Answer(response), MathTarget("Find the angle ABC.", answer, options))
    assert score.official is None
    if value is None:
        assert (score.value, score.status) == (0.0, Status.UNPARSED)
    else:
        assert (score.value, score.status) == (value, Status.OK)


@pytest.mark.parametrize(
    "changes", [{"answer": "E"}, {"answer": "55"}, {"question_type": "free-form", "answer": ""}]
)
def test_malformed_rows(changes: dict[str, Any]) -> None:
    with pytest.raises(RowError):
        list(TASK.to_samples(row(**changes)))


@pytest.mark.parametrize(
    "missing", ["sample_index", "problem_index", "problem_version", "question", "answer", "question_type"]
)
def test_missing_columns(missing: str) -> None:
    with pytest.raises(RowError, match=missing):
        list(TASK.to_samples({key: value for key, value in row().items() if key != missing}))
