"""Text equality, refusals and denials, and the phrase that answers within a response that says more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.read.locate import read_phrases
from scorers.read.normalise import clean
from scorers.read.text import (
    asked_stems,
    echo_stems,
    focus,
    fold,
    is_name_alone,
    normalize_text,
    overlap,
    phrases,
    refuses,
    sentences,
    stem,
    text_equal,
    undenied,
    unwrap,
    words,
)

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


# --- Sentences, words, and what of a question a sentence repeats --------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("He came. She left.", ["He came.", "She left."]),
        ("He came.  Then she left.", ["He came.", "Then she left."]),
        ("He came. then she left.", ["He came. then she left."]),
        ("Is it? Yes! No.", ["Is it?", "Yes!", "No."]),
        ("a\n\n  b  \nc", ["a", "b", "c"]),
        ("1. One\n10. Ten", ["1. One", "10. Ten"]),
        ("100. Hundred", ["100.", "Hundred"]),
        (
            "Mr. Smith met Prof. Jones and J. Doe. They left.",
            ["Mr. Smith met Prof. Jones and J. Doe.", "They left."],
        ),
        ("e.g. This is one, cf. Fig. 5", ["e.g. This is one, cf. Fig. 5"]),
        ("It is 1.5.", ["It is 1.5."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's 1.5 km/h at 10:30", ["it's", "1.5", "km", "h", "at", "10:30"]),
        ("The 3rd of 5,000", ["the", "3rd", "of", "5,000"]),
        ("A_B x²", ["a", "b", "x", "2"]),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("company's", "compa"),
        ("located", "locat"),
        ("location", "locat"),
        ("abc", "abc"),
        ("5th", "5th"),
        ("a1bcdef", "a1bcdef"),
        ("", ""),
    ],
)
def test_stems(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What? Which one? Yes.", "Which one?"),
        ("Look. How many ( ) are there? Answer.", "How many ( ) are there?"),
        ("Fill in the __. Then stop.", "Fill in the __."),
        ("What is it?\nOptions: a b", "What is it?"),
        ("Name it. Be short.", "Be short."),
        ("a? " + "x" * 3996, "a?"),
        ("a? " + "x" * 3998, "?"),
        ("", ""),
    ],
)
def test_what_of_a_question_asks(question: str, asks: str) -> None:
    assert focus(question) == asks


SUM = "What is the sum of the accuracies of A and B?"


@pytest.mark.parametrize(
    ("sentence", "question", "share"),
    [
        ("The sum of the accuracies of A and B is 5", SUM, 1.0),
        ("The sum of the accuracies is 5", SUM, 0.75),
        ("The sum is 5", SUM, 0.5),
        ("The accuracies are 5", SUM, 0.25),
        ("It is 5", SUM, 0.0),
        ("It is 5", "", 0.0),
        (" " * 990 + "the sum", "What is the sum?", 1.0),
        (" " * 1000 + "the sum", "What is the sum?", 0.0),
    ],
)
def test_how_much_of_a_question_a_sentence_repeats(sentence: str, question: str, share: float) -> None:
    assert overlap(sentence, question) == pytest.approx(share)


def test_what_a_question_offers_is_no_echo() -> None:
    assert asked_stems(SUM) == ("sum", "accur", "b")
    assert echo_stems("Is it red or dark blue?") == {"is", "it", "or", "blue"}
    assert echo_stems("or blue") == {"or", "blue"}
    assert echo_stems("blue or") == {"blue", "or"}
    assert echo_stems("") == frozenset()


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("“x”", "x"),
        ("‘x’", "x"),
        ("«x»", "x"),
        (r"\[x\]", "x"),
        (r"\textbf{x}", "x"),
        (r"\text{a{b}c}", "a{b}c"),
        ("__x__", "x"),
        ("```x\ny```", "x\ny"),
        ("$$x$$", "x"),
        ("`x`.", "x"),
        ("`x` ,", "x"),
        ("`x`;", "`x`;"),
        ("*x", "*x"),
        ("**a**b**", "**a**b**"),
        (" x ", "x"),
        ("\"'**`x`**'\"", "x"),
        ("\"'**`*x*`**'\"", "*x*"),
    ],
)
def test_four_layers_of_markup_come_off(text: str, inside: str) -> None:
    assert unwrap(text) == inside


# --- The readings of a candidate, all of them and in their order --------------------------------------------

READINGS: list[tuple[str, str, tuple[str, ...]]] = [
    ("word", "", ("word",)),
    ("red!?", "", ("red",)),
    ('"red".', "", ("red",)),
    ("China (45 %)", "Which country?", ("China (45 %)", "China")),
    ("China, because it grew", "Which country?", ("China, because it grew", "China")),
    ("red with about 5", "Which colour?", ("red with about 5", "red")),
    ("red: 45%", "Which?", ("red: 45%", "red")),
    ("45% for red", "Which?", ("45% for red", "red")),
    ("red [5].", "Which?", ("red [5]", "red")),
    (
        "China has the highest rate.",
        "Which country has the highest rate?",
        ("China has the highest rate", "China"),
    ),
    (
        "The lowest rate is in New York City.",
        "Which city has the lowest rate?",
        ("The lowest rate is in New York City", "in New York City", "New York City", "New York"),
    ),
    (
        "Kansas City has the lowest rate",
        "Which city has the lowest rate?",
        ("Kansas City has the lowest rate", "Kansas", "Kansas City"),
    ),
    ("The title is **Foo**.", "What is the title?", ("The title is **Foo**", "Foo")),
    (
        "The colour of the car is red.",
        "What is the colour of the car?",
        ("The colour of the car is red", "the car is red", "red"),
    ),
    ("It is red and large.", "What is it?", ("It is red and large", "red and large")),
    ("It is Mr. T.", "Who is it?", ("It is Mr. T", "Mr. T", "Mr. T.")),
    ("x = 5", "What is x?", ("x = 5", "= 5", "5")),
    ("a = b = c", "", ("a = b = c", "= b = c", "c")),
    ("$5$", "", ("5",)),
    ("5$", "", ("5",)),
    ("cost $5$", "", ("cost $5$",)),
    ("A\nB", "", ("A\nB", "A")),
    ("A. B", "", ("A. B", "B")),
    ("not A. B", "", ("not A. B", "B")),
    ("x " * 299 + "is", "", ("x " * 299 + "is", ("x " * 299).strip())),
    ("x " * 300 + "is", "", ("x " * 300 + "is",)),
    ("", "", ()),
]


@pytest.mark.parametrize(("text", "question", "readings"), READINGS)
def test_readings(text: str, question: str, readings: tuple[str, ...]) -> None:
    assert phrases(text, question) == tuple(filter(None, dict.fromkeys((text.strip(), *readings))))


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("12", True),
        ("one two three", True),
        ("one two three four five six seven eight", True),
        ("one two three four five six seven eight nine", False),
        ("x" * 80, True),
        ("x" * 81, False),
        ("a b c.", True),
        ("a b c!", True),
        ("a b c d", True),
        ("a b c d.", False),
        ("a b c d!", False),
        ("a,", False),
        ("a:", False),
        ("a: b", False),
        ("a:b", True),
        ("...", False),
        ("", False),
    ],
)
def test_names_alone(text: str, alone: bool) -> None:
    assert is_name_alone(text) is alone
