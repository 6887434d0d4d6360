"""Where a text names an option by its letter, and where an "A" or an "I" is only a word."""

from __future__ import annotations

import re

from scorers.mentions import Mention

_BRACKETED = re.compile(r"(?<![A-Za-z0-9_\\])[(\[]\s?([A-Za-z])\s?[)\]]|(?:boxed\s?|^)\{\s?([A-Za-z])\s?\}")
_LABEL = (
    r"(?:(?<![A-Za-z])(?:options?|choices?|answer|alternative)(?:\s?[:#]\s?|\s|(?=[(\[\"']))"
    r"|(?:选项|選項|选择|选)\s?)"
)
_LABELLED = re.compile(
    rf"{_LABEL}[(\[\"']{{0,2}}([A-Za-z])(?!'[A-Za-z])[)\]\"']{{0,2}}(?![A-Za-z0-9'])", re.IGNORECASE
)
_BARE = re.compile(
    r"(?<![A-Za-z0-9_∠△°'./\\^=+\-<>(\[])([A-Z])(?![A-Za-z0-9_°(]|'[A-Za-z]|\s?[=+^×÷<>]|[-/]\w)"
)
_OPEN = re.compile(r"(?<=\s)([A-Z])\)(?=\s)")
_ENUMERATED = re.compile(r"^[ \t]{0,16}[-•*]?[ \t]{0,16}[(\[]?([A-Za-z])[)\].:][ \t]{0,16}(?=\S)", re.MULTILINE)
_INLINE = re.compile(r"(?:^|\s)[(\[]?([A-Z])[)\].:](?=\s)")

_END = re.compile(r"[)\]}\"'*]{0,3}(?:[.,;:!?。，；！？]|\s*(?:\n|$)|\s*[(-])")
_NEXT_WORD = re.compile(r"[ \t]+([A-Za-z0-9'\"(]+)")
_PREVIOUS_WORD = re.compile(r"([^\W_]+|[,;:])[ \t]*\Z")
_AFTER_LETTER = """
    is isn't was are were will would can cannot can't could should may might must has have does do did seems
    appears looks because since as and or but not nor than if when while where who which that then so for from
    to with by in on at rather instead the this these those it its it's i we you therefore thus hence
"""
_FOLLOWS_A_LETTER = frozenset(_AFTER_LETTER.split())
"""Words that cannot follow an article: before one of them, a bare "A" is a letter."""
_BEFORE_LETTER = """
    is are be was it's that's and or not choose chose chosen pick picked select selected with either neither
    both so thus hence therefore think say guess believe because since only but answer than if while
    probably likely definitely clearly certainly maybe perhaps letter , ; :
"""
_PRECEDES_A_LETTER = frozenset(_BEFORE_LETTER.split())
"""Words after which a bare capital can be an option; after others ("point C", "sample B") it is a name."""


def is_article(text: str, end: int) -> bool:
    """Whether the "A", "a" or "I" that ends at `end` reads as a word: one follows that an article can have."""
    following = _NEXT_WORD.match(text, end, end + 40)
    return following is not None and following[1].lower() not in _FOLLOWS_A_LETTER


def ends_here(text: str, end: int) -> bool:
    """Whether a phrase ends at `end`: only brackets, quotes and punctuation follow before white space."""
    return _END.match(text, end) is not None


def is_letter_at(text: str, start: int) -> bool:
    """Whether the single letter at `start` can be an option's, by what stands around it."""
    letter, end = text[start], start + 1
    if letter in "Aa" and is_article(text, end):
        return False
    if letter == "I":
        return ends_here(text, end)
    return letter.isupper() or ends_here(text, end)


def _index(letter: str, letters: str) -> int:
    return letters.find(letter.upper())


def letter_mentions(text: str, letters: str) -> list[Mention]:
    """Where a cleaned text names options by letter.

    A letter that no option has is -1, and counts only where it is firm.
    """
    found = {}
    for match in _BARE.finditer(text):
        index = _index(match[1], letters)
        before = _PREVIOUS_WORD.search(text, max(0, match.start() - 24), match.start())
        known = before is None or before[1].lower() in _PRECEDES_A_LETTER
        if index >= 0 and known and is_letter_at(text, match.start()):
            found[match.start(1)] = Mention(match.start(), match.end(), index, letter=True, firm=False)
    for match in _OPEN.finditer(text):
        if _index(match[1], letters) >= 0:
            index = _index(match[1], letters)
            found[match.start(1)] = Mention(match.start(), match.end(), index, letter=True, firm=False)
    for pattern in (_BRACKETED, _LABELLED):
        for match in pattern.finditer(text):
            group = match.lastindex or 1
            if pattern is _BRACKETED or is_letter_at(text, match.start(group)):
                index = _index(match[group], letters)
                found[match.start(group)] = Mention(match.start(), match.end(), index, letter=True)
    return [found[start] for start in sorted(found)]


def listed_lines(text: str) -> list[tuple[int, int, int]]:
    """(start, start of the content, end) of every line that begins with an enumerating letter."""
    lines = []
    for match in _ENUMERATED.finditer(text):
        end = text.find("\n", match.end())
        lines.append((match.start(), match.end(), len(text) if end < 0 else end))
    return lines


def is_list(text: str, letters: str) -> bool:
    """Whether a text repeats the options: lines begin with different letters, or one line has them all."""
    lines = {match[1].upper() for match in _ENUMERATED.finditer(text)} & set(letters)
    inline = {match[1] for match in _INLINE.finditer(text)} & set(letters)
    return len(lines) > 1 or (len(inline) > 1 and len(inline) == len(letters))
