"""Text equality: when two short texts are the same words in another spelling.

`normalize_text` folds what is wording (case, width, quotes, dashes, white space, markup around the whole, a
closing full stop) and nothing that is content. No edit distance here: near misses are misses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scorers.types import Answer

LONGEST = 20_000
"""Characters of a text that are looked at; no answer is longer."""

_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"),
    }
)
_RAISED = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_PAIRS = (
    ("**", "**"),
    ("__", "__"),
    ("```", "```"),
    ("`", "`"),
    ("*", "*"),
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("‘", "’"),
    ("«", "»"),
    ("$$", "$$"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
)
_COMMANDS = (r"\boxed{", r"\text{", r"\textbf{", r"\mathrm{", r"\mathbf{")
_OPENERS = frozenset(opening[0] for opening in (*dict(_PAIRS), *_COMMANDS))
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w)")
_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:i|we)(?:'m| am| are)? (?:can ?not|can't|could not|couldn't|do not|don't|am unable|unable|not able|"
    r"won't|will not) (?:to )?(?:answer|determine|see|view|provide|identify|tell|read|find|access|know|help|"
    r"assist|make out|be able|have (?:enough|access))"
    r"|\b(?:not enough information|insufficient information|cannot be (?:determined|answered|read)|"
    r"(?:is|are) (?:not|un)(?: |-)?(?:visible|readable|legible|provided|shown|mentioned|specified)"
    r"(?: in| on|\.|$)|unable to (?:answer|determine|read|see|provide)|i'm sorry|i am sorry|i apologi[sz]e)",
    re.IGNORECASE,
)


def _enclosed(text: str) -> str | None:
    """What one pair of markup around the whole text encloses, or None."""
    if text[:1] not in _OPENERS:
        return None
    for opening, closing in _PAIRS:
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
            inside = text[len(opening) : -len(closing)]
            if opening not in inside and closing not in inside:
                return inside
    for command in _COMMANDS:
        if text.startswith(command) and text.endswith("}"):
            inside = text[len(command) : -1]
            if inside.count("{") == inside.count("}") and inside.find("}") >= inside.find("{"):
                return inside
    return None


def unwrap(text: str) -> str:
    """A text without the markup and quotes that enclose the whole of it, its closing full stop left alone."""
    text = text.strip()
    for _ in range(4):
        inside = _enclosed(text)
        if inside is None and text.endswith((".", ",")):
            inside = _enclosed(text[:-1].rstrip())
        if inside is None:
            return text
        text = inside.strip()
    return text


def fold(text: str) -> str:
    """Case, width, quotes, dashes and white space folded; a raised number becomes "^" and its digits."""
    text = text[:LONGEST]
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    text = _RAISED.sub(lambda raised: "^" + raised[0].translate(_RAISED_DIGITS), text)
    text = unicodedata.normalize("NFKC", text).translate(_PUNCTUATION).casefold()
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def normalize_text(text: str) -> str:
    """The form in which short texts are compared: folded, unwrapped, without closing punctuation."""
    return fold(unwrap(fold(text)).rstrip(" .,;:!?").replace(" & ", " and "))


def text_equal(prediction: str, gold: str) -> bool:
    """Whether two texts are equal but for wording: see `normalize_text`; a leading article may be missing.

    An empty text equals only an empty text.
    """
    mine, theirs = normalize_text(prediction), normalize_text(gold)
    return mine == theirs or _ARTICLE.sub("", mine) == _ARTICLE.sub("", theirs) != ""


def is_refusal(text: str) -> bool:
    """Whether a response says that it gives no answer, judged by its first 400 characters."""
    return _REFUSAL.search(fold(text[:400])) is not None


def spoken(answer: Answer) -> Iterator[str]:
    """The texts in which to look for a short answer, those that say nothing left out, answer tags too."""
    for text in answer.readings():
        bare = _TAG.sub(" ", text).strip() if "<" in text else text
        if bare:
            yield bare
