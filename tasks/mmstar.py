"""MMStar: 1,500 questions that need the image, 250 in each of six categories (Chen et al., 2024)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scorers.rules.choice import ChoiceTarget, mmstar
from tasks.images import row_images
from tasks.options import absent, letter_index, lettered
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_NAMED = ("A", "B", "C", "D", "E", "F", "G", "H")
_INLINE = tuple(re.compile(rf"(?:^|,)\s*{letter}:\s") for letter in _NAMED)
"""As after "Options:": "A: …, B: …"."""
_LINES = tuple(re.compile(rf"(?:^|\n)[ ]*\({letter}\)\s") for letter in _NAMED)
"""As after "Choices:": lines that begin with "(A)"."""


def embedded_options(question: str) -> tuple[str, ...]:
    """The option texts that a question lists, in line after "Options:" or one a line.

    "nan" is "None", as in the source of those items. Empty where it lists none.
    """
    _, found, listed = question.rpartition("Options:")
    return (found and _split(listed, _INLINE)) or _split(question, _LINES)


def _split(listed: str, forms: tuple[re.Pattern[str], ...]) -> tuple[str, ...]:
    """The texts between the marks of A, B, C … in order; none where there are fewer than two marks."""
    marks: list[tuple[int, int]] = []
    for form in forms:
        mark = form.search(listed, marks[-1][1] - 1 if marks else 0)
        if mark is None:
            break
        marks.append(mark.span())
    if len(marks) < 2:
        return ()
    ends = [start for start, _ in marks[1:]] + [len(listed)]
    texts = [absent(listed[end:until]) or "None" for (_, end), until in zip(marks, ends, strict=True)]
    return tuple(texts)


def defect(row: Row) -> str | None:
    """Options that read "nan", which a table reader made of "None" (rows 268, 273 and 391)."""
    if not re.search(r"\b[A-H]: nan\b", str(row.get("question"))):
        return None
    return f'{row.get("index")}: an option is "nan", read as "None"'


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. The question lists its options itself; a VLMEvalKit table has them in columns."""
    question = str(column(row, "question"))
    options = embedded_options(question)
    listed = () if options else lettered(row)
    options = options or listed
    if not options:
        raise RowError("the question lists no options, and columns 'A', 'B' … hold none")
    answer = letter_index(column(row, "answer"), options)
    yield Sample(
        id=str(column(row, "index")),
        question=question,
        target=ChoiceTarget(options, answer, question.partition("Options:")[0]),
        images=row_images(row),
        choices=listed,
        instruction="Answer with the option's letter from the given choices directly.",
        groups={
            "category": str(column(row, "category")),
            "l2_category": str(column(row, "l2_category")),
        },
    )


TASK = Task(
    name="mmstar",
    category="general_vqa",
    title="MMStar: 1,500 questions that cannot be answered without the image",
    source=Source(repo="Lin-Chen/MMStar", split="val", rows=1500),
    to_samples=to_samples,
    defect=defect,
    scorer=mmstar,
    target=ChoiceTarget,
    metrics=(
        Metric("accuracy", of="official", headline=True),
        Metric("accuracy (ours)"),
        Metric("by category", of="official", by="category"),
        Metric("by l2_category", of="official", by="l2_category"),
    ),
    official="MMStar eval/vlmeval/evaluate/mmstar.py",
    notes="Accuracy is over samples, not the mean of the 18 sub-categories that some toolkits report.",
)
