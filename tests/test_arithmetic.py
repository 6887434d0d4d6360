"""Arithmetic within limits: where each of them lies, what lies beyond, and how LaTeX is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from scorers.math.bounded import bounded, choose, factorial, literal, power, quotient, total
from scorers.math.latex import STANDARD, Dialect, DomainError, LatexError, evaluate

VALUES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (literal, ("1,200",), 1200),
    (literal, (".5",), 0.5),
    (literal, ("5.0",), 5),
    (literal, (r"30\%",), 0.3),
    (literal, (r"200\%",), 2),
    (literal, (r"1,000\%",), 10),
    (literal, ("9007199254740991.0",), 2**53 - 1),
    (literal, ("9007199254740992.0",), 2.0**53),
    (literal, ("1" * 1000,), int("1" * 1000)),
    (bounded, (2**13_999,), 2**13_999),
    (bounded, (1e300,), 1e300),
    (total, (1, 2), 3),
    (total, (0.5, 0.5), 1.0),
    (total, (0.1 + 0.2, -0.3), 0),
    (total, (1e-20, 1e-21), 1e-20 + 1e-21),
    (total, (1.0, -1 + 1.2e-14), 1 + (-1 + 1.2e-14)),
    (total, (100.0, -100 + 5e-13), 0),
    (total, (100.0, -100 + 5e-12), 100 + (-100 + 5e-12)),
    (quotient, (6, 3), 2),
    (quotient, (-6, 3), -2),
    (quotient, (0, 5), 0),
    (quotient, (7, 2), 3.5),
    (quotient, (6.0, 3), 2.0),
    (quotient, (6, 0.5), 12.0),
    (power, (2, 7000), 2**7000),
    (power, (3, 7000), 3**7000),
    (power, (1, 10**9), 1),
    (power, (-1, 10**9 + 1), -1),
    (power, (0, 10**9), 0),
    (power, (0, 0), 1),
    (power, (10, 0), 1),
    (power, (2, -2), 0.25),
    (power, (1, -5), 1),
    (power, (-1, -3), -1),
    (power, (4, 0.5), 2.0),
    (power, (2.0, 3), 8.0),
    (factorial, (0,), 1),
    (factorial, (5,), 120),
    (factorial, (1000,), math.factorial(1000)),
    (choose, (0, 0), 1),
    (choose, (5, 2), 10),
    (choose, (5, 6), 0),
    (choose, (5, 0), 1),
    (choose, (1000, 1000), 1),
    (choose, (1000, 500), math.comb(1000, 500)),
]
REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (literal, ("1" * 1001,), "^too many digits$"),
    (literal, ("0." + "1" * 1000,), "^too many digits$"),
    (bounded, (2**14_000,), "^too large$"),
    (bounded, (-(2**14_000),), "^too large$"),
    (power, (2, 7001), "^too large$"),
    (power, (-2, 7001), "^too large$"),
    (power, (2, -7001), "^too large$"),
    (power, (10, 10**9), "^too large$"),
    (power, (-8, 1 / 3), "^not real$"),
    (power, (0, -1), "zero"),
    (quotient, (1, 0), "zero"),
    (quotient, (1.5, 0), "zero"),
    (factorial, (1001,), "^no factorial$"),
    (factorial, (-1,), "^no factorial$"),
    (factorial, (2.0,), "^no factorial$"),
    (choose, (1001, 1), "^no binomial$"),
    (choose, (5, 1001), "^no binomial$"),
    (choose, (5, -1), "^no binomial$"),
    (choose, (-1, 0), "^no binomial$"),
    (choose, (5.0, 2), "^no binomial$"),
    (choose, (5, 2.0), "^no binomial$"),
]


@pytest.mark.parametrize(("function", "given", "value"), VALUES)
def test_values(function: Callable[..., Any], given: tuple[Any, ...], value: Any) -> None:
    found = function(*given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("function", "given", "reason"), REFUSED)
def test_beyond_the_limits(function: Callable[..., Any], given: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(ArithmeticError, match=reason):
        function(*given)


EXACT: dict[str, int | float] = {
    "1" + "+1" * 999: 1000,
    "(" * 40 + "1" + ")" * 40: 1,
    r"\sqrt{" * 20 + "1" + "}" * 20: 1.0,
    "(1)+" * 100 + "1": 101,
    r"\frac{1}{1}+" * 100 + "1": 101,
    "-(2)(3)+-2": -8,
    "--3": 3,
    "+-+2": -2,
    "2*-3": -6,
    "5-2-1": 2,
    "6/2(3)": 9,
    "1/2(3)": 1.5,
    "6/2/3": 1,
    r"6\div 2": 3,
    r"2\cdot3": 6,
    r"2\times 3": 6,
    "2 3": 6,
    "2(3)4": 24,
    "2~3": 6,
    r"1\quad 2": 2,
    r"1\qquad+2": 3,
    r"\left(1\right)": 1,
    "$5$": 5,
    "1,234": 1234,
    r"2+3\%": 2.03,
    "2^3^2": 64,
    "-2^2": -4,
    "2^-1": 0.5,
    "2^{-1}": 0.5,
    "2^10": 0,  # 2^1 times 0
    "2^(10)": 1024,
    r"3\frac12": 3.5,
    r"3\frac{1}{2}": 3.5,
    r"3\frac{ 1 } { 2 }": 3.5,
    r"3.5\frac{1}{2}": 1.75,
    r"\frac12": 0.5,
    r"\frac123": 1.5,
    r"\dfrac{1}{2}": 0.5,
    r"\tfrac12": 0.5,
    r"\sqrt4": 2.0,
    r"\sqrt[3]{27}": 3.0,
    r"\binom{5}{2}": 10,
    r"\dbinom52": 10,
    r"\tbinom5 2": 10,
    r"\lfloor 2.7\rfloor": 2,
    r"\lfloor -2.7\rfloor": -3,
    r"2\lfloor 2.7\rfloor 3": 12,
    r"\log 100": 2.0,
    r"\log_2 8": 3.0,
    r"\log_{2}8": 3.0,
    r"\log_2(8)": 3.0,
    r"\log^2 100": 4.0,
    r"\log^{-1} 100": 0.5,
    r"\ln e^2": 2.0,
    r"\sin 2\pi": 0.0,
    r"\sin\pi\cos 0": 0.0,
    r"30^\circ": 30,
    r"\sec 0": 1.0,
    "|-3|": 3,
    "|-3|2": 6,
    "2|-3|": 6,
    "|1|+|-2|": 3,
    "5!": 120,
    "3!!": 720,
    "2^3!": 40320,
    "5''": 5,
    "5'!": 120,
    "2e^0": 2.0,
    "[1]": 1,
    r"\{1\}": 1,
    r"\lbrace 1\rbrace": 1,
}
ROUNDED = {
    r"\sqrt[3]27": 2 ** (1 / 3) * 7,
    r"\sqrt36": math.sqrt(3) * 6,
    r"\sin^{-1} 1": math.pi / 2,
    r"\cos^{-1}(0)": math.pi / 2,
    r"\tan^{-1} 1": math.pi / 4,
    r"\arcsin 1": math.pi / 2,
    r"\arccos 0": math.pi / 2,
    r"\sin 30^\circ": 0.5,
    r"\sin(30^\circ)": 0.5,
    r"\sin^2 30^\circ": 0.25,
    r"\sin 30": math.sin(30),
    r"\sin 30^\circ + 30^\circ": 30.5,
    r"2\sin 30^\circ\cos 60^\circ": 0.5,
    r"\sin 2 3": math.sin(6),
    r"\csc 1": 1 / math.sin(1),
    r"\cot 1": 1 / math.tan(1),
    r"\exp 1": math.e,
    "e^2": math.e**2,
    "e^{-1}": 1 / math.e,
    "e^-1": 1 / math.e,
    "2^{.5}": math.sqrt(2),
    r"2\pi": 2 * math.pi,
}
UNREADABLE = {
    "1" + "+1" * 1000: "^too long$",
    "(" * 41 + "1" + ")" * 41: "^nested too deeply$",
    r"\sqrt{" * 21 + "1" + "}" * 21: "^nested too deeply$",
    r"\lfloor 2.7": r"^expected '\\\\rfloor', found ''$",
    "(1": r"^expected '\)', found ''$",
    "[1)": r"^expected '\]', found '\)'$",
    "1)": r"^unexpected '\)'$",
    "1;2": "^unexpected ';'$",
    "1,23": "^unexpected ','$",
    "1..2": r"^unexpected '\.'$",
    "1@": "^unexpected '@'$",
    "@": "^unexpected '@'$",
    "": "^unexpected ''$",
    "  ": "^unexpected ''$",
    "3!^2": r"^unexpected '\^'$",
    "6:2": "^unexpected ':'$",
    "1<2": "^unexpected '<'$",
    "|1-|2||": r"^unexpected '\|'$",
    "e": "^a letter: 'e'$",
    "1e5": "^a letter: 'e'$",
    "x": "^a variable: 'x'$",
    r"\alpha": "^a variable: ",
    r"\foo": "^unknown command ",
    r"\infty": "^unknown command ",
    r"\frac1": "^unexpected ''$",
    r"\frac.5 2": "^a bare argument that starts with a point$",
    "2^.5": "^a bare argument that starts with a point$",
}
WITHOUT_VALUE = {
    r"\sqrt{-1}": "domain",
    r"\sqrt[3]{-8}": "^not real$",
    "1/0": "zero",
    r"\ln 0": ".",
    r"\log_1 2": "zero",
    "10^{308}*10.5": "^not finite$",
    "9^{9^9}": "^too large$",
    "10^{3000}*10^{3000}": "^too large$",
    "10^{3000}(10^{3000})": "^too large$",
    "1001!": "^no factorial$",
}


@pytest.mark.parametrize(("text", "value"), EXACT.items())
def test_what_latex_is_worth(text: str, value: float) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), ROUNDED.items())
def test_what_latex_is_worth_but_for_rounding(text: str, value: float) -> None:
    assert evaluate(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("text", "reason"), UNREADABLE.items())
def test_what_is_no_arithmetic(text: str, reason: str) -> None:
    with pytest.raises(LatexError, match=reason) as caught:
        evaluate(text)
    assert not isinstance(caught.value, DomainError)


@pytest.mark.parametrize(("text", "reason"), WITHOUT_VALUE.items())
def test_arithmetic_without_a_value(text: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        evaluate(text)


NAMED = {
    "e": math.e,
    "e^2": math.e**2,
    "x_1": "x_1",
    "x_{1}": "x_1",
    "x_{12 }": "x_12",
    "x_{1234567890}": "x_1234567890",
    "x_a": "x_a",
    r"\alpha": r"\alpha",
    r"\alpha_1": r"\alpha_1",
    r"\overline{AB}": r"\overline AB",
    r"\vec a": r"\vec a",
    r"\vec{a}": r"\vec a",
    r"\angle ABC": r"\angle ABC",
    "x'": "x",
}


@pytest.mark.parametrize(("text", "name"), NAMED.items())
def test_names(text: str, name: str | float) -> None:
    asked: list[str] = []

    def variables(letter: str) -> float:
        asked.append(letter)
        return 3.0

    found = evaluate(text, variables=variables)
    assert (found, asked) == ((3.0, [name]) if isinstance(name, str) else (pytest.approx(name), []))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x_12", 6.0),
        ("2x", 6.0),
        ("xx", 9.0),
        ("|x-5|x", 6.0),
        ("x^{-1}", 1 / 3),
        (r"\sin x\cos x", math.sin(3) * math.cos(3)),
        (r"\sin 2x", math.sin(6)),
    ],
)
def test_variables(text: str, value: float) -> None:
    assert evaluate(text, variables={"x": 3.0, "x_1": 3.0}.__getitem__) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x_{12345678901}", "^a long subscript$"),
        ("x_{1", "^a long subscript$"),
        ("x_+", "^a subscript$"),
        ("x_", "^a subscript$"),
        (r"\angle abc", "^unknown command "),
        (r"\overline{ABCDE}", "^unknown command "),
        (r"\overline{}", "^unknown command "),
    ],
)
def test_what_is_no_name(text: str, reason: str) -> None:
    with pytest.raises(LatexError, match=reason):
        evaluate(text, variables=lambda _: 3.0)


DIALECTS: list[tuple[Dialect, dict[str, float | None]]] = [
    (
        Dialect(prefix=True),
        dict.fromkeys(("5", "5)", "5}", "5]", "5.", "5&6", r"5\\6", r"5\to 6", "5_1"), 5)
        | dict.fromkeys(("5 apples", "5^", "5;", "5,")),
    ),
    (
        Dialect(shorthand=False),
        {r"\frac{1}{2}": 0.5, "2^3": 8, "2^{3}": 8, "2^12": 4096}
        | dict.fromkeys((r"\frac12", r"\sqrt4", "2^-1", "2^(3)", "2^[3]")),
    ),
    (Dialect(mixed=False), {r"3\frac{1}{2}": 1.5, r"3\frac12": 1.5}),
    (
        Dialect(tight=True),
        {"1/2(4)": 0.125, "1/2*3": 1.5, "2(3)": 6, "-2(3)": -6, r"\cos 2*0": 1.0, r"\cos 0 2": 1.0},
    ),
    (Dialect(colon=True), {"6:2": 3, "6:2:3": 1}),
    (
        Dialect(relations=True),
        {
            "1<2": 1,
            "2<1": 0,
            "1<2<3": 1,
            "3>2>1": 0,
            r"1\le 1": 1,
            r"2\geq 3": 0,
            "1+1<3": 1,
            r"1\lt 2": 1,
            r"2\gt 2": 0,
        },
    ),
    (Dialect(degrees=False), {"30": 30} | dict.fromkeys((r"30^\circ", r"\sin 30^\circ"))),
    (
        Dialect(functions=False),
        {r"\log 10": 1.0, r"\cos 0": 1.0} | dict.fromkeys((r"\ln 2", "|2|", r"\sec 0", r"\cot 1")),
    ),
    (STANDARD, {"6/2(3)": 9, r"\sin 30^\circ": 0.5, "|2|": 2, r"2\frac12": 2.5}),
]


@pytest.mark.parametrize(
    ("dialect", "text", "value"),
    [(dialect, text, value) for dialect, texts in DIALECTS for text, value in texts.items()],
)
def test_dialects(dialect: Dialect, text: str, value: float | None) -> None:
    if value is None:
        with pytest.raises(LatexError):
            evaluate(text, dialect)
    else:
        assert evaluate(text, dialect) == pytest.approx(value)
