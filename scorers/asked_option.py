r"""Options that a response chooses in the terms of the question.

"Which is larger, the moon or the sun?" – "The sun is larger than the moon." "Which shape comes next?", options
A to E – "The sequence continues with shape C." "5\sqrt{3} cm" for "5√3cm", "between 2 and 4" for "2 - 4".
"""

from __future__ import annotations

import re

from scorers.closed_form import option_values, same_value
from scorers.letters import is_article
from scorers.mentions import Tokens, clean, text_mentions
from scorers.question import LESS, MORE, focus
from scorers.statement import Trust, statements

_MORE = (
    *MORE,
    *("better", "farther", "further", "closer", "warmer", "hotter", "deeper", "stronger", "above", "exceeds"),
)
_LESS = (
    *LESS,
    "worse",
    *("nearer", "cooler", "colder", "weaker", "below"),
)
_DIRECTION = re.compile(rf"\b(?:(?P<more>{'|'.join(_MORE)})|(?P<less>{'|'.join(_LESS)}))\b", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z0-9'_])([A-Za-z])(?![A-Za-z0-9'_])")


def _direction(text: str) -> str | None:
    """`more` or `less`, by the first comparative of a text."""
    found = _DIRECTION.search(text)
    return found.lastgroup if found else None


def _options_in(text: str, options: tuple[str, ...]) -> set[int]:
    return {mention.option for mention in text_mentions(Tokens(clean(text)), options)}


def compared(sentence: str, options: tuple[str, ...], question: str) -> int | None:
    """The option that a comparison ("X is larger than Y") makes the answer to "Which is larger?"."""
    first, than, second = sentence.partition(" than ")
    asked, told = _direction(focus(question)), _direction(first)
    if not than or asked is None or told is None or re.search(r"\bnot\b|n't\b", first):
        return None
    left, right = _options_in(first, options), _options_in(second, options)
    named = left - right if asked == told else right - left
    return named.pop() if len(named) == 1 else None


def lettered(response: str, options: tuple[str, ...], question: str) -> int | None:
    """Of options that are nothing but letters, the only one that the best statement names."""
    if any(len(option) != 1 or not option.isalpha() for option in options):
        return None
    for statement in statements(response, question):
        if statement.trust > Trust.SENTENCE:
            break
        said = {
            match[1]
            for match in _LETTER.finditer(statement.text)
            if match[1] in options and not (match[1] in "aAI" and is_article(statement.text, match.end()))
        }
        if len(said) == 1:
            return options.index(said.pop())
    return None


_RANGE = re.compile(r"(\d[\d.,]{0,12})%?\s?(?:-|to|and)\s?(\d[\d.,]{0,12})%?", re.IGNORECASE)


def _ranges(text: str) -> list[tuple[str, str]]:
    return [(match[1].rstrip(".,"), match[2].rstrip(".,")) for match in _RANGE.finditer(clean(text))]


def ranged(response: str, options: tuple[str, ...], question: str) -> int | None:
    """Of options that are ranges ("2 - 4"), the one that the best statement gives: "between 2 and 4"."""
    own = [_ranges(option) for option in options]
    if any(len(ranges) != 1 for ranges in own):
        return None
    for statement in statements(response, question):
        said = [ranges[0] for ranges in own if ranges[0] in _ranges(statement.text)]
        if statement.trust <= Trust.SENTENCE and len(said) == 1:
            return own.index([said[0]])
    return None


def valued(response: str, options: tuple[str, ...], question: str) -> int | None:
    """Of options that are exact values, the one that the best statement gives, however it is written."""
    values = option_values(options)
    if not values:
        return None
    for statement in statements(response, question):
        index = same_value(statement.text, values) if statement.trust <= Trust.SENTENCE else None
        if index is not None:
            return index
    return None
