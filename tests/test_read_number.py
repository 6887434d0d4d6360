"""Numbers in the notations that people use, and the one that a response gives as its answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.read.locate import Found, Unclear, first, locate
from scorers.read.normalise import Clean, clean
from scorers.read.number import NumberMatch, asks, find_numbers, parse_number, pick, read_number
from scorers.rules.mathvista import parse_list

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
    assert (length.start, length.end, length.text) == (6, 7, "5")
    (share,) = find_numbers("47 %")
    assert share.percent
    (price,) = find_numbers("$47")
    assert price.currency
    (angle,) = find_numbers("30°")
    assert angle.value == 30
    (place,) = find_numbers("the 3rd bar")
    assert place.ordinal
    (people,) = find_numbers("1.2 million people")
    assert people.scale == 1e6
    (word,) = find_numbers("seven")
    assert word.notation == "words"


@pytest.mark.timeout(60)
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
    found = find_numbers(text)
    assert parse_number(text) is None
    assert all(math.isfinite(number.value) for number in found)


@pytest.mark.timeout(60)
def test_a_megabyte_of_digits_is_no_number() -> None:
    assert not find_numbers("1" * 1_000_000)
    assert find_numbers("12 apples" + " " * 1_000_000)[0].value == 12


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


# --- The number that a response gives -----------------------------------------------------------------------


def given_number(text: str, question: str = "") -> float | None:
    found = read_number(clean(text), question)
    return None if found is None else found.value.value


PROSE = [
    ("12", "", 12),
    ("12.", "", 12),
    ("**12**", "", 12),
    ("$12$", "", 12),
    ("\\boxed{12}", "", 12),
    ("The answer is 12.", "", 12),
    ("Answer: 12", "", 12),
    ("The answer is **12 cm**.", "", 12),
    ("The answer is \\(12\\).", "", 12),
    ("The final answer is $\\boxed{12}$.", "", 12),
    ("x = 5\n\nSo the answer is:\n\n12", "", 12),
    ("#### 12", "", 12),
    ("The answer is 3 + 4 = 7.", "", 7),
    ("The answer is x = 5.", "", 5),
    ("12 is the answer.", "", 12),
    ("Therefore, the perimeter is 4 + 4 + 4 + 4 = 16 m.", "What is the perimeter of the square?", 16),
    ("There are 3 bars with values smaller than 6.", "How many bars have values smaller than 6?", 3),
    ("Two dogs are visible in the picture.", "How many dogs are there?", 2),
    ("I can see a dozen eggs.", "How many eggs are in the box?", 12),
    ("There are twenty-one cars.", "How many cars are there?", 21),
    ("The total cost is $1,200.", "What is the total cost?", 1200),
    ("It weighs 1.5 kg.", "How much does it weigh?", 1.5),
    ("The price is about $47.", "What is the price?", 47),
    ("The temperature dropped to −3 °C, so the reading is −3.", "What is the reading?", -3),
    ("The angle is 30°.", "Find the angle.", 30),
    ("The slope is 1/2.", "What is the slope?", 0.5),
    ("The slope is \\frac{1}{2}.", "What is the slope?", 0.5),
    ("The population is 1.2 million.", "What is the population?", 1200000.0),
    ("The ratio is 1:4.", "What is the ratio of boys to girls?", 0.25),
    (
        "In 2013 the value was 40, and in 2014 it was 52. Thus, the difference is 12.",
        "What is the difference?",
        12,
    ),
    ("The year with the lowest rainfall was 2013, with 44 mm.", "Which year had the lowest rainfall?", 2013),
    ("Sales peaked in 2019 with 25.8%.", "In which year did sales peak?", 2019),
    ("The increase is highest in week 3, at 300 grams.", "In which week is the increase the highest?", 3),
    (
        "They were born in 1950 and 1961, so the age gap is 11 years.",
        "What is the age gap between these two people in image?",
        11,
    ),
    (
        "The man is 45 and the woman is 38. The age gap between them is 7 years.",
        "What is the age gap between these two people?",
        7,
    ),
    (
        "The model has 8 dots divided into 4 equal groups. There are 2 dots in each group.",
        "The model has 8 dots divided into 4 equal groups. There are (_) dots in each group.",
        2,
    ),
    (
        "Starting with 10 objects, removing 3 leaves 7.\n\nThere are 7 objects left.",
        "Subtract all red things. How many objects are left?",
        7,
    ),
    (
        "First, add the sides.\n1. 2 + 3 = 5\n2. 5 * 2 = 10\nTherefore, the perimeter is 10.",
        "What is the perimeter?",
        10,
    ),
    ("The distance is 0.0115 m, or 1.15 cm.", "What is the distance?", 0.0115),
    ("The area is 3.14159, rounded to two decimal places.", "What is the area?", 3.14159),
    ("So d = 5 cm.", "Find the distance.", 5),
    ("The width is approximately equal to 7.5 units.", "What is the width?", 7.5),
    ("None", "How many cats are there?", 0),
    ("I cannot determine the answer from the image.", "What is the sum?", None),
    ("Sorry, I can't help with images of people yet.", "How many people?", None),
    ("The image does not provide enough information about the 3 people.", "How many people?", None),
    ("As an AI, I'm unable to view images. Please provide the 2 ages.", "What is the age gap?", None),
    ("", "", None),
    ("between 3 and 4", "How long is it?", None),
    ("It is either 3 or 4.", "How many?", None),
    ("1, 2, 3, 4, 5", "How many?", None),
    ("1\n2\n3", "How many?", None),
    ("The answer is not 5.", "", None),
    ("The answer cannot be determined.", "", None),
    ("<b>5</b>", "", 5),
    ("It's 5.", "How many?", 5),
    ("Approximately 250 ml", "What is the volume?", 250),
    ("We need 3 more, for a total of 8.", "How many in total?", 8),
    ("The mean of 2, 4 and 9 is 5.", "What is the mean?", 5),
    ("The 3rd bar has the value 17.", "What is the value?", 17),
    ("Out of 20 students, 12 like football.", "How many students like football?", 12),
    ("12 out of 20 students like football.", "How many students like football?", 12),
    ("5 people are sitting and 3 are standing, so there are 8 people.", "How many people are there?", 8),
    ("The function has a limit of 4 as x approaches 2.", "What is the limit as x approaches 2?", 4),
    ("f(2) = 7", "What is f(2)?", 7),
    ("The value of f(2) is 7.", "What is f(2)?", 7),
    ("```\nprint(8)\n```\nOutput:\n8", "How many?", 8),
    ("Each box holds 6 eggs. There are 4 boxes. 6 × 4 = 24.", "How many eggs are there in all?", 24),
    ("The total is 24 eggs because 6 × 4 = 24.", "How many eggs?", 24),
    ("The number of triangles is 5 (3 small and 2 large).", "How many triangles?", 5),
    ("Let me count: 1, 2, 3, 4. There are 4 apples.", "How many apples?", 4),
    ("The highest value is 28.3, in January.", "What is the highest value?", 28.3),
    ("It's 10:30, so 90 minutes remain.", "How many minutes remain?", 90),
    ("No objects are left.", "How many objects are left?", 0),
    ("There are no red cubes.", "How many red cubes are there?", 0),
    ("The answer is zero.", "", 0),
    ("I think it's 6", "", 6),
    ("Final answer: 3.50", "", 3.5),
    ("Answer: $13.80", "", 13.8),
    ("答案是 12。", "", 12),
    ("The result is -4", "", -4),
    ("**Answer:** 42", "", 42),
    ("The correct answer is: 9", "", 9),
    ("Thus, x \\approx 3.2", "Find x", 3.2),
    ("Therefore 2x = 10 and x = 5.", "What is the value of x?", 5),
    ("First find the slope, 3/2 = 1.5, then shift by 4.\n\nThe final value is 7.", "What is f(2)?", 7),
    (
        "Based on the scale, each tick is 10, so the reading lies at 250. The volume is 250 ml.",
        "what is the total volume?",
        250,
    ),
    (
        "According to the chart, there were 45 students in grade 8 and 38 in grade 9.\nThe "
        "difference is 45 - 38 = 7 students.",
        "How many more students are in grade 8 than grade 9?",
        7,
    ),
    ("7 more students", "How many more students are in grade 8 than in grade 9?", 7),
    (
        "The two people are 60 and 49 years old. Hence there is an age difference of 11 years.",
        "What is the age gap between these two people in image?",
        11,
    ),
    (
        "The person on the left, Barack Obama, was born in 1961, and the person on the right, Joe "
        "Biden, was born in 1942. Therefore, the age gap between them is 19 years.",
        "What is the age gap between these two people in image?",
        19,
    ),
    ("Obama was born August 4, 1961; Biden November 20, 1942. 1961 - 1942 = 19.", "What is the age gap?", 19),
    ("The clock reads 3:15.", "What number of minutes past the hour?", None),
    (
        "Step 1: Count all objects. There are 9.\nStep 2: Remove 2 cylinders. 9 - 2 = 7.\nStep 3: "
        "Remove 1 cube. 7 - 1 = 6.\nThe number of objects left is 6.",
        "Subtract all cylinders. Subtract all cubes. How many objects are left?",
        6,
    ),
    ("After subtracting, 6 objects are left.", "Subtract all cubes. How many objects are left?", 6),
    ("There would be 6 objects left.", "Subtract all cubes. How many objects are left?", 6),
    ("6 objects remain", "Subtract all cubes. How many objects are left?", 6),
    ("The sum is 3+4+5=12", "What is the sum?", 12),
    ("y = 2x + 3, with slope of 2", "What is the slope?", 2),
    ("The slope is 2 and the intercept is 3.", "What is the slope?", 2),
    (
        "The value of the smallest bar is 2, while the largest is 9.",
        "What is the value of the smallest bar?",
        2,
    ),
    ("The answer is $10.40.", "How much will he spend? (Unit: $)", 10.4),
    ("He will spend 1.3 × $8 = $10.40.", "How much will he spend? (Unit: $)", 10.4),
    ("The year is 2019.", "Which year had most?", 2019),
    ("2019", "Which year had most?", 2019),
    ("The peak occurred in the year 2019, reaching 1,500 units.", "Which year had most?", 2019),
    ("The answer is approximately 5.77 L/min.", "cardiac output", 5.77),
    ("The area is 12 square units.", "What is the area?", 12),
    ("Area = 12", "What is the area?", 12),
    ("x=12", "Find x", 12),
    ("x = -12", "Find x", -12),
    ("\\[ x = \\frac{24}{2} = 12 \\]", "Find x", 12),
    ("The total number of people is twelve (12).", "How many people?", 12),
    ("Zero", "How many people?", 0),
    ("There isn't any; the answer is 0.", "How many people?", 0),
    ("I count 5.", "How many people?", 5),
    ("It appears there are about 30 people.", "How many people?", 30),
    ("5.0", "", 5),
    ("5 (five)", "", 5),
    ("Answer is 5", "", 5),
    ("answer=5", "", 5),
    ("The answer: **5**", "", 5),
    ("Ans: 5", "", 5),
    ("Ans. 5", "", 5),
    ("Hence, the required answer is 5 units.", "", 5),
    ("The correct option is 5.", "", 5),
    ("Solution: 3 + 2 = 5", "", 5),
    ("The probability is 6/20 × 4/20 = 0.06.", "What is the probability?", 0.06),
    ("$$x = 5$$", "Find x", 5),
    ("The final answer is: $\\boxed{5}$. I hope it is correct.", "", 5),
    (
        "The lowest number you can see is the 30 yard line.",
        "whats the lowest number yard line that you can see?",
        30,
    ),
]


@pytest.mark.parametrize(("response", "question", "expected"), PROSE)
def test_numbers_in_prose(response: str, question: str, expected: float | None) -> None:
    assert given_number(response, question) == expected


FISH = "How many fish are in the bowl?"
LEFT = "Take away all the red cubes. How many objects are left?"
GAP = "What is the age gap between the two sisters?"
TOTAL = "What is the total of tea and coffee in 2011?"
PERCENT = "What percentage of the lamps are lit?"
SHELF = "What is the number of books on the top shelf?"
COST = "How much does Rosa need to buy a pen and a stamp? (Unit: $)"
LIMIT = "What is the limit as x approaches 2?"

ASKED = [
    (FISH, "There are no fish in the bowl.", 0),
    (FISH, "None of the fish are in the bowl.", 0),
    (FISH, "No, there are 3 fish.", 3),
    (FISH, "Only one fish swims among at least 20 plants.", 1),
    (FISH, "Red: 2, blue: 3 → 5", 5),
    (FISH, "5 fish (2 red, 3 blue)", 5),
    (FISH, "Rows of 2, 3 and 4: 2 + 3 + 4 = 9 fish.", 9),
    ("How many fish weigh more than 9 kg?", "No fish weighs more than 9 kg.", 0),
    ("How many crates hold exactly 56 jars?", "No crates hold exactly 56 jars.", 0),
    ("How many zeros has the function?", "The function has one zero, at x = 4.", 1),
    (LEFT, "There are 7 objects left: 3 cubes and 4 balls.", 7),
    (LEFT, "1 ball and 1 cone remain: 2 objects.", 2),
    (LEFT, "9 − 2 = 7\n\nSo there are 7 objects left.", 7),
    (GAP, "The age gap is about 8 years, as the one is 31 and the other is 23.", 8),
    (GAP, "12 years. The one was born in 1913, the other in 1925.", 12),
    (GAP, "It's about two years.", 2),
    (TOTAL, "In 2011, tea = 12.5 and coffee = 7.0. The total is 19.5.", 19.5),
    (PERCENT, "All four are lit, so 100%.", 100),
    (COST, "13 cents, i.e. $0.13", 0.13),
    (LIMIT, "As x approaches 2, the function approaches 6.", 6),
    ("What is the highest point of the curve?", "The highest point is 4 at x = 2.", 4),
    ("What fraction of the guests sit?", "3 out of 4, i.e., 0.75.", 0.75),
    ("Which year has more rain?", "1987 had more rain.", 1987),
    ("Which number is missing?", "7 is missing.", 7),
    ("Which number is missing?", "The missing number is 40: 10, 20, 30, 40, 50.", 40),
    ("Which number comes next?", "Each one describes the previous one: the next number is 1211.", 1211),
    ("What is the least number of nuts in a bag?", "The smallest bag has 34 nuts and the largest 79.", 34),
    ("What is the difference between them?", "Tea has 72% and coffee 33%, a gap of 39.", 39),
    ("How much land is planted?", "Fields are half of it: 6 ÷ 2 = 3.", 3),
    (LEFT, "Total: 9 objects. Red cubes: 1. 9 − 1 = 8.", 8),
    ("How many miles does the van do on a full tank?", "Vans average 50 miles on a full tank.", 50),
]


@pytest.mark.parametrize(("question", "response", "value"), ASKED)
def test_numbers_that_are_asked_for(question: str, response: str, value: float) -> None:
    assert given_number(response, question) == pytest.approx(value)


@pytest.mark.parametrize(
    ("question", "response"),
    [
        (GAP, "It is not possible to determine the age gap from the image."),
        (GAP, "I'm sorry, but I can't help with identifying people."),
        (FISH, "The picture shows a bowl."),
        (FISH, "No answer is possible."),
    ],
)
def test_no_number(question: str, response: str) -> None:
    assert given_number(response, question) is None


def read_list(response: Clean, question: str = "") -> Found[tuple[float, ...]] | None:
    """The list that a response gives, read as the MathVista rule reads it."""
    return first(locate(response, question), lambda candidate: parse_list(candidate.text))


LISTS = [
    ("[2014, 2016]", (2014, 2016)),
    ("The answer is [0.2, 0.5].", (0.2, 0.5)),
    ("Answer: 2014, 2016", (2014, 2016)),
    ("```python\n[1, 7, 6]\n```", (1, 7, 6)),
    ("The chain code is [0, 2, 0].", (0, 2, 0)),
    ("The peak lies between 2014 and 2016.", (2014, 2016)),
    ("\\boxed{[1, 2, 3]}", (1, 2, 3)),
    ("(3, 4)", (3, 4)),
    ("2014 and 2016", (2014, 2016)),
    ("There is no list here.", None),
    ("[5]", None),
    ("", None),
    ("[a, b]", None),
]


@pytest.mark.parametrize(("response", "expected"), LISTS)
def test_lists(response: str, expected: tuple[float, ...] | None) -> None:
    found = read_list(clean(response))
    assert (None if found is None else found.value) == expected


def test_a_denied_list_is_none() -> None:
    found = read_list(clean("[2, 3], not [1, 2]"))
    assert found is not None
    assert found.value == (2, 3)


def test_two_of_equal_trust_are_none() -> None:
    assert given_number("It is 5 or 6.") is None
    assert read_list(clean("[1, 2] or [2, 3]")) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("In which year was it lowest?", 2013),
        ("What was the lowest amount?", 44),
        ("How many years passed?", 44),
    ],
)
def test_a_year_is_an_answer_where_a_year_is_asked_for(question: str, expected: float) -> None:
    assert given_number("It was 44 in 2013.", question) == expected


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "garbage",
    [
        "the answer is ",
        "\\boxed{",
        "is the answer ",
        "So, ",
        "1 ",
        "**1**",
        "if ",
        "or ",
        "[1, ",
        "between 1 ",
        "1. A\n",
        "\\text{",
        "$",
        " ",
        "\n",
        "\ud800\0",
        "\u200f1",
        "{",
        ". ",
    ],
)
def test_a_megabyte_of_garbage_is_read_in_bounded_time(garbage: str) -> None:
    response = clean(garbage * (1_000_000 // len(garbage)))
    number = read_number(response, "How many bars are smaller than 6?")
    listed = read_list(response, "Which years?")
    assert number is None or math.isfinite(number.value.value)
    assert listed is None or all(map(math.isfinite, listed.value))


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_response_is_survived(response: str, question: str) -> None:
    read_number(clean(response), question)
    read_list(clean(response), question)


# --- Where one notation ends and which number of a sentence counts ------------------------------------------

NOTATIONS = [
    ("1.234.567,8", [(1234567.8, "1.234.567,8", "digits")]),
    ("3,1 m", [(3.1, "3,1", "digits")]),
    ("2½ cups", [(2.5, "2½", "fraction")]),
    ("-½", [(-0.5, "-½", "fraction")]),
    ("1 1/2 cups", [(1.5, "1 1/2", "fraction")]),
    (r"2\frac{1}{4}", [(2.25, r"2\frac{1}{4}", "fraction")]),
    ("1/0", []),
    (r"\frac{1}{0}", []),
    ("2^-1", [(0.5, "2^-1", "power")]),
    ("0^0", [(1.0, "0^0", "power")]),
    ("0^-1", []),
    ("3×10⁻²", [(0.03, "3×10⁻²", "power")]),
    ("2⁵", [(32.0, "2⁵", "power")]),
    ("1e10", [(1e10, "1e10", "power")]),
    ("10^400", []),
    ("9" * 64, [(1e64, "9" * 64, "digits")]),
    ("9" * 65, []),
    ("hundred", [(100.0, "hundred", "words")]),
    ("two hundred five", [(205.0, "two hundred five", "words")]),
    ("five hundred thousand", [(500_000.0, "five hundred thousand", "words")]),
    ("one million two thousand three", [(1_002_003.0, "one million two thousand three", "words")]),
    ("thousand", [(1000.0, "thousand", "words")]),
    ("a couple of cats", [(2.0, "couple", "words")]),
    ("two dozen", [(24.0, "two dozen", "words")]),
    ("one hundred twelve", [(112.0, "one hundred twelve", "words")]),
    ("twenty ten", []),
    ("thirty eleven", []),
    ("nineteen five", []),
    ("five one", []),
    ("one half", [(0.5, "one half", "words")]),
    ("half", [(0.5, "half", "words")]),
    ("a quarter", [(0.25, "a quarter", "words")]),
    ("two thirds", [(2 / 3, "two thirds", "words")]),
    ("three quarters", [(0.75, "three quarters", "words")]),
    ("negative two", [(-2.0, "negative two", "words")]),
    ("Tenth", [(10.0, "Tenth", "words")]),
    ("5 cats, six dogs, 7", [(5.0, "5", "digits"), (6.0, "six", "words"), (7.0, "7", "digits")]),
    ("5 million", [(5e6, "5 million", "digits")]),
    ("5M/s", [(5.0, "5", "digits")]),
]


@pytest.mark.parametrize(("text", "numbers"), NOTATIONS)
def test_notations(text: str, numbers: list[tuple[float, str, str]]) -> None:
    found = find_numbers(text)
    assert [(number.text, number.notation) for number in found] == [kept[1:] for kept in numbers]
    assert [number.value for number in found] == pytest.approx([value for value, *_ in numbers], rel=1e-12)
    assert all(text[number.start : number.end] == number.text for number in found)


SCALES = {"hundred": 1e2, "thousands": 1e3, "Million": 1e6, "billion": 1e9, "trillion": 1e12}
SHORT = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, " mn": 1e6, " bn": 1e9, " tn": 1e12}


@pytest.mark.parametrize(
    ("text", "scale"), [*((f"-5 {word}", scale) for word, scale in SCALES.items()), *SHORT.items()]
)
def test_scales(text: str, scale: float) -> None:
    text = text if text.startswith("-5") else f"-5{text}"
    (number,) = find_numbers(text)
    assert (number.value, number.scale, number.text) == (-5 * scale, scale, text)


BESIDE = {
    "percent": ("5%", "5 percent", "5 per cent", "5％", r"5\%", "five percent"),
    "currency": ("$5", "$ 5", "£5", "5 usd", "5 $", "5€", "five dollars"),
    "ordinal": ("1st", "21st", "third"),
    "": ("5", "5°", "5 degrees", "five", "5 $x"),
}


@pytest.mark.parametrize(("mark", "text"), [(mark, text) for mark, texts in BESIDE.items() for text in texts])
def test_marks_beside_a_number(mark: str, text: str) -> None:
    (number,) = find_numbers(text)
    marks = {name for name in ("percent", "currency", "ordinal") if getattr(number, name)}
    assert marks == ({mark} if mark else set())
    assert number.scale == 1.0


RATIO, CATS = "What is the ratio of boys to girls?", "How many cats are there?"
YEAR, VALUE = "Which year was best?", "What is the value?"
PICKED: list[tuple[str, str, float | str | None]] = [
    (RATIO, "3:4", 0.75),
    (RATIO, "3 to 4", 0.75),
    (RATIO, "3 out of 4", 0.75),
    (RATIO, "1.5:2.5", 0.6),
    (RATIO, "3:0", None),
    (RATIO, "12:30:15", None),
    (VALUE, "3:4", None),
    (CATS, "None.", 0),
    (CATS, "nobody", 0),
    (CATS, "So there are no cats", 0),
    (CATS, "no answer", None),
    (CATS, "No, 3", 3),
    (VALUE, "none", None),
    (VALUE, "The value is 1 234", 1234),
    (VALUE, "It is 1 234 567.", 1_234_567),
    (VALUE, "1 23", "ambiguous"),
    (VALUE, "(3) or (4)", "ambiguous"),
    (VALUE, "(5)", 5),
    (VALUE, "5 (3 and 2)", 5),
    (VALUE, "[3] 5", 5),
    (VALUE, "5 at x = 2", 5),
    (VALUE, "at x = 2", 2),
    (VALUE, "5 because 3 of 4", 5),
    (VALUE, "because 5", 5),
    (VALUE, "Total 5: a 3 and b 4", 5),
    (VALUE, "Total 5: 3 + 2 = 6", 6),
    (VALUE, "5: 3", 3),
    (VALUE, "a: 3", 3),
    (VALUE, "3 + 4 = 7", 7),
    (VALUE, "3 + 4 = x", "ambiguous"),
    (VALUE, "7, i.e. 8", 8),
    # a number of four digits below 2200 is a year
    (YEAR, "999 in 1000", 1000),
    (VALUE, "999 in 1000", 999),
    (YEAR, "2199 vs 50", 2199),
    (VALUE, "2199 vs 50", 50),
    (YEAR, "2200 vs 50", "ambiguous"),
    (VALUE, "2200 vs 50", "ambiguous"),
    (YEAR, "1999.0 and 44", "ambiguous"),
    ("What is 3?", "3 and 4", 4),
    ("How many years?", "44 in 2013", 44),
    ("When was it 44?", "44 in 2013", 2013),
    (CATS, "3 dogs, 4 cats", 4),
    (CATS, "4 dogs and 3 cats", 3),
    (VALUE, "5, the value is 6", 6),
    (VALUE, "the value is 5, count 6", 5),
    (VALUE, "a 5 b: 6", 6),
    (VALUE, "got 5 then 6", "ambiguous"),
    # ranges and bounds
    (VALUE, "5 or 6", None),
    (VALUE, "5-6", None),
    (VALUE, "5+", None),
    (VALUE, "5 or more", None),
    (VALUE, "more than 5", None),
    (VALUE, "above about $5", None),
    (VALUE, "between 5 and 6, 7", 7),
    (VALUE, "from 3 to 5 there are 8", 8),
    (VALUE, "out of 5", None),
    # ordinals, pronouns, times
    (VALUE, "3rd", 3),
    (VALUE, "the 3rd", 3),
    (VALUE, "the 3rd one", None),
    (VALUE, "one", 1),
    (VALUE, "one dog", 1),
    (VALUE, "each one", None),
    (VALUE, "the red one", None),
    (VALUE, "the big red one", 1),
    (VALUE, "one of them", None),
    (VALUE, "this one 5", 5),
    (VALUE, "2 decimal places", None),
    (VALUE, "3:15", None),
    (VALUE, "10:30 and 90", 90),
    (VALUE, "6, not 5", 6),
    (VALUE, "not 5", None),
    (VALUE, r"\text{cm} 5", 5),
    (VALUE, "5 cm^2", 5),
    (VALUE, "", None),
]


@pytest.mark.parametrize(("question", "text", "value"), PICKED)
def test_which_number_of_a_sentence_counts(question: str, text: str, value: float | str | None) -> None:
    found = pick(text, question)
    told = found.value if isinstance(found, NumberMatch | Unclear) else None
    assert told == (pytest.approx(value) if isinstance(value, float) else value)


def test_what_is_shown_of_a_number() -> None:
    for question, text, shown, notation in (
        (RATIO, "They are 3 : 4.", "3 : 4", "fraction"),
        (CATS, "There are none.", "There are none", "words"),
    ):
        found = pick(text, question)
        assert isinstance(found, NumberMatch)
        assert (found.text, found.notation) == (shown, notation)
        assert text[found.start : found.end] == shown


@pytest.mark.parametrize(
    ("question", "kind", "asked"),
    [
        ("Which year?", "year", True),
        ("In which year did how many people come?", "year", False),
        ("When was it?", "year", True),
        ("How many years?", "year", False),
        ("How many?", "count", True),
        ("Which year?", "count", False),
        ("What fraction?", "ratio", True),
        ("How many?", "ratio", False),
        ("WHICH YEAR?", "year", True),
        ("", "year", False),
    ],
)
def test_what_kind_of_number_a_question_asks_for(question: str, kind: str, asked: bool) -> None:
    assert asks(question, kind) is asked


def test_a_number_alone_counts_where_a_sentence_does_not() -> None:
    assert given_number("12\nThe rest is text without any.") == 12
    assert given_number("five\nThe rest is text without any.") == 5
    assert given_number("3.5 square cm\nThe rest is text without any.") == 3.5
