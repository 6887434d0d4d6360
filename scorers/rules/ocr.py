"""OCRBench: is the text that was asked for in the response, and is the response an answer, not a transcript?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scorers.official.ocrbench import inclusion
from scorers.read.locate import Candidate, Channel, first, locate
from scorers.read.text import (
    FRAMING,
    LONGEST,
    echo_stems,
    fold,
    is_name_alone,
    normalize_text,
    stem,
    unwrap,
    words,
)
from scorers.types import Answer, Coords, Score, Status, Target, verdict

SPARE_WORDS = 3
"""Words beyond the gold answer, the question's and framing words that an answer of sane length may have; a gold
answer of more words than that allows as many as it has itself."""


@dataclass(frozen=True, slots=True)
class OcrTarget(Target):
    """What a text-reading question is judged by."""

    answers: tuple[str, ...]
    """The gold answers, each in its own spelling."""
    question: str = ""
    formula: bool = False
    """The answer is a LaTeX formula (HME100k)."""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The first gold answer."""
        return self.answers[0]


def _joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word or number."""
    if not left or not right:
        return False
    if left.isdigit() and right.isalpha():
        return False  # "271" in "271kJ": a unit
    return all(char.isalnum() and ord(char) < 0x2E80 for char in (left, right))


def _places(text: str, gold: str) -> Iterator[tuple[int, int]]:
    """Where a gold answer stands as whole words; a number not as part of a longer number. At most 50 places."""
    start = -1
    for _ in range(50):
        start = text.find(gold, start + 1)
        if start < 0:
            return
        end = start + len(gold)
        before, after = text[max(0, start - 2) : start], text[end : end + 2]
        if _joined(before[-1:], gold[0]) or _joined(gold[-1], after[:1]):
            continue
        if gold[0].isdigit() and re.fullmatch(r"\d[.,/:]|.?[-+.]", before):
            continue
        if gold[-1].isdigit() and re.match(r"[.,/:]\d", after):
            continue
        yield start, end


def _sane(before: str, after: str, gold: str, question: str) -> bool:
    """Whether what surrounds the gold answer is framing, not other answers."""
    if re.search(r"(?:\b(?:or|not)|n't)\b(?:\W+\w+){0,2}\W*$", before) or re.match(r"\W*(?:or)\b", after):
        return False
    echo = echo_stems(question)
    spare = [word for word in words(before) + words(after) if word not in FRAMING and stem(word) not in echo]
    if not re.search(r"[^\W\d_]", gold) and any(word[0].isdigit() for word in spare):
        return False
    cost = sum(1 + len(word) // (16 if word.isascii() else 4) for word in spare)
    return cost <= max(SPARE_WORDS, len(words(gold)))


def text_included(text: str, gold: str, question: str = "") -> bool:
    """Whether a response contains a gold answer as whole words and little else.

    Case, width, quotes, dashes, white space and closing punctuation do not matter. Around it may stand words of
    the question, framing words ("the text in the image is") and at most `SPARE_WORDS` others, or as many as the
    gold answer has; a bare number allows no other number, and "A or B" is no answer.
    """
    wanted, told = normalize_text(gold), fold(text)
    if not wanted:
        return not told
    if normalize_text(text) == wanted:
        return True
    return any(_sane(told[:start], told[end:], wanted, question) for start, end in _places(told, wanted))


_LATEX = (
    (re.compile(r"\\[dt]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:left|right|displaystyle|limits)(?![A-Za-z])"), ""),
    (re.compile(r"\\(?:[,;:! ]|quad(?![A-Za-z])|qquad(?![A-Za-z]))"), " "),
    (re.compile(r"([\^_]|\\sqrt)\s*\{\s*(\w)\s*\}"), r"\1\2"),
    (re.compile(r"\\(le|ge|ne)(?![A-Za-z])"), r"\\\1q"),
    (re.compile(r"\\neqq"), r"\\neq"),
)
_MATHS = re.compile(r"\\[A-Za-z]|[\d^_{}=+*/<>|≤≥≠±×÷√∫∑-]|(?<![^\W_])[b-zA-HJ-Z](?![^\W_])")


def _latex(text: str) -> str:
    """A formula with spellings folded that mean the same to the eye; spaces stay."""
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def formula_included(text: str, gold: str) -> bool:
    r"""Whether a response is a gold formula, in prose and markup at most.

    Spaces, `\dfrac`, `\left`, braces around a single character and delimiters do not matter. Nothing around it
    may look like mathematics (a digit, an operator, a command, a single letter), and at most 20 words.
    """
    told = _latex(text[:LONGEST])
    wanted = "".join(_latex(gold).split())
    if not wanted:
        return not told.strip()
    places = [at for at, char in enumerate(told) if not char.isspace()]
    start = "".join(told[at] for at in places).find(wanted)
    if start < 0:
        return False
    first, last = places[start], places[start + len(wanted) - 1]
    before, after = told[:first], told[last + 1 :]
    if _joined(before[-1:], wanted[0]) or (wanted[-1].isalnum() and after[:1].isalnum()):
        return False
    return not _MATHS.search(before) and not _MATHS.search(after) and len(words(before + " " + after)) <= 20


def _included(text: str, target: OcrTarget) -> bool:
    if target.formula:
        return any(formula_included(unwrap(text), gold) for gold in target.answers)
    return any(text_included(text, gold, target.question) for gold in target.answers)


def ocr(answer: Answer, target: OcrTarget) -> Score:
    """Judge a reading of text in an image.

    `official`: a gold answer is a substring of the response (`scorers.official.ocrbench`). `value`: it is there
    as whole words, in an answer of sane length (`text_included`, `formula_included`).
    """
    official = inclusion(answer.official_text, target.answers, formula=target.formula)

    def parse(candidate: Candidate) -> bool | None:
        if candidate.alone and not is_name_alone(candidate.text):
            return None
        return None if candidate.refused else _included(candidate.text, target)

    final = answer.response.final
    if final and _included(final, target):
        return Score(1.0, official, Status.OK, final, Channel.WHOLE)
    found = first(locate(answer.response, target.question), parse)
    return verdict(found, float, official, lambda _: found.text if found else "")
