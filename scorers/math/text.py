r"""One spelling for mathematics that people and models write in many: LaTeX, Unicode, plain text.

`standard` is the only place where wrappers, spaces, `\text`, degree and percent signs are folded. It changes
notation, never content.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 2000
"""Characters of a text that are folded; a longer one is no answer."""

_GREEK = ("alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "phi", "omega", "Delta")
_SIGNS = {
    **dict.fromkeys("−–—‐‑‒", "-"),
    **dict.fromkeys("×✕⨯", r"\times "),
    **dict.fromkeys("·⋅∙", r"\cdot "),
    **dict.fromkeys("°º˚", r"^\circ "),
    **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u00a0\u2009\u202f\u2003\u3000", " "),
    "÷": r"\div ",
    "π": r"\pi ",
    "∞": r"\infty ",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3] ",
    "±": r"\pm ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "≠": r"\ne ",
    "≈": r"\approx ",
    "∠": r"\angle ",
    "⁄": "/",
    "，": ",",
    "：": ":",
    "（": "(",
    "）": ")",
    "＝": "=",
    "％": "%",
    **{sign: rf"\{name} " for sign, name in zip("αβγδθλμφωΔ", _GREEK, strict=True)},
    **dict(
        zip(
            "½⅓⅔¼¾⅕⅛",
            (rf"\frac{{{a}}}{{{b}}}" for a, b in ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (1, 8))),
            strict=True,
        )
    ),
}
_TRANSLATION = str.maketrans(_SIGNS)
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_WORDS = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mathit|mathsf|mbox|operatorname|bold|rm)\s*\{([^{}]{0,200})\}"
)
_SPACE = re.compile(r"\\(?:[,;:! ]|q?quad(?![a-zA-Z])|displaystyle(?![a-zA-Z])|limits(?![a-zA-Z]))|~")
_SIZED = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg)(?![a-zA-Z])\s*\.?")
_NAMES = (
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:leq|leqslant)(?![a-zA-Z])"), r"\\le "),
    (re.compile(r"\\(?:geq|geqslant)(?![a-zA-Z])"), r"\\ge "),
    (re.compile(r"\\neq(?![a-zA-Z])"), r"\\ne "),
    (re.compile(r"\\(?:varphi)(?![a-zA-Z])"), r"\\phi "),
    (re.compile(r"(?<![\\a-zA-Z])sqrt(?![a-zA-Z])"), r"\\sqrt"),
    (re.compile(r"(?<![\\a-zA-Z])[Pp]i(?![a-zA-Z])"), r"\\pi "),
    (re.compile(r"\\?degrees?(?![a-zA-Z])"), r"^\\circ "),
    (re.compile(r"\^\s*\{\s*\\circ\s*\}|(?<!\^)\\circ(?![a-zA-Z])"), r"^\\circ "),
    (re.compile(r"\^\s*(?=\^)"), ""),
    (re.compile(r"\\?%|(?<![a-zA-Z])per ?cent(?:age)?(?![a-zA-Z])"), r"\\% "),
    (re.compile(r"\\textdollar|\\\$|\\(?:euro|pounds)(?![a-zA-Z])|[$€£]"), " "),
    (re.compile(r"\*\*"), "^"),
)
_BRACED_UNIT = re.compile(
    r"(?<=[\d}])\s*\{\s*(square|cubic|)\s*(degrees?|inch(?:es)?|feet|miles?|[kcdm]?m|[a-z]*meters?|units?)\s*\}"
)
_WRAPPED = re.compile(r"\\(?:boxed|fbox)\s*\{(.*)\}|\\\((.*)\\\)|\\\[(.*)\\\]|\*\*([^*]*)\*\*", re.DOTALL)
_SPACES = re.compile(r"\s+")


@lru_cache(maxsize=8192)
def standard(text: str) -> str:
    r"""A short answer in one spelling: `$120^{\circ}$`, `120°` and `120 degrees` become `120^\circ`.

    Wrappers (`$`, `\(`, `\boxed`, `**`), `\left`, LaTeX spaces, `\text`, currency signs and closing punctuation
    go; Unicode signs become LaTeX. A space stays where words or numbers would run together.
    """
    text = text.strip()
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
        text = _RAISED.sub(lambda raised: f"^{{{raised[0].translate(_RAISED_DIGITS)}}}", text)
        text = text.translate(_TRANSLATION)
    text = _BRACED_UNIT.sub(r" \1 \2", _SIZED.sub("", text))
    for pattern, replacement in _NAMES:
        text = pattern.sub(replacement, text)
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
