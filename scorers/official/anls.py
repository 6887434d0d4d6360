"""ANLS as the Robust Reading Challenge's script computes it (DocVQA, InfographicVQA; Biten et al. 2019).

Both sides are stripped, lower-cased and their white space collapsed before the edit distance, yet the distance
is divided by the length of the *raw* strings, upper-cased: spare spaces make a wrong answer look less wrong,
and "ß", two letters in upper case, counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

THRESHOLD = 0.5
"""Similarities below this count 0."""


@lru_cache(maxsize=8192)
def _gold(answer: str) -> tuple[str, int]:
    """A gold answer as it is compared, and its raw length."""
    return " ".join(answer.strip().lower().split()), len(answer.upper())


def anls(prediction: str, answers: Iterable[str]) -> float:
    """Average normalised Levenshtein similarity of one response: the best over the gold answers.

    Args:
        prediction: the response, as raw as the script would see it.
        answers: the gold answers; at least one.

    Returns:
        0, or THRESHOLD to 1. Two empty strings are equal: 1.
    """
    from rapidfuzz.distance.Levenshtein import distance

    compared = " ".join(prediction.strip().lower().split())
    raw = len(prediction.upper())
    best = 0.0
    for answer in answers:
        gold, length = _gold(answer)
        if compared == gold:
            return 1.0
        length = max(length, raw)
        # A distance over half the length scores 0: the cut-off keeps huge responses cheap.
        edits = distance(gold, compared, score_cutoff=length // 2)
        best = max(best, 1.0 - edits / length)
    return best if best >= THRESHOLD else 0.0
