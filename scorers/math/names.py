"""The words of LaTeX arithmetic: brackets, operators, relations, functions, Greek letters."""

from __future__ import annotations

import math
from collections.abc import Callable

from scorers.math.bounded import Number

CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lbrace": r"\rbrace"}
"""Opening brackets and what closes them."""
TIMES = {"*", r"\times", r"\cdot"}
OVER = {"/", r"\div"}
RELATIONS: dict[str, Callable[[Number, Number], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    r"\lt": lambda a, b: a < b,
    r"\gt": lambda a, b: a > b,
    r"\leq": lambda a, b: a <= b,
    r"\geq": lambda a, b: a >= b,
    r"\le": lambda a, b: a <= b,
    r"\ge": lambda a, b: a >= b,
}
ENDS = {")", "]", "}", ".", "&", "_", "^", r"\}", r"\\", r"\to", r"\rightarrow", r"\rbrace"}
"""Tokens after which a prefix reader stops; any other that cannot continue is an error."""
NO_FACTOR = ENDS | TIMES | OVER | {r"\rfloor", *RELATIONS}
"""Tokens that start no further factor of a product."""


def _circular(function: Callable[[float], float]) -> Callable[[float], float]:
    """A circular function that is 0 where doubles leave a rounding: sin π, cos π/2."""

    def rounded(angle: float) -> float:
        value = function(angle)
        return 0.0 if abs(value) < 1e-14 < abs(angle) else value

    return rounded


FUNCTIONS: dict[str, Callable[[float], float]] = {
    r"\sin": _circular(math.sin),
    r"\cos": _circular(math.cos),
    r"\tan": _circular(math.tan),
    r"\arcsin": math.asin,
    r"\arccos": math.acos,
    r"\arctan": math.atan,
    r"\sinh": math.sinh,
    r"\cosh": math.cosh,
    r"\tanh": math.tanh,
    r"\exp": math.exp,
    r"\log": math.log10,
}
MORE_FUNCTIONS: dict[str, Callable[[float], float]] = {
    r"\ln": math.log,
    r"\sec": lambda angle: 1 / math.cos(angle),
    r"\csc": lambda angle: 1 / math.sin(angle),
    r"\cot": lambda angle: 1 / math.tan(angle),
}
ALL_FUNCTIONS = FUNCTIONS | MORE_FUNCTIONS
GREEK = frozenset(
    rf"\{name}"
    for name in (
        *("alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu", "rho", "sigma", "phi"),
        *("omega", "Delta", "Omega", "Theta"),
    )
)
MARKS = frozenset(rf"\{name}" for name in ("overline", "vec", "hat", "bar", "angle", "triangle", "overrightarrow"))
"""Marks that make a name of what follows: a line segment, a vector, an angle."""
INVERSES = {r"\sin": math.asin, r"\cos": math.acos, r"\tan": math.atan}
