"""Identity by sampling: expressions and equations in variables, compared at fixed points instead of by algebra.

Two expressions that differ at a point are unequal; two that agree at several points, chosen before they were
written, are equal but for a chance of the order of rounding. An equation is compared by its solutions: where
one holds, the other must.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from zlib import crc32

from scorers.math.amount import close
from scorers.math.latex import DomainError, LatexError, evaluate
from scorers.math.text import compact

_POINTS = 4
_TINY = 1e-6
_LINES = 24
_STEPS = 60

Point = Callable[[str], float]
"""A value for each variable's name."""


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
        if max(abs(value), abs(wanted)) < _TINY:
            continue
        if not close(value, wanted):
            return False
        agreed += 1
        if agreed == _POINTS:
            return True
    return None


@lru_cache(maxsize=8192)
def same_equation(one: tuple[str, str], other: tuple[str, str]) -> bool | None:
    """Whether two equations (left, right) have the same solutions; None where too few are found to tell.

    On lines between points, zeros of one's difference of sides are found by bisection; there the other's must
    vanish, and the other way round.
    """
    try:
        first, second = _difference(one), _difference(other)
        verdicts = _vanishes_with(first, second), _vanishes_with(second, first)
    except LatexError:
        return None
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _difference(sides: tuple[str, str]) -> Callable[[Point], float]:
    left, right = compact(sides[0]), compact(sides[1])

    def difference(variables: Point) -> float:
        return float(evaluate(left, variables=variables)) - float(evaluate(right, variables=variables))

    return difference


def _vanishes_with(first: Callable[[Point], float], second: Callable[[Point], float]) -> bool | None:
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


def _zero(function: Callable[[Point], float], line: int) -> Point | None:
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
        here = function(at(middle))
        if here * value > 0:
            low = middle
        else:
            high = middle
    zero = at((low + high) / 2)
    return zero if abs(function(zero)) < 1e-9 * max(1.0, abs(value), abs(end)) else None
