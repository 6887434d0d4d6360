"""MathVerse: rows of all versions, options in the question, our rule."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.data.synthetic import maths
from scorers.rules.math import MathTarget, is_expression, mathverse, mathvision
from scorers.types import Answer, Status
from tasks.mathverse import TASK, embedded_options, right_letters
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
        ("True or false?\nChoice:\nA. True\nB. False", ("True", "False")),
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


def test_options_that_no_text_lists_are_an_error() -> None:
    changes = {"problem_version": "Vision Only", "question": None, "question_for_eval": None}
    with pytest.raises(RowError, match="neither 'question' nor 'question_for_eval' lists its options"):
        list(TASK.to_samples(row(**changes)))


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


# --- Free-form: which expression of a text, and what equals what -------------------------------------------

READ = [
    # (response, question, gold, right)
    # where the expression stands
    ("The answer is\n\\[ 5\\sqrt{3} \\]", "Find the length.", r"5\sqrt{3}", 1),
    ("The answer is:\n\n$$5\\sqrt{3}$$\n", "Find the length.", r"5\sqrt{3}", 1),
    ("We have AB = 3.\nThus AC = 5\\sqrt{3}.", "Find AC.", r"5\sqrt{3}", 1),
    ("5.3 cm, because AB = 2 and BC = 3.3", "Find the length.", "5.3", 1),
    ("AC = 5 since AB = 3 and BC = 4.", "Find AC.", "5", 1),
    ("Since AB = 3 and BC = 4, AC = 5.", "Find AC.", "5", 1),
    ("Since AB = 3 and BC = 4, AC = 5.", "Find AC.", "3", 0),
    ("The length is 5 (because 3² + 4² = 25).", "Find the length.", "5", 1),
    ("m = 5 and n = 7, so m+n = 12", "Find m+n.", "12", 1),
    ("Answer: m+n = 256+37 = 293", "Find m+n.", "293", 1),
    ("x=8-3\\\\x=5", "Find x.", "5", 1),
    (r"\begin{aligned} x &= 8-3 \\ &= 5 \end{aligned}", "Find x.", "5", 1),
    ("2x = 10\nx = 5", "Find x.", "5", 1),
    ("12 + 5 = 17\n17 - 2 = 15", "Find x.", "15", 1),
    ("12 + 5 = 17\n17 - 2 = 15", "Find x.", "17", 0),
    ("x 的值为 58。", "Find x.", "58", 1),
    ("所以x等于58", "Find x.", "58", 1),
    ("It has five sides.", "How many sides does it have?", "5", 1),
    (r"\boxed{\text{The answer is } 5}", "Find x.", "5", 1),
    (r"\boxed{45 \mathrm{~km}}", "How far?", "45", 1),
    # alternatives, denials, corrections
    ("x = 5 or -5, but length is positive so x = 5", "Find x.", "5", 1),
    ("x = -5 or x = 5. Since x > 0, x = 5.", "Find x.", "5", 1),
    ("The value is 5 or 6.", "Find the value.", "5", 0),
    ("5 or 6", "Find the value.", "6", 0),
    (r"\boxed{5 \text{ or } 6}", "Find x.", "5", 0),
    ("The answer is 36, not 35.", "Find x.", "36", 1),
    ("The answer is 36, not 35.", "Find x.", "35", 0),
    ("It's not 5; it's 6.", "Find x.", "6", 1),
    ("x = 6. Wait, actually, x = 5.", "Find x.", "5", 1),
    ("x = 6. Wait, actually, x = 5.", "Find x.", "6", 0),
    ("There is no solution.", "Find x.", "5", 0),
    ("3x + 2 = 11", "Solve 3x + 2 = 11 for x.", "11", 0),
    # sets, intervals, points, ratios, equations
    ("The solutions are 5 and -5.", "Solve.", r"x=\pm 5", 1),
    ("The range is y ≤ 4.", "What is the range?", "(-∞, 4]", 1),
    ("The range of f is (-∞, 4].", "What is the range?", "(-∞, 4]", 1),
    ("The ratio is 3 to 2.", "Find the ratio.", "3:2", 1),
    ("2:3", "Find the ratio.", "3:2", 0),
    ("The time is 10:30.", "What time is it?", "10:30", 1),
    ("The coordinates are (3, -4).", "Find the point.", "(3,-4)", 1),
    ("x = 3, y = -4", "Find x and y.", "(3,-4)", 1),
    ("The center is (20, 10).", "Find the center.", "Center $=(20,10)$", 1),
    ("The equation is y = 2x + 1.", "Find the equation of the line.", "y=2x+1", 1),
    ("The line is 2x + 4y - 3 = 0.", "Find the equation of the line.", "2x+4y-3=0", 1),
    ("f(x) = x^2 + 1 is the function.", "Find f.", "f(x)=x^{2}+1", 1),
    ("-4.9, -4.9", "Find both.", "-4.9\n-4.9", 1),
    ("-9.8", "Find both.", "-4.9\n-4.9", 0),
    # units
    ("The area is 24 square centimetres.", "Find the area.", "24 cm^2", 1),
    ("The area is 24 square metres.", "Find the area.", "24 cm^2", 0),
    ("5.3 m, because AB is short", "Find the length.", "5.3 cm", 0),
    ("It costs 5 dollars.", "How much?", r"\$5", 1),
    ("The height is 2½ m.", "Find the height.", r"\frac{5}{2}", 1),
    ("The area is approximately 75.4 cm².", "Find the area.", r"24\pi", 1),
    ("The bearing is 118°T.", "Find the true bearing.", "118°T", 1),
    # names, yes and no, statements
    ("The largest angle is ∠ABC.", "Which angle is the largest?", r"\angle ABC", 1),
    ("The function is even.", "Is the function even, odd or neither?", "even", 1),
    ("It is odd.", "Is the function even, odd or neither?", "even", 0),
    ("No, it is odd.", "Is f even?", "no", 1),
    ("Yes", "Is f even?", "no", 0),
    ("The bearing is N34°W.", "Find the bearing.", "N 34° W", 1),
    ("N 35° W", "Find the bearing.", "N 34° W", 0),
    ("Domain: [-4, 0), Range: (-3, 1]", "Find them.", "domain: [-4, 0) and range: (-3, 1]", 1),
    ("domain: [-4, 0] and range: (-3, 1]", "Find them.", "domain: [-4, 0) and range: (-3, 1]", 0),
]


@pytest.mark.parametrize(("response", "question", "gold", "right"), READ)
def test_free_form(response: str, question: str, gold: str, right: int) -> None:
    assert mathverse(Answer(response), MathTarget(question, gold)).value == right


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("C and D", 1),
        ("D, C", 1),
        ("C\nD", 1),
        ("CD", 1),
        ("C: tan\nD: cot", 1),
        ("The correct answers are (C) and (D).", 1),
        (r"\boxed{C, D}", 1),
        ("Options C and D are right, not A.", 1),
        ("C", 0),
        ("A, C and D", 0),
        ("I cannot tell.", None),
    ],
)
def test_several_right_options_must_all_be_named(response: str, value: int | None) -> None:
    target = MathTarget("Which two are equal? Choose 2 answers:", "CD", ("sin", "cos", "tan", "cot"))
    score = mathverse(Answer(response), target)
    assert (score.value, score.status is Status.OK) == (value or 0, value is not None)


@pytest.mark.parametrize(
    ("response", "value"),
    [
        (r"\boxed{45 \mathrm{~km}}. The answer is: (E).", 1),
        (r"It lies between 44 km and 45 km, so \boxed{45}.", 0),
        (r"Of 44 and 42 I am not sure. \boxed{10\sqrt{3}+44}", 0),
        (r"\boxed{44}", 1),
        (r"\boxed{2 \cdot 22}", 0),
    ],
)
def test_a_box_that_is_no_option_yields_only_to_an_announced_one(response: str, value: int) -> None:
    target = MathTarget("How far?", "E", ("20 km", "30 km", "40 km", "42 km", "44 km"))
    assert mathverse(Answer(response), target).value == value


# --- Golds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "options", "letters"),
    [
        ("C", OPTIONS, "C"),
        ("(C)", OPTIONS, "C"),
        ("55°", OPTIONS, "C"),
        ("False", ("True", "False"), "B"),
        (r"090^\circ T", (r"090^\circ T", r"180^\circ T"), "A"),
        ("C\nD", OPTIONS, "CD"),
        ("A, C", OPTIONS, "AC"),
        ("B", ("", "", "", ""), "B"),
    ],
)
def test_golds_of_options(answer: str, options: tuple[str, ...], letters: str) -> None:
    assert right_letters(answer, options) == letters


def test_each_form_of_gold_earns_its_point() -> None:
    forms: list[dict[str, Any]] = [
        {"answer": "(C)"},
        {"answer": "55°"},
        {"answer": "C\nD", "question": f"Choose 2 answers: {QUESTION}", "question_for_eval": None},
        {"answer": "False", "question": "True?\nChoice:\nA. True\nB. False", "question_for_eval": None},
        {"answer": "118掳T", "question_type": "free-form"},
        {"answer": "-4.9, -4.9", "question_type": "free-form"},
        {"answer": r"Area $=9 \pi \mathrm{cm}^{2}$", "question_type": "free-form"},
    ]
    for changes in forms:
        [sample] = TASK.to_samples(row(**changes))
        for text in (changes["answer"], sample.target.gold()):
            assert TASK.score(sample, Response(text)).value == 1.0, (changes, text)


def test_a_gold_of_two_blanks_is_a_list() -> None:
    [sample] = TASK.to_samples(row(answer="-4.9\n5", question_type="free-form"))
    assert sample.target.gold() == "-4.9, 5"
    assert [TASK.score(sample, Response(text)).value for text in ("-4.9, 5", "-4.9", "5")] == [1.0, 0.0, 0.0]


def test_a_gold_read_in_the_wrong_encoding_is_mended() -> None:
    [sample] = TASK.to_samples(row(answer="118掳T", question_type="free-form"))
    assert sample.target.answer == "118°T"
    assert TASK.score(sample, Response("The true bearing is 118°T.")).value == 1.0


def test_all_rows_become_samples_whose_gold_is_right(golden_dir: Path) -> None:
    path = golden_dir.parent / "cases" / "data" / "mathverse_testmini_text_only.json"
    if not path.exists():
        pytest.skip(f"the rows are absent: {path}")
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert len(rows) == 788
    for line in rows:
        [sample] = TASK.to_samples(line)
        for text in (line["answer"].strip().replace("\n", ", "), sample.target.gold()):
            assert TASK.score(sample, Response(text)).value >= 0.95, (line["sample_index"], text)


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": "E"},
        {"answer": "57°"},
        {"answer": "C\nC"},
        {"answer": "C\nE"},
        {"question_type": "free-form", "answer": ""},
    ],
)
def test_malformed_rows(changes: dict[str, Any]) -> None:
    with pytest.raises(RowError, match="answer"):
        list(TASK.to_samples(row(**changes)))


@pytest.mark.parametrize(
    "missing", ["sample_index", "problem_index", "problem_version", "question", "answer", "question_type"]
)
def test_missing_columns(missing: str) -> None:
    with pytest.raises(RowError, match=missing):
        list(TASK.to_samples({key: value for key, value in row().items() if key != missing}))


# --- What is read, and where ---------------------------------------------------------------------------------

EXTRACTED: list[tuple[str, str, str | None, str | None]] = [
    # (response, gold, what is read of it, the channel)
    ("the area is 5 cm", "5", "5 cm", "whole"),
    ("The answer is 5) or so", "5", "5", "announced"),
    ("It equals 5 (by the theorem)", "5", "5", "whole"),
    ("5 because 3", "5", "5", "whole"),
    ("We get 12 (as the figure shows)", "5", "12", "concluding"),
    ("so y = 2x+1", "2x+1", "y = 2x+1", "concluding"),
    (r"5\\6", "5", "6", "whole"),
    ("x=1 or x=2", "5", "x=1 or x=2", "concluding"),
    (r"\boxed{5 \text{ or } 6}", "5", r"5 \text{ or } 6", "box"),
    # of several values the last is the number asked for, the first the equation
    ("The value of x is 5 and y is 6", "5", "6", "whole"),
    ("The value of x is 5 and y is 6", "2x+1", "5", "whole"),
    ("The value is x = 5, so y = 6.", "5", "6", "concluding"),
    ("The value is x = 5, so y = 6.", "2x+1", "x = 5", "concluding"),
    ("3 apples and 5 pears", "5", None, None),
    ("The sum 3 + 4 is 7", "5", "7", "whole"),
    ("1/2 of 8 is 4", "5", "4", "whole"),
    ("The result is 3 + 4", "5", "3 + 4", "announced"),
    # words are numbers where the gold is one
    ("twelve", "5", "12", "whole"),
    ("twelve", "2x+1", None, None),
    ("twelve apples", "5", "12", "whole"),
    ("twelve apples", "2x+1", None, None),
    ("It has seven sides.", "5", "7", "whole"),
    ("It has 7 sides.", "2x+1", None, None),
    (r"\boxed{twelve apples}", "5", "12", "box"),
    (r"\boxed{twelve apples}", "2x+1", "twelve apples", "box"),
    # a letter is mathematics where the gold is no number
    ("x", "5", None, None),
    ("x", "2x+1", "x", "whole"),
    (r"\boxed{x}", "5", "x", "box"),
    ("f(x) = x^2 + 1 is it", "5", None, None),
    ("f(x) = x^2 + 1 is it", "2x+1", "x^2 + 1", "whole"),
    # a box is read whatever it holds
    (r"\boxed{I cannot tell}", "5", "I cannot tell", "box"),
    (r"\boxed{\text{red}}", "5", "red", "box"),
    ("I cannot tell", "5", None, None),
    # a first line counts where it is no step, a last one in any case
    ("5\nSome words follow here without any", "5", "5", "whole"),
    ("twelve\nSome words follow here without any", "5", "12", "whole"),
    ("x = 5\nSome words follow here without any", "5", None, None),
    ("Some words.\nx = 5", "5", "x = 5", "concluding"),
    ("", "5", None, None),
]


@pytest.mark.parametrize(("response", "gold", "extracted", "channel"), EXTRACTED)
def test_what_is_read(response: str, gold: str, extracted: str | None, channel: str | None) -> None:
    score = mathverse(Answer(response), MathTarget("Find it.", gold))
    assert (score.extracted, score.channel) == (extracted, channel)


@pytest.mark.parametrize(
    ("folded", "strict", "loose"),
    [
        ("5", True, True),
        ("5 cm", True, True),
        ("x+1", True, True),
        ("1" + "+1" * 149, True, True),
        ("x+1" * 100, True, True),
        ("x+1" * 100 + "+", False, False),
        ("x", False, True),
        ("AB", False, True),
        (r"\alpha", False, True),
        ("5 and 6", True, True),
        ("of 5", False, False),
        ("the 5", False, False),
        ("ABCDE 5", False, False),
        ("+", False, False),
        ("", False, False),
    ],
)
def test_expressions(folded: str, strict: bool, loose: bool) -> None:
    assert is_expression(folded) is strict
    assert is_expression(folded, loose=True) is loose


@pytest.mark.parametrize(
    ("response", "gold", "letters", "value"),
    [
        # the letters of options in the picture
        ("A", "C", "A", 0),
        ("E", "E", "E", 1),
        ("The answer is C", "C", "C", 1),
        ("5", "C", None, 0),
        ("F", "C", None, 0),
        ("F", "F", "F", 1),
    ],
)
def test_options_in_the_picture(response: str, gold: str, letters: str | None, value: int) -> None:
    score = mathverse(Answer(response), MathTarget("Which?", gold))
    assert (score.extracted, score.value) == (letters, value)


@pytest.mark.parametrize(
    ("response", "letters"),
    [
        ("AC", "AC"),
        ("CA", "AC"),
        ("C, A, A", "AC"),
        ("A", "A"),
        ("A: x\nC: y", "AC"),
        ("A. B is wrong\nC", "AC"),
        ("I think A and C", "AC"),
        ("A, B, C", "ABC"),
        ("H", "H"),
        ("not A, B", "B"),
        ("<answer>A, C</answer>", "AC"),
        (r"\boxed{A}" + "\nA and C", "A"),
        ("A cat", None),
        ("Z", None),
        ("<think>A\nC", None),
    ],
)
def test_letters_of_several_right_options(response: str, letters: str | None) -> None:
    score = mathverse(Answer(response), MathTarget("Which two?", "CA", ("1", "2", "3", "4")))
    assert (score.extracted, score.value) == (letters, letters == "AC")


@pytest.mark.parametrize(
    ("response", "gold", "extracted", "value"),
    [
        ("Yes.", "yes", "yes", 1),
        ("true", "yes", "yes", 1),
        ("no", "False", "no", 1),
        ("no", "yes", "no", 0),
        ("maybe", "yes", None, 0),
        ("parallel", "parallel", "parallel", 1),
        ("They are parallel.", "parallel", "parallel", 1),
        ("AB, CD", "AB and CD", "AB, CD", 1),
        ("AB", "AB and CD", "AB", 0),
        ("I cannot tell", "parallel", None, 0),
    ],
)
def test_words_as_golds(response: str, gold: str, extracted: str | None, value: int) -> None:
    score = mathverse(Answer(response), MathTarget("Is it?", gold))
    assert (score.extracted, score.value, score.status is Status.OK) == (
        extracted,
        value,
        extracted is not None,
    )


LENGTHS = ("3", "4", "5", "x+1")


@pytest.mark.parametrize(
    ("response", "options", "gold", "read", "by_value"),
    [
        ("5", LENGTHS, "C", "C", "C"),
        ("1+x", LENGTHS, "C", "D", "D"),
        ("7", LENGTHS, "C", None, "7"),
        (r"\sqrt{25}", LENGTHS, "C", None, "C"),
        ("It is 5 or 4", LENGTHS, "C", None, "5 or 4"),
        ("E", LENGTHS, "C", None, None),
        (r"\sqrt{4}", ("2", "2", "5"), "B", None, "A"),
        (r"\sqrt{4}", ("2", r"\frac{2}{1}", "5"), "A", None, r"\sqrt{4}"),
        (r"\sqrt{4}", ("", "2", "5"), "B", None, "B"),
    ],
)
def test_options_by_their_value(
    response: str, options: tuple[str, ...], gold: str, read: str | None, by_value: str | None
) -> None:
    target = MathTarget("How long?", gold, options)
    right = {
        option for option, text in zip("ABCD", options, strict=False) if text == options["ABCD".index(gold)]
    }
    for rule, extracted in ((mathverse, read), (mathvision, by_value)):
        score = rule(Answer(response), target)
        assert (score.extracted, score.value) == (extracted, extracted in right)
