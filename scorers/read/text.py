"""Short texts: when two are the same words, what a sentence denies, refuses or repeats, and the name in it.

`normalize_text` folds what is wording (case, width, quotes, dashes, white space, markup around the whole, a
closing full stop) and nothing that is content. No edit distance here: near misses are misses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache

from scorers.read.normalise import WORDS

LONGEST = 20_000
"""Characters of a text that are looked at; no answer is longer."""
LONGEST_SENTENCE = 600
"""Characters of a sentence from which a name is read."""

_QUOTES, _DOUBLE_QUOTES, _DASHES = "‘’‚‛′´`", "“”„‟″«»", "‐‑‒–—―−"
_PUNCTUATION = str.maketrans(
    _QUOTES + _DOUBLE_QUOTES + _DASHES,
    "'" * len(_QUOTES) + '"' * len(_DOUBLE_QUOTES) + "-" * len(_DASHES),
    "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad",
)
_RAISED = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−–", "0123456789+---")
"""Raised digits, and the signs of an exponent, as plain ones."""
_WRAPPED = re.compile(
    r"(\*\*|__|```|\$\$|[`*\"'$])((?:(?!\1).)+)\1|“([^“”]+)”|‘([^‘’]+)’|«([^«»]+)»"
    r"|\\\(((?:(?!\\[()]).)+)\\\)|\\\[((?:(?!\\[\[\]]).)+)\\\]"
    r"|\\(?:boxed|text|textbf|mathrm|mathbf)\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}",
    re.DOTALL,
)
"""One pair of markup around a whole text."""
_OPENERS = frozenset("*_`\"'$“‘«\\")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w)")


def unwrap(text: str) -> str:
    """A text without the markup and quotes that enclose the whole of it, its closing full stop left alone."""
    text = text.strip()
    for _ in range(4):
        if text[:1] not in _OPENERS:
            break
        match = _WRAPPED.fullmatch(text) or (
            text.endswith((".", ",")) and _WRAPPED.fullmatch(text[:-1].rstrip())
        )
        if not match:
            break
        text = match[match.lastindex or 0].strip()
    return text


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Case, width, quotes, dashes and white space folded; a raised number becomes "^" and its digits."""
    text = text[:LONGEST]
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    text = _RAISED.sub(lambda raised: "^" + raised[0].translate(RAISED), text)
    text = unicodedata.normalize("NFKC", text).translate(_PUNCTUATION).casefold()
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def normalize_text(text: str) -> str:
    """The form in which short texts are compared: folded, unwrapped, without closing punctuation."""
    return fold(unwrap(fold(text)).rstrip(" .,;:!?").replace(" & ", " and "))


def text_equal(prediction: str, gold: str) -> bool:
    """Whether two texts are equal but for wording: see `normalize_text`; a leading article may be missing.

    An empty text equals only an empty text.
    """
    mine, theirs = normalize_text(prediction), normalize_text(gold)
    return mine == theirs or _ARTICLE.sub("", mine) == _ARTICLE.sub("", theirs) != ""


_ABBREVIATION = (
    r"(?<!\b[A-Z]\.)(?<!\b(?:Dr|DR|Mr|MR|Ms|MS|St|ST|No|Jr|JR|vs|cf|Rs|Co|CO)\.)"
    r"(?<!\b(?:Mrs|MRS|Fig|FIG|e\.g|i\.e|Ave|AVE)\.)(?<!\b(?:Prof|PROF)\.)(?<!\bapprox\.)"
)
_SENTENCE = re.compile(rf"(?<=\S[.!?])(?<!^\d\.)(?<!^\d\d\.){_ABBREVIATION}\s+(?![a-z])", re.MULTILINE)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a plain text; initials, abbreviations and the numbers of a list end none."""
    lines = (line.strip() for line in text.split("\n"))
    return [part.strip() for line in lines for part in _SENTENCE.split(line) if part.strip()]


def has_any(text: str, stems: Sequence[str]) -> bool:
    """Whether a text has any of some parts of words, lower case: asked before a long pattern is tried."""
    return any(map(text.lower().__contains__, stems))


# --- Denials and refusals -----------------------------------------------------------------------------------

_DENIED = re.compile(
    r"(?P<kept>\b(?:that|which|who) \w+(?: not|n't)\b)"
    rf"|(?:(?:^|(?<=[,.;:()\n|]))[^,.;:()\n|]*?\b(?:{WORDS['denials']['before']})"
    rf"|[,(–—]?\s*\b{WORDS['denials']['after']})\b"
    r"(?! (?:only|sure|applicable))[^,.;:()\n]*?(?:\)|(?=[,.;:()\n]|\bbut\b|$))"
    r"|(?:^|(?<=[,.;:()\n|]))[^,.;:()|\n]*?(?:\b(?:is|are|was|were|looks?|seems?)|项)\s?(?:\w+ly )?"
    rf"(?:{'|'.join(WORDS['denials']['wrong'])})\b|(?:而)?(?:不是|并非)[^,.;:\n]*",
    re.IGNORECASE,
)


def undenied(text: str) -> str:
    """A text without what it denies: "C, not B" is "C", "5 is wrong" nothing, "not A but B" is "but B"."""
    if has_any(text, WORDS["denials"]["stems"]):
        text = _DENIED.sub(lambda denied: denied["kept"] or " ", text)
    return text.strip()


_REFUSALS = WORDS["refusals"]
_REFUSES = re.compile(
    "|".join(_REFUSALS["patterns"])
    .replace("{know}", _REFUSALS["know"])
    .replace("{lacked}", _REFUSALS["lacked"]),
    re.IGNORECASE | re.MULTILINE,
)


def refuses(text: str) -> bool:
    """Whether a text says that the answer cannot be given."""
    return has_any(text, _REFUSALS["stems"]) and _REFUSES.search(text.replace("’", "'")) is not None


# --- Words --------------------------------------------------------------------------------------------------

_FRAMES, _CONTENT, _COMMON = (WORDS["framing"][key].split() for key in ("words", "content", "common"))
FRAMING = frozenset(_FRAMES + _CONTENT)
"""Words that frame an answer and never are one in the places where they are left out."""
_UNASKED = frozenset(_FRAMES + _COMMON)
_WORD = re.compile(r"\d+(?:[.,:/]\d+)*[^\W_]*|[^\W_]+(?:['’][^\W_]+)*")


def words(text: str) -> list[str]:
    """The words and numbers of a text, folded."""
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """Enough of a word to know it again in another form: "location" in "located", "company's" in "company"."""
    bare = word.removesuffix("'s")
    return bare[:5] if bare.isalpha() else word


_ASKS = re.compile(r"[?？]|[(（] ?_* ?[)）]|__")


@lru_cache(maxsize=4096)
def focus(question: str) -> str:
    """What of a question asks: its last sentence with a question mark or a blank."""
    parts = [part for part in re.split(r"\n+|(?<=[.?!？])\s+", question[-4000:]) if part.strip()]
    return ([part for part in parts if _ASKS.search(part)] or parts or [""])[-1]


@lru_cache(maxsize=4096)
def asked_stems(question: str) -> tuple[str, ...]:
    """The stems of the words that carry a question's meaning, in order."""
    return tuple(dict.fromkeys(stem(word) for word in words(focus(question)) if word not in _UNASKED))


def overlap(sentence: str, question: str) -> float:
    """The share of the content words of a question that a sentence repeats; 0 where it has none.

    The first one counts double: in "What is the sum of the accuracies of A and B?" it is what is asked for.
    """
    asked = asked_stems(question)
    if not asked:
        return 0.0
    said = {stem(word) for word in words(sentence[:1000])}
    return (sum(word in said for word in asked) + (asked[0] in said)) / (len(asked) + 1)


# --- Names --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def echo_stems(question: str) -> frozenset[str]:
    """The stems of a question's words, which a sentence may repeat without answering it.

    The words beside an "or" are left out: they are what the question offers as answers.
    """
    asked = words(question[:2000])
    offered = {
        asked[at + step] for at, word in enumerate(asked[:-1]) if word == "or" and at for step in (-1, 1)
    }
    return frozenset(stem(word) for word in asked) - {stem(word) for word in offered}


_MAIN = ("is", "are", "was", "were", "reads", "says", "states", "equals", "represents", "denotes", "stands for")
_VERB = re.compile(
    rf"\b(?:{'|'.join(_MAIN)}|has been|have been|read as|shows|has|have|had|of|by|at|in|on|to|as|from|for)\b"
    r"\s*|:\s+",
    re.IGNORECASE,
)
_AMOUNT = r"(?:about |around )?(?:[$€£]\d[\d.,]*|\d[\d.,]*(?: ?%| (?:percent|million|billion|thousand)))"
_MEASURE = rf"(?:{_AMOUNT}|\d+\.\d+|\d[\d,]*(?: [a-z]{{1,12}})?)"
_REASONS = "because|since|which|who|where|while|whereas|having|according|based|than|due"
_MAY_REMARK = re.compile(rf"[\d(\[]|\b(?:{_REASONS}|as|with)\b", re.IGNORECASE)
_REMARK = re.compile(
    rf"\s*[,;–—-]?\s+(?:(?:{_REASONS}|as (?:it|its|the|shown))\b.*"
    r"|with (?:an?|the|its|about|\d)\b(?:(?! (?:is|are|was|were) ).)*)$"
    rf"|(?<=\w)\s*[(\[].*[)\]][.\s]*$|(?:\s*[:,–—-]\s+(?:(?:at|with|of) )?(?:{_AMOUNT}|\d+\.\d+)"
    rf"|,?\s(?:at|with|of) {_MEASURE})[.\s]*$|^{_AMOUNT},? (?:in|for|by|at|from|with) ",
    re.IGNORECASE,
)


def _tails(sentence: str, echo: Collection[str]) -> list[str]:
    """What follows a verb or preposition before which the sentence repeats the question.

    A main verb may follow a subject in other words than the question's, as long as no more than half of them
    are new. Returns at most four tails: the longest and the shortest of each kind.
    """
    strict: list[str] = []
    loose: list[str] = []
    new = old = checked = 0
    for match in _VERB.finditer(sentence):
        for word in words(sentence[checked : match.start()]):
            if word not in FRAMING:
                old, new = (old + 1, new) if stem(word) in echo else (old, new + 1)
        checked = match.start()
        tail = sentence[match.end() :]
        if not tail.strip():
            continue
        if new == 0:
            strict.append(tail)
        elif new <= old and match[0].strip().lower() in (*_MAIN, ":"):
            loose.append(tail)
    return [kind[at] for kind in (strict, loose) if kind for at in (0, -1)]


def _cores(sentence: str, echo: Collection[str]) -> list[str]:
    """A sentence without framing words and words of the question at its beginning and its end.

    And the same with the capitalised words beside it, which may belong to a name: "Kansas City has the lowest
    rate" is "Kansas City", even where the question asks for a city.
    """
    found = list(_WORD.finditer(sentence))
    known = [word in FRAMING or stem(word) in echo for word in (match[0].lower() for match in found)]
    if all(known):
        return []
    first, last = known.index(False), len(known) - 1 - known[::-1].index(False)
    wide_first, wide_last = first, last
    while wide_first > 1 and found[wide_first - 1][0][0].isupper():
        wide_first -= 1
    while wide_last + 1 < len(found) and found[wide_last + 1][0][0].isupper():
        wide_last += 1
    starts = [found[at - 1].end() if at else 0 for at in (first, wide_first)]
    ends = [found[at + 1].start() if at + 1 < len(found) else len(sentence) for at in (last, wide_last)]
    return [sentence[start:end] for start, end in zip(starts, ends, strict=True)]


def phrases(text: str, question: str = "") -> tuple[str, ...]:
    """The readings of a candidate text as one name or short phrase, the fullest first.

    The whole; that without what it denies, up to the first full stop; what follows the verb of a sentence that
    up to there repeats the question; the sentence without the question's words at either end; each without a
    remark ("Chad (45 %)", "Chad, because …"). None depends on the gold answer, each is part of the one before,
    so naming several things does not help.

    Args:
        text: a candidate.
        question: what was asked; without it only framing words can be left out.
    """
    found = [text := text[:LONGEST].strip()]
    if not text.isalnum() and len(text) <= LONGEST_SENTENCE:
        line = undenied(text).split("\n", 1)[0]
        sentence = unwrap((sentences(line) or [""])[0])
        echo = echo_stems(question)
        result = [sentence.rpartition("=")[2]] if "=" in sentence else []
        parts = dict.fromkeys((sentence, *_tails(sentence, echo), *_cores(sentence, echo), *result))
        remarked = _MAY_REMARK.search(sentence) is not None  # a quick look before many slow ones
        plain = [_REMARK.sub("", part) if remarked else part for part in parts]
        found += [line, *parts, *plain, *(_cores(plain[0], echo) if plain[0] != sentence else ())]
    readings = found[:1]
    for reading in map(unwrap, dict.fromkeys(found)):
        bare = reading.strip(" .,;:!?")
        bare = bare.strip("$ ") if bare.count("$") == 1 and bare.endswith("$") else bare
        abbreviated = "." in bare[-6:] and reading.endswith(f"{bare}.")
        readings += [bare, f"{bare}."] if abbreviated else [bare]
    return tuple(dict.fromkeys(reading for reading in readings if reading))


def is_name_alone(text: str) -> bool:
    """Whether a line may be a name by itself: a few words, no sentence, nothing that leads to what follows."""
    said = len(words(text[:200]))
    return (
        0 < said <= 8
        and len(text) <= 80
        and ": " not in text
        and text[-1] not in (":,.!" if said > 3 else ":,")
    )
