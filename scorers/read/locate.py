r"""The second step of reading: where in a response its answer is.

`locate` yields candidate texts by *channel*, the most trusted first; a typed reader takes the first that it can
read. The order is the whole of the theory:

    tag        the last answer block
    box        the last `\boxed{}` (box tokens are boxes)
    json       the value of an object's answer key, never of another
    announced  what follows the last "the answer is", in any language of the table
    whole      the response, where it is one line or sentence; a first line that is an answer alone
    concluding the last line, where it is an answer alone; "so …", "therefore …"; what is called right
    stated     the sentence that repeats the question's words; the last sentence

What is taken back ("wait", "actually") is cut off with all that stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from itertools import islice
from typing import Generic, Literal, TypeVar

from scorers.read.normalise import WORDS, Clean
from scorers.read.text import has_any, is_name_alone, overlap, phrases, refuses, sentences, unwrap

LIMIT = 32_768
"""Characters of a response that are read: of a longer one an eighth at its head and the rest at its tail."""


class Channel(StrEnum):
    """How an answer was given. Declared in the order of trust."""

    TAG = "tag"
    BOX = "box"
    JSON = "json"
    ANNOUNCED = "announced"
    WHOLE = "whole"
    CONCLUDING = "concluding"
    STATED = "stated"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may hold the answer."""

    channel: Channel
    text: str
    alone: bool = False
    """It counts only where it is an answer and nothing else."""
    rival: str = ""
    """Of a first line: the last one. Where both are answers alone and differ, neither is."""
    within: Channel | None = None
    """In a `tag`: the channel that gave it there."""

    @property
    def prose(self) -> bool:
        """Whether it is a line or sentence of the response, marked as the answer by nothing."""
        return (self.within or self.channel) in (Channel.WHOLE, Channel.CONCLUDING, Channel.STATED)

    @property
    def boxed(self) -> bool:
        """Whether it stood in a box."""
        return Channel.BOX in (self.channel, self.within)

    @property
    def refused(self) -> bool:
        """Whether it is a sentence that says that there is no answer."""
        return self.prose and refuses(self.text)


class Unclear(Enum):
    """What a parser returns for a text that gives two different answers of equal trust."""

    AMBIGUOUS = "ambiguous"


AMBIGUOUS: Literal[Unclear.AMBIGUOUS] = Unclear.AMBIGUOUS
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An answer that was read."""

    value: T
    channel: Channel
    text: str
    """The candidate that gave it."""


def first(candidates: Iterable[Candidate], parse: Callable[[Candidate], T | Unclear | None]) -> Found[T] | None:
    """The first candidate that a parser can read; None where none is, or where that one is ambiguous."""
    for candidate in candidates:
        value = parse(candidate)
        if candidate.rival and value is not None:
            other = parse(replace(candidate, text=candidate.rival, rival=""))
            value = value if other in (None, value) else AMBIGUOUS
        if isinstance(value, Unclear):
            return None
        if value is not None:
            return Found(value, candidate.channel, candidate.text)
    return None


# --- One spelling of what surrounds an answer ---------------------------------------------------------------

_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000\t\x0b\x0c"), " ")
_INVISIBLE = dict.fromkeys(
    [0, 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFE0F, 0xFEFF]
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()}
_MARKS = str.maketrans("‘’“”（）【\r", "''\"\"() \n")
_STOPS = {ord(mark): f"{plain} " for mark, plain in zip("】。、，：；！？", ":.,,:;!?", strict=True)}
_CHARACTERS = _WIDE | _SPACES | _INVISIBLE | _MARKS | _STOPS
_EMPHASIS = re.compile(r"(?<![\w)*])(\*{1,3}|__)(?=\S)([^*\n]{1,300}?)(?<=\S)\1(?![\w(*])|\*\*|__")
_DISPLAYED = re.compile(
    r"\\\[\s{0,8}((?:[^\n\\]|\\(?!\[)){1,300}?)\s{0,8}\\\]|\$\$\s{0,8}([^$\n]{1,300}?)\s{0,8}\$\$"
)
_MARKED = re.compile(r"[^ -~]|[*_`<>#$\\]")
_GAP = re.compile(r"\s{16,}")
"""A gap that means no more than one blank: what reads on has no long runs to try again and again."""
_MARKUP = re.compile(
    r"</?(?:b|i|u|p|em|strong|br|span|code|sub|sup|small)\s?/?>|```\w*|`|^#{1,6} |^>+ ", re.MULTILINE
)


def plain(text: str) -> str:
    """A text without Markdown, blank lines and long gaps, with one form of each mark, cut to `LIMIT`."""
    if len(text) > LIMIT:
        text = f"{text[: LIMIT // 8]}\n\n{text[-LIMIT * 7 // 8 :]}"
    if _MARKED.search(text):  # few short answers
        text = _DISPLAYED.sub(lambda formula: rf"\({formula[1] or formula[2]}\)", text)
        lines = (line.strip() for line in text.translate(_CHARACTERS).split("\n"))
        text = _MARKUP.sub("", "\n".join(filter(None, lines)))
        text = _EMPHASIS.sub(lambda marked: marked[2] or "", text)
    return _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", text).strip()


# --- What is taken back -------------------------------------------------------------------------------------

_TAKEN_BACK = re.compile(
    r"(?:^|[.:\n]\s?)\W{0,3}\S{1,16}\?\s{0,3}no[,.]\s+(?=\S)"  # "B? No, C."
    r"|(?:^|[.!?…,;:(—–\n-]|\s(?=no,? wait))\s{0,3}(?:(?:no|but|oh|hmm+|and|oops|so),?\s)?"
    rf"(?:{'|'.join(WORDS['taken_back']['patterns'])})[\s,.!:;…—-]*",
    re.IGNORECASE,
)


def standing(text: str) -> str:
    """A plain text from the last place on where it takes back what stands before."""
    end = 0
    for match in _TAKEN_BACK.finditer(text) if has_any(text, WORDS["taken_back"]["stems"]) else ():
        if match.start() > 0 or match.end() < len(text):
            end = match.end()
    return text[end:]


# --- Announcements: one table for all types and languages ---------------------------------------------------

_ASIDE = (
    r"(?:,[^.:,=\n]{1,80},|,? ?(?:to|for|of|in|from|here|then|therefore|thus|based|given|that|i|you"
    r"|we|must|which)\b[^.:=\n]{0,120}?)?"
)
_MARK = r"(?:[:：=→]|\s[-–—]\s|\.(?=\s?[(A-Z\d])|\s*\n|\s?(?=\())"


def _anchor(*names: str) -> str:
    """A pattern for "the answer (right) is", "the right option is", "option right is" in some languages.

    English needs a copula or a mark; elsewhere it may be missing: "Doğru cevap B".
    """
    languages = [WORDS["announcements"][name] for name in names]
    right, answer, option, copula = (
        f"(?:{'|'.join(language[key] for language in languages)})"
        for key in ("right", "answer", "option", "copula")
    )
    space, edge = (r"\s", r"\b") if languages[0]["spaced"] else (r"\s?", "")
    says = rf"\s?(?:{copula}{edge}\s?[:：]?|{_MARK})"
    bare = rf"(?:{says}(?:\s?{right}(?=\s))?|(?=\s[(\"'$\\A-Z\d]))"
    english = rf"(?:{_ASIDE}\s?(?:{copula}{edge}\s?[:：]?|[:：=→])|\s?{_MARK})"
    says = english if names == ("en",) else bare
    return (
        rf"{edge}(?:{answer}{edge}(?:{space}{right}){{0,2}}{says}"
        rf"|{right}{space}{option}{edge}{says}|{option}(?:{space}{right}){{1,2}}{says})"
    )


_TABLES = WORDS["announcements"]
_SPACED = [name for name, language in _TABLES.items() if language["spaced"] and name != "en"]
_UNSPACED = [name for name, language in _TABLES.items() if not language["spaced"]]
_OTHER_ANCHORS = "|".join(["", *WORDS["other_announcements"]["patterns"]])
_ANNOUNCED = re.compile(
    f"{_anchor('en')}|{_anchor(*_SPACED)}|{_anchor(*_UNSPACED)}{_OTHER_ANCHORS}", re.IGNORECASE
)
_WORDS = "|".join(table[key] for table in _TABLES.values() for key in ("answer", "option")).split("|")
_STEMS = [re.split(r"\w\?|\(", word)[0].lower() for word in _WORDS] + WORDS["other_announcements"]["stems"]
_MOST = 64
"""Announcements and conclusions that are tried, the last ones; the announcements have `LIMIT` characters."""
_IS_RIGHT = re.compile(
    r"(?:^|(?<=[.!?;,\n|]))([^.!?;,\n|]{1,80}?)\s?(?:\s(?:is|are)\s|:\s|\|\s|是|(?<=项))"
    r"(?:the (?:correct|right|best) one|correct|right|the best|true|yes|正确|✅|✓|✔|☑)(?=\W|$)",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(r"(?i:[\s:*=>→|]|[-–—] |(?:therefore|thus|simply|clearly|most likely|then),?\s)+")


def _announced(text: str) -> Iterator[str]:
    """What is announced as the answer, the last first."""
    if not has_any(text, _STEMS):
        return
    left = LIMIT
    for match in reversed(list(_ANNOUNCED.finditer(text))[-_MOST:]):
        tail = text[match.end() : match.end() + min(left, 2000)]
        lead = _LEAD_IN.match(tail)
        line = tail[lead.end() if lead else 0 :].split("\n", 1)[0].strip()
        left -= len(line)
        if line:
            yield line


# --- Channels -----------------------------------------------------------------------------------------------

_BOXED = re.compile(r"\\f?boxed\s*\{")
_JSON = re.compile(
    rf"""["']{WORDS["json"]["key"]}["']\s*:\s*("(?:[^"\\]|\\.)*"|'[^'\n]*'|\[(?:[^\[\]]|\[[^\[\]]*\])*\]|[-+]?\d[\d.,eE+-]*|true|false)""",
    re.IGNORECASE,
)
_COMPUTES = re.compile(r"\d[^=\n]{0,120}[=≈]\s?[$€£]?[\d.,]++(?:\s?+[^\W\d]{1,14}+){0,2}+[.!\s]*+$")
_CONCLUDES = re.compile("|".join(WORDS["conclusions"]["opening"]), re.IGNORECASE)
_WITHIN = re.compile("|".join(WORDS["conclusions"]["within"]), re.IGNORECASE)
_MARKS_IN_ONE_WORD = frozenset(" \t\r\n\\{:=#*_`<~")
"""A text without any of these, and no longer than is read, has one candidate."""


def boxed(text: str) -> str | None:
    r"""The inside of the last closed `\boxed{}` of a text that is not empty; None where there is none."""
    for match in reversed(list(_BOXED.finditer(text[-LIMIT:]))[-64:]):
        inside = _braced(text[-LIMIT:], match.end())
        if inside is not None and inside.strip():
            return inside.strip()
    return None


def _braced(text: str, start: int) -> str | None:
    depth = 1
    for place in range(start, min(len(text), start + 4096)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return None


def _json(text: str) -> str | None:
    r"""The value of the last answer key. Backslashes are LaTeX's, also where they are not doubled."""
    found = _JSON.findall(text) if "{" in text else []
    if not found:
        return None
    value: str = found[-1]
    return value[1:-1].replace(r"\"", '"').replace("\\\\", "\\") if value[0] in "\"'" else value


def locate(response: Clean, question: str = "") -> Iterator[Candidate]:
    """The candidates of a response, the most trusted first, found as they are asked for.

    Nothing here looks at the gold answer.

    Args:
        response: as `normalise.clean` takes it apart; one with open thinking has no candidates.
        question: what was asked, for `stated`.
    """
    if response.open:
        return
    if response.blocks:
        block = response.blocks[-1]
        for found in _find(block, question):
            yield replace(found, channel=Channel.TAG, within=found.channel)
    yield from _find(response.visible, question)


def _find(text: str, question: str) -> Iterator[Candidate]:
    if 0 < len(text) <= LIMIT and text.isascii() and _MARKS_IN_ONE_WORD.isdisjoint(text):  # "12", "B."
        yield Candidate(Channel.WHOLE, text)
        return
    text = standing(plain(text))
    if not text:
        return
    if (inside := boxed(text)) is not None:
        yield Candidate(Channel.BOX, unwrap(inside))
    if (value := _json(text)) is not None:
        yield Candidate(Channel.JSON, value)
    for said in _announced(text):
        yield Candidate(Channel.ANNOUNCED, said)
    told = sentences(text)
    if len(told) == 1:
        if (tail := conclusion(text)) is not None:
            yield Candidate(Channel.CONCLUDING, tail)
        yield Candidate(Channel.WHOLE, text)
    if len(told) > 1:
        yield Candidate(Channel.WHOLE, told[0], alone=True, rival=told[-1])
    if goes_on := len(told) > 1 and not any(map(refuses, told)):
        yield from _concluding(told)
    if has_any(text, WORDS["conclusions"]["right"]) and (right := _IS_RIGHT.findall(text)):
        yield Candidate(Channel.CONCLUDING, " | ".join(right))
    if goes_on:
        yield from _stated(told, question)


def _concluding(told: list[str]) -> Iterator[Candidate]:
    """The last line, where it is an answer alone; then what concludes, the last first."""
    yield Candidate(Channel.CONCLUDING, told[-1], alone=True)
    concluded = (tail for sentence in reversed(told) if (tail := conclusion(sentence)) is not None)
    yield from (Candidate(Channel.CONCLUDING, tail) for tail in islice(concluded, _MOST))


def _stated(told: list[str], question: str) -> Iterator[Candidate]:
    """The sentences that repeat the question's words, the most first; then the last."""
    said = [sentence for sentence in told if not sentence.endswith("?")]
    ranked = sorted(enumerate(said), key=lambda item: (-overlap(item[1], question), -item[0]))
    repeating = [sentence for _, sentence in ranked[:4] if overlap(sentence, question) >= 0.2]
    yield from (Candidate(Channel.STATED, sentence) for sentence in (*repeating, *said[-1:]))


def conclusion(sentence: str) -> str | None:
    """What a sentence concludes: what follows "therefore", the end of "…, so …", a result; None elsewhere."""
    if ("=" in sentence or "≈" in sentence) and _COMPUTES.search(sentence):
        return sentence
    opening = _CONCLUDES.match(sentence)
    ends = [match.end() for match in (opening, *_WITHIN.finditer(sentence)) if match]
    return next((tail for end in reversed(ends) if (tail := sentence[end:].strip(" ,:"))), None)


def read_phrases(response: Clean, question: str = "") -> Found[tuple[str, ...]] | None:
    """The readings (`text.phrases`) of the first candidate that may be a name or a short phrase."""

    def parse(candidate: Candidate) -> tuple[str, ...] | None:
        if candidate.alone and not is_name_alone(candidate.text):
            return None
        return None if candidate.refused else phrases(candidate.text, question) or None

    return first(locate(response, question), parse)
