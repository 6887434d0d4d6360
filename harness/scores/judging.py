"""From a response to a score: the one place that calls `Task.score`, for evaluation and training alike."""

from __future__ import annotations

from harness.errors import PLUGIN_BUGS
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords, Score, Status
from tasks.types import Response, Sample, Task


def judge(
    task: Task,
    sample: Sample,
    response: Response,
    *,
    coords: Coords | None = None,
    raw: bool = False,
    delimiters: Delimiters = STANDARD,
) -> Score:
    """Score one response; a bug of the scorer costs this response, not the run: status `error`.

    Args:
        task: whose scorer decides.
        sample: what was asked.
        response: what came back.
        coords: the model's coordinate convention; tasks without places do not see it.
        raw: judge `official` on the untouched response, not on its final answer.
        delimiters: by which thinking, answers and chat tokens are known.
    """
    convention = coords if task.places else None
    try:
        score = task.score(sample, response, coords=convention, raw=raw, delimiters=delimiters)
    except PLUGIN_BUGS as error:
        return _error(f"{type(error).__name__}: {error}")
    return _checked(score)


def _checked(score: Score) -> Score:
    """The score, or `error` where a scorer may not return it: it would spoil means and rewards unseen."""
    for name, number in (("value", score.value), ("official", score.official)):
        if number is not None and not 0 <= number <= 1:  # NaN too
            return _error(f"the scorer gave {name} {number}, which is not in 0..1")
    return score


def _error(why: str) -> Score:
    return Score(0.0, None, Status.ERROR, error=why[:300])
