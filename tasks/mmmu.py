"""MMMU: college-level questions in 30 subjects, multiple-choice and open (Yue et al., 2023)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from scorers.rules.mmmu import MmmuTarget, mmmu
from tasks.images import ImageRef, row_images
from tasks.options import as_list, letter_index
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Submission, Submitted, Task, column

DISCIPLINES: dict[str, tuple[str, ...]] = {
    "Art & Design": ("Art", "Art_Theory", "Design", "Music"),
    "Business": ("Accounting", "Economics", "Finance", "Manage", "Marketing"),
    "Science": ("Biology", "Chemistry", "Geography", "Math", "Physics"),
    "Health & Medicine": (
        "Basic_Medical_Science",
        "Clinical_Medicine",
        "Diagnostics_and_Laboratory_Medicine",
        "Pharmacy",
        "Public_Health",
    ),
    "Humanities & Social Science": ("History", "Literature", "Sociology", "Psychology"),
    "Tech & Engineering": (
        "Agriculture",
        "Architecture_and_Engineering",
        "Computer_Science",
        "Electronics",
        "Energy_and_Power",
        "Materials",
        "Mechanical_Engineering",
    ),
}
"""Discipline → its subjects, which are the hub's configs."""

SUBJECTS = tuple(sorted(subject for subjects in DISCIPLINES.values() for subject in subjects))
_DISCIPLINE = {subject: name for name, subjects in DISCIPLINES.items() for subject in subjects}
_IMAGES = tuple(f"image_{number}" for number in range(1, 8))
_ID = re.compile(r"[a-z]+_(\w+)_\d+")


def to_samples(row: Row, *, answered: bool = True) -> Iterator[Sample]:
    """One sample. Images stand where `<image n>` names them, in the question or in an option."""
    identity = str(column(row, "id"))
    question = str(column(row, "question"))
    kind = str(column(row, "question_type"))
    options = as_list(column(row, "options"), "options")
    if kind == "multiple-choice":
        index = letter_index(column(row, "answer"), options) if answered else -1
        target = MmmuTarget(options, index, question=question)
        instruction = "Answer with the option's letter from the given choices directly."
    else:
        options, golds = (), as_list(column(row, "answer"), "answer") if answered else ()
        if answered and not golds:
            raise RowError("column 'answer' is empty")
        target = MmmuTarget(golds=golds, question=question)
        instruction = "Answer the question using a single word or phrase."
    subject = _subject(row, identity)
    yield Sample(
        id=identity,
        question=question,
        target=target,
        images=_images(row),
        choices=options,
        instruction=instruction,
        groups={
            "discipline": _DISCIPLINE.get(subject, "other"),
            "subject": subject,
            "question_type": "multiple-choice" if options else "open",
        },
    )


def unanswered(row: Row) -> Iterator[Sample]:
    """The sample of a row whose answer is withheld."""
    return to_samples(row, answered=False)


def _images(row: Row) -> tuple[ImageRef, ...]:
    """The images in `image_1` … `image_7`; a VLMEvalKit table has them all in one column."""
    numbered = tuple(image for name in _IMAGES for image in row_images({"image": row.get(name)}))
    return numbered or row_images(row)


def _subject(row: Row, identity: str) -> str:
    subject = row.get("subject")
    if subject:
        return str(subject)
    match = _ID.fullmatch(identity)
    if not match:
        raise RowError(f"no column 'subject', and id {identity!r} names none")
    return match[1]


def evalai_file(responses: Sequence[Submitted]) -> bytes:
    """EvalAI's file: a JSON object, id → the letter of the chosen option, or the answer to an open question."""
    answers = {each.sample.id: each.answer if each.found else "" for each in responses}
    return json.dumps(answers).encode()


TASK = Task(
    name="mmmu",
    category="general_vqa",
    title="MMMU: college-level questions, 30 subjects (validation)",
    source=Source(
        repo="MMMU/MMMU",
        split="validation",
        configs=SUBJECTS,
        config_column="subject",
        image_columns=_IMAGES,
        rows=900,
        splits={
            "dev": Split(rows=150),
            "test": Split(rows=10500, unanswered=unanswered),
        },
    ),
    to_samples=to_samples,
    scorer=mmmu,
    target=MmmuTarget,
    metrics=(
        Metric("accuracy", of="official", headline=True),
        Metric("accuracy (ours)"),
        Metric("by discipline", of="official", by="discipline"),
        Metric("by subject", of="official", by="subject"),
        Metric("by question type", of="official", by="question_type"),
    ),
    official="MMMU eval/eval_utils.py",
    submission=Submission(
        ".json", "https://eval.ai/web/challenges/challenge-page/2179/overview (phase: test)", evalai_file
    ),
    notes="Where the official script would draw an option at random, the answer counts as wrong.",
)
