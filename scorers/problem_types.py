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
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from scorers.box import BoxTarget, grounding, read_box
from scorers.choice import ChoiceTarget, choice, read_letter
from scorers.coordinates import box_to_pixels
from scorers.final_answer import final_answer
from scorers.number import parse_number
from scorers.phrase import LONGEST_SENTENCE, phrases
from scorers.relative_accuracy import NumberTarget, numerical, regression
from scorers.rouge import OpenTarget, rouge_score
from scorers.symbolic import symbolic_equal
from scorers.text import is_refusal, spoken, text_equal
from scorers.types import Answer, Coords, Score, Scorer, Status, unparsed
from scorers.word_error_rate import TranscriptTarget, transcript_score

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERED = re.compile(r"^\s*\(?([A-Z])[).:]\s*")


class ProblemError(ValueError):
    """A training row cannot be scored: its type is unknown or its answer does not fit the type."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a training row asks and what is right, in the words of the data."""

    answer: str
    """The gold answer, with or without its `<answer>` block."""
    question: str = ""
    options: Sequence[str] = field(default=())
    """Texts of the options, with or without their letters."""
    size: tuple[int, int] | None = None
    """(width, height) of the stored image in pixels, where the answer is a box."""
    coords: Coords = "abs"
    """How the gold answer writes coordinates."""

    @property
    def gold(self) -> str:
        """The gold answer without its block."""
        return final_answer(self.answer)


@dataclass(frozen=True, slots=True)
class MathTarget:
    """The right answer of a mathematical problem, as LaTeX or plain text."""

    answer: str
    question: str = ""


def math_score(answer: Answer, target: MathTarget) -> Score:
    r"""`value` is 1 where the answer that the response gives is the same mathematics as the gold one.

    The last `\boxed{}` counts, else what follows "the answer is", else the whole. `official` is None.

    Raises:
        ScorerError: the symbolic engine ran out of time.
    """
    for text in spoken(answer):
        if is_refusal(text):
            continue
        said = [reading for reading in phrases(text, target.question)[:6] if len(reading) <= LONGEST_SENTENCE]
        for reading in said:
            if symbolic_equal(reading, target.answer):
                return Score(1.0, None, Status.OK, reading)
        return Score(0.0, None, Status.OK, said[-1] if said else text[-200:])
    return unparsed()


def _number(problem: Problem) -> NumberTarget:
    value = parse_number(problem.gold)
    if value is None:
        raise ProblemError(f"answer {problem.gold[:60]!r} is no number")
    return NumberTarget(value, problem.question)


def _choice(problem: Problem) -> ChoiceTarget:
    options = tuple(_LETTERED.sub("", str(option)).strip() for option in problem.options)
    named = read_letter(problem.gold, LETTERS[: len(options) or len(LETTERS)])
    if not options and named:  # the question lists its options itself
        options = ("",) * max(4, LETTERS.index(named) + 1)
    index = LETTERS.index(named) if named else None
    if index is None:
        index = next((at for at, option in enumerate(options) if text_equal(problem.gold, option)), None)
    if index is None:
        raise ProblemError(f"answer {problem.gold[:60]!r} is none of {len(options)} options")
    return ChoiceTarget(options, index)


def _transcript(problem: Problem) -> TranscriptTarget:
    return TranscriptTarget(problem.gold)


def _open(problem: Problem) -> OpenTarget:
    return OpenTarget((problem.gold,))


def _math(problem: Problem) -> MathTarget:
    return MathTarget(problem.gold, problem.question)


def _box(problem: Problem) -> BoxTarget:
    read = read_box(problem.gold, problem.coords)
    if read is None:
        raise ProblemError(f"answer {problem.gold[:60]!r} is no box")
    if problem.coords != "abs" and problem.size is None:
        raise ProblemError(f"a box in {problem.coords} needs the image's size")
    width, height = problem.size or (None, None)
    return BoxTarget(box_to_pixels(read, problem.coords, size=problem.size), width, height)


_TYPES: Mapping[str, tuple[Scorer, Callable[[Problem], Any]]] = {
    "multiple choice": (choice, _choice),
    "numerical": (numerical, _number),
    "regression": (regression, _number),
    "ocr": (transcript_score, _transcript),
    "open-ended": (rouge_score, _open),
    "math": (math_score, _math),
    "spatial grounding": (grounding, _box),
}

PROBLEM_TYPES = tuple(_TYPES)
"""The known types, in lower case; hyphens and underscores count as spaces."""


def _plain(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip().lower()))


def problem_scorer(problem_type: str, problem: Problem) -> tuple[Scorer, Any]:
    """The scorer of a problem type and the target of one problem.

    Args:
        problem_type: as the data names it: "multiple choice", "OCR", "open-ended", …
        problem: what the row holds.

    Returns:
        A scorer and its target; judge a response with `scorer(Answer(text), target)`.

    Raises:
        ProblemError: the type is unknown (the message names the nearest), or the answer does not fit it.
    """
    known = {_plain(name): name for name in _TYPES}
    name = known.get(_plain(problem_type))
    if name is None:
        close = get_close_matches(_plain(problem_type), list(known), n=1, cutoff=0.5)
        hint = f"did you mean {known[close[0]]!r}?" if close else f"known: {', '.join(_TYPES)}"
        raise ProblemError(f"unknown problem type {problem_type!r}; {hint}")
    scorer, build = _TYPES[name]
    return scorer, build(problem)
