"""Numbers as people write them: the one place where text becomes a float.

`parse_number` reads a string that is one number and nothing else; `find_numbers` finds every number of a text
together with what stands beside it. Linear in the length of the text; no integer is ever built from more than
`MAX_DIGITS` digits and no power beyond the range of a float.

A percentage counts by its face: "47%" is 47.0 with `percent` set. A decimal comma ("0,5") is not read, since
"1,5" may as well be a list; "1,200" is twelve hundred.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Notation = Literal["digits", "fraction", "power", "words"]

MAX_DIGITS = 64
"""Longer runs of digits are no number that anybody means."""

_FRACTIONS: dict[str, float] = {
    "½": 1 / 2,
    "⅓": 1 / 3,
    "⅔": 2 / 3,
    "¼": 1 / 4,
    "¾": 3 / 4,
    "⅕": 1 / 5,
    "⅖": 2 / 5,
    "⅗": 3 / 5,
    "⅘": 4 / 5,
    "⅙": 1 / 6,
    "⅚": 5 / 6,
    "⅐": 1 / 7,
    "⅛": 1 / 8,
    "⅜": 3 / 8,
    "⅝": 5 / 8,
    "⅞": 7 / 8,
    "⅑": 1 / 9,
    "⅒": 1 / 10,
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−–", "0123456789-+--")
_ONES = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = (
    *("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth"),
)
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_LETTER_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "mn": 1e6, "bn": 1e9, "tn": 1e12}
_SIMPLE: dict[str, float] = {
    **{word: float(number) for number, word in enumerate(_ONES)},
    **{word: float(10 * number) for number, word in enumerate(_TENS, start=2)},
    "fourty": 40.0,
}


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
    degree: bool = False
    ordinal: bool = False
    scale: float = 1.0
    """The scale word's factor within `value`: 1e6 for "1.2 million"."""
    unit: str = ""
    """The word directly after it, e.g. "cm", "years"; empty where there is none."""

    @property
    def span(self) -> tuple[int, int]:
        """(start, end) in the text."""
        return self.start, self.end


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
    rf"""\b(?:(?P<ordinal>{"|".join(_ORDINALS)})
      | (?P<half>(?:a\s|one\s|one-)?half|(?:a|one|three)[\s-]quarters?|(?:one|two)[\s-]thirds?)
      | (?P<words>(?:an?\s(?=(?:hundred|thousand|million|billion|dozen)\b)
              |(?:minus|negative)\s(?=(?:{_WORD})\b))?
         (?:{_WORD}|dozen|couple(?=\sof\b))(?:(?:\s|-|\sand\s)(?!zero)(?:{_WORD}|dozen)\b){{0,12}}+)
    )\b{_AFTER.replace("ordinal", "ordinal2")}""",
    re.VERBOSE | re.IGNORECASE,
)
_UNIT = re.compile(r"[\s-]?([A-Za-zµμΩ]{1,24}(?:[²³]|\^\{?[23]\}?)?)")
_PARTS = {"half": 1 / 2, "quarter": 1 / 4, "third": 1 / 3}


def _float(digits: str, exponent: str = "0") -> float | None:
    """A run of digits, grouping signs left out, times a power of ten; None beyond `MAX_DIGITS`."""
    if len(digits) > 2 * MAX_DIGITS:
        return None
    kept = re.sub(r"[^\d.]", "", digits)
    return float(f"{kept}e{int(exponent)}") if len(kept) <= MAX_DIGITS else None


def _power(base: float, exponent: str) -> float | None:
    try:
        result = base ** int(exponent.translate(_SUPERSCRIPTS))
    except (OverflowError, ZeroDivisionError):
        return None
    return result if math.isfinite(result) else None


def _ratio(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def _digits_value(match: re.Match[str]) -> tuple[float | None, Notation]:
    """The unsigned value before scale words, and how it was written."""
    part = match.groupdict()
    if part["number"] is None:
        return _fraction_value(part), "fraction"
    if exponent := (part["e"] or "")[1:] or part["ten"] or part["ten_up"]:
        return _float(part["number"], exponent.translate(_SUPERSCRIPTS)), "power"
    value = _float(part["number"])
    if value is None:
        return None, "digits"
    if exponent := part["power"] or part["power_up"]:
        return _power(value, exponent), "power"
    if part["denominator"]:
        return _ratio(value, float(part["denominator"])), "fraction"
    return value, "digits"


def _fraction_value(part: dict[str, str | None]) -> float | None:
    if part["vulgar"]:
        return float(part["vulgar_whole"] or 0) + _FRACTIONS[part["vulgar"]]
    whole = part["whole"] or part["mixed"] or 0
    ratio = _ratio(
        float(part["top"] or part["mixed_top"] or 0), float(part["bottom"] or part["mixed_bottom"] or 0)
    )
    return None if ratio is None else float(whole) + ratio


def _words_value(words: str) -> float | None:
    """E.g. "two hundred and five" → 205; None for words that do not make one number ("five three")."""
    total = current = 0.0
    last = math.inf
    seen = False
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in {"and", "a", "an", "minus", "negative"}:
            continue
        if word in _SIMPLE:
            number = _SIMPLE[word]
            if seen and not (number < last and (last >= 100 or (last >= 20 and 0 < number < 10))):
                return None
            current, last = current + number, number
        elif word in {"dozen", "couple"}:
            current, last = (current or 1) * (12 if word == "dozen" else 2), 1
        elif word == "hundred":
            current, last = (current or 1) * 100, 100
        else:
            total, current, last = total + (current or 1) * _SCALES[word], 0.0, _SCALES[word]
        seen = True
    return (total + current) if seen else None


def _part(words: str) -> float:
    """E.g. "three quarters" → 0.75, "half" → 0.5."""
    *count, part = re.findall(r"[a-z]+", words.lower())
    return _SIMPLE.get(count[0] if count else "one", 1.0) * _PARTS[part.rstrip("s")]


def _from_digits(match: re.Match[str]) -> NumberMatch | None:
    value, notation = _digits_value(match)
    scale = _scale(match["scale"])
    if value is None or not math.isfinite(value * scale):
        return None
    sign = match["sign"] or match["sign2"] or ""
    negative = sign[:1] in {"-", "−", "–"} or sign.lower().startswith("negative")
    return NumberMatch(
        -value * scale if negative else value * scale,
        match.start(),
        match.end(),
        match[0],
        notation,
        percent=match["percent"] is not None,
        currency=match["currency"] is not None or match["money"] is not None,
        degree=match["degree"] is not None,
        ordinal=match["ordinal"] is not None,
        scale=scale,
        unit=_unit(match),
    )


def _from_words(match: re.Match[str]) -> NumberMatch | None:
    scale = _scale(match["scale"])
    value: float | None
    if match["ordinal"]:
        value = float(_ORDINALS.index(match["ordinal"].lower()))
    elif match["half"]:
        value = _part(match["half"])
    else:
        value = _words_value(match["words"])
        if value is not None and match["words"].lower().startswith(("minus", "negative")):
            value = -value
    if value is None:
        return None
    return NumberMatch(
        value * scale,
        match.start(),
        match.end(),
        match[0],
        "words",
        percent=match["percent"] is not None,
        currency=match["money"] is not None,
        degree=match["degree"] is not None,
        ordinal=match["ordinal"] is not None,
        scale=scale,
        unit=_unit(match),
    )


def _scale(word: str | None) -> float:
    if not word:
        return 1.0
    bare = word.strip(" \t\n-")
    return _LETTER_SCALES.get(bare) or _LETTER_SCALES.get(bare.lower()) or _SCALES[bare.lower().rstrip("s")]


def _unit(match: re.Match[str]) -> str:
    found = _UNIT.match(match.string, match.end())
    return found[1] if found else ""


def _matches(text: str) -> Iterator[NumberMatch]:
    for pattern, build in ((_NUMBER, _from_digits), (_WORDS, _from_words)):
        for match in pattern.finditer(text):
            if (number := build(match)) is not None:
                yield number


def find_numbers(text: str) -> list[NumberMatch]:
    """Every number of a text in the order of their places, in digits or in words; none within another."""
    found: list[NumberMatch] = []
    for number in sorted(_matches(text), key=lambda number: number.start):
        if not found or number.start >= found[-1].end:
            found.append(number)
    return found


_WRAPPING = re.compile(r"^(?:\\\(|\\\[|\$\$?|\*\*|`)\s*(.*?)\s*(?:\\\)|\\\]|\$\$?|\*\*|`)$", re.DOTALL)


def parse_number(text: str) -> float | None:
    r"""The number that a text is, or None where it is anything else or anything more.

    Reads grouping ("1,200"), currency ("$47"), percent ("47%" → 47.0), degrees, ordinals ("3rd"), scale words
    ("1.2 million", "5k"), powers ("1e+06", "10^-1", "3 × 10⁴"), fractions ("1/2", "\frac{1}{2}", "1 1/2",
    "½"), a Unicode minus and number words ("twenty-one"). A unit other than these makes it something else.
    """
    bare = text.strip().rstrip(".").rstrip()
    if not bare or len(bare) > 4 * MAX_DIGITS:
        return None
    if wrapped := _WRAPPING.match(bare):
        bare = wrapped[1]
    bare = re.sub(r"^([-+−–])\s+|^minus\s+(?=[\d.$€£¥½¼¾])", lambda sign: sign[1] or "-", bare)
    for pattern, build in ((_NUMBER, _from_digits), (_WORDS, _from_words)):
        match = pattern.match(bare)
        if match and match.end() == len(bare):
            number = build(match)
            return number.value if number else None
    return None
