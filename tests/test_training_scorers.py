"""Scorers of training data: word error rate, ROUGE-L, relative accuracy, format, problem types."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers.read.locate import Channel
from scorers.rules.choice import ChoiceTarget, choice
from scorers.rules.grounding import BoxTarget, grounding
from scorers.rules.math import MathTarget, mathverse
from scorers.types import COORDS, Answer, Status, Target
from training.problems import PROBLEM_TYPES, Problem, ProblemError, gold_value, problem_scorer
from training.problems.options import read_options
from training.problems.relative_accuracy import (
    NumberTarget,
    equal_at_two_decimals,
    mean_relative_accuracy,
    numerical,
    regression,
)
from training.problems.rouge import OpenTarget, rouge_l, rouge_score
from training.problems.word_error_rate import TranscriptTarget, transcript_score, word_error_rate
from training.response_format import response_format

WER = [
    ("the cat sat", "the cat sat", 0),
    ("The Cat SAT", "the cat sat", 0),
    ("the  cat\nsat", "the cat sat", 0),
    ("the cat", "the cat sat", 1 / 3),
    ("the cat sat down", "the cat sat", 1 / 3),
    ("the dog sat", "the cat sat", 1 / 3),
    ("a dog ran", "the cat sat", 1),
    ("cat the sat", "the cat sat", 2 / 3),
    ("", "the cat sat", 1),
    ("", "", 0),
    ("the cat", "", 2),
    ("x x x x the cat sat", "the cat sat", 4 / 3),
    ("the cat sat.", "the cat sat", 1 / 3),
    ("“the” cat", '"the" cat', 0),
    ("ｔｈｅ cat", "the cat", 0),
    ("東京", "東京都", 1 / 3),
    ("東京都", "東 京 都", 0),
    ("한국어", "한국", 1 / 2),
]


@pytest.mark.parametrize(("told", "gold", "expected"), WER)
def test_word_error_rate(told: str, gold: str, expected: float) -> None:
    assert word_error_rate(told, gold) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("response", "gold", "value", "status"),
    [
        ("the cat sat", "the cat sat", 1.0, Status.OK),
        ('"the cat sat"', "the cat sat", 1.0, Status.OK),
        ("<think>a b c</think><answer>the cat</answer>", "the cat sat", 2 / 3, Status.OK),
        ("x x x x x x x", "the cat sat", 0.0, Status.OK),
        ("", "the cat sat", 0.0, Status.UNPARSED),
        ("I cannot read the text.", "the cat sat", 0.0, Status.UNPARSED),
        ("", "", 1.0, Status.OK),
    ],
)
def test_transcripts(response: str, gold: str, value: float, status: Status) -> None:
    score = transcript_score(Answer(response), TranscriptTarget(gold))
    assert (score.value, score.status, score.official) == (pytest.approx(value), status, None)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), min_size=1, max_size=8))
def test_word_error_rate_is_bounded_by_the_longer_text(told: list[str], gold: list[str]) -> None:
    rate = word_error_rate(" ".join(told), " ".join(gold))
    assert abs(len(told) - len(gold)) / len(gold) <= rate + 1e-9
    assert rate <= max(len(told), len(gold)) / len(gold)
    assert (rate == 0) == (told == gold)


ROUGE = [
    ("the cat sat", "the cat sat", 1),
    ("The cat sat.", "the cat sat", 1),
    ("the cat", "the cat sat", 2 * 2 / 5),
    ("the cat sat on the mat", "the cat sat", 2 * 3 / 9),
    ("sat cat the", "the cat sat", 2 * 1 / 6),
    ("the sat cat", "the cat sat", 2 * 2 / 6),
    ("the old cat sat", "the cat sat", 2 * 3 / 7),
    ("a dog ran", "the cat sat", 0),
    ("cats", "cat", 0),
    ("", "the cat", 0),
    ("the cat", "", 0),
    ("", "", 1),
    ("!?", "...", 1),
    ("café", "cafe", 1),
    ("well-known", "well known", 1),
    ("3.5", "3 5", 1),
    ("東京", "東京都", 2 * 2 / 5),
    ("大阪", "東京", 0),
]


@pytest.mark.parametrize(("told", "gold", "expected"), ROUGE)
def test_rouge_l(told: str, gold: str, expected: float) -> None:
    assert rouge_l(told, gold) == pytest.approx(expected)


@settings(deadline=None)
@given(st.text("abc ", max_size=30), st.text("abc ", min_size=1, max_size=30))
def test_rouge_l_agrees_with_the_package(told: str, gold: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    if told.split() and gold.split():
        expected = RougeScorer(["rougeL"]).score(gold, told)["rougeL"].fmeasure
        assert rouge_l(told, gold) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("response", "golds", "value", "status"),
    [
        ("the cat sat", ("the cat sat",), 1.0, Status.OK),
        ("the cat sat", ("a dog", "the cat sat"), 1.0, Status.OK),
        ("<answer>the cat</answer>", ("the cat sat",), 0.8, Status.OK),
        ("", ("the cat sat",), 0.0, Status.UNPARSED),
        ("I'm sorry, I can't help with that.", ("the cat sat",), 0.0, Status.UNPARSED),
        ("i cannot see the cat", ("i cannot see the cat",), 1.0, Status.OK),
    ],
)
def test_open_answers(response: str, golds: tuple[str, ...], value: float, status: Status) -> None:
    score = rouge_score(Answer(response), OpenTarget(golds))
    assert (score.value, score.status) == (pytest.approx(value), status)


RELATIVE = [
    (10, 10, 1.0),
    (9.5, 10, 1.0),
    (10.5, 10, 1.0),
    (9.4, 10, 0.9),
    (9, 10, 0.9),
    (8.9, 10, 0.8),
    (8.5, 10, 0.8),
    (8, 10, 0.7),
    (7.5, 10, 0.6),
    (6, 10, 0.3),
    (5, 10, 0.1),
    (4.9, 10, 0.0),
    (15, 10, 0.1),
    (15.1, 10, 0.0),
    (-10, 10, 0.0),
    (-9, -10, 0.9),
    (0, 0, 1.0),
    (0.001, 0, 0.0),
    (0, 10, 0.0),
]


@pytest.mark.parametrize(("told", "gold", "expected"), RELATIVE)
def test_mean_relative_accuracy(told: float, gold: float, expected: float) -> None:
    assert mean_relative_accuracy(told, gold) == pytest.approx(expected)


@given(st.floats(0.1, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_nearer_is_never_worse(gold: float, one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert mean_relative_accuracy(gold * (1 + near), gold) >= mean_relative_accuracy(gold * (1 + far), gold)


@pytest.mark.parametrize(
    ("told", "gold", "expected"),
    [(3.14, 3.14, 1), (3.141, 3.14, 1), (3.144, 3.14, 1), (3.146, 3.14, 0), (3.15, 3.14, 0), (-3.14, 3.14, 0),
     (0.001, 0, 1), (3, 3.0, 1), (1e9, 1e9 + 1, 0)],
)  # fmt: skip
def test_two_decimals(told: float, gold: float, expected: int) -> None:
    assert equal_at_two_decimals(told, gold) == expected


@pytest.mark.parametrize(
    ("scorer", "response", "gold", "value", "status"),
    [
        (numerical, "3.141", 3.14, 1.0, Status.OK),
        (numerical, "The answer is 3.14 cm.", 3.14, 1.0, Status.OK),
        (numerical, "1,200", 1200.0, 1.0, Status.OK),
        (numerical, "47%", 47.0, 1.0, Status.OK),
        (numerical, "47%", 0.47, 1.0, Status.OK),
        (numerical, "3 or 4", 3.0, 0.0, Status.UNPARSED),
        (numerical, "blue", 3.0, 0.0, Status.UNPARSED),
        (numerical, "", 3.0, 0.0, Status.UNPARSED),
        (regression, "9", 10.0, 0.9, Status.OK),
        (regression, "<think>5</think><answer>about 9 metres</answer>", 10.0, 0.9, Status.OK),
        (regression, "100", 10.0, 0.0, Status.OK),
    ],
)
def test_number_scorers(scorer: Any, response: str, gold: float, value: float, status: Status) -> None:
    score = scorer(Answer(response), NumberTarget(gold))
    assert (score.value, score.status) == (pytest.approx(value), status)


FORMAT = [
    # response, strict, lenient
    ("<think>a</think><answer>b</answer>", 1, 1),
    ("<think>a</think>\n\n<answer>b</answer>\n", 1, 1),
    ("  <think>\na\n</think> <answer>\nb\n</answer>", 1, 1),
    ("<think>a < b</think><answer>c</answer>", 1, 1),
    ('<think>a</think><answer>{"label": "<think>"}</answer>', 1, 1),
    ("<answer>b</answer>", 0, 1),
    ("b", 0, 0),
    ("", 0, 0),
    ("<think>a</think>b", 0, 0),
    ("<think>a</think><answer>b", 0, 0),
    ("<think>a<answer>b</answer>", 0, 1),
    ("a</think><answer>b</answer>", 0, 1),
    ("<thinking>a</thinking><answer>b</answer>", 0, 1),
    ("Sure. <think>a</think><answer>b</answer>", 0, 1),
    ("<think>a</think> so <answer>b</answer>", 0, 1),
    ("<think>a</think><answer>b</answer> done", 0, 1),
    ("<think>a</think><answer>b</answer><answer>c</answer>", 0, 0),
    ("<think>a</think><think>b</think><answer>c</answer>", 0, 1),
    ("<think>a</think><answer></answer>", 0, 0),
    ("<think>a</think><answer>  </answer>", 0, 0),
    ("<think> </think><answer>b</answer>", 0, 1),
    ("<answer>b</answer><think>a</think>", 0, 0),
    ("<think><answer>a</answer></think><answer>b</answer>", 0, 0),
    ("<think>a</think><answer><answer>b</answer></answer>", 0, 0),
]


@pytest.mark.parametrize(("text", "strict", "lenient"), FORMAT)
def test_response_format(text: str, strict: int, lenient: int) -> None:
    assert response_format(text) == strict
    assert response_format(text, strict=False) == lenient


@given(st.text(max_size=60))
def test_what_is_strict_is_lenient(text: str) -> None:
    assert response_format(text) <= response_format(text, strict=False)


@given(st.text(st.characters(exclude_characters="<"), max_size=60))
def test_any_answer_without_tags_can_be_formatted(text: str) -> None:
    assert response_format(f"<think>x</think><answer>{text}</answer>") == float(bool(text.strip()))


JUDGED = [
    ("multiple choice", Problem("B", "", ("A. cat", "B. dog")), "B", 1.0),
    ("multiple choice", Problem("<answer>B</answer>", "", ("cat", "dog")), "The dog", 1.0),
    ("multiple choice", Problem("dog", "", ("cat", "dog")), "A", 0.0),
    ("multiple choice", Problem("(B)", "", ("(A) cat", "(B) dog")), "<answer>B</answer>", 1.0),
    ("multiple choice", Problem("E", "Which? A. 1 B. 2 C. 3 D. 4 E. 5"), "E", 1.0),
    ("Multiple-Choice", Problem("B", "", ("cat", "dog")), "A", 0.0),
    ("numerical", Problem("<answer>3.14</answer>"), "3.141", 1.0),
    ("numerical", Problem("1,200"), "1201", 0.0),
    ("regression", Problem("10"), "9", 0.9),
    ("OCR", Problem("the cat sat"), "the cat", 2 / 3),
    ("ocr", Problem("the cat sat"), "", 0.0),
    ("open-ended", Problem("the cat sat"), "the cat", 0.8),
    ("open_ended", Problem("the cat sat"), "the cat sat", 1.0),
    ("Open Ended", Problem("the cat sat"), "a dog", 0.0),
    ("math", Problem(r"\frac{1}{2}"), "The answer is 0.5", 1.0),
    ("math", Problem("$2x$"), r"\boxed{x + x}", 1.0),
    ("math", Problem("3"), "4", 0.0),
    ("spatial grounding", Problem('{"boxes": [0, 0, 10, 10]}', coords="abs"), '{"boxes": [0, 0, 10, 5]}', 0.5),
    ("spatial_grounding", Problem("<answer>[0, 0, 10, 10]</answer>", coords="abs"), "[0, 0, 10, 10]", 1.0),
    ("spatial grounding", Problem("[0, 0, 10, 10]", coords="abs"), "nowhere", 0.0),
]


@pytest.mark.parametrize(("name", "problem", "response", "value"), JUDGED)
def test_problem_types(name: str, problem: Problem, response: str, value: float) -> None:
    scorer, target = problem_scorer(name, problem)
    assert scorer(Answer(response, coords="abs"), target).value == pytest.approx(value)
    assert isinstance(target, Target)
    assert all(isinstance(field, str | int | float | tuple | None) for field in asdict(target).values())
    assert scorer(Answer(str(target.gold("abs")), coords="abs"), target).value == 1.0


def test_targets_of_problem_types() -> None:
    assert problem_scorer("multiple choice", Problem("B", "", ("A. cat", "B. dog"))) == (
        choice,
        ChoiceTarget(("cat", "dog"), 1),
    )
    box = Problem("[100, 100, 500, 500]", size=(200, 100), coords="norm1000")
    assert problem_scorer("spatial grounding", box) == (grounding, BoxTarget((20, 10, 100, 50), 200, 100))


@pytest.mark.parametrize(
    ("name", "problem", "message"),
    [
        ("multipel choice", Problem("B"), "did you mean 'multiple choice'"),
        ("spatial-groundng", Problem("B"), "did you mean 'spatial grounding'"),
        ("tracking of things", Problem("B"), "unknown problem type"),
        ("", Problem("B"), "known: multiple choice, numerical"),
        ("multiple choice", Problem("E", "", ("cat", "dog")), "none of 2 options"),
        ("multiple choice", Problem("bird", "", ("cat", "dog")), "none of 2 options"),
        ("numerical", Problem("blue"), "no number"),
        ("regression", Problem(""), "no number"),
        ("spatial grounding", Problem("left", coords="abs"), "no box"),
        ("spatial grounding", Problem("[1, 2, 3, 4]", coords="norm1000"), "needs the image's size"),
        (
            "spatial grounding",
            Problem("[1, 2, 3, 4]"),
            "a box needs gold_coords, how its numbers are meant: abs,",
        ),
        ("spatial grounding", Problem("[1, 2, 3, 4]", coords="pixels"), "not pixels"),  # type: ignore[arg-type]
        ("spatial grounding", Problem("[1, 2, 3, 1001]", size=(9, 9), coords="norm1000"), "outside the image"),
        (
            "spatial grounding",
            Problem("[1, 2, 30, 41]", size=(30, 40), coords="abs"),
            "outside the image in abs",
        ),
        ("spatial grounding", Problem("[10, 20, 5, 40]", coords="abs"), "has no area"),
        ("spatial grounding", Problem("[[1, 2, 3, 4], [5, 6, 7, 8]]", coords="abs"), "more than one box"),
        ("multiple choice", Problem("A", "Which?"), "no options, and the question lists none"),
        ("multiple choice", Problem("A", "Which?", ("cat",)), "1 options: wants 2"),
        (
            "multiple choice",
            Problem("A", "", ("A. cat", "B. dog", "D. cow")),
            "lettered A, B, D: wants A, B, C",
        ),
        ("multiple choice", Problem("A", "", ("(B) cat", "(A) dog")), "lettered B, A: wants A, B, C"),
        ("multiple choice", Problem("A", "", ("C", "A", "B")), "letter of one option and the text of another"),
        ("multiple choice", Problem("B. cat", "", ("cat", "dog")), "none of 2 options"),
        ("ocr", Problem("<answer> </answer>"), "the answer is empty"),
        ("open-ended", Problem(""), "the answer is empty"),
        ("math", Problem("<answer></answer>"), "the answer is empty"),
    ],
)
def test_rows_that_cannot_be_scored(name: str, problem: Problem, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        problem_scorer(name, problem)


def test_every_type_has_a_case() -> None:
    judged = {problem_scorer(name, problem)[0] for name, problem, *_ in JUDGED}
    assert len(judged) == len(PROBLEM_TYPES)


def test_mathematics_without_an_answer_is_unparsed() -> None:
    for response in ("", "I cannot determine the value."):
        assert mathverse(Answer(response), MathTarget("", "3")).status is Status.UNPARSED


LINES = "<image> Which?\nChoices:\n(A) red\n(B) dark blue\nAnswer with the letter."


@pytest.mark.parametrize(
    ("options", "question", "texts", "asked", "listed"),
    [
        (("A. cat", "B. dog"), "<image> Which?", ("cat", "dog"), "Which?", False),
        (("cat", "dog"), "Is it a cat or a dog?", ("cat", "dog"), "Is it a cat or a dog?", False),
        (("(A) cat", "(B) dog"), "?", ("cat", "dog"), "?", False),
        (("A)cat", "B)dog"), "?", ("cat", "dog"), "?", False),
        (("A. a", "B. b", "-"), "?", ("a", "b", "-"), "?", False),  # the shared rows have such a list
        (("A", "B", "C", "D"), "<image> Which point?", ("A", "B", "C", "D"), "Which point?", False),
        (("A.", "B."), "?", ("A", "B"), "?", False),
        (("J. Smith", "A. Jones"), "Who?", ("J. Smith", "A. Jones"), "Who?", False),
        ((), LINES, ("red", "dark blue"), "Which?\nChoices:", True),
        (("A", "B"), LINES, ("red", "dark blue"), "Which?\nChoices:", True),
        (("A. Red", "B. dark blue"), LINES, ("red", "dark blue"), "Which?\nChoices:", True),
        (("A. both", "B. none"), LINES, ("both", "none"), LINES.removeprefix("<image> "), False),
        ((), "Which? A. 1 B. 2 C. 3", ("1", "2", "3"), "Which?", True),
        (("1", "2", "3"), "Which? A. 1 B. 2 C. 3", ("1", "2", "3"), "Which? A. 1 B. 2 C. 3", False),
    ],
)
def test_options_of_a_row(
    options: tuple[str, ...], question: str, texts: tuple[str, ...], asked: str, listed: bool
) -> None:
    found = read_options(Problem("A", question, options))
    assert (found.texts, found.question, found.listed) == (texts, asked, listed)


@pytest.mark.parametrize(
    ("gold", "options", "right"),
    [
        ("C", ("A. b", "B. l", "C. r"), 2),  # the letter, also where options are letters
        ("A", ("A. C", "B. A"), 0),
        ("l", ("b", "l", "r"), 1),
        ("b", ("cat", "dog"), 1),
        ("B. dog", ("cat", "dog"), 1),
        ("(B) dog", ("A. cat", "B. dog"), 1),
        ("The dog.", ("cat", "dog"), 1),
        ("same", ("same", "same"), 0),
    ],
)
def test_the_right_option_is_a_letter_or_a_text(gold: str, options: tuple[str, ...], right: int) -> None:
    _, target = problem_scorer("multiple choice", Problem(gold, "", options))
    assert isinstance(target, ChoiceTarget)
    assert target.answer == right


@pytest.mark.parametrize("coords", COORDS)
def test_a_box_is_the_same_box_whatever_the_model_s_convention(coords: Any) -> None:
    gold = Problem('{"boxes": [577, 232, 899, 786]}', size=(640, 480), coords="norm1000")
    scorer, target = problem_scorer("spatial grounding", gold)
    assert scorer(Answer(f"<answer>{target.gold(coords)}</answer>", coords), target).value > 0.97
    pixels = scorer(Answer("[577, 232, 899, 786]", "abs"), target)
    assert pixels.value < 0.5


@pytest.mark.parametrize(
    ("name", "response", "question", "value", "channel"),
    [
        ("ocr", "<think>x</think><answer>go home</answer>", "", 1.0, Channel.TAG),
        ("ocr", "go home", "", 1.0, Channel.WHOLE),
        ("ocr", "Answer: go home", "", 1.0, Channel.ANNOUNCED),
        ("ocr", "The sign says go home", "What does the sign say?", 1.0, Channel.WHOLE),
        ("ocr", '{"answer": "go home"}', "", 1.0, Channel.JSON),
        ("ocr", "Stay here.\nThe answer is go home", "", 0.0, None),
        ("open-ended", r"The text is \boxed{go home}", "", 1.0, Channel.BOX),
        ("open-ended", "**go home**", "", 1.0, Channel.WHOLE),
    ],
)
def test_where_a_whole_text_is_found(
    name: str, response: str, question: str, value: float, channel: Channel | None
) -> None:
    scorer, target = problem_scorer(name, Problem("go home", question))
    score = scorer(Answer(response), target)
    assert score.value == pytest.approx(value)
    assert channel is None or score.channel == channel


def test_a_refusal_within_a_caption_is_none() -> None:
    caption = "A red bus stands at a stop. The driver is not visible."
    score = rouge_score(Answer(caption), OpenTarget(("a red bus at a stop in the rain on a street at night",)))
    assert score.status is Status.OK
    assert 0 < score.value <= 0.6


@pytest.mark.parametrize("name", PROBLEM_TYPES)
def test_open_thinking_is_no_answer(name: str) -> None:
    gold = Problem("A", "", ("cat", "dog")) if "choice" in name else Problem("12")
    gold = Problem("[1, 2, 3, 4]", coords="abs") if "grounding" in name else gold
    scorer, target = problem_scorer(name, gold)
    score = scorer(Answer(f"<think>The answer is {gold.gold}", "abs"), target)
    assert (score.value, score.status) == (0.0, Status.UNPARSED)


def test_a_row_that_its_scorer_does_not_accept_is_seen() -> None:
    assert gold_value("math", Problem("$$\\pi $$")) == 1.0
    assert gold_value("numerical", Problem("3")) == 1.0
    assert gold_value("ocr", Problem('" Now what about that drink? "')) == 1.0


GARBAGE = ["9" * 1_000_000, "a " * 500_000, "<think>" * 50_000, "(" * 200_000, "\ud800", "\x00", "{" * 100_000]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", PROBLEM_TYPES)
@pytest.mark.timeout(30)
def test_garbage_is_judged_in_bounded_time(garbage: str, name: str) -> None:
    gold = "[1, 2, 3, 4]" if "grounding" in name else "A" if "choice" in name else "12"
    options = ("cat", "dog") if "choice" in name else ()
    scorer, target = problem_scorer(name, Problem(gold, "", options, coords="abs"))
    assert scorer(Answer(garbage, coords="abs"), target).value == 0.0
    assert response_format(garbage) == 0.0
