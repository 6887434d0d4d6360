"""Numbers as answers: mean relative accuracy for estimates, equality at two decimals for exact ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scorers.read.number import read_number
from scorers.types import Answer, Coords, Score, Status, Target, unparsed

THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
"""0.50, 0.55, …, 0.95."""


@dataclass(frozen=True, slots=True)
class NumberTarget(Target):
    """The true number."""

    value: float
    question: str = ""
    """What was asked: its numbers and words help to tell the answer from what is repeated."""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The number in digits."""
        return f"{self.value:.15g}"


def mean_relative_accuracy(told: float, gold: float) -> float:
    """The share of the thresholds θ within which an estimate is: |told − gold| / |gold| ≤ 1 − θ.

    Source: VSI-Bench (Yang et al., 2024). A gold 0 asks for exactly 0.
    """
    if gold == 0:
        return float(told == 0)
    error = abs(told - gold) / abs(gold)
    return sum(error <= 1 - threshold + 1e-9 for threshold in THRESHOLDS) / len(THRESHOLDS)


def equal_at_two_decimals(told: float, gold: float) -> float:
    """1 where both round to the same two decimals, else 0."""
    return float(round(told, 2) == round(gold, 2))


def _judge(answer: Answer, target: NumberTarget, rule: Callable[[float, float], float]) -> Score:
    found = read_number(answer.response, target.question)
    if found is None:
        return unparsed()
    number = found.value
    values = {number.value, number.value / 100} if number.percent else {number.value}
    value = max(rule(each, target.value) for each in values)
    return Score(value, None, Status.OK, number.text, found.channel)


def regression(answer: Answer, target: NumberTarget) -> Score:
    """`value` is the mean relative accuracy of the number that the response gives. `official` is None."""
    return _judge(answer, target, mean_relative_accuracy)


def numerical(answer: Answer, target: NumberTarget) -> Score:
    """`value` is 1 where the number of the response is the true one at two decimals. `official` is None.

    "47%" is 47 or 0.47.
    """
    return _judge(answer, target, equal_at_two_decimals)
