r"""Multiple choice: which option does a text choose?

The rule, in order:

1. The whole text is an option's letter or its text.
2. Claims: "the answer is B", `\boxed{B}`, "I choose B", "B is correct", "B. …" at the start, a first or last
   sentence that is nothing but an option. The last claim counts; a claim of several options is no answer.
3. The last sentence that concludes ("therefore …") and names an option.
4. The only option that the text names: by letter, else (options yes and no) its polarity, else by text.
5. The last sentence that names an option.

A negated option ("not B", "B is wrong") is never chosen. The article "A" and the pronoun "I" are no letters.
Where several options are named and nothing says which, where a letter is none of the options', and where the
text refuses, there is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scorers.claims import Reading
from scorers.letters import is_list
from scorers.mentions import clean, same_text
from scorers.types import Answer, Score, Status, unparsed
from scorers.yes_no import read_yes_no

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_SEVERAL = re.compile(
    r"[\s\"'(\[]{0,3}[A-Za-z][)\]]?(?:\s?(?:[,;/&+]|and\b|or\b)\s?[(\[]?[A-Za-z][)\]]?){1,9}[\s.]{0,3}"
)
_WHOLE = re.compile(r"[\s\"'(\[{<.:*-]{0,6}([A-Za-z])[\s\"')\]}>.:,;!?*]{0,6}")
_ENUMERATED = re.compile(r"[(\[]?[A-Za-z][)\].:]")
_SHORT = 200
"""Characters of a text in which a letter that stands bare can be the answer."""


@dataclass(frozen=True, slots=True)
class ChoiceTarget:
    """The options as they were shown, in order, and the index of the right one."""

    options: tuple[str, ...]
    answer: int


def read_choice(text: str, options: Sequence[str]) -> int | None:
    """The index of the option that a text chooses, by letter or by text; None where it chooses none.

    Args:
        text: a final answer, or a response without its thinking.
        options: option texts in the order of their letters A, B, C …; an empty one is named by letter only.
    """
    return _read(text, tuple(options), LETTERS[: len(options)])


def read_letter(text: str, letters: str) -> str | None:
    """The letter of `letters` (capitals, e.g. "ABCDE") that a text chooses; None where it chooses none."""
    index = _read(text, ("",) * len(letters), letters)
    return None if index is None else letters[index]


def _read(text: str, options: tuple[str, ...], letters: str) -> int | None:
    text = clean(text)
    if not text or not options:
        return None
    if text in options and text not in letters:
        return options.index(text)
    whole = _WHOLE.fullmatch(text)
    if whole:
        return _single(frozenset({letters.find(whole[1].upper())}))
    several = _SEVERAL.fullmatch(text) is not None
    same = None if _ENUMERATED.match(text) else same_text(text, options)
    return same if several or same is not None else _read_prose(text, options, letters)


def _read_prose(text: str, options: tuple[str, ...], letters: str) -> int | None:
    """The last claim, else the last conclusion, else what alone is named."""
    yes = _polar(options)
    reading = Reading(text, options, letters, polar=yes is not None)
    claims = reading.claims()
    chosen = claims[-1].options if claims else reading.concluded()
    return _single(chosen) if chosen else _unclaimed(reading, yes)


def _unclaimed(reading: Reading, yes: int | None) -> int | None:
    """The only option named by letter; else the polarity; else the only one named by text, or the last."""
    letters, texts = reading.letters_named(), reading.texts_named()
    if not letters and len(texts) != 1 and len(reading.text) <= _SHORT:
        letters = reading.bare_letters_named()
    if len(letters) == 1:
        return _single(letters)
    if yes is not None:
        positive = None if letters else read_yes_no(reading.text)
        return None if positive is None else yes if positive else 1 - yes
    if (is_list(reading.text, reading.letters) and not reading.reprinted) or (
        reading.numeric and len(reading.text) > _SHORT
    ):
        return None
    return _single(texts if len(texts) == 1 else reading.last())


def _single(options: frozenset[int]) -> int | None:
    if len(options) != 1:
        return None
    (option,) = options
    return option if option >= 0 else None


def _polar(options: tuple[str, ...]) -> int | None:
    """The index of "yes" where the options are yes and no (or true and false)."""
    words = [option.strip().strip(".").casefold() for option in options]
    if sorted(words) in (["no", "yes"], ["false", "true"]):
        return next(index for index, word in enumerate(words) if word in ("yes", "true"))
    return None


def choice(answer: Answer, target: ChoiceTarget) -> Score:
    """1 where the chosen option is the right one, or one with the same text. `official` is None: no rule."""
    for reading in answer.readings():
        index = read_choice(reading, target.options)
        if index is not None:
            right = index == target.answer or target.options[index] == target.options[target.answer] != ""
            return Score(float(right), None, Status.OK, LETTERS[index])
    return unparsed()
