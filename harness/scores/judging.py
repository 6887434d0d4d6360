"""From a response to a score: the one place that calls `Task.score`, for evaluation and training alike."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from numbers import Real
from types import NoneType
from typing import Any

from harness.errors import FAULTS, named
from harness.jsonl import plain
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
        return _checked(task.score(sample, response, coords=convention, raw=raw, delimiters=delimiters))
    except FAULTS as error:
        return _error(named(error))


def _checked(score: Score) -> Score:
    """The score with plain numbers, or `error` where it would spoil means and rewards unseen."""
    for name, number in (("value", score.value), ("official", score.official)):
        if number is None and name == "official":
            continue
        if not isinstance(number, (float, Real)) or not 0 <= number <= 1:  # NaN too
            return _error(f"the scorer gave {name} {number!r}, which is no number in 0..1")
    for name, number in score.components.items():
        if not isinstance(number, (float, Real)) or not math.isfinite(number):
            return _error(f"the scorer gave the component {name} {number!r}, which is no number")
    for name, text in (("extracted", score.extracted), ("error", score.error)):
        if not isinstance(text, (str, NoneType)):
            return _error(f"the scorer gave {name} {text!r}, which is no text")
    if score.shapes:
        _STRICT.encode(plain(score.shapes))
    return replace(
        score,
        value=float(score.value),
        official=None if score.official is None else float(score.official),
        status=Status(score.status),
        components={name: float(number) for name, number in score.components.items()},
    )


_STRICT = json.JSONEncoder(allow_nan=False)


def score_json(score: Score) -> dict[str, Any]:
    """A score as plain JSON; `value` is null where nothing was scored."""
    line: dict[str, Any] = {
        "value": score.value if score.status is not Status.UNSCORED else None,
        "official": score.official,
        "status": str(score.status),
        "extracted": score.extracted,
    }
    if score.channel is not None:
        line["channel"] = str(score.channel)
    if score.components:
        line["components"] = plain(score.components)
    if score.shapes:
        line["shapes"] = plain(score.shapes)
    if score.error is not None:
        line["error"] = score.error
    return line


def _error(why: str) -> Score:
    return Score(0.0, None, Status.ERROR, error=why[:300])
