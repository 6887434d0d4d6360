r"""An amount: a number, perhaps with a unit: `2 \sqrt{5} cm`, `30\%`, `120^\circ`, `24 houses`."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from scorers.math.bounded import Number
from scorers.math.latex import LatexError, evaluate
from scorers.math.text import TABLES, compact

LONGEST = 200
"""Characters of a text that may be an amount."""

_UNITS = {name: names.split()[0] for names in TABLES["units"] for name in names.split()} | {"unit": ""}
_SIGNED = re.compile(r"(.*\S)\s*(\^\\circ(?: ?T)?|\\%|\")")  # 118°T: a true bearing
_WORDED = re.compile(
    r"(.*(?:\d\.?|[)}\]]|\\pi))\s?((?:[a-zA-Z]{1,16}+(?![a-zA-Z])\.?\s?){1,4}+)\s?(?:\^\s?\{?([23])\}?)?"
    r"(?:\s?/\s?([a-zA-Z]{1,8}))?",
    re.DOTALL,
)
_POWERS = {"sq": "2", "square": "2", "squared": "2", "cubic": "3", "cubed": "3", "cu": "3"}
_NO_UNIT = frozenset("and or not than to of more less plus minus times over is the".split())
_DECIMAL = re.compile(r"[-+]?\d*\.(\d+)")


@lru_cache(maxsize=8192)
def value_of(text: str) -> Number | None:
    """The value of a standard text that is arithmetic and nothing else; None for any other."""
    try:
        return evaluate(compact(text))
    except LatexError:
        return None


@lru_cache(maxsize=8192)
def read_amount(text: str) -> tuple[Number, str] | None:
    """The value and the unit ("" for none) of a standard text; None where it is no amount.

    Known units have one name each and a power ("cm2"); other words after a number are none ("24 houses"). A
    single letter that is no known unit is a variable.
    """
    signed = _SIGNED.fullmatch(text[-LONGEST:])
    value = None if signed else value_of(text)
    if value is not None:
        return value, ""
    if len(text) > LONGEST:
        return None
    unit: str | None
    if signed:
        body, unit = signed[1], _UNITS[signed[2].rstrip("T ")]
    elif worded := _WORDED.fullmatch(text):
        body, unit = worded[1].rstrip("."), _unit(worded[2], worded[3] or "")
        if worded[4]:
            per = _unit(worded[4], "")
            unit = f"{unit}/{per}" if unit and per else None
    else:
        return None
    value = value_of(body)
    return None if value is None or unit is None else (value, unit)


def _unit(text: str, power: str) -> str | None:
    """The unit that words after a number begin with; "" where they begin with none, None for a variable."""
    words = text.lower().replace(".", " ").split()
    if not words or set(words) & _NO_UNIT or (len(words[-1]) == 1 and words[-1] not in _UNITS):
        return None
    raised = next((_POWERS[word] for word in words if word in _POWERS), power)
    first = next((word for word in words if word not in _POWERS), "")
    if first == "in" and words[-1] != "in":  # "12 in total"
        return ""
    unit = _UNITS.get(first, _UNITS.get(first.removesuffix("s"), ""))
    return unit + raised if unit else ""


def same_amount(one: str, other: str) -> bool | None:
    r"""Whether two standard texts are equal amounts; None where one of them is no amount.

    A unit that one side leaves out is no difference, two different ones are. `30\%` is both 30 and 0.3.
    """
    mine, theirs = read_amount(one), read_amount(other)
    if mine is None or theirs is None:
        return None
    (value, unit), (gold, gold_unit) = mine, theirs
    if unit and gold_unit and unit != gold_unit:
        return False
    if same_number(value, gold, one, other):
        return True
    if {unit, gold_unit} == {"percent", ""}:
        ours, its = (1, 100) if unit else (100, 1)
        return same_number(value * ours, gold * its, one, other)
    return False


def close(one: Number, other: Number) -> bool:
    """Equal as integers, else within the rounding of doubles, which is relative: no small number is 0."""
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    try:
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=0)
    except OverflowError:
        return False


def same_number(one: Number, other: Number, one_text: str, other_text: str) -> bool:
    """Close, or one is a decimal of three digits to which the other rounds, or is cut at three decimals."""
    if close(one, other):
        return True
    if isinstance(one, int) or isinstance(other, int):
        return False
    decimal, other_decimal = _DECIMAL.match(one_text), _DECIMAL.match(other_text)
    written = decimal or other_decimal
    if written is None or (decimal and other_decimal):
        return False
    digits = len(written[0].lstrip("-+0.").replace(".", ""))
    unit = 10.0 ** -len(written[1])
    rounded, exact = (one, other) if decimal else (other, one)
    cut = 0 <= abs(exact) - abs(rounded) < unit <= 0.0011
    return digits >= 3 and exact * rounded > 0 and (cut or abs(one - other) <= 0.500001 * unit)
