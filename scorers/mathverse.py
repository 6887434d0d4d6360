"""MathVerse: the chosen option or the answer as mathematics. The official verdict is a judge model's."""

from __future__ import annotations

from scorers.math_answer import MathTarget, judge
from scorers.types import Answer, Score, Status, unparsed


def mathverse(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by our rule (`scorers.math_answer`).

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    for reading in answer.readings():
        judged = judge(reading, target)
        if judged is not None:
            return Score(float(judged[0]), None, Status.OK, judged[1])
    return unparsed()
