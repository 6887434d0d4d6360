"""Arithmetic on integers and doubles within limits: exact as long as it is integer, never endless.

Each function raises `ArithmeticError` beyond the limits or without a real value.
"""

from __future__ import annotations

import math

MAX_BITS = 14_000
"""Largest integer, in binary digits: about 4,200 decimal ones, what Python still prints."""

Number = int | float


def literal(text: str) -> Number:
    r"""A number as LaTeX has it: `1,200`, `.5`, `30\%`. A decimal without a fraction is an integer."""
    percent = text.endswith(r"\%")
    digits = text.removesuffix(r"\%").replace(",", "")
    if len(digits) > 1000:
        raise ArithmeticError("too many digits")
    value: Number = float(digits) if "." in digits else int(digits)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return quotient(value, 100) if percent else value


def bounded(value: Number) -> Number:
    """The value itself."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ArithmeticError("too large")
    return value


def total(one: Number, other: Number) -> Number:
    """The sum; 0 where of two doubles nothing but their rounding is left."""
    value = one + other
    return 0 if isinstance(value, float) and abs(value) < 1e-14 * abs(one) else value


def quotient(top: Number, bottom: Number) -> Number:
    """Exact where it is an integer."""
    if isinstance(top, int) and isinstance(bottom, int) and bottom and top % bottom == 0:
        return top // bottom
    return top / bottom


def power(base: Number, exponent: Number) -> Number:
    """Exact where both are integers and the exponent is not negative."""
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent >= 0 and max(base.bit_length(), 1) * exponent > MAX_BITS and abs(base) > 1:
            raise ArithmeticError("too large")
        if exponent < 0:
            return quotient(1, power(base, -exponent))
    value = base**exponent
    if isinstance(value, complex):
        raise ArithmeticError("not real")
    return bounded(value)


def factorial(value: Number) -> int:
    """Of an integer up to 1000."""
    if not isinstance(value, int) or not 0 <= value <= 1000:
        raise ArithmeticError("no factorial")
    return math.factorial(value)


def choose(top: Number, bottom: Number) -> int:
    """The binomial coefficient of integers up to 1000."""
    if not (isinstance(top, int) and isinstance(bottom, int) and 0 <= bottom <= 1000 and 0 <= top <= 1000):
        raise ArithmeticError("no binomial")
    return math.comb(top, bottom)
