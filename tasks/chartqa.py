"""ChartQA (test): 1,250 questions written by people, 1,250 made from summaries (Masry et al., 2022)."""

from __future__ import annotations

from collections.abc import Iterator

from scorers.rules.chart import ChartTarget, chart
from tasks.content_id import content_id
from tasks.images import image_key, row_images
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_TYPES = ("human", "augmented")


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. Rows have no id: it is a hash of the question, its answer and the image's key."""
    question, answer = str(column(row, "question")), column(row, "answer")
    kind = _type(row)
    if not str(answer).strip():
        raise RowError("column 'answer' is empty")
    images = row_images(row)
    groups = {"type": kind} if kind else {}
    if images:
        groups["chart"] = image_key(images)
    yield Sample(
        id=content_id(kind, question, str(answer), images=images),
        question=question,
        target=ChartTarget(str(answer), question),
        images=images,
        instruction="Answer the question using a single word or phrase.",
        groups=groups,
    )


def _type(row: Row) -> str:
    """Who asks, from the hub's `type` or VLMEvalKit's `split`; empty where the row does not say.

    Raises:
        RowError: it says something else.
    """
    told = row.get("type") or row.get("split")
    kind = next((name for name in _TYPES if name in str(told or "").split("_")), "")
    if told and not kind:
        raise RowError(f"type {told!r} is neither human_test nor augmented_test")
    return kind


TASK = Task(
    name="chartqa",
    category="chart",
    title="ChartQA: questions on charts, human and augmented (test)",
    source=Source(repo="lmms-lab-encoder/ChartQA", former=("lmms-lab/ChartQA",), split="test", rows=2500),
    to_samples=to_samples,
    scorer=chart,
    target=ChartTarget,
    metrics=(
        Metric("mean of human and augmented", of="official", reduce="macro", by="type", headline=True),
        Metric("overall", of="official"),
        Metric("by type", of="official", by="type"),
        Metric("mean of human and augmented (ours)", reduce="macro", by="type"),
        Metric("by type (ours)", by="type"),
    ),
    cluster="chart",
    official="relaxed accuracy of ChartQA, as lmms-eval and VLMEvalKit compute it",
    notes="The official rule gives years 5 % and reads neither 1,200 nor $47; ours does not and does.",
)
