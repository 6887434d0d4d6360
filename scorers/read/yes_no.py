"""Reading yes or no: said outright, by denying, or by restating the question.

"Is the red bar larger than the blue one?" – "The red bar is larger.", "It is." and "The blue bar is smaller
than the red bar." affirm; "It is not.", "The red bar is smaller." and "The blue bar is larger." deny. A hedge, a
refusal and "yes or no" have no polarity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from scorers.read.locate import Candidate, Channel, Found, conclusion, first, locate, sentences
from scorers.read.normalise import Clean
from scorers.read.text import FRAMING, asked_stems, focus, fold, normalize_text, refuses, words

_YES = (
    r"i (?:think|believe) so|yes|yeah|yep|yup|y|affirmative|true|correct|right|indeed|sure|certainly|absolutely|definitely|of course"
    r"|是的|是|对|正确|sí|oui|ja|sim|да|はい|예|네|có|evet|ya|हाँ|نعم|ใช่"
)
_NO = (
    r"i (?:don't|do not) think so|(?:definitely|certainly|absolutely|of course|probably) not|not (?:really|at all|quite|exactly)"
    r"|no|nope|nah|n|negative|false|incorrect|wrong|不是|否|不|没有|non|nein|não|нет|いいえ|아니요|아니오|không|hayır"
    r"|tidak|नहीं|لا|ไม่"
)
_IDIOM = r"(?!\s(?:problem|worries|doubt|answer|image|picture|idea|way|need|obstacle|issue|objection|reason)|\.\s?\d|t\b)"
_SAID = rf"(?:(?P<no>(?:{_NO}){_IDIOM})|(?P<yes>{_YES}))(?![\w'])(?!\s?(?:or|and|/)\s?(?:yes|no)\b)"
_ALONE = re.compile(rf"[\s\"'(\[{{*$-]{{0,8}}{_SAID}[\s\"')\]}}.!,;*$]{{0,8}}", re.IGNORECASE)
_OPENING = re.compile(
    rf"[\s\"'(\[{{*:-]{{0,8}}(?:(?:okay|ok|well|so|hmm|oh|thus|therefore|hence|actually|in short|unlikely|simply|i (?:think|say|believe))\b[\s,.!:-]{{1,4}}){{0,3}}"
    rf"{_SAID}(?=[\"')\]}}.,;:!*–—-]|\s*$|(?<=yes)\s|(?<=no)\s|(?<=not)\s)",
    re.IGNORECASE,
)
_CLOSING = re.compile(rf"[,:;.–—]\s?(?:so|and|hence|thus|therefore|then)?,?\s?{_SAID}[\s.!\"')]*$", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:might|maybe|perhaps|possibly|unclear|uncertain|unlikely|likely|unsure|unknown|difficult|depends?|hard to"
    r"|(?:yes|no) ?(?:or|and|/) ?(?:yes|no)|not (?:clear|sure|certain))\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not(?! only)|no(?! (?:doubt|longer than|matter|more than|less than|problem))|never|neither|nor|none|cannot|without"
    r"|nothing|false|incorrect|fails? to|lacks?)\b|n't\b|\btoo \w+ (?:for|to)\b|不|没",
    re.IGNORECASE,
)
_MORE = """more greater larger higher bigger longer taller older wider heavier faster above over exceeds after better
    farther further warmer hotter deeper stronger brighter later"""
_LESS = """fewer less smaller lower shorter younger narrower lighter slower below under before worse nearer closer cooler
    colder weaker darker earlier"""
_DIRECTION = {**dict.fromkeys(_MORE.split(), 1), **dict.fromkeys(_LESS.split(), -1)}
_EXTREMES = {
    **dict.fromkeys("most maximum highest largest greatest biggest longest tallest oldest max".split(), 1),
    **dict.fromkeys("least fewest minimum lowest smallest shortest youngest min".split(), -1),
}
_OPPOSITES = """
    high/low even/odd convex/concave increase/decrease increases/decreases increasing/decreasing top/bottom open/closed
    full/empty left/right start/end inside/outside positive/negative rough/smooth vertical/horizontal old/new above/below
    front/behind rising/falling rises/falls finite/infinite regular/irregular smoothest/roughest possible/impossible
"""
_SAME = re.compile(r"\b(?:same|equal|identical)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"^(?:so |thus |therefore )?,?(?:it|they|these|this|that|both|there|the (?:statement|claim|assertion))\b", re.IGNORECASE)


@cache
def _opposites() -> dict[str, str]:
    pairs = [tuple(pair.split("/")) for pair in _OPPOSITES.split()]
    return dict(pairs) | {other: one for one, other in pairs}


def yes_no_pair(options: Sequence[str]) -> tuple[bool, ...] | None:
    """What each of two options means, where they are yes and no (or true and false); None elsewhere."""
    known = {"yes": True, "true": True, "correct": True, "no": False, "false": False, "incorrect": False}
    meant = tuple(known.get(normalize_text(option)) for option in options[:3])
    return (meant[0], meant[1]) if len(options) == 2 and set(meant) == {True, False} else None  # type: ignore[return-value]


def polarity(text: str, question: str = "") -> bool | None:
    """Whether a sentence says yes (True) or no (False); None where it says neither, hedges or refuses."""
    alone = _ALONE.fullmatch(text)
    if alone:
        return alone["yes"] is not None
    closing, opening = _CLOSING.search(text), _OPENING.match(text)
    if opening and not refuses(text[: opening.end() + 40]):
        said = opening["yes"] is not None
        return said
    if closing:
        return closing["yes"] is not None
    told = sentences(text)
    if not told or refuses(text) or _HEDGE.search(text):
        return None
    return _restates(told[-1] if len(told) > 1 and _OPENING.match(told[-1]) else told[0], question)


def _restates(sentence: str, question: str) -> bool | None:
    """Whether a sentence affirms or denies what a question asks.

    It must repeat the question's words, or begin with a pronoun. "not" and its kin deny, and so do a comparison
    in the other direction or with its sides swapped (not both at once), the other extreme, an opposite ("odd"
    for "even"), and "the same" where a difference is asked for.
    """
    asked, said = words(focus(question)), words(sentence)
    stems = set(asked_stems(question))
    repeated = len(stems & {word[:5] if word.isalpha() else word for word in said})
    if not repeated and not _PRONOUN.match(sentence):
        return None
    if not _PRONOUN.match(sentence) and repeated < 0.6 * len(stems) and not _compares(asked, said):
        return None
    affirmed = _DENIES.search(sentence) is None
    asked_way, said_way = _first(asked, said, _DIRECTION), _first(said, asked, _DIRECTION)
    extremes = {_EXTREMES[word] for word in asked if word in _EXTREMES}
    reached = {_EXTREMES[word] for word in said if word in _EXTREMES}
    other = _opposites()
    opposed = any(other.get(word) in said and word not in said for word in asked if other.get(word) not in asked)
    if asked_way and said_way:
        flips = [asked_way != said_way, _swapped(asked, said)]
    elif asked_way and not extremes and _SAME.search(sentence):
        return False
    elif asked_way and not extremes and not _PRONOUN.match(sentence):
        return None if affirmed else False
    else:
        flips = [opposed]
    flips.append(bool(extremes and reached and not extremes & reached))
    return affirmed != (sum(flips) % 2 == 1)


def direction(text: str) -> int:
    """1 where the first comparative of a text is one of more, -1 of less, 0 where it has none."""
    return _first(words(focus(text)), [], _DIRECTION)


def _compares(asked: list[str], said: list[str]) -> bool:
    return bool(_first(asked, said, _DIRECTION) and _first(said, asked, _DIRECTION))


def _first(words_: list[str], others: list[str], table: dict[str, int]) -> int:
    """The direction of the first comparative that only these words have, else of their first; 0 for none."""
    own = [word for word in words_ if word in table and word not in others]
    both = [word for word in words_ if word in table]
    return table[(own or both)[0]] if own or both else 0


def _swapped(question: list[str], sentence: list[str]) -> bool:
    """Whether two comparisons name their sides the other way round; without "than" the subject tells."""
    left, right = _sides(question)
    first_side, second = _sides(sentence)
    return len(right & first_side) + len(second & left) > len(right & second) + len(left & first_side)


def _sides(said: list[str]) -> tuple[set[str], set[str]]:
    """The words only before the comparison's "than" (or its end), and those only after it."""
    place = said.index("than") if "than" in said else len(said)
    left, right = (
        {word[:5] for word in part if word not in FRAMING and word not in _DIRECTION}
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
