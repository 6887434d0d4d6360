"""Reading yes or no: said outright, by denying, or by restating the question.

"Is the red bar larger than the blue one?" – "The red bar is larger.", "It is." and "The blue bar is smaller
than the red bar." affirm; "It is not.", "The red bar is smaller." and "The blue bar is larger." deny. A hedge,
a refusal and "yes or no" have no polarity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scorers.read.locate import Candidate, Found, first, locate
from scorers.read.normalise import WORDS, Clean
from scorers.read.text import FRAMING, asked_stems, focus, normalize_text, refuses, sentences, stem, words

_MEANS = {"yes": True, "true": True, "correct": True, "no": False, "false": False, "incorrect": False}
_YES, _NO = ("|".join(WORDS["polarity"][key]) for key in ("yes", "no"))
_IDIOM = rf"(?!\s(?:{WORDS['polarity']['idiom']})|\.\s?\d|t\b)"
_SAID = rf"(?:(?P<no>(?:{_NO}){_IDIOM})|(?P<yes>{_YES}))(?![\w'])(?!\s?(?:or|and|/)\s?(?:yes|no)\b)"
_ALONE = re.compile(rf"[\s\"'(\[{{*$-]{{0,8}}{_SAID}[\s\"')\]}}.!,;*$]{{0,8}}", re.IGNORECASE)
_OPENING = re.compile(
    r"[\s\"'(\[{*:-]{0,8}(?:(?:okay|ok|well|so|hmm|oh|thus|therefore|hence|actually|in short|unlikely|simply"
    r"|i (?:think|say|believe))\b[\s,.!:-]{1,4}){0,3}"
    rf"{_SAID}(?=[\"')\]}}.,;:!*–—-]|\s*$|(?<=yes)\s|(?<=no)\s|(?<=not)\s)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"[,:;.–—]\s?(?:so|and|hence|thus|therefore|then)?,?\s?{_SAID}[\s.!\"')]*$", re.IGNORECASE
)
_HEDGE = re.compile(rf"\b(?:{'|'.join(WORDS['polarity']['hedge'])})\b", re.IGNORECASE)
_DENIES = re.compile("|".join(WORDS["polarity"]["denies"]), re.IGNORECASE)
_SIGNS = {"more": 1, "less": -1, "most": 1, "least": -1}
_WAYS = {key: dict.fromkeys(WORDS["directions"][key].split(), sign) for key, sign in _SIGNS.items()}
_DIRECTION, _EXTREMES = _WAYS["more"] | _WAYS["less"], _WAYS["most"] | _WAYS["least"]
_OPPOSITES = [tuple(pair.split("/")) for pair in WORDS["directions"]["opposites"].split()]
_OPPOSITE = dict(_OPPOSITES) | {other: one for one, other in _OPPOSITES}
_SAME = re.compile(r"\b(?:same|equal|identical)\b", re.IGNORECASE)
_PRONOUN = re.compile(
    r"^(?:so |thus |therefore )?,?(?:it|they|these|this|that|both|neither|there|the (?:statement|claim))\b",
    re.IGNORECASE,
)


def truth(text: str) -> bool | None:
    """What a gold answer or an option means that is "yes", "no", "true" or "false"; None for any other text."""
    return _MEANS.get(normalize_text(text))


def yes_no_pair(options: Sequence[str]) -> tuple[bool, bool] | None:
    """What each of two options means, where they are yes and no (or true and false); None elsewhere."""
    first_means, *others = map(truth, [*options[:3], ""])
    return None if first_means is None or others != [not first_means, None] else (first_means, not first_means)


def polarity(text: str, question: str = "") -> bool | None:
    """Whether a sentence says yes (True) or no (False); None where it says neither, hedges or refuses."""
    opening = _ALONE.fullmatch(text) or _OPENING.match(text)
    if opening and refuses(text[: opening.end() + 40]):
        opening = None
    if ends := {end["yes"] is not None for end in (opening, _CLOSING.search(text)) if end}:
        return ends.pop() if len(ends) == 1 else None
    told = sentences(text)[:1]
    return None if not told or refuses(text) or _HEDGE.search(text) else _restates(told[0], question)


def _restates(sentence: str, question: str) -> bool | None:
    """Whether a sentence affirms or denies what a question asks.

    It must repeat the question's words, or begin with a pronoun. "not" and its kin deny, and so do a comparison
    in the other direction or with its sides swapped (not both at once), the other extreme, an opposite ("odd"
    for "even"), and "the same" where a difference is asked for.
    """
    asked, said, stems = words(focus(question)), words(sentence), set(asked_stems(question))
    asks_way, says_way = _way(asked, said), _way(said, asked)
    affirmed = _DENIES.search(sentence) is None
    if not (pronoun := _PRONOUN.match(sentence) is not None):
        repeated = len(stems.intersection(map(stem, said)))
        least = 0.6 if affirmed and not (asks_way and says_way) else 0.5
        if not repeated or repeated < least * len(stems):
            return None
    extremes, reached = ({_EXTREMES[word] for word in some if word in _EXTREMES} for some in (asked, said))
    if asks_way and says_way:
        affirmed ^= (asks_way != says_way) ^ _swapped(asked, said)
    elif asks_way and not extremes and (not pronoun or _SAME.search(sentence)):
        return False if _SAME.search(sentence) or not affirmed else None
    elif any(_OPPOSITE.get(word) in said and word not in said for word in asked):
        affirmed = not affirmed
    return affirmed ^ bool(extremes and reached and not extremes & reached)


def _way(some: list[str], others: list[str]) -> int:
    """1 or -1: the direction of the first comparative that only these words have, else of their first; or 0."""
    found = [word for word in some if word in _DIRECTION]
    own = [word for word in found if word not in others]
    return _DIRECTION[(own or found)[0]] if found else 0


def direction(text: str) -> int:
    """1 where the first comparative of a text is one of more, -1 of less, 0 where it has none."""
    return _way(words(focus(text)), [])


def _swapped(question: list[str], sentence: list[str]) -> bool:
    """Whether two comparisons name their sides the other way round; without "than" the subject tells."""
    (left, right), (before, after) = map(_sides, (question, sentence))
    return len(right & before) + len(after & left) > len(right & after) + len(left & before)


def _sides(said: list[str]) -> tuple[set[str], set[str]]:
    """The stems only before the comparison's "than" (or its end), and those only after it."""
    place = said.index("than") if "than" in said else len(said)
    left, right = (
        {stem(word) for word in part if word not in FRAMING and word not in _DIRECTION}
        for part in (said[:place], said[place + 1 :])
    )
    return left - right, right - left


def parse_yes_no(candidate: Candidate, question: str) -> bool | None:
    """The polarity of a candidate; of a last line only yes or no and nothing else, or at its beginning."""
    text = candidate.text[:2000]
    if candidate.alone and not candidate.rival and not (_ALONE.fullmatch(text) or _OPENING.match(text)):
        return None
    return polarity(text, question)


def read_yes_no(response: Clean, question: str = "") -> Found[bool] | None:
    """Whether a response says yes or no; None where it says neither, hedges or refuses."""
    return first(locate(response, question), lambda candidate: parse_yes_no(candidate, question))
