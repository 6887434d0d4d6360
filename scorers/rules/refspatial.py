"""RefSpatial-Bench: points in a mask."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scorers.official.refspatial import refspatial_official
from scorers.place import masks
from scorers.place.coordinates import Box, Point, Size, fractions, pixel_of, responses, to_pixels
from scorers.place.places import read_places
from scorers.types import Answer, Coords, Score, ScorerError, Shape, Status, Target, unparsed

_MAX_BOXES = 256
"""Boxes of one response that are looked at."""
_SHOWN = 32
"""Places that `extracted` holds."""


@dataclass(frozen=True, slots=True)
class MaskTarget(Target):
    """The true region: a mask as compressed COCO run lengths."""

    counts: str
    height: int
    """Of the stored image in pixels."""
    width: int

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.width, self.height

    def gold(self, coords: Coords | None = None) -> str | None:
        """A point deep in the mask, in fractions where no convention is given; None where nothing is inside.

        Raises:
            ScorerError: the target is not a mask, or too thin for location tokens.
        """
        pixel = masks.load(self.counts, self.height, self.width).deepest()
        if pixel is None:
            return None
        coords = coords or "norm1"
        for written in responses((pixel[0] + 0.5, pixel[1] + 0.5), coords, self.size):
            if points_in_mask(Answer(written, coords), self).value == 1:
                return written
        raise ScorerError(f"no point of {coords} lies in the mask")

    def shapes(self) -> tuple[Shape, ...]:
        """The mask."""
        return ({"mask": {"counts": self.counts, "height": self.height, "width": self.width}},)


def points_in_mask(answer: Answer, target: MaskTarget) -> Score:
    """The share of the points named that lie in the mask.

    `value` reads any format in the declared convention; where none is declared, in fractions, which the
    benchmark's prompt asks for. A point named twice counts once, so repeating a sure one gains nothing; a
    point outside the image is outside the mask; a vector of four counts as one place, with the share of
    its area that is inside. `official` is the benchmark's tuple parser; None where the model was asked in
    another convention. Component: `points`, how many places were named. `extracted` are the points, then the
    boxes, in pixels of the stored image.

    Raises:
        ScorerError: the target is not a mask.
    """
    coords = answer.coords or "norm1"
    mask = masks.load(target.counts, target.height, target.width)
    official = refspatial_official(answer.official_text, mask) if coords == "norm1" else None
    found = read_places(answer.response, coords)
    if found is None:
        return unparsed(official, points=0.0)
    points: list[Point] = []
    boxes: list[Box] = []
    for place in dict.fromkeys(found.value):
        x, y, *far = to_pixels(place, coords, size=target.size, shown=answer.shown)
        if not far:
            points.append((x, y))
        elif len(boxes) < _MAX_BOXES:
            boxes.append((min(x, far[0]), min(y, far[1]), max(x, far[0]), max(y, far[1])))
    hits = [(pixel := pixel_of(point, target.size)) is not None and mask.contains(*pixel) for point in points]
    shares = [*map(float, hits), *(_share(mask, *map(int, box)) for box in boxes)]
    marks = [[*fractions(point, target.size), int(hit)] for point, hit in zip(points, hits, strict=True)]
    shapes: list[Shape] = [{"points": marks}] if marks else []
    return Score(
        sum(shares) / len(shares),
        official,
        Status.OK,
        json.dumps([[round(value, 1) for value in place] for place in (*points, *boxes)[:_SHOWN]]),
        found.channel,
        {"points": float(len(shares))},
        (*shapes, *({"box": fractions(box, target.size)} for box in boxes)),
    )


def _share(mask: masks.Mask, x1: int, y1: int, x2: int, y2: int) -> float:
    """The share of a box's pixels that lie in the mask; pixels outside the image do not."""
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    return mask.count(x1, y1, x2, y2) / ((x2 - x1) * (y2 - y1))
