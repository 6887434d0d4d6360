"""RoboSpatial-Home's own rule: `evaluate_answer` of RoboSpatial-Eval's `evaluation.py`, restated.

Yes/no: the response, stripped and in lower case, starts with the gold word. Pointing: the first `(x, y)` of
unsigned numbers, else the first `[x, y]`, else the first point of the first bracketed list read as a Python
literal, must lie in the gold polygon by even-odd ray casting.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

_UNSIGNED = r"(\d++(?:\.\d*+)?+)"
_TUPLE = re.compile(rf"\(\s*+{_UNSIGNED}\s*+,\s*+{_UNSIGNED}\s*+\)")
_LIST = re.compile(rf"\[\s*+{_UNSIGNED}\s*+,\s*+{_UNSIGNED}\s*+\]")
_MAX_LITERAL = 10_000
"""Characters of a list that is read as a literal: Python's parser is recursive."""

Polygon = Sequence[tuple[float, float]]


def inside_even_odd(x: float, y: float, polygon: Polygon) -> bool:
    """Whether a ray from the point to the right crosses the polygon's edges an odd number of times."""
    inside = False
    xj, yj = polygon[-1]
    for xi, yi in polygon:
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            inside = not inside
        xj, yj = xi, yi
    return inside


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _first_listed(text: str) -> tuple[float, float] | None:
    """The first point of the first bracketed list: `[x, y]`, `[(x, y), …]` or `[[x, y], …]`, any literals."""
    start = text.find("[")
    end = text.find("]", start + 1)
    if start < 0 or end < 0 or end - start > _MAX_LITERAL:
        return None
    content = re.sub(r",(\S)", r", \1", text[start + 1 : end]).strip().removesuffix(",")
    values = _literal(f"[{content}]")
    if not isinstance(values, list) or not values:
        return None
    first = values if len(values) == 2 and all(isinstance(v, int | float) for v in values) else values[0]
    if not isinstance(first, list | tuple) or len(first) != 2:
        return None
    try:
        return float(first[0]), float(first[1])
    except (TypeError, ValueError, OverflowError):
        return None


def robospatial_yes_no_official(text: str, gold: str) -> float:
    """The script's verdict on a yes/no question, 0 or 1. `gold` is "yes" or "no"."""
    return float(text.strip().lower().startswith(gold))


def robospatial_point_official(text: str, polygon: Polygon) -> float:
    """The script's verdict on a pointing question, 0 or 1. `polygon` is in fractions of width and height."""
    match = _TUPLE.search(text) or _LIST.search(text)
    point = (float(match[1]), float(match[2])) if match else _first_listed(text)
    return float(point is not None and inside_even_odd(*point, polygon))
