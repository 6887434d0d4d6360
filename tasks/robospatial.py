"""RoboSpatial-Home: spatial relations and fit (yes/no), and pointing at free space beside a thing."""

from __future__ import annotations

import ast
import hashlib
import math
import re
from collections.abc import Iterator
from typing import Any

from scorers.place.coordinates import Point
from scorers.rules.robospatial import RoboSpatialTarget, robospatial
from tasks.coordinate_phrases import POINTS, prompt_template
from tasks.images import ImageError, ImageRef, row_images
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_FORMAT = re.compile(r"(?:Your|The)\s(?:final\s)?answer\sshould\b.*", re.DOTALL)
"""The question's own words on coordinates: fractions, which not every model is asked for."""
_MAX_POLYGON = 20_000


def polygon(text: Any) -> tuple[Point, ...]:
    """The gold polygon: "[(x, y), …]" in fractions of width and height.

    Raises:
        RowError: it is no list of three or more points.
    """
    try:
        listed = ast.literal_eval(text) if isinstance(text, str) and len(text) <= _MAX_POLYGON else text
        points = tuple((float(x), float(y)) for x, y in listed)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise RowError(f"column 'answer' is neither yes, no nor a polygon: {str(text)[:60]!r}") from error
    if len(points) < 3 or not all(math.isfinite(number) for point in points for number in point):
        raise RowError(f"column 'answer' is a polygon of fewer than three points: {str(text)[:60]!r}")
    return points


def _id(row: Row, image: ImageRef | None) -> str:
    """The row's id; rows of the hub have none, so a hash of what is asked of which image."""
    for name in ("id", "index"):
        if row.get(name) is not None:
            return str(row[name])
    parts = [str(column(row, name)) for name in ("category", "question", "answer")]
    parts.append(image.sha if image is not None else "")
    return f"{parts[0]}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample a row.

    Raises:
        RowError: a column is missing, the answer is neither a word nor a polygon, or the image cannot be
        decoded.
    """
    category, gold = str(column(row, "category")), column(row, "answer")
    question = str(column(row, "question"))
    images = row_images(row, "img")
    image = images[0] if images else None
    word = gold.strip().lower() if isinstance(gold, str) else ""
    pointing = word not in {"yes", "no"}
    try:
        width, height = image.size if image is not None else (row.get("width"), row.get("height"))
    except ImageError as error:
        raise RowError(f"column 'img': {error}") from error
    if pointing:
        target = RoboSpatialTarget("", polygon(gold), width, height)
    else:
        target = RoboSpatialTarget(word, question=question)
    sample_id = _id(row, image)
    yield Sample(
        id=sample_id,
        question=_FORMAT.sub("", question).strip() if pointing else question,
        target=target,
        images=images,
        instruction=POINTS["norm1"] if pointing else "",
        groups={
            "category": category,
            "part": "pointing" if pointing else "VQA",
            "image": image.sha if image is not None else sample_id,
        },
        meta={"coordinates": pointing},
    )


TASK = Task(
    name="robospatial",
    category="spatial",
    title="Spatial relations, fit and free space for robots",
    source=Source(
        repo="chanhee-luke/RoboSpatial-Home",
        split="configuration,compatibility,context",
        split_column="category",
        image_columns=("img", "mask", "depth_image"),
        rows=350,
    ),
    to_samples=to_samples,
    scorer=robospatial,
    target=RoboSpatialTarget,
    metrics=(
        Metric("mean of the three categories", reduce="macro", by="category", headline=True),
        Metric("official", of="official", reduce="macro", by="category"),
        Metric("VQA mean", reduce="macro", by="category", where=("part", "VQA")),
        Metric("over samples"),
        Metric("by category", by="category"),
    ),
    limits={"direct": 256, "think": 4096},
    prompt=prompt_template(POINTS),
    cluster="image",
    places=True,
    official="RoboSpatial-Eval evaluation.py (pointing: where coordinates are norm1)",
    notes="Pointing takes the first point named.",
)
