"""MathVista: our extraction from the response, no judge, and the official rule on the same answer text.

`value` reads an option, a number or a list out of the response (`option.py`, `extraction.py`) and compares it
with the gold answer; docs/scoring/mathvista.md gives the rules in order. `official` is
`scorers.official.mathvista` applied to the final answer as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from scorers.extraction import read_number, read_text
from scorers.number import NumberMatch, parse_number
from scorers.number_list import read_list
from scorers.official.mathvista import mathvista_equal
from scorers.option import read_option
from scorers.text import text_equal
from scorers.types import Answer, Score, Status, unparsed

_SLACK = 1e-9
"""For what binary floats cannot hold, e.g. 2.675."""


@dataclass(frozen=True, slots=True)
class MathVistaTarget:
    """What a response is compared with."""

    question: str
    answer: str
    """The gold as the data set has it: an option's text, a number, a list as text."""
    choices: tuple[str, ...] = ()
    """Option texts; empty for a free-form question."""
    answer_type: str = "text"
    """`text`, `integer`, `float` or `list`."""
    precision: float | None = None
    """Decimals of a `float` answer."""


def _integer_equal(number: NumberMatch, gold: float) -> bool:
    """Equal as numbers: "3.0" is 3, and 3.7 is not. A scale may be the question's ("18 million", gold 18)."""
    return any(abs(value - gold) <= _SLACK * max(1.0, abs(gold)) for value in _faces(number))


def _float_equal(number: NumberMatch, gold: float, precision: int) -> bool:
    """Equal when rounded to the gold's decimals; a percentage may stand for its hundredth ("47%" for 0.47)."""
    within = 0.5 * 10.0**-precision + _SLACK
    values = [*_faces(number), *([number.value / 100] if number.percent else [])]
    return any(abs(value - gold) <= within for value in values)


def _faces(number: NumberMatch) -> tuple[float, ...]:
    """The value, and without its scale word where it has one."""
    return (number.value,) if number.scale == 1.0 else (number.value, number.value / number.scale)


def _judge(text: str, target: MathVistaTarget) -> tuple[bool, str] | None:
    """Whether a text gives the right answer, and what it gives; None where it gives none."""
    if target.choices:
        index = read_option(text, target.choices, target.question)
        return None if index is None else (target.choices[index] == target.answer, target.choices[index])
    if target.answer_type in ("integer", "float"):
        number, gold = read_number(text, target.question), parse_number(target.answer)
        if number is None or gold is None:
            return None
        if target.answer_type == "integer":
            return _integer_equal(number, gold), number.text
        return _float_equal(number, gold, int(target.precision or 0)), number.text
    if target.answer_type == "list":
        elements = read_list(text, target.question)
        return None if elements is None else (elements == read_list(target.answer), str(list(elements)))
    stated = read_text(text)
    return None if stated is None else (text_equal(stated, target.answer), stated)


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
    for reading in answer.readings():
        judged = _judge(reading, target)
        if judged is not None:
            right, given = judged
            return Score(float(right), official, Status.OK, given)
    return unparsed(official)
