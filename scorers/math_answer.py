r"""The answer to a mathematical question (MathVision, MathVerse), read from a response and judged.

Where the question has options the chosen one counts: by letter or text (`scorers.choice`), else the only one
that equals what the response gives as its answer. Else that answer is compared with the gold as mathematics
(`scorers.symbolic`). Where to look is `scorers.statement`'s matter; here is which expression of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scorers.amount import read_amount
from scorers.choice import LETTERS, read_choice, read_letter
from scorers.extraction import stated_number
from scorers.math_text import standard
from scorers.prose import boxed
from scorers.question import read_question
from scorers.statement import Trust, statements
from scorers.symbolic import symbolic_equal
from scorers.text import is_refusal


@dataclass(frozen=True, slots=True)
class MathTarget:
    """What a response to a mathematical question is compared with."""

    question: str
    answer: str
    """The gold as the data set has it: an option's letter, LaTeX, a number."""
    options: tuple[str, ...] = ()
    """Option texts in the order of their letters; empty for a free-form question."""
    corrected: str | None = None
    """The gold that our rule compares with, where the data set's own is damaged."""


_LONGEST_EXPRESSION = 300
_MATH = re.compile(r"\$([^$]{1,300})\$")
_ASSIGNS = re.compile(
    r"[=≈]|\\approx|:(?!\s?\d)|\b(?:is|are|be|equals?|was|gives?|get|yields?)\b"
    r"(?:\s(?:equal to|approximately|about|exactly|then|thus|therefore|only|the))*",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(
    r"(?:[^a-zA-Z\\,;]|,(?=\d{3})|\\[a-zA-Z]+|\\[%,]|(?<![a-zA-Z])(?:pi|sqrt)(?![a-zA-Z]))+"
)
_LABELLED = re.compile(r"\W*[A-J]\s*(?:[.):]|$)")
_LETTER_LIST = re.compile(r"\W*[A-J](?:[\s()$]*+(?:,\s?(?:and|or)|,|and|or|&)[\s()$]*+[A-J])+\W*")
_NAMED_LETTER = re.compile(r"(?:the\s)?[a-z]{2,16}\s\(?([A-J])\)?\.?", re.IGNORECASE)
_GIVES_UP = re.compile(
    r"no (?:real |valid )?solution|contradict|not possible|(?:error|mistake) in|cannot be determined"
    r"|made a mistake",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-zA-Z]{3,}")
_SMALL_WORD = re.compile(
    r"(?<![\\a-zA-Z])(?:i\.e|e\.g|of|in|is|to|at|as|by|if|on|we|so|it|an?|no|be|do|go|he)(?![a-zA-Z])"
)
_NO_WORD = re.compile(r"\\[a-zA-Z]+|(?:sin|cos|tan|log)(?![a-z])")
_CONNECTED = re.compile(r"\\(?:sqrt|pi|frac|times|cdot)|[√π^/!]|\d\s?[:(+*-]\s?[\d(√π\\]")
"""Signs that a sentence's answer is more than one plain number."""


def judge(text: str, target: MathTarget) -> tuple[bool, str] | None:
    """Whether a final answer is right, and what was read from it; None where it gives no answer.

    Raises:
        ScorerError: the symbolic engine could not decide.
    """
    if target.options:
        return _judge_choice(text, target)
    gold = target.answer if target.corrected is None else target.corrected
    if len(gold) == 1 and gold in LETTERS:  # the options are in the picture
        letter = read_letter(text, LETTERS[:5])
        return None if letter is None else (letter == gold, letter)
    given = read_expression(text, target.question, _gives(standard(gold)))
    return None if given is None else (symbolic_equal(given, gold), given)


def _judge_choice(text: str, target: MathTarget) -> tuple[bool, str] | None:
    given: str | None = boxed(text)
    if given is not None and given.strip():
        chosen = choose(given, target.options)
    else:
        chosen, given = choose(text, target.options), None
        if chosen is None:
            given = read_expression(text, target.question, numeric=True)
            chosen = None if given is None else _equal_option(given, target.options)
    if chosen is not None:
        gold = LETTERS.find(target.answer)
        same = target.options[chosen] == target.options[gold] != ""
        return chosen == gold or same, LETTERS[chosen]
    return None if given is None else (False, given.strip())


def choose(text: str, options: Sequence[str]) -> int | None:
    r"""The option that a text chooses: the same text, by letter or words, or the only one that is equal.

    A text that is mathematics (`4\pi+\frac{8}{\pi}`) is not searched for options that it contains.
    """
    text = text.strip()
    if len(text) > 1 and text in options:
        return options.index(text)
    if _is_mathematics(text) or _LETTER_LIST.fullmatch(text):
        return _equal_option(text, options)
    named = _NAMED_LETTER.fullmatch(text)
    if named and named[1].isupper() and all(map(_is_label, LETTERS, options)):
        return next((index for index, letter in enumerate(LETTERS[: len(options)]) if letter == named[1]), None)
    chosen = read_choice(text, options)
    return chosen if chosen is not None or len(text) > _LONGEST_EXPRESSION else _equal_option(text, options)


def _is_label(letter: str, option: str) -> bool:
    """Whether an option is in the picture: its text is nothing or its own letter."""
    return option.strip("() ") in ("", letter)


def _is_mathematics(text: str) -> bool:
    """Whether a text is one expression and nothing else: no words and no label in front of it."""
    if len(text) > _LONGEST_EXPRESSION or _LABELLED.match(text):
        return False
    folded = standard(text)
    return _gives(folded) and not _WORD.search(_NO_WORD.sub("", folded))


def _gives(folded: str) -> bool:
    """Whether a standard text gives a value: an amount, a ratio, a point, or an expression with a digit."""
    return read_amount(folded) is not None or (
        len(folded) <= _LONGEST_EXPRESSION
        and any(map(str.isdigit, folded))
        and not _WORD.search(_NO_WORD.sub("", folded))
        and not _SMALL_WORD.search(folded)
    )


def _equal_option(given: str, options: Sequence[str]) -> int | None:
    """The first option that equals an expression, where all that do are the same text."""
    equal = [index for index, option in enumerate(options) if option and symbolic_equal(given, option)]
    return equal[0] if len({options[index] for index in equal}) == 1 else None


def read_expression(text: str, question: str = "", numeric: bool = True) -> str | None:
    """The expression that a response gives as its answer, unchanged; None where it gives none.

    Args:
        text: a final answer, or a response without its thinking.
        question: what was asked: its words and numbers help to find the sentence.
        numeric: the answer has a value; otherwise any short text may be the answer.
    """
    refused = is_refusal(text) or _GIVES_UP.search(text[-300:]) is not None
    best: tuple[float, str] | None = None
    for statement in statements(text, question):
        if best is not None and statement.trust is not Trust.SENTENCE:
            break
        if statement.trust is Trust.OUTPUT or (refused and statement.trust >= Trust.WHOLE):
            continue
        if statement.trust is Trust.BOXED:
            if statement.text.strip():
                return statement.text.strip()
            continue
        given = next(_expressions(statement.text, question, statement.trust, numeric), None)
        if given is None and statement.trust is Trust.LAST:
            return None
        if given is None:
            continue
        if statement.trust is not Trust.SENTENCE:
            return given
        if best is None or statement.rank > best[0]:
            best = statement.rank, given
    return best[1] if best else None


def _expressions(sentence: str, question: str, trust: Trust, numeric: bool) -> Iterator[str]:
    """What a sentence may give as its answer, the likeliest first."""
    sentence = sentence.strip().rstrip(".")
    if len(sentence) <= _LONGEST_EXPRESSION:
        folded = standard(sentence)
        if read_amount(folded) is not None or (trust <= Trust.WHOLE and _gives(folded)):
            yield sentence
    tails = [sentence, *_tails(sentence)] if trust <= Trust.WHOLE else list(_tails(sentence))
    for tail in reversed(tails):
        if (leading := _leading(tail)) is not None:
            yield leading
    for content in reversed(_MATH.findall(sentence)):
        if _gives(standard(content)):
            yield content
    if numeric and not _CONNECTED.search(sentence):
        found = stated_number(sentence, read_question(question), trust <= Trust.WHOLE)
        if found is not None:
            yield f"{found[0].value:.15g}" if found[0].notation == "words" else found[0].text
    if not numeric and trust <= Trust.WHOLE and 0 < len(sentence) <= _LONGEST_EXPRESSION:
        yield sentence


def _tails(sentence: str) -> Iterator[str]:
    """What follows each "is", "=" and the like within a sentence."""
    for match in list(_ASSIGNS.finditer(sentence))[-8:]:
        yield _closed(sentence[match.end() : match.end() + _LONGEST_EXPRESSION]).strip()


def _closed(text: str) -> str:
    """A text up to the first bracket that closes what was opened before it: `64) in all` → `64`."""
    depth = 0
    for place, sign in enumerate(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(sign, 0)
        if depth < 0:
            return text[:place]
    return text


def _leading(tail: str) -> str | None:
    r"""The amount that a text is or begins with, where words follow it: `5 \sqrt{3} cm, because …`."""
    tail = tail.strip("$ ") if tail.count("$") == 1 else tail
    if _gives(standard(tail)):
        return tail
    inline = _MATH.match(tail)
    if inline and _gives(standard(inline[1])):
        return inline[1]
    match = _EXPRESSION.match(tail)
    if match is None or (tail[match.end() :][:1].isalpha() and not match[0].endswith((" ", "$"))):
        return None
    body = match[0].rstrip(" .,;:$(")
    return body if _gives(standard(body)) else None
