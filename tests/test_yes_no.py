"""The polarity of answers in words: hand-derived cases."""

from __future__ import annotations

import pytest

from scorers.yes_no import read_yes_no

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
    "Based on the image, the chair cannot be placed there.", "Looking at it, the space is small.\n\nNo",
    "Looking at it, the space is small. So no.", "Not at all.", "Not really.", "No one is there.",
    "Definitely not.", "Certainly not", "Of course not.", "I don't think so.",
    "I believe the answer is no", "\u200bNo", "There isn't enough room.", "no it does not",
)
NEITHER = (
    "", "?", "I notice a cat", "Notice the cup", "Nobody is there", "nothing", "The north side",
    "yesterday", "Yesenia sits", "I cannot tell.", "I can't see the image.", "I'm not sure.",
    "It is not clear.", "Maybe", "It's impossible to say whether yes or no", "maybe yes", "Perhaps not",
    "yes or no", "Yes and no", "Yes/No", "It depends.", "As an AI, I cannot answer.",
    "Sorry, I can't help with that.", "The cup is red.", "It can fit.",
    "The image does not provide enough information.", "not possible to determine", "I do not know.",
    "Not.",
)
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, expected) for texts, expected in ((YES, True), (NO, False), (NEITHER, None)) for text in texts],
)
def test_polarity(text: str, expected: bool | None) -> None:
    assert read_yes_no(text) is expected


@pytest.mark.parametrize(
    "seed",
    ["no, ", "yes ", "okay, ", "answer is ", " ", "not ", "can be ly ", "so ", "\ud800", "\0", "it is ", "i "],
)
def test_a_megabyte_of_garbage_is_read_in_bounded_time(seed: str) -> None:
    assert read_yes_no((seed * (1_000_000 // len(seed) + 1))[:1_000_000]) in (None, True, False)
