"""Reading answers out of prose: invented sentences, one for each way of writing an answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.extraction import read_number, read_text
from scorers.number_list import read_list
from scorers.option import distinctive, read_option
from scorers.prose import boxed, sentences, tidy
from scorers.question import focus, overlap, read_question
from scorers.restated import restates
from scorers.statement import announced, conclusiveness, refuses

YES_NO = ("Yes", "No")
DEGREES = ("60°", "45°", "30°")
NUMBERS = [
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
    ("The final integer value is 7. The 3 others are not.", "What is f(2)?", 7),
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
    ("There are at least 5 people.", "How many people?", 5),
    ("More than 20", "How many people?", 20),
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


@pytest.mark.parametrize(("response", "question", "expected"), NUMBERS)
def test_numbers(response: str, question: str, expected: float | None) -> None:
    number = read_number(response, question)
    assert (number.value if number else None) == expected


OPTIONS = [
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
        "The lion population would decrease as well.",
        ("Nothing would happen.", "It would also decrease.", "It would increase."),
        "What would happen to the lions if the trees decreased?",
        1,
    ),
    (
        "If caterpillars decrease, plants may increase.",
        ("plants decrease", "plants increase", "nothing happens"),
        "What happens if caterpillars decrease?",
        1,
    ),
    ("The letter has been flipped.", ("slide", "flip", "turn"), "What has been done to this letter?", 1),
    (
        "The animal that would lack food would be the frog.",
        ("Rabbit", "Deer", "Frogs", "Wolf"),
        "Which animal would lack food?",
        2,
    ),
    (
        "The hottest month on average is July.",
        ("December and January", "July and August", "March"),
        "Which month is the hottest on average in Rome?",
        1,
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
    (
        "The water flea would be most affected.",
        ("Tilapia", "Common water flea", "Great diving beetle", "Tadpole"),
        "Which organism?",
        1,
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
        "The concentrations are the same.",
        ("neither; their concentrations are the same", "Solution B", "Solution A"),
        "Which solution has a higher concentration?",
        0,
    ),
    (
        "There is a shortage, as demand exceeds supply.",
        ("shortage", "surplus"),
        "is there a shortage or a surplus?",
        0,
    ),
]


@pytest.mark.parametrize(("response", "options", "question", "expected"), OPTIONS)
def test_options(response: str, options: tuple[str, ...], question: str, expected: int | None) -> None:
    assert read_option(response, options, question) == expected


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
    assert read_list(response) == expected


def test_short_texts() -> None:
    assert read_text("The answer is a circle.") == "a circle."
    assert read_text("a circle") == "a circle"
    assert read_text("I cannot tell.\nPlease provide the image.") is None


def test_tidy_removes_markup_and_enumeration() -> None:
    assert tidy("**x** `y`") == "x y"
    assert tidy("1. Add.\n2. Divide.") == "Add.\nDivide."
    assert tidy("3. Add.") == "3. Add."
    assert tidy("5 \\text{cm}") == "5 cm"
    assert tidy("a <b>5</b>") == "a 5"


def test_sentences_end_where_people_end_them() -> None:
    assert sentences("It is approx. 5 cm. So it is. Done") == ["It is approx. 5 cm.", "So it is.", "Done"]
    assert sentences("3.5 is it\n\nx") == ["3.5 is it", "x"]


def test_boxed_takes_the_last_closed_one() -> None:
    assert boxed(r"\boxed{1} and \boxed{\frac{1}{2}}") == r"\frac{1}{2}"
    assert boxed(r"\boxed{1") is None
    assert boxed("none") is None


def test_announced_skips_denials_and_steps() -> None:
    assert announced("The answer is 4. The final answer is 5.") == "5."
    assert announced("The answer is not 4.") is None
    assert announced("Here is how I got the answer:\n1. We add.") is None
    assert announced("12 is the answer") == "12"


def test_the_focus_is_what_is_asked() -> None:
    assert focus("Two trains meet. How fast is the first?") == "How fast is the first?"
    assert focus("If AB = 4, what is the length of AC?").strip() == "what is the length of AC?"
    assert focus("") == ""
    assert overlap("The length of AC is 5", "What is the length of AC?") == 1.0
    assert overlap("Something else", "What is the length of AC?") == 0.0


def test_refusals_and_conclusions() -> None:
    assert refuses("I cannot determine the answer.")
    assert refuses("The question does not provide enough information.")
    assert not refuses("A length cannot be negative, so x is 5.")
    assert not refuses("Aqua does not have the maximum area.")
    assert conclusiveness("Therefore it is 5.") > conclusiveness("It is 4, so it is even.") > 0
    assert conclusiveness("It is 5.") == 0


def test_what_a_question_asks_for() -> None:
    assert read_question("In which year was it lowest?").year
    assert read_question("When did it fall?").when
    assert read_question("In which week was it highest?").label == "week"
    assert read_question("There are (_) dots in each group.").blank == ("are", "dots")
    assert read_question("What is the ratio of 2 to 4?").numbers == {2.0, 4.0}
    assert read_question("What is the ratio of 2 to 4?").ratio
    assert read_question("What percentage of it is red?").percent
    assert not read_question("How many years passed?").year


def test_restating_needs_the_question_and_no_hedge() -> None:
    assert restates("The bed is larger than the kitten.", "Is the bed larger than the kitten?") is True
    assert restates("It is a nice bed.", "Is the bed larger than the kitten?") is None
    assert restates("The bed might be larger than the kitten.", "Is the bed larger than the kitten?") is None


def test_distinctive_words_are_no_other_options() -> None:
    assert distinctive(("plants decrease", "plants increase")) == (
        frozenset({"decreas"}),
        frozenset({"increas"}),
    )
    assert distinctive(("A", "B")) == (frozenset(), frozenset())


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
    text = garbage * (1_000_000 // len(garbage))
    start = time.perf_counter()
    read_number(text, "How many bars are smaller than 6?")
    read_option(text, YES_NO, "Is the bar smaller than 6?")
    read_option(text, ("6cm", "7cm"), "How long is it?")
    read_list(text, "Which years?")
    assert time.perf_counter() - start < 20


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_survived(response: str, question: str) -> None:
    read_number(response, question)
    read_list(response, question)
    assert read_option(response, ("red", "blue"), question) in (None, 0, 1)
