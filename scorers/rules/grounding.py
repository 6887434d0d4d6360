"""RefCOCO, RefCOCO+, RefCOCOg: the box of what an expression names."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scorers.place.boxes import iou, read_box
from scorers.place.coordinates import Box, Size, box_to_pixels, fractions, responses
from scorers.types import Answer, Coords, Score, ScorerError, Shape, Status, Target, unparsed

_CLOSE = 0.97
"""IoU from which a written box is the true one: its numbers get as many digits as that takes."""


@dataclass(frozen=True, slots=True)
class BoxTarget(Target):
    """The true box."""

    box: Box
    """(x1, y1, x2, y2) in pixels of the stored image; fractions of it where width and height are 1."""
    width: int | None = None
    """Of the stored image in pixels; None where it is not known."""
    height: int | None = None

    @property
    def size(self) -> Size | None:
        """(width, height); None where either is not known."""
        return (self.width, self.height) if self.width and self.height else None

    def gold(self, coords: Coords | None = None) -> str:
        """The true box, in fractions where no convention is given; location tokens are the nearest.

        Raises:
            ScorerError: the convention needs the image's size, which is not known.
        """
        coords, written = coords or "norm1", ""
        for written in responses(self.box, coords, self.size):
            if grounding(Answer(written, coords), self).value >= _CLOSE:
                break
        return written

    def shapes(self) -> tuple[Shape, ...]:
        """The true box."""
        return ({"box": fractions(self.box, self.size)},) if self.size else ()


def grounding(answer: Answer, target: BoxTarget) -> Score:
    """Referring expression comprehension.

    `value` is the IoU of the box read and the true one, `official` whether it is at least 0.5 (Acc@0.5).
    The measure has no parser of its own, so both judge the same box, raw or not. Components: `iou`,
    `r@0.3`, `r@0.7`. `extracted` is the box in pixels of the stored image.

    Raises:
        ScorerError: no convention is declared, or it needs the image's size and the row has none.
    """
    coords = answer.coords
    if coords is None:
        raise ScorerError("no coordinate convention is declared: --coords abs, norm1 or norm1000")
    found = read_box(answer.response, coords)
    if found is None:
        return unparsed(0.0, **{"iou": 0.0, "r@0.3": 0.0, "r@0.7": 0.0})
    box = box_to_pixels(found.value, coords, size=target.size, shown=answer.shown)
    overlap = iou(box, target.box)
    extracted = json.dumps([round(value, 2) for value in box])
    components = {"iou": overlap, "r@0.3": float(overlap >= 0.3), "r@0.7": float(overlap >= 0.7)}
    shapes: tuple[Shape, ...] = ({"box": fractions(box, target.size)},) if target.size else ()
    return Score(overlap, float(overlap >= 0.5), Status.OK, extracted, found.channel, components, shapes)
