"""Which scorer judges a row of training data: the `problem_type` of OneThinker's and EasyR1's format.

| problem type | `value` |
|---|---|
| multiple choice | the chosen option's letter or text |
| numerical | equal at two decimals |
| regression | mean relative accuracy over thresholds 0.50 … 0.95 |
| OCR | 1 − word error rate |
| open-ended | ROUGE-L F1 |
| math | the same mathematics |
| spatial grounding | IoU |

No type has an official script: `official` is None, except that of a box (Acc@0.5, as RefCOCO).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from scorers.read.number import parse_number
from scorers.rules.choice import choice
from scorers.rules.grounding import grounding
from scorers.rules.math import MathTarget, mathverse
from scorers.types import Answer, Scorer, Target
from training.problems.options import choice_target
from training.problems.places import box_target
from training.problems.problem import Problem, ProblemError
from training.problems.relative_accuracy import NumberTarget, numerical, regression
from training.problems.rouge import OpenTarget, rouge_score
from training.problems.word_error_rate import TranscriptTarget, transcript_score


class ProblemType(NamedTuple):
    """One type of problem."""

    name: str
    """As it is said: a key of `PROBLEM_TYPES`."""
    scorer: Scorer
    target: Callable[[Problem], Target]
    """Raises ProblemError where the row does not fit the type."""
    instruction: str
    """How to answer in the direct style."""


def _number(problem: Problem) -> NumberTarget:
    value = parse_number(problem.gold)
    if value is None:
        raise ProblemError(f"answer {problem.shown_gold()} is no number")
    return NumberTarget(value, problem.asked)


def _transcript(problem: Problem) -> TranscriptTarget:
    return TranscriptTarget(_text(problem), problem.asked)


def _open(problem: Problem) -> OpenTarget:
    return OpenTarget((_text(problem),), problem.asked)


def _math(problem: Problem) -> MathTarget:
    return MathTarget(problem.asked, _text(problem))


def _text(problem: Problem) -> str:
    if not problem.gold:
        raise ProblemError("the answer is empty")
    return problem.gold


_NUMBER, _TEXT = "Answer with a number.", "Answer with the text as it is written."
_BOX = 'Answer with the bounding box as JSON: {"bbox_2d": [x1, y1, x2, y2]}.'

PROBLEM_TYPES: Mapping[str, ProblemType] = {
    each.name: each
    for each in (
        ProblemType("multiple choice", choice, choice_target, "Answer with the option's letter."),
        ProblemType("numerical", numerical, _number, _NUMBER),
        ProblemType("regression", regression, _number, _NUMBER),
        ProblemType("ocr", transcript_score, _transcript, _TEXT),
        ProblemType("open-ended", rouge_score, _open, "Answer in a few words."),
        # MathVerse has no script of its own: its scorer is our rule for mathematics and nothing else.
        ProblemType("math", mathverse, _math, "Answer with the final result."),
        ProblemType("spatial grounding", grounding, box_target, _BOX),
    )
}
"""The known types by name, in lower case."""
ELSEWHERE = frozenset({"segmentation", "tracking", "temporal grounding", "spatial temporal grounding"})
"""Types of OneThinker's data whose answers are masks, tracks or times: there is no scorer for them here."""


def plain_name(name: str) -> str:
    """A name as names are compared: in lower case, hyphens and underscores as spaces."""
    return " ".join(re.split(r"[\s_-]+", name.strip().lower()))


_BY_PLAIN_NAME = {plain_name(name): each for name, each in PROBLEM_TYPES.items()}


def problem_type(name: str) -> ProblemType:
    """The type of a name as the data has it ("multiple choice", "OCR", "open_ended").

    Case does not matter; hyphens and underscores count as spaces.

    Raises:
        ProblemError: there is no such type, the message names the nearest; or no scorer for it.
    """
    plain = plain_name(name)
    if plain in ELSEWHERE:
        raise ProblemError(f"problem type {name!r} is not trained on: its answers are masks, tracks or times")
    if plain not in _BY_PLAIN_NAME:
        close = get_close_matches(plain, list(_BY_PLAIN_NAME), n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(PROBLEM_TYPES)}"
        raise ProblemError(f"unknown problem type {name!r}; {hint}")
    return _BY_PLAIN_NAME[plain]


def problem_scorer(name: str, problem: Problem) -> tuple[Scorer, Target]:
    """The scorer of a problem type and the target of one problem.

    Args:
        name: the problem type as the data has it.
        problem: what the row holds.

    Returns:
        A scorer and its target; judge a response with `scorer(Answer(text), target)`.

    Raises:
        ProblemError: the type is unknown, or the row does not fit it.
    """
    found = problem_type(name)
    return found.scorer, found.target(problem)


def gold_value(name: str, problem: Problem) -> float:
    """What the row's own gold answer earns, 0 to 1: less than 1 where the row or its scorer is not as it seems.

    Raises:
        ProblemError: as `problem_scorer`.
        ScorerError: the scorer could not decide.
    """
    scorer, target = problem_scorer(name, problem)
    return scorer(Answer(f"<answer>{problem.gold}</answer>", problem.coords), target).value
