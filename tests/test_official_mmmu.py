"""MMMU's own rules against hand-derived cases, one for each branch, and against recorded verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scorers.official.mmmu import official_choice, official_numbers, official_open
from scorers.official.mmmu import official_readings as readings
from scorers.rules.mmmu import MmmuTarget, mmmu, same_number
from scorers.types import Answer, Status
from tasks.mmmu import TASK
from tasks.types import Response

COLOURS = ("red", "dark blue", "green", "none of these")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # 1. "(X)" anywhere; of several the last
        ("(B)", 1),
        ("I think (B) it is", 1),
        ("(A), no, (C)", 2),
        ("(C) rather than (A)", 0),
        ("(B) or (B) or (A)", 0),
        ("B, or (A)", 0),
        ("(E) or B ", 1),
        ("(b)", None),
        ("( B )", 1),
        ("((B))", 1),
        # 2. else " X " anywhere, the response padded with spaces; of several the last
        ("B", 1),
        ("The answer is B", 1),
        ("A is wrong, B is right", 1),
        ("B is right and not A ", 0),
        ("A cat sits; so the answer is B", 1),
        ("It is B because A is wrong", 0),
        ("b", None),
        ("AB", None),
        ("option B: the blue", None),
        ("the answer is B.)", None),
        ("\nB\n", None),
        ("B\nbecause", None),
        ("E", None),
        # the seven characters are stripped once each, in order
        ("B.", 1),
        ("'B'", 1),
        ("B,", 1),
        ("B!?", None),
        ("B?!", 1),
        (";B:", 1),
        (":B;", 1),
        ("B.,", 1),
        ("B,.", None),
        ("B.;.", None),
        ("**B**", None),
        # 3. else an option's text in a response of more than five words, in any case; of several the last
        ("it must be the GREEN one here", 2),
        ("the thing looks red but is green", 2),
        ("the colour I see is Dark Blue", 1),
        ("neither dark blue nor anything bordering red", 0),
        ("five words are not green", None),
        ("green", None),
        ("reddish things are what I see", 0),
        # 4. nothing: the script draws at random, which counts as wrong
        ("", None),
        ("I cannot answer this question at all", None),
    ],
)
def test_multiple_choice(text: str, expected: int | None) -> None:
    assert official_choice(text, COLOURS) == expected


def test_of_options_that_end_at_one_place_the_first_counts() -> None:
    assert official_choice("so it is plainly the dark blue", ("blue", "dark blue")) == 0
    assert official_choice("so it is plainly the dark blue", ("dark blue", "dark blue")) == 0


def test_ten_options() -> None:
    assert official_choice("(J)", tuple("abcdefghij")) == 9
    assert official_choice("I think so", tuple("abcdefghij")) == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the shortest tail after a cue; "=" only in the last line
        ("The answer is 5", ["5", "5"]),
        ("It is so that x is 7 m", ["7 m", "7"]),
        ("x = 5", ["5", "5"]),
        ("x = 5\ny is 6", ["6", "6"]),
        ("x is 5\ny = 6", ["5", "6", "5", "6"]),
        ("The final result 12", ["12", "12"]),
        ("Thus we get it", ["we get it"]),
        ("It could be red", ["red"]),
        ("therefore blue.", ["blue"]),
        # an empty tail gives way to the next cue's, here "answer "; only a mark: the line says nothing
        ("the answer is \nblue", ["is"]),
        ("the answer is :", ["the answer is :"]),
        ("the answer is .5", [".5", ".5"]),
        ("so is ", ["is"]),
        # no cue anywhere: the whole response, lower-cased, stripped of full stops
        ("Red Apple.", ["red apple"]),
        ("36 Watts", ["36 watts", "36"]),
        ("", [""]),
        # sentences do not split, since capitals are gone by then
        ("It is red. The sky is blue", ["blue"]),
    ],
)
def test_key_phrases_of_open_responses(text: str, expected: list[str]) -> None:
    assert readings(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", ["5"]),
        ("-5 and .5", ["-5", ".5"]),
        ("1,234", ["1,234", "234"]),
        ("-1,234,567.5", ["-1,234,567", "567.5"]),
        ("1e5", ["1e5", "5"]),
        ("12.5E-3", ["12.5E-3", "12", "-3"]),
        ("x5", ["5"]),
        ("5x", []),
        ("3.14.", ["3.14"]),
        ("5,", []),
        ("12,34", ["34"]),
        ("12-15", ["12", "-15"]),
        ("1/2", ["1", "2"]),
        ("20%", ["20"]),
    ],
)
def test_numbers(text: str, expected: list[str]) -> None:
    assert official_numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "golds", "expected"),
    [
        # numbers: equal at two decimals
        ("5", ["5"], True),
        ("5.0", ["5"], True),
        ("5.004", ["5"], True),
        ("5.006", ["5"], False),
        ("0.286", ["0.29"], True),
        ("1,234", ["1234"], True),
        ("$1,234", ["1234"], True),
        ("The total is 20 m", ["20"], True),
        ("between 20 and 30", ["30"], True),
        ("1e3", ["1000"], True),
        ("one half", ["0.5"], False),
        ("1/2", ["0.5"], False),
        ("50%", ["0.5"], False),
        # a text gold inside a text
        ("Hormone", ["hormone"], True),
        ("the growth hormone", ["Hormone"], True),
        ("horm", ["hormone"], False),
        ("not a hormone", ["hormone"], True),
        ("The answer is insulin, a hormone", ["hormone"], True),
        ("a hormone is insulin", ["hormone"], False),
        # one character needs a space on either side
        ("Step b", ["B"], True),
        ("b then c", ["B"], True),
        ("B", ["B"], True),
        ("absorb", ["B"], False),
        # any of several golds; a text gold never meets a number, nor a number gold a text
        ("Tampa", ["Tampa", "Florida"], True),
        ("in Florida", ["Tampa", "Florida"], True),
        ("3.43", ["24/7", "3.429"], True),
        ("24/7", ["24/7", "3.429"], True),
        ("5", ["five"], False),
        ("", ["x"], False),
        ("x", [""], True),
    ],
)
def test_open_questions(text: str, golds: Sequence[str], expected: bool) -> None:
    assert official_open(text, golds) is expected


@pytest.mark.parametrize(
    ("text", "golds", "value"),
    [
        ("1/2", ["0.5"], 1.0),
        ("$1,234", ["1234"], 1.0),
        ("36 watts", ["36"], 1.0),
        ("The answer is 0.333", ["1/3"], 1.0),
        ("24.31", ["24.32"], 0.0),
        ("30 or 36", ["30"], 0.0),
        ("The answer is transformation.", ["Transformation"], 1.0),
        ("not a hormone", ["hormone"], 0.0),
        ("hormone or enzyme", ["hormone"], 0.0),
        ("Tampa", ["Tampa", "Florida"], 1.0),
        ("insulin", ["hormone"], 0.0),
    ],
)
def test_our_rule_for_open_questions(text: str, golds: Sequence[str], value: float) -> None:
    assert mmmu(Answer(text), MmmuTarget(golds=tuple(golds))).value == value


def test_a_refusal_is_no_answer() -> None:
    for text in ("I cannot determine the answer from the image.", "  "):
        assert mmmu(Answer(text), MmmuTarget(golds=("5",))).status is Status.UNPARSED


@pytest.mark.parametrize(
    ("value", "gold", "expected"),
    [
        (1.333, "1.3", True),
        (1.36, "1.3", False),
        (0.33, "0.333", True),
        (0.0, "0.003", False),
        (253.75, "253.75", True),
        (253.8, "253.75", False),
        (7243000.0, "7243000", True),
        (-5.0, "5", False),
    ],
)
def test_numbers_are_equal_as_exactly_as_the_gold_is_written(value: float, gold: str, expected: bool) -> None:
    assert same_number(value, gold, float(gold)) is expected


def test_words_around_the_gold_do_not_deny() -> None:
    for text in ("a b c d e f transformation", "neither transformation", "transformation or translation"):
        assert mmmu(Answer(text), MmmuTarget(golds=("Transformation",))).value == 0.0


def test_both_verdicts_come_from_one_call() -> None:
    target = MmmuTarget(COLOURS, 1)
    score = mmmu(Answer("B.,."), target)
    assert (score.value, score.official, score.status, score.extracted) == (1.0, 0.0, Status.OK, "B")
    score = mmmu(Answer("I cannot tell."), MmmuTarget(golds=("5",)))
    assert (score.value, score.official, score.status) == (0.0, 0.0, Status.UNPARSED)
    score = mmmu(Answer("<think>(A)</think>(B)"), target)
    assert (score.value, score.official) == (1.0, 1.0)
    score = mmmu(Answer("<think>(A)</think>B", raw=True), target)
    assert (score.value, score.official) == (1.0, 0.0)


def test_recorded_verdicts(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = golden("mmmu/llava1.5_13b")
    wrong, total = [], 0.0
    for row in rows:
        (sample,) = TASK.to_samples(row["record"])
        official = TASK.score(sample, Response(row["response"]), raw=True).official
        total += official or 0.0
        if official != row["expected"]:
            wrong.append(row["id"])
    assert not wrong
    assert (total, len(rows)) == (329.0, 900)


@pytest.mark.parametrize("seed", ["1,111,", "1e", "1.", "-", "is ", "\n", "(A)", " A ", "\ud800", "=", "1"])
def test_a_megabyte_of_garbage_is_read_in_bounded_time(seed: str) -> None:
    text = (seed * (1_000_000 // len(seed) + 1))[:1_000_000]
    for target in (MmmuTarget(COLOURS, 1), MmmuTarget(golds=("5", "red"))):
        assert mmmu(Answer(text), target).official in (0.0, 1.0)


@pytest.mark.parametrize(
    ("response", "golds", "extracted", "value", "official"),
    [
        ("5 cm", ("5",), "5", 1, 1),
        ("5", ("six", "5"), "5", 1, 1),
        ("five", ("5",), "five", 1, 0),
        ("red", ("Red",), "red", 1, 1),
        ("red", ("5",), "red", 0, 0),
        ("red", ("blue", "red"), "red", 1, 1),
        ("It is", ("No",), "yes", 0, 0),
        ("It is", ("Yes",), "yes", 1, 0),
        ("x" * 300, ("y",), "x" * 200, 0, 0),
        ("", ("5",), None, 0, 0),
    ],
)
def test_what_is_read_of_open_answers(
    response: str, golds: tuple[str, ...], extracted: str | None, value: int, official: int
) -> None:
    score = mmmu(Answer(response), MmmuTarget((), -1, golds, "What is it?"))
    assert (score.extracted, score.value, score.official) == (extracted, value, official)
    assert (score.status, score.channel) == ((Status.OK, "whole") if extracted else (Status.UNPARSED, None))


def test_golds_and_options_of_one_text() -> None:
    target = MmmuTarget(("red", "blue", "blue", "", ""), 2)
    assert target.gold() == "C"
    assert MmmuTarget(golds=("5", "five")).gold() == "5"
    assert [mmmu(Answer(letter), target).value for letter in "ABC"] == [0, 1, 1]
    assert [mmmu(Answer(letter), target).official for letter in "ABC"] == [0, 0, 1]
    assert [mmmu(Answer(letter), MmmuTarget(target.options, 3)).value for letter in "DE"] == [1, 0]


@pytest.mark.parametrize(
    ("value", "gold", "equal"),
    [
        (1.35, "1.3", True),
        (1.351, "1.3", False),
        (0.33, "0.333", True),
        (0.34, "0.333", False),
        (5.004, "5", True),
        (5.006, "5", False),
        (0.1, "0.102", True),
        (0.1, "0.104", False),
        (1.25e10, "1.2e10", False),
        (-1.3, "1.3", False),
    ],
)
def test_how_near_a_number_must_be(value: float, gold: str, equal: bool) -> None:
    assert same_number(value, gold, float(gold)) is equal
