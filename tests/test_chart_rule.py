"""ChartQA: relaxed accuracy as published, ours, and both on recorded outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.official.relaxed import relaxed_accuracy
from scorers.read.number import NumberMatch
from scorers.rules.chart import (
    ChartTarget,
    axis_scale,
    chart,
    is_year,
    items,
    same_amount,
    same_items,
    same_list,
    same_name,
    whole_number,
)
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


# --- The parts of the rule at their boundaries ---------------------------------------------------------------

VALUE_OF = "What is the value?"


def number(text: str) -> NumberMatch:
    found = whole_number(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("47", 47),
        ("**47**.", 47),
        ("47%", 47),
        ("$47", 47),
        ("-5", -5),
        ("2 million", 2e6),
        ("five", 5),
        (" " * 101 + "5", 5),
        ("0" * 40 + "5" + "." + "0" * 22, 5),
        ("1/2", None),
        ("2½", None),
        ("3rd", None),
        ("third", None),
        ("47 cm", None),
        ("a 47", None),
        ("3 4", None),
        ("", None),
    ],
)
def test_whole_numbers(text: str, value: float | None) -> None:
    found = whole_number(text)
    assert (found and found.value) == value


@pytest.mark.parametrize(
    ("gold", "question", "scale", "allowed"),
    [
        ("47", "How many, in millions?", 1e6, True),
        ("47", "How many, in MILLION?", 1e6, True),
        ("47", "How many, in millions?", 1e3, False),
        ("47", "In thousands and millions?", 1e3, True),
        ("47", "How many?", 1e6, False),
        ("47", "What was the revenue?", 1e6, True),
        ("4.7", "How many fans?", 1e6, True),
        ("4.7", "Which one?", 1e6, False),
        ("4.7", "", 1e6, False),
    ],
)
def test_scales_of_an_axis(gold: str, question: str, scale: float, allowed: bool) -> None:
    assert axis_scale(number(gold), question, scale) is allowed


@pytest.mark.parametrize(
    ("told", "gold", "question", "same"),
    [
        ("2018", "2018", "", True),
        ("$2018", "2018", "", False),
        ("2018%", "2018", "", False),
        ("2018 thousand", "2018", "", False),
        ("2017", "2018", "", False),
        ("2017", "2018", VALUE_OF, True),
        ("47.25", "45", VALUE_OF, True),
        ("47.26", "45", VALUE_OF, False),
        ("42.75", "45", VALUE_OF, True),
        ("42.74", "45", VALUE_OF, False),
        ("-47", "-45", VALUE_OF, True),
        ("47", "-47", VALUE_OF, False),
        ("0", "0", VALUE_OF, True),
        ("0.0001", "0", VALUE_OF, False),
        ("0", "0.0001", VALUE_OF, False),
        # scale words
        ("47 million", "47", "What was the revenue?", True),
        ("47 million", "47", VALUE_OF, False),
        ("47 million", "47%", "What was the revenue?", False),
        ("47 million", "47", "What percentage of revenue?", False),
        ("47", "47 million", VALUE_OF, True),
        ("47000000", "47 million", VALUE_OF, True),
        ("47 thousand", "47 million", VALUE_OF, False),
        # percentages
        ("47%", "47", VALUE_OF, True),
        ("47%", "0.47", VALUE_OF, True),
        ("100%", "1.0", VALUE_OF, True),
        ("100%", "1", VALUE_OF, False),
        ("147%", "1.47", VALUE_OF, False),
        ("47%", "0.47%", VALUE_OF, False),
        ("47%", "0", VALUE_OF, False),
        ("0.47", "47%", VALUE_OF, True),
        ("0.47", "47", VALUE_OF, False),
        ("0.47", "47", "What is it in %?", True),
        ("-0.47", "-47", "What is it in %?", True),
        ("0.01", "1", "What is it in %?", True),
        ("0.009", "0.9", "What is it in %?", False),
        ("1", "100", "What is it in %?", False),
        ("0.999", "99.9", "What is it in %?", True),
        ("0", "47", "What is it in %?", False),
        ("0.47%", "47", "What is it in %?", False),
    ],
)
def test_amounts(told: str, gold: str, question: str, same: bool) -> None:
    assert same_amount(number(told), number(gold), question) is same


@pytest.mark.parametrize(
    ("told", "gold", "same"),
    [
        ("0 to 14 years", "0-14", True),
        ("Age 5", "5", True),
        ("ages 5-9", "5 - 9", True),
        ("age group 5-9", "5/9", True),
        ("65 plus", "65+", True),
        ("65 years or more", "65+", True),
        ("65+ years", "65+", True),
        ("65 yrs", "65", True),
        ("10 year-olds", "10", True),
        ("5-9 years", "5-9 years old", True),
        ("Cooking", "Cooking (a b)", True),
        ("Cooking (a b)", "Cooking", False),
        ("Cooking", "Cooking (5)", False),
        ("years", "year", False),
        ("a-b", "a/b", False),
        ("", "5", False),
        ("5", "", False),
    ],
)
def test_names_of_categories(told: str, gold: str, same: bool) -> None:
    assert same_name(told, gold) is same


@pytest.mark.parametrize(
    ("told", "gold", "question", "same"),
    [
        ("1 2", "1 2", VALUE_OF, True),
        ("2 1", "1 2", VALUE_OF, False),
        ("1.04 2", "1 2", VALUE_OF, True),
        ("1.06 2", "1 2", VALUE_OF, False),
        ("five 2", "5 2", VALUE_OF, True),
        ("1", "1 2", VALUE_OF, False),
        ("1 2 3", "1 2", VALUE_OF, False),
        ("2016 2013", "2013 2016", "", True),
        ("2013 5", "5 2013", "", True),
        ("2013 5", "5 2013", VALUE_OF, False),
        ("a b", "b a", VALUE_OF, True),
        ("a a", "a b", VALUE_OF, False),
        ("a b", "a a", VALUE_OF, False),
        ("a b b", "b a a", VALUE_OF, False),
        ("1 a", "a 1", VALUE_OF, True),
        ("", "", VALUE_OF, True),
    ],
)
def test_lists(told: str, gold: str, question: str, same: bool) -> None:
    assert same_items(told.split(), gold.split(), question) is same


@pytest.mark.parametrize(
    ("readings", "gold", "same"),
    [
        (["a and b"], "[a, b]", True),
        (["b, a"], "[a, b]", True),
        (["x", "a, b"], "[a, b]", True),
        (["2013-2016"], "[2013, 2016]", True),
        (["2013–2016"], "[2013, 2016]", True),
        (["2013 to 2016"], "[2013, 2016]", True),
        (["2013-2016-2019"], "[2013, 2016]", False),
        (["a-b-c"], "[a, b, c]", False),
        (["a"], "[a, b]", False),
        ([], "[a, b]", False),
    ],
)
def test_readings_that_are_lists(readings: list[str], gold: str, same: bool) -> None:
    assert same_list(readings, ChartTarget(gold)) is same


@pytest.mark.parametrize(
    ("response", "gold", "extracted", "channel", "value", "official"),
    [
        ("The value is 47 cm.", "47", "47", "whole", 1, 0),
        ("The answer is 48", "47", "48", "announced", 1, 0),
        ("five", "5", "five", "whole", 1, 0),
        ("5", "five", "5", "whole", 0, 0),
        ("Five", "five", "Five", "whole", 1, 1),
        ("0.5", "1/2", "0.5", "whole", 0, 0),
        ("3rd", "3rd", "3rd", "whole", 1, 1),
        ("It is.", "no", "yes", "whole", 0, 0),
        ("true", "Yes", "yes", "whole", 1, 0),
        ("It is blue.", "blue", "blue", "whole", 1, 0),
        ("[a]", "[a]", "[a]", "whole", 1, 1),
        ("a", "[a]", "a", "whole", 0, 0),
        ("b, a", "[a, b]", "b", "whole", 1, 0),
        ("a, b", "[a, b", "b", "whole", 0, 0),
        # a gold answer that reads like a refusal
        ("unknown.", "Unknown", "unknown.", "whole", 1, 0),
        ("Unknown", "blue", None, None, 0, 0),
        ("", "", None, None, 0, 1),
    ],
)
def test_what_is_read(
    response: str, gold: str, extracted: str | None, channel: str | None, value: int, official: int
) -> None:
    score = chart(Answer(response), ChartTarget(gold, VALUE_OF))
    assert (score.extracted, score.channel, score.value, score.official) == (
        extracted,
        channel,
        value,
        official,
    )


def test_without_a_question_a_year_is_exact() -> None:
    assert ChartTarget("2018").gold() == "2018"
    assert chart(Answer("2017"), ChartTarget("2018")).value == 0.0
    assert chart(Answer("2017"), ChartTarget("2018", VALUE_OF)).value == 1.0
