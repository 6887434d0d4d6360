"""The polarity of answers in words: hand-derived cases."""

from __future__ import annotations

import pytest

from scorers.read.normalise import clean
from scorers.read.option import read_option
from scorers.read.yes_no import polarity, read_yes_no, yes_no_pair

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
