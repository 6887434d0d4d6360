"""InfographicVQA (validation): questions on infographics, some to be computed (Mathew et al., 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tasks import docvqa
from tasks.docvqa import document_sample, submission, types_of
from tasks.types import Metric, Row, Sample, Split


def to_samples(row: Row, *, answered: bool = True) -> Iterator[Sample]:
    """One sample. Questions on one infographic form a cluster, where the row names its picture."""
    groups: dict[str, str | tuple[str, ...]] = {"answer_type": types_of(row, "answer_type")}
    if row.get("image_url"):
        groups["infographic"] = str(row["image_url"])
    yield document_sample(row, groups, answered=answered)


def unanswered(row: Row) -> Iterator[Sample]:
    """The sample of a row whose answer is withheld."""
    return to_samples(row, answered=False)


TASK = replace(
    docvqa.TASK,
    name="infovqa",
    title="InfoVQA: questions on infographics (validation)",
    source=replace(
        docvqa.TASK.source,
        configs=("InfographicVQA",),
        other_configs=("DocVQA",),
        rows=2801,
        splits={"test": Split(rows=3288, unanswered=unanswered)},
    ),
    to_samples=to_samples,
    metrics=(
        Metric("ANLS", of="official", headline=True),
        Metric("ANLS (ours)"),
        Metric("by answer type", of="official", by="answer_type"),
    ),
    cluster="infographic",
    submission=submission(3),
)
"""Scorer and target are DocVQA's: one challenge, one rule."""
