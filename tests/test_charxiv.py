"""CharXiv without a judge: labels and statements by text, numbers by value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.read.number import find_numbers
from scorers.rules.chart import whole_number
from scorers.rules.charxiv import CharxivTarget, charxiv, plain_label, same_label
from scorers.types import Answer, Status

PANEL = "Which subplot, (a) or (b), is smoother?"
TREND = "What is the trend of the curve?"
LABELS = [
    # letters of subplots
    ("(c)", "(c)", "Which subplot?", 1),
    ("c", "(c)", "Which subplot?", 1),
    ("Subplot (c)", "(c)", "Which subplot?", 1),
    ("subplot c", "(c)", "Which subplot?", 1),
    ("The letter of the subplot is c.", "(c)", "What is the letter of the subplot?", 1),
    ("(d)", "(c)", "Which subplot?", 0),
    ("(c) or (d)", "(c)", "Which subplot?", 0),
    ("(c), (d)", "(c)", "Which subplot?", 0),
    ("Subplot (b) is smoother.", "(a)", PANEL, 0),
    ("Subplot (b) is smoother than (a).", "(a)", PANEL, 0),
    ("(a)", "(a)", PANEL, 1),
    # a label with a letter before it
    ("OPT", "(b) OPT", "What is the name of the subplot?", 1),
    ("(b)", "(b) OPT", "What is the name of the subplot?", 1),
    ("(c) OPT", "(b) OPT", "What is the name of the subplot?", 0),
    # LaTeX, Greek, subscripts, raised digits
    ("λ_L = 0.13", "lambda_L = 0.13", "Which line?", 1),
    (r"$\lambda_L=0.13$", "lambda_L = 0.13", "Which line?", 1),
    ("λ_L = 0.14", "lambda_L = 0.13", "Which line?", 0),
    ("ω_z", r"\( \omega_z \)", "Which line?", 1),
    ("ω_x", r"\( \omega_z \)", "Which line?", 0),
    ("$R^2_{t,h}$", "R^2_t,h", "Which label?", 1),
    ("C³", "C^3", "Which curve?", 1),
    ("C^2", "C^3", "Which curve?", 0),
    ("C_3", "C^3", "Which curve?", 0),
    # hyphens, case, nouns; signs count
    ("Round Robin Combo", "ROUND-ROBIN-COMBO", "Which method?", 1),
    ("gpt 3.5", "GPT-3.5", "Which model?", 1),
    ("GPT-4", "GPT-3.5", "Which model?", 0),
    ("the red curve", "Red curve", "Which curve?", 1),
    ("ACC", "ACC+", "Which label?", 0),
    ("P=101", "P-101", "Which label?", 0),
    ("EfficientNet-B6", "EfficientNet-B5", "Which model?", 0),
    ("Non-IID (50%)", "Non-IID (20%)", "Which curve?", 0),
    ("JeVois", "JeVois (408MHz)", "Which configuration?", 0),
    ("Active Infections", "Active Infections (I)", "Which label?", 1),
    # an equation, where the question names its left side
    ("0.8", "K = 0.8", "At which K value is it?", 1),
    ("0.9", "K = 0.8", "At which K value is it?", 0),
    ("0.1333", "η = 0.1333", "Which curve is it?", 0),
    # several labels in any order
    ("CRS and IM", "IM, CRS", "Which two methods rise?", 1),
    ("CRS, IM", "IM, CRS", "Which two methods rise?", 1),
    ("IM", "IM, CRS", "Which two methods rise?", 0),
    ("IM, CRS, LSTM", "IM, CRS", "Which two methods rise?", 0),
    ("θ = 90° and θ = 45°", "θ = 45°, θ = 90°", "Which two curves?", 1),
    ("(60, 2)", "(2, 60)", "Which (d, n)?", 0),
    ("golden, silver", "silver, golden", "Which row and column?", 0),
    # in a sentence
    ("The city with the lowest rate is Kansas City.", "Kansas City", "Which city has the lowest rate?", 1),
    ("Kansas City has the lowest rate.", "Kansas City", "Which city has the lowest rate?", 1),
    ("Kansas City experiences it.", "Kansas City", "Which city experiences it?", 1),
    ("Not Kansas City", "Kansas City", "Which city has the lowest rate?", 0),
]
STATEMENTS = [
    ("It decreases.", "Decreasing", TREND, 1),
    ("The trend is decreasing.", "Decreasing", TREND, 1),
    ("downward", "decrease", TREND, 0),
    ("increasing", "Decreasing", TREND, 0),
    ("It increases and then decreases.", "increase then decrease", TREND, 1),
    ("It decreases, then increases.", "increase then decrease", TREND, 0),
    ("increase", "increase then decrease", TREND, 0),
    ("The values are decreasing.", "Decreasing", "Are the values increasing or decreasing?", 1),
    ("Engineering and Law", "Law and Engineering", "Which two majors?", 1),
    ("20-30", "20 to 30", "Between which two floors?", 1),
    ("between 20 and 30", "20 to 30", "Between which two floors?", 1),
    ("20-40", "20 to 30", "Between which two floors?", 0),
    ("200 to 300", "[200, 300]", "In which interval?", 1),
    ("Row 2, Column 4", "row 2, column 4", "Which row and column?", 1),
    ("Row 4, Column 2", "row 2, column 4", "Which row and column?", 0),
    ("Yes, it is.", "Yes", "Is it larger?", 1),
    ("No.", "Yes", "Is it larger?", 0),
]
NUMBERS = [
    ("94.0", "94", "What is it?", 1),
    ("94", "94.0", "What is it?", 1),
    ("0.01", "0.0100", "What is it?", 1),
    ("40,000", "40000", "What is it?", 1),
    ("40k", "40,000", "What is it?", 1),
    ("0.1", "10^-1", "What is it?", 1),
    ("$10^{-1}$", "10^-1", "What is it?", 1),
    ("10⁻¹", "0.1", "What is it?", 1),
    ("1,000,000", "1e+06", "What is it?", 1),
    ("10^6", "1e+06", "What is it?", 1),
    ("1.5e3", "1500", "What is it?", 1),
    ("1 million", "1e+06", "What is it?", 1),
    ("1/2", "0.5", "What is it?", 1),
    ("85.5", "85.5%", "What is it?", 1),
    ("0.855", "85.5%", "What is it?", 1),
    ("85.5%", "85.5", "What is it?", 1),
    ("5%", "0.05", "What is it?", 1),
    ("−0.75", "-0.75", "What is it?", 1),
    ("about 50 ms", "50", "What is it?", 1),
    ("The red curve is at 50 at t=10.", "50", "What is the red curve at t=10?", 1),
    ("three", "3", "How many lines?", 1),
    ("There are 3 lines.", "3", "How many lines?", 1),
    ("None", "0", "How many lines?", 1),
    ("N = 2", "2", "How many lines?", 1),
    # other values, several answers
    ("0.012", "0.01", "What is it?", 0),
    ("0.75", "-0.75", "What is it?", 0),
    ("95", "94", "What is it?", 0),
    ("0.05", "5", "What is it?", 0),
    ("None", "1", "How many lines?", 0),
    ("2 or 3", "3", "How many lines?", 0),
    ("2, 3, 4", "3", "How many lines?", 0),
    ("I do not know", "3", "How many lines?", 0),
    # lists
    ("2006 and 2008", "2006, 2008", "Which years?", 1),
    ("2008, 2006", "2006, 2008", "Which years?", 0),
    ("between 30 and 40", "30, 40", "Between which ticks?", 1),
    ("[30, 40]", "30, 40", "Between which ticks?", 1),
    ("30, 50", "30, 40", "Between which ticks?", 0),
    ("30", "30, 40", "Between which ticks?", 0),
    ("30, 40, 50", "30, 40", "Between which ticks?", 0),
]  # fmt: skip


@pytest.mark.parametrize(("response", "gold", "question", "expected"), LABELS)
def test_text_in_chart(response: str, gold: str, question: str, expected: int) -> None:
    score = charxiv(Answer(response), CharxivTarget(gold, 1, question))
    assert (score.value, score.official) == (expected, None), score


@pytest.mark.parametrize(("response", "gold", "question", "expected"), STATEMENTS)
def test_text_in_general(response: str, gold: str, question: str, expected: int) -> None:
    assert charxiv(Answer(response), CharxivTarget(gold, 2, question)).value == expected


@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize(("response", "gold", "question", "expected"), NUMBERS)
def test_numbers(response: str, gold: str, question: str, expected: int, kind: int) -> None:
    score = charxiv(Answer(response), CharxivTarget(gold, kind, question))
    assert score.value == expected, score


@pytest.mark.parametrize(
    ("response", "kind", "status"),
    [
        ("", 1, Status.UNPARSED),
        ("", 3, Status.UNPARSED),
        ("<think>5</think>", 4, Status.UNPARSED),
        ("It is smooth", 4, Status.UNPARSED),
        ("I'm sorry, I cannot determine the value.", 3, Status.UNPARSED),
        ("I am unable to see the chart.", 1, Status.UNPARSED),
        ("6", 3, Status.OK),
        ("red", 1, Status.OK),
    ],
)
def test_status(response: str, kind: int, status: Status) -> None:
    assert charxiv(Answer(response), CharxivTarget("5", kind, "What?")).status is status


@given(st.text(max_size=40))
def test_labels_keep_their_form(text: str) -> None:
    assert plain_label(text) == plain_label(f" {text} ")
    assert "\n" not in plain_label(text)


@pytest.fixture(scope="module")
def records(golden) -> list[dict]:
    return [row["record"] for row in golden("charxiv/reasoning_gold")]


def target_of(record: dict) -> CharxivTarget:
    return CharxivTarget(record["reasoning_a"], record["reasoning_a_type"], record["reasoning_q"])


WORDINGS = (
    "{}",
    "The answer is {}.",
    "**{}**",
    "Answer: {}",
    r"\boxed{{{}}}",
    "<think>4 (b)</think><answer>{}</answer>",
)


SEVERAL_SENTENCES = {"LH2 C.B. Ext. Motion", "for Rho = 0, value is 0.9. For Rho = 1, value is 0.4."}
"""Golds that read as more than one sentence, so as no phrase."""


@pytest.mark.parametrize("wording", WORDINGS)
def test_every_gold_answer_is_right_in_any_wording(wording: str, records: list[dict]) -> None:
    assert len(records) == 1000
    wrong = [
        record["reasoning_a"]
        for record in records
        if charxiv(Answer(wording.format(record["reasoning_a"])), target_of(record)).value != 1.0
    ]
    assert set(wrong) <= SEVERAL_SENTENCES


def numbered(records: list[dict]) -> list[dict]:
    """Records whose gold answer is one number."""
    return [r for r in records if r["reasoning_a_type"] >= 3 and whole_number(r["reasoning_a"])]


def test_gold_numbers_are_right_in_other_notations(records: list[dict]) -> None:
    wrong = []
    for record in numbered(records):
        value = whole_number(record["reasoning_a"]).value
        percent = "%" if "%" in record["reasoning_a"] else ""
        exact = f"{Decimal(repr(value)):f}"
        mantissa, exponent = f"{value:.12e}".split("e")
        forms = [
            f"{exact}{percent}",
            f"{value:,.15g}{percent}" if abs(value) >= 1 else exact,
            f"{Decimal(mantissa).normalize():f} × 10^{int(exponent)}{percent}",
            f"{value:.12e}{percent}",
            f"${exact}$",
            f"It is approximately {exact}{percent}",
            exact.replace("-", "−") + percent,
        ]
        target = target_of(record)
        wrong += [(record["reasoning_a"], form) for form in forms if charxiv(Answer(form), target).value != 1.0]
    assert not wrong


def test_one_unit_in_the_last_place_is_wrong(records: list[dict]) -> None:
    accepted = []
    for record in numbered(records):
        gold = record["reasoning_a"]
        if not gold.replace(".", "").replace("-", "").isdigit():
            continue
        places = len(gold.partition(".")[2])
        for step in (1, -1):
            near = f"{Decimal(gold) + step * Decimal(1).scaleb(-places):f}"
            if charxiv(Answer(near), target_of(record)).value:
                accepted.append((gold, near))
    assert not accepted


def test_one_changed_character_is_wrong(records: list[dict]) -> None:
    """A label that differs in its last letter or digit is another label."""
    accepted = []
    for record in records:
        gold = record["reasoning_a"]
        at = max((place for place, char in enumerate(gold) if char.isascii() and char.isalnum()), default=-1)
        if record["reasoning_a_type"] != 1 or at < 0:
            continue
        changed = gold[:at] + ("7" if gold[at] != "7" else "3") + gold[at + 1 :]
        if charxiv(Answer(changed), target_of(record)).value:
            accepted.append((gold, changed))
    assert not accepted


def test_other_answers_of_the_same_type_are_wrong(records: list[dict]) -> None:
    accepted = []
    for place, record in enumerate(records):
        for step in (1, 7, 31, 113):
            other = records[(place + step) % len(records)]
            if other["reasoning_a_type"] != record["reasoning_a_type"]:
                continue
            if charxiv(Answer(other["reasoning_a"]), target_of(record)).value:
                accepted.append((record["reasoning_a"], other["reasoning_a"]))
    unequal = [(gold, told) for gold, told in accepted if not same_in_spirit(gold, told)]
    assert not unequal


def same_in_spirit(gold: str, told: str) -> bool:
    """Equal once written plainly, by value where both are numbers: accepting one for the other is right."""
    one, other = find_numbers(gold), find_numbers(told)
    if whole_number(gold) and whole_number(told):
        return one[0].value == other[0].value
    return _root(gold) == _root(told)


def _root(text: str) -> str:
    word = {"downward": "decrease", "upward": "increase"}.get(text, text.lower().strip("()"))
    for ending in ("ing", "es", "e", "d"):
        word = word.removesuffix(ending)
    return word


GARBAGE = [
    "9" * 1_000_000,
    "1 or " * 200_000,
    "\\(" * 100_000,
    "(" * 200_000,
    "and, " * 100_000,
    "\ud800",
    "_{" * 99_999,
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize(
    ("gold", "kind"), [("(b) OPT", 1), ("increase then decrease", 2), ("0.5", 3), ("3, 4", 4)]
)
@pytest.mark.timeout(30)
def test_garbage_is_judged_in_bounded_time(garbage: str, gold: str, kind: int) -> None:
    assert charxiv(Answer(garbage), CharxivTarget(gold, kind, "Which?")).value == 0.0


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("The red plot", "red"),
        ("plot", "plot"),
        ("Subplot (a)", "a"),
        ("a)", "a"),
        ("[a]", "a"),
        ("(a) b", "(a)b"),
        ("from 1 to 2", "1..2"),
        ("[1, 2]", "1..2"),
        ("1-2", "1..2"),
        ("x-b", "xb"),
        ("x and b", "x,b"),
        ("x, and b", "x,b"),
        ("1 and 2 and 3", "1,2,3"),
        ("α_1", "alpha1"),
        (r"\alpha", "alpha"),
        (r"\text{x}_1", "x1"),
        ("x^2", "x^2"),
    ],
)
def test_labels_in_one_spelling(label: str, plain: str) -> None:
    assert plain_label(label) == plain


@pytest.mark.parametrize(
    ("told", "gold", "kind", "question", "same"),
    [
        ("increase", "Increasing", 2, "", True),
        ("increase", "Increasing", 1, "", False),
        ("generally increasing", "increases", 2, "", True),
        ("increases 5", "increasing 5", 2, "", False),
        ("used", "uses", 2, "", False),
        ("boxed", "boxes", 2, "", True),
        ("b, a", "a, b", 1, "", True),
        ("b, a", "a, b", 1, "Which Row?", False),
        ("2, 1", "1, 2", 1, "", False),
        ("red then blue", "blue then red", 2, "", False),
        ("x, decrease", "decrease, x", 1, "", False),
        ("b", "b", 1, "", True),
        ("", "", 1, "", False),
        ("OPT", "(b) OPT", 1, "", True),
        ("b", "(b) OPT", 1, "", True),
        ("x", "(abcd) x", 1, "", False),
        ("Foo", "Foo (bar baz)", 1, "", True),
        ("Foo", "Foo (I)", 1, "", True),
        ("Foo", "Foo (408MHz)", 1, "", False),
        ("0.8", "K = 0.8", 1, "What K?", True),
        ("0.8", "K = 0.8", 1, "What?", False),
    ],
)
def test_labels_that_are_the_same(told: str, gold: str, kind: int, question: str, same: bool) -> None:
    assert same_label(told, CharxivTarget(gold, kind, question)) is same


@pytest.mark.parametrize(
    ("response", "gold", "kind", "extracted", "channel", "value"),
    [
        ("The answer is 5", "5", 3, "5", "announced", 1),
        ("5 cm", "5", 4, "5", "whole", 1),
        ("5 cm", "5", 1, "5 cm", "whole", 0),
        ("five", "5", 3, "five", "whole", 1),
        ("five", "5", 2, "five", "whole", 0),
        ("1, 2", "1, 2", 3, "1, 2", "whole", 1),
        ("it is", "No", 2, "yes", "whole", 0),
        ("Unknown", "Unknown", 1, "Unknown", "whole", 1),
        ("Unknown", "x", 1, None, None, 0),
        ("x (a)", "x", 1, "x", "whole", 1),
        ("x", "x (a b)", 1, "x", "whole", 1),
        ("(x)", "(x)", 1, "(x)", "whole", 1),
        ("x (a)", "x (b)", 1, "x", "whole", 0),
        ("", "x", 1, None, None, 0),
    ],
)
def test_all_that_a_score_says(
    response: str, gold: str, kind: int, extracted: str | None, channel: str | None, value: int
) -> None:
    target = CharxivTarget(gold, kind)
    score = charxiv(Answer(response), target)
    assert (score.extracted, score.channel, score.value, score.official) == (extracted, channel, value, None)
    assert target.gold() == gold
