"""MathVista's own normalisation and equality, one hand-derived case per branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scorers.official.mathvista import mathvista_equal, nearest_option, normalize, normalize_choice

ABC = ("red", "green", "blue")
CHOICES = [
    ("(B)", ABC, "green"),
    ("(b)", ABC, "green"),  # a bracketed letter may be small
    ("B", ABC, "green"),
    (" B ", ABC, "green"),  # surrounding blanks are stripped
    ("b", ("reds", "greens", "blue"), "blue"),  # a bare small letter is no letter: the nearest option
    ("(C) red", ABC, "blue"),  # the letter counts, not the text
    ("green (A)", ABC, "red"),
    ("(B) or (C)", ABC, "green"),  # the first bracketed letter
    ("The answer is (C).", ABC, "blue"),
    ("( B )", ABC, "red"),  # blanks inside the brackets: no letter; the nearest text
    ("(AB)", ABC, "red"),
    ("red", ABC, "red"),
    ("gren", ABC, "green"),
    ("GREEN", ABC, "red"),  # case counts: all options are full replacements, red is the shortest way
    ("", ABC, "red"),  # the empty text is nearest to the shortest option
    ("", ("yes", "no"), "no"),
    ("(D)", ABC, "red"),  # beyond the options: "D" is compared as a text
    ("E", ("one", "E"), "E"),  # no letter of two options, but the text of one
    ("A", ("B", "A"), "B"),  # letters before texts
    ("no way", ("yes", "no"), "no"),
    ("x", ("aa", "bb"), "aa"),  # several are as near: the first
    ("145", ("135°", "145°"), "145°"),
]


@pytest.mark.parametrize(("text", "options", "expected"), CHOICES)
def test_choices(text: str, options: tuple[str, ...], expected: str) -> None:
    assert normalize_choice(text, options) == expected


NUMBERS = [
    ("3", "integer", None, "3"),
    (" 3 ", "integer", None, "3"),
    ("3.0", "integer", None, "3"),
    ("3.9", "integer", None, "3"),  # truncated, not rounded
    ("-3.9", "integer", None, "-3"),
    ("1e3", "integer", None, "1000"),
    ("1_000", "integer", None, "1000"),  # Python's float reads it
    ("1,000", "integer", None, None),
    ("3 cm", "integer", None, None),
    ("three", "integer", None, None),
    ("", "integer", None, None),
    ("nan", "integer", None, None),
    ("inf", "integer", None, None),
    ("$5", "integer", None, None),
    ("1.25", "float", 1.0, "1.2"),  # the column is a float; half to even in binary
    ("1.35", "float", 1.0, "1.4"),
    ("1.2", "float", 2.0, "1.2"),
    ("1.234", "float", 2.0, "1.23"),
    ("13.80", "float", 1.0, "13.8"),
    ("2", "float", 1.0, "2.0"),
    ("-0.04", "float", 1.0, "-0.0"),
    ("abc", "float", 1.0, None),
    ("1.2", "float", None, None),
    ("[1, 2]", "list", None, "[1, 2]"),
    ("[1,2]", "list", None, "[1,2]"),  # lists are compared as texts
    ("anything", "text", None, "anything"),
]


@pytest.mark.parametrize(("text", "answer_type", "precision", "expected"), NUMBERS)
def test_free_form(text: str, answer_type: str, precision: float | None, expected: str | None) -> None:
    assert normalize(text, answer_type=answer_type, precision=precision) == expected


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [("4.9", "4", True), ("4.9", "5", False), ("five", "5", False), ("5", "5", True), ("5", "5.0", False)],
)
def test_equality_is_of_texts(text: str, answer: str, right: bool) -> None:
    assert mathvista_equal(text, answer, answer_type="integer") is right


def test_a_choice_is_right_when_its_text_is_the_gold() -> None:
    assert mathvista_equal("(B)", "green", choices=ABC)
    assert not mathvista_equal("(B)", "red", choices=ABC)


def test_any_text_is_survived() -> None:
    assert nearest_option("\ud800" * 1000, ("a", "b\x00")) == "a"
    assert normalize_choice("x" * 1_000_000, ("a", "xx")) == "xx"
    assert normalize("9" * 1_000_000, answer_type="integer") is None


@pytest.mark.parametrize(("name", "total"), [("bard", 348), ("claude", 264), ("gpt4", 261), ("llava", 261)])
def test_equals_the_recorded_verdict_on_every_row(
    golden: Callable[[str], list[dict[str, Any]]], name: str, total: int
) -> None:
    from tasks.mathvista import TASK
    from tasks.types import Response

    differing, right = [], 0
    for row in golden(f"mathvista/{name}"):
        (sample,) = TASK.to_samples(row["record"])
        official = TASK.score(sample, Response(row["extraction"]), raw=True).official
        right += int(official or 0)
        if official != row["expected"]:
            differing.append(row["id"])
    assert not differing
    assert right == total
