"""Identity by sampling: expressions, equations and inequalities in variables, compared at fixed points.

Two expressions that differ at a point are unequal; two that agree at several points, chosen before they were
written, are equal but for a chance of the order of rounding. Two relations are the same where the differences
of their sides are proportional: `y = 2x + 1` and `2x - y + 1 = 0`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from zlib import crc32

from scorers.math.amount import close
from scorers.math.latex import DomainError, LatexError, evaluate
from scorers.math.text import compact

MAX_RELATION = 200
"""Characters of an equation or inequality that is read: its sides are computed at several points."""

_POINTS = 4
_SIGN = re.compile(r"(\\(?:le|ge|ne)(?![a-zA-Z])|[<>=])")
_MIRRORED = {">": "<", r"\ge": r"\le"}

Point = Callable[[str], float]
"""A value for each variable's name."""
Difference = Callable[[Point], float]
"""Right side minus left side at a point."""


def coordinate(point: int, variable: str) -> float:
    """A variable's value at a point: between 1 and 2 at the even ones, 0 and 1 at the odd."""
    mixed = crc32(f"{point} {variable}".encode())
    return (mixed % 99_991 + 0.5) / 99_991 + (point % 2 == 0)


@lru_cache(maxsize=8192)
def same_expression(one: str, other: str) -> bool | None:
    """Whether two standard texts agree at points; None where one cannot be read or too few points can tell."""
    one, other = compact(one), compact(other)
    agreed = 0
    for point in range(2 * _POINTS):
        variables = partial(coordinate, point)
        try:
            value, wanted = evaluate(one, variables=variables), evaluate(other, variables=variables)
        except DomainError:
            continue
        except LatexError:
            return None
        if not close(value, wanted):
            return False
        agreed += 1
        if agreed == _POINTS:
            return True
    return None


@lru_cache(maxsize=8192)
def same_relation(one: str, other: str) -> bool | None:
    """Whether two equations or inequalities are multiples of each other; None where one cannot be read."""
    mine, theirs = _relation(compact(one)), _relation(compact(other))
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return None if mine is None or theirs is None else False
    try:
        factor = _factor(mine[1], theirs[1])
    except LatexError:
        return None
    return factor is not None and (factor > 0 or mine[0] in ("=", r"\ne"))


def _relation(text: str) -> tuple[str, Difference] | None:
    """The sign of a relation (`<` for `>`, its sides swapped) and the difference of its sides."""
    left, *rest = _SIGN.split(text)
    if len(rest) != 2 or len(text) > MAX_RELATION:
        return None
    sign, right = rest
    if sign in _MIRRORED:
        sign, left, right = _MIRRORED[sign], right, left

    def difference(variables: Point) -> float:
        try:
            return float(evaluate(right, variables=variables)) - float(evaluate(left, variables=variables))
        except OverflowError as error:
            raise DomainError(str(error)) from None

    return sign, difference


def _factor(first: Difference, second: Difference) -> float | None:
    """The constant ratio of two differences at points; None where it is none."""
    ratios: list[float] = []
    for point in range(2 * _POINTS):
        try:
            value, wanted = first(partial(coordinate, point)), second(partial(coordinate, point))
        except DomainError:
            continue
        if value == 0 or wanted == 0 or (ratios and not close(value / wanted, ratios[0])):
            return None
        ratios.append(value / wanted)
    return ratios[0] if len(ratios) >= _POINTS else None
