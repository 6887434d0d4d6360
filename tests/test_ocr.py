"""OCRBench: inclusion as published, inclusion in an answer of sane length, and both on recorded outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.official.ocrbench import inclusion
from scorers.rules.ocr import OcrTarget, formula_included, ocr, text_included
from scorers.types import Answer, Status

PLAIN = [
    # the gold answer is in it
    ("CENTRE", ["CENTRE"], 1),
    ("The text is CENTRE.", ["CENTRE"], 1),
    ("centre", ["CENTRE"], 1),
    ("CENTRE", ["centre"], 1),
    ("$CENTRE$", ["CENTRE"], 1),
    ("x CENTRE y", ["CENTRE"], 1),
    ("CENTR", ["CENTRE"], 0),
    ("CENTER", ["CENTRE"], 0),
    ("C E N T R E", ["CENTRE"], 0),
    # no word boundaries
    ("investment", ["invest"], 1),
    ("14", ["4"], 1),
    ("not centre", ["centre"], 1),
    ("it lists alpha, beta, gamma and delta", ["gamma"], 1),
    # stripping and line breaks
    ("  centre\n", ["CENTRE"], 1),
    ("the\ncoffee\nbean", ["the coffee bean"], 1),
    ("the coffee bean", ["the\ncoffee\nbean"], 1),
    ("the  coffee", ["the coffee"], 0),
    ("the\tcoffee", ["the coffee"], 0),
    ("the\r\ncoffee", ["the coffee"], 0),
    ("coffee", [" coffee "], 1),
    # several gold answers
    ("271kJ", ["271 kJ", "64 kcal", "271kJ"], 1),
    ("271 kcal", ["271 kJ", "64 kcal"], 0),
    ("64 kcal", ["271 kJ", "64 kcal"], 1),
    ("5.9", ["5.9g", "5.9 g"], 0),
    # punctuation counts
    ("SELANGOR", ["SELANGOR."], 0),
    ("$137001.88", ["$137,001.88", "$137001.88"], 1),
    ("137 001.88", ["$137,001.88"], 0),
    # empty sides
    ("", ["x"], 0),
    ("anything", [""], 1),
    ("", [""], 1),
    ("anything", [], 0),
    # letters that other toolkits fold
    ("ＣＥＮＴＲＥ", ["CENTRE"], 0),
    ("straße", ["STRASSE"], 0),
    ("café", ["cafe"], 0),
    ("СENTRE", ["CENTRE"], 0),
]
FORMULA = [
    # case kept, spaces and line breaks gone
    ("x = 1", ["x = 1"], 1),
    ("x=1", ["x = 1"], 1),
    ("x\n=\n1", ["x = 1"], 1),
    ("X=1", ["x = 1"], 0),
    ("x=1 extra", ["x = 1"], 1),
    ("$x=1$", ["x = 1\n"], 1),
    ('The text is "x = 1\n".', ["x = 1\n"], 1),
    ("x=12", ["x = 1"], 1),
    ("x\t=\t1", ["x = 1"], 0),
    (r"x^2", ["x ^ { 2 }", "x^2"], 1),
    (r"x^{2}", ["x^2"], 0),
    (r"\frac{1}{2}", [r"\frac { 1 } { 2 }"], 1),
    (r"\dfrac{1}{2}", [r"\frac { 1 } { 2 }"], 0),
    ("", ["x"], 0),
    ("", [" \n"], 1),
]


@pytest.mark.parametrize(("prediction", "answers", "expected"), PLAIN)
def test_official_rule_for_text(prediction: str, answers: list[str], expected: int) -> None:
    assert inclusion(prediction, answers) == expected


@pytest.mark.parametrize(("prediction", "answers", "expected"), FORMULA)
def test_official_rule_for_formulas(prediction: str, answers: list[str], expected: int) -> None:
    assert inclusion(prediction, answers, formula=True) == expected


WRITTEN = "what is written in the image?"
VALUE = [
    # an answer, bare or framed
    ("CENTRE", "CENTRE", WRITTEN, 1),
    ("Centre.", "CENTRE", WRITTEN, 1),
    ('The text in the image is "CENTRE".', "CENTRE", WRITTEN, 1),
    ("The word written in the image reads: **CENTRE**", "CENTRE", WRITTEN, 1),
    ("CENTRE extra", "CENTRE", WRITTEN, 1),
    ("<think>MARKET?</think><answer>CENTRE</answer>", "CENTRE", WRITTEN, 1),
    ("It says a lot of things here and there, but the answer is CENTRE", "CENTRE", WRITTEN, 1),
    ("ＣＥＮＴＲＥ", "CENTRE", WRITTEN, 1),
    ("the\ncoffee\nbean", "the coffee bean", WRITTEN, 1),
    ("KUALA LUMPUR", "KUALA LUMPUR.", "where was this receipt issued?", 1),
    ("The jet on the runway has J-062 painted on its tail.", "J-062", "What is the jet?", 1),
    ("The value for 'DATE TO NYO:' is 1/24/97", "1/24/97", "what is the value for 'DATE TO NYO:'?", 1),
    ("Madison, Wisconsin", "Madison", "Which city?", 1),
    ("271kJ", "271", "calories?", 1),
    ("15,017 in 2019", "15,017", "What was the wage in 2019?", 1),
    ("これは東京です", "東京", "", 1),
    # part of another word or number
    ("investment", "invest", WRITTEN, 0),
    ("14", "4", "", 0),
    ("4.5", "4", "", 0),
    ("4.5", "5", "", 0),
    ("1,4", "4", "", 0),
    ("-5", "5", "", 0),
    ("2010-11", "11", "", 0),
    # lists, alternatives, denials
    ("MARKET, CENTRE, CHAIN, EXIT, OPEN, STOP", "CENTRE", WRITTEN, 0),
    ("market centre chain exit open", "CENTRE", WRITTEN, 0),
    ("MARKET or CENTRE", "CENTRE", WRITTEN, 0),
    ("CENTRE or MARKET", "CENTRE", WRITTEN, 0),
    ("It is not CENTRE", "CENTRE", WRITTEN, 0),
    ("4 5 6", "5", "How many?", 0),
    ("5 or 6", "5", "How many?", 0),
    ("1 2 3 4 5 6 7 8 9 10", "7", "", 0),
    ("CENTRE " + "Lorem ipsum dolor sit amet consectetur. " * 5, "CENTRE", WRITTEN, 0),
    ("centre" + "x" * 200, "CENTRE", WRITTEN, 0),
    # wrong
    ("CENTER", "CENTRE", WRITTEN, 0),
    ("", "CENTRE", WRITTEN, 0),
]


@pytest.mark.parametrize(("response", "gold", "question", "expected"), VALUE)
def test_value_for_text(response: str, gold: str, question: str, expected: int) -> None:
    assert ocr(Answer(response), OcrTarget((gold,), question)).value == expected


FORMULA_VALUE = [
    ("x = 1", "x = 1\n", 1),
    ("$$x=1$$", "x = 1", 1),
    (r"\[ x = 1 \]", "x = 1", 1),
    ("```latex\nx=1\n```", "x = 1", 1),
    ("The expression is: $x = 1$.", "x = 1", 1),
    ('The text is "x = 1\n".', "x = 1", 1),
    ("x = 1 extra", "x = 1", 1),
    (r"\dfrac{1}{2}", r"\frac { 1 } { 2 }", 1),
    (r"x^{2}", "x ^ 2", 1),
    (r"\left( x \right)", "( x )", 1),
    (r"a \leq b", r"a \le b", 1),
    (r"\sqrt{3}", r"\sqrt3", 1),
    ("x = 12", "x = 1", 0),
    ("x = 1 2", "x = 1", 0),
    ("-x = 1", "x = 1", 0),
    ("2x = 1", "x = 1", 0),
    ("x = 1y", "x = 1", 0),
    ("x = 1 + y", "x = 1", 0),
    ("X = 1", "x = 1", 0),
    (r"\frac{12}{3}", r"\frac{1}{23}", 0),
    ("x = 1 or x = 2", "x = 1", 0),
    ("", "x", 0),
]


@pytest.mark.parametrize(("response", "gold", "expected"), FORMULA_VALUE)
def test_value_for_formulas(response: str, gold: str, expected: int) -> None:
    assert ocr(Answer(response), OcrTarget((gold,), "", formula=True)).value == expected


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ("", Status.UNPARSED),
        ("<think>CENTRE</think>", Status.UNPARSED),
        ("I'm sorry, I can't see any text.", Status.UNPARSED),
        ("MARKET", Status.OK),
        ("CENTRE", Status.OK),
    ],
)
def test_status(response: str, status: Status) -> None:
    assert ocr(Answer(response), OcrTarget(("CENTRE",))).status is status


def test_raw_judges_the_untouched_response() -> None:
    response = "<think>CENTRE</think><answer>MARKET</answer>"
    target = OcrTarget(("CENTRE",))
    assert ocr(Answer(response, raw=True), target).official == 1.0
    assert ocr(Answer(response), target).official == 0.0


WORD = st.text("qxzvkw", min_size=1, max_size=8)


@given(WORD, st.lists(WORD, max_size=12))
def test_value_implies_official_where_the_spelling_is_the_same(gold: str, around: list[str]) -> None:
    text = " ".join([*around, gold])
    assert inclusion(text, [gold]) == 1.0
    assert text_included(text, gold) == (len(around) <= 3)


@given(st.text(max_size=80), st.text(max_size=20))
def test_never_raises(text: str, gold: str) -> None:
    assert text_included(text, gold) in (True, False)
    assert formula_included(text, gold) in (True, False)


def test_official_equals_recorded_verdicts(golden) -> None:
    rows = golden("ocrbench/synthetic")
    total = 0.0
    for row in rows:
        record = row["record"]
        target = OcrTarget(tuple(record["answer"]), record["question"], record["dataset"] == "HME100k")
        score = ocr(Answer(row["response"], raw=True), target)
        assert score.official == row["expected"], row["id"]
        total += score.official or 0.0
    assert (len(rows), total) == (500, 364.0)


GARBAGE = ["4" * 1_000_000, "4 " * 400_000, "{" * 100_000, "x=" * 300_000, "\ud800", "\x00", " " * 1_000_000]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("formula", [False, True])
@pytest.mark.timeout(20)
def test_garbage_is_judged_in_bounded_time(garbage: str, formula: bool) -> None:
    score = ocr(Answer(garbage), OcrTarget(("4", "x=x"), "", formula))
    assert score.value in (0.0, 1.0)


INCLUDED = [
    # (response, gold, whether it is there as whole words and little else)
    ("the text is CAFE", "cafe", True),
    ("CAFE.", "cafe", True),
    ("x y z CAFE", "cafe", True),
    ("x y z w CAFE", "cafe", False),
    ("bcdefghijklmnopq x CAFE", "cafe", True),
    ("bcdefghijklmnopq x y CAFE", "cafe", False),
    ("W X Y Z A B C", "x y z a", True),
    ("not CAFE", "cafe", False),
    ("CAFE or BAR", "cafe", False),
    ("BAR or CAFE", "cafe", False),
    ("x or a b CAFE", "cafe", False),
    ("cafés", "cafe", False),
    ("x x x cafe " * 20, "cafe", False),
    ("東京都", "東京", True),
    # numbers
    ("271kJ", "271", True),
    ("$271", "271", True),
    ("a/271", "271", True),
    ("a 271", "271", True),
    ("271.5", "271", False),
    ("271,5", "271", False),
    ("271 5", "271", False),
    ("1271", "271", False),
    ("-271", "271", False),
    ("2/271", "271", False),
    (".271", "271", False),
    ("x1", "x", False),
    ("1x", "x", True),
    # nothing
    ("", "", True),
    ("x", "", False),
    ("", "x", False),
]
FORMULAS = [
    ("x^{2}", "x^2", True),
    ("x ^ 2", "x^2", True),
    ("$x^2$", "x^2", True),
    ("the formula is x^2", "x^2", True),
    ("x^2 is a", "x^2", True),
    ("x^2 is b", "x^2", False),
    ("y = x^2", "x^2", False),
    ("x^2 + 1", "x^2", False),
    ("x^23", "x^2", False),
    ("ax^2", "x^2", False),
    (r"\dfrac{1}{2}", r"\frac{1}{2}", True),
    (r"\left(x\right)", "(x)", True),
    (r"\neq", r"\ne", True),
    (r"\le", r"\leq", True),
    ("word " * 20 + "x^2", "x^2", True),
    ("word " * 21 + "x^2", "x^2", False),
    ("x^2 " + "word " * 20, "x^2", True),
    ("word " * 10 + "x^2 " + "word " * 11, "x^2", False),
    (" " * 19_997 + "x^2", "x^2", True),
    (" " * 19_998 + "x^2", "x^2", False),
    ("", "", True),
    ("x", "", False),
    ("", "x", False),
]


@pytest.mark.parametrize(("response", "gold", "included"), INCLUDED)
def test_texts_that_are_included(response: str, gold: str, included: bool) -> None:
    assert text_included(response, gold) is included


@pytest.mark.parametrize(("response", "gold", "included"), FORMULAS)
def test_formulas_that_are_included(response: str, gold: str, included: bool) -> None:
    assert formula_included(response, gold) is included


@pytest.mark.parametrize(
    ("response", "answers", "formula", "extracted", "channel", "value", "official"),
    [
        ("CAFE", ("cafe",), False, "CAFE", "whole", 1, 1),
        ("BAR", ("cafe", "bar"), False, "BAR", "whole", 1, 1),
        ("BAR", ("cafe",), False, "BAR", "whole", 0, 0),
        ("It says:\nCAFE", ("cafe",), False, "It says:\nCAFE", "whole", 1, 1),
        ("The answer is BAR", ("cafe",), False, "BAR", "announced", 0, 0),
        ("I cannot read it", ("cafe",), False, None, None, 0, 0),
        ("", ("x",), False, None, None, 0, 0),
        ("<think>x", ("x",), False, None, None, 0, 0),
        ("$x^2$", ("x^2",), True, "$x^2$", "whole", 1, 1),
        (r"\boxed{x^2} as y=x", ("x^2",), True, "x^2", "box", 1, 1),
        ("**x^{2}**", ("y", "x^2"), True, "**x^{2}**", "whole", 1, 0),
    ],
)
def test_all_that_a_score_says(
    response: str,
    answers: tuple[str, ...],
    formula: bool,
    extracted: str | None,
    channel: str | None,
    value: int,
    official: int,
) -> None:
    target = OcrTarget(answers, "", formula)
    score = ocr(Answer(response), target)
    assert (score.extracted, score.channel, score.value, score.official) == (
        extracted,
        channel,
        value,
        official,
    )
    assert target.gold() == answers[0]
