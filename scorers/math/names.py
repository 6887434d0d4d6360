"""The words of LaTeX arithmetic: brackets, operators, relations, functions, Greek letters."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from scorers.math.bounded import Number

CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lbrace": r"\rbrace"}
"""Opening brackets and what closes them."""
TIMES = {"*", r"\times", r"\cdot"}
OVER = {"/", r"\div"}
RELATIONS: dict[str, Callable[[Number, Number], bool]] = {
    **dict.fromkeys(("<", r"\lt"), operator.lt),
    **dict.fromkeys((">", r"\gt"), operator.gt),
    **dict.fromkeys((r"\le", r"\leq"), operator.le),
    **dict.fromkeys((r"\ge", r"\geq"), operator.ge),
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
    **{rf"\{function.__name__}": _circular(function) for function in (math.sin, math.cos, math.tan)},
    **{rf"\{function.__name__}": function for function in (math.sinh, math.cosh, math.tanh, math.exp)},
} | {r"\arcsin": math.asin, r"\arccos": math.acos, r"\arctan": math.atan, r"\log": math.log10}
MORE_FUNCTIONS: dict[str, Callable[[float], float]] = {
    r"\ln": math.log,
    r"\sec": lambda angle: 1 / math.cos(angle),
    r"\csc": lambda angle: 1 / math.sin(angle),
    r"\cot": lambda angle: 1 / math.tan(angle),
}
ALL_FUNCTIONS = FUNCTIONS | MORE_FUNCTIONS
LETTERS = "alpha beta gamma delta epsilon theta lambda mu rho sigma phi omega Delta Omega Theta"
GREEK = frozenset(rf"\{name}" for name in LETTERS.split())
MARKS = frozenset(rf"\{name}" for name in ("overline", "vec", "hat", "bar", "angle", "triangle"))
"""Marks that make a name of what follows: a line segment, a vector, an angle."""
INVERSES = {r"\sin": math.asin, r"\cos": math.acos, r"\tan": math.atan}
