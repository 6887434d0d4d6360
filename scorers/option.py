"""Which option a response chooses, the question known: by letter or text, else in the terms of the question.

"What would happen to the lions?" – "The lion population would decrease as well." is "It would decrease."
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from scorers.asked_option import compared, ranged, valued
from scorers.asked_option import lettered as named_by_letter
from scorers.choice import LETTERS, read_choice, read_letter
from scorers.claims import Reading
from scorers.extraction import read_number
from scorers.mentions import clean
from scorers.number import find_numbers
from scorers.prose import sentences, tidy
from scorers.question import overlap
from scorers.restated import DENIES, EMPTY, read_polarity, stem, words_of
from scorers.statement import Trust, refuses, statements

_EXPLICIT = re.compile(
    r"\b(?:yes|no(?= ?[.,:;)]|$)|true|false|answer|option|choice)\b|[(][A-Za-z][)]", re.IGNORECASE
)
_CONDITION = re.compile(
    r"\b(?:(?:if|when)\b[^,.;]*?(?:[,.;]|$|(?=\s(?:would|will)\s))|(?:because|since|although|while|without)\b[^,.;]*[,.;]?)",
    re.IGNORECASE,
)


def _polar(options: Sequence[str]) -> int | None:
    """The index of "yes" (or "true") where the options are yes and no (or true and false)."""
    words = [option.strip(" .").lower() for option in options]
    return next((words.index(word) for word in ("yes", "true") if word in words and len(words) == 2), None)


_ASKS_CONDITION = re.compile(r"\b(?:if|when|because)\W*\Z", re.IGNORECASE)


@lru_cache(maxsize=4096)
def distinctive(options: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """For each option the stems of the words that no other option has; articles, verbs and letters left out."""
    stems = [
        frozenset(stem(word) for word in words_of(option) if word not in EMPTY and len(word) > 1)
        for option in options
    ]
    return tuple(
        own.difference(*(other for place, other in enumerate(stems) if place != index))
        for index, own in enumerate(stems)
    )


def _named_by_words(sentence: str, options: tuple[str, ...], question: str) -> int | None:
    """The only option of whose distinctive words a sentence has at least half; None where others' occur too.

    Conditions and reasons ("if the caterpillars decrease, …") do not count, nor do sentences that deny.
    """
    main = sentence if _ASKS_CONDITION.search(question) else _CONDITION.sub(" ", sentence)
    if DENIES.search(main):
        return None
    said = set(map(stem, words_of(main)))
    own = distinctive(options)
    touched = [index for index, words in enumerate(own) if words & said]
    if len(touched) != 1 or 2 * len(own[touched[0]] & said) < len(own[touched[0]]):
        return None
    return touched[0]


@lru_cache(maxsize=4096)
def _values(options: tuple[str, ...]) -> tuple[float, ...]:
    """The numbers of options that are different numbers with one unit ("40°", "50°"); () where they are not."""
    found = [find_numbers(option) for option in options]
    if any(len(numbers) != 1 or numbers[0].notation == "words" for numbers in found):
        return ()
    rests = {option.replace(numbers[0].text, "", 1) for option, numbers in zip(options, found, strict=True)}
    units = {rest for rest in rests if rest.strip()}
    if len(rests) > 1 or any(not re.fullmatch(r"\s?(?:[A-Za-z]{1,12}[²³23]?|米|厘米)", unit) for unit in units):
        return ()
    values = tuple(numbers[0].value for numbers in found)
    return values if len(set(values)) == len(values) else ()


_SYMBOLS = (
    (re.compile(r"(?<![-=])\s?>\s?(?!=)"), " is larger than "),
    (re.compile(r"\s?<\s?(?![=/A-Za-z])|\s<\s"), " is smaller than "),
)
_LAST_WORD = re.compile(r"(?:[→⇒:;,.)–-]|=>)\s?(yes|no)\W{0,3}\Z", re.IGNORECASE)
"""A verdict at the very end: "2 > 1 → Yes"."""


def read_option(response: str, options: Sequence[str], question: str = "") -> int | None:
    """The option that a response chooses: by letter or text, else in the terms of the question.

    Args:
        response: the final answer of a model.
        options: the option texts.
        question: what was asked; without it only letters and texts are read.
    """
    options = tuple(options)
    yes = _polar(options)
    if yes is not None:
        return _read_polar(response, options, question, yes)
    if not question:
        return read_choice(response, options)
    letters = LETTERS[: len(options)]
    lettered = read_letter(response, letters) is not None
    if not lettered:
        exact = valued(response, options, question)
        exact = ranged(response, options, question) if exact is None else exact
        if exact is not None:
            return exact
    index = read_choice(response, options)
    reading = Reading(clean(response), options, letters)
    if not reading.claims() and not reading.concluded():
        asked = _as_asked(response, options, question)
        index = index if asked is None else asked
    values = _values(options)
    if values and not lettered:
        return _by_number(response, values, index, question)
    if index is None:
        index = _by_words(response, options, question)
    if index is None and (short := _without_prefix(options)):
        index = read_choice(response, short)
    return index


def _without_prefix(options: tuple[str, ...]) -> tuple[str, ...]:
    """Options without what all begin with up to an equals sign: "(x, y) = (0, 1)"; () where there is none."""
    heads = {option.rpartition("=")[0] for option in options}
    return (
        tuple(option.rpartition("=")[2].strip() for option in options)
        if len(heads) == 1 and "" not in heads
        else ()
    )


def _read_polar(response: str, options: tuple[str, ...], question: str, yes: int) -> int | None:
    """Of yes and no: by restating the question where the response has neither word, else by the words."""
    text = tidy(response)
    if question and not _EXPLICIT.search(text):
        affirmed = read_polarity(response, question)
        if affirmed is not None:
            return yes if affirmed else 1 - yes
    index = read_choice(response, options)
    last = _LAST_WORD.search(text)
    return (yes if last[1].lower() == "yes" else 1 - yes) if index is None and last else index


_ASIDE = re.compile(
    r"; |, (?:while|whereas|but|followed|since|because|as|including|which)\b"
    r"|,? (?:compared (?:with|to)|ahead of)\b"
)
_REPEATS = 0.5
"""Of the question's words, what a sentence repeats that answers it."""


def _as_asked(response: str, options: tuple[str, ...], question: str) -> int | None:
    """What a response that claims no option chooses in the terms of the question."""
    for statement in statements(response, question):
        if statement.trust > Trust.SENTENCE:
            break
        index = compared(statement.text, options, question)
        parts = _ASIDE.split(_CONDITION.sub(" ", statement.text))
        clauses = [part for part in parts if overlap(part, question) >= _REPEATS]
        if index is None and clauses:
            index = read_choice(clauses[0], options)
        if index is not None:
            return index
    return named_by_letter(response, options, question)


def _by_number(response: str, values: tuple[float, ...], index: int | None, question: str) -> int | None:
    """The option whose number the response gives. A number that is no option's outweighs one only mentioned."""
    number = read_number(response, question)
    if number is None:
        return index
    if number.value not in values:
        return None
    return values.index(number.value) if index is None else index


def _by_words(response: str, options: tuple[str, ...], question: str) -> int | None:
    """The option whose distinctive words the first statement has that has any option's."""
    if any(map(refuses, sentences(tidy(response))[:1])):
        return None
    for pattern, words in _SYMBOLS:
        response = pattern.sub(words, response)
    for statement in statements(response, question):
        if statement.trust <= Trust.SENTENCE:
            index = _named_by_words(statement.text, options, question)
            if index is not None:
                return index
    return None
