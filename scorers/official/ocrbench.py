"""OCRBench v1's rule (its `example.py`, Liu et al. 2023): the gold answer is in the response.

No limit on the response's length, no word boundaries: "4" is in "14", and a response that lists everything
contains every answer.
"""

from __future__ import annotations

from collections.abc import Iterable

FORMULA_DATASET = "HME100k"
"""Handwritten formulas, whose answers are LaTeX."""


def _plain(text: str) -> str:
    return text.lower().strip().replace("\n", " ")


def _formula(text: str) -> str:
    return text.strip().replace("\n", " ").replace(" ", "")


def inclusion(prediction: str, answers: Iterable[str], *, formula: bool = False) -> float:
    """1 where any gold answer is a substring of the prediction, else 0.

    Args:
        prediction: the response, as raw as the script would see it.
        answers: the gold answers.
        formula: compare without spaces, case kept (the HME100k items).
    """
    comparable = _formula if formula else _plain
    text = comparable(prediction)
    return float(any(comparable(answer) in text for answer in answers))
