r"""One spelling for mathematics that people and models write in many: LaTeX, Unicode, plain text.

`standard` is the only place where wrappers, spaces, `\text`, degree and percent signs are folded. It changes
notation, never content.
"""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from unicodedata import numeric

from scorers.math.names import LETTERS
from scorers.read.text import RAISED

LONGEST = 2000
"""Characters of a text that are folded; a longer one is no answer."""

TABLES = tomllib.loads(Path(__file__).with_name("signs.toml").read_text(encoding="utf-8"))
_SIGNS = {
    sign: f"{meaning} " if "\\" in meaning else meaning for signs, meaning in TABLES["signs"] for sign in signs
}
_SIGNS |= {sign: rf"\{name} " for sign, name in zip("αβγδεθλμρσφωΔΩΘ", LETTERS.split(), strict=True)}
_PARTS = {sign: Fraction(numeric(sign)).limit_denominator(10) for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}
_SIGNS |= {sign: rf"\frac{{{part.numerator}}}{{{part.denominator}}}" for sign, part in _PARTS.items()}
_WIDE = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_BLANKS = dict.fromkeys("\u00a0\u2009\u202f\u2003\u3000", " ")
_UNSEEN = dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", "")
_TRANSLATION = str.maketrans(_WIDE | _BLANKS | _UNSEEN | _SIGNS)
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_WORDS = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mathit|mathsf|mbox|operatorname|bold|rm)\s*\{([^{}]{0,200})\}"
)
_SPACE = re.compile(r"\\(?:[,;:! ]|q?quad(?![a-zA-Z])|displaystyle(?![a-zA-Z])|limits(?![a-zA-Z]))|~")
_SIZED = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg)(?![a-zA-Z])\s*\.?")
_NAMES = [(re.compile(pattern), new) for pattern, new in TABLES["names"]]
_MIXED = re.compile(r"(?<![\d.^_/}\\a-zA-Z])(\d{1,4}) (\d{1,3}) ?/ ?(\d{1,3})(?![\d/.])")
_REPEATING = re.compile(r"(?<![\d.])(\d{0,9})\.(\d{0,6})\\overline\s*\{(\d{1,6})\}")
_BRACED_UNIT = re.compile(
    r"(?<=[\d}])\s*\{\s*(square|cubic|)\s*(degrees?|inch(?:es)?|feet|miles?|[kcdm]?m|[a-z]*meters?|units?)\s*\}"
)
_WRAPPED = re.compile(r'\\f?boxed\s*\{(.*)\}|\\\((.*)\\\)|\\\[(.*)\\\]|\*\*([^*]*)\*\*|"(.*)"', re.DOTALL)
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|[a-zA-Z]")
_SPACES = re.compile(r"\s+")


def _mixed(match: re.Match[str]) -> str:
    """A whole number before a proper fraction is added to it: "2 1/2"; before another it is left alone."""
    whole, top, bottom = match.groups()
    return rf"{whole}\frac{{{top}}}{{{bottom}}}" if int(top) < int(bottom) else match[0]


def _repeating(match: re.Match[str]) -> str:
    r"""A decimal without end as a fraction: `0.\overline{3}` is 3/9."""
    whole, fixed, period = match.groups()
    top = int(f"{whole}{fixed}{period}") - int(f"{whole}{fixed}" or 0)
    return rf"\frac{{{top}}}{{{'9' * len(period)}{'0' * len(fixed)}}}"


@lru_cache(maxsize=8192)
def standard(text: str) -> str:
    r"""A short answer in one spelling: `$120^{\circ}$`, `120°` and `120 degrees` become `120^\circ`.

    Wrappers (`$`, `\(`, `\boxed`, `**`), `\left`, LaTeX spaces, `\text`, currency signs and closing punctuation
    go; Unicode signs become LaTeX. A space stays where words or numbers would run together.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    for _ in range(4):
        match = _WRAPPED.fullmatch(text.strip("$ \n").rstrip(".,;") if text.count("$") <= 4 else text)
        if match is None:
            break
        text = next(group for group in match.groups() if group is not None).strip()
    text = text.replace("{,}", ",").replace(r",\!", ",")
    text = _SPACE.sub(" ", text)
    for _ in range(3):
        folded = _WORDS.sub(r" \1 ", text)
        if folded == text:
            break
        text = folded
    if not text.isascii():
        text = _RAISED.sub(lambda raised: f"^{{{raised[0].translate(RAISED)}}}", text)
        text = text.translate(_TRANSLATION)
    text = _BRACED_UNIT.sub(r" \1 \2", _SIZED.sub("", text))
    for pattern, replacement in _NAMES:
        text = pattern.sub(replacement, text)
    text = _REPEATING.sub(_repeating, _MIXED.sub(_mixed, text))
    return _SPACES.sub(" ", text).strip(" \t").rstrip(".;:,").strip()


_TIGHT = re.compile(r"\s*([-+*/=<>(){}\[\],;:^_|!])\s*")


def compact(text: str) -> str:
    """A standard text without the spaces that mean nothing: those around signs and after commands."""
    text = _TIGHT.sub(r"\1", text)
    return re.sub(r"(\\[a-zA-Z]+) (?![a-zA-Z])", r"\1", text)


def split_outside(text: str, separators: str) -> list[str]:
    """The parts of a text between separators that stand in no bracket; the text alone where there are none.

    Brackets of all kinds count alike, so that the half-open interval `[0,1)` is one part.
    """
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif depth == 0 and sign in separators:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
