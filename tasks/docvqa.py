"""DocVQA (validation): questions on scanned documents, answered in their words (Mathew et al., 2021)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from scorers.rules.document import DocTarget, document
from tasks.images import row_images
from tasks.options import as_list
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Submission, Submitted, Task, column

INSTRUCTION = "Answer the question using a single word or phrase."
OFFICIAL = "Robust Reading Challenge evaluation script (ANLS, threshold 0.5)"


def gold_answers(row: Row) -> tuple[str, ...]:
    """The gold answers.

    Raises:
        RowError: the column is missing, null or empty, or no list of texts.
    """
    if row.get("data_split") == "test" and not row.get("answers"):
        raise RowError("a row of the test split, whose answers are withheld: --split test asks it")
    texts = as_list(column(row, "answers", "answer"), "answers")
    if not texts:
        raise RowError("column 'answers' is an empty list")
    return texts


def document_sample(row: Row, groups: dict[str, str | tuple[str, ...]], *, answered: bool = True) -> Sample:
    """The sample of a row of DocVQA or InfographicVQA."""
    question = str(column(row, "question"))
    return Sample(
        id=str(column(row, "questionId", "index")),
        question=question,
        target=DocTarget(gold_answers(row) if answered else (), question),
        images=row_images(row),
        instruction=INSTRUCTION,
        groups=groups,
    )


def types_of(row: Row, name: str) -> tuple[str, ...]:
    """The groups that a row names in a column, which may be several or null."""
    given = row.get(name)
    return () if given is None else as_list(given, name)


def to_samples(row: Row, *, answered: bool = True) -> Iterator[Sample]:
    """One sample. Questions on one document form a cluster, where the row names the document."""
    groups: dict[str, str | tuple[str, ...]] = {"question_type": types_of(row, "question_types")}
    document = row.get("ucsf_document_id") or row.get("docId")
    if document is not None:
        groups["document"] = str(document)
    yield document_sample(row, groups, answered=answered)


def unanswered(row: Row) -> Iterator[Sample]:
    """The sample of a row whose answer is withheld."""
    return to_samples(row, answered=False)


def rrc_file(responses: Sequence[Submitted]) -> bytes:
    """The Robust Reading Challenge's file: a JSON list of `{questionId: number, answer: text}`."""
    return json.dumps(
        [{"questionId": _number(each.sample.id), "answer": each.answer} for each in responses]
    ).encode()


def _number(identity: str) -> int | str:
    return int(identity) if identity.isdecimal() else identity


def submission(task: int) -> Submission:
    """The file of one of the tasks of the challenge on document questions."""
    return Submission(".json", f"https://rrc.cvc.uab.es/?ch=17, Task {task}", rrc_file)


TASK = Task(
    name="docvqa",
    category="document",
    title="DocVQA: questions on scanned documents (validation)",
    source=Source(
        repo="lmms-lab-encoder/DocVQA",
        former=("lmms-lab/DocVQA",),
        configs=("DocVQA",),
        other_configs=("InfographicVQA",),
        split="validation",
        rows=5349,
        splits={"test": Split(rows=5188, unanswered=unanswered)},
    ),
    to_samples=to_samples,
    scorer=document,
    target=DocTarget,
    metrics=(
        Metric("ANLS", of="official", headline=True),
        Metric("ANLS (ours)"),
        Metric("by question type", of="official", by="question_type"),
    ),
    cluster="document",
    official=OFFICIAL,
    submission=submission(1),
    notes="The test split's answers are withheld: --split test writes the file for the challenge's server.",
)
