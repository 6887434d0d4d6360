"""EmbSpatial without its images, for `engine.py` and `peers.py`: what a sample costs beside its picture.

Its samples are written out, as the peers' own tasks have them: to change those of EmbSpatial takes longer than
to make them, and would count as the harness's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scorers.rules.choice import ChoiceTarget
from tasks import embspatial
from tasks.options import as_list, option_index
from tasks.types import Row, Sample, column


def to_samples(row: Row) -> Iterator[Sample]:
    options = as_list(column(row, "answer_options"), "answer_options")
    question = str(column(row, "question"))
    yield Sample(
        str(column(row, "question_id")),
        question,
        ChoiceTarget(options, option_index(column(row, "answer"), options), question),
        choices=options,
        instruction="Answer with the option's letter from the given choices directly.",
        groups={name: str(column(row, name)) for name in ("data_source", "relation")},
        text_only=True,
    )


TASK = replace(embspatial.TASK, name="words", to_samples=to_samples)
