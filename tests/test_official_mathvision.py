"""MathVision's own rule, case by case: one for each branch of the script and of the arithmetic behind it."""

from __future__ import annotations

import pytest

from scorers.official.mathvision import extract, is_equal, is_right

VALUES = ("$12 \\mathrm{~cm}$", "$\\frac{1}{2}$", "7", "(1,2)", "2:1")


@pytest.mark.parametrize(
    ("response", "found"),
    [
        # a letter at the end or the start stands for the whole response
        ("It must be B.", "b"),
        ("It must be (B).", "b"),
        ("B\nbecause of this", "b"),
        ("(B)\nbecause of this", "b"),
        ("(B) B\nbecause of this", "b"),
        ("It must be F.", "itmustbef"),
        ("(B) 12", "b12"),
        ("B", "b"),
        ("  B  ", "b"),
        # several letters: the first that fits leaves nothing for the next
        ("A\nso it is B.", "a"),
        # a number after the last "is "
        ("The area is 12.", "12"),
        ("This is x and that is 1e3", "1e3"),
        ("The area is nan.", "nan"),
        ("The area is 12 cm.", "theareais12cm"),
        ("12...", "12"),
        # phrases, only without a box
        ("We think. The answer is 5 apples. And more", "5apples"),
        ("the final answer is x\nmore", "x"),
        ("The correct answer is x. More", "x"),
        ("the answer should be x. More", "x"),
        ("the answer is x, the answer is y", "y"),
        ("The answer is \\boxed{7}", "7"),
        # boxes: the last one, to its last brace, without what follows its first closed brace
        (r"\boxed{3} and \boxed{4}", "4"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\frac{1}{2}} of it}", r"\frac{1}{2}}ofit"),
        (r"\boxed{5} of {it}", "5"),
        (r"\boxed{5", r"\boxed{5"),
        (r"\fboxed{}{8}", "8"),
        (r"\boxed{}", r"\boxed"),
        # the right side
        ("x = 5", "5"),
        (r"x \approx 5", "5"),
        ("a = b = 5", "5"),
        # cleaning
        ("1 2\n3", "123"),
        (r"5\,000", "5000"),
        ("∞", r"\infty"),
        (r"+\infty", r"\infty"),
        ("a\\\\b", "a\\b"),
        (r"\text{red}", "{red}"),
        (r"\mbox{red}", "{red}"),
        (r"\left(3\right)", "(3)"),
        (r"60^\circ", "60"),
        (r"60^{\circ}", "60"),
        ("5 km", "5"),
        (r"5\text{km}", "5"),
        ("5 m^3", "5"),
        (r"5\text{m}^3", "5"),
        ("5 units", "5"),
        (r"5\text{units}", "5"),
        ("5 cm", "5cm"),
        ("$5", "5"),
        (r"\$5", "5"),
        (r"30\%", "30"),
        ("30%", "30%"),
        (r"5\!6", "56"),
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        (r"\tfrac{1}{2}", r"\frac{1}{2}"),
        (".25", "0.25"),
        (r"\frac{.5}{2}", r"\frac{0.5}{2}"),
        ("0.5", r"\frac{1}{2}"),
        ("3/4", r"\frac{3}{4}"),
        ("-3/4", r"\frac{-3}{4}"),
        ("03/4", "03/4"),
        ("3/4/5", "3/4/5"),
        ("x/4", "x/4"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"\sqrt3+\frac12", r"\sqrt{3}+\frac{1}{2}"),
        (r"\sqrt3+\frac1{2}", r"\sqrt{3}+\frac{1}{2}"),
        (r"\sqrt3+\frac1", r"\sqrt{3}+\frac1"),
        (r"\frac12", r"\frac12"),
        ("(a)", "a"),
        ("{d}", "d"),
        ("(f)", "(f)"),
        (": 5.", "5"),
    ],
)
def test_extraction(response: str, found: str) -> None:
    assert extract(response) == found


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        # text
        ("B", "b", True),
        (" B ", "b", True),
        ("", "", False),
        ("  ", "5", False),
        ("red", "{red}", False),
        # tuples and lists, element by element
        ("(1,2)", "(1.0,2.0)", True),
        ("(1,2)", "(1,2.001)", False),
        ("(1.234,2.5)", "(1.2341,5/2)", True),
        ("(1,2)", "(2,1)", False),
        (r"(\frac{1}{2},3)", "(0.5,3)", True),
        ("[0.25,2]", r"[\frac{1}{4},2]", True),
        ("[1,2]", "(1,2)", False),
        ("(a,2)", "(a,2.0)", True),
        ("(-a,2)", "(-a,2.0)", True),
        ("(b,2)", "(b,2.0)", False),
        (r"(0,\infty)", r"(0.0,\infty)", True),
        ("(5)", "5", True),
        # a comma between three digits is no list
        ("[700,800]", "700800", True),
        # values at two decimals
        ("5", "5.0", True),
        ("1,200", "1200", True),
        ("0.333", r"\frac{1}{3}", True),
        ("0.01", r"\frac{1}{100}", True),
        (r"\frac{1}{300}", "0", True),
        ("0.34", r"\frac{1}{3}", False),
        (r"2\sqrt{3}", r"\sqrt{12}", True),
        (r"\sqrt3", r"\sqrt{3}", False),
        (r"\sqrt[3]{8}", "2", True),
        (r"\pi", "3.14", True),
        (r"2\pi", "6.28", True),
        ("π", r"\pi", False),
        (r"5\frac{1}{2}", "2.5", True),
        (r"5\frac{1}{2}", "5.5", False),
        ("5-2-3", "0", True),
        ("3:2", "1.5", True),
        ("1/2(3)", r"\frac{1}{6}", True),
        ("2^{10}", "1024", True),
        ("2^10", "1024", True),
        ("2^2^3", "64", True),
        ("-2^2", "-4", True),
        ("2^-1", "0.5", False),
        (r"10^{-2}", "0.01", True),
        ("5!", "120", True),
        (r"|-5|", "5", False),
        (r"\sin(0)", "0", True),
        (r"\sin30", "-0.99", True),
        (r"\tan^{-1}(1)", "0.79", True),
        (r"\log_{2}(8)", "3", True),
        (r"\log100", "2", True),
        (r"\ln(1)", "0", False),
        ("e^{0}", "1", True),
        ("e", "2.72", False),
        (r"\binom{5}{2}", "10", True),
        (r"\lfloor2.5\rfloor", "2", True),
        (r"3\times4", "12", True),
        (r"3\cdot4", "12", True),
        (r"12\div4", "3", True),
        ("3<4", "1", True),
        (r"30\%", "0.3", True),
        (r"$30 \%$", "0.3", False),
        # what has no value
        ("x", "y", False),
        ("2x", "2y", False),
        ("5cm", "5", False),
        (r"60^\circ", "60", False),
        (r"\frac{1}{0}", r"\frac{2}{0}", False),
        (r"\sqrt{-1}", r"\sqrt{-1}", True),
        (r"\sqrt{-1}", r"\sqrt{-1.0}", False),
        ("1,20", "1,20.0", False),
        ("\x0crac{36}{13}", r"\frac{36}{13}", False),
        # the reader stops at the first token that cannot go on
        ("5.", "5", True),
        ("5}cm", "5", True),
        ("5)", "5", True),
        ("5.thisisnotpossible", "5", True),
        ("5@", "5", False),
        ("5,", "5", False),
        # beyond the limits only the same text
        ("9^{9^{9^9}}", "9^{9^{9^9}}", True),
        ("9^{9^{9^9}}", "9^{9^{9^{9}}}", False),
        ("(10^9)!", "0", False),
    ],
)
def test_equality(one: str, other: str, equal: bool) -> None:
    assert is_equal(one, other) is equal
    assert is_equal(other, one) is equal


@pytest.mark.parametrize(
    ("response", "answer", "options", "right"),
    [
        ("B", "B", VALUES, True),
        ("A", "B", VALUES, False),
        (r"\boxed{\frac{1}{2}}", "B", VALUES, True),
        ("0.5", "B", VALUES, True),
        ("7", "C", VALUES, True),
        ("7.001", "C", VALUES, True),
        ("(1, 2)", "D", VALUES, True),
        ("2", "E", VALUES, True),
        ("12 cm", "A", VALUES, False),
        ("12", "A", VALUES, False),
        ("x = a", "A", VALUES, True),
        ("5", "5", (), True),
        (r"\boxed{5 \text{ cm}}", "5", (), False),
        ("", "5", (), False),
        ("7", "F", VALUES, False),
    ],
)
def test_letter_or_option_text(response: str, answer: str, options: tuple[str, ...], right: bool) -> None:
    assert is_right(response, answer, options) is right


@pytest.mark.parametrize(
    "text",
    [
        "oxed{" * 200_000,
        "{" * 10**6,
        "(" * 900,
        r"\frac{" * 600 + "1" + "}{2}" * 600,
        r"\sqrt[" * 300,
        "-" * 1900 + "1",
        "is " * 10**5,
        "9" * 10**6,
        "9^" * 500 + "9",
        "5" + "!" * 1000,
        "\ud800\x00",
    ],
)
@pytest.mark.timeout(10)
def test_garbage_is_wrong_in_bounded_time(text: str) -> None:
    assert not is_right(text, "5")
    assert not is_right(text, "B", VALUES)
