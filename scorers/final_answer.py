"""The final answer: the part of a response that is judged.

The text in the last `<answer>` block, else after the last closed `</think>` or `</thinking>`, else all of
it. An answer block inside closed thinking is a thought, taken only where nothing follows the thinking.
Tags inside a JSON string are text, not tags.
"""

from __future__ import annotations

import re
from bisect import bisect
from typing import NamedTuple

_TAG = re.compile(r"<(/?)(think|thinking|answer)>", re.IGNORECASE)
_JSON_STRING = re.compile(r'[:,\[{]\s*("(?:[^"\\]|\\.)*")(?=\s*[,:}\]])', re.DOTALL)


class Tag(NamedTuple):
    """A tag of a response."""

    name: str
    """`think`, `thinking` or `answer`, in lower case."""
    closes: bool
    start: int
    end: int


def read_tags(text: str) -> list[Tag]:
    """The tags of a text, those inside JSON strings left out."""
    found = [Tag(match[2].lower(), bool(match[1]), match.start(), match.end()) for match in _TAG.finditer(text)]
    if not found or '"' not in text:
        return found
    strings = [match.span(1) for match in _JSON_STRING.finditer(text)]
    starts = [start for start, _ in strings]

    def inside(tag: Tag) -> bool:
        before = bisect(starts, tag.start) - 1
        return before >= 0 and tag.start < strings[before][1]

    return [tag for tag in found if not inside(tag)]


def _thinking(tags: list[Tag]) -> list[tuple[int, int]]:
    """Spans of closed thinking. A close without an open (the chat template wrote it) thinks from the start."""
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    for tag in tags:
        if tag.name == "answer":
            continue
        if not tag.closes:
            opened = tag.start if opened is None else opened
        elif opened is not None:
            spans.append((opened, tag.end))
            opened = None
        else:
            spans = [(0, tag.end)]
    return spans


def _answer_blocks(text: str, tags: list[Tag]) -> list[tuple[int, int]]:
    """Spans of the insides of `<answer>` blocks; where none is closed, a last open one runs to the end."""
    spans: list[tuple[int, int]] = []
    opened: Tag | None = None
    for tag in tags:
        if tag.name != "answer":
            continue
        if not tag.closes:
            opened = tag
        elif opened is not None:
            spans.append((opened.end, tag.start))
            opened = None
    if not spans and opened is not None:
        spans.append((opened.end, len(text)))
    return spans


def final_answer(text: str) -> str:
    """The part of a response that is judged, stripped of surrounding white space."""
    if "<" not in text:
        return text.strip()
    tags = read_tags(text)
    thinking = _thinking(tags)
    blocks = _answer_blocks(text, tags)
    for start, end in reversed(blocks):
        if not any(first <= start < last for first, last in thinking):
            return text[start:end].strip()
    rest = text[thinking[-1][1] :].strip() if thinking else text.strip()
    if not rest and blocks:
        start, end = blocks[-1]
        return text[start:end].strip()
    return rest


def thinking_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each closed thinking block, its tags included, in order."""
    return _thinking(read_tags(text)) if "<" in text else []


def without_thinking(text: str) -> str:
    """The response without its closed thinking blocks, stripped of surrounding white space."""
    if "<" not in text:
        return text.strip()
    kept, position = [], 0
    for start, end in thinking_spans(text):
        kept.append(text[position:start])
        position = end
    return "".join([*kept, text[position:]]).strip()


def is_unfinished(text: str) -> bool:
    """Whether the response ends inside an open thinking or answer block."""
    if "<" not in text:
        return False
    opened = False
    for tag in read_tags(text):
        opened = not tag.closes
    return opened
