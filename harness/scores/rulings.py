"""A judge model's verdicts on the responses of a task, and how they agree with our rule's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.scores.repeats import RIGHT
from harness.scores.results import JudgeResult
from harness.scores.stats import Estimate

JUDGE = "judge"
"""The component that holds the judge's verdict."""
MOST = 5
"""Reasons of failures that are kept."""


@dataclass
class Rulings:
    """Verdicts by row; a row that is in neither table was not asked about."""

    model: str
    prompt: str
    """A hash of the rubric."""
    scores: dict[int, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    """Why there is no verdict."""

    def of(self, row: int) -> float | None:
        """The verdict on a row, 0..1; None where there is none."""
        return self.scores.get(row)


def judge_result(rulings: Rulings, values: Sequence[tuple[int, float]], score: Estimate) -> JudgeResult:
    """What a judge made of a task.

    Args:
        rulings: its verdicts.
        values: (row, `value`) of the responses in n.
        score: the headline of its verdicts.
    """
    cells = Counter(
        (rulings.scores[row] >= RIGHT, value >= RIGHT) for row, value in values if row in rulings.scores
    )
    failed = [rulings.failed[row] for row, _ in values if row in rulings.failed]
    judged = cells.total()
    right, judge_only, value_only, wrong = (
        cells[cell] for cell in ((True, True), (True, False), (False, True), (False, False))
    )
    return JudgeResult(
        model=rulings.model,
        prompt=rulings.prompt,
        score=score,
        judged=judged,
        failed=len(failed),
        not_asked=len(values) - judged - len(failed),
        both_right=right,
        judge_only=judge_only,
        value_only=value_only,
        both_wrong=wrong,
        agreement=(right + wrong) / judged if judged else None,
        kappa=kappa(right, judge_only, value_only, wrong),
        errors=tuple(dict.fromkeys(failed))[:MOST],
    )


def kappa(both: int, first: int, second: int, neither: int) -> float | None:
    """Cohen's kappa of two raters: both, only the first, only the second, neither said yes.

    None where there is nothing to rate, or chance alone would agree on all. Source: Cohen 1960.
    """
    n = both + first + second + neither
    if not n:
        return None
    agreed = (both + neither) / n
    chance = ((both + first) * (both + second) + (neither + first) * (neither + second)) / n**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)
