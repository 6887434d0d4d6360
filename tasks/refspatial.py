"""RefSpatial-Bench: point at a thing (location) or at free space (placement) that a sentence describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scorers.place.masks import encode
from scorers.rules.refspatial import MaskTarget, points_in_mask
from tasks.coordinate_phrases import POINTS, prompt_template
from tasks.images import ImageError, ImageRef, row_images
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_SEEN = ("part", "seen")
_UNSEEN = ("part", "unseen")


def mask_target(value: Any) -> MaskTarget:
    """A mask in any form that a row may hold → run lengths. Inside is what is above 0 in the first channel.

    Raises:
        RowError: there is no mask, or it cannot be decoded.
    """
    import numpy as np

    try:
        pixels = np.asarray(ImageRef(value).values())
    except ImageError as error:
        raise RowError(f"column 'mask': {error}") from error
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    return MaskTarget(encode(pixels), height=pixels.shape[0], width=pixels.shape[1])


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample a row.

    Raises:
        RowError: a column is missing or the mask cannot be decoded.
    """
    split = str(row.get("split") or "location")
    sample_id = f"{split}/{column(row, 'id')}"
    images = row_images(row)
    asked = row.get("prompt") or (f"Please point out {row['object']}." if row.get("object") else "")
    groups = {
        "split": split,
        "part": "unseen" if split == "unseen" else "seen",
        "image": images[0].sha if images else sample_id,
    }
    if row.get("step") is not None:
        groups["step"] = str(row["step"])
    yield Sample(
        id=sample_id,
        question=str(asked),
        target=mask_target(column(row, "mask")),
        images=images,
        instruction=" ".join(str(row.get("suffix") or POINTS["norm1"]).split()),
        groups=groups,
        meta={"coordinates": True},
    )


TASK = Task(
    name="refspatial",
    category="spatial",
    title="Pointing at things and free space that a sentence describes",
    source=Source(
        repo="BAAI/RefSpatial-Bench",
        split="location,placement,unseen",
        split_column="split",
        image_columns=("image", "mask"),
        rows=277,
    ),
    to_samples=to_samples,
    scorer=points_in_mask,
    target=MaskTarget,
    metrics=(
        Metric("mean of location and placement", reduce="macro", by="split", where=_SEEN, headline=True),
        Metric("official", of="official", reduce="macro", by="split", where=_SEEN),
        Metric("over samples", where=_SEEN),
        Metric("unseen", where=_UNSEEN),
        Metric("by split", by="split"),
        Metric("by step", by="step", where=_SEEN),
    ),
    limits={"direct": 256, "think": 4096},
    prompt=prompt_template(POINTS),
    cluster="image",
    places=True,
    official="RoboRefer summarize_acc.py, text2pts (where coordinates are norm1)",
    notes="The headline leaves the 77 unseen items out; they are reported apart.",
)
