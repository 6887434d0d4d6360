"""Text equality, refusals and denials, and the phrase that answers within a response that says more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.read.locate import read_phrases
from scorers.read.normalise import clean
from scorers.read.text import fold, normalize_text, phrases, refuses, text_equal, undenied, unwrap

EQUAL = [
    ("Blue", "blue"),
    ("  blue ", "blue"),
    ("blue.", "blue"),
    ("**blue**", "blue"),
    ("`blue`", "blue"),
    ('"blue"', "blue"),
    ("“blue”.", "blue"),
    ("‘blue’", "'blue'"),
    ("$x$", "x"),
    (r"\(x\)", "x"),
    (r"\boxed{x}", "x"),
    (r"\text{dark blue}", "dark blue"),
    ("the United States", "United States"),
    ("a dog", "dog"),
    ("dark\n  blue", "dark blue"),
    ("10–20", "10-20"),
    ("ｂｌｕｅ", "blue"),
    ("STRASSE", "straße"),
    ("x²", "x^2"),
    ("C³", "C^3"),
    ("Democrats & Republicans", "Democrats and Republicans"),
    ("a\u200bb", "ab"),
    ("don’t know", "don't know"),
    ("", ""),
]
DIFFERENT = [
    ("blue", "light blue"),
    ("blue", "blues"),
    ("4.5", "45"),
    ("x^2", "x2"),
    ("-5", "5"),
    ("C++", "C"),
    ("ACC+", "ACC"),
    ("P-101", "P=101"),
    ("a", "the"),
    ("", "the"),
    ("the", "an"),
    ("", "blue"),
    ("café", "cafe"),
    ("yes", "no"),
    ("not blue", "blue"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_but_for_wording(one: str, other: str) -> None:
    assert text_equal(one, other)
    assert text_equal(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert not text_equal(one, other)
    assert not text_equal(other, one)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*x*", "x"),
        ("**x**.", "x"),
        ('"a" and "b"', '"a" and "b"'),
        ("'tis", "'tis"),
        ("5' and 6'", "5' and 6'"),
        (r"\text{a} + \text{b}", r"\text{a} + \text{b}"),
        ('**"x"**', "x"),
        ("**", "**"),
        ("", ""),
    ],
)
def test_unwrap_takes_off_what_encloses_the_whole(text: str, expected: str) -> None:
    assert unwrap(text) == expected


@given(st.text(max_size=60))
def test_normal_form_is_folded(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert text_equal(text, text)
    assert text_equal(f"  {text} ", text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_equality_follows_the_normal_form(one: str, other: str) -> None:
    assert text_equal(one, other) == text_equal(other, one)
    if normalize_text(one) == normalize_text(other):
        assert text_equal(one, other)


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I cannot determine the value from the image.",
    "I am unable to read the text.",
    "The year is not visible in the image.",
    "There is not enough information.",
    "It cannot be determined.",
    "We don't have enough context.",
    "I don’t know.",
    "The price is not mentioned.",
]
ANSWERS = [
    "12",
    "Not at all",
    "not worried",
    "No",
    "I see 12 bars",
    "The answer is not 5",
    "cannot",
    "",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_are_no_refusals(text: str) -> None:
    assert not refuses(text)


def test_refusals_are_not_what_cannot_be() -> None:
    assert refuses("I cannot determine the answer.")
    assert refuses("The question does not provide enough information.")
    assert not refuses("A length cannot be negative, so x is 5.")
    assert not refuses("Aqua does not have the maximum area.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C, not B", "C"),
        ("5 is wrong", ""),
        ("not A but B", "but B"),
        ("B rather than A", "B"),
        ("not only A", "not only A"),
        ("It is B", "It is B"),
        ("", ""),
    ],
)
def test_what_is_denied_is_left_out(text: str, expected: str) -> None:
    assert undenied(text) == expected


PHRASES = [
    ("12", "", "12"),
    ("The answer is 12.", "", "12"),
    ("The page number is 12.", "What is the page number?", "12"),
    ("There are 12 pages.", "How many pages are there?", "12"),
    ("China had the highest GDP.", "Which country had the highest GDP?", "China"),
    ("The highest GDP was that of China.", "Which country had the highest GDP?", "China"),
    ('The title is "The Irish Sea".', "What is the title?", "The Irish Sea"),
    ("It decreases.", "Does it increase or decrease?", "decreases"),
    ("The trend is decreasing.", "Is the trend increasing or decreasing?", "decreasing"),
]
NOT_PHRASES = [
    ("The page number is not 12.", "What is the page number?", "12"),
    ("Paris is 12", "What is the page number?", "12"),
    ("A page number and London and Rome and Oslo is 12", "What is the page number?", "12"),
    ("11 or 12", "What is the page number?", "12"),
    ("11, 12", "What is the page number?", "12"),
    ("11, 12", "What is the page number?", "11"),
    ("The answer is 11, not 12", "", "12"),
    ("The answer is 11\nor maybe 12", "", "12"),
]


@pytest.mark.parametrize(("text", "question", "phrase"), PHRASES)
def test_phrases_hold_the_answer(text: str, question: str, phrase: str) -> None:
    assert phrase in phrases(text, question)


@pytest.mark.parametrize(("text", "question", "phrase"), NOT_PHRASES)
def test_phrases_hold_nothing_else(text: str, question: str, phrase: str) -> None:
    assert phrase not in phrases(text, question)


@given(st.text(max_size=200), st.text(max_size=60))
def test_phrases_are_few(text: str, question: str) -> None:
    assert len(phrases(text, question)) <= 40


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("The answer is a circle.", "a circle."),
        ("a circle", "a circle"),
        ("12", "12"),
        ("<answer>12</answer>", "12"),
        ("<think>a</think>12", "12"),
        ("It is 12</answer>", "It is 12"),
        ("I cannot tell.\nPlease provide the image.", None),
        ("<answer></answer>", None),
        ("<think>a</think>", None),
        ("<think>a", None),
        ("  ", None),
    ],
)
def test_the_fullest_reading_of_a_response(response: str, expected: str | None) -> None:
    found = read_phrases(clean(response))
    assert (None if found is None else found.value[0]) == expected
