"""Reading places: every vector of numbers in a text, in order, and which of them the answer states.

Nothing is decoded as JSON: models leave out brackets, commas and quotes, so a text is scanned for vectors, in
time linear in its length. Then one character stands for each, so that none of its commas and brackets ends a
line, a sentence or an announcement, and the channels of `scorers.read.locate` say where the answer is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from scorers.place.coordinates import Y_FIRST
from scorers.read.locate import AMBIGUOUS, Candidate, Channel, Found, Unclear, first, locate, plain, standing
from scorers.read.normalise import Clean
from scorers.read.text import sentences
from scorers.types import Coords

Places = tuple[tuple[float, ...], ...]
"""x, y of each point and x1, y1, x2, y2 of each box, in the units in which they are written."""

_LARGEST = 1e6
"""Numbers beyond are no coordinates of any image; nor are those of more than 40 characters."""
_MAX_VECTORS = 20_000
_MARK = 0xF0000
"""The first of the characters that stand for vectors: the private plane, which no response uses."""

_NUMBER = r"[-+−]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?+\d++)?+"
_ITEM = rf"(?:\\?+[\"'])?+{_NUMBER}(?:px|%)?+(?:\\?+[\"'])?+"
_NUMBERS = re.compile(_NUMBER)
_SCAN = (
    rf"[\[(]\s*+(?P<group>{_ITEM}(?:(?:\s*+[,;]\s*+|\s++){_ITEM})*+)\s*+,?+\s*+(?:(?:\\right)?[\])]|\Z)"
    r"|(?<![A-Za-z])(?P<name>[xy]_?(?:min|max|\d*+)|(?<!_)(?:left|top|right|bottom|width|height|w|h))"
    rf"[\"']?+\s*+[:=>]\s*+[\"']?+(?P<value>{_NUMBER})"
    r"|(?:^|[:=>{]|\b(?:is|are|at|be)\b)[ \t]*+"
    rf"(?P<bare>{_ITEM}(?:(?:[ \t]*+[,;][ \t]*+|[ \t]++){_ITEM}){{1,3}})[ \t.:]*+(?=$|[<}}])"
)
"""A bracketed vector; a named number; numbers without brackets that end a line, a tag's inside or a brace's."""
_TOKENS = {"loc1024": r"|<loc(\d{4})>\s*+<loc(\d{4})>", "loc1000": r"|<loc_(\d{1,3})>\s*+<loc_(\d{1,3})>"}
_PATTERNS = {tokens: re.compile(_SCAN + tokens, re.I | re.M) for tokens in ("", *_TOKENS.values())}
_STRING = re.compile(r'[:,\[{]\s*+("(?:[^"\\]|\\.)*+")(?=\s*+(?:[,:}\]]|\Z))', re.DOTALL)
_KEY_BACKWARDS = re.compile(r"[\s\"'\\\[(]*+[:=]\s*+([\"']?+)([\w \-]++)")
"""A key and its colon before a value, read from the value backwards."""
_TELLS = re.compile(
    r"box|point|coord|answer|click|cent(?:er|re)|position|location|output|result|target|corner|left|right|top|bottom",
    re.IGNORECASE,
)
_FILLER = re.compile(r"[\s,;]*+")
_BOXES = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
    *(
        (x, y, width, height)
        for x, y in (("x", "y"), ("xmin", "ymin"), ("left", "top"))
        for width, height in (("width", "height"), ("w", "h"))
    ),
)
_CORNERS = (("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"))


@dataclass(frozen=True, slots=True)
class Vector:
    """Numbers that stand together."""

    numbers: tuple[float, ...]
    """x, y or x1, y1, x2, y2 in the units in which they are written: x before y whatever the convention."""
    start: int
    end: int
    named: bool = False
    """Names said which number is which."""
    rank: int = 0
    """0 under a telling key, 1 under another or in a list, 2 in prose, 3 amid the words of a JSON string."""


def _floats(text: str) -> tuple[float, ...]:
    """The numbers of a text; empty where one of them is no coordinate."""
    values = [float(said.replace("−", "-")) if len(said) <= 40 else _LARGEST for said in _NUMBERS.findall(text)]
    return tuple(values) if all(abs(value) < _LARGEST for value in values) else ()


def _by_name(run: dict[str, tuple[float, int, int]]) -> list[Vector]:
    """The box or the points of named numbers that follow each other: name → (value, start, end)."""
    points = []
    for (one, (first_value, start, _)), (two, (second_value, _, end)) in pairwise(run.items()):
        if {one[0], two[0]} == {"x", "y"} and one[1:] == two[1:]:
            pair = (first_value, second_value) if one < two else (second_value, first_value)
            points.append(Vector(pair, start, end, named=True))
    for names in _BOXES if points else _BOXES + _CORNERS:
        if all(name in run for name in names):
            x, y, *far = (run[name][0] for name in names)
            far = [x + far[0], y + far[1]] if names[2][0] == "w" else far
            spans = [span for _, *span in run.values()]
            return [Vector((x, y, *far), spans[0][0], spans[-1][1], named=True)]
    return points


def _found(text: str, coords: Coords) -> Iterator[Vector]:
    """All vectors of two or four numbers, without their ranks."""
    run: dict[str, tuple[float, int, int]] = {}
    last = 0
    for match in islice(_PATTERNS[_TOKENS.get(coords, "")].finditer(text), _MAX_VECTORS):
        kind = next((kind for kind in ("group", "bare", "value") if match[kind]), 0)
        numbers, name = _floats(match[kind]), (match["name"] or "").lower().replace("_", "")
        if not name or name in run or match.start() > last + 80:
            yield from _by_name(run)
            run = {}
        if name and numbers:
            run[name] = (numbers[0], *match.span())
            last = match.end()
        elif len(numbers) in (2, 4) and ("%" not in match[0] or coords == "norm100"):
            if coords in Y_FIRST:
                numbers = tuple(numbers[axis ^ 1] for axis in range(len(numbers)))
            yield Vector(numbers, *match.span("bare" if kind == "bare" else 0))
    yield from _by_name(run)


def _rank(before: str) -> int:
    """How the text before a vector introduces it: see `Vector.rank`."""
    key = _KEY_BACKWARDS.match(before[::-1])
    if key and _TELLS.search(key[2][::-1]):
        return 0
    return 1 if (key and key[1]) or before.rstrip().endswith(("[", "(", "{")) else 2


def scan(text: str, coords: Coords) -> list[Vector]:
    """The vectors of a plain text in order. The convention says which number is x, and whether tokens count."""
    strings = [match.span(1) for match in _STRING.finditer(text)]
    found: list[Vector] = []
    for vector in _found(text, coords):
        if found and _FILLER.fullmatch(text, found[-1].end, vector.start):
            rank = found[-1].rank  # the next element of the same list
        else:
            at = bisect_right(strings, (vector.start, 0)) - 1
            talks = at >= 0 and vector.start < strings[at][1]
            talks = talks and text[strings[at][0] : vector.start].strip(" \t\r\n\"'[(") != ""
            rank = 3 if talks else _rank(text[max(0, vector.start - 96) : vector.start])
        found.append(replace(vector, rank=rank))
    return found


# --- Which of them are the answer ---------------------------------------------------------------------------

_ANY = f"[{chr(_MARK)}-{chr(_MARK + _MAX_VECTORS)}]"
_DENIED = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|rather than|instead of|unlike|\w{1,8}n't)"
    r"(?:\s++(?!(?:is|are|was|were|only|sure)\b|\w{1,24}ing\b)[\w'-]{1,24}){0,4}+\s*+(?:\(\s*+)?"
    rf"|(?:不是|并非|而非|不在)\w{{0,8}}\s*+){_ANY}(?:\s*+(?:or|nor|and|to)\s++{_ANY})*"
    rf"|{_ANY}\)?\s*+(?:(?:is|are|was|were|would be|looks?|seems?)"
    r"(?:\s++not\b(?! only)|n't\b|\s++(?:the )?(?:wrong|incorrect|false)\b)|(?:是)?错误?的?|不对|不是)",
    re.IGNORECASE,
)
"""What is denied. Not `scorers.read.text.undenied`: "the man not wearing a hat is at …" denies no place."""
_EITHER = re.compile(rf"{_ANY}\s*+(?:,\s*+)?(?:or\b|或者?)\s*+{_ANY}", re.IGNORECASE)
_LABELS = re.compile(r'"[^"]*"|<[^<>]*>')
_WORDS = re.compile(r"[^\W\d_]{2,}")
_VALUE = re.compile(r'(:\s*+)"((?:[^"\\]|\\.)*+)"(?=\s*+[,}\]])', re.DOTALL)
_BULLET = re.compile(r"(?:[-*•]|\d{1,3}[.)])\s+")
_GOES_ON = re.compile(rf"(?:(?<=[\[{{(,:])[^\S\n]*+\n|\n(?=\s*+[\]}}),]))\s*+(?:{_BULLET.pattern})?")
"""A line's end after which a list or an object goes on, or a colon's value stands."""
_BLANK = re.compile(r"\n[^\S\n]*+(?:\n[^\S\n]*+)++")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SYMBOLS = re.compile(
    r"[\[(]\s*+[xywh]\w{0,5}(?:\s*+,\s*+[xywh]\w{0,5}){1,3}\s*+[\])]|[\U000f0000-\U0010ffff]", re.IGNORECASE
)
"""`[x1, y1, x2, y2]`: what numbers are meant, not numbers; and what would pass for a mark."""


def read_places(
    response: Clean,
    coords: Coords,
    combine: Callable[[str, list[Vector]], Iterable[Vector]] = lambda _, vectors: vectors,
) -> Found[Places] | None:
    """All that a response points at, x before y; None where there is nothing.

    Places are found by channel, as every other type; last in the whole text, as it stands. Where they stand
    amid prose too, only the likeliest kind counts: see `Vector.rank`.

    Args:
        response: one with open thinking holds nothing.
        coords: the declared convention.
        combine: (the plain text, the vectors in it that a candidate states) → those that are places.
    """
    tagged = response.blocks[-1:]
    for source in () if response.open else (*tagged, response.visible):
        text = plain(_BLANK.sub("\n\n", source)).translate(_WIDE)
        text = _SYMBOLS.sub(lambda symbols: " " * len(symbols[0]), text)
        vectors = scan(text, coords)

        def parse(
            candidate: Candidate, text: str = text, known: list[Vector] = vectors
        ) -> Places | Unclear | None:
            if candidate.alone and _WORDS.search(_LABELS.sub("", candidate.text)):
                return None
            if _EITHER.search(candidate.text):
                return AMBIGUOUS
            said = "".join(_DENIED.sub("", part) for part in sentences(candidate.text))
            places = list(combine(text, [known[ord(sign) - _MARK] for sign in said if ord(sign) >= _MARK]))
            best = min((place.rank for place in places), default=0)
            return tuple(place.numbers for place in places if place.rank == best) or None

        found = first(_candidates(_lines(standing(_marked(text, vectors)))), parse) if vectors else None
        if found is not None:
            return Found(found.value, Channel.TAG if source in tagged else found.channel, text)
    return None


def _candidates(text: str) -> Iterator[Candidate]:
    found = locate(Clean(text, (), "", open=False, unclosed=False))
    yield from (candidate for candidate in found if candidate.channel is not Channel.STATED)
    yield Candidate(Channel.STATED, text)


def _marked(text: str, vectors: Sequence[Vector]) -> str:
    """A text with one character for each vector. What JSON strings say goes, unless all vectors are there."""
    parts, end = [], 0
    for number, vector in enumerate(vectors):
        parts += [text[end : vector.start], chr(_MARK + number)]
        end = vector.end
    marked = "".join((*parts, text[end:]))
    if all(vector.rank == 3 for vector in vectors):
        return marked
    return _VALUE.sub(lambda value: f'{value[1]}""' if _WORDS.search(value[2]) else value[0], marked)


def _lines(text: str) -> str:
    """A marked text with JSON, what follows a colon, and a list of vectors each in one line."""
    told: list[str] = []
    for line in filter(None, map(str.strip, _GOES_ON.sub(" ", text).split("\n"))):
        if told and _is_item(told[-1]) and _is_item(line):
            told[-1] = f"{told[-1]} {_BULLET.sub('', line, count=1)}"
        else:
            told.append(line)
    return "\n".join(told)


def _is_item(line: str) -> bool:
    """Whether a line holds a vector and hardly a word."""
    words = _WORDS.findall(_LABELS.sub("", line[-200:]))
    return len(words) <= 3 and any(ord(sign) >= _MARK for sign in line[-200:])
