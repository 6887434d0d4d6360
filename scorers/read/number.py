"""Numbers as people write them: the one place where text becomes a float.

`parse_number` reads a string that is one number and nothing else; `find_numbers` finds every number of a text
together with what stands beside it. Linear in the length of the text; no integer is ever built from more than
`MAX_DIGITS` digits and no power beyond the range of a float.

A percentage counts by its face: "47%" is 47.0 with `percent` set. "1,200" is twelve hundred, "1.234.567" a
million, "3,1" three and a tenth (not within brackets, where it may be two numbers).

`pick` says which number of a sentence is the answer, `read_number` where in a response to look.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from unicodedata import numeric

from scorers.read.locate import AMBIGUOUS, Candidate, Channel, Found, Unclear, first, locate
from scorers.read.normalise import WORDS, Clean
from scorers.read.text import RAISED, focus, has_any, overlap, sentences, undenied, unwrap

Notation = Literal["digits", "fraction", "power", "words"]

MAX_DIGITS = 64
"""Longer runs of digits are no number that anybody means."""

_FRACTIONS = {sign: numeric(sign) for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"}
_ONES, _TENS, _ORDINALS = (WORDS["numbers"][key].split() for key in ("ones", "tens", "ordinals"))
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_LETTER_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "mn": 1e6, "bn": 1e9, "tn": 1e12}
_COUNTS = {"dozen": 12.0, "couple": 2.0, "hundred": 100.0}
_SIMPLE = {word: float(number) for number, word in enumerate(_ONES)}
_SIMPLE |= {word: 10.0 * number for number, word in enumerate(_TENS, start=2)}


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """A number in a text and what stands beside it."""

    value: float
    """Finite. Scale words are multiplied in, a percentage is taken by its face."""
    start: int
    """Where it begins, its sign and currency sign included."""
    end: int
    """Where it ends, its percent, degree or scale included, its unit not."""
    text: str
    notation: Notation = "digits"
    percent: bool = False
    currency: bool = False
    ordinal: bool = False
    scale: float = 1.0
    """The scale word's factor within `value`: 1e6 for "1.2 million"."""


_DECIMAL_COMMA = (
    r"(?<![\w.,(\[{])(?:\d{1,3}(?:\.\d{3}){1,6}|\d{1,15}),(?:\d|\d\d(?=\s?[^\W\d]|\s?[%°€$]))(?![\d,])"
)
_DOTTED = r"(?<![\w.,])\d{1,3}(?:\.\d{3}){2,6}(?![\d.])"
_INTEGER = r"(?:\d{1,3}(?:(?:,|\{,\}|,\\!|[\u00a0\u2009\u202f'’])\d{3}){1,20}+(?!\d)|\d++)"
_SIGNS = r"[-+−–]"
_TIMES = r"(?:[×xX*·⋅]|\\times|\\cdot)"


def _exponent(name: str) -> str:
    """An exponent after `^` or `**`, or in superscripts, as groups NAME and NAME_up."""
    signed = rf"{_SIGNS}?\d{{1,4}}(?!\d)"
    return rf"(?:(?:\^|\*\*)\s?\{{?\(?(?P<{name}>{signed})\)?\}}?|(?P<{name}_up>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}}))"


_DIGITS = rf"""
    (?P<sign>(?<![\w)\]}}.])(?:{_SIGNS}|(?i:negative)\s))?
    (?P<currency>(?:US|A|C|HK)?\\?\$(?!\$)\s?|[€£¥₹]\s?|Rs\.?\s?)?
    (?P<sign2>{_SIGNS}(?<=[$€£¥₹ ].))?
    (?:
        (?P<whole>\d{{1,15}}(?=\\[dt]?frac))?\\[dt]?frac\s?\{{\s?(?P<top>\d{{1,15}}(?:\.\d{{1,15}})?)\s?\}}\s?\{{\s?(?P<bottom>\d{{1,15}}(?:\.\d{{1,15}})?)\s?\}}
      | (?P<vulgar_whole>(?<![\w.])\d{{1,15}}\s?)?(?P<vulgar>[{"".join(_FRACTIONS)}])
      | (?<![\w.])(?P<mixed>\d{{1,15}})(?:[ -]|\sand\s)(?P<mixed_top>\d{{1,6}})[/⁄](?P<mixed_bottom>\d{{1,6}})(?![\d/⁄]|\.\d)
      | (?P<european>{_DECIMAL_COMMA}|{_DOTTED})
      | (?<![A-Za-z0-9_])(?<!\d\.)(?P<number>(?:{_INTEGER}(?:\.\d++)?|(?<![\w.])\.\d++))
        (?:
            (?P<e>[eE]{_SIGNS}?\d{{1,3}}(?![\w]))
          | \s?{_TIMES}\s?10{_exponent("ten")}
          | {_exponent("power")}
          | (?<!/\d)\s?[/⁄]\s?(?P<denominator>\d{{1,15}}(?:\.\d{{1,15}})?)(?!\s?[/⁄]\s?\d|\d)
        )?
    )
"""  # noqa: E501
_AFTER = r"""
    (?P<ordinal>(?<=\d)(?:st|nd|rd|th)\b)?
    (?P<scale>(?:\s|-)?(?i:hundred|thousand|million|billion|trillion)s?\b|\s?(?:mn|bn|tn)\b|(?<=\d)[kKMB](?![\w/²³^]))?
    (?:
        (?P<percent>\s?\\?[%％﹪]|[\s-]?(?i:percent|per\scent|percentage)\b)
      | (?P<degree>\s?(?:°|º|˚|\^\s?\{?\s?\\circ\s?\}?|\\degree|\^o\b)|[\s-](?i:degrees?)\b)
      | (?P<money>\s?[€£¥₹]|\s(?i:dollars?|euros?|usd|eur|gbp|rupees?)\b|\s?\$(?=\s|$))
    )?
"""
_NUMBER = re.compile(_DIGITS + _AFTER, re.VERBOSE)
_WORD = "|".join(sorted([*_SIMPLE, *_SCALES], key=len, reverse=True))
_WORDS = re.compile(
    rf"""\b(?:(?P<order>{"|".join(_ORDINALS)})
      | (?P<half>(?:a\s|one\s|one-)?half|(?:a|one|three)[\s-]quarters?|(?:one|two)[\s-]thirds?)
      | (?P<words>(?:an?\s(?=(?:hundred|thousand|million|billion|dozen)\b)
              |(?P<minus>minus|negative)\s(?=(?:{_WORD})\b))?
         (?:{_WORD}|dozen|couple(?=\sof\b))(?:(?:\s|-|\sand\s)(?!zero)(?:{_WORD}|dozen)\b){{0,12}}+)
    )\b{_AFTER}""",
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT = re.compile(rf"[\d{''.join(_FRACTIONS)}]")
_STEMS = (*_ONES[:13], *_TENS, "teen", *_ORDINALS, *_SCALES, *_COUNTS, "half", "quarter")
_PARTS = {"half": 1 / 2, "quarter": 1 / 4, "third": 1 / 3}


def _float(digits: str, exponent: str = "0") -> float | None:
    """A run of digits, grouping signs left out, times a power of ten; None beyond `MAX_DIGITS`."""
    kept = re.sub(r"[^\d.]", "", digits[: 2 * MAX_DIGITS + 1])
    return float(f"{kept}e{int(exponent)}") if len(kept) <= MAX_DIGITS else None


def _digits_value(match: re.Match[str]) -> tuple[float | None, Notation]:
    """The unsigned value before scale words, and how it was written."""
    part = match.groupdict()
    whole, top = part["whole"] or part["mixed"] or 0, part["top"] or part["mixed_top"]
    if part["european"]:
        return _float(part["european"].replace(".", "").replace(",", ".")), "digits"
    if part["vulgar"]:
        return float(part["vulgar_whole"] or 0) + _FRACTIONS[part["vulgar"]], "fraction"
    if part["number"] is None or part["denominator"]:
        bottom = float(part["bottom"] or part["mixed_bottom"] or part["denominator"])
        over = _float(top or part["number"])
        return (None if over is None or not bottom else float(whole) + over / bottom), "fraction"
    if exponent := (part["e"] or "")[1:] or part["ten"] or part["ten_up"]:
        return _float(part["number"], exponent.translate(RAISED)), "power"
    power, value = (part["power"] or part["power_up"] or "").translate(RAISED), _float(part["number"])
    try:
        return (value ** int(power) if power and value is not None else value), "power" if power else "digits"
    except (OverflowError, ZeroDivisionError):
        return None, "power"


def _words_value(match: re.Match[str]) -> tuple[float | None, Notation]:
    """E.g. "two hundred and five" → 205; None for words that do not make one number ("five three")."""
    if match["order"]:
        return float(_ORDINALS.index(match["order"].lower())), "words"
    said = re.findall(r"[a-z]+", match[0].lower())
    if match["half"]:
        return _SIMPLE.get(said[0], 1.0) * next(
            _PARTS[word.rstrip("s")] for word in said if word.rstrip("s") in _PARTS
        ), "words"
    total = current = 0.0
    last, seen = math.inf, False
    for word in re.findall(r"[a-z]+", match["words"].lower()):
        if word in _SIMPLE:
            number = _SIMPLE[word]
            if seen and not (number < last and (last >= 100 or (last >= 20 and 0 < number < 10))):
                return None, "words"
            current, last, seen = current + number, number, True
        elif word in _COUNTS:
            current, last, seen = (current or 1) * _COUNTS[word], min(_COUNTS[word], 100), True
        elif word in _SCALES:
            total, current, last, seen = total + (current or 1) * _SCALES[word], 0.0, _SCALES[word], True
    return total + current, "words"


def _number(match: re.Match[str]) -> NumberMatch | None:
    """The number of a match of either pattern; None for one without a finite value."""
    part = match.groupdict()
    value, notation = (_digits_value if "number" in part else _words_value)(match)
    word = (part["scale"] or "").strip(" \t\n-")
    scale = _LETTER_SCALES.get(word) or _SCALES.get(word.lower().rstrip("s"), 1.0)
    if value is None or not math.isfinite(value * scale):
        return None
    sign = part.get("sign") or part.get("sign2") or part.get("minus") or ""
    return NumberMatch(
        -value * scale if sign[:1].lower() in {"-", "−", "–", "n", "m"} else value * scale,
        *match.span(),
        match[0],
        notation,
        percent=part["percent"] is not None,
        currency=part.get("currency") is not None or part["money"] is not None,
        ordinal=part["ordinal"] is not None or part.get("order") is not None,
        scale=scale,
    )


@lru_cache(maxsize=256)
def find_numbers(text: str) -> tuple[NumberMatch, ...]:
    """Every number of a text in the order of their places, in digits or in words; none within another."""
    patterns = (_NUMBER,) * bool(_DIGIT.search(text)) + (_WORDS,) * has_any(text, _STEMS)
    matches = [match for pattern in patterns for match in pattern.finditer(text)]
    found: list[NumberMatch] = []
    for number in filter(None, map(_number, sorted(matches, key=lambda match: match.start()))):
        if not found or number.start >= found[-1].end:
            found.append(number)
    return tuple(found)


def parse_number(text: str) -> float | None:
    r"""The number that a text is, or None where it is anything else or anything more.

    Reads grouping ("1,200"), currency ("$47"), percent ("47%" → 47.0), degrees, ordinals ("3rd"), scale words
    ("1.2 million", "5k"), powers ("1e+06", "10^-1", "3 × 10⁴"), fractions ("1/2", "\frac{1}{2}", "1 1/2",
    "½"), a Unicode minus and number words ("twenty-one"). A unit other than these makes it something else.
    """
    bare = unwrap(text.strip()[: 4 * MAX_DIGITS + 1]).rstrip(".").rstrip()
    bare = re.sub(r"^([-+−–])\s+|^minus\s+(?=[\d.$€£¥½¼¾])", lambda sign: sign[1] or "-", bare)
    matches = [match for pattern in (_NUMBER, _WORDS) if (match := pattern.match(bare))]
    number = next((_number(match) for match in matches if match.end() == len(bare) <= 4 * MAX_DIGITS), None)
    return number.value if number else None


# --- Which number of a sentence -----------------------------------------------------------------------------

_EQUALS = re.compile(r"[=≈→⇒]|\\approx\b|\b(?:equals|i\.e\.,?|that is,)")
_ASIDE = re.compile(r"\s*\((?:[^()]|\([^()]*\))*\)|\s*\[[^\[\]]*\]")
_BOUND = re.compile(
    r"\b(?:than|least|most|between|above|below|over|under|beyond|exceed(?:s|ing)?|up to|from|within|until"
    r"|nearest|out of|[<>≤≥])\s(?:about\s)?[$€£]?$|^\W*(?:out )?of (?:the |these |all )?$",
    re.IGNORECASE,
)
_RANGE_AFTER = re.compile(r"\s?%?\s?(?:-|–|−|to|or)\s?[$€£]?\d|\sor (?:more|less|fewer)|\+", re.IGNORECASE)
_RANGE_BEFORE = re.compile(
    r"\d\s?%?\s?(?:-|–|−|\bto|\bor)\s?[$€£]?$|\b(?:between|from)\s[^;]{0,24}?\d[^;]{0,12}\s(?:and|to)\s[$€£]?$",
    re.IGNORECASE,
)
_STATES = re.compile(
    rf"(?:\b(?:{'|'.join(WORDS['states']['verbs'])})|[:=≈])\W*(?:(?:{WORDS['states']['fillers']})\W+){{0,3}}$",
    re.IGNORECASE,
)
_NOT_COUNTED = re.compile(r"(?i:[\s-]*(?:decimal|significant|others?\b|:\d)|(?<=one) (?:of|another|that|is)\b)")
_BESIDE = re.compile(
    r",? \b(?:at|when|where|for|if) \(?\w{1,3}\s?=\s?[-−]?[\d.]+\)?|,? \b(?:as|because|since|given that)\b.*$",
    re.IGNORECASE,
)
"""A place ("at x = 2") or a reason, which holds no answer."""
_NONE = re.compile(
    r"^\W*(?:so |therefore |thus )?(?:there (?:is|are) )?(?:none|nobody|no one"
    r"|no (?!\w*[.,!]|answer|image|way|info|doubt)\w+)\b",
    re.IGNORECASE,
)
_NOTATION = re.compile(r"\\[\[\](),;: ]|\\(?:text|mathrm)\{[^{}\d]*\}(?:\s?\^\s?\{?[23]\}?)?|(?<=[a-z])\^[23]")
_PRONOUN = re.compile(r"\b(?:each|every|this|that|which|no|another|the(?: \w+)?) $", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;]\s|\s(?:and|but|while|whereas)\s")
_ASKS = {
    "year": re.compile(
        r"\b(?:which|what)(?:['’]s| is| was)?(?: the)?(?: \w+)? years?\b(?!['’])|\bwhen\b|\bthe year\b",
        re.IGNORECASE,
    ),
    "count": re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE),
    "ratio": re.compile(r"\b(?:ratio|fraction|proportion)\b", re.IGNORECASE),
}
_RATIO = re.compile(
    r"(?<![\d:./])(\d{1,6}(?:\.\d{1,6})?)\s?(?::|\bto\b|\bout of\b)\s?(\d{1,6}(?:\.\d{1,6})?)(?![\d:])"
)
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d ])")
_BARE = re.compile(
    r"(?!\d+[.)]\s)\W*+[\d.,]++(?:\s?+[^\W\d_]{1,14}+){0,2}+\W*+|\W*+[^\W\d_]{3,12}+(?:-\w{3,6}+)?+\W*+"
)
"""A line that is a number by itself: "12", "3.5 cm", "five"."""


@lru_cache(maxsize=4096)
def asks(question: str, kind: str) -> bool:
    """Whether a question asks for a year, a count or a ratio."""
    asked = _ASKS[kind].search(focus(question)) is not None
    return asked and not (kind == "year" and _ASKS["count"].search(focus(question)))


@lru_cache(maxsize=4096)
def _repeated(question: str) -> frozenset[float]:
    return frozenset(number.value for number in find_numbers(question[-4000:]))


def pick(text: str, question: str = "") -> NumberMatch | Unclear | None:
    """The number that a text states; AMBIGUOUS for two of equal trust ("5 or 6"), None where there is none.

    What is denied, in brackets beside a number, before the last equals sign, a range's end or a bound ("more
    than 5") is none. Of several that remain those of the kind asked for (a year, a percentage) come first, then
    those that the question does not repeat, then those that a verb or a colon states, then those whose clause
    repeats the question's words.

    Args:
        text: a sentence, or less.
        question: what was asked.
    """
    if asks(question, "ratio") and (ratio := _RATIO.search(text)) and float(ratio[2]):
        return NumberMatch(float(ratio[1]) / float(ratio[2]), *ratio.span(), ratio[0], "fraction")
    if asks(question, "count") and (none := _NONE.match(text)):
        return NumberMatch(0.0, *none.span(), none[0], "words")
    text = undenied(_NOTATION.sub(" ", text))
    if _SPACED.search(text) and len(find_numbers(text)) == len(_SPACED.findall(text)[0].split()):
        text = _SPACED.sub(lambda grouped: grouped[0].replace(" ", ""), text)
    if len(find_numbers(text)) > 1 and not find_numbers(_ASIDE.sub(" ", text)):
        return AMBIGUOUS
    for spare in (_ASIDE, _BESIDE):
        without = spare.sub(" ", text)
        text = without if find_numbers(without) else text
    head, colon, tail = text.partition(": ")
    if colon and find_numbers(head) and len(find_numbers(tail)) > 1 and "=" not in tail:
        text = head
    for part in reversed(_EQUALS.split(text)):
        if found := find_numbers(part):
            return _chosen(part, found, question)
    return None


def _chosen(text: str, numbers: Sequence[NumberMatch], question: str) -> NumberMatch | Unclear | None:
    found = [number for number in numbers if _states(text, number)]
    year = asks(question, "year")
    if len({number.value for number in found}) > 1:
        for wanted in (
            lambda number: (number.text.isdigit() and 1000 <= number.value < 2200) == year,
            lambda number: number.value not in _repeated(question),
            lambda number: _STATES.search(text[max(0, number.start - 60) : number.start]),
        ):
            found = [number for number in found if wanted(number)] or found
        ends = [0, *(match.end() for match in _CLAUSE.finditer(text)), len(text)]
        places = [(bisect_right(ends, number.start) - 1, bisect_left(ends, number.end)) for number in found]
        rank = {(start, end): overlap(text[ends[start] : ends[end]], question) for start, end in set(places)}
        best = max(rank.values())
        found = [number for number, place in zip(found, places, strict=True) if rank[place] == best]
    if len({number.value for number in found}) > 1:
        return AMBIGUOUS
    return found[0] if found else None


def _states(text: str, number: NumberMatch) -> bool:
    """Whether a number may be what a text states: no bound, range, ordinal or time."""
    before, after = text[max(0, number.start - 48) : number.start], text[number.end : number.end + 24]
    if number.ordinal and len(text) > len(number.text) + 4:
        return False
    if number.text.lower() == "one" and _PRONOUN.search(before):
        return False
    aside = _NOT_COUNTED.match(text, number.end) or re.search(r"\d:$", before)
    bound = _BOUND.search(before) or _RANGE_AFTER.match(after) or _RANGE_BEFORE.search(before)
    return not (aside or bound)


def read_number(response: Clean, question: str = "") -> Found[NumberMatch] | None:
    """The number that a response gives as its answer; None where it gives none or several.

    Args:
        response: taken apart by `normalise.clean`.
        question: what was asked; its numbers and words help to tell the answer from what is repeated.
    """

    def parse(candidate: Candidate) -> NumberMatch | Unclear | None:
        text = candidate.text[:2000]
        if candidate.refused or (candidate.alone and not _BARE.fullmatch(text)):
            return None
        return pick(text if candidate.channel is Channel.BOX else (sentences(text) or [""])[0], question)

    return first(locate(response, question), parse)
