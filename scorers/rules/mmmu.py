"""MMMU: the chosen option, or a short answer by value or text; beside it the verdict of the published script."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scorers.official.mmmu import official_choice, official_open
from scorers.read.locate import read_phrases
from scorers.read.number import parse_number, read_number
from scorers.read.option import LETTERS, read_option
from scorers.read.text import text_equal
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer, Coords, Score, Status, Target, unparsed

_POLAR = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class MmmuTarget(Target):
    """A multiple-choice question has options and an answer; an open one has golds."""

    options: tuple[str, ...] = ()
    answer: int = -1
    """Index of the right option; -1 for an open question."""
    golds: tuple[str, ...] = ()
    """Right answers to an open question, of which one is enough."""
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The right option's letter, or the first gold answer."""
        return LETTERS[self.answer] if self.options else self.golds[0]


def mmmu(answer: Answer, target: MmmuTarget) -> Score:
    """`value`: the chosen option, or a short answer by value or text. `official`: MMMU's script."""
    text = answer.official_text
    if not target.options:
        return _open(answer, target, float(official_open(text, target.golds)))
    official = float(official_choice(text, target.options) == target.answer)
    found = read_option(answer.response, target.options, target.question)
    if found is None:
        return unparsed(official)
    right = found.value == target.answer or target.options[found.value] == target.options[target.answer] != ""
    return Score(float(right), official, Status.OK, LETTERS[found.value], found.channel)


def _open(answer: Answer, target: MmmuTarget, official: float) -> Score:
    if (polar := _POLAR.get(target.golds[0].lower())) is not None:
        said = read_yes_no(answer.response, target.question)
        if said is None:
            return unparsed(official)
        return Score(float(said.value == polar), official, Status.OK, str(said.value), said.channel)
    values = [(gold, value) for gold in target.golds if (value := parse_number(gold)) is not None]
    number = read_number(answer.response, target.question) if values else None
    if number is not None:
        right = any(same_number(number.value.value, gold, value) for gold, value in values)
        return Score(float(right), official, Status.OK, number.value.text, number.channel)
    found = read_phrases(answer.response, target.question)
    if found is None:
        return unparsed(official)
    told = next((one for one in found.value for gold in target.golds if text_equal(one, gold)), None)
    return Score(float(told is not None), official, Status.OK, told or found.value[-1][:200], found.channel)


def same_number(value: float, gold: str, wanted: float) -> bool:
    """Whether a number is the gold's value as exactly as the gold is written, or nearly at two decimals.

    1.333 is a gold "1.3"; 0.33 is a gold "0.333", since it is within 2 % and at two decimals the same.
    """
    digits = re.search(r"\.(\d{1,15})(?![\d.]*[eE^])", gold)
    half = 0.5 * 10.0 ** -len(digits[1]) if digits else 0.0
    apart = abs(value - wanted)
    return apart <= half + 1e-9 * abs(wanted) or (apart <= 0.005 and apart <= 0.02 * abs(wanted))
