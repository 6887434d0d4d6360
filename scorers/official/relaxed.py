"""Relaxed accuracy, the rule of ChartQA (Masry et al. 2022) as lmms-eval and VLMEvalKit compute it.

Both sides are read by Python's `float`: "1,200", "$47" and "47 million" are no numbers, "1_200" and "nan" are.
A percentage is divided by 100, also where the gold answer is the bare "47". Years get 5 % as well. A gold 0 is
compared as a string.
"""

from __future__ import annotations

TOLERANCE = 0.05


def _float(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return None


def relaxed_accuracy(prediction: str, gold: str) -> float:
    """1 where two numbers differ by at most 5 % of the gold one, or other texts are equal in lower case."""
    mine, theirs = _float(prediction), _float(gold)
    if mine is not None and theirs:
        return float(abs(mine - theirs) / abs(theirs) <= TOLERANCE)
    return float(prediction.lower() == gold.lower())
