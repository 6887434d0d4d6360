"""MathVista's own rule: normalise the extracted answer, then compare texts (its `calculate_score.py`).

The original has GPT-4 extract the answer first; here the rule judges the answer text as it stands. No draw at
random is involved: a multiple-choice text that is neither a letter nor an option becomes the nearest option.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BRACKETED_LETTER = re.compile(r"\(([a-zA-Z])\)")


def nearest_option(text: str, options: Sequence[str]) -> str:
    """The option at the smallest Levenshtein distance, the first of several; texts compared as they stand."""
    from rapidfuzz.distance import Levenshtein

    return min(options, key=lambda option: Levenshtein.distance(text, option))


def normalize_choice(extraction: str, options: Sequence[str]) -> str:
    """The option that a text stands for: the first "(X)", else a bare capital letter, else the nearest option.

    A bracketed letter beyond the options is compared as that letter alone.
    """
    text = extraction.strip()
    if bracketed := _BRACKETED_LETTER.search(text):
        text = bracketed[1].upper()
    index = ord(text) - ord("A") if len(text) == 1 else -1
    return options[index] if 0 <= index < len(options) else nearest_option(text, options)


def normalize(
    extraction: str, *, choices: Sequence[str] = (), answer_type: str = "text", precision: float | None = None
) -> str | None:
    """The answer in the form in which it is compared; None where it has none.

    Args:
        extraction: the answer text.
        choices: option texts; empty for a free-form question.
        answer_type: of a free-form question: `integer` (truncated towards zero), `float` (rounded to
            `precision` decimals), `list` or `text` (as it stands).
        precision: decimals; a float column in the data.
    """
    if choices:
        return normalize_choice(extraction, choices)
    try:
        if answer_type == "integer":
            return str(int(float(extraction)))
        if answer_type == "float":
            return None if precision is None else str(round(float(extraction), int(precision)))
    except (ValueError, OverflowError):
        return None
    return extraction


def mathvista_equal(
    extraction: str,
    answer: str,
    *,
    choices: Sequence[str] = (),
    answer_type: str = "text",
    precision: float | None = None,
) -> bool:
    """Whether the official script counts an extracted answer as right. Arguments as `normalize`."""
    normal = normalize(extraction, choices=choices, answer_type=answer_type, precision=precision)
    return normal is not None and normal == answer
