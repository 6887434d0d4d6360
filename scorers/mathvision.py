"""MathVision: the chosen option or the answer as mathematics; beside it the verdict of the official script."""

from __future__ import annotations

from scorers.math_answer import MathTarget, judge
from scorers.official.mathvision import is_right
from scorers.types import Answer, Score, Status, unparsed


def mathvision(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by `scorers.math_answer`; `official` is the MATH-V script's verdict.

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    official = float(is_right(answer.official_text, target.answer, target.options))
    for reading in answer.readings():
        judged = judge(reading, target)
        if judged is not None:
            return Score(float(judged[0]), official, Status.OK, judged[1])
    return unparsed(official)
