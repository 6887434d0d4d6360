"""The number that a response gives: invented questions, one case for each way of writing an answer."""

from __future__ import annotations

import pytest

from scorers.extraction import read_number

FISH = "How many fish are in the bowl?"
LEFT = "Take away all the red cubes. How many objects are left?"
GAP = "What is the age gap between the two sisters?"
TOTAL = "What is the total of tea and coffee in 2011?"
PERCENT = "What percentage of the lamps are lit?"
SHELF = "What is the number of books on the top shelf?"
COST = "How much does Rosa need to buy a pen and a stamp? (Unit: $)"
LIMIT = "What is the limit as x approaches 2?"

NUMBERS = [
    (FISH, "There are no fish in the bowl.", 0),
    (FISH, "None of the fish are in the bowl.", 0),
    (FISH, "I can see 4 cats, but none are fish.", 0),
    (FISH, "It seems that none of the animals are fish.", 0),
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
    (LEFT, "Removing 1 red cube and 0 others leaves 6.", 6),
    (LEFT, "9 − 2 = 7\n\nSo there are 7 objects left.", 7),
    (GAP, "The age gap is about 8 years, as the one is 31 and the other is 23.", 8),
    (GAP, "12 years. The one was born in 1913, the other in 1925.", 12),
    (GAP, "It's about two years.", 2),
    (TOTAL, "In 2011, tea = 12.5 and coffee = 7.0. The total is 19.5.", 19.5),
    (PERCENT, "About half of the lamps (50%) are lit.", 50),
    (PERCENT, "Half of the lamps are lit.", 50),
    (PERCENT, "All four are lit, so 100%.", 100),
    (SHELF, "20 is the number of books on the top shelf, the number below is 31.", 20),
    (COST, "13 cents, i.e. $0.13", 0.13),
    (LIMIT, "As x approaches 2, the function approaches 6.", 6),
    ("What is the highest point of the curve?", "The highest point is 4 at x = 2.", 4),
    ("What is the y-intercept?", "The y-intercept is (0, 3).", 3),
    ("What is the x-intercept?", "It crosses at (-2, 0).", -2),
    ("What fraction of the guests sit?", "3 out of 4, i.e., 0.75.", 0.75),
    ("In which week is the sale highest?", "In the third week", 3),
    ("Which year has more rain?", "1987 had more rain.", 1987),
    ("Which number is missing?", "7 is missing.", 7),
    ("Which number is missing?", "The missing number is 40: 10, 20, 30, 40, 50.", 40),
    ("Which number comes next?", "Each one describes the previous one: the next number is 1211.", 1211),
    ("What is the least number of nuts in a bag?", "The smallest bag has 34 nuts and the largest 79.", 34),
    ("What is the difference between them?", "Tea has 72% and coffee 33%, a gap of 39.", 39),
    ("How much land is planted?", "Fields are half of it: 6 ÷ 2 = 3.", 3),
    ("When does the curve fall?", "It falls where x is greater than 5.", 5),
    (LEFT, "Total: 9 objects. Red cubes: 1. 9 − 1 = 8.", 8),
    (SHELF, "I can't see all of it, but the number of books on the top shelf is about 12.", 12),
    ("How many bars are below 6?", "There're none.", 0),
    ("How many miles does the van do on a full tank?", "Vans average 50 miles on a full tank.", 50),
]


@pytest.mark.parametrize(("question", "response", "value"), NUMBERS)
def test_numbers(question: str, response: str, value: float) -> None:
    number = read_number(response, question)
    assert number is not None
    assert number.value == pytest.approx(value)


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
    assert read_number(response, question) is None
