"""MMStar: the chosen option, and beside it the verdict of the published script."""

from __future__ import annotations

from scorers.official.mmstar import official_mmstar
from scorers.read.option import LETTERS
from scorers.rules.choice import ChoiceTarget, choice
from scorers.types import Answer, Score


def mmstar(answer: Answer, target: ChoiceTarget) -> Score:
    """`value`: the chosen option. `official`: MMStar's script."""
    return choice(answer, target, float(official_mmstar(answer.official_text, LETTERS[target.answer])))
