"""EmbSpatial-Bench: where things are in scenes of a home, four options each (Du et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterator

from scorers.rules.choice import ChoiceTarget, choice
from tasks.images import row_images
from tasks.options import as_list, option_index
from tasks.types import Metric, Row, Sample, Source, Task, column


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample."""
    options = as_list(column(row, "answer_options"), "answer_options")
    question = str(column(row, "question"))
    yield Sample(
        id=str(column(row, "question_id")),
        question=question,
        target=ChoiceTarget(options, option_index(column(row, "answer"), options), question),
        images=row_images(row),
        choices=options,
        instruction="Answer with the option's letter from the given choices directly.",
        groups={"data_source": str(column(row, "data_source")), "relation": str(column(row, "relation"))},
    )


TASK = Task(
    name="embspatial",
    category="spatial",
    title="EmbSpatial: spatial relations in indoor scenes (test)",
    source=Source(repo="FlagEval/EmbSpatial-Bench", split="test", rows=3640),
    to_samples=to_samples,
    scorer=choice,
    target=ChoiceTarget,
    metrics=(
        Metric("accuracy", headline=True),
        Metric("by data source", by="data_source"),
        Metric("by relation", by="relation"),
    ),
)
