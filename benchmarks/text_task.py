"""EmbSpatial without its images, for `engine.py` and `peers.py`: what a sample costs beside its picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tasks import embspatial
from tasks.types import Row, Sample


def to_samples(row: Row) -> Iterator[Sample]:
    for sample in embspatial.to_samples(row):
        yield replace(sample, images=(), text_only=True)


TASK = replace(embspatial.TASK, name="words", to_samples=to_samples)
