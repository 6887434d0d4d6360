"""Finding places in a text: bracketed groups of numbers, named numbers, and which of them are the answer.

Shared by `scorers.box` and `scorers.points`. Nothing is decoded as JSON: models leave out brackets, commas and
quotes, so the text is scanned for what matters, in time linear in its length.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

from scorers.coordinates import Point

MAX_GROUPS = 20_000
"""Groups of one text that are looked at: more is no answer, and time must stay bounded."""
MAX_DIGITS = 40
"""Characters of one number: longer ones are no coordinates."""

NUMBER = r"[-+−]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?+\d++)?+"
_QUOTE = r"\\?+[\"']?+"
ITEM = rf"{_QUOTE}{NUMBER}(?:px)?+{_QUOTE}"
SEPARATOR = r"(?:\s*+[,;]\s*+|\s++)"
_GROUP = re.compile(rf"[\[(]\s*+({ITEM}(?:{SEPARATOR}{ITEM})*+)\s*+,?+\s*+(?:[\])]|\Z)")
_NUMBER = re.compile(NUMBER)
_NAMED = re.compile(
    rf"(?<![A-Za-z])(x_?min|y_?min|x_?max|y_?max|x\d*+|y\d*+|left|top|right|bottom|width|height|w|h)"
    rf"[\"']?+\s*+[:=]\s*+[\"']?+({NUMBER})",
    re.IGNORECASE,
)
_STRING = re.compile(r'[:,\[{]\s*+("(?:[^"\\]|\\.)*+")(?=\s*+(?:[,:}\]]|\Z))', re.DOTALL)
_BACKWARDS = re.compile(r"[\s\"'\\\[(]*+[:=]\s*+[\"']?+([\w \-]++)")
"""A key and its colon before a value, read from the value backwards."""
_CUE = re.compile(
    r"(?<![\"'\w])(?:final\s++)?+answer(?:\s++is\b|\s*+[:=])|####|\\boxed\b",
    re.IGNORECASE,
)
_FILLER = re.compile(r"[\s,;]*+")


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers in one pair of brackets."""

    numbers: tuple[float, ...]
    start: int
    end: int
    rank: int
    """How likely the group is the answer rather than talk about it: the lower the likelier."""


def to_number(text: str) -> float | None:
    """A plain decimal number; None where it is too long or not finite."""
    if len(text) > MAX_DIGITS:
        return None
    value = float(text.replace("−", "-"))
    return value if abs(value) < 1e12 else None


def _numbers(body: str) -> tuple[float, ...]:
    """The numbers of a group's inside; empty where one of them is no coordinate."""
    values = [to_number(match[0]) for match in _NUMBER.finditer(body)]
    return tuple(value for value in values if value is not None) if None not in values else ()


class _Layout:
    """What surrounds a position in a text: code fences, JSON strings, the key before it."""

    def __init__(self, text: str, keys: frozenset[str]) -> None:
        self.text = text
        self.keys = keys
        self.fences = [match.start() for match in re.finditer("```", text)]
        self.strings = [match.span(1) for match in _STRING.finditer(text)] if '"' in text else []
        self._starts = [start for start, _ in self.strings]

    def string_at(self, position: int) -> tuple[int, int] | None:
        """Span of the JSON string around a position."""
        before = bisect_right(self._starts, position) - 1
        if before >= 0 and position < self.strings[before][1]:
            return self.strings[before]
        return None

    def rank(self, start: int) -> int:
        """See `Group.rank`: talk in a string, outside of a fence, no telling key, not in a list."""
        string = self.string_at(start)
        talk = string is not None and self.text[string[0] : start].strip(" \t\r\n\"'[(") != ""
        fenced = bisect_right(self.fences, start) % 2 == 1
        before = self.text[max(0, start - 96) : start]
        key = _BACKWARDS.match(before[::-1])
        keyed = key is not None and key[1][::-1].strip().lower().replace(" ", "_") in self.keys
        nested = before.rstrip()[-1:] in ("[", "(")
        return 8 * talk + 4 * (not fenced) + 2 * (not keyed) + (not nested)


def groups(text: str, keys: frozenset[str], sizes: Sequence[int]) -> list[Group]:
    """Bracketed groups of so many numbers, in order.

    Args:
        text: what to search.
        keys: names (lower case) under which an answer stands in JSON.
        sizes: how many numbers a group may have.
    """
    layout = _Layout(text, keys)
    found: list[Group] = []
    for match in islice(_GROUP.finditer(text), MAX_GROUPS):
        numbers = _numbers(match[1])
        if len(numbers) not in sizes:
            continue
        start, end = match.span()
        last = found[-1] if found else None
        if last is not None and _FILLER.fullmatch(text, last.end, start):
            rank = last.rank  # the next element of the same list
        else:
            rank = layout.rank(start)
        found.append(Group(numbers, start, end, rank))
    return found


def after_last_cue(text: str, starts: Sequence[int]) -> int:
    r"""The end of the last "answer is", "answer:" or `\boxed` that has one of `starts` after it; or 0."""
    if not starts:
        return 0
    layout: _Layout | None = None
    position = 0
    for match in _CUE.finditer(text, 0, max(starts) + 1):
        layout = layout or _Layout(text, frozenset())
        if layout.string_at(match.start()) is None:
            position = match.end()
    return position


def named_numbers(text: str) -> Iterator[tuple[int, str, float]]:
    """(position, name in lower case without underscores, value) of numbers such as `"x1": 10` or `x_min=3`."""
    for match in islice(_NAMED.finditer(text), MAX_GROUPS):
        value = to_number(match[2])
        if value is not None:
            yield match.start(), match[1].lower().replace("_", ""), value


def named_points(text: str) -> list[tuple[int, Point]]:
    """(position, (x, y)) of pairs such as `{"x": 1, "y": 2}`, `x=1, y=2` or `<points x1="1" y1="2">`."""
    found: list[tuple[int, Point]] = []
    last: tuple[int, str, float] | None = None
    for position, name, value in named_numbers(text):
        suffix = name[1:]
        if name[0] not in "xy" or not (suffix == "" or suffix.isdigit()):
            last = None
        elif last is not None and last[1][1:] == suffix and last[1][0] != name[0]:
            found.append((last[0], (last[2], value) if name[0] == "y" else (value, last[2])))
            last = None
        else:
            last = (position, name, value)
    return found


def bare_numbers(text: str, count: int) -> tuple[float, ...] | None:
    """So many numbers without brackets at the end of a line: alone on it, or after a colon, "is", "are", "at".

    The last such line counts. None where there is none.
    """
    found = deque(_bare(count).finditer(text), maxlen=1)
    numbers = _numbers(found[0][1]) if found else ()
    return numbers if len(numbers) == count else None


@cache
def _bare(count: int) -> re.Pattern[str]:
    return re.compile(
        rf"(?:^|[:=]|\b(?:is|are|at|be)\b)[ \t*`{{]*+({ITEM}(?:{SEPARATOR}{ITEM}){{{count - 1}}})[ \t*`}}.]*+$",
        re.IGNORECASE | re.MULTILINE,
    )
