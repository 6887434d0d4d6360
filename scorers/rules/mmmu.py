"""MMMU: the chosen option, or a short answer by value or text; beside it the published script's verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scorers.official.mmmu import official_choice, official_open
from scorers.read.locate import read_phrases
from scorers.read.normalise import Clean
from scorers.read.number import parse_number, read_number
from scorers.read.option import LETTERS, read_option
from scorers.read.text import text_equal
from scorers.read.yes_no import read_yes_no, truth
from scorers.types import Answer, Coords, Score, Status, Target, said, verdict


@dataclass(frozen=True, slots=True)
class MmmuTarget(Target):
    """A multiple-choice question has options and an answer, an open one golds; or they are withheld."""

    options: tuple[str, ...] = ()
    answer: int = -1
    """Index of the right option; -1 for an open question."""
    golds: tuple[str, ...] = ()
    """Right answers to an open question, of which one is enough."""
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002
        """The right option's letter, or the first gold answer; None where they are withheld."""
        return LETTERS[self.answer] if self.answer >= 0 else next(iter(self.golds), None)


def mmmu(answer: Answer, target: MmmuTarget) -> Score:
    """`value`: the chosen option, or a short answer by value or text. `official`: MMMU's script."""
    text, response, options = answer.official_text, answer.response, target.options
    if not options:
        return _open(response, target, float(official_open(text, target.golds)))
    official = float(official_choice(text, options) == target.answer)
    found = read_option(response, options, target.question)
    right = [
        index == target.answer or option == options[target.answer] != "" for index, option in enumerate(options)
    ]
    return verdict(found, right.__getitem__, official, LETTERS.__getitem__)


def _open(response: Clean, target: MmmuTarget, official: float) -> Score:
    if (polar := truth(next(iter(target.golds), ""))) is not None:
        return verdict(read_yes_no(response, target.question), polar.__eq__, official, said)
    values = [(gold, value) for gold in target.golds if (value := parse_number(gold)) is not None]
    number = read_number(response, target.question) if values else None
    if number is not None:
        told = number.value.value
        right = any(same_number(told, gold, value) for gold, value in values)
        return Score(float(right), official, Status.OK, number.value.text, number.channel)
    return verdict(
        read_phrases(response, target.question),
        lambda told: any(text_equal(one, gold) for one in told for gold in target.golds),
        official,
        lambda told: told[-1][:200],
    )


def same_number(value: float, gold: str, wanted: float) -> bool:
    """Whether a number is the gold's value as exactly as the gold is written, or nearly at two decimals.

    1.333 is a gold "1.3"; 0.33 is a gold "0.333", since it is within 2 % and at two decimals the same.
    """
    digits = re.search(r"\.(\d{1,15})(?![\d.]*[eE^])", gold)
    half = 0.5 * 10.0 ** -len(digits[1]) if digits else 0.0
    apart = abs(value - wanted)
    return apart <= half + 1e-9 * abs(wanted) or (apart <= 0.005 and apart <= 0.02 * abs(wanted))
