"""DocVQA (validation): questions on scanned documents, answered in their words (Mathew et al., 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scorers.read.normalise import clean
from scorers.rules.document import DocTarget, document
from tasks.images import row_images
from tasks.options import as_list
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

INSTRUCTION = "Answer the question using a single word or phrase."
OFFICIAL = "Robust Reading Challenge evaluation script (ANLS, threshold 0.5)"


def gold_answers(row: Row) -> tuple[str, ...]:
    """The gold answers; empty in a test split, whose rows have null answers, or none and `data_split` "test".

    Raises:
        RowError: the column is missing from another split, or is empty, or no list of texts.
    """
    if row.get("data_split") == "test" and not row.get("answers"):
        return ()
    answers = column(row, "answers", "answer", null=True)
    if answers is None:
        return ()
    texts = as_list(answers, "answers")
    if not texts:
        raise RowError("column 'answers' is an empty list")
    return texts


def document_sample(row: Row, groups: dict[str, str | tuple[str, ...]]) -> Sample:
    """The sample of a row of DocVQA or InfographicVQA."""
    question = str(column(row, "question"))
    return Sample(
        id=str(column(row, "questionId", "index")),
        question=question,
        target=DocTarget(gold_answers(row), question),
        images=row_images(row),
        instruction=INSTRUCTION,
        groups=groups,
    )


def types_of(row: Row, name: str) -> tuple[str, ...]:
    """The groups that a row names in a column, which may be several or null."""
    given = row.get(name)
    return () if given is None else as_list(given, name)


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. Questions on one document form a cluster, where the row names the document."""
    groups: dict[str, str | tuple[str, ...]] = {"question_type": types_of(row, "question_types")}
    document = row.get("ucsf_document_id") or row.get("docId")
    if document is not None:
        groups["document"] = str(document)
    yield document_sample(row, groups)


def submission_row(sample_id: str, response: str) -> dict[str, Any]:
    """One entry of the challenge's submission file, a JSON list of these, for test splits.

    Args:
        sample_id: `Sample.id`, the row's questionId.
        response: what the model answered; its final answer is submitted.
    """
    number = int(sample_id) if sample_id.isdecimal() else sample_id
    return {"questionId": number, "answer": clean(response).final}


TASK = Task(
    name="docvqa",
    category="document",
    title="DocVQA: questions on scanned documents (validation)",
    source=Source(
        repo="lmms-lab/DocVQA",
        configs=("DocVQA",),
        other_configs=("InfographicVQA",),
        split="validation",
        rows=5349,
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
    submission=submission_row,
    notes="The test split has no answers: harness score RUN --submission DIR writes the challenge's file.",
)
