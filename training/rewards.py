"""Rewards: the score that `harness eval` writes, plus the recipe's terms for format, structure and length.

No scoring code lives here: accuracy is the task's own verdict (`harness.scores.judging.judge`), the format
rule is `scorers.response_format`, the structure term reads the verdict's status.

Source: arXiv 2604.08539; the weights are those of the authors' released code.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.scores.judging import judge
from scorers.response_format import response_format
from scorers.types import Coords, Score, Status
from tasks.types import Response, Sample, Task
from training.shaping import LengthEnvelope


@dataclass(frozen=True, slots=True)
class RewardRule:
    """Weights of the terms: (1 − format − length) · value + format · F + length · L + structure · F · S.

    F is the format, L the length term, S whether the scorer found an answer of the shape that is asked for.
    """

    format: float = 0.1
    length: float = 0.1
    structure: float = 0.5
    strict: bool = True
    """The whole response is one thinking block and one answer block; else text may stand around them."""


@dataclass(frozen=True, slots=True)
class Reward:
    """What one response earns, and for what. All terms lie in [0, 1] before they are weighted."""

    total: float
    format: float
    length: float
    structure: float
    score: Score
    """The task's verdict, as an evaluation journals it."""

    @property
    def value(self) -> float:
        """The accuracy: the verdict's value."""
        return self.score.value

    @property
    def counts(self) -> bool:
        """False where there is no response or the scorer failed: such a response leaves its group."""
        return self.score.status not in (Status.FAILED, Status.ERROR)


def reward(
    task: Task,
    sample: Sample,
    response: Response,
    *,
    rule: RewardRule,
    envelope: LengthEnvelope,
    coords: Coords | None,
) -> Reward:
    """Judge one response.

    Args:
        task: whose scorer decides.
        sample: what was asked.
        response: what the policy answered.
        rule: the weights.
        envelope: the length term, over the tokens of the response.
        coords: the model's coordinate convention.
    """
    score = judge(task, sample, response, coords=coords)
    shaped = response_format(response.text, strict=rule.strict)
    length = envelope.reward(response.completion_tokens)
    structure = shaped * (score.status is Status.OK)
    total = (
        (1 - rule.format - rule.length) * score.value
        + rule.format * shaped
        + rule.length * length
        + rule.structure * structure
    )
    return Reward(total, shaped, length, structure, score)
