"""MathVerse (testmini): 788 problems in five versions, from text to figure (Zhang et al., 2024)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scorers.read.text import text_equal
from scorers.rules.math import MathTarget, mathverse
from tasks.images import row_images
from tasks.mathvision import CHOOSE, COMPUTE
from tasks.rubrics import MATHVERSE
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_CHOICES = re.compile(r"\bchoices?\s*:\s*", re.IGNORECASE)
_MARK = re.compile(r"(?:^|\n)[^\S\n]*+\(?([A-H])\)?\s*[:.]")
_LETTERS = re.compile(r"\(?([A-H])\)?(?:[\s,]+\(?([A-H])\)?)*")
_MANGLED = "\u63b3", "°"  # 118°T in UTF-8, read as GBK
TEXT_ONLY = "Text Only"
CHOOSE_ALL = "Answer with the letters of all right options from the given choices directly."
IN_THE_IMAGE = "Answer the question shown in the image."


def embedded_options(question: str) -> tuple[str, ...]:
    """The option texts that a question lists after "Choices:", one a line; empty where it lists none."""
    parts = _CHOICES.split(question)
    pieces = _MARK.split("\n" + parts[-1])
    letters = "".join(pieces[1::2])
    if len(parts) < 2 or len(letters) < 2 or letters != "ABCDEFGH"[: len(letters)]:
        return ()
    return tuple(piece.strip() for piece in pieces[2::2])


def right_letters(answer: str, options: Sequence[str]) -> str:
    """The letters of the right options: "C" for `C`, `(C)` and the text of option C, "CD" for `C`, `D`.

    Raises:
        RowError: the answer is neither letters of options nor the text of one.
    """
    known = "ABCDEFGH"[: len(options)]
    if _LETTERS.fullmatch(answer):
        letters = "".join(re.findall("[A-H]", answer))
    else:
        pairs = zip(known, options, strict=True)
        letters = "".join(letter for letter, option in pairs if option and text_equal(option, answer))[:2]
        letters = letters if len(letters) == 1 else ""
    if not letters or len(set(letters)) < len(letters) or not set(letters) <= set(known):
        raise RowError(f"answer {answer[:60]!r} is neither letters of {known!r} nor the text of one option")
    return letters


def defect(row: Row) -> str | None:
    """Golds of choices that are no single letter, golds with ° in another encoding: ten of 788 problems."""
    answer = str(row.get("answer") or "").strip()
    choice = row.get("question_type") == "multi-choice"
    if _MANGLED[0] in answer or (choice and not re.fullmatch("[A-H]", answer)):
        return f"{row.get('sample_index')}: its gold is {answer!r}"
    return None


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. In the Vision Only version the question is in the image; the row keeps it for the judge."""
    question = str(column(row, "question", null=True) or "").strip()
    whole = str(row.get("question_for_eval") or question)
    answer = str(column(row, "answer")).strip().replace(*_MANGLED)
    kind = str(column(row, "question_type"))
    options: tuple[str, ...] = ()
    if kind == "multi-choice":
        options = embedded_options(whole)
        if not options:
            raise RowError("neither 'question' nor 'question_for_eval' lists its options")
        answer = right_letters(answer, options)
    elif not answer:
        raise RowError("column 'answer' is empty")
    else:  # two blanks, a line each
        answer = ", ".join(filter(None, map(str.strip, answer.split("\n"))))
    metadata = row.get("metadata") or {}
    version = str(column(row, "problem_version"))
    text_only = version.replace("-", " ").replace("_", " ").lower() == TEXT_ONLY.lower()
    yield Sample(
        id=str(column(row, "sample_index")) + ("t" if text_only else ""),
        question=question or IN_THE_IMAGE,
        target=MathTarget(whole, answer, options),
        images=() if text_only else row_images(row),
        text_only=text_only,
        instruction=(CHOOSE_ALL if len(answer) > 1 else CHOOSE) if options else COMPUTE,
        groups={
            "set": TEXT_ONLY if text_only else "five versions",
            "version": TEXT_ONLY if text_only else version,
            "problem": str(column(row, "problem_index")),
            "subject": str(metadata.get("subject") or row.get("subject") or ""),
            "subfield": str(metadata.get("subfield") or row.get("subfield") or ""),
            "question_type": kind,
        },
    )


TASK = Task(
    name="mathverse",
    category="math",
    title="MathVerse: problems in five versions, from text to figure (testmini)",
    source=Source(
        repo="AI4Math/MathVerse",
        split="testmini",
        configs=("testmini", "testmini_text_only"),
        config_splits={"testmini_text_only": "testmini_text_only"},
        rows=3940 + 788,
    ),
    to_samples=to_samples,
    defect=defect,
    scorer=mathverse,
    target=MathTarget,
    metrics=(
        Metric("accuracy", where=("set", "five versions"), headline=True),
        Metric("by version", by="version"),
        Metric("text only", where=("set", TEXT_ONLY)),
        Metric("by subject", by="subject", where=("set", "five versions")),
        Metric("by subfield", by="subfield", where=("set", "five versions")),
        Metric("by question type", by="question_type", where=("set", "five versions")),
    ),
    limits={"direct": 1024, "think": 4096},
    cluster="problem",
    judged=True,
    rubric=MATHVERSE,
    notes="Scored by rule, not by a judge model. The 788 text-only rows count apart.",
)
