"""Relaxed accuracy for ChartQA, repaired: a number within 5 %, a year exactly, a name in any wording.

What a gold answer is (a list, a year, a number, yes or no, a name) is read from the gold answer and the
question, and the response is then read for one answer of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scorers.official.relaxed import TOLERANCE, relaxed_accuracy
from scorers.read.locate import Channel, Found, read_phrases
from scorers.read.normalise import WORDS, Clean
from scorers.read.number import NumberMatch, asks, find_numbers, read_number
from scorers.read.text import normalize_text, text_equal, unwrap
from scorers.read.yes_no import read_yes_no, truth
from scorers.types import Answer, Coords, Score, Target, said, verdict

_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_NAMES_SCALE = re.compile(rf"\b({'|'.join(_SCALES)})s?\b", re.IGNORECASE)
_ASKS = {
    kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in WORDS["chart_questions"].items()
}
_RANGE = re.compile(r"(?<=\d)\s*(?:-|/|\bto\b)\s*(?=\d)")
_OLDER = re.compile(r"(?<=\d)\s*(?:years?)?\s*(?:and|or)\s+(?:over|older|above|more|up)\b|(?<=\d)\s+plus\b")
_AGE = re.compile(r"^age[sd]?\s+(?:group\s+)?(?=\d)|(?<=[\d+])\s*(?:years?(?:\s+olds?)?|yrs?|year-olds?)$")
_GLOSS = re.compile(r"\s*\([^()\d]*\)$")
_SEPARATORS = re.compile(r"\s*(?:,\s*and\b|[,;\n]|\band\b|&)\s*")


@dataclass(frozen=True, slots=True)
class ChartTarget(Target):
    """What a chart question is judged by."""

    answer: str
    """The gold answer; several in brackets: "[2013, 2016]"."""
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The answer."""
        return self.answer


def whole_number(text: str) -> NumberMatch | None:
    """The number that a text is, with what stands beside it; None for fractions, ordinals and anything more."""
    bare = unwrap(text).strip().rstrip(".")
    found = find_numbers(bare) if len(bare) <= 100 else ()
    if len(found) != 1 or found[0].end - found[0].start != len(bare):
        return None
    return None if found[0].notation == "fraction" or found[0].ordinal else found[0]


def is_year(gold: NumberMatch, question: str) -> bool:
    """Whether a gold number is a year: four bare digits, 1900 to 2100, and the question asks which year.

    "When" asks so too. Without a question such a number is a year.
    """
    if not re.fullmatch(r"19\d\d|20\d\d|2100", gold.text):
        return False
    return not question or asks(question, "year")


def axis_scale(gold: NumberMatch, question: str, scale: float) -> bool:
    """Whether the chart's axis may be in thousands, millions, …, so that "47 million" reads 47 on it.

    Records do not state the unit of the axis. It may be `scale` where the question names that scale; where it
    names none, for sums of money, and for amounts whose gold answer is no whole number ("7.69" fans).
    """
    named = {_SCALES[word.lower()] for word in _NAMES_SCALE.findall(question)}
    if named:
        return scale in named
    if _ASKS["one"].search(question):
        return False
    return bool(_ASKS["money"].search(question) or (_ASKS["amount"].search(question) and "." in gold.text))


def same_amount(told: NumberMatch, gold: NumberMatch, question: str) -> bool:
    """Whether a number is within 5 % of the gold one, units and notation aside.

    A year must be equal, and so must 0. A scale word multiplies ("47 million"), or names the unit of the axis
    where `axis_scale` allows it. "47%" is 47, and 0.47 where the gold answer is written so; a bare 0.47 is 47
    where a percentage is asked for.
    """
    if is_year(gold, question):
        return told.value == gold.value and not (told.percent or told.currency) and told.scale == 1.0
    share = "%" in question or bool(_ASKS["share"].search(question)) or gold.percent or told.percent
    mine, theirs = {told.value}, {gold.value}
    if told.scale != 1.0 and gold.scale == 1.0 and not share and axis_scale(gold, question, told.scale):
        mine.add(told.value / told.scale)
    if gold.scale != 1.0 and told.scale == 1.0:
        theirs.add(gold.value / gold.scale)
    if told.percent and not gold.percent and abs(gold.value) <= 1 and "." in gold.text:
        mine.add(told.value / 100)
    if share and not told.percent and 0 < abs(told.value) < 1 <= abs(gold.value):
        mine.add(told.value * 100)
    return any(abs(one - other) <= TOLERANCE * abs(other) * (1 + 1e-9) for one in mine for other in theirs)


def _category(text: str) -> str:
    """A category's name with age groups and spans of years in one spelling: "0 to 14 years" is "0-14"."""
    text = _OLDER.sub("+", _RANGE.sub("-", normalize_text(text)))
    return _AGE.sub("", _AGE.sub("", text)).strip()


def same_name(told: str, gold: str) -> bool:
    """Whether two texts name one category of a chart; a gloss in brackets may be missing."""
    if text_equal(told, gold) or text_equal(told, _GLOSS.sub("", gold)):
        return True
    return _category(told) == _category(gold) != ""


def items(text: str) -> list[str]:
    """The items of a list: "[a, b]", "a and b", "a, b & c"."""
    bare = unwrap(text).strip().strip("[]().").strip()
    return [item for item in (part.strip(" '\"") for part in _SEPARATORS.split(bare)) if item]


def _same_item(told: str, gold: str, question: str) -> bool:
    mine, theirs = whole_number(told), whole_number(gold)
    if mine is None or theirs is None:
        return same_name(told, gold)
    return same_amount(mine, theirs, question)


def same_items(told: Sequence[str], gold: Sequence[str], question: str) -> bool:
    """Whether two lists agree: names and years in any order, other numbers in the order asked for."""
    if len(told) != len(gold):
        return False
    numbers = [whole_number(item) for item in gold]
    if all(number is not None and not is_year(number, question) for number in numbers):
        return all(_same_item(mine, theirs, question) for mine, theirs in zip(told, gold, strict=True))
    left = list(told)
    for wanted in gold:
        found = next((item for item in left if _same_item(item, wanted, question)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def same_list(readings: Sequence[str], target: ChartTarget) -> bool:
    """Whether a reading lists what the gold answer lists."""
    gold = items(target.answer)
    for reading in readings:
        told = items(reading)
        if len(told) == 1 and len(gold) == 2:
            told = re.split(r"\s*(?:-|–|\bto\b)\s*", told[0])
        if same_items(told, gold, target.question):
            return True
    return False


def chart(answer: Answer, target: ChartTarget) -> Score:
    """Judge an answer about a chart.

    `official` is relaxed accuracy as published (`scorers.official.relaxed`); `value` is ours. A response
    without an answer of the kind asked for, or that refuses, is unparsed.
    """
    official = relaxed_accuracy(answer.official_text, target.answer)
    response, question, gold = answer.response, target.question, whole_number(target.answer)
    if (wanted := truth(target.answer)) is not None:
        return verdict(read_yes_no(response, question), wanted.__eq__, official, said)
    if gold is not None and gold.notation != "words":
        number = read_number(response, question)
        return verdict(number, lambda told: same_amount(told, gold, question), official, lambda told: told.text)
    several = target.answer.startswith("[") and target.answer.endswith("]") and len(items(target.answer)) > 1
    return verdict(
        read_phrases(response, question) or exactly(response, target.answer),
        lambda told: same_list(told, target) if several else any(same_name(one, target.answer) for one in told),
        official,
        lambda told: told[-1],
    )


def exactly(response: Clean, gold: str) -> Found[tuple[str]] | None:
    """A final answer that is the gold to the letter, where it reads like a refusal: "Unknown"."""
    final = response.final
    return Found((final,), Channel.WHOLE, final) if final and text_equal(final, gold) else None
