"""MathVista: our extraction from the response, no judge, and the official rule on the same answer text.

`value` reads an option, a number, a list or a phrase out of the response (`scorers.read`) and compares it with
the gold answer. `official` is `scorers.official.mathvista` applied to the final answer as it stands.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from scorers.official.mathvista import mathvista_equal
from scorers.read.locate import AMBIGUOUS, Unclear, first, locate, read_phrases
from scorers.read.number import NumberMatch, parse_number, read_number
from scorers.read.option import LETTERS, read_option
from scorers.read.text import text_equal, undenied
from scorers.types import Answer, Coords, Score, Target, verdict

_SLACK = 1e-9
"""For what binary floats cannot hold, e.g. 2.675."""


_LIST = re.compile(r"[\[({]([^\[\](){}]{1,400})[\])}]")
_SEPARATOR = re.compile(r"\s*[,;]\s*(?:and\s)?|\s+and\s+|\s+")


def parse_list(text: str) -> tuple[float, ...] | Unclear | None:
    """The numbers of a text that gives one list: "[2, 5]" in it, or "2, 5" and "2 and 5" and nothing else."""
    text = undenied(text)
    lists = [elements for inside in _LIST.findall(text) if (elements := _elements(inside))]
    if len(set(lists)) > 1:
        return AMBIGUOUS
    bare = re.sub(r"^.*\b(?:are|is|between|from)\b|:", "", text.replace(" to ", " and "), flags=re.IGNORECASE)
    return lists[0] if lists else _elements(bare)


def _elements(text: str) -> tuple[float, ...] | None:
    parts = [part.strip("'\"") for part in _SEPARATOR.split(text.strip(" .'\"")) if part]
    values = [parse_number(part) for part in parts] if 2 <= len(parts) <= 100 else [None]
    return None if None in values else tuple(value for value in values if value is not None)


@dataclass(frozen=True, slots=True)
class MathVistaTarget(Target):
    """What a response is compared with."""

    question: str
    answer: str
    """The gold as the data set has it: an option's text, a number, a list as text; empty: withheld."""
    choices: tuple[str, ...] = ()
    """Option texts; empty for a free-form question."""
    answer_type: str = "text"
    """`text`, `integer`, `float` or `list`."""
    precision: float | None = None
    """Decimals of a `float` answer."""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002
        """The letter of the right option, or the answer; None where it is withheld."""
        return LETTERS[self.choices.index(self.answer)] if self.answer in self.choices else self.answer or None


def _equal(number: NumberMatch, gold: float, decimals: int | None) -> bool:
    """Equal as numbers (`decimals` None: 3.0 is 3, 3.7 is not), or when rounded to so many decimals.

    A scale may be the question's ("18 million", gold 18), a percentage a float's hundredth ("47%" for 0.47).
    """
    faces = {number.value, number.value / number.scale}
    if decimals is None:
        return any(math.isclose(value, gold, rel_tol=1e-9) for value in faces)
    if number.percent:
        faces.add(number.value / 100)
    within = min(0.5 * 10.0**-decimals, 0.5 * abs(gold)) if gold else 0.5 * 10.0**-decimals
    return any(abs(value - gold) <= within + _SLACK * abs(gold) for value in faces)


def mathvista(answer: Answer, target: MathVistaTarget) -> Score:
    """1 where the answer read from the response is the gold one.

    `official` is the verdict of the official normalisation and equality on the answer text.
    """
    official = float(
        mathvista_equal(
            answer.official_text,
            target.answer,
            choices=target.choices,
            answer_type=target.answer_type,
            precision=target.precision,
        )
    )
    response, question = answer.response, target.question
    if target.choices:
        choices = target.choices
        chosen = read_option(response, choices, question)
        return verdict(chosen, lambda index: choices[index] == target.answer, official, choices.__getitem__)
    if target.answer_type in ("integer", "float"):
        gold = parse_number(target.answer)
        decimals = int(target.precision or 0) if target.answer_type == "float" else None
        number = read_number(response, question)
        return verdict(
            number,
            lambda told: gold is not None and _equal(told, gold, decimals),
            official,
            lambda told: told.text,
        )
    if target.answer_type == "list":
        listed = first(locate(response, question), lambda candidate: parse_list(candidate.text))
        return verdict(
            listed, lambda told: told == parse_list(target.answer), official, lambda told: str(list(told))
        )
    return verdict(
        read_phrases(response, question),
        lambda told: any(text_equal(one, target.answer) for one in told),
        official,
        lambda told: told[-1],
    )
