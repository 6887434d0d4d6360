"""Boxes: reading one from a response, and intersection over union."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scorers.place.coordinates import Box
from scorers.place.places import Vector, read_places
from scorers.read.locate import Found
from scorers.read.normalise import Clean
from scorers.types import Coords

_BETWEEN = re.compile(r"[^\d\[\](){}]{0,64}")
"""What may stand between two corners of one box."""
_BETWEEN_NAMED = re.compile(r"[^\[\]()]{0,64}")


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2), 0..1; 0 where both are empty."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if not (width > 0 and height > 0):
        return 0.0
    inside = width * height
    area = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
    # Rounding may lift the intersection of equal boxes a hair above their union.
    return min(inside / (area - inside), 1.0) if area > inside else 1.0


def read_box(response: Clean, coords: Coords) -> Found[Box] | None:
    """The box that a response states, x before y, in the units in which it is written; or None.

    Four numbers, in brackets, by name or alone at the end of a line, or two corners. Several boxes: the first
    of the candidate, those under a telling key before those in prose.
    """
    found = read_places(response, coords, _boxes)
    if found is None:
        return None
    x1, y1, x2, y2 = found.value[0]
    return Found((x1, y1, x2, y2), found.channel, found.text)


def _boxes(text: str, vectors: Sequence[Vector]) -> Iterator[Vector]:
    """Vectors of four, and chains of neighbouring points as the corners of boxes."""
    chain: list[Vector] = []
    for vector in vectors:
        if chain and not (len(vector.numbers) == 2 and _joined(text, chain[-1], vector)):
            yield from _corners(chain)
            chain = []
        if len(vector.numbers) == 4:
            yield vector
        else:
            chain.append(vector)
    yield from _corners(chain)


def _joined(text: str, first: Vector, second: Vector) -> bool:
    between = _BETWEEN_NAMED if first.named and second.named else _BETWEEN
    return first.start < second.start and between.fullmatch(text, first.end, second.start) is not None


def _corners(chain: Sequence[Vector]) -> Iterator[Vector]:
    """Boxes given by two corners: `(x1,y1),(x2,y2)`, `[[x1,y1],[x2,y2]]`, `"top_left": […], …`.

    Four corners that make an upright rectangle are one box. Of an odd number nobody knows which go together.
    """
    xs, ys = ([corner.numbers[axis] for corner in chain] for axis in (0, 1))
    if len(chain) == 4 and len(set(xs)) == len(set(ys)) == 2:
        yield replace(chain[0], numbers=(min(xs), min(ys), max(xs), max(ys)))
    elif len(chain) % 2 == 0:
        for first, second in zip(chain[::2], chain[1::2], strict=True):
            yield replace(first, numbers=first.numbers + second.numbers)
