"""True and predicted places as shapes in fractions of the image: what the viewer draws.

A shape is plain JSON: `{"box": [x1, y1, x2, y2]}`, `{"rings": [[[x, y], …], …]}` (outlines, filled even-odd)
or `{"points": [[x, y, hit], …]}`, hit being 1 where the scorer counts the point as inside. Coordinates are
fractions of width and height, x before y. What a scorer `extracted` is read back as that scorer wrote it: boxes
and points in a mask in pixels of the stored image (`scorers.box.grounding`, `scorers.points.points_in_mask`), a
point for a polygon in fractions (`scorers.points.robospatial`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from scorers import mask as masks
from scorers.coordinates import Box, Point, Size, pixel_of
from scorers.points import in_polygon, outline
from scorers.types import ScorerError

Shape = dict[str, Any]

LARGEST_MASK = 1 << 26
"""Pixels of a mask beyond which no outline is drawn."""
GRID = 256
"""Steps of the longer side at which a mask's outline is followed."""


def true_shapes(target: Any, size: Size | None) -> list[Shape]:
    """The shapes of an item's target; none where it is no place or not of the expected form.

    Args:
        target: `target` of a line of `items/<task>.jsonl`.
        size: (width, height) of its first image, used where the target gives none.
    """
    if not isinstance(target, Mapping):
        return []
    if (box := _box(target.get("box"))) is not None:
        extent = _extent(target, size)
        return [{"box": _fractions(box, extent)}] if extent else []
    if isinstance(target.get("counts"), str):
        rings = _mask_rings(target)
        return [{"rings": rings}] if rings else []
    corners = _points(target.get("polygon"))
    return [{"rings": [[[_round(x), _round(y)] for x, y in outline(corners)]]}] if len(corners) > 2 else []


def predicted_shapes(
    target: Any, extracted: Any, size: Size | None, places: float | None = None
) -> list[Shape]:
    """The shapes that a scorer read from a response; none where it read no place.

    Args:
        target: of the item.
        extracted: of the score: text.
        size: (width, height) of the item's first image, used where the target gives none.
        places: the score's component `points`: how many places were named. Where more points than that were
            read, the last ones are corners of boxes, two a box.
    """
    if not isinstance(target, Mapping) or not isinstance(extracted, str) or not extracted.startswith("["):
        return []
    try:
        found = json.loads(extracted)
    except (ValueError, RecursionError):
        return []
    if "box" in target:
        box, extent = _box(found), _extent(target, size)
        return [{"box": _fractions(box, extent)}] if box is not None and extent else []
    if isinstance(target.get("counts"), str):
        return _over_mask(target, _points(found), places)
    return _over_polygon(_points(target.get("polygon")), _points(found))


def _over_polygon(corners: tuple[Point, ...], points: Sequence[Point]) -> list[Shape]:
    """Points in fractions over a polygon."""
    if len(corners) < 3 or not points:
        return []
    around = outline(corners)
    return [{"points": [[_round(x), _round(y), int(in_polygon((x, y), around))] for x, y in points]}]


def _over_mask(target: Mapping[str, Any], points: Sequence[Point], places: float | None) -> list[Shape]:
    """Points in pixels, and the boxes whose corners follow them, over a mask."""
    mask, extent = _mask(target), _extent(target, None)
    if mask is None or extent is None:
        return []
    boxes = max(0, len(points) - int(places)) if places else 0
    single = len(points) - 2 * boxes
    if single < 0:
        boxes, single = 0, len(points)
    marks = []
    for point in points[:single]:
        at = pixel_of(point, extent)
        hit = int(at is not None and mask.contains(*at))
        marks.append([_round(point[0] / extent[0]), _round(point[1] / extent[1]), hit])
    shapes: list[Shape] = [{"points": marks}] if marks else []
    for first, second in zip(points[single::2], points[single + 1 :: 2], strict=False):
        corners = (min(first[0], second[0]), min(first[1], second[1]))
        others = (max(first[0], second[0]), max(first[1], second[1]))
        shapes.append({"box": _fractions((*corners, *others), extent)})
    return shapes


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _box(value: Any) -> Box | None:
    if isinstance(value, list) and len(value) == 4 and all(map(_number, value)):
        return value[0], value[1], value[2], value[3]
    return None


def _points(value: Any) -> tuple[Point, ...]:
    """The points of a list of [x, y]; none where it is anything else."""
    if not isinstance(value, list):
        return ()
    if not all(isinstance(point, list) and len(point) == 2 and all(map(_number, point)) for point in value):
        return ()
    return tuple((float(x), float(y)) for x, y in value)


def _extent(target: Mapping[str, Any], size: Size | None) -> Size | None:
    """What pixels of a target count as the whole width and height."""
    width: Any = target.get("width")
    height: Any = target.get("height")
    if _number(width) and _number(height) and width > 0 and height > 0:
        return width, height
    return size if size and min(size) > 0 else None


def _round(value: float) -> float:
    return round(value, 4)


def _fractions(box: Box, extent: Size) -> list[float]:
    (x1, y1, x2, y2), (width, height) = box, extent
    return [_round(x1 / width), _round(y1 / height), _round(x2 / width), _round(y2 / height)]


def _mask(target: Mapping[str, Any]) -> masks.Mask | None:
    """The mask of a target; None where it is none, or larger than any picture."""
    height, width = target.get("height"), target.get("width")
    if not (isinstance(height, int) and isinstance(width, int) and 0 < height * width <= LARGEST_MASK):
        return None
    try:
        return masks.load(target["counts"], height, width)
    except ScorerError:
        return None


def _mask_rings(target: Mapping[str, Any]) -> list[list[list[float]]]:
    mask = _mask(target)
    return _rings(mask) if mask is not None else []


def _rings(mask: masks.Mask) -> list[list[list[float]]]:
    """The outlines of a mask, holes included, in fractions."""
    import numpy as np

    height, width = mask.height, mask.width
    step = max(1, math.ceil(max(height, width) / GRID))
    cells = np.pad(mask.array()[::step, ::step], 1)
    inside = cells[1:-1, 1:-1]
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each side of a cell whose neighbour is outside, with the inside to its right: (neighbour, start, end).
    sides = (
        (cells[:-2, 1:-1], (0, 0), (1, 0)),
        (cells[1:-1, 2:], (1, 0), (1, 1)),
        (cells[2:, 1:-1], (1, 1), (0, 1)),
        (cells[1:-1, :-2], (0, 1), (0, 0)),
    )
    for neighbour, (sx, sy), (ex, ey) in sides:
        rows, columns = np.nonzero(inside & ~neighbour)
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
            following.setdefault((x + sx, y + sy), []).append((x + ex, y + ey))
    return [
        [[_round(min(x * step / width, 1.0)), _round(min(y * step / height, 1.0))] for x, y in ring]
        for ring in _walk(following)
    ]


def _walk(following: dict[tuple[int, int], list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    """Closed rings out of sides, corners only. Uses the sides up."""
    rings = []
    while following:
        start = next(iter(following))
        ring = [start]
        while ring[0] != ring[-1] or len(ring) == 1:
            ends = following[ring[-1]]
            ring.append(ends.pop())
            if not ends:
                del following[ring[-2]]
        corners = [ring[0]]
        for before, after in pairwise(ring[1:]):
            last = corners[-1]
            straight = last[0] == before[0] == after[0] or last[1] == before[1] == after[1]
            if not straight:
                corners.append(before)
        rings.append(corners)
    return rings
