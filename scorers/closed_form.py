r"""Exact values as people write them: "5√3", "\frac{5\pi}{3}", "30(√3 - 1)", "16*pi/5".

A small recursive parser over a fixed alphabet: nothing is evaluated as code, depth and length are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<number>\d{1,15}(?:\.\d{1,15})?)|(?P<frac>\\[dt]?frac)"
    r"|(?P<root>\\?sqrt(?![a-z])|√|(?:the )?square root of)|(?P<pi>\\pi(?![a-z])|π|\bpi\b|(?<=\d)pi\b)"
    r"|(?P<times>\\cdot|\\times|[*×·⋅])|(?P<sign>[-+−–/÷^(){}])"
)
_WRAPPING = re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|\$")
_UNIT = re.compile(r"\s?(?:[A-Za-z]{1,12}|°|\*?\\degree)?[²³23]?")
_STATED = re.compile(r"(?:^|[=≈:→⇒]|\b(?:is|are|was|be|equals?|gives?|get|about|approximately|to))[\s($]*$")
_OPERATES = re.compile(r"\s?(?:[=≈°^_!]|(?:cos|sin|tan|log)\b|\\[a-z])")
_DEPTH, _TOKENS = 12, 48
_SIGNS = {"−": "-", "–": "-", "÷": "/"}


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a text, and within what it is known."""

    value: float
    within: float
    start: int
    end: int


class _Parser:
    """Recursive descent over the tokens of one expression. Raises ValueError where it is none."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def _peek(self) -> str:
        if self.place >= len(self.tokens):
            return ""
        kind, text = self.tokens[self.place]
        return text if kind == "sign" else kind

    def _take(self, expected: str = "") -> str:
        if expected and self._peek() != expected:
            raise ValueError(expected)
        text = self.tokens[self.place][1]
        self.place += 1
        return text

    def whole(self) -> float:
        value = self._sum(0)
        if self.place != len(self.tokens):
            raise ValueError
        return value

    def _sum(self, depth: int) -> float:
        if depth > _DEPTH:
            raise ValueError
        value = self._product(depth)
        while self._peek() in ("+", "-"):
            value += self._product(depth) if self._take() == "+" else -self._product(depth)
        return value

    def _product(self, depth: int) -> float:
        value = self._power(depth)
        while (ahead := self._peek()) in ("times", "/", "number", "frac", "root", "pi", "("):
            if ahead in ("times", "/"):
                self._take()
            factor = self._power(depth)
            value = value / factor if ahead == "/" else value * factor
        return value

    def _power(self, depth: int) -> float:
        if self._peek() == "-":
            self._take()
            return -self._power(depth + 1) if depth < _DEPTH else math.nan
        base = self._atom(depth)
        if self._peek() == "^":
            self._take()
            exponent = self._atom(depth)
            return float(base**exponent) if abs(exponent) <= 12 and base > 0 else math.nan
        return base

    def _atom(self, depth: int) -> float:
        ahead = self._peek()
        if ahead == "number":
            return float(self._take())
        if ahead == "pi":
            self._take()
            return math.pi
        if ahead in ("(", "{"):
            self._take()
            value = self._sum(depth + 1)
            self._take(")" if ahead == "(" else "}")
            return value
        if ahead == "root" and depth < _DEPTH:
            self._take()
            return math.sqrt(self._atom(depth + 1))
        if ahead == "frac" and depth < _DEPTH:
            self._take()
            return self._atom(depth + 1) / self._atom(depth + 1)
        raise ValueError(ahead)


def _evaluate(tokens: list[tuple[str, str]]) -> float | None:
    if len(tokens) > _TOKENS:
        return None
    try:
        value = _Parser(tokens).whole()
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Tokens that stand side by side, blanks aside."""
    run: list[re.Match[str]] = []
    for match in _TOKEN.finditer(text):
        if run and text[run[-1].end() : match.start()].strip():
            yield run
            run = []
        run.append(match)
    if run:
        yield run


def find_values(text: str) -> list[Value]:
    """The values that a text states: at its beginning, after "=" or a verb, and not calculated with further."""
    text = _WRAPPING.sub("", text[-8_000:])
    found = []
    for run in _runs(text):
        start, end = run[0].start(), run[-1].end()
        if not _STATED.search(text, max(0, start - 24), start) or _OPERATES.match(text, end):
            continue
        value = _evaluate([(str(match.lastgroup), _SIGNS.get(match[0], match[0])) for match in run])
        if value is not None:
            decimals = len(text[start:end].partition(".")[2]) if run[-1] is run[0] else 0
            found.append(Value(value, 0.6 * 10.0**-decimals if decimals > 1 else 1e-9, start, end))
    return found


@lru_cache(maxsize=4096)
def option_values(options: tuple[str, ...]) -> tuple[float, ...]:
    """The values of options that are all different exact values, at least one with π, a root or a fraction."""
    if not any(re.search(r"√|sqrt|π|\\pi|frac|\bpi\b", option) for option in options):
        return ()
    found = []
    for option in options:
        values = find_values(option)
        bare = _WRAPPING.sub("", option)
        if len(values) != 1 or values[0].start or not _UNIT.fullmatch(bare, values[0].end):
            return ()
        found.append(values[0].value)
    return tuple(found) if len(set(found)) == len(found) else ()


def same_value(text: str, values: tuple[float, ...]) -> int | None:
    """The option whose value a text states last; None where it states none of them."""
    for stated in reversed(find_values(text)):
        near = [index for index, value in enumerate(values) if abs(value - stated.value) <= stated.within]
        if len(near) == 1:
            return near[0]
    return None
