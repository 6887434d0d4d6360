"""Numbers in the notations that people use."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.number import find_numbers, parse_number

WHOLE = [
    ("7", 7.0),
    ("1,200", 1200.0),
    ("1,200,000.50", 1200000.5),
    ("1{,}200", 1200.0),
    ("1\u202f200", 1200.0),
    (".5", 0.5),
    ("5.", 5.0),
    (" 12 ", 12.0),
    ("+5", 5.0),
    ("-5", -5.0),
    ("−3", -3.0),
    ("- 3", -3.0),
    ("minus 3", -3.0),
    ("negative 4", -4.0),
    ("$47", 47.0),
    ("-$5", -5.0),
    ("$-5", -5.0),
    ("US$5", 5.0),
    ("5€", 5.0),
    ("5 dollars", 5.0),
    ("$5$", 5.0),
    ("\\(5\\)", 5.0),
    ("**5**", 5.0),
    ("47%", 47.0),
    ("25\\%", 25.0),
    ("47 percent", 47.0),
    ("30°", 30.0),
    ("30^\\circ", 30.0),
    ("30 degrees", 30.0),
    ("3rd", 3.0),
    ("third", 3.0),
    ("1e+06", 1e6),
    ("1.5e-3", 0.0015),
    ("10^-1", 0.1),
    ("10^{-1}", 0.1),
    ("10⁻¹", 0.1),
    ("10**3", 1000.0),
    ("3 × 10⁴", 3e4),
    ("3x10^4", 3e4),
    ("2.5 \\times 10^{3}", 2500.0),
    ("2^5", 32.0),
    ("1/2", 0.5),
    ("−1/2", -0.5),
    ("\\frac{1}{2}", 0.5),
    ("-\\dfrac{3}{4}", -0.75),
    ("1 1/2", 1.5),
    ("½", 0.5),
    ("1½", 1.5),
    ("1.2 million", 1.2e6),
    ("$1,234.5 million", 1.2345e9),
    ("5k", 5000.0),
    ("5M", 5e6),
    ("12 hundred", 1200.0),
    ("twelve", 12.0),
    ("Twelve", 12.0),
    ("twenty-one", 21.0),
    ("two hundred and five", 205.0),
    ("two thousand three hundred and four", 2304.0),
    ("a dozen", 12.0),
    ("half", 0.5),
    ("three quarters", 0.75),
    ("minus two", -2.0),
    ("five million", 5e6),
]


@pytest.mark.parametrize(("text", "value"), WHOLE)
def test_a_whole_string_is_a_number(text: str, value: float) -> None:
    parsed = parse_number(text)
    assert parsed is not None
    assert math.isclose(parsed, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "abc",
        "5 cm",
        "2006, 2008",
        "3 4",
        "3-4",
        "1,5",
        "0,5",
        "1.2.3",
        "1/2/2003",
        "x2",
        "H2O",
        "5 or 6",
        "five three",
        "1/0",
        "0^-1",
        "10^999",
        "1e400",
        "9" * 70,
        "1e99999999",
        "∞",
        "nan",
        "inf",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_number(text) is None


FOUND = [
    ("3-4", [3, 4]),
    ("3 to 4", [3, 4]),
    ("x=-3", [-3]),
    ("5 - 3 = 2", [5, 3, 2]),
    ("ages 12,13", [12, 13]),
    ("[0, 2, 0]", [0, 2, 0]),
    ("1,234,567 and 5", [1234567, 5]),
    ("B12 and H2O", []),
    ("5 cm² of 10", [5, 10]),
    ("twenty one dogs, two cats", [21, 2]),
    ("$5, or 5%", [5, 5]),
    ("2.18\\times 10^{5} N/C", [2.18e5]),
    ("(3, 4)", [3, 4]),
]


@pytest.mark.parametrize(("text", "values"), FOUND)
def test_numbers_within_a_text(text: str, values: list[float]) -> None:
    assert [number.value for number in find_numbers(text)] == values


def test_what_stands_beside_a_number() -> None:
    (length,) = find_numbers("about 5 cm long")
    assert (length.unit, length.span, length.text) == ("cm", (6, 7), "5")
    (share,) = find_numbers("47 %")
    assert share.percent
    (price,) = find_numbers("$47")
    assert price.currency
    (angle,) = find_numbers("30°")
    assert angle.degree
    (place,) = find_numbers("the 3rd bar")
    assert place.ordinal
    (people,) = find_numbers("1.2 million people")
    assert people.scale == 1e6
    assert people.unit == "people"
    (word,) = find_numbers("seven")
    assert word.notation == "words"


@pytest.mark.parametrize(
    "garbage",
    [
        "1",
        "1,234,",
        "1/",
        "1.",
        "one ",
        "- ",
        "$",
        "1 ",
        "10^",
        "\\frac{1}{",
        "hundred-and-",
        "\ud800\0",
        " ",
        "\u200f1",
    ],
)
def test_linear_time(garbage: str) -> None:
    text = garbage * (100_000 // len(garbage))
    start = time.perf_counter()
    found = find_numbers(text)
    assert parse_number(text) is None
    assert time.perf_counter() - start < 5
    assert all(math.isfinite(number.value) for number in found)


def test_a_megabyte_of_digits_is_no_number() -> None:
    start = time.perf_counter()
    assert find_numbers("1" * 1_000_000) == []
    assert find_numbers("12 apples" + " " * 1_000_000)[0].value == 12
    assert time.perf_counter() - start < 10


@given(st.integers(-(10**12), 10**12))
def test_integers_round_trip(value: int) -> None:
    assert parse_number(str(value)) == value
    assert parse_number(f"{value:,}") == value


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    parse_number(text)
    for number in find_numbers(text):
        assert math.isfinite(number.value)
        assert text[number.start : number.end] == number.text
