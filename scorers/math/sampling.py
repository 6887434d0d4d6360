"""Identity by sampling: expressions, equations and inequalities in variables, compared at fixed points.

Two expressions that differ at a point are unequal; two that agree at several points, chosen before they were
written, are equal but for a chance of the order of rounding. Two relations are the same where the differences
of their sides are proportional, or, of equations, where each holds at the solutions of the other.
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
"""Characters of an equation or inequality that is read: its sides are computed some thousand times."""

_POINTS = 4
_LINES = 24
_STEPS = 60
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
    """Whether two equations, or two inequalities, hold at the same points; None where one cannot be read.

    On lines between points, zeros of an equation's difference of sides are found by bisection; there the
    other's must vanish, and the other way round. Inequalities that are not proportional count as different.
    """
    mine, theirs = _relation(compact(one)), _relation(compact(other))
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return None if mine is None or theirs is None else False
    sign, first, second = mine[0], mine[1], theirs[1]
    try:
        factor = _factor(first, second)
        if factor is not None:
            return factor > 0 or sign in ("=", r"\ne")
        verdicts = (_vanishes_with(first, second), _vanishes_with(second, first)) if sign == "=" else (False,)
    except LatexError:
        return None
    return False if False in verdicts else None if None in verdicts else True


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


def _vanishes_with(first: Difference, second: Difference) -> bool | None:
    found = 0
    for line in range(_LINES):
        try:
            zero = _zero(first, line)
            if zero is None:
                continue
            there, scale = second(zero), max(abs(second(partial(coordinate, line))), 1e-3)
        except DomainError:
            continue
        if abs(there) > 1e-7 * scale:
            return False
        found += 1
        if found == _POINTS:
            return True
    return None


def _zero(function: Difference, line: int) -> Point | None:
    """A point on a line through two sample points at which the function changes its sign without a jump."""

    def at(share: float) -> Point:
        def point(variable: str) -> float:
            start, end = coordinate(line, variable), coordinate(line + 1000, variable) - 0.5 * (line % 3)
            return start + share * (end - start)

        return point

    low, high = 0.0, 1.0
    value, end = function(at(low)), function(at(high))
    if value * end >= 0:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if function(at(middle)) * value > 0:
            low = middle
        else:
            high = middle
    zero = at((low + high) / 2)
    return zero if abs(function(zero)) < 1e-9 * max(1.0, abs(value), abs(end)) else None
