"""AI2D (test): questions on science diagrams whose labels are masked by letters (Kembhavi et al., 2016)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from scorers.rules.choice import ChoiceTarget, choice
from tasks.images import image_key, row_images
from tasks.options import as_list, letter_index, lettered, option_index
from tasks.types import Metric, Row, Sample, Source, Task, column


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. Rows have no id: it is a hash of the question, its options and the image's key."""
    question = str(column(row, "question"))
    options, right = _options(row)
    images = row_images(row)
    key = image_key(images)
    identity = hashlib.sha256("\0".join((question, *options, key)).encode("utf-8", "replace")).hexdigest()[:16]
    yield Sample(
        id=identity,
        question=question,
        target=ChoiceTarget(options, right, question),
        images=images,
        choices=options,
        instruction="Answer with the option's letter from the given choices directly.",
        groups={"image": key or identity},
    )


def _options(row: Row) -> tuple[tuple[str, ...], int]:
    """The options and the index of the right one; a VLMEvalKit table has columns A, B … and a letter."""
    if "options" not in row and (options := lettered(row)):
        return options, letter_index(column(row, "answer"), options)
    options = as_list(column(row, "options"), "options")
    return options, option_index(column(row, "answer"), options)


TASK = Task(
    name="ai2d",
    category="chart",
    title="AI2D: science diagrams, labels masked by letters (test)",
    source=Source(repo="lmms-lab-encoder/ai2d", former=("lmms-lab/ai2d",), split="test", rows=3088),
    to_samples=to_samples,
    scorer=choice,
    target=ChoiceTarget,
    metrics=(Metric("accuracy", headline=True),),
    cluster="image",
    notes="Labels are masked by letters; AI2D without masks is another, easier benchmark.",
)
