"""Reading a number from a response in prose, without a judge.

`statement.py` says where to look; here is which number of a sentence is the answer. The rules name how people
write answers, never a benchmark's phrases.
"""

from __future__ import annotations

import re
from dataclasses import replace

from scorers.number import NumberMatch, find_numbers
from scorers.prose import HEAD, tidy
from scorers.question import EXTREMES, Asked, overlap, read_question
from scorers.statement import Trust, conclusion_start, refuses, statements

_FILLER = (
    r"(?:about|approximately|approx\.?|roughly|around|nearly|almost|exactly|precisely|only|just|actually|simply"
    r"|also|still|now|therefore|thus|then|equal to|a total of|the|at|a|an|likely|probably|given by|in total"
    r"|estimated|to be|: ?|\"|'|\(|\$|≈|~|[A-Za-z]\w? ?=)"
)
_STATED = re.compile(
    rf"(?:(?:'s|\b(?:is|are|was|were|be|been|equals?|total(?:s|ing|ed)?(?: of)?|gives?|gets?|yields?|becomes?"
    rf"|have|has|had|left with"
    rf"|(?:comes?|amounts?|adds? up|rounds?|rounded|simplif(?:y|ies|ied)|reduces?) (?:off )?to"
    rf"|results? in|measures?|costs?|spends?|pays?|shows?|reads?|weighs?|contain(?:s|ing)?|see|count(?:ed)?"
    rf"|find|found|makes?|leaves?|leaving|remains?|averages?|approach(?:es|ed)?))\b|[=≈:→⇒])\s*(?:{_FILLER}\s*){{0,4}}$",
    re.IGNORECASE,
)
_EQUALS_AFTER = re.compile(r"\s*\$?\s*(?:[=≈]|\\approx)")
_EQUALS = re.compile(r"[=≈]\s*$|[=≈]\s*\$\s*$")
_QUALIFIED = re.compile(
    r"\b(?:than|least|most|exactly|nearest|between|above|below|over|under|beyond|exceed(?:s|ing)?|from|step|case|figure"
    r"|equation|table|page|line|row|column|chapter|level|question|option|by|per|every|each|when|if|since|because|at"
    r"|within|(?:as|when|where) \S{1,12} approaches|first|last|next|top|up to|[<>≤≥])\s*(?:\w{1,9} ?= ?)?\$?$",
    re.IGNORECASE,
)
_OPERATOR_AFTER = re.compile(
    r"\s*\$?(?:[+×*/÷^]|x \d|[-−] ?\d|\\times|\\cdot|\\div|[=≈]|(?:plus|minus|times|divided by)\b)|\s[-−]\s"
)
_OPERATOR_BEFORE = re.compile(
    r"(?:[+×*/÷^]|\\times|\\cdot|\\div|\s[-−]|\d ?[-−]|\b(?:plus|minus|times|divided by))\s*\$?\(?$"
)
_RANGE_AFTER = re.compile(r"%?\s(?:to|or)\s\$?\d", re.IGNORECASE)
_COMPARATIVE_AFTER = re.compile(
    r"\s(?:(?!ha[sd]\b|have\b|is\b|was\b)\w+ )?"
    r"(?:more|less|fewer|greater|higher|lower|larger|smaller|older|younger|taller|longer|shorter)\b",
    re.IGNORECASE,
)
_LOCATED = re.compile(
    r"\b(?:at|when|where|for|if|as) \$?\w{1,6}\$? ?(?:=|approaches|tends to|goes to|→) ?\$?$", re.IGNORECASE
)
"""As in: at x = 3."""
_SUBJECT_AFTER = re.compile(r"\s(?:is|are|was|were) (?:the|missing)\b", re.IGNORECASE)
_REASON = re.compile(r",? (?:because|since|given that)\b|, as\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not|never|isn't|n't)\s(?:be\s|equal to\s|the\s)?$", re.IGNORECASE)
_PAIR_AFTER = re.compile(r"\sand\s\$?\d", re.IGNORECASE)
_PAIR_BEFORE = re.compile(r"\d\sand\s\$?$", re.IGNORECASE)
_RANGE_BEFORE = re.compile(
    r"\d%?\s(?:to|or)\s\$?$|\b(?:between|from)\s[^.;]{0,24}?\d[^.;]{0,12}\s(?:and|to)\s\$?$", re.IGNORECASE
)
_ASIDE_BEFORE = re.compile(r"(?:\bor\s[\w\s]{0,16}|\([^)]{0,32})$", re.IGNORECASE)
_PRONOUN_BEFORE = re.compile(
    r"\b(?:the (?:\w+ )?|this |each |any |every |which |no |another |first |last )$", re.IGNORECASE
)
_PRONOUN_AFTER = re.compile(
    r"\s*(?:$|[,.;]|(?:of|another|side|way|who|that|which|hand|can|could|more|or|thing|day|for|is|are|was|on|in|at"
    r"|with|to|and|has|would|should|must|by|from|decimal)\b)",
    re.IGNORECASE,
)
_PLACES = re.compile(r"[\s-]*(?:decimal|significant|dp\b|d\.p)", re.IGNORECASE)
_RATIO_AFTER = re.compile(r"(?::|\s:\s)\d")
_RATIO_BEFORE = re.compile(r"\d(?::|\s:\s)$")
_LEADS = re.compile(rf"[\s\W]*(?:{_FILLER}\s*){{0,4}}$", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“'][^\"“”'\n]{0,40}$")
_NONE = re.compile(
    r"^(?:so |therefore |thus |it (?:seems|appears|looks like)(?: that)? )?,? ?(?:none|nobody|no one|never"
    r"|no\b(?![.,:;!]| (?:answer|image|picture|info|way)))"
    r"|\b(?:there(?:'s|'re| is| are| were| will be)|has|have) (?:no|none)\b"
    r"(?! (?:answer|image|picture|info|way|data))",
    re.IGNORECASE,
)
_NONE_WITHIN = re.compile(
    r"(?:[,;] (?:but|and|so|however|therefore|thus),? |\b(?:and|but) )(?:none|nobody|no one)\b", re.IGNORECASE
)
_NONE_OF = re.compile(r"(?:so |therefore |thus )?,?(?:no|none of the|none of these) (\w+)", re.IGNORECASE)
_POINT = re.compile(r"\(\s?([-−]?\d{1,12}(?:\.\d{1,12})?)\s?,\s?([-−]?\d{1,12}(?:\.\d{1,12})?)\s?\)")


def _weight(text: str, number: NumberMatch, asked: Asked, announced: int) -> int:
    """How much a number of a sentence looks like what the sentence states. Positive: it does."""
    before, after = text[max(0, number.start - 48) : number.start], text[number.end : number.end + 32]
    weight = 0
    if announced and len(before) < 48 and _LEADS.fullmatch(before):
        weight += announced
    elif _LOCATED.search(before):
        weight += 0
    elif _STATED.search(before):
        weight += 3
    elif _QUALIFIED.search(before):
        weight -= 2
    if _SUBJECT_AFTER.match(after) and not before.strip():
        weight += 4
    if _EQUALS.search(before):
        weight += 1
    if _OPERATOR_AFTER.match(after) or _OPERATOR_BEFORE.search(before):
        weight -= 3
    if not asked.difference and _COMPARATIVE_AFTER.match(after):
        weight -= 5
    if _NEGATED.search(before):
        weight -= 9
    if _RANGE_AFTER.match(after) or _RANGE_BEFORE.search(before):
        weight -= 6
    elif _PAIR_AFTER.match(after) or _PAIR_BEFORE.search(before) or _ASIDE_BEFORE.search(before):
        weight -= 2
    return weight + _fits(number, before, after, asked)


def _fits(number: NumberMatch, before: str, after: str, asked: Asked) -> int:
    """How well a number fits what is asked for."""
    fits = 0
    if asked.label and before.lower().rstrip("# ").endswith(asked.label):
        fits += 7
    if number.ordinal and asked.label:
        fits += 5
    if asked.blank and re.split(r"\W+", before.lower().rstrip())[-1:] == [asked.blank[0]]:
        fits += 4 if after.lower().lstrip(" -").startswith(asked.blank[1]) else 0
    if _names_counted(after, asked):
        fits += 2
    if asked.percent and number.percent:
        fits += 4
    if asked.money and number.currency:
        fits += 2
    if asked.ratio and number.notation == "fraction" and not _EQUALS_AFTER.match(after):
        fits += 4
    if asked.when and _is_year(number):
        fits += 4
    if asked.year and not _is_year(number):
        fits -= 9
    elif number.value in asked.numbers:
        fits -= 1
    return fits


_BREAKS = re.compile(r"[\d:;=]")


def _names_counted(after: str, asked: Asked) -> bool:
    """Whether what the question counts is named within three words."""
    return any(
        word[:5] in asked.counted for word in re.findall(r"[a-z]{3,}", _BREAKS.split(after.lower())[0])[:3]
    )


def _is_year(number: NumberMatch) -> bool:
    return number.text.isdigit() and 1000 <= number.value < 2200


def _is_label(text: str, number: NumberMatch, asked: Asked) -> bool:
    """Whether an ordinal stands before what is asked for: "the third week"."""
    return asked.label != "" and text[number.end : number.end + 24].lower().lstrip().startswith(asked.label)


def _is_counted(text: str, number: NumberMatch, asked: Asked) -> bool:
    """Whether a match is meant as a number: no ordinal, no pronoun "one", no "two decimals", no "1:4"."""
    if number.ordinal and len(text) > len(number.text) + 4 and not _is_label(text, number, asked):
        return False
    before = text[max(0, number.start - 24) : number.start]
    if number.notation == "words":
        if number.text.lower() == "zero" and {"zero", "zeros", "zeroe"} & asked.counted:
            return False
        if _QUOTED.search(before) and text[number.end : number.end + 1] in "\"”'":
            return False
        if number.text.lower() == "one" and len(text) > 4:
            return not (_PRONOUN_BEFORE.search(before) or _PRONOUN_AFTER.match(text, number.end))
    if _PLACES.match(text, number.end) or _RATIO_AFTER.match(text, number.end):
        return False
    return _RATIO_BEFORE.search(before) is None


def _as_percentage(number: NumberMatch) -> NumberMatch:
    """The percentage that a word means: "half" is 50 where a percentage is asked for."""
    if number.notation == "words" and 0 < number.value < 1:
        return replace(number, value=100 * number.value)
    return number


_RATIO = re.compile(
    r"(?<![\d:./])(\d{1,6}(?:\.\d{1,6})?)\s?(?::|\bout of\b)\s?(\d{1,6}(?:\.\d{1,6})?)(?![\d:])"
)


def _ratio(text: str) -> NumberMatch | None:
    """The last ratio of a sentence: "1:4" and "1 out of 4" are 0.25."""
    for match in reversed(list(_RATIO.finditer(text))):
        if float(match[2]):
            return NumberMatch(
                float(match[1]) / float(match[2]), match.start(), match.end(), match[0], "fraction"
            )
    return None


def _elaborates(text: str, best: tuple[NumberMatch, int] | None, number: NumberMatch, asked: Asked) -> bool:
    """Whether a number after a colon only details the one before: "2 objects: 1 cube and 1 ball".

    Not so where it is the one that counts what is asked for: "1 cube and 1 ball: 2 objects".
    """
    if best is None or best[1] < 0 or text.find(": ", best[0].end, number.start) < 0:
        return False
    if _EQUALS.search(text, max(0, number.start - 8), number.start) or (
        asked.ratio and number.notation == "fraction"
    ):
        return False
    before, after = text[best[0].end : best[0].end + 32], text[number.end : number.end + 32]
    return not _names_counted(after, asked) or _names_counted(before, asked)


def _last_extreme(text: str, place: int) -> int:
    """The direction of the last superlative before a place: 1 for "largest", -1 for "smallest", 0 for none."""
    before = re.findall(r"[a-z]+", text[max(0, place - 200) : place].lower())
    found = (EXTREMES.get(word, 0) for word in reversed(before))
    return next(filter(None, found), 0)


def _none_stated(text: str, asked: Asked, best: tuple[NumberMatch, int] | None) -> NumberMatch | None:
    """Nought, where a sentence says that there is none of what the question counts."""
    if not asked.counted:
        return None
    none = _NONE_OF.match(text)
    if none is None or none[1].lower()[:5] not in asked.counted:
        none = _NONE_WITHIN.search(text, best[0].end if best else 0)
    if none is None and (best is None or best[1] < 2):
        none = _NONE.search(text)
    return None if none is None else NumberMatch(0.0, none.start(), none.end(), none[0], "words")


def stated_number(text: str, asked: Asked, announced: int = 0) -> tuple[NumberMatch, int] | None:
    """The number that a sentence states and how surely; None where it has no number.

    A number after a verb or an equals sign comes first; one that is compared with ("more than 5"), calculated
    with, an end of a range, an alternative ("or 1.2 cm") or repeated from the question comes last; of several
    alike the last. After a number and a colon follows an elaboration, which is not looked at.

    Args:
        text: one sentence.
        asked: what the question asks for.
        announced: what a number at the text's beginning weighs: much where it follows "the answer is".
    """
    if asked.axis and (points := _POINT.findall(text)):
        coordinate = find_numbers(points[-1][asked.axis == "y"])
        if coordinate:
            return coordinate[0], 4
    if asked.ratio and (ratio := _ratio(text)) is not None:
        return ratio, 4
    best: tuple[NumberMatch, int] | None = None
    concluded, end = conclusion_start(text), 0
    reason = next((found.start() for found in _REASON.finditer(text)), None)
    for number in find_numbers(text):
        if number.start < concluded and _elaborates(text, best, number, asked):
            continue
        if _is_counted(text, number, asked):
            weight = _weight(text, number, asked, announced) + 4 * (number.start >= concluded)
            weight -= 4 * (reason is not None and best is not None and reason < number.start < concluded)
            weight -= 4 * (asked.extreme != 0 and _last_extreme(text, number.start) == -asked.extreme)
            if not asked.counted and number.value not in asked.numbers:
                weight += overlap(text[end : number.start], asked.question) >= 0.5
            end = number.end
            if best is None or weight >= best[1]:
                best = _as_percentage(number) if asked.percent else number, weight
    none = _none_stated(text, asked, best)
    return best if none is None else (none, 3)


def read_number(response: str, question: str = "") -> NumberMatch | None:
    """The number that a response gives as its answer; None where it gives none or only lists several.

    Args:
        response: the final answer of a model.
        question: what was asked; its numbers and words help to tell the answer from what is repeated.
    """
    if (
        _NUMBERS_ONLY.fullmatch(response)
        and len({number.value for number in find_numbers(response[:HEAD])}) > 1
    ):
        return None
    asked = read_question(question)
    best: tuple[float, NumberMatch] | None = None
    for statement in statements(response, question):
        if best is not None and statement.trust is not Trust.SENTENCE:
            break
        found = stated_number(statement.text, asked, _LEADING.get(statement.trust, 0))
        if found is None or found[1] < _NEEDED[statement.trust]:
            continue
        number, weight = found
        if statement.trust is not Trust.SENTENCE:
            return number
        if best is None or statement.rank + 0.1 * weight > best[0]:
            best = statement.rank + 0.1 * weight, number
    return best[1] if best else _only_number(response)


def _only_number(response: str) -> NumberMatch | None:
    """The only number of a short response that does not refuse, however it stands ("more than 5")."""
    text = tidy(response)
    if len(text) > _SHORT or refuses(text) or _DENIES.search(text):
        return None
    found = find_numbers(text)
    return found[0] if len(found) == 1 and not found[0].ordinal else None


_SHORT = 200
"""Characters of a response whose only number is taken where nothing states one."""
_DENIES = re.compile(r"\b(?:not|never|no)\b|n't\b", re.IGNORECASE)
_LEADING = {Trust.BOXED: 5, Trust.ANSWER: 5, Trust.WHOLE: 3}
"""What a number at the beginning of a statement weighs, by its kind."""
_NUMBERS_ONLY = re.compile(r"[\d\s.,;:|()\[\]{}*$€£%°-]*")
_NEEDED = {
    Trust.BOXED: -9,
    Trust.ANSWER: -2,
    Trust.WHOLE: 0,
    Trust.SENTENCE: 0,
    Trust.OUTPUT: -9,
    Trust.EMPHASIS: -1,
    Trust.LAST: 0,
}
"""The least weight of a number in a statement of each kind."""


def read_text(response: str) -> str | None:
    """The short text that a response gives: boxed, after "the answer is", or the only sentence."""
    for statement in statements(response):
        if statement.trust <= Trust.WHOLE and statement.text.strip():
            return statement.text
    return None
