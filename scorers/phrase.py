"""The phrase that answers, within a response that says more than it.

A short answer often comes in a sentence: "The answer is 12", "The page number is 12.", "It has 12 pages". The
readings here never look at the gold answer, and each is part of the one before it or follows an explicit "the
answer is", so naming several candidates does not help: what a reading leaves out are words of the question and
words that frame an answer ("the", "is", "shown", "in the image"), nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from scorers.prose import boxed
from scorers.text import LONGEST, fold, normalize_text, unwrap

LONGEST_SENTENCE = 600
"""Characters; a longer response is read only where it announces its answer."""

_FRAMING = """
    a an the this that these those it its they their there he she his her him them i we you your our
    is are was were be been being has have had do does did will would can could should may might
    of in on at by for from to with as about into within between among across during per and
    which who whom whose what where when how so thus therefore hence then here also since because
    answer correct final following given shown displayed depicted seen visible mentioned listed written
    printed stated indicated labeled labelled called named titled specified found located present represented
    presented
    shows show reads read says say states state indicates indicate displays gives means represents denotes
    refers referred known identified provided according based appears seems
    image picture photo document page text chart graph figure plot table diagram infographic
    word words phrase name title label value number amount total exactly approximately around
    yes sure okay certainly
"""
FRAMING = frozenset(_FRAMING.split())
"""Words that frame an answer and never are one in the places where they are left out."""

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*[^\W_]*|[^\W_]+(?:['’][^\W_]+)*")
_ANNOUNCED = re.compile(
    r"\banswer\b(?:\s+to\s+(?:the|this|your)\s+question)?"
    r"(?:\*\*)?\s*(?:is|was|are|would\s+be|should\s+be|must\s+be|:|=)(?:\*\*)?\s*:?",
    re.IGNORECASE,
)
_DENIED = re.compile(r"^(?:not|never|neither|no longer|isn't|unlikely|wrong|incorrect)\b", re.IGNORECASE)
_MAIN = ("is", "are", "was", "were", "reads", "says", "states", "equals", "represents", "denotes", "stands for")
_VERB = re.compile(
    rf"\b(?:{'|'.join(_MAIN)}|has been|have been|read as|shows|has|have|had|of|by|at|in|on|to|as|from|for)\b"
    r"(?! (?:not|never|n't)\b)\s*|:\s+",
    re.IGNORECASE,
)
_TITLES = r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bNo\.)(?<!\bJr\.)(?<!\bMrs\.)(?<!\bProf\.)"
_SENTENCE_END = re.compile(
    rf"""(?<=[^\W\d_][^\W\d_][.!?]){_TITLES}\s+(?=[A-Z"'(*])|(?<=[\d)"'][.!?])\s+(?=[A-Z"'(*])"""
)


def words(text: str) -> list[str]:
    """The words and numbers of a text, folded."""
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """Enough of a word to know it again in another form: "location" in "located", "company's" in "company"."""
    bare = word.removesuffix("'s")
    return bare[:5] if bare.isalpha() else word


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


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match of a pattern in a text."""
    last = None
    for match in pattern.finditer(text):
        last = match
    return last


def first_sentence(text: str) -> str:
    """A text up to the end of its first sentence; initials and abbreviations of one letter end none."""
    return _SENTENCE_END.split(text, maxsplit=1)[0]


def announced(text: str) -> str | None:
    r"""What follows the last "the answer is" (or stands in the last `\boxed{}`), up to the end of its line.

    None where nothing is announced, or where what follows denies ("the answer is not 5").
    """
    if (inside := boxed(text, LONGEST_SENTENCE)) is not None:
        return inside
    last = _last(_ANNOUNCED, text)
    if last is None:
        return None
    tail = text[last.end() : last.end() + LONGEST_SENTENCE].strip()
    line = tail.split("\n", 1)[0].strip()
    if line.count("**") % 2:  # "**Answer:** 12" opened it before
        line = line.removeprefix("**").removesuffix("**").strip()
    return None if not line or _DENIED.match(line) else line


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
        if not tail.strip() or _DENIED.match(tail):
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
    simple = str.lower if sentence.isascii() else fold
    found = list(_WORD.finditer(sentence))
    known = [word in FRAMING or stem(word) in echo for word in map(simple, (match[0] for match in found))]
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
    """The readings of a response as one short answer, the fullest first.

    What it announces, else the whole and its first line; that up to the first full stop; what follows the verb
    of a sentence that up to there repeats the question; the sentence without the question's words at either
    end. Beside an announced answer the whole is no reading: it would be a second guess.
    Markup around each is taken off; a closing full stop is dropped in readings after the whole.

    Args:
        text: the final answer.
        question: what was asked; without it only framing words can be left out.
    """
    text = text[:LONGEST].strip()
    told = announced(text)
    found = [text] if told is None else []
    line = told or (text.split("\n", 1)[0] if len(text) <= LONGEST_SENTENCE else "")
    if line:
        sentence = unwrap(first_sentence(line))
        found += [line, sentence]
        echo = echo_stems(question)
        found += [*_tails(sentence, echo), *_cores(sentence, echo)]
    tidy = found[:1] if told is None else []
    for reading in map(unwrap, found):
        bare = reading.strip(" .,;:!?")
        abbreviated = "." in bare[-6:] and reading.endswith(f"{bare}.")
        tidy += [bare, f"{bare}."] if abbreviated else [bare]
    return tuple(dict.fromkeys(reading for reading in tidy if reading))


def opens_with(text: str, gold: str, question: str) -> bool:
    """Whether a sentence begins with the gold answer and otherwise only repeats the question.

    For questions that name their options ("Which is higher, Jamaica or Tonga?"): "Jamaica is higher than Tonga"
    says Jamaica, "Tonga is higher than Jamaica" and "Jamaica is lower" do not.
    """
    name, told = words(gold), words(normalize_text(first_sentence(text[:LONGEST_SENTENCE])))
    if told[:1] in (["the"], ["a"], ["an"]) and name[:1] != told[:1]:
        told = told[1:]
    if not name or told[: len(name)] != name:
        return False
    known = FRAMING | frozenset(words(question)) | {"than"}
    rest = told[len(name) :]
    return "or" not in rest and rest[:1] != ["and"] and all(word in known for word in rest)
