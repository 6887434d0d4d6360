"""ChartQA: relaxed accuracy as published, ours, and both on recorded outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.official.relaxed import relaxed_accuracy
from scorers.rules.chart import ChartTarget, chart, is_year, items, whole_number
from scorers.types import Answer, Status

OFFICIAL = [
    # both are numbers: 5 % of the gold one
    ("47", "47", 1),
    ("47.0", "47", 1),
    ("21", "20", 1),
    ("21.01", "20", 0),
    ("19", "20", 1),
    ("18.99", "20", 0),
    ("49.35", "47", 0),  # 5 %, but 0.05000000000000003 in floats
    ("-47", "-47", 1),
    ("-49", "-47", 1),
    ("47", "-47", 0),
    ("4.7e1", "47", 1),
    ("47.", "47", 1),
    (" 47 ", "47", 1),
    ("1_200", "1200", 1),
    ("+47", "47", 1),
    (".5", "0.5", 1),
    # a percent sign divides by 100
    ("47%", "0.47", 1),
    ("0.47", "47%", 1),
    ("47%", "47%", 1),
    ("47%", "47", 0),
    ("47", "47%", 0),
    ("47%%", "0.47", 1),
    ("47 %", "0.47", 1),
    # years are numbers
    ("2018", "2018", 1),
    ("1990", "2018", 1),
    ("2100", "2018", 1),
    ("1900", "2018", 0),
    # a gold 0 is compared as text
    ("0", "0", 1),
    ("0.0", "0", 0),
    ("0%", "0", 0),
    ("0.0", "0.0", 1),
    # what is no number is text, lower-cased
    ("1,200", "1200", 0),
    ("1200", "1,200", 0),
    ("1,200", "1,200", 1),
    ("$47", "47", 0),
    ("47 million", "47", 0),
    ("%", "%", 1),
    ("Blue", "blue", 1),
    ("BLUE", "Blue", 1),
    ("blue.", "blue", 0),
    ("blue ", "blue", 0),
    ("Yes.", "Yes", 0),
    ("yes", "Yes", 1),
    ("47", "blue", 0),
    ("blue", "47", 0),
    ("", "47", 0),
    ("", "", 1),
    ("[2013, 2016]", "[2013, 2016]", 1),
    ("2013, 2016", "[2013, 2016]", 0),
    # Python's other floats
    ("nan", "47", 0),
    ("inf", "47", 0),
    ("nan", "nan", 0),
    ("٤٧", "47", 1),
]


@pytest.mark.parametrize(("prediction", "gold", "expected"), OFFICIAL)
def test_official_rule(prediction: str, gold: str, expected: int) -> None:
    assert relaxed_accuracy(prediction, gold) == expected


YEAR = "In which year was the share highest?"
SHARE = "What percentage of people agree?"
SALES = "What were the sales in 2019?"
VALUE = [
    # numbers in any notation
    ("1,200", "1200", SALES, 1),
    ("$1,200", "1200", SALES, 1),
    ("1200.", "1200", SALES, 1),
    ("1200 dollars", "1200", SALES, 1),
    ("**1200**", "1200", SALES, 1),
    ("The sales in 2019 were 1200.", "1200", SALES, 1),
    ("In 2019, sales were 1,200 euros.", "1200", SALES, 1),
    ("3 + 4 = 7", "7", "What is the sum?", 1),
    ("The answer is -3.", "-3", "What is the smallest value?", 1),
    ("−3", "-3", "What is the smallest value?", 1),
    ("three", "3", "How many bars?", 1),
    ("There are 3 bars.", "3", "How many bars are there?", 1),
    # the tolerance
    ("1,260", "1200", SALES, 1),
    ("1,261", "1200", SALES, 0),
    ("1140", "1200", SALES, 1),
    ("1139", "1200", SALES, 0),
    ("49.35", "47", SALES, 1),
    # zero is a number, and only zero is near it
    ("0.0", "0", SALES, 1),
    ("0%", "0", SHARE, 1),
    ("zero", "0", "How many bars?", 1),
    ("0.01", "0", SALES, 0),
    # percentages
    ("47%", "47", SHARE, 1),
    ("47 percent", "47", SHARE, 1),
    ("0.47", "47", SHARE, 1),
    ("47%", "0.47", SHARE, 1),
    ("47", "47%", SHARE, 1),
    ("0.47", "47", SALES, 0),
    ("4.7%", "47", SHARE, 0),
    ("0.47%", "47", SHARE, 0),
    ("100%", "1", SHARE, 0),
    # years are exact
    ("2018", "2018", YEAR, 1),
    ("2017", "2018", YEAR, 0),
    ("In 2018.", "2018", YEAR, 1),
    ("It was highest in 2018.", "2018", YEAR, 1),
    ("2,018", "2018", YEAR, 1),
    ("2018 million", "2018", YEAR, 0),
    ("2018%", "2018", YEAR, 0),
    ("1990", "2018", SALES, 1),
    # a scale word is the axis' unit only where it may be
    ("7.69 million", "7.69", "How many fans did the team have?", 1),
    ("9.5 billion", "9.5", "What was the revenue?", 1),
    ("2.4 million", "2400000", "How many people?", 1),
    ("5.5 trillion", "5.497 trillion", "What is the sum in trillions?", 1),
    ("5.5", "5.497 trillion", "What is the sum in trillions?", 1),
    ("5.5 billion", "5.497 trillion", "What is the sum in trillions?", 0),
    ("17.9 million", "17.89", "What was the income in billion dollars?", 0),
    ("40 million", "40", SHARE, 0),
    ("47 million", "47", "How many stores are there?", 0),
    # one answer only
    ("47 or 48", "47", SHARE, 0),
    ("46, 47, 48", "47", SHARE, 0),
    ("between 40 and 50", "45", SHARE, 0),
    # names
    ("blue.", "Blue", "What colour is it?", 1),
    ("The blue bar", "Blue", "What colour is the tallest bar?", 1),
    ("China had the highest GDP.", "China", "Which country had the highest GDP?", 1),
    ("Democrats and Republicans", "Democrats & Republicans", "Which group?", 1),
    ("Cooking", "Cooking (e.g., MasterChef, Chopped, etc.)", "Which category?", 1),
    ("Jamaica received more", "Jamaica", "Which country received more, Jamaica or Tonga?", 1),
    ("Tonga received more than Jamaica", "Jamaica", "Which country received more, Jamaica or Tonga?", 0),
    ("light blue", "blue", "What colour?", 0),
    ("China, India, Japan", "India", "Which country?", 0),
    ("China or India", "China", "Which country?", 0),
    ("not China", "China", "Which country?", 0),
    # age groups and spans
    ("50 to 64", "50-64 years", "Which age group?", 1),
    ("65 and older", "65+", "Which age group?", 1),
    ("Ages 18–29", "Ages 18-29", "Which age group?", 1),
    ("0-14 years", "0-14", "Which age group?", 1),
    ("2006-07", "2006/07", "When was the peak?", 1),
    ("50-65", "50-64 years", "Which age group?", 0),
    ("65", "65+", "Which age group?", 0),
    # yes and no
    ("Yes.", "Yes", "Is it?", 1),
    ("Yes, it is.", "Yes", "Is it?", 1),
    ("No, it is not.", "Yes", "Is it?", 0),
    ("Notice the bar", "No", "Is it?", 0),
    # lists
    ("2013, 2016", "[2013, 2016]", "Which years?", 1),
    ("2016 and 2013", "[2013, 2016]", "Which years?", 1),
    ("2013-2016", "[2013, 2016]", "Between which two years?", 1),
    ("2013 and 2017", "[2013, 2016]", "Which years?", 0),
    ("2013", "[2013, 2016]", "Which years?", 0),
    ("2013, 2014, 2016", "[2013, 2016]", "Which years?", 0),
    ("Italy and Australia", "[Australia, Italy]", "Which two countries?", 1),
    ("42.5 and 54.9", "[42.47, 54.91]", "What are the shares of 0-14 and 15-64?", 1),
    ("54.91, 42.47", "[42.47, 54.91]", "What are the shares of 0-14 and 15-64?", 0),
]  # fmt: skip


@pytest.mark.parametrize(("response", "gold", "question", "expected"), VALUE)
def test_value(response: str, gold: str, question: str, expected: int) -> None:
    score = chart(Answer(response), ChartTarget(gold, question))
    assert score.value == expected, score


@pytest.mark.parametrize(
    ("gold", "question", "expected"),
    [
        ("2018", "Which year has the highest sales?", True),
        ("2018", "In what year did sales peak?", True),
        ("2018", "What is the year with the highest value?", True),
        ("2018", "When did sales peak?", True),
        ("2014", "Find the year of the bar with value 482.5 ?", True),
        ("2018", "", True),
        ("2018", "What were the sales?", False),
        ("2018", "How many were sold in the year 2010?", False),
        ("2018", "What was last year's revenue?", False),
        ("2018", "How many people moved when it opened?", False),
        ("1899", "In what year did sales peak?", False),
        ("2101", "In what year did sales peak?", False),
        ("2018.5", "In what year did sales peak?", False),
        ("2,018", "In what year did sales peak?", False),
        ("48082", "What were the earnings in the most recent fiscal year?", False),
    ],
)
def test_what_is_a_year(gold: str, question: str, expected: bool) -> None:
    number = whole_number(gold)
    assert number is not None
    assert is_year(number, question) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a, b]", ["a", "b"]),
        ("a and b", ["a", "b"]),
        ("a, b, and c", ["a", "b", "c"]),
        ("a & b", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("a", ["a"]),
        ("", []),
    ],
)
def test_items(text: str, expected: list[str]) -> None:
    assert items(text) == expected


@pytest.mark.parametrize(
    ("response", "gold", "status"),
    [
        ("", "47", Status.UNPARSED),
        ("", "blue", Status.UNPARSED),
        ("blue", "47", Status.UNPARSED),
        ("I cannot determine the value.", "47", Status.UNPARSED),
        ("I'm sorry, I can't see the chart.", "blue", Status.UNPARSED),
        ("perhaps", "Yes", Status.UNPARSED),
        ("red", "blue", Status.OK),
        ("12", "47", Status.OK),
    ],
)
def test_status(response: str, gold: str, status: Status) -> None:
    assert chart(Answer(response), ChartTarget(gold, "What is it?")).status is status


@given(st.floats(1, 1e6), st.floats(0.9, 1.1))
def test_tolerance_is_the_official_one(gold: float, factor: float) -> None:
    gold_text, told = f"{gold:.2f}", f"{gold * factor:.2f}"
    if abs(abs(float(told) - float(gold_text)) / float(gold_text) - 0.05) > 1e-6:
        score = chart(Answer(told), ChartTarget(gold_text, "What is the value?"))
        assert score.value == score.official


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_never_raises(response: str, gold: str) -> None:
    score = chart(Answer(response), ChartTarget(gold, "What is it?"))
    assert score.value in (0.0, 1.0)


def test_official_equals_recorded_verdicts(golden) -> None:
    rows = golden("chartqa/synthetic")
    total = 0.0
    for row in rows:
        target = ChartTarget(row["record"]["answer"], row["record"]["question"])
        official = chart(Answer(row["response"], raw=True), target).official
        assert official == row["expected"], row["id"]
        total += official
    assert (len(rows), total) == (1187, 615.0)


@pytest.mark.parametrize(
    "wording", ["{}", "The answer is {}.", "**{}**", "<think>9</think><answer>{}</answer>"]
)
def test_every_gold_answer_is_right_in_any_wording(wording: str, golden) -> None:
    records = {(row["record"]["answer"], row["record"]["question"]) for row in golden("chartqa/synthetic")}
    wrong = [
        record
        for record in sorted(records)
        if chart(Answer(wording.format(record[0])), ChartTarget(*record)).value != 1.0
    ]
    assert {gold for gold, _ in wrong} <= {"Definitely yes"}, "a yes announced is a yes"


GARBAGE = ["9" * 1_000_000, "1 or " * 200_000, "[" * 100_000, "and " * 200_000, "\ud800", "\x00", "%" * 300_000]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("gold", ["47", "blue", "[2013, 2016]", "Yes"])
@pytest.mark.timeout(30)
def test_garbage_is_judged_in_bounded_time(garbage: str, gold: str) -> None:
    assert chart(Answer(garbage), ChartTarget(gold, "Which year is it?")).value == 0.0
