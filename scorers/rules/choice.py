"""Multiple choice (MMBench, MMStar, AI2D, EmbSpatial): 1 where the chosen option is the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scorers.official.mmstar import official_mmstar
from scorers.read.option import LETTERS, read_option
from scorers.types import Answer, Coords, Score, Target, verdict


@dataclass(frozen=True, slots=True)
class ChoiceTarget(Target):
    """What a choice is compared with."""

    options: tuple[str, ...]
    """The options' texts in the order of their letters."""
    answer: int
    """Index of the right option; -1: withheld."""
    question: str = ""
    """What was asked, for sentences that repeat it."""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002
        """The right option's letter; None where it is withheld."""
        return LETTERS[self.answer] if self.answer >= 0 else None


def choice(answer: Answer, target: ChoiceTarget, official: float | None = None) -> Score:
    """1 where the option that the response chooses is the right one, or reads the same.

    `extracted` is its letter. A response that chooses none or several is unparsed.
    """
    found = read_option(answer.response, target.options, target.question)
    return verdict(
        found, lambda index: same_option(target.options, index, target.answer), official, LETTERS.__getitem__
    )


def same_option(options: Sequence[str], chosen: int, right: int) -> bool:
    """Whether a chosen option is the right one, or reads the same."""
    return chosen == right or options[chosen] == options[right] != ""


def mmstar(answer: Answer, target: ChoiceTarget) -> Score:
    """`value`: the chosen option. `official`: the verdict of MMStar's script."""
    return choice(answer, target, float(official_mmstar(answer.official_text, LETTERS[target.answer])))
