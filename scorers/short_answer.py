"""Open questions with a number or a few words as gold: equal by value, or as text, however it is worded.

The readings of a response come from its own structure alone (`scorers.phrase`, `scorers.extraction`); then a
gold that is a number is compared by value, any other as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scorers.extraction import read_number
from scorers.mentions import shorten
from scorers.number import parse_number
from scorers.phrase import announced, phrases, words
from scorers.text import is_refusal, text_equal

_EXTRA = 4
"""Words beside the gold's within which a reading still says nothing else."""
_HEDGES = frozenset(
    ("not", "no", "never", "neither", "nor", "or", "and", "either", "except", "without", "isn't", "aren't")
)


def read_short(text: str, golds: Sequence[str], question: str = "") -> tuple[float, str] | None:
    """1 or 0, and what was read; None where a response gives no answer.

    Args:
        text: a final answer, or a response without its thinking.
        golds: the right answers, of which one is enough.
        question: what was asked: words repeated from it are no part of the answer.
    """
    text = shorten(text)
    if not text.strip() or (is_refusal(text) and announced(text) is None):
        return None
    number = read_number(text, question)
    readings = phrases(text, question)
    for gold in golds:
        value = parse_number(gold)
        if value is not None and number is not None and same_number(number.value, gold, value):
            return 1.0, number.text
        for reading in readings:
            if text_equal(reading, gold) or (value is None and says(reading, gold)):
                return 1.0, reading
    numeric = any(parse_number(gold) is not None for gold in golds)
    if numeric and number is not None:
        return 0.0, number.text
    return (0.0, readings[-1][:200]) if readings else None


def same_number(value: float, gold: str, wanted: float) -> bool:
    """Whether a number is the gold's value as exactly as the gold is written, or nearly at two decimals.

    1.333 is a gold "1.3"; 0.33 is a gold "0.333", since it is within 2 % and at two decimals the same.
    """
    digits = re.search(r"\.(\d{1,15})", gold)
    half = 0.5 * 10.0 ** -len(digits[1]) if digits else 0.0
    apart = abs(value - wanted)
    slack = 1e-9 * max(1.0, abs(wanted))
    return apart <= half + slack or (apart <= 0.005 and apart <= 0.02 * abs(wanted))


def says(reading: str, gold: str) -> bool:
    """Whether a reading has the gold's words in a row and few others, none of which denies or adds."""
    wanted, said = words(gold), words(reading)
    if not wanted or len(said) > len(wanted) + _EXTRA:
        return False
    for at in range(len(said) - len(wanted) + 1):
        if said[at : at + len(wanted)] == wanted:
            return not _HEDGES & set(said[:at] + said[at + len(wanted) :])
    return False
