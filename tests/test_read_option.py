"""Which option a response chooses: hand-derived cases, the question known or not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.read.locate import LIMIT, Candidate, Channel, Unclear
from scorers.read.normalise import clean
from scorers.read.option import LETTERS, parse_option, read_option, same_text
from scorers.rules.choice import ChoiceTarget, choice
from scorers.rules.math import MathTarget, mathverse
from scorers.rules.mathvista import MathVistaTarget, mathvista
from scorers.rules.mmmu import MmmuTarget, mmmu
from scorers.types import Answer, Status
from tasks import load_builtin

ROOM = ("desk", "table", "sofa", "cart")
A, B, C, D, NONE = 0, 1, 2, 3, None
Golden = Callable[[str], list[dict[str, Any]]]


def chosen(text: str, options: Sequence[str], question: str = "") -> int | None:
    found = read_option(clean(text), options, question)
    return None if found is None else found.value


# fmt: off
BARE = {  # A letter alone, in any dress.
    A: (
        "A", "a", "Option A",
    ),
    B: (
        "B.", "b", "B!", "(B)", "{B}", "b)", "( B )", "'B'", "“B”", "`B`", "<b>B</b>", " \n\tB\n", "\u3000B",
        "（Ｂ）", "B\u200b", "\u202eB", "\\text{B}", "\\boxed{(B)}", "option B", "choice b", "Letter B",
        "OPTION B", "Answer B", "```\nB\n```",
    ),
    D: (
        "[D]", "\\boxed{D}", "Certainly! D",
    ),
    C: (
        '"C"', "**C**", "Ｃ", "$\\boxed{\\text{C}}$",
    ),
}
NO_SUCH_OPTION = {  # Letters that no option has, and nothing at all.
    NONE: (
        "E", "(F)", "Option G", "The answer is E.", "I", "\\boxed{E}", "None", "None of the above",
        "The answer is none of the above.", "", "?",
    ),
}
SEVERAL = {  # Several options, or a list of them, choose none; a decision after them counts.
    NONE: (
        "AB", "ABCD", "A, B", "A/B", "A & B", "A or B", "Both A and B", "A B C D",
        "(A) (B) (C) (D)", "A.\nB.", "A? B? C? D?", "The answer is A or B", "The answer is A and C.",
        "\\boxed{A, B}", "\\boxed{AB}", "All of the above", "sofa and table", "Either the sofa or the table",
        "desk, table, sofa, cart", "A. desk\nB. table\nC. sofa\nD. cart",
    ),
    B: (
        "It is either A or B, I choose B", "Options: A. desk B. table C. sofa D. cart. The answer is B.",
    ),
    C: (
        "A. desk\nB. table\nC. sofa\nD. cart\n\nAnswer: C",
    ),
}
LEADING = {  # A letter at the beginning, set off from what follows.
    A: (
        "A. desk", "A\n\nExplanation: B is wrong", "A: it is the desk",
    ),
    B: (
        "B) table", "B: table", "B - table", "(b) table", "B, because the table is nearer",
        "B because it is nearer than the sofa",
    ),
    C: (
        "C) sofa, as D is far",
    ),
}
CLAIMED = {  # Words that claim: answer, choose, box, correct, conclusion, in several languages.
    A: (
        "The answer is A.", "The final answer is $\\boxed{A}$.", "I think a", "I select A.",
        "Because the cart is near, I choose A", "Answer: A is the closest",
        "The answer is A, as the desk is closest.", '{"answer":"A"}', "故选：A",
    ),
    B: (
        "answer: b", "Answer: (b)", "**Answer: B. table**", "Answer - B", "Answer:\nB", "### Answer\nB",
        "Ans: B", "answer=B", "Final: B", "\\boxed{B. table}", "I choose the table.", "I'd go with B.",
        "A cat sits; so the answer is B", "Therefore, B.", "Option B is correct.",
        "So the answer is \\(B\\).", '{"answer": "B", "explanation": "A is too far"}',
        "La respuesta correcta es B.", "Ответ: B",
    ),
    D: (
        "ANSWER: D", "It must be D.", "A good choice is D", "D would be the best answer; the answer is D",
        "The missing picture is (D), as all others turn right.", "正确答案是 D",
    ),
    C: (
        "Final answer: the sofa", "The correct option is (C).",
        "My choice is C.", "\\boxed{sofa}", "I think c", "C is the closest.", "{'answer': 'C'}",
        '{"answer": "sofa"}', "答案：C", "Die richtige Antwort ist C.", "정답: C",
    ),
}
CORRECTED = {  # The last claim counts.
    C: (
        "The answer is A. Wait, no: the answer is C",
        "Initially I thought the answer is A. Actually, the correct answer is C.",
    ),
    D: (
        "Answer: A\nCorrection: the answer is D",
    ),
    B: (
        "A\n\nNo, wait.\n\nB", "The correct answer is B. Because A is wrong", "Is it A? No. It is B.",
    ),
}
NEGATED = {  # What is denied is not chosen.
    C: (
        "It's not A, it's C", "The answer is not A but C", "Neither A nor B; the answer is C",
        "A is wrong, B is wrong, D is wrong, so C.", "The sofa, rather than the table",
        "It is a sofa, not a table.",
        "Option A: incorrect\nOption B: incorrect\nOption C: correct\nOption D: incorrect",
    ),
    A: (
        "A is correct, not B", "The answer is (A). The other options, (B), (C) and (D), are further away.",
    ),
    NONE: (
        "not B", "Neither A nor B", "Not the table",
    ),
    B: (
        "If A were correct, the desk would be nearer; hence B.",
    ),
}
PROSE = {  # Option texts in sentences; articles, pronouns, names and refusals are none.
    B: (
        "table", "the table", "TABLE!", "The table is closest to the camera.",
        "The desk is 3 m away, the table 2 m away, so the table is closest.",
    ),
    C: (
        "C is nearest",
        "The desk is 3 m off. The sofa is 1 m off. Therefore, the closest object is the sofa.",
        "Comparing A with B, B is closer. Comparing B with C, C is closer. So the answer is C.",
    ),
    NONE: (
        "A room with furniture", "I see a room", "Point A is nearest to point C.",
        "The object labelled D is far", "I'm not sure.", "Sorry, I cannot help with that.",
        "I can't see the image, so I cannot answer.", "As an AI, I am unable to view images.",
    ),
}
RESPONSES = {  # Whole responses as models write them.
    B: (
        "Let's analyze each option:\n\n- **A. desk**: Far away. This is incorrect.\n- **B. table**: "
        "The nearest. This is correct.\n- **C. sofa**: Not near.\n- **D. cart**: Far.\n\n**Answer: B**",
        "So the correct answer is A.\n\nBut wait, let me double check. So the answer should be "
        "B.\n\nAnswer: B",
        "Sure! Here's my answer: B. Let me know if you need anything else.",
        "**Final Answer:** \\[ \\boxed{B} \\]", "Final Answer: \\(\\boxed{\\text{B) table}}\\)",
        "Thus, the correct choice is:\n\n**B. table**", "A and C are incorrect. B is correct.",
        "The answer is B) table, because A) desk is behind.",
        "B) table is right because it is in front of A) desk.",
        "The answer is definitely not A. I think it's B.", "The answer that best fits is B",
        "The answer's B", "B is what I would pick", "- B", "Hello! The answer: B :)",
        "B | table", "Table (option B)", "<B>", "I'm confident it's B",
    ),
    C: (
        "The options given are:\nA. desk\nB. table\nC. sofa\nD. cart\n\nFrom the picture, the sofa is "
        "nearest.",
        "The options given are:\nA. desk\nB. table\nC. sofa\nD. cart\n\nThe sofa is nearest.\n\nThus "
        "the answer: C",
        "1. The desk is at the back.\n2. The table is in the middle.\n\nTherefore, it is the "
        "**sofa**.\n\n**C. sofa**",
        "Answer: C\nReason: Option A is a common mistake.",
        "Hmm, A seems plausible, but C fits better. I'll go with C.",
        "Based on the image, the answer is **(C)**.\n\n- (A) is wrong because …\n- (B) is wrong "
        "because …",
    ),
    D: (
        "The correct answer is:\n\n**D. cart**\n\nExplanation: The cart (D) is closer than A, B, and C.",
        "It cannot be A or B. It's D.", "The correct answer is: $\\boxed{D}$ (cart)",
    ),
}
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (text, option)
        for cases in (BARE, NO_SUCH_OPTION, SEVERAL, LEADING, CLAIMED, CORRECTED, NEGATED, PROSE, RESPONSES)
        for option, texts in cases.items()
        for text in texts
    ],
)
def test_four_options(text: str, expected: int | None) -> None:
    assert chosen(text, ROOM) == expected


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        # numbers: the whole of one, its sign, its grouping, its unit
        ("15", ("5", "15", "25"), 1),
        ("The result is 1.5", ("5", "15", "1.5"), 2),
        ("1.50", ("5", "15", "1.5"), 2),
        ("-5", ("5", "-5"), 1),
        ("$1200", ("$1,200", "$120"), 0),
        ("70 degrees", ("60°", "70°"), 1),
        ("$70^\\circ$", ("60°", "70°"), 1),
        ("25", ("5 cm", "15 cm", "25 cm"), 2),
        ("8.5 inches", ("7.5", "8.5"), 1),
        ("\\frac{3}{4}", ("3", "4", "3/4"), 2),
        ("$\\dfrac{3}{4}$", ("3", "4", "\\frac{3}{4}"), 2),
        ("\\boxed{2\\sqrt{3}}", ("2", "$2 \\sqrt{3}$", "3"), 1),
        # a value that no option has: numbers met on the way are not the answer
        ("Half of 108 is 54. Therefore the angle is \\boxed{252}.", ("54", "60", "72"), None),
        ("306 - 54 = 252, so the angle is 252 degrees. " * 8, ("54°", "60°", "72°"), None),
        ("The answer is (B), 60. Check: \\boxed{59.7}", ("54", "60", "72"), 1),
        # an option within another's text
        ("quarter past", ("quarter", "quarter past"), 1),
        ("It is dark red", ("red", "dark red"), 1),
        ("Reddish", ("Red", "Blue"), None),
        ("C. x<2", ("x>2", "x=2", "x<2"), 2),
        ("x < 2", ("x>2", "x=2", "x<2"), 2),
        # options that refuse, deny or name letters
        ("None of the above", ("x", "y", "None of the above"), 2),
        ("(C) Cannot be determined", ("x", "y", "Cannot be determined"), 2),
        ("Both A and B", ("A only", "B only", "Both A and B"), 2),
        ("(B) False", ("True", "False"), 1),
        ("The answer is Bird C", ("Bird B", "Bird C", "Bird A"), 1),
        ("C", ("Bird B", "Bird C", "Bird A"), 2),
        ("b", ("c", "d", "a", "b"), 3),
        ("The letter C represents the North Pole.", ("Equator", "South Pole", "Ocean", "North Pole"), 3),
        # options yes and no: by polarity, "no" within a sentence is no answer
        ("No, it isn't", ("Yes", "No"), 1),
        ("There is no cat, so yes.", ("Yes", "No"), 0),
        ("No. The answer is A.", ("Yes", "No"), 0),
        ("The statement is false.", ("True", "False"), 1),
        # ten options: I is a letter only where it cannot be the pronoun
        ("I", tuple("klmnopqrst"), 8),
        ("The answer is I.", tuple("klmnopqrst"), 8),
        ("I think J", tuple("klmnopqrst"), 9),
        # the same text twice: the first stands for both; texts that only read alike name neither
        ("18", ("9", "18", "18"), 1),
        ("x", (), None),
        ("不能确定", ("8", "不能确定"), 1),
    ],
)
def test_other_options(text: str, options: Sequence[str], expected: int | None) -> None:
    assert chosen(text, options) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("<answer>B</answer>", 1.0),
        ("<think>Maybe (C)</think>\nB", 1.0),
        ("<think>A or B?</think><answer>(B) bed</answer>", 1.0),
        ("The correct answer is B. Because A is wrong", 1.0),
        ("<answer>A</answer>", 0.0),
        ("Explanation first.\nThe answer is B", 1.0),
    ],
)
def test_scores_a_response(response: str, expected: float) -> None:
    score = choice(Answer(response), ChoiceTarget(ROOM, B))
    assert (score.value, score.official, score.status) == (expected, None, Status.OK)


def test_second_reading_where_the_answer_block_names_no_option() -> None:
    score = choice(Answer("The table, so B.\n<answer>see above</answer>"), ChoiceTarget(ROOM, B))
    assert (score.value, score.extracted) == (1.0, "B")


def test_thinking_that_never_ends_chooses_nothing() -> None:
    assert chosen("<think>It is B", ROOM) is None
    assert choice(Answer("<think>It is B"), ChoiceTarget(ROOM, B)).status is Status.UNPARSED


def test_refusal_is_unparsed() -> None:
    score = choice(Answer("I cannot tell from this image."), ChoiceTarget(ROOM, B))
    assert (score.value, score.status, score.extracted) == (0.0, Status.UNPARSED, None)


def test_an_option_with_the_right_ones_text_is_right() -> None:
    target = ChoiceTarget(("same", "other", "same"), 2)
    assert [choice(Answer(letter), target).value for letter in "ABC"] == [1.0, 0.0, 1.0]


def test_options_that_are_not_known_are_letters_alone() -> None:
    assert choice(Answer("A"), ChoiceTarget(("", "", ""), 1)).value == 0.0
    assert choice(Answer("B"), ChoiceTarget(("", "", ""), 1)).value == 1.0


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [("The answer is (C).", "ABCDE", "C"), ("c", "ABC", "C"), ("F", "ABCDE", None), ("A, B", "ABC", None)],
)
def test_letters_alone(text: str, letters: str, expected: str | None) -> None:
    index = chosen(text, tuple(letters))
    assert (None if index is None else letters[index]) == expected


X, TEXT = "(?P<letter>[A-Ea-e])", "(?P<text>[A-Za-z]+)"
FORMATS = (
    *(X, rf"{X}\.", rf"\({X}\)", rf"\[{X}\]", rf'"{X}"', rf"\*\*{X}\*\*", rf"\u3000{X}", rf"\\boxed\{{{X}\}}"),
    *(rf"{X}\) \w+", rf"{X}: \w+", rf"{X}\. \w+", rf"{X}\.\w+", rf"<answer>\({X}\) \w+</answer>"),
    *(rf"The answer is {X}\.", rf"Answer: {X}", rf"Final answer: {X}", rf"答案：{X}", rf'{{"answer":"{X}"}}'),
    *(
        rf"<answer>{X}</answer>",
        rf"<think>Maybe \(.\)</think>\n{X}",
        rf"<think>. or .\?</think><answer>{X}</answer>",
    ),
    *(rf"Because the \w+ is near, I choose {X}", rf"I think {X}", rf"Option {X}", rf"A good choice is {X}"),
    *(rf"{X}\n\nExplanation: . is wrong\.", rf"{X} is correct, not .", rf"Certainly! {X}", TEXT, f"the {TEXT}"),
    *("", "None of the above", "[A-D][A-D]", "Both . and .", "., ."),
)
"""The formats of the synthetic responses, as regular expressions; the last line chooses nothing."""
LETTER_AND_TEXT = tuple(
    form for form in FORMATS if r"\w+" in form and form.startswith((X, rf"\({X}", "<answer>"))
)


def by_inspection(response: str, options: Sequence[str]) -> int | None:
    """What a synthetic response means, by its format; a text that contradicts its letter decides."""
    for form in (*FORMATS[-5:], *FORMATS[:-5]):
        match = re.fullmatch(form, response)
        if match is None:
            continue
        parts = match.groupdict()
        if parts.get("text"):
            return list(options).index(parts["text"])
        letter = (parts.get("letter") or "E").upper()
        beside = re.search(r"[a-z]{2,}(?=(?:</answer>)?$)", response)
        if form in LETTER_AND_TEXT and beside and beside[0] in options:
            return list(options).index(beside[0])
        return "ABCD".index(letter) if letter in "ABCD" else None
    raise AssertionError(f"a format that no one has looked at: {response!r}")


def test_every_format_of_the_synthetic_responses(golden: Golden) -> None:
    rows = golden("embspatial/synthetic")
    assert len(rows) == 500
    for row in rows:
        options, answer = row["record"]["answer_options"], row["record"]["answer"]
        meant = by_inspection(row["response"], options)
        score = choice(Answer(row["response"]), ChoiceTarget(tuple(options), answer))
        assert score.status == (Status.UNPARSED if meant is None else Status.OK), row["response"]
        assert score.value == float(meant == answer), (row["response"], options)


def test_the_ends_of_a_long_text_are_read() -> None:
    filler = "The room is wide. " * LIMIT
    assert chosen(f"{filler} The answer is B.", ROOM) == B
    assert chosen(f"B\n\n{filler}", ROOM) == B


SEEDS = (
    *(
        "A ",
        "(A)",
        "A, ",
        "answer is ",
        "the answer is A. ",
        "\\boxed{",
        "(",
        "[",
        "{",
        " ",
        "\n",
        "1,111,",
        "-1",
    ),
    *(
        "*",
        "\\text{",
        "\ud800",
        "\0",
        "\u202e",
        "not A ",
        "A is wrong ",
        "<a",
        "option ",
        "A. x\n",
        "so ",
        "no, ",
    ),
    *(
        "答案",
        "table or ",
        "\\frac{",
        ". ",
        "=1 ",
        "I think ",
        "aly ",
        "the ",
        "answer of ",
        " " * 20 + "\n",
        "\t-",
    ),
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_megabyte_of_garbage_is_read_in_bounded_time(seed: str) -> None:
    text = (seed * (1_000_000 // len(seed) + 1))[:1_000_000]
    assert chosen(text, ROOM) in (None, 0, 1, 2, 3)


def test_a_text_is_an_option_but_for_wording() -> None:
    assert same_text("The Red Cube.", ("red cube", "blue cube")) == 0
    assert same_text("cube", ("red cube", "blue cube")) is None


# --- The question known -------------------------------------------------------------------------------------

YES_NO = ("Yes", "No")
ROOTS = ("2√{3}cm", "2√{2}cm", "4√{3}cm", "4cm")
ARCS = (r"\frac { 3 } { 7 } \pi", r"\frac { 7 } { 3 } \pi", r"7 \pi", r"14 \pi")
FISH = ("Trout", "Octopus", "Pike", "Eel")
BOATS = "Which boat is longer, the ferry or the tug?"
CHAIN = "Which animal would be most affected if there was a shortage of moss?"
MODELS = ("Base-7B", "Base-13B (v2)", "Large")

ASKED = [
    (BOATS, ("Ferry", "They are alike", "Tug"), "The tug is longer than the ferry.", 2),
    (BOATS, ("Ferry", "They are alike", "Tug"), "The tug is shorter than the ferry.", 0),
    ("Which shape continues the row?", tuple("ABCDE"), "Turning it once more gives shape D.", 3),
    ("Which shape continues the row?", tuple("ABCDE"), "A pattern of dots leads to shape C.", 2),
    ("Find the length of MN.", ROOTS, r"MN = 2\sqrt{3} cm", 0),
    ("Find the length of MN.", ROOTS, "MN is 4√3 cm, i.e. about 6.93 cm.", 2),
    ("Find the arc.", ARCS, "(3/7)π", 0),
    ("Between which values does it fall?", ("0.1 - 0.3", "0.3 - 0.5"), "It falls between 0.3 and 0.5.", 1),
    ("Which two parts make a disc?", ("1 & 2", "1 & 3", "2 & 3"), "Parts 2 and 3 make a disc.", 2),
    (
        CHAIN,
        FISH,
        "The animal most affected by a shortage of moss is the eel. The pike eats trout.",
        3,
    ),
    (CHAIN, FISH, "The animal that would be most affected if there was a shortage of moss would be eels.", 3),
    ("What fraction is blue?", ("3/11", "8/11"), "3 of the 11 equal parts are blue: 3/11.", 0),
    ("Which model scores best?", MODELS, "Base-7B scores best; Base-13B (v2) is second.", 0),
    ("Which model scores best?", MODELS, "Large scores best (80%), compared with Base-7B (70%).", 2),
    ("Moths become more numerous if", ("bats decrease", "owls increase"), "Moths thrive if bats decrease.", 0),
    (
        "What happens to newts?",
        ("increase", "decrease"),
        "Newts increase.",
        0,
    ),
]


@pytest.mark.parametrize(("question", "options", "response", "index"), ASKED)
def test_the_question_known(question: str, options: tuple[str, ...], response: str, index: int | None) -> None:
    assert chosen(response, options, question) == index


DEGREES = ("60°", "45°", "30°")
PROSE_OPTIONS = [
    ("(A) yes", ("yes", "no"), "Is it red?", 0),
    ("no", ("yes", "no"), "Is it red?", 1),
    ("Yes.", YES_NO, "Is it red?", 0),
    ("The water in the trough is half full.", YES_NO, "Is the water half full?", 0),
    ("The water is not half full.", YES_NO, "Is the water half full?", 1),
    ("Sky Blue is less than Chartreuse.", YES_NO, "Is Sky Blue less than Chartreuse?", 0),
    ("Sky Blue is greater than Chartreuse.", YES_NO, "Is Sky Blue less than Chartreuse?", 1),
    ("Chartreuse is less than Sky Blue.", YES_NO, "Is Sky Blue less than Chartreuse?", 1),
    ("Chartreuse is greater than Sky Blue.", YES_NO, "Is Sky Blue less than Chartreuse?", 0),
    ("Sky Blue and Chartreuse are the same.", YES_NO, "Is Sky Blue less than Chartreuse?", 1),
    (
        "Cyan has the maximum area under the curve.",
        YES_NO,
        "Does Cyan have the minimum area under the curve?",
        1,
    ),
    (
        "Cyan has the minimum area under the curve.",
        YES_NO,
        "Does Cyan have the minimum area under the curve?",
        0,
    ),
    ("There are fewer jets than buses.", YES_NO, "Are there fewer jets than buses?", 0),
    ("There are more jets than buses.", YES_NO, "Are there fewer jets than buses?", 1),
    ("There are more buses than jets.", YES_NO, "Are there fewer jets than buses?", 0),
    ("The function is even, so it is symmetric.", YES_NO, "Is this function even?", 0),
    ("The answer is no, since the line falls.", YES_NO, "Does the line rise?", 1),
    (
        "It is not possible to determine whether the bar is the highest.",
        YES_NO,
        "Is this bar the highest?",
        None,
    ),
    (
        "Slate is not the high median. The high median is the blue line, above Slate.",
        YES_NO,
        "Is Slate the high median?",
        1,
    ),
    ("Sorry, I can't help with images.", YES_NO, "Is it red?", None),
    ("", YES_NO, "Is it red?", None),
    ("True", ("True", "False"), "The mean is 5.", 0),
    (
        "The animal that would lack food would be the frog.",
        ("Rabbit", "Deer", "Frogs", "Wolf"),
        "Which animal would lack food?",
        2,
    ),
    ("It is on the bottom left.", ("Top", "Bottom", "Left", "Right"), "Which matchstick moves?", None),
    ("The length of AB is 10.", ("8", "10", "15"), "What is the length of AB?", 1),
    ("The length of AB is 10 cm.", ("8cm", "10cm", "15cm"), "What is the length of AB?", 1),
    (
        "Since ∠C = 35°, ∠OAB = 180° - 35° = 145°. Therefore the degree of ∠OAB is 145°.",
        ("35°", "55°", "65°"),
        "If ∠C = 35.0, then the degree of ∠OAB is ()",
        None,
    ),
    ("So the correct answers are (B) and (C).", ("6", "13", "26"), "What are the lengths?", None),
    ("(A), (B), (C)", ("6", "13", "26"), "?", None),
    ("6, 13, 26", ("6", "13", "26"), "?", None),
    ("The correct answer is B. Because A is wrong", ("6", "13", "26"), "?", 1),
    ("A cat sits; so the answer is B", ("6", "13", "26"), "?", 1),
    ("answer: b", ("6", "13", "26"), "?", 1),
    ("A\n\nExplanation: B is wrong", ("6", "13", "26"), "?", 0),
    ("I notice nothing unusual.", YES_NO, "Is the sky red?", None),
    ("b", DEGREES, "∠A is ()", 1),
    ("c. 30°", DEGREES, "∠A is ()", 2),
    ("option a", DEGREES, "∠A is ()", 0),
    ("The correct option letter is C, which is 30°.", DEGREES, "∠A is ()", 2),
    ("Option B: 45°", DEGREES, "∠A is ()", 1),
    ("The answer is B: 45 degrees", DEGREES, "∠A is ()", 1),
    ("The measure of angle A is 45 degrees.", DEGREES, "∠A is ()", 1),
    ("45", DEGREES, "∠A is ()", 1),
    ("∠A = 45°", DEGREES, "∠A is ()", 1),
    ("Choose option (B).", DEGREES, "∠A is ()", 1),
    ("The final answer is: B", DEGREES, "∠A is ()", 1),
    ("Answer:\nB", DEGREES, "∠A is ()", 1),
    ("**B**", DEGREES, "∠A is ()", 1),
    ("To solve this, note 60° + 45° = 105°. The angle is 180° - 105° - 45° = 30°.", DEGREES, "∠A is ()", 2),
    ("no, it is not", ("yes", "no"), "Is Crimson the minimum?", 1),
    ("Crimson isn't the minimum.", ("yes", "no"), "Is Crimson the minimum?", 1),
    ("Crimson is the minimum.", ("yes", "no"), "Is Crimson the minimum?", 0),
    ("The minimum is Crimson.", ("yes", "no"), "Is Crimson the minimum?", 0),
    ("Yes, Crimson is the minimum.", ("yes", "no"), "Is Crimson the minimum?", 0),
    (
        "The image shows that Crimson is not the minimum. The answer is (B) no.",
        ("yes", "no"),
        "Is Crimson the minimum?",
        1,
    ),
    ("The correct option letter is B, indicating that it is not.", ("yes", "no"), "Is Crimson the minimum?", 1),
    ("Rough has higher values than Smooth, so no.", ("yes", "no"), "Is Rough less than Smooth?", 1),
    ("It does not.", ("yes", "no"), "Does Crimson have the minimum area?", 1),
    ("It does.", ("yes", "no"), "Does Crimson have the minimum area?", 0),
    ("Tadpole", ("Tilapia", "Common water flea", "Great diving beetle", "Tadpole"), "Which organism?", 3),
    (
        "tadpoles would be most affected",
        ("Tilapia", "Common water flea", "Great diving beetle", "Tadpole"),
        "Which organism?",
        3,
    ),
    ("The function is odd.", ("odd", "even"), "Is this function odd or even?", 0),
    ("f(-1) is smaller than f(0).", ("larger than", "equal to", "smaller than"), "f(-1) is ____ f(0).", 2),
    (
        "The derivative at x=2 is equal to that at x=5.",
        ("larger than", "equal to", "smaller than"),
        "The derivative of f(x) at x=2 is ____ that at x=5",
        1,
    ),
    (
        "It is a quarter past nine.",
        ("half", "quarter", "o'clock", "quarter to", "quarter past"),
        "It is (_) nine.",
        4,
    ),
    ("The statement is false.", ("True", "False"), "The mean is 5.", 1),
    (
        "Solution B has a higher concentration.",
        ("neither; their concentrations are the same", "Solution B", "Solution A"),
        "Which solution has a higher concentration?",
        1,
    ),
    (
        "There is a shortage, as demand exceeds supply.",
        ("shortage", "surplus"),
        "is there a shortage or a surplus?",
        0,
    ),
]


@pytest.mark.parametrize(("response", "options", "question", "expected"), PROSE_OPTIONS)
def test_options_in_prose(response: str, options: tuple[str, ...], question: str, expected: int | None) -> None:
    assert chosen(response, options, question) == expected


def test_a_whole_number_stands_for_no_root() -> None:
    assert chosen("It is 2.", ("√3", "√5")) is None


def test_what_does_not_apply_chooses_nothing() -> None:
    assert chosen("It is large.", ("a cat", "a dog"), BOATS) is None
    assert chosen("between 1 and 2", ("1", "2"), "Which?") is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["√", "(", "1+", "\\frac{", "π"])
def test_exact_values_take_bounded_time(part: str) -> None:
    assert read_option(clean(part * 100_000), ROOTS, "Find the length of MN.") is None


@given(st.text(alphabet="√π()^/*+-{}123. \\frac=", max_size=60))
def test_any_formula_is_read_or_not(text: str) -> None:
    assert chosen(text, ROOTS) in (None, 0, 1, 2, 3)


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_survived(response: str, question: str) -> None:
    assert chosen(response, ("red", "blue"), question) in (None, 0, 1)


# --- One reader: the same text and options give the same option on every benchmark --------------------------

FIVE = ("mmmu", "mmbench", "ai2d", "mathvista", "mathverse")


def options_of(record: dict[str, Any]) -> tuple[str, ...]:
    """The options of a record of any benchmark whose records hold them; () for none."""
    if record.get("question_type") == "open":
        return ()
    for key in ("choices", "answer_options", "options"):
        held = record.get(key)
        if isinstance(held, str):
            try:
                held = ast.literal_eval(held)
            except (ValueError, SyntaxError):
                held = None
        if held:
            return tuple(map(str, held))
    lettered = [record.get(letter) for letter in "ABCDEFGH"]
    return tuple(str(text) for text in lettered if text not in (None, "", "nan"))


def verdicts(text: str, options: tuple[str, ...], question: str) -> dict[str, str | None]:
    """The option that each of the five scorers extracts, as its text; None for none or another value."""
    scorers: dict[str, tuple[Callable[..., Any], Any]] = {
        "mmmu": (mmmu, MmmuTarget(options, 0, (), question)),
        "mmbench": (choice, ChoiceTarget(options, 0, question)),
        "ai2d": (load_builtin("ai2d").scorer, ChoiceTarget(options, 0, question)),
        "mathvista": (mathvista, MathVistaTarget(question, options[0], options)),
        "mathverse": (mathverse, MathTarget(question, "A", options)),
    }
    found = {}
    for name, (scorer, target) in scorers.items():
        told = scorer(Answer(text), target).extracted
        index = LETTERS.find(told) if told and len(told) == 1 else -1
        told = told if name == "mathvista" or not 0 <= index < len(options) else options[index]
        found[name] = told if told in options else None
    return found


def recorded(shared: Path) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(response, options, question) of recorded choice responses: golden MMMU and MathVista, outputs, cases."""
    rows = [f"golden/mmmu/{name}" for name in ("llava1.5_13b",)]
    rows += [f"golden/mathvista/{name}" for name in ("bard", "claude", "gpt4", "llava")]
    rows += ["cases/outputs/mmmu_gpt4o_direct", *(f"cases/reading/{name}" for name in (*FIVE, "embspatial"))]
    for name in rows:
        for line in (shared / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            options = options_of(row["record"])
            if len(options) > 1 and isinstance(row["response"], str):
                yield row["response"], options, row["record"].get("question") or ""


def test_five_benchmarks_read_the_same_option_from_the_same_text(golden_dir: Path) -> None:
    differing, compared = [], 0
    for text, options, question in recorded(golden_dir.parent):
        compared += 1
        found = verdicts(text, options, question)
        if len(set(found.values())) > 1:
            differing.append((text, options, found))
    assert compared > 4000
    assert not differing, (len(differing), compared, differing[:5])


# --- A candidate by itself: letters, values and words at their boundaries -----------------------------------

COLOURS = ("red", "blue", "green", "yellow")
SEVERAL_NAMED = "several"


def parsed(
    text: str,
    options: tuple[str, ...] = COLOURS,
    question: str = "",
    channel: Channel = Channel.STATED,
    alone: bool = False,
) -> int | str | None:
    found = parse_option(Candidate(channel, text, alone=alone), options, question)
    return SEVERAL_NAMED if isinstance(found, Unclear) else found


LETTERED: dict[int | str | None, tuple[str, ...]] = {
    A: ("A", "a", "(a)", "A.", "a.", "A. red", "A (red)", "'A'", "A because", "A is", "A)red"),
    B: (
        *(
            "B) blue, not red",
            "D (option B)",
            "D: choice B",
            "B - blue",
            "so B",
            "I pick B",
            "pick (b)",
            "pick b.",
        ),
        *("[B]", "{B}", "<B>", "$B$", "B→", "B!", "B|", "B — it is", "the correct option is B", "A: blue"),
        *("letter: b", "(B) or so", "it's most likely B"),
    ),
    C: ("C", "letter: C", "statement C"),
    SEVERAL_NAMED: (
        *("A and B", "A or b", "both A and B", "A, B", "A/B", "option A and B", "A.B.", "(A) und (B)", "A o B"),
        *("Z", "Z.", "E. pink", "is E", "the answer is Z", "(C) D", "I", "I.", "A) red B) blue C) green"),
    ),
    None: ("I think", "I'm", "A B", "A A", "AB", "A cat", "B cat", "a is", "B-x"),
}


@pytest.mark.parametrize(
    ("text", "expected"), [(text, option) for option, texts in LETTERED.items() for text in texts]
)
def test_letters_of_a_candidate(text: str, expected: int | str | None) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "announced", "alone"),
    [
        ("B cat", B, None),
        ("D option", D, None),
        ("A cat", None, None),
        ("I cat", None, None),
        ("B because", B, None),
        ("B — it is", B, None),
        ("I pick B", B, None),
        ("B", B, B),
        ("B. blue", B, B),
        ("B) blue A) red", B, None),
        ("B blue", B, None),
    ],
)
def test_letters_that_are_announced_or_alone(text: str, announced: int | None, alone: int | None) -> None:
    assert parsed(text, channel=Channel.ANNOUNCED) == announced
    assert parsed(text, channel=Channel.CONCLUDING, alone=True) == alone


ANGLES = ("30°", "45", "60 cm", "none of these")
SHARES = ("1/3", "2/3", "0.5")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("45", ANGLES, 1),
        ("45.0", ANGLES, 1),
        ("45°", ANGLES, 1),
        ("x = 30", ANGLES, 0),
        ("60 apples", ANGLES, 2),
        ("the angle is 60", ANGLES, 2),
        ("60 and 45", ANGLES, SEVERAL_NAMED),
        ("It is 45 because 30 + 15 = 45", ANGLES, 1),
        ("44.9", ANGLES, None),
        ("50", ANGLES, None),
        ("a45", ANGLES, None),
        ("None of these", ANGLES, 3),
        # as many decimals as are written
        ("0.333", SHARES, 0),
        ("0.33", SHARES, 0),
        ("0.3", SHARES, None),
        ("0.34", SHARES, None),
        ("0.32", SHARES, None),
        ("0.67", SHARES, 1),
        ("0.66", SHARES, None),
        ("0.6667", SHARES, 1),
        ("0.50", SHARES, 2),
        ("0.51", SHARES, None),
        ("0.5049", SHARES, None),
        ("0.3333333333333333", SHARES, 0),
        # values that two options have, or that only one has, name none
        ("45 kg", ("45°", "45 cm", "60"), None),
        ("45 degrees", ("45°", "red"), 0),
        ("45 kg", ("45°", "red", "blue"), None),
    ],
)
def test_values_of_options(text: str, options: tuple[str, ...], expected: int | str | None) -> None:
    assert parsed(text, options) == expected


PLACES = ("The red car on the left", "The blue car on the right", "A bicycle lane")
POINTS = ("P", "Q", "R", "S")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("the red car is left", PLACES, 0),
        ("the blue car stands on the right side", PLACES, 1),
        ("the lane for bicycles", PLACES, 2),
        ("bicycle", PLACES, None),
        ("car", PLACES, None),
        ("red car left blue right", PLACES, None),
        ("point B", ("A", "B", "C"), 1),
        ("I see C", ("A", "B", "C"), 2),
        ("B and C are", ("A", "B", "C"), SEVERAL_NAMED),
        ("A point", ("A", "B", "C"), None),
        ("C) B", ("A", "B", "C"), 1),
        ("Q", POINTS, 1),
        ("B", POINTS, 1),
        ("(B) Q", POINTS, 1),
        ("(A) Q", POINTS, 1),
        ("P and Q", POINTS, SEVERAL_NAMED),
        ("Q A", POINTS, None),
        # texts, whole and within one another
        ("light red", ("red", "light red"), 1),
        ("red, not light red", ("red", "light red"), 0),
        ("cats", ("cat", "dog"), 0),
        ("buses", ("bus", "gas"), None),
        ("1.50", ("1.5", "2"), 0),
        ("1,200 m", ("1200 m", "120 m"), 0),
        ("red", ("red", "Red", "blue"), None),
        ("red", ("blue", "red", "red"), 1),
        ("x + red", ("red", "blue"), None),
        ("5 = red", ("red", "blue"), 0),
        ("dark red", ("dark red", "red blue"), 0),
    ],
)
def test_words_of_options(text: str, options: tuple[str, ...], expected: int | str | None) -> None:
    assert parsed(text, options) == expected


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        ("red is larger than blue", "Which is larger?", 0),
        ("red is smaller than blue", "Which is larger?", 1),
        ("red is larger than blue", "Which is smaller?", 1),
        ("red is larger than blue", "", SEVERAL_NAMED),
        ("red or green than blue", "Which is larger?", SEVERAL_NAMED),
        ("red and blue, blue is the largest", "Which is largest?", 1),
        ("blue has 5 apples; red has the most apples", "Which has the most apples?", 0),
        ("red, blue", "Which?", SEVERAL_NAMED),
        ("red is next to blue", "", SEVERAL_NAMED),
        ("option B is red", "", 1),
        ("(B) and red", "", 1),
        ("the choice B of red and green", "", 1),
        ("red (Z)", "", 0),
        ("not red", "", None),
        ("red is wrong", "", None),
    ],
)
def test_sentences_that_name_several_options(text: str, question: str, expected: int | str | None) -> None:
    assert parsed(text, question=question) == expected


@pytest.mark.parametrize(
    ("text", "stated", "boxed", "alone"),
    [
        ("red", 0, 0, 0),
        (r"\text{red}", 0, 0, 0),
        ("x = red", 0, None, None),
        ("red, blue", SEVERAL_NAMED, None, None),
        ("red 5", 0, 0, None),
        ("red^2", None, None, None),
        ("I cannot tell, red", None, 0, None),
        ("A. I cannot tell", None, 0, None),
    ],
)
def test_a_box_holds_an_option_and_no_formula(
    text: str, stated: int | str | None, boxed: int | None, alone: int | None
) -> None:
    assert parsed(text) == stated
    assert parsed(text, channel=Channel.BOX) == boxed
    assert parsed(text, channel=Channel.CONCLUDING, alone=True) == alone


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("A. cannot be determined", ("cannot be determined", "red"), 0),
        ("A. cannot be determined", ("none of them", "cannot be determined"), 0),
        ("A. cannot be determined", ("red", "blue"), None),
        ("cannot be determined, red", ("None of them", "red"), 1),
        ("cannot be determined, red", ("blue", "red"), None),
    ],
)
def test_refusals_that_are_options(text: str, options: tuple[str, ...], expected: int | None) -> None:
    assert parsed(text, options, channel=Channel.WHOLE) == expected


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        ("it is", "Is the cat larger?", 0),
        ("It is not", "Is the cat larger?", 1),
        ("the cat is larger", "Is the cat larger?", 0),
        ("the cat is smaller", "Is the cat larger?", 1),
        ("maybe", "Is the cat larger?", None),
        ("yes or no", "", None),
        ("A. No", "", 1),
    ],
)
def test_options_yes_and_no(text: str, question: str, expected: int | None) -> None:
    assert parsed(text, ("Yes", "No"), question) == expected
    assert parsed(text, ("No", "Yes"), question) == (None if expected is None else 1 - expected)


def test_only_the_first_characters_of_a_candidate_are_read() -> None:
    assert parsed("x " * 1997 + "blue") == B
    assert parsed("x " * 1999 + "blue") is None


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Red.", 0),
        ("the red", 0),
        ("red blue", None),
        ("", None),
        ("red" + " " * 4093, 0),
        ("red" + " " * 4094, None),
    ],
)
def test_texts_of_options(text: str, same: int | None) -> None:
    assert same_text(text, COLOURS) == same
