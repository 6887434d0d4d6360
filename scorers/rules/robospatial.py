"""RoboSpatial-Home: yes or no, or a point in free space."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from scorers.official import robospatial as script
from scorers.place.coordinates import Point, Size, fractions, responses, to_pixels
from scorers.place.places import read_places
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer, Coords, Score, ScorerError, Shape, Status, Target, said, unparsed, verdict


@dataclass(frozen=True, slots=True)
class RoboSpatialTarget(Target):
    """The true answer to a question: a word or a polygon."""

    answer: str
    """"yes" or "no"; "" where the question asks for a point."""
    polygon: tuple[Point, ...] = ()
    """Corners in fractions of width and height."""
    width: int | None = None
    """Of the stored image in pixels, where known."""
    height: int | None = None
    question: str = ""
    """What was asked, for sentences that repeat it."""

    @property
    def size(self) -> Size | None:
        """(width, height); None where either is not known."""
        return (self.width, self.height) if self.width and self.height else None

    def gold(self, coords: Coords | None = None) -> str:
        """The word, or a point inside the polygon, in fractions where no convention is given.

        Raises:
            ScorerError: pixels, and the size of the image is not known; or too small for location tokens.
        """
        if self.answer:
            return self.answer
        coords, size = coords or "norm1", self.size or (1, 1)
        x, y = middle(outline(self.polygon))
        for written in responses((x * size[0], y * size[1]), coords, size):
            if robospatial(Answer(written, coords), self).value == 1:
                return written
        raise ScorerError(f"no point of {coords} lies in the polygon")

    def shapes(self) -> tuple[Shape, ...]:
        """The polygon."""
        ring = [fractions(corner, (1, 1)) for corner in outline(self.polygon)]
        return ({"rings": [ring]},) if ring else ()


def robospatial(answer: Answer, target: RoboSpatialTarget) -> Score:
    """Yes or no, or whether the first point named lies in the polygon.

    `value` reads yes/no by polarity and points of any format in the declared convention (where none is
    declared: in fractions, which the benchmark's prompt asks for). Points on the outline are inside.
    Where the outline as listed crosses itself, it is the hull of its corners. `official` is the
    benchmark's script; None on a pointing question where the model was asked in another convention.
    `extracted`: the word, or [[x, y]] in fractions.

    Raises:
        ScorerError: pixels are declared and the size of the image is not known.
    """
    coords, text = answer.coords or "norm1", answer.official_text
    if target.answer:
        matched = script.robospatial_yes_no_official(text, target.answer)
        affirmed = read_yes_no(answer.response, target.question)
        return verdict(affirmed, lambda yes: said(yes) == target.answer, matched, said)
    official = script.robospatial_point_official(text, target.polygon) if coords == "norm1" else None
    found = read_places(answer.response, coords)
    named = next((place for place in found.value if len(place) == 2), None) if found else None
    if found is None or named is None:
        return unparsed(official)
    x, y = to_pixels(named, coords, size=(1, 1), shown=answer.shown or target.size)
    place, inside = fractions((x, y), (1, 1)), in_polygon((x, y), outline(target.polygon))
    shapes: tuple[Shape, ...] = ({"points": [[*place, int(inside)]]},)
    return Score(float(inside), official, Status.OK, json.dumps([place]), found.channel, shapes=shapes)


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive where a → b → c turns left, negative right, 0 straight (y up)."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments a–b and c–d cross in their insides, by more than rounding."""
    return max(_turn(a, b, c) * _turn(a, b, d), _turn(c, d, a) * _turn(c, d, b)) < -1e-15


def hull(points: Sequence[Point]) -> tuple[Point, ...]:
    """The convex hull, as a polygon."""
    from scipy.spatial import ConvexHull

    return tuple(points[corner] for corner in ConvexHull(points).vertices)


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
    return script.inside_even_odd(*point, polygon)


def middle(polygon: Sequence[Point]) -> Point:
    """A point inside a polygon: the mean of its corners, else of three neighbouring ones (an ear)."""
    for part in (polygon, *((*polygon[at:], *polygon[:at])[:3] for at in range(len(polygon)))):
        mean = sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)
        if in_polygon(mean, polygon):
            return mean
    return polygon[0]
