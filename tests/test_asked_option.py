"""Which option a response chooses, the question known: invented, one case for each way of answering."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.asked_option import compared, lettered, ranged
from scorers.closed_form import find_values, option_values, same_value
from scorers.option import read_option

YES_NO = ("Yes", "No")
ROOTS = ("2√{3}cm", "2√{2}cm", "4√{3}cm", "4cm")
ARCS = (r"\frac { 3 } { 7 } \pi", r"\frac { 7 } { 3 } \pi", r"7 \pi", r"14 \pi")
FISH = ("Trout", "Octopus", "Pike", "Eel")
BOATS = "Which boat is longer, the ferry or the tug?"
CHAIN = "Which animal would be most affected if there was a shortage of moss?"
MODELS = ("Base-7B", "Base-13B (v2)", "Large")

OPTIONS = [
    (BOATS, ("Ferry", "They are alike", "Tug"), "The tug is longer than the ferry.", 2),
    (BOATS, ("Ferry", "They are alike", "Tug"), "The tug is shorter than the ferry.", 0),
    ("Which shape continues the row?", tuple("ABCDE"), "Turning it once more gives shape D.", 3),
    ("Which angle is the widest?", tuple("abcde"), "d is the widest angle.", 3),
    ("Which shape continues the row?", tuple("ABCDE"), "A pattern of dots leads to shape C.", 2),
    ("Find the length of MN.", ROOTS, r"MN = 2\sqrt{3} cm", 0),
    ("Find the length of MN.", ROOTS, "MN is 4√3 cm, i.e. about 6.93 cm.", 2),
    ("Find the length of MN.", ROOTS, "MN = 2 * sqrt(2)", 1),
    ("Find the length of MN.", ROOTS, "MN = 16/4 = 4", 3),
    ("Find the arc.", ARCS, r"The arc is $\frac{7\pi}{3}$.", 1),
    ("Find the arc.", ARCS, "(3/7)π", 0),
    ("Between which values does it fall?", ("0.1 - 0.3", "0.3 - 0.5"), "It falls between 0.3 and 0.5.", 1),
    ("Which two parts make a disc?", ("1 & 2", "1 & 3", "2 & 3"), "Parts 2 and 3 make a disc.", 2),
    ("g(2) is ____ g(5).", ("larger than", "equal to", "smaller than"), "g(2) < g(5)", 2),
    (
        CHAIN,
        FISH,
        "The animal most affected by a shortage of moss is the eel. The pike eats trout.",
        3,
    ),
    (CHAIN, FISH, "The animal that would be most affected if there was a shortage of moss would be eels.", 3),
    (CHAIN, FISH, "Octopuses would suffer without moss.", 1),
    ("Where is the peak?", ("(u, v) = (0, 0)", "(u, v) = (1, 0)"), "The peak is at the origin (0, 0).", 0),
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


@pytest.mark.parametrize(("question", "options", "response", "index"), OPTIONS)
def test_options(question: str, options: tuple[str, ...], response: str, index: int | None) -> None:
    assert read_option(response, options, question) == index


POLARITY = [
    ("Does Teal cross Olive?", "They don't cross. Teal is always above Olive.", False),
    ("Is this an infinite sequence?", "It's an infinite sequence.", True),
    ("Is this an infinite sequence?", "This is a finite sequence.", False),
    ("Is Teal the high median?", "Teal is the low median.", False),
    ("Is Teal the roughest?", "Teal is the smoothest.", False),
    ("Is the small frame below the large frame?", "The small frame is above the large frame.", False),
    ("Is the small frame below the large frame?", "The small frame is below the large frame.", True),
    ("Is the lemon larger than the plum?", "The plum is larger than the lemon.", False),
    ("Is the lemon larger than the plum?", "The lemon is larger than the plum.", True),
    (
        "Is the number of vans less than the number of carts?",
        "There is the same number of each.",
        False,
    ),
    ("Is the number of vans less than the number of carts?", "There are more vans.", False),
    (
        "Is the sum of the smallest two greater than the largest?",
        "The sum is greater than the largest.",
        True,
    ),
    (
        "Is the number of vans the same as the number of carts?",
        "2 and 3, so they're not the same.",
        False,
    ),
    ("Are there fewer vans than carts?", "1 < 3 → Yes", True),
    ("Are there fewer vans than carts?", "There aren't fewer vans than carts.", False),
    ("Is the basket half full?", "One cannot tell from the picture.", None),
]


@pytest.mark.parametrize(("question", "response", "affirmed"), POLARITY)
def test_polarity(question: str, response: str, affirmed: bool | None) -> None:
    index = None if affirmed is None else YES_NO.index("Yes" if affirmed else "No")
    assert read_option(response, YES_NO, question) == index


VALUES = [
    (r"x = \frac{5\sqrt{3}}{2}", 4.330127),
    ("30(√3 - 1)", 21.961524),
    ("16*\\pi/5", 10.053096),
    ("2^3", 8.0),
    ("= -√2", -1.414214),
    ("The area is 9π", 28.274334),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_exact_values(text: str, value: float) -> None:
    assert find_values(text)[-1].value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("text", ["", "√", "1/0", "((((", "x = y", "√-2", "2^999999", "0^-1"])
def test_no_exact_value(text: str) -> None:
    assert find_values(text) == []


def test_options_that_are_no_values_have_none() -> None:
    assert option_values(("60-k", "k", "120-2*k")) == ()
    assert option_values(("red", "√3")) == ()
    assert option_values(("3", "4")) == ()
    assert option_values(("√4", "2")) == ()


def test_a_decimal_stands_for_an_exact_value_only_where_it_decides() -> None:
    assert same_value("It is 1.73.", option_values(("√3", "√5"))) == 0
    assert same_value("It is 2.", option_values(("√3", "√5"))) is None


@pytest.mark.parametrize("part", ["√", "(", "1+", "\\frac{", "π"])
def test_exact_values_take_bounded_time(part: str) -> None:
    text = part * 100_000
    began = time.monotonic()
    find_values(text)
    read_option(text, ROOTS, "Find the length of MN.")
    assert time.monotonic() - began < 5


@given(st.text(alphabet="√π()^/*+-{}123. \\frac=", max_size=60))
def test_any_formula_is_read_or_not(text: str) -> None:
    assert all(isinstance(found.value, float) for found in find_values(text))


def test_the_readers_of_question_terms_say_none_where_they_do_not_apply() -> None:
    assert compared("It is large.", ("a cat", "a dog"), BOATS) is None
    assert lettered("shape C", ("circle", "C"), "Which?") is None
    assert ranged("between 1 and 2", ("1", "2"), "Which?") is None
