"""The places that the viewer draws: the `scorers.types.Shape`s of a run's files, masks turned into outlines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from scorers.place import masks
from scorers.types import ScorerError

Shape = dict[str, Any]

LARGEST_MASK = 1 << 26
"""Pixels of a mask beyond which no outline is drawn."""
GRID = 256
"""Steps of the longer side at which a mask's outline is followed."""


def drawn(shapes: Any) -> list[Shape]:
    """The shapes of an item or a score, ready to be drawn: a mask becomes the outlines around it.

    Args:
        shapes: `shapes` of a line of `items/<task>.jsonl` or `scores/<task>.jsonl`. What is not of the expected
            form is left out.
    """
    listed = shapes if isinstance(shapes, list) else []
    return [found for shape in listed if isinstance(shape, Mapping) and (found := _drawn(shape)) is not None]


def _drawn(shape: Mapping[str, Any]) -> Shape | None:
    """One shape; None where it is of no known form or empty."""
    match dict(shape):
        case {"box": box} if _numbers(box, 4):
            return {"box": box}
        case {"points": [*points]} if points and all(_numbers(point, 3) for point in points):
            return {"points": points}
        case {"rings": [*rings]} if rings and all(_ring(ring) for ring in rings):
            return {"rings": rings}
        case {"mask": {"counts": str(counts), "height": int(height), "width": int(width)}}:
            outlines = _outlines(counts, height, width)
            return {"rings": outlines} if outlines else None
    return None


def _numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_finite, value))


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _ring(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 2 and all(_numbers(corner, 2) for corner in value)


def distance(predicted: Sequence[Shape], true: Sequence[Shape], size: Sequence[float]) -> float | None:
    """How far the predicted points are from the true place, in % of the image's diagonal; their mean.

    Args:
        predicted: as `drawn` gives them; a point that the scorer found inside is 0 away.
        true: boxes and outlines.
        size: (width, height) of the image in pixels.

    Returns:
        None where there are no points, or no true outline.
    """
    points = [point for shape in predicted for point in shape.get("points", ())]
    outlines = [_corners(shape["box"]) for shape in true if "box" in shape]
    outlines += [ring for shape in true for ring in shape.get("rings", ())]
    if not points or not outlines:
        return None
    width, height = size
    away = (
        0.0 if inside else min(_to_outline(x, y, outline, width, height) for outline in outlines)
        for x, y, inside in points
    )
    return 100 * sum(away) / len(points) / math.hypot(width, height)


def _corners(box: Sequence[float]) -> list[list[float]]:
    x1, y1, x2, y2 = box
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


def _to_outline(x: float, y: float, outline: Sequence[Sequence[float]], width: float, height: float) -> float:
    """Pixels from a point to the nearest side of a closed outline."""
    nearest = math.inf
    ends = [((cx - x) * width, (cy - y) * height) for cx, cy in outline]
    for (ax, ay), (bx, by) in pairwise([*ends, ends[0]]):
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        along = min(1.0, max(0.0, -(ax * dx + ay * dy) / length)) if length else 0.0
        nearest = min(nearest, math.hypot(ax + along * dx, ay + along * dy))
    return nearest


def _round(value: float) -> float:
    return round(value, 4)


def _outlines(counts: str, height: int, width: int) -> list[list[list[float]]]:
    """The outlines of a mask; none where it is none, or larger than any picture."""
    if not 0 < height * width <= LARGEST_MASK:
        return []
    try:
        return _rings(masks.load(counts, height, width))
    except ScorerError:
        return []


def _rings(mask: masks.Mask) -> list[list[list[float]]]:
    """The outlines of a mask, holes included, in fractions."""
    import numpy as np

    height, width = mask.height, mask.width
    step = max(1, math.ceil(max(height, width) / GRID))
    cells = np.pad(mask.pixels[::step, ::step], 1)
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
