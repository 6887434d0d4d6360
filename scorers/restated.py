"""Yes or no by restating the question.

"Is the water half full?" – "The water in the trough is half full." is yes; "There are fewer dogs than cats."
denies "Are there more dogs than cats?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from scorers.prose import sentences, tidy
from scorers.question import EXTREMES, LESS, MORE, focus, overlap
from scorers.statement import conclusion_start, conclusiveness, refuses

DENIES = re.compile(
    r"\b(?:not|no|never|neither|nor|none|cannot|without|nothing|false|incorrect)\b|n't\b", re.IGNORECASE
)
_HEDGES = re.compile(
    r"\b(?:might|maybe|perhaps|possibly|unclear|uncertain|unlikely|difficult|depends?)\b", re.IGNORECASE
)
_MORE = (
    *MORE,
    *("above", "over", "exceeds", "after"),
)
_LESS = (
    *LESS,
    *("below", "under", "before"),
)
_DIRECTION = {**dict.fromkeys(_MORE, 1), **dict.fromkeys(_LESS, -1)}
_OPPOSITES = """
    high/low even/odd convex/concave increase/decrease top/bottom open/closed full/empty left/right start/end
    inside/outside positive/negative rough/smooth roughest/smoothest vertical/horizontal old/new
"""
_PRONOUN = re.compile(r"^(?:so |thus |therefore )?,?(?:it|they|these|this|that|both|there)\b", re.IGNORECASE)
_SAME = re.compile(r"\b(?:same|equal|identical)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return [word.lower() for word in _WORD.findall(text[:2000])]


def stem(word: str) -> str:
    """A word without its inflection: "frogs" and "frog", "decreased" and "decrease" are one."""
    if len(word) > 3 and word.endswith("ies"):
        word = word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us")):
            word = word[: -len(ending)]
            return word[:-1] if ending in ("ing", "ed") and word[-1] == word[-2] else word
    return word


def _sign(words: Sequence[str], table: dict[str, int]) -> int:
    return next((table[word] for word in words if word in table), 0)


def _directions(asked: list[str], said: list[str]) -> tuple[int, int]:
    """The directions of two comparisons, by the comparatives that only one has, else by the first of each."""
    own = [word for word in asked if word not in said], [word for word in said if word not in asked]
    direction, told = _sign(own[0], _DIRECTION), _sign(own[1], _DIRECTION)
    if direction and told:
        return direction, told
    return _sign(asked, _DIRECTION), _sign(said, _DIRECTION)


def _swapped(question: list[str], sentence: list[str]) -> bool:
    """Whether two comparisons with "than" name their sides the other way round.

    What stands only on one side of "than" tells the sides apart.
    """
    if "than" not in question or "than" not in sentence:
        return False
    left, right = _sides(question)
    first, second = _sides(sentence)
    return len(right & first) + len(second & left) > len(right & second) + len(left & first)


def _sides(words: list[str]) -> tuple[set[str], set[str]]:
    """The word stems only before "than", and those only after it."""
    place = words.index("than")
    left, right = (
        {stem(word) for word in part if word not in EMPTY and word not in _DIRECTION}
        for part in (words[:place], words[place + 1 :])
    )
    return left - right, right - left


def restates(sentence: str, question: str) -> bool | None:
    """Whether a sentence affirms (True) or denies (False) a yes/no question; None where it does neither.

    It must repeat most of the question's words. "not" and its kin deny, and so do a comparison in the other
    direction ("fewer" for "more") or with its sides swapped, though not both at once, the other extreme
    ("minimum" for "maximum"), and "the same" where the question asks for a difference.
    """
    if refuses(sentence) or _HEDGES.search(sentence):
        return None
    asked, said = words_of(focus(question)), words_of(sentence)
    direction, told = _directions(asked, said)
    extremes = {EXTREMES[word] for word in asked if word in EXTREMES}
    reached = {EXTREMES[word] for word in said if word in EXTREMES}
    if not direction and _SAME.search(focus(question)):
        told_same = _SAME.search(sentence[conclusion_start(sentence) % len(sentence) :])
        if told_same is not None:
            return DENIES.search(sentence) is None
    least = 0.5 if direction and told else 0.6
    if _PRONOUN.match(sentence):
        if direction and not told and not extremes and _SAME.search(sentence):
            return False
        least = 0.15
    if overlap(sentence, question) < least:
        return None
    affirmed = (DENIES.search(sentence) is None) != _opposite(asked, said)
    if direction and told:
        if (direction != told) != _swapped(asked, said):
            affirmed = not affirmed
    elif direction and not extremes:
        return False if affirmed and _SAME.search(sentence) else None
    if extremes and reached and not extremes & reached:
        affirmed = not affirmed
    return affirmed


@cache
def _opposites() -> tuple[tuple[str, str], ...]:
    """Stems of words and of their opposites, both ways round."""
    stems = [(stem(one), stem(other)) for one, other in (pair.split("/") for pair in _OPPOSITES.split())]
    return (*stems, *((other, one) for one, other in stems))


def _opposite(asked: list[str], said: list[str]) -> bool:
    """Whether a sentence has the opposite of a word of the question in its place: "low" for "high"."""
    have, want = set(map(stem, said)), set(map(stem, asked))
    for one, other in _opposites():
        if one in want and other in have and one not in have and other not in want:
            return True
    missing, new = want - have, have - want
    return any(f"{prefix}{word}" in missing for word in new for prefix in _NEGATING) or any(
        f"{prefix}{word}" in new for word in missing for prefix in _NEGATING
    )


_NEGATING = ("in", "un", "non", "im", "dis", "ir")


def read_polarity(response: str, question: str) -> bool | None:
    """What the last conclusion that restates the question says, else the first sentence that does."""
    stated = (sentence for sentence in sentences(tidy(response)) if not sentence.endswith("?"))
    told = [(sentence, restates(sentence, question)) for sentence in stated]
    said = [(sentence, affirmed) for sentence, affirmed in told if affirmed is not None]
    for sentence, affirmed in reversed(said):
        if conclusiveness(sentence) >= 0.7:
            return affirmed
    return said[0][1] if said else None


_FUNCTION_WORDS = """
    a an the it its they their this that these is are was were be been will would could should may can do does
    of in on to at as and or also then there well likely
"""
EMPTY = frozenset(_FUNCTION_WORDS.split())
"""Words that tell no option from another."""
