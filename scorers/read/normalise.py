"""The first step of reading: one clean text out of a response, for our rule and the official one alike.

Chat tokens go, thinking is taken apart, answer blocks are found. What belongs to a model family is data: one
table of delimiters (`words.toml`), to which a user may add (`--delimiters FILE`).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

Pairs = tuple[tuple[str, str], ...]
Pattern = re.Pattern[str]

WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
"""The tables of `words.toml`."""


@dataclass(frozen=True, slots=True, eq=False)
class Delimiters:
    """What models write around thinking, answers and turns, in upper or lower case."""

    thinking: Pairs
    answer: Pairs
    box: Pairs
    """Becomes `\\boxed{}`."""
    dropped: tuple[str, ...]
    """Tokens to leave out, beside every `<|name|>` that is none of the above."""

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Delimiters:
        """The delimiters of a table with the fields as keys, all optional: lists of pairs, or of texts."""
        thinking, answer, box = (
            tuple((opening, closing) for opening, closing in table.get(key, ()))
            for key in ("thinking", "answer", "box")
        )
        return cls(thinking, answer, box, tuple(table.get("dropped", ())))

    def __add__(self, other: Delimiters) -> Delimiters:
        """These and others."""
        return Delimiters(
            *(getattr(self, name) + getattr(other, name) for name in ("thinking", "answer", "box", "dropped"))
        )


STANDARD = Delimiters.of(WORDS["delimiters"])


class Tag(NamedTuple):
    """A delimiter in a response."""

    kind: str
    """`thinking` or `answer`."""
    closes: bool
    start: int
    end: int


@lru_cache(maxsize=16)
def _patterns(delimiters: Delimiters) -> tuple[Pattern, dict[str, tuple[str, bool]], Pattern, Pattern]:
    """What finds tags, the kind of each, what finds tokens to drop, and what finds boxes."""
    kinds: dict[str, tuple[str, bool]] = {}
    for kind, pairs in (("thinking", delimiters.thinking), ("answer", delimiters.answer)):
        for opening, closing in pairs:
            kinds[opening.lower()], kinds[closing.lower()] = (kind, False), (kind, True)
    tags = re.compile(_alternatives(kinds), re.IGNORECASE)
    dropped = re.compile(rf"<[|｜][^<>|｜\s]{{1,40}}[|｜]>|{_alternatives(delimiters.dropped)}", re.IGNORECASE)
    opening, closing = map(_alternatives, zip(*delimiters.box, strict=True))
    box = re.compile(rf"(?:{opening})((?:(?!{opening}).){{0,2000}}?)(?:{closing})", re.IGNORECASE | re.DOTALL)
    return tags, kinds, dropped, box


@lru_cache(maxsize=16)
def _first_signs(delimiters: Delimiters) -> frozenset[str]:
    """The characters without any of which a text has no delimiter."""
    pairs = (*delimiters.thinking, *delimiters.answer, *delimiters.box, delimiters.dropped)
    return frozenset("<").union(text[0] for pair in pairs for text in pair)


def _alternatives(texts: Iterable[str]) -> str:
    """A pattern of some texts, the longest first, which shares their beginnings: few are tried at each "<"."""
    rests: dict[str, set[str]] = {}
    for text in filter(None, texts := set(texts)):
        rests.setdefault(text[0].lower(), set()).add(text[1:])
    branches = "|".join(re.escape(head) + _alternatives(rest) for head, rest in rests.items())
    return f"(?:{branches})?" if "" in texts and branches else f"(?:{branches})" if len(rests) > 1 else branches


_JSON_STRING = re.compile(r'[:,\[{]\s*+("[^"\\]*+(?:\\.[^"\\]*+)*+")(?=\s*+[,:}\]])', re.DOTALL)


@lru_cache(maxsize=256)
def read_tags(text: str, delimiters: Delimiters = STANDARD) -> tuple[Tag, ...]:
    """The thinking and answer tags of a text in order; those inside JSON strings are text."""
    pattern, kinds, *_ = _patterns(delimiters)
    found = tuple(Tag(*kinds[match[0].lower()], *match.span()) for match in pattern.finditer(text))
    if not found or '"' not in text:
        return found
    return _outside(found, [match.span(1) for match in _JSON_STRING.finditer(text)])


def _outside(tags: Iterable[Tag], spans: list[tuple[int, int]]) -> tuple[Tag, ...]:
    """The tags that begin in none of some spans, which are in order."""
    starts, ends = [-1, *(start for start, _ in spans)], [-1, *(end for _, end in spans)]
    return tuple(tag for tag in tags if tag.start >= ends[bisect(starts, tag.start) - 1])


def _thinking(tags: Iterable[Tag], length: int) -> tuple[list[tuple[int, int]], bool]:
    """Spans of thinking, and whether the last is open: it then runs to the end.

    A close without an open, which the chat template wrote, thinks from the start. An opening tag within an
    answer block that is closed is a word of the answer.
    """
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    for tag in (tag for tag in tags if tag.kind == "thinking"):
        if not tag.closes:
            opened = tag.start if opened is None else opened
        elif opened is not None:
            spans.append((opened, tag.end))
            opened = None
        else:
            spans = [(0, tag.end)]
    return spans + ([] if opened is None else [(opened, length)]), opened is not None


def _blocks(tags: Iterable[Tag], thinking: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Insides of the answer blocks outside thinking; where none is closed, a last open one runs to the end."""
    spans: list[tuple[int, int]] = []
    opened: Tag | None = None
    for tag in _outside((tag for tag in tags if tag.kind == "answer"), thinking):
        if not tag.closes:
            opened = tag
        elif opened is not None:
            spans.append((opened.end, tag.start))
            opened = None
    return spans if spans or opened is None else [(opened.end, length)]


@dataclass(frozen=True, slots=True)
class Clean:
    """A response, taken apart."""

    visible: str
    """What is said outside thinking, without chat tokens, stripped."""
    blocks: tuple[str, ...]
    """The answer blocks in it, in order, stripped."""
    final: str
    """The text that the official rule judges: the last answer block (of it, the last box that is marked by
    tokens), else what follows the last thinking; "" where thinking is open."""
    open: bool
    """Thinking was begun and never ended: there is no answer."""
    unclosed: bool
    """The last answer block is not closed: an answer only where the model stopped of itself."""


@lru_cache(maxsize=256)
def clean(text: str, delimiters: Delimiters = STANDARD) -> Clean:
    """Take a response apart.

    An answer block inside thinking is a thought, taken only where nothing follows the closed thinking.
    """
    if _first_signs(delimiters).isdisjoint(text):
        plain_text = text.strip()
        return Clean(plain_text, (), plain_text, False, False)
    tags = read_tags(text, delimiters)
    thinking, is_open = _thinking(tags, len(text))
    rest = _without(text, thinking).strip()
    spans = _blocks(tags, thinking, len(text))
    if not rest and not spans and not is_open:
        spans = _blocks(tags, [], len(text))
    blocks = [text[start:end] for start, end in spans]
    last = next((tag for tag in reversed(tags) if tag.kind == "answer"), None)
    _, _, dropped, box = _patterns(delimiters)
    after = text[thinking[-1][1] :] if thinking else text
    final = "" if is_open else blocks[-1] if blocks else after if after.strip() else rest
    if boxes := list(box.finditer(final)):
        final = boxes[-1][1]

    def plain(part: str) -> str:
        return dropped.sub("", box.sub(r"\\boxed{\1}", part)).strip()

    marks = [(tag.start, tag.end) for tag in tags if tag.kind == "answer"]
    return Clean(
        plain(_without(text, sorted(thinking + marks), " ")),
        tuple(map(plain, blocks)),
        dropped.sub("", final).strip(),
        is_open,
        bool(spans) and last is not None and not last.closes,
    )


def _without(text: str, spans: list[tuple[int, int]], filler: str = "") -> str:
    """A text without some of its spans, which are in order and may lie within one another."""
    kept, position = [], 0
    for start, end in spans:
        kept += [text[position:start], filler] if start >= position else []
        position = max(position, end)
    return "".join([*kept, text[position:]])


def thinking_spans(text: str, delimiters: Delimiters = STANDARD) -> list[tuple[int, int]]:
    """(start, end) of each block of thinking in a response, its tags included, in order."""
    return _thinking(read_tags(text, delimiters), len(text))[0]


def opened_thinking(prompt: str, delimiters: Delimiters = STANDARD) -> str:
    r"""The end of a rendered prompt that has begun to think: "<think>\\n"; "" where it has not.

    A chat template may write the opening tag itself. It belongs to the response: backends put it back in front.
    """
    tail = prompt[-400:]
    tags = [tag for tag in read_tags(tail, delimiters) if tag.kind == "thinking"]
    if not tags or tags[-1].closes or tail[tags[-1].end :].strip():
        return ""
    return tail[tags[-1].start :]
