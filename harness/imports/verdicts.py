"""A tool's verdict on one response, out of the forms in which tools write one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from harness.imports.logged import Said
from scorers.place.boxes import iou

_SCORES = ("score", "is_correct", "true_false", "accuracy", "acc", "hit", "correct")
"""Names under which an object holds its verdict."""
_READ = ("extraction", "extracted", "parsed_pred", "pred", "parsed_points")
"""Names under which an object holds what was read from the response."""


def fraction(value: Any) -> float | None:
    """A verdict from 0 to 1 as a number; None where the value is none."""
    return float(value) if finite(value) and 0 <= value <= 1 else None


def finite(value: Any) -> bool:
    """Whether a value is a number that a float holds; true and false are 1 and 0."""
    return isinstance(value, int | float) and -sys.float_info.max <= value <= sys.float_info.max


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The entries that are finite numbers."""
    return {key: float(value) for key, value in values.items() if finite(value)}


def said(metric: Any, metrics: Mapping[str, Any]) -> Said:
    """What a tool says of a response.

    Args:
        metric: its headline metric's entry: a number, or an object that holds one. An object without one may
            hold what was read and the gold instead, from which the tool makes its verdict only later: a letter
            (`parsed_pred`, `answer`), or a box (`pred`, `bbox`), right where the IoU is at least 0.5.
        metrics: all entries, by name.
    """
    all_numbers = numbers(metrics)
    if not isinstance(metric, Mapping):
        return Said(fraction(metric), None, all_numbers)
    verdicts = [fraction(metric[name]) for name in _SCORES if name in metric]
    score = verdicts[0] if verdicts else _letter(metric)
    score = score if score is not None else _box(metric)
    read = next((metric[name] for name in _READ if name in metric), None)
    return Said(score, _text(read), all_numbers)


def _letter(metric: Mapping[str, Any]) -> float | None:
    """Whether the letter that was read is the right one. Open questions are judged by more than equality."""
    read, gold = metric.get("parsed_pred"), metric.get("answer")
    first = read[0] if isinstance(read, list) and len(read) == 1 else read
    if metric.get("question_type") != "multiple-choice" or not isinstance(first, str):
        return None
    return float(first == gold)


def _box(metric: Mapping[str, Any]) -> float | None:
    first, second = _four(metric.get("pred")), _four(metric.get("bbox"))
    return float(iou(first, second) >= 0.5) if first and second else None


def _four(value: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(value, list) or len(value) != 4 or not all(map(finite, value)):
        return None
    return float(value[0]), float(value[1]), float(value[2]), float(value[3])


def _text(read: Any) -> str | None:
    while isinstance(read, list) and len(read) == 1:
        read = read[0]
    return None if read is None else str(read)
