r"""CharXiv reasoning questions without a judge: numbers by value, labels and statements by text.

The benchmark's own verdict comes from GPT-4o under four rubrics, one for each answer type: text in the chart
(the same term), text in general (the same meaning, or one of the options named), a number in the chart and a
number in general (exactly equal, in any notation). The rules here are strict where the judge may be lenient: a
paraphrase of a statement is not recognised.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scorers.read.locate import read_phrases
from scorers.read.number import NumberMatch, read_number
from scorers.read.text import normalize_text, words
from scorers.read.yes_no import read_yes_no, truth
from scorers.rules.chart import exactly, items, whole_number
from scorers.types import Answer, Coords, Score, Target, said, verdict

NUMBER_TYPES = (3, 4)

_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi
chi psi omega phi epsilon theta partial int in infty sigma sigma
"""
_GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψωϕϵϑ∂∫∈∞σς", _NAMES.split(), strict=True))
_WRITTEN = str.maketrans({letter: f" {name} " for letter, name in _GREEK.items()})
_COMMAND = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf|mathit|mathcal|bar|hat|tilde|vec)\s*(?=\{)|\\[(),;:!\[\]]|\\"
)
_NOUN = (
    "sub-?plots?|plots?|sub-?figures?|figures?|fig|panels?|graphs?|charts?|curves?|lines?|colou?r|bars?|"
    "methods?|models?|labels?|options?|letters?|data ?sets?|columns?|rows?|cases?|curve"
)
_LEADING = re.compile(rf"^(?:(?:the|an?|both)\s+)?(?:(?:{_NOUN})\b[:.]?\s+(?=\S))?")
_TRAILING = re.compile(rf"(?<=\S)\s+(?:{_NOUN})$")
_LETTERED = re.compile(r"^\(([a-z]{1,3})\)\s*[:.]?\s*(\S.*)$", re.IGNORECASE)
_GLOSS = re.compile(r"^(.*\S)\s*\((?:[a-z](?:_\w{1,3})?|[a-z]+(?: [a-z]+)+)\)$", re.IGNORECASE)
_EQUATION = re.compile(r"^([^=,]{1,30}?)\s*=\s*([^=,]+)$")
_SPAN = re.compile(
    r"^(?:from\s+|between\s+)?[\[(]?\s*(-?\d[\w.%:]*?)\s*(?:,|-|\bto\b|\band\b)\s*(-?\d[\w.%:]*)\s*[\])]?$"
)
_ENDING = re.compile(r"(?:ing|ed|es|ly|e|s|d)$")


@dataclass(frozen=True, slots=True)
class CharxivTarget(Target):
    """What a CharXiv reasoning question is judged by."""

    answer: str
    kind: int
    """`reasoning_a_type`: text in the chart 1, text in general 2, number in the chart 3, in general 4."""
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The answer."""
        return self.answer


@lru_cache(maxsize=8192)
def plain_label(text: str) -> str:
    """A chart's label in one spelling.

    LaTeX and Greek letters are written out; subscript signs, white space, articles, brackets around the whole
    and words like "subplot" at either end are left out, hyphens after letters too. A "^" stays: C^2 is not C_2.
    """
    text = normalize_text(_COMMAND.sub(" ", text)).translate(_WRITTEN)
    text = _TRAILING.sub("", _LEADING.sub("", " ".join(re.sub(r"[_{}$\"]", "", text).split())))
    if re.fullmatch(r"[(\[][^()\[\]]*[)\]]|[a-z]\)", text):
        text = text.strip("()[] ")
    if span := _SPAN.match(text):
        return f"{span[1]}..{span[2]}"
    text = re.sub(r"(?<=[a-z])[-‐](?=[a-z\d])", " ", text)
    text = re.sub(r"\s*(?:,\s*and\b|\band\b|[,;&])\s*", ",", text)
    return "".join(text.split())


def _forms(gold: str, question: str) -> Iterator[str]:
    """The gold answer and what is as good: "(b) OPT" is OPT, "K = 0.8" is 0.8 where K is asked for."""
    yield gold
    if lettered := _LETTERED.match(gold):
        yield from lettered.groups()
    if gloss := _GLOSS.match(gold):
        yield gloss[1]
    if (equation := _EQUATION.match(gold)) and plain_label(equation[1]) in map(plain_label, question.split()):
        yield equation[2]


def _stems(text: str) -> tuple[str, ...]:
    """The words of a statement without endings, connectives left out: "increases, then decreases"."""
    return tuple(
        word if len(word) < 5 else _ENDING.sub("", word)
        for word in words(text)
        if word not in {"and", "then", "first", "finally", "it", "is", "the", "a", "generally", "trend", "more"}
    )


def _same_items(told: str, gold: str) -> bool:
    """Whether two lists of labels hold the same, in any order, unless they are numbers, rows or trends."""
    mine, theirs = items(told), items(gold)
    if len(theirs) < 2 or len(mine) != len(theirs) or re.search(r"\bthen\b|creas|^[(\[]", gold):
        return False
    if any(whole_number(item) for item in theirs):
        return False
    return sorted(map(plain_label, mine)) == sorted(map(plain_label, theirs))


def same_label(told: str, target: CharxivTarget) -> bool:
    """Whether a reading of the response says the gold text."""
    mine = plain_label(told)
    if mine and mine in {plain_label(form) for form in _forms(target.answer, target.question)}:
        return True
    if "row" not in target.question.lower() and _same_items(told, target.answer):
        return True
    if target.kind == 1:
        return False
    stems = _stems(target.answer)
    return bool(stems) and not re.search(r"\d", target.answer) and _stems(told) == stems


def same_value(told: NumberMatch, gold: NumberMatch) -> bool:
    """Whether two numbers are exactly equal in any notation; "85.5%" is 85.5 and 0.855, "5%" is 5 and 0.05."""
    mine = {told.value, told.value / 100} if told.percent and not gold.percent else {told.value}
    if gold.percent and not told.percent:
        mine.add(told.value * 100)
    return any(math.isclose(value, gold.value, rel_tol=1e-9, abs_tol=1e-15) for value in mine)


def charxiv(answer: Answer, target: CharxivTarget) -> Score:
    """Judge a reasoning answer by its answer type. `official` is None: it takes a judge."""
    response, question, single = answer.response, target.question, whole_number(target.answer)
    if target.kind in NUMBER_TYPES and single is not None:
        number = read_number(response, question)
        return verdict(number, lambda told: same_value(told, single), None, lambda told: told.text)
    if (wanted := truth(target.answer)) is not None:
        return verdict(read_yes_no(response, question), wanted.__eq__, None, said)
    found = read_phrases(response, question) or exactly(response, target.answer)
    return verdict(found, lambda told: _says(told, target), None, lambda told: told[-1])


def _says(readings: Sequence[str], target: CharxivTarget) -> bool:
    """Whether a reading is the gold label, statement or list of numbers.

    Where the gold has brackets, a reading that leaves the response's out is none.
    """
    if "(" in target.answer and "(" in readings[0]:
        readings = [reading for reading in readings if "(" in reading or readings[0].strip() == f"({reading})"]
    return any(same_label(reading, target) for reading in readings)
