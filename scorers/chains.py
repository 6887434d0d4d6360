"""Which mentions of options are negated, and which are named together ("A and B", "(A) sofa")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from scorers.mentions import Mention

_BEFORE = re.compile(
    r"(?:\bnot|n't|\bnever|\bneither|\bnor|rather\sthan|instead\sof|\bexcept|\bexclud\w+|rul\w+\sout|eliminat\w+"
    r"|不是|不选)[\s\"'(]*(?:(?:the|a|an|be|option|choice|answer|letter|just|simply|it)[\s\"'(]+)*$",
    re.IGNORECASE,
)
_ADVERB = r"(?:(?:also|therefore|thus|just|all|both|then|most|\w{2,12}ly)\s)*"
_AFTER = re.compile(
    rf"""[\s"')\]]{{0,3}}\s{_ADVERB}
        (?P<verb>is|are|was|were|would\sbe|can\sbe|must\sbe|seems?|looks?|does|do)\s{_ADVERB}
        (?:not\b|incorrect|wrong|false\b|ruled|eliminated|invalid|impossible|unlikely|incompatible|inconsistent
        |irrelevant)
    | \s{_ADVERB}(?P<short>isn't|aren't|wasn't|weren't|can't|cannot|could\snot|doesn't|don't)\b
    | [\s)\].:-]{{1,3}}(?:incorrect|wrong)\b
    | \s?(?:是)?(?:错误|不正确|不对|错)""",
    re.IGNORECASE | re.VERBOSE,
)
_JOIN = re.compile(
    r"[ \t,;/&+|()\[\]\"'}-]*(?P<word>(?:and|or|nor|as\swell\sas|oder|und|和|或|及|与)(?![a-z]))?"
    r"(?:[ \t(\[\"'{]|\\f?boxed|\b(?:the|also|maybe|perhaps|possibly|option|choice|both|either)\b)*",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"[\s.:,()\"'-]{0,4}")
_GAP = 32

Link = str | None
"""How a mention is joined to the next: "=" a letter and a text, "," a list, "and", "or" …; None: it is not."""


@dataclass(frozen=True, slots=True)
class Named:
    """A mention that is not negated."""

    mention: Mention
    options: frozenset[int]
    """The options that it and the mentions joined to it name."""


def denied(text: str, end: int, *, bracketed: bool = False) -> bool:
    """Whether what stands before `end` is said to be wrong after it; see `_denial`."""
    return _denial(text, end, bracketed) is not None


def standing(text: str, found: list[Mention]) -> list[Named]:
    """The mentions of a text that are not negated, in order, with what is named together with each."""
    links = _links(text, found)
    negated = _negations(text, found, links)
    kept: list[Named] = []
    start = 0
    for i in range(len(found)):
        if negated[i]:
            start = i + 1
        elif links[i] is None or negated[i + 1]:
            options = _together(found[start : i + 1], links[start:i])
            kept += [Named(mention, options) for mention in found[start : i + 1]]
            start = i + 1
    return kept


def _links(text: str, found: list[Mention]) -> list[Link]:
    links: list[Link] = []
    for mention, following in pairwise(found):
        gap = text[mention.end : following.start]
        joined = _JOIN.fullmatch(gap) if len(gap) <= _GAP else None
        if mention.letter and not following.letter and _BESIDE.fullmatch(gap):
            links.append("=")
        elif joined is None:
            links.append(None)
        else:
            unnamed = "=" if mention.letter != following.letter else ","
            links.append((joined["word"] or unnamed).lower())
    return [*links, None] if found else []


def _negations(text: str, found: list[Mention], links: list[Link]) -> list[bool]:
    """Negation before a mention reaches the next over "or" and "and", one after it the one before."""
    negated = [
        _BEFORE.search(text, max(0, mention.start - _GAP), mention.start) is not None for mention in found
    ]
    for i in range(len(found) - 1):
        negated[i + 1] |= negated[i] and links[i] not in (None, ",", "=")
    for i in reversed(range(len(found))):
        bracketed = found[i].letter and text[found[i].end - 1] in ")]}"
        denial = _denial(text, found[i].end, bracketed) if links[i] != "=" else None
        negated[i] |= denial is not None
        before = links[i - 1] if i else None
        if negated[i] and before is not None:
            plural = denial is not None and (before != "," or denial["verb"] in ("are", "were"))
            negated[i - 1] |= before == "=" or plural
    return negated


def _denial(text: str, end: int, bracketed: bool) -> re.Match[str] | None:
    """Words like "is wrong" after `end`. After "(B)", "cannot be …" is the option's own text."""
    match = _AFTER.match(text, end, end + 96)
    return None if match and match["short"] and bracketed else match


def _together(run: list[Mention], links: list[Link]) -> frozenset[int]:
    """The options of mentions joined in a row. A letter and the text beside it are one; the letter counts."""
    kept = []
    for i, mention in enumerate(run):
        after = i > 0 and links[i - 1] == "=" and run[i - 1].letter
        before = i < len(links) and links[i] == "=" and run[i + 1].letter
        if mention.letter or not (after or before):
            kept.append(mention.option)
    return frozenset(kept)
