"""Which option a text chooses: hand-derived cases, one for each branch of the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scorers.choice import ChoiceTarget, choice, read_choice, read_letter
from scorers.mentions import LIMIT, clean, same_text
from scorers.types import Answer, Status

ROOM = ("desk", "table", "sofa", "cart")
A, B, C, D, NONE = 0, 1, 2, 3, None
Golden = Callable[[str], list[dict[str, Any]]]

# fmt: off
BARE = {  # A letter alone, in any dress.
    A: (
        "A", "a", "A?", "Option A",
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
        "AB", "ABCD", "A, B", "A, b, c", "A and e", "A/B", "A & B", "A or B", "Both A and B", "A B C D",
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
    D: (
        "D.table",
    ),
    A: (
        "A. desk", "A\n\nExplanation: B is wrong", "A: it is the desk",
    ),
    B: (
        "B) table", "B: table", "B - table", "(b) table", "(B) sofa", "B, because the table is nearer",
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
        "Final answer: the sofa", "The correct option is (C).", "The right choice here is obviously C.",
        "My choice is C.", "\\boxed{sofa}", "I think c", "maybe c", "C is the closest.", "{'answer': 'C'}",
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
        "A) wrong B) right C) wrong D) wrong", "If A were correct, the desk would be nearer; hence B.",
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
        "To determine the answer, we examine options A, B, C and D.\n\nOption A says desk, which is "
        "not visible.\nOption B says table, which is visible.\n\nHence, option B is the most "
        "accurate.\n",
        "So the correct answer is A.\n\nBut wait, let me double check. So the answer should be "
        "B.\n\nAnswer: B",
        "Sure! Here's my answer: B. Let me know if you need anything else.",
        "**Final Answer:** \\[ \\boxed{B} \\]", "Final Answer: \\(\\boxed{\\text{B) table}}\\)",
        "Thus, the correct choice is:\n\n**B. table**", "A and C are incorrect. B is correct.",
        "The answer is B) table, because A) desk is behind.",
        "B) table is right because it is in front of A) desk.",
        "The answer is definitely not A. I think it's B.", "The answer that best fits is B",
        "The answer's B", "choosing B", "B is what I would pick", "1. B", "- B", "Hello! The answer: B :)",
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
        "Eliminating A, B, and D, we are left with C.",
    ),
    D: (
        "The correct answer is:\n\n**D. cart**\n\nExplanation: The cart (D) is closer than A, B, and C.",
        "Given the above, A and B can be eliminated. Between C and D, D is the better choice.",
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
    assert read_choice(text, ROOM) == expected


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
        ("\\boxed{5\\tan(\\theta)}", ("5 cm", "6 cm"), None),
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
    assert read_choice(text, options) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("<answer>B</answer>", 1.0),
        ("<think>Maybe (C)</think>\nB", 1.0),
        ("<think>A or B?</think><answer>(B) bed</answer>", 1.0),
        ("<think>It is B", 1.0),
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


def test_refusal_is_unparsed() -> None:
    score = choice(Answer("I cannot tell from this image."), ChoiceTarget(ROOM, B))
    assert (score.value, score.status, score.extracted) == (0.0, Status.UNPARSED, None)


def test_an_option_with_the_right_ones_text_is_right() -> None:
    target = ChoiceTarget(("same", "other", "same"), 2)
    assert [choice(Answer(letter), target).value for letter in "ABC"] == [1.0, 0.0, 1.0]
    assert choice(Answer("A"), ChoiceTarget(("", "", ""), 1)).value == 0.0


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [("The answer is (C).", "ABCDE", "C"), ("c", "ABC", "C"), ("F", "ABCDE", None), ("A, B", "ABC", None)],
)
def test_letters_alone(text: str, letters: str, expected: str | None) -> None:
    assert read_letter(text, letters) == expected


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


def by_inspection(response: str, options: Sequence[str]) -> int | None:
    """What a synthetic response means, by its format."""
    for form in (*FORMATS[-5:], *FORMATS[:-5]):
        match = re.fullmatch(form, response)
        if match is None:
            continue
        parts = match.groupdict()
        if parts.get("text"):
            return list(options).index(parts["text"])
        letter = (parts.get("letter") or "E").upper()
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
    assert read_choice(f"{filler} The answer is B.", ROOM) == B
    assert read_choice(f"B\n\n{filler}", ROOM) == B


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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_megabyte_of_garbage_is_read_in_bounded_time(seed: str) -> None:
    text = (seed * (1_000_000 // len(seed) + 1))[:1_000_000]
    assert read_choice(text, ROOM) in (None, 0, 1, 2, 3)


def test_cleaning_keeps_what_is_content() -> None:
    assert clean("**x** _ \\textbf{y} \\(z\\) 2*3 $4") == "x _ y  z  2*3 4"
    assert same_text("The Red Cube.", ("red cube", "blue cube")) == 0
    assert same_text("cube", ("red cube", "blue cube")) is None
