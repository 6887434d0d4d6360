r"""Parts of the number line: intervals, unions of them, and inequalities in one variable.

`(-\infty, 4]`, `y \le 4` and `4 \ge y` are the same part, `x \ne 3` is `(-\infty,3)\cup(3,\infty)`.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from scorers.math.amount import close, value_of
from scorers.math.bounded import Number
from scorers.math.text import compact

_UNION = re.compile(r"\\cup(?![a-zA-Z])|(?<![a-zA-Z\\])(?:or|U)(?![a-zA-Z])")
_INTERVAL = re.compile(r"([(\[])([^,;()\[\]]+)[,;]([^,;()\[\]]+)([)\]])")
_SIGN = re.compile(r"(<|>|\\(?:le|ge|ne)(?![a-zA-Z]))")
_VARIABLE = re.compile(r"(?:\\[a-z]+|[a-zA-Z](?:\([a-z]\)|_\{?\w\}?)?)")
_ALL = re.compile(r"all real numbers|\\mathbb\{R\}")


class Piece(NamedTuple):
    """An interval; an end at infinity is open."""

    low: Number
    high: Number
    low_closed: bool = False
    high_closed: bool = False


def same_region(one: str, other: str) -> bool | None:
    """Whether two standard texts are the same part of the line; None where one is no such thing.

    None too where both are pairs in brackets, which may be points. Variables of different names differ.
    """
    if not any(sign in one + other for sign in ("<", ">", r"\le", r"\ge", r"\ne", r"\infty", r"\cup", "real")):
        return None
    mine, theirs = _read(one), _read(other)
    if mine is None or theirs is None:
        return None
    (name, pieces), (gold_name, gold) = mine, theirs
    if len(pieces) != len(gold) or (name and gold_name and name != gold_name):
        return False
    return all(
        piece[2:] == wanted[2:] and close(piece.low, wanted.low) and close(piece.high, wanted.high)
        for piece, wanted in zip(sorted(pieces), sorted(gold), strict=True)
    )


def _read(text: str) -> tuple[str, list[Piece]] | None:
    """The variable ("" for none) and the intervals of a text."""
    name, pieces = "", []
    text = re.sub(r"_\{(\w)\}", r"_\1", text)
    head, within, rest = text.partition(r"\in ")
    if within and _VARIABLE.fullmatch(head.strip()):
        name, text = head.strip(), rest
    if _ALL.fullmatch(text.strip()):
        return name, [Piece(-math.inf, math.inf)]
    for part in _UNION.split(text):
        read = _interval(compact(part.strip())) or _inequality(compact(part.strip()))
        if read is None or (name and read[0] and read[0] != name):
            return None
        name = name or read[0]
        pieces += read[1]
    return name, pieces


def _value(text: str) -> Number | None:
    """A number or an infinity."""
    if text in (r"\infty", r"+\infty", r"-\infty"):
        return -math.inf if text[0] == "-" else math.inf
    return value_of(text)


def _interval(text: str) -> tuple[str, list[Piece]] | None:
    match = _INTERVAL.fullmatch(text)
    low, high = (_value(match[2]), _value(match[3])) if match else (None, None)
    if match is None or low is None or high is None or not low < high:
        return None
    return "", [Piece(low, high, match[1] == "[", match[4] == "]")]


def _inequality(text: str) -> tuple[str, list[Piece]] | None:
    r"""One variable between numbers: `a < x \le b` and its mirror, `x > a`, `x \ne a`."""
    parts = _SIGN.split(text)
    sides, signs = [part.strip() for part in parts[::2]], parts[1::2]
    if sum(sign in (">", r"\ge") for sign in signs) == len(signs):
        sides, signs = sides[::-1], [{">": "<", r"\ge": r"\le"}[sign] for sign in signs[::-1]]
    names = [place for place, side in enumerate(sides) if _VARIABLE.fullmatch(side) and side != r"\pi"]
    ends = [_value(side) for place, side in enumerate(sides) if place not in names]
    if len(names) != 1 or len(sides) not in (2, 3) or len(set(signs) & {">", r"\ge"}) or None in ends:
        return None
    name, at = sides[names[0]], names[0]
    if len(sides) == 3:
        low, high = (end for end in ends if end is not None)
        if at != 1 or r"\ne" in signs or not low < high:
            return None
        return name, [Piece(low, high, signs[0] == r"\le", signs[1] == r"\le")]
    end, closed = ends[0] or 0, signs[0] == r"\le"
    if signs[0] == r"\ne":
        return name, [Piece(-math.inf, end), Piece(end, math.inf)]
    return name, [Piece(end, math.inf, closed) if at else Piece(-math.inf, end, False, closed)]
