"""The polarity of answers in words: hand-derived cases."""

from __future__ import annotations

import pytest

from scorers.read.locate import Candidate, Channel
from scorers.read.normalise import clean
from scorers.read.option import read_option
from scorers.read.yes_no import direction, parse_yes_no, polarity, read_yes_no, yes_no_pair

# fmt: off
YES = (
    "Yes", "yes.", "YES!", "**Yes**", "(Yes)", "Y", "Yes, there is.", "Yes it does", "It does.", "It is.",
    "Yep!", "The answer is yes", "Answer: yes", '{"answer": "yes"}', "\\boxed{Yes}", "Therefore, yes.",
    "Okay, yes.", "Sure! Yes, it can.", "I would say yes.", "I think yes", "I think so.", "Correct.",
    "That's right.", "True", "This is true.", "That is correct.", "Of course.", "Absolutely.",
    "No problem! Yes, it fits.", "是的", "Ｙｅｓ", "Yes, it is, but the cup is not.",
    "The chair can be placed there. Yes.", "There is no cat, so yes.",
    "Is it? The answer is no. Actually, the answer is yes.", "Sí, claro.",
)
NO = (
    "No", "no.", '"No"', "<b>No</b>", "N", "No, there is not", "No, it isn't.", "it does not",
    "It doesn't.", "It is not above the table.", "The answer is no.", "The answer is: **No**",
    "answer: No\n", "\\boxed{\\text{No}}", "Yes. Wait, no. The answer is no.", "There is no cat.",
    "There are none.", "Incorrect.", "False", "Nope", "The statement is false.", "That is not correct.",
    "Well, no, it is not.", "不是", "否", "No, but it could be.",
    "Looking at it, the space is small.\n\nNo",
    "Looking at it, the space is small. So no.", "Not at all.", "Not really.", "No one is there.",
    "Definitely not.", "Certainly not", "Of course not.", "I don't think so.",
    "I believe the answer is no", "\u200bNo", "There isn't enough room.", "no it does not",
)
NEITHER = (
    "", "?", "I notice a cat", "Notice the cup", "Nobody is there", "nothing", "The north side",
    "yesterday", "Yesenia sits", "I cannot tell.", "I can't see the image.", "I'm not sure.",
    "It is not clear.", "Maybe", "It's impossible to say whether yes or no", "maybe yes", "Perhaps not",
    "yes or no", "Yes and no", "Yes/No", "It depends.", "As an AI, I cannot answer.",
    "Sorry, I can't help with that.", "The cup is red.",
    "The image does not provide enough information.", "not possible to determine", "I do not know.",
    "Not.",
)
# fmt: on


def said(text: str, question: str = "") -> bool | None:
    found = read_yes_no(clean(text), question)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, expected) for texts, expected in ((YES, True), (NO, False), (NEITHER, None)) for text in texts],
)
def test_polarity(text: str, expected: bool | None) -> None:
    assert said(text) is expected


RESTATED = [
    ("Does Teal cross Olive?", "They don't cross. Teal is always above Olive.", False),
    ("Is this an infinite sequence?", "It's an infinite sequence.", True),
    ("Is this an infinite sequence?", "This is a finite sequence.", False),
    ("Is Teal the high median?", "Teal is the low median.", False),
    ("Is the small frame below the large frame?", "The small frame is above the large frame.", False),
    ("Is the small frame below the large frame?", "The small frame is below the large frame.", True),
    ("Is the lemon larger than the plum?", "The plum is larger than the lemon.", False),
    ("Is the lemon larger than the plum?", "The lemon is larger than the plum.", True),
    (
        "Is the number of vans less than the number of carts?",
        "There is the same number of each.",
        False,
    ),
    ("Is the number of vans less than the number of carts?", "There are more vans.", False),
    (
        "Is the sum of the smallest two greater than the largest?",
        "The sum is greater than the largest.",
        True,
    ),
    (
        "Is the number of vans the same as the number of carts?",
        "2 and 3, so they're not the same.",
        False,
    ),
    ("Are there fewer vans than carts?", "1 < 3 → Yes", True),
    ("Are there fewer vans than carts?", "There aren't fewer vans than carts.", False),
    ("Is the basket half full?", "One cannot tell from the picture.", None),
]


@pytest.mark.parametrize(("question", "response", "affirmed"), RESTATED)
def test_a_sentence_that_restates_the_question(question: str, response: str, affirmed: bool | None) -> None:
    assert said(response, question) is affirmed
    chosen = read_option(clean(response), ("Yes", "No"), question)
    assert (chosen and chosen.value) == (None if affirmed is None else int(not affirmed))


def test_restating_needs_the_question_and_no_hedge() -> None:
    question = "Is the bed larger than the kitten?"
    assert polarity("The bed is larger than the kitten.", question) is True
    assert polarity("The bed might be larger than the kitten.", question) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("Yes", "No"), (True, False)),
        (("no.", "YES"), (False, True)),
        (("True", "False"), (True, False)),
        (("correct", "incorrect"), (True, False)),
        (("Yes", "No", "Unclear"), None),
        (("Yes", "Yes"), None),
        (("red", "no"), None),
        ((), None),
    ],
)
def test_options_that_are_yes_and_no(options: tuple[str, ...], expected: tuple[bool, ...] | None) -> None:
    assert yes_no_pair(options) == expected


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "seed",
    ["no, ", "yes ", "okay, ", "answer is ", " ", "not ", "can be ly ", "so ", "\ud800", "\0", "it is ", "i "],
)
def test_a_megabyte_of_garbage_is_read_in_bounded_time(seed: str) -> None:
    assert said((seed * (1_000_000 // len(seed) + 1))[:1_000_000]) in (None, True, False)


LARGER, MORE = "Is the plum larger than the lemon?", "Are there more cats than dogs?"


@pytest.mark.parametrize(
    ("question", "sentence", "affirmed"),
    [
        (LARGER, "The plum is larger than the lemon.", True),
        (LARGER, "The lemon is larger than the plum.", False),
        (LARGER, "The lemon is smaller than the plum.", True),
        (LARGER, "The plum is smaller than the lemon.", False),
        (LARGER, "The plum is not larger than the lemon.", False),
        (LARGER, "The plum is not smaller than the lemon.", True),
        (LARGER, "They are the same.", False),
        (LARGER, "The plum is next to the lemon.", None),
        (LARGER, "It is.", True),
        (LARGER, "The sky.", None),
        (MORE, "There are more cats than dogs.", True),
        (MORE, "There are more dogs than cats.", False),
        (MORE, "There are fewer dogs than cats.", True),
        (MORE, "There are more cats.", True),
        ("Is the plum the largest?", "The plum is the largest.", True),
        ("Is the plum the largest?", "The plum is not the largest.", False),
        ("Is the plum the largest?", "It is the smallest.", False),
        ("Is the number even?", "The number is not odd.", True),
        ("Is the number even?", "The number is even.", True),
        ("Is the red bar tall?", "The red bar is tall.", True),
        ("Is the red bar tall?", "They are not.", False),
        ("Is the red bar tall?", "The bar.", None),
        ("Are they equal?", "They are the same.", True),
        ("", "It is.", True),
        ("", "The sky is blue.", None),
        # said outright, at either end
        ("", "It is, so no.", False),
        ("", "Yes, so no.", None),
        ("", "Yes. It is. No.", None),
        ("", "Maybe it is.", None),
        ("", "yes, but I cannot tell", None),
        ("", "yes " + "x" * 40 + " I cannot tell", True),
        ("", "", None),
    ],
)
def test_polarity_of_sentences(question: str, sentence: str, affirmed: bool | None) -> None:
    assert polarity(sentence, question) is affirmed


@pytest.mark.parametrize(
    ("text", "way"),
    [("It is larger.", 1), ("It is smaller.", -1), ("the larger of the smaller", 1), ("none", 0), ("", 0)],
)
def test_directions(text: str, way: int) -> None:
    assert direction(text) == way


def test_a_last_line_is_read_only_where_it_says_yes_or_no() -> None:
    assert said("The sky is blue.\nYes") is True
    assert said("The sky is blue.\nYes, so it is.") is True
    assert parse_yes_no(Candidate(Channel.CONCLUDING, "It is.", alone=True), "") is None
    assert parse_yes_no(Candidate(Channel.CONCLUDING, "It is."), "") is True
    assert parse_yes_no(Candidate(Channel.WHOLE, "It is.", alone=True, rival="No."), "") is True
