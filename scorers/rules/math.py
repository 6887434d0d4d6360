r"""The answer to a mathematical question (MathVerse, MathVision), read from a response and judged.

Of a question with options the chosen one counts (`scorers.read.option`), of one that asks for several all of
them. Else the expression that the response gives is compared with the gold as mathematics
(`scorers.math.symbolic`). Where to look is `scorers.read.locate`'s matter; here is which expression of a text.
MathVerse's official verdict is a judge model's; MathVision's is its own script's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from scorers.math.amount import read_amount
from scorers.math.symbolic import symbolic_equal, value_named
from scorers.math.text import standard
from scorers.official.mathvision import is_right
from scorers.read.locate import Candidate, Channel, Found, Unclear, first, locate, plain, read_phrases
from scorers.read.normalise import Clean
from scorers.read.number import parse_number, pick
from scorers.read.option import LETTERS, read_option
from scorers.read.text import refuses, undenied
from scorers.read.yes_no import read_yes_no, truth
from scorers.types import Answer, Coords, Reading, Score, Target, said, verdict


@dataclass(frozen=True, slots=True)
class MathTarget(Target):
    """What a response to a mathematical question is compared with."""

    question: str
    answer: str
    """The gold as the data set has it: LaTeX, a number, a text; of options the letter or letters ("CD")."""
    options: tuple[str, ...] = ()
    """Option texts in the order of their letters; empty for a free-form question."""
    corrected: str | None = None
    """The gold that our rule compares with, where the data set's own is damaged."""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The letter or letters of the right options, or the answer."""
        if self.options:
            return ", ".join(self.answer)
        return self.answer if self.corrected is None else self.corrected


def mathverse(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by our rule, options read as everywhere; `official` is None."""
    return judge(answer.response, target)


def mathvision(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by our rule; `official` is the MATH-V script's verdict."""
    official = float(is_right(answer.official_text, target.answer, target.options))
    return replace(judge(answer.response, target, by_value=True), official=official)


def judge(response: Clean, target: MathTarget, by_value: bool = False) -> Score:
    """Whether a response is right by our rule.

    Args:
        response: taken apart by `normalise.clean`.
        target: what it is compared with.
        by_value: an expression that equals an option chooses it, where no option is named.
    """
    gold = target.gold()
    if not target.options and len(gold) == 1 and gold in "ABCDE":  # the options are in the picture
        target = replace(target, options=tuple("ABCDE"))
    if len(target.answer) > 1 and target.options:
        return _judge_several(response, target)
    if target.options:
        return _judge_choice(response, target, by_value)
    return _judge_free(response, target.question, gold.replace("\n", ", "))


def _judge_free(response: Clean, question: str, gold: str) -> Score:
    affirmed, value = truth(gold), value_named(standard(gold))
    if affirmed is not None:
        return verdict(read_yes_no(response, question), affirmed.__eq__, None, said)
    if value is not None and not is_expression(value, loose=True):
        return _judge_text(response, question, gold)
    parse = partial(_expression, question=question, amount=value is not None and read_amount(value) is not None)
    found = first(locate(response, question), parse)
    return verdict(found, lambda told: symbolic_equal(told, gold), None)


# --- Options ------------------------------------------------------------------------------------------------

_MENTIONED = (Channel.WHOLE, Channel.CONCLUDING, Channel.STATED)
"""Channels in which a response says more than its answer."""
_SOLO = re.compile(r"(?<![\w'\\$^{])([A-H])(?![\w'])(?!(?<=A) (?!and|or)[a-z])")
_LIST = re.compile(r"[\W_]*[A-H](?:[^\w]|and|or|[A-H])*")
_LINE = re.compile(r"\W*[A-H](?:\W\s|\W?$)|$")


def _judge_choice(response: Clean, target: MathTarget, by_value: bool) -> Score:
    options, gold = target.options, LETTERS.index(target.answer)

    def right(chosen: int | str) -> bool:
        return chosen == gold or (isinstance(chosen, int) and options[chosen] == options[gold] != "")

    found: Reading[int | str] | None = _chosen(response, target, by_value)
    return verdict(found, right, None, lambda told: told if isinstance(told, str) else LETTERS[told])


def _chosen(response: Clean, target: MathTarget, by_value: bool) -> Found[int] | Found[str] | None:
    """The index of the option that a response chooses, or an expression that is none of them.

    `by_value`: without a choice the expression counts that the response gives.
    """
    options, question = target.options, target.question
    found = read_option(response, options, question)
    if found is not None or not by_value:
        return found
    given = first(locate(response, question), partial(_expression, question=question, amount=True))
    if given is None:
        return None
    equal = [index for index, option in enumerate(options) if option and symbolic_equal(given.value, option)]
    same = len({options[index] for index in equal}) == 1
    return Found(equal[0], given.channel, given.text) if same else given


def _judge_several(response: Clean, target: MathTarget) -> Score:
    """By the letters in lines that each begin with one, else in the first candidate that has any."""
    text = plain(response.blocks[-1] if response.blocks else response.visible)
    listed = all(map(_LINE.match, text.split("\n"))) and not response.open
    named = first(chain([Candidate(Channel.WHOLE, text)] * listed, locate(response, target.question)), _letters)
    return verdict(named, "".join(sorted(target.answer)).__eq__, None)


def _letters(candidate: Candidate) -> str | None:
    """The letters that a text names, in their order."""
    text = undenied(candidate.text[:4000])
    listed = _LIST.fullmatch(text) is not None
    named = "" if candidate.alone and not listed else re.findall("[A-H]" if listed else _SOLO, text)
    return "".join(sorted(set(named))) or None


# --- Expressions --------------------------------------------------------------------------------------------

_LONGEST = 300
"""Characters of an expression."""
_ASSIGNS = re.compile(
    r"[=≈]|\\approx|:(?!\s?\d)|\b(?:is|are|be|equals?|was|gives?|get|yields?|have|find)\b"
    r"(?:\s(?:equal to|approximately|about|exactly|then|thus|therefore|only|the))*|(?:等于|得到?|[为是])",
    re.IGNORECASE,
)
_CONSTANT = r"[^a-zA-Z\\,;]|,(?=\d{3})|\\[a-zA-Z]+|\\[%,]|(?<![a-zA-Z])(?:pi|sqrt)(?![a-zA-Z])"
_CONSTANTS = re.compile(rf"(?:{_CONSTANT})+")
_EXPRESSIONS = re.compile(rf"(?:{_CONSTANT}|,|(?<![a-zA-Z])(?:[b-zB-HJ-Z]|[A-Z]{{2,4}})(?![a-zA-Z]))+")
_UNIT_AFTER = re.compile(r"\s?(?:(?:square|cubic|sq\.?)\s)?[a-zA-Z]{1,14}(?:\s?\^?\{?[23²³]\}?)?(?![\w^])")
_NO_WORD = re.compile(r"\\[a-zA-Z]+|(?<![a-zA-Z])(?:and|or)(?![a-zA-Z])|(?<=\d) to (?=\d)")
_WORD = re.compile(
    r"[a-z]{3,}|[A-Z][a-z]{2,}|[A-Z]{5,}|[^\x00-\u024f]{2,}"
    r"|(?<![a-zA-Z])(?:i\.e|e\.g|of|in|is|to|at|as|by|if|on|we|so|it|an|no|be|do|go|he|a(?= [a-zA-Z]{2}))"
    r"(?![a-zA-Z])"
)
_ALTERNATIVES = re.compile(r"=|\\approx|(?<![a-zA-Z])or(?![a-zA-Z])")
_REMARK = re.compile(
    r"(?<=\S)[,;]?\s\(?(?:because|since|as (?:it|the)|which|so that|where|given|i\.e\.|by (?:the|[A-Z]))(?!\w)"
)
_CONNECTED = re.compile(r"\\(?:sqrt|pi|frac|times|cdot)|[√π^!]|\d\s?[(+*][\d(√π\\ ]")
"""Signs that a sentence's answer is more than one plain number."""
_CLOSING = re.compile(r"[^()\[\]{}]*\)")
_BREAK = re.compile(r"\\\\(?![a-zA-Z]{2})")


def is_expression(folded: str, loose: bool = False) -> bool:
    """Whether a standard text is an amount, or mathematics without words; loose: without a number too."""
    if read_amount(folded) is not None:
        return True
    known = any(map(str.isalnum if loose else str.isdigit, folded))
    return len(folded) <= _LONGEST and known and not _WORD.search(_NO_WORD.sub(" ", folded))


def _is(text: str, loose: bool) -> bool:
    return 0 < len(text) <= _LONGEST and is_expression(standard(text), loose)


def _expression(candidate: Candidate, question: str, amount: bool) -> str | Unclear | None:
    """The expression that a candidate gives, as it stands there.

    Args:
        candidate: a text.
        question: what was asked, for numbers in prose.
        amount: the gold is a number, perhaps with a unit; otherwise it is other mathematics.
    """
    boxed, weak = candidate.boxed, candidate.channel in _MENTIONED
    text = candidate.text[:2000] if boxed else undenied(candidate.text[:2000])
    if r"\begin" not in text:  # the last line of a derivation
        text = next((line for line in reversed(_BREAK.split(text)) if line.strip(" .$")), "")
    text = text.strip().rstrip(".").strip()
    if _is(text, loose=boxed or not amount):
        step = candidate.alone and candidate.channel is Channel.WHOLE and _ALTERNATIVES.search(text)
        return None if step else text
    if candidate.alone:
        number = parse_number(text) if amount and len(text) <= 80 else None
        return None if number is None else f"{number:.15g}"
    if not text or (weak and refuses(text)):
        return None
    text = standard(text) if r"\text" in text else text
    return _given(text, weak, question, amount) or (text[:_LONGEST] if boxed else None)


def _given(text: str, weak: bool, question: str, amount: bool) -> str | Unclear | None:
    """What a sentence or a shorter text gives: what it begins with, or what stands after a verb or =.

    Of several the last is the number asked for, the first the equation asked for.
    """
    text = _REMARK.split(text)[0]
    if not _ALTERNATIVES.search(text) and _is(text, loose=not amount):
        return text
    tails = [text[match.end() :][:_LONGEST].strip() for match in list(_ASSIGNS.finditer(text))[-8:]]
    for start in ([] if weak else [text]) + (tails[::-1] if amount else tails):
        if given := _leading(start, amount):
            return given
    if not amount or _CONNECTED.search(text):
        return None
    number = pick(text, question)
    if number is None or isinstance(number, Unclear):
        return number
    return f"{number.value:.15g}" if number.notation == "words" else number.text


def _leading(text: str, amount: bool) -> str | None:
    r"""The expression that a text is or begins with, its unit included: `5 \sqrt{3} cm for all of them`."""
    text = text[: closing.end() - 1] if (closing := _CLOSING.match(text)) else text
    text = text.strip("$ ") if text.count("$") == 1 else text
    if _is(text, loose=not amount):
        return text
    match = (_CONSTANTS if amount else _EXPRESSIONS).match(text)
    if match is None or (text[match.end() :][:1].isalpha() and not match[0].endswith((" ", "$"))):
        return None
    body = match[0].rstrip(" .,;:$(")
    unit = _UNIT_AFTER.match(text, len(body))
    if unit and (read := read_amount(standard(body + unit[0]))) is not None and read[1]:
        return body + unit[0]
    return body if body[-1:] not in "+-*/=^" and _is(body, loose=not amount) else None


# --- Texts --------------------------------------------------------------------------------------------------

_NO_CONTENT = re.compile(r"(?<![a-z])(?:and|the|is|are)(?![a-z])|[,;:.$]\s|[$\s]|[;:.]$")


def _judge_text(response: Clean, question: str, gold: str) -> Score:
    """Whether a name or statement is the gold: its words and formulas in order, "and" and punctuation aside."""
    found, wanted = read_phrases(response, question), _content(gold)
    return verdict(found, lambda told: wanted in map(_content, told), None, lambda told: told[-1])


def _content(text: str) -> str:
    return " ".join(filter(None, _NO_CONTENT.split(standard(text).casefold())))
