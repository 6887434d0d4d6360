r"""The answer to a mathematical question (MathVerse, MathVision), read from a response and judged.

Of a question with options the chosen one counts (`scorers.read.option`), of one that asks for several all of
them. Else the expression that the response gives is compared with the gold as mathematics
(`scorers.math.symbolic`). Where to look is `scorers.read.locate`'s matter; here is which expression of a text.
MathVerse's official verdict is a judge model's; MathVision's is its own script's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from scorers.math.amount import read_amount
from scorers.math.symbolic import sides, symbolic_equal
from scorers.math.text import compact, standard
from scorers.official.mathvision import is_right
from scorers.read.locate import AMBIGUOUS, Candidate, Channel, Found, Unclear, first, locate, plain
from scorers.read.normalise import Clean
from scorers.read.number import parse_number, pick
from scorers.read.option import LETTERS, read_option
from scorers.read.text import normalize_text, phrases, refuses, undenied
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer, Coords, Score, Status, Target, unparsed


@dataclass(frozen=True, slots=True)
class MathTarget(Target):
    """What a response to a mathematical question is compared with."""

    question: str
    answer: str
    """The gold as the data set has it: LaTeX, a number, a text; of options the letter, or the letters ("CD")."""
    options: tuple[str, ...] = ()
    """Option texts in the order of their letters; empty for a free-form question."""
    corrected: str | None = None
    """The gold that our rule compares with, where the data set's own is damaged."""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The letter or letters of the right options, or the answer."""
        return ", ".join(self.answer) if self.options else self.answer if self.corrected is None else self.corrected


def mathverse(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by our rule; `official` is None.

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    return _score(answer, target, None)


def mathvision(answer: Answer, target: MathTarget) -> Score:
    """1 where the answer is right by our rule; `official` is the MATH-V script's verdict.

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    return _score(answer, target, float(is_right(answer.official_text, target.answer, target.options)))


def _score(answer: Answer, target: MathTarget, official: float | None) -> Score:
    judged = judge(answer.response, target)
    if judged is None:
        return unparsed(official)
    right, found = judged
    return Score(float(right), official, Status.OK, found.value, found.channel)


_TRUTH = {"yes": True, "true": True, "no": False, "false": False}
_DISPLAY = re.compile(r"\\\[\s*([^\n]{1,300}?)\s*\\\]|\$\$\s*([^$\n]{1,300}?)\s*\$\$")


def _inline(text: str) -> str:
    """A text with its displayed formulas in line: a sentence goes on after them."""
    return _DISPLAY.sub(lambda formula: f"${formula[1] or formula[2]}$", text)


def judge(response: Clean, target: MathTarget) -> tuple[bool, Found[str]] | None:
    """Whether a response is right, and what was read from it; None where it gives no answer.

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    if target.options:
        return _judge_choice(response, target)
    gold, said = target.gold(), response.blocks[-1] if response.blocks else response.visible
    if said and not response.open and _spelled(said) == _spelled(gold):
        return True, Found(said, Channel.WHOLE, said)
    if len(gold) == 1 and gold in "ABCDE":  # the options are in the picture
        return _judge_choice(response, replace(target, options=tuple("ABCDE")))
    truth = _TRUTH.get(normalize_text(gold))
    if truth is not None:
        told = read_yes_no(response, target.question)
        return told and (told.value == truth, Found("yes" if told.value else "no", told.channel, told.text))
    response = replace(response, visible=_inline(response.visible), blocks=tuple(map(_inline, response.blocks)))
    candidates, kind = locate(response, target.question), _kind(standard(gold))
    if kind is _text:
        return _judge_text(candidates, target.question, gold)
    found = first(candidates, partial(_expression, question=target.question, amount=kind is _amount))
    return found and (symbolic_equal(found.value, gold), found)


def _spelled(text: str) -> str:
    return compact(standard(plain(text))).replace(" ", "") if len(text) <= _LONGEST else text


# --- Options ------------------------------------------------------------------------------------------------

_MENTIONED = (Channel.WHOLE, Channel.CONCLUDING, Channel.STATED)
"""Channels in which a response says more than its answer."""
_LABEL = re.compile(r"\W*[A-J]\s*(?:[.):]|$)")
_SOLO = re.compile(r"(?<![\w'\\$^{])([A-H])(?![\w'])(?! [a-z]{2,} )")
_LETTER_LIST = re.compile(r"[\W_]*[A-H](?:[\s()*,;&]|and|or)*(?:[A-H](?:[\s()*.,;&]|and)*)*")
_LABELLED = re.compile(r"(?:\W*[A-H]\W*(?:[.:)]\s.*)?(?:\n|$))+")


def _judge_choice(response: Clean, target: MathTarget) -> tuple[bool, Found[str]] | None:
    if len(target.answer) > 1:
        named = first(_with_lines(response, target.question), _letters)
        return named and (named.value == "".join(sorted(target.answer)), named)
    found = _chosen(response, target)
    if found is None or isinstance(found.value, str):
        return found and (False, found)
    gold = LETTERS.index(target.answer)
    right = found.value == gold or target.options[found.value] == target.options[gold] != ""
    return right, Found(LETTERS[found.value], found.channel, found.text)


def _chosen(response: Clean, target: MathTarget) -> Found[int] | Found[str] | None:
    """The index of the option that a response chooses, or an expression that is none of them.

    A box is an answer: what it holds is not overruled by what the text around it mentions, only by a letter or
    text that is announced. Without a choice the expression counts that the response gives.
    """
    options, question = target.options, target.question
    found = read_option(response, options, question)
    box = next((text for text in locate(response, question) if Channel.BOX in (text.channel, text.within)), None)
    mentioned = found is not None and found.channel in _MENTIONED
    if mentioned and _GIVES_UP.search(response.visible[-300:]):
        return None
    formula = box is not None and _is(box.text, loose=False) and not _LABEL.match(standard(box.text))
    if found is not None and (box is None or not (mentioned or (formula and box.text == found.text))):
        return found
    candidates = iter([box]) if box else locate(response, question)
    given = first(candidates, partial(_expression, question=question, amount=True))
    if given is None:
        return None
    equal = [index for index, option in enumerate(options) if option and symbolic_equal(given.value, option)]
    same = len({options[index] for index in equal}) == 1
    return Found(equal[0], given.channel, given.text) if same else given


def _with_lines(response: Clean, question: str) -> Iterator[Candidate]:
    """The candidates; before them all of a response whose every line is an option."""
    text = plain(response.blocks[-1] if response.blocks else response.visible)
    whole = [Candidate(Channel.WHOLE, text)] if not response.open and _LABELLED.fullmatch(text[:4000]) else []
    return chain(whole, locate(response, question))


def _letters(candidate: Candidate) -> str | None:
    """The letters that a text names, in their order."""
    text = undenied(candidate.text[:4000])
    if candidate.alone and not _LETTER_LIST.fullmatch(text):
        return None
    return "".join(sorted(set(_SOLO.findall(text)))) or None


# --- Expressions --------------------------------------------------------------------------------------------

_LONGEST = 300
"""Characters of an expression."""
_MATH = re.compile(r"\$([^$]{1,300})\$")
_ASSIGNS = re.compile(
    r"[=≈]|\\approx|:(?!\s?\d)|\b(?:is|are|be|equals?|was|gives?|get|yields?|have|find)\b"
    r"(?:\s(?:equal to|approximately|about|exactly|then|thus|therefore|only|the))*|(?:等于|得到?|[为是])",
    re.IGNORECASE,
)
_VARIABLES = r"(?<![a-zA-Z])(?:[b-zB-HJ-Z]|[A-Z]{2,4})(?![a-zA-Z])"
_CONSTANT = r"[^a-zA-Z\\,;]|,(?=\d{3})|\\[a-zA-Z]+|\\[%,]|(?<![a-zA-Z])(?:pi|sqrt)(?![a-zA-Z])"
_CONSTANTS = re.compile(rf"(?:{_CONSTANT})+")
_EXPRESSIONS = re.compile(rf"(?:{_CONSTANT}|{_VARIABLES}|,)+")
_UNIT_AFTER = re.compile(r"\s?(?:(?:square|cubic|sq\.?|cu\.?)\s)?[a-zA-Z]{1,14}(?:\s?\^?\{?[23²³]\}?)?(?![\w^])")
_NO_WORD = re.compile(r"\\[a-zA-Z]+|(?<![a-zA-Z])(?:and|or)(?![a-zA-Z])|(?<=\d) to (?=\d)")
_WORD = re.compile(
    r"[a-z]{3,}|[A-Z][a-z]{2,}|[A-Z]{5,}|[^\x00-\u024f]{2,}"
    r"|(?<![a-zA-Z])(?:i\.e|e\.g|of|in|is|to|at|as|by|if|on|we|so|it|an|no|be|do|go|he|a(?= [a-zA-Z]{2}))(?![a-zA-Z])"
)
_ALTERNATIVES = re.compile(r"=|\\approx|(?<![a-zA-Z])or(?![a-zA-Z])")
_REMARK = re.compile(
    r"(?<=\S)[,;]?\s\(?(?:because|since|as (?:it|the|[A-Z])|which|so that|where|given that|i\.e\.|by (?:the|[A-Z]))(?!\w).*", re.DOTALL
)
_CONNECTED = re.compile(r"\\(?:sqrt|pi|frac|times|cdot)|[√π^!]|\d\s?[(+*][\d(√π\\ ]")
"""Signs that a sentence's answer is more than one plain number."""
_GIVES_UP = re.compile(r"no (?:real |valid )?solution|contradict|not possible|(?:error|mistake) in", re.IGNORECASE)
_BREAK = re.compile(r"\\\\(?![a-zA-Z]{2})")


def is_expression(folded: str, loose: bool = False) -> bool:
    """Whether a standard text is an amount, or mathematics without words; loose: without a number too."""
    if read_amount(folded) is not None:
        return True
    bare = _NO_WORD.sub(" ", folded)
    known = loose and any(map(str.isalnum, folded)) or any(map(str.isdigit, folded))
    return len(folded) <= _LONGEST and known and not _WORD.search(bare)


def _amount(folded: str) -> bool:
    return read_amount(sides(folded)[1]) is not None


def _text(folded: str) -> bool:
    return not is_expression(folded, loose=True)


def _kind(gold: str) -> object:
    """What a standard gold is: `_amount`, `_text`, or `is_expression` for other mathematics."""
    return next((kind for kind in (_amount, _text) if kind(gold)), is_expression)


def _expression(candidate: Candidate, question: str, amount: bool) -> str | Unclear | None:
    """The expression that a candidate gives, as it stands there.

    Args:
        candidate: a text.
        question: what was asked, for numbers in prose.
        amount: the gold is a number, perhaps with a unit; otherwise it is other mathematics.
    """
    boxed = Channel.BOX in (candidate.channel, candidate.within)
    text = candidate.text.strip()
    if r"\begin" not in text:  # the last line of a derivation
        text = next((line for line in reversed(_BREAK.split(text)) if line.strip(" .$")), "").strip()
    if boxed and (_is(text, loose=True)):
        return text
    text = text if boxed else undenied(text)
    weak = candidate.channel in _MENTIONED
    text = text.strip().rstrip(".").strip()
    if candidate.alone:
        return _alone(text, candidate.channel, amount)
    if not text or (weak and (refuses(text) or _GIVES_UP.search(text))):
        return None
    return _given(text, weak, question, amount) or (text[:_LONGEST] if boxed else None)


def _is(text: str, loose: bool) -> bool:
    return 0 < len(text) <= _LONGEST and is_expression(standard(text), loose)


def _alone(text: str, channel: Channel, amount: bool) -> str | None:
    """A line that is an expression and nothing else; a first line must be no step and leave no choice."""
    if channel is Channel.WHOLE and _ALTERNATIVES.search(text):
        return None
    if _is(text, loose=not amount):
        return text
    return _number(text) if amount else None


def _number(text: str) -> str | None:
    """A number in words, in digits."""
    value = parse_number(text) if len(text) <= 80 else None
    return None if value is None else f"{value:.15g}"


def _given(text: str, weak: bool, question: str, amount: bool) -> str | Unclear | None:
    """What a sentence or a shorter text gives: all of it, what it begins with, or what stands after a verb or =."""
    text = _REMARK.sub("", text)
    if _is(text, loose=not amount):
        return text
    head = re.split(r"[,;]\s+(?=[a-z])|\s\(", text, maxsplit=1)[0]
    if not _ALTERNATIVES.search(head) and _is(head, loose=not amount):
        return head
    tails = list(_tails(text))
    starts = ([] if weak else [text]) + (tails[::-1] if amount else tails)
    for start in starts:
        if given := _leading(start, amount):
            return given
    for content in reversed(_MATH.findall(text)):
        if _is(content, loose=not amount):
            return content
    if not amount or _CONNECTED.search(text):
        return None
    number = pick(text, question)
    if number is None or number is AMBIGUOUS:
        return number
    return f"{number.value:.15g}" if number.notation == "words" else number.text


def _tails(sentence: str) -> Iterator[str]:
    """What follows each "is", "=" and the like within a sentence."""
    for match in list(_ASSIGNS.finditer(sentence))[-8:]:
        yield _closed(sentence[match.end() : match.end() + _LONGEST]).strip()


def _closed(text: str) -> str:
    """A text up to the first bracket that closes what was opened before it: `64) in all` → `64`."""
    depth = 0
    for place, sign in enumerate(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(sign, 0)
        if depth < 0 and not (sign in ")]" and text[:1] in "([" and depth == 0):
            return text[:place]
    return text


def _leading(text: str, amount: bool) -> str | None:
    r"""The expression that a text is or begins with, its unit included: `5 \sqrt{3} cm for all of them`."""
    text = text.strip("$ ") if text.count("$") == 1 else text
    if _is(text, loose=not amount):
        return text
    inline = _MATH.match(text)
    if inline and _is(inline[1], loose=not amount):
        return inline[1]
    match = (_CONSTANTS if amount else _EXPRESSIONS).match(text)
    if match is None or (text[match.end() :][:1].isalpha() and not match[0].endswith((" ", "$"))):
        return _number(re.split(r"[,;.]\s|\s(?=[a-z]+$)", text, maxsplit=1)[0]) if amount else None
    body = match[0].rstrip(" .,;:$(")
    unit = _UNIT_AFTER.match(text, len(body))
    if unit and (read := read_amount(standard(body + unit[0]))) is not None and read[1]:
        return body + unit[0]
    return body if body[-1:] not in "+-*/=^" and _is(body, loose=not amount) else None


# --- Texts --------------------------------------------------------------------------------------------------

_NO_CONTENT = re.compile(r"\\(?:quad|text)|(?<![a-z])(?:and|the|is|are)(?![a-z])|[,;:.$]\s|[$\s]|[;:.]$")


def _judge_text(
    candidates: Iterator[Candidate], question: str, gold: str
) -> tuple[bool, Found[str]] | None:
    """Whether a name or statement is the gold: its words and formulas in order, "and" and punctuation aside."""

    def parse(candidate: Candidate) -> tuple[str, ...] | None:
        short = len(candidate.text) <= 2 * len(gold) + 40
        return (phrases(candidate.text, question) or None) if short or not candidate.alone else None

    found, wanted = first(candidates, parse), _content(gold)
    if found is None:
        return None
    told = next((reading for reading in found.value if _content(reading) == wanted), None)
    return told is not None, Found(told or found.value[-1], found.channel, found.text)


def _content(text: str) -> str:
    return " ".join(filter(None, _NO_CONTENT.split(standard(text).casefold())))
