"""Where a response states its answer: the sentences and phrases that a reader would take it from.

`statements` yields the texts to look in, the most trustworthy first. Nothing here looks at a gold answer.
All patterns are linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from scorers.prose import TAIL, boxed, sentences, tidy
from scorers.question import overlap


class Trust(IntEnum):
    """Why a statement is taken for the answer, the best reason first."""

    BOXED = 0
    """The last `\\boxed{}`."""
    ANSWER = 1
    """After "the answer is", before "is the answer", or alone in the last line."""
    WHOLE = 2
    """The response is one short line."""
    SENTENCE = 3
    """A sentence that concludes ("therefore", "so", "in total") or repeats the question's words."""
    OUTPUT = 4
    """A line that is nothing but a value, e.g. what a program prints."""
    EMPHASIS = 5
    """Bold text."""
    LAST = 6
    """The last sentence."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A text that may hold the answer."""

    trust: Trust
    text: str
    rank: float = 0.0
    """Of a SENTENCE: how much it concludes and repeats the question, 0 to 2.1."""


_NOUN = (
    r"(?:(?:final|correct|right|best|numerical|numeric|required|desired|approximate|exact|short)\s)?"
    r"(?:answer|solution|result)s?"
)
_ASIDE = (
    r"(?:,? ?(?:to|for|of|in|from|here|then|therefore|thus|based|given|that|i|you|we|must)\b[^.:=\n]{0,120}?)?"
)
_IS = r"(?:is|are|was|were|be|would be|should be|must be|will be|comes? (?:out )?to|equals?)"
_ANSWER = re.compile(
    rf"\b{_NOUN}{_ASIDE}\s?(?:{_IS}\b ?:?|[:=]|→)|\banswer\s?-\s|####|(?:答案|答)\s?(?:应该是|应为|是|为|：|:)",
    re.IGNORECASE,
)
_IS_ANSWER = re.compile(
    rf",? (?:is|are|would be|must be) (?:therefore |thus |then |indeed )?(?:the|my|our) {_NOUN}\b",
    re.IGNORECASE,
)
_LIST_BEGINS = re.compile(r"[ :]*\n[^\w\n]{0,3}(?:1[.)] [A-Z]|[*•-] [^\n]{0,300}\n[*•-] )")
"""Steps or items follow, not the answer."""
_LEAD_IN = re.compile(r"^(?:[ \n:*=>]|- )+")
_DENIED = re.compile(
    r"\W{0,4}(?:not\b|n't\b|unknown|unclear|undetermined|undefined|incorrect|wrong|unavailable|depend|n/?a\b"
    r"|(?:also |too )?(?:correct|incorrect)\W)",
    re.IGNORECASE,
)


def announced(text: str) -> str | None:
    """What follows the last "the answer is", to the end of its sentence; None where nothing does."""
    found = None
    for match in _ANSWER.finditer(text):
        tail = text[match.end() : match.end() + 400]
        rest = sentences(_LEAD_IN.sub("", tail, count=1))
        if rest and not _DENIED.match(rest[0]) and not _LIST_BEGINS.match(tail):
            found = rest[0]
    if found is None:
        for match in _IS_ANSWER.finditer(text):
            before = sentences(text[max(0, match.start() - 160) : match.start()])
            found = before[-1] if before else None
    return found


_CONCLUDES = re.compile(
    r"^(?:and |but )?(?:therefore|thus|hence|so|consequently|in conclusion|finally|overall|in summary|in total"
    r"|altogether|as a result|to conclude|accordingly|this means|that means|which means|this gives|we get)\b"
    r"|^(?:the|their|its) (?:total|sum|difference|result|remainder|rest|gap)"
    r"(?: of [^.]{1,60})? (?:is|are|was|would be)\b|^(?:in )?total ?[:=]"
    r"|^(?:∴|⇒|=>|所以|因此|故)",
    re.IGNORECASE,
)
_CONCLUDES_WITHIN = re.compile(
    r"[,;:] (?:and )?(?:therefore|thus|hence|so|which means|meaning|giving"
    r"|(?:for )?a (?:total|sum|difference|gap|range) of|i\.e\.,?|that is,)(?!\w)"
    r"|→|⇒|=>|∴"
    r"|\b(?:therefore|final|finally)\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"(?:in )?total\b", re.IGNORECASE)
"""At the beginning of a response, what there is at first: "Total: 9 objects. 9 - 2 = 7."."""
_COMPUTES = re.compile(r"[$€£]?[\d(][^A-Za-z=]{0,120}= ?[$€£]?\d[\d.,]*(?: ?[A-Za-z°%²³]{1,12})?[.!]?")
_LACKS = r"(?:have|see|know|provide|specify|contain|include|give|mention|show|offer|supply)"
_FIND_OUT = (
    r"(?:be\s)?(?:\w{2,12}ly\s)?(?:determin|answer|see\b|view|tell|identif|provid|process|help|calculat|find|found|access"
    r"|give|know|say\b|said|read|assist|analy|interpret|estimat|comput|measur|solve|sure|certain|assess|count|discern"
    r"|recogni|verif|confirm|infer|display|move)"
)
_REFUSES = re.compile(
    rf"""\b(?:(?:can(?:not|'t|\snot)|could(?:\snot|n't))\s{_FIND_OUT}
      |unable\sto|not\sable\sto|impossible\sto|no\sway\sto|difficult\sto
      |insufficient|(?:not|n't)\s(?:{_LACKS}\s)?(?:enough|sufficient)|i\s(?:do\snot|don't)\s{_LACKS}
      |(?:do|does|did)(?:\snot|n't)\s(?:{_LACKS}\b[^.;]{{0,48}}?\b(?:information|data|details?|context|figures?|diagram
        |image|picture|graph|chart|table|quantit|numbers?|values?|specific|access|abilit|capabilit|reference)
        |make\ssense|appear)
      |(?:not|n't)\s(?:been\s)?(?:provided|given|specified|visible|shown|clear|possible|available|mentioned|applicable)
      |(?<!\d\s)is\s(?:missing|incomplete|invalid)|please\sprovide|needs?\smore|would\sneed
      |more\s(?:context|information|details)|n/a|sorry|apologi[sz]e)""",
    re.IGNORECASE | re.VERBOSE,
)


def refuses(sentence: str) -> bool:
    """Whether a sentence says that the answer cannot be given."""
    return _REFUSES.search(sentence) is not None


def conclusion_start(sentence: str) -> int:
    """Where within a sentence a conclusion begins ("…, so …"); its length where none does."""
    found = _CONCLUDES_WITHIN.search(sentence)
    return found.end() if found else len(sentence)


def conclusiveness(sentence: str) -> float:
    """0.7 for a sentence that opens as a conclusion or only computes, 0.35 for one that concludes within."""
    if _CONCLUDES.search(sentence) or _COMPUTES.fullmatch(sentence):
        return 0.7
    return 0.35 if _CONCLUDES_WITHIN.search(sentence) else 0.0


_BARE = re.compile(r"(?m)^[^\w\n]{0,3}(?:[A-Za-z]\w? ?= ?)?([-−]?[$€£]?\d[\d,.]{0,20}%?)[^\w\n]{0,3}$")
_LAST_LINE = re.compile(r"\n[^\w\n$€£-]{0,3}([-−]?[$€£]?\d[\d,.]{0,20}%?)[^\w\n]{0,3}\Z")
_BRIEF = re.compile(r"[^\w\n]{0,3}\d[\d,.]{0,20}%?(?: [A-Za-z]{1,12}){0,2}[.!]?")
"""A first sentence that is only a number and its unit: the answer, before its explanation."""
_BOLD = re.compile(r"\*\*([^*\n]{1,160})\*\*")


def _ranked(said: list[str], question: str, bold: list[str]) -> Iterator[tuple[float, str]]:
    """Sentences that repeat the question's words or conclude, with how much they do.

    Later sentences, the last one and those with a number in bold count a little more.
    """
    for place, sentence in enumerate(said):
        opens = place == 0 and len(said) > 1 and _TOTAL.match(sentence) is not None
        rank = overlap(sentence, question) + (0.0 if opens else conclusiveness(sentence))
        if place == 0 and len(said) > 1 and _BRIEF.fullmatch(sentence):
            rank = max(rank, 1.2)
        if rank >= 0.3:
            marked = any(part in sentence for part in bold)
            last = place + 1 == len(said)
            yield rank + 0.2 * place / len(said) + 0.2 * marked + 0.2 * last, sentence


_YET = re.compile(r"[,;] (?:but|however|though|although|yet),? ", re.IGNORECASE)


def _answering(sentence: str) -> str:
    """A sentence, or of one that refuses ("I can't tell, but …") what it says all the same; "" for nothing."""
    if not refuses(sentence):
        return sentence
    rest = _YET.split(sentence, maxsplit=1)[1:]
    return rest[0] if rest and not refuses(rest[0]) else ""


def statements(response: str, question: str = "") -> Iterator[Statement]:
    """The texts in which to look for the answer, the most trustworthy first.

    Sentences that refuse are left out. Where the response refuses anywhere, the weaker places (from OUTPUT on)
    are not looked at: a number within a refusal is no answer.
    """
    if (content := boxed(response)) is not None:
        yield Statement(Trust.BOXED, tidy(content))
    text = tidy(response)
    if (answer := announced(text)) is not None:
        yield Statement(Trust.ANSWER, answer)
    if (line := _LAST_LINE.search(text)) is not None:
        yield Statement(Trust.ANSWER, line[1])
    told = sentences(text)
    if len(told) == 1 and not refuses(told[0]):
        yield Statement(Trust.WHOLE, told[0])
    said = [part for sentence in told if (part := _answering(sentence)) and not sentence.endswith("?")]
    if told and not _answering(told[0]):
        said = [sentence for sentence in said if conclusiveness(sentence)]
    bold = [tidy(part) for part in _BOLD.findall(response[-TAIL:])]
    marked = [part for part in bold[-64:] if any(map(str.isdigit, part))]
    for rank, sentence in sorted(_ranked(said, question, marked), key=lambda pair: -pair[0]):
        yield Statement(Trust.SENTENCE, sentence, rank)
    if any(map(refuses, told)):
        return
    for printed in reversed(_BARE.findall(text)):
        yield Statement(Trust.OUTPUT, printed)
    for part in reversed(bold):
        yield Statement(Trust.EMPHASIS, part)
    for sentence in reversed(said):
        yield Statement(Trust.LAST, sentence)
