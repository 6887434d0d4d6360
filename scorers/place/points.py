"""Points: reading them from a response, and whether one lies in a polygon."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scorers.official.robospatial import inside_even_odd
from scorers.place.coordinates import Point
from scorers.place.vectors import likeliest, read_places
from scorers.read.locate import Found
from scorers.read.normalise import Clean
from scorers.types import Coords

Places = tuple[tuple[float, ...], ...]
"""x, y of each point and x1, y1, x2, y2 of each box, in the units in which they are written."""


def read_points(response: Clean, coords: Coords) -> Found[Places] | None:
    """What a response points at, all of the candidate, x before y; None where there is nothing.

    Where places stand amid prose too, only the likeliest kind counts: see `Vector.rank`.
    """
    return read_places(
        response, coords, lambda _, vectors: tuple(vector.numbers for vector in likeliest(vectors)) or None
    )


def points_text(points: Sequence[Point], digits: int) -> str:
    """Points as text: a JSON list of [x, y]; the first 32."""
    return json.dumps([[round(x, digits), round(y, digits)] for x, y in points[:32]])


# --- Polygons -----------------------------------------------------------------------------------------------


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive where a → b → c turns left, negative right, 0 straight (y up)."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments a–b and c–d cross in their insides."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def hull(points: Sequence[Point]) -> tuple[Point, ...]:
    """The convex hull, as a polygon (monotone chain)."""
    ordered = sorted(set(points))
    half: list[list[Point]] = []
    for sweep in (ordered, ordered[::-1]):
        chain: list[Point] = []
        for point in sweep:
            while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        half.append(chain[:-1])
    return (*half[0], *half[1])


def outline(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The polygon of corners as listed; where that crosses itself the order says nothing: their hull."""
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    crosses = any(_cross(*first, *second) for i, first in enumerate(edges) for second in edges[i + 1 :])
    return hull(points) if crosses else points


def in_polygon(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether a point lies in a polygon (even-odd) or on its outline."""
    for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        between = all(min(a[axis], b[axis]) <= point[axis] <= max(a[axis], b[axis]) for axis in (0, 1))
        if between and abs(_turn(a, b, point)) <= 1e-12:
            return True
    return inside_even_odd(*point, polygon)


def middle(polygon: Sequence[Point]) -> Point:
    """A point inside a polygon: the mean of its corners, else of three neighbouring ones (an ear)."""
    following = [(*polygon[at:], *polygon[:at])[:3] for at in range(len(polygon))]
    means = [
        (sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part))
        for part in (polygon, *following)
    ]
    return next((mean for mean in means if in_polygon(mean, polygon)), polygon[0])
