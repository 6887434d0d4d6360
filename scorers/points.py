"""Points: reading them from a response, points in a mask (RefSpatial), a point in a polygon (RoboSpatial)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scorers import mask as masks
from scorers.coordinates import Y_FIRST, Box, Point, Size, pixel_of, point_to_fractions, point_to_pixels
from scorers.official.refspatial import refspatial_official
from scorers.official.robospatial import (
    inside_even_odd,
    robospatial_point_official,
    robospatial_yes_no_official,
)
from scorers.places import after_last_cue, bare_numbers, groups, named_points
from scorers.types import Answer, Coords, Score, unparsed
from scorers.yes_no import read_yes_no

POINT_KEYS = frozenset(
    [name + number for name in ("point", "points") for number in ("", "_2d", "2d")]
    + ["coordinate", "coordinates", "coords", "center", "position", "location", "click"]
    + ["answer", "final_answer", "output", "result"]
)
"""Keys under which a JSON answer holds its points."""

_LOC = re.compile(r"<loc(\d{4})>\s*+<loc(\d{4})>")
_MAX_BOXES = 256
"""Vectors of four in one response that are looked at."""
_SHOWN = 32
"""Points written out in `extracted`."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a response points at, x before y, in the units in which it is written."""

    points: tuple[Point, ...]
    boxes: tuple[Box, ...] = ()
    """Vectors of four numbers, read as the corners of a box."""


def read_points(text: str, coords: Coords) -> Places | None:
    """The points that a text states; None where there are none.

    Tuples, lists, JSON (`point_2d`, `point`, `{"x": …, "y": …}`), attributes (`<points x1="…" y1="…">`),
    the text "x, y" alone, and `<locYYYY><locXXXX>` tokens under `loc1024`. Where places stand outside an
    answer too, only the likeliest kind counts: after the last "answer is"; in a fenced block; under a
    telling key; in a list.

    Args:
        text: what to read.
        coords: the declared convention. It says which number is x, and whether `<locYYYY>` tokens count.
    """
    if coords == "loc1024":
        tokens = _LOC.findall(text)
        if tokens:
            return Places(tuple((float(x), float(y)) for y, x in tokens))
    found = groups(text, POINT_KEYS, (2, 4))
    named = [] if found and min(group.rank for group in found) < 8 else named_points(text)
    if named:
        cue = after_last_cue(text, [start for start, _ in named])
        stated = [point for start, point in named if start >= cue]
        return Places(tuple(stated or [point for _, point in named]))
    swapped = coords in Y_FIRST
    if not found:
        bare = bare_numbers(text, 2)
        if bare is None:
            return None
        return Places(((bare[1], bare[0]) if swapped else (bare[0], bare[1]),))
    cue = after_last_cue(text, [group.start for group in found])
    stated_groups = [group for group in found if group.start >= cue] or found
    best = min(group.rank for group in stated_groups)
    points: list[Point] = []
    boxes: list[Box] = []
    for group in stated_groups:
        if group.rank != best:
            continue
        numbers = [
            n for pair in zip(group.numbers[::2], group.numbers[1::2], strict=True) for n in _xy(pair, swapped)
        ]
        if len(numbers) == 2:
            points.append((numbers[0], numbers[1]))
        else:
            boxes.append((numbers[0], numbers[1], numbers[2], numbers[3]))
    return Places(tuple(points), tuple(boxes[:_MAX_BOXES]))


def _xy(pair: tuple[float, float], swapped: bool) -> tuple[float, float]:
    return (pair[1], pair[0]) if swapped else pair


def points_text(points: Sequence[Point], digits: int) -> str:
    """Points as text: a JSON list of [x, y]; the first 32."""
    return json.dumps([[round(x, digits), round(y, digits)] for x, y in points[:_SHOWN]])


@dataclass(frozen=True, slots=True)
class MaskTarget:
    """The true region: a mask as compressed COCO run lengths."""

    counts: str
    height: int
    """Of the stored image in pixels."""
    width: int

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.width, self.height


def points_in_mask(answer: Answer, target: MaskTarget) -> Score:
    """RefSpatial: the share of the points named that lie in the mask.

    `value` reads any format in the declared convention; where none is declared, in fractions, which the
    benchmark's prompt asks for. A point named twice counts once, so repeating a sure one gains nothing; a
    point outside the image is outside the mask; a vector of four counts as one place, with the share of
    its area that is inside. `official` is the benchmark's tuple parser; None where the model was asked in
    another convention. Component: `points`, how many places were named. `extracted` is in pixels of the
    stored image.

    Raises:
        ScorerError: the target is not a mask.
    """
    coords = answer.coords or "norm1"
    mask = masks.load(target.counts, target.height, target.width)
    official = refspatial_official(answer.official_text, mask) if coords == "norm1" else None
    for text in answer.readings():
        places = read_points(text, coords)
        if places is not None:
            break
    else:
        return unparsed(official, points=0.0)
    pixels = [
        point_to_pixels(point, coords, size=target.size, shown=answer.shown)
        for point in dict.fromkeys(places.points)
    ]
    shares = [
        float((at := pixel_of(pixel, target.size)) is not None and mask.contains(*at)) for pixel in pixels
    ]
    for box in dict.fromkeys(places.boxes):
        pixels += (
            (first := point_to_pixels(box[:2], coords, size=target.size, shown=answer.shown)),
            (second := point_to_pixels(box[2:], coords, size=target.size, shown=answer.shown)),
        )
        shares.append(_share(mask, first, second))
    value = sum(shares) / len(shares)
    return Score(value, official, extracted=points_text(pixels, 1), components={"points": float(len(shares))})


def _share(mask: masks.Mask, first: Point, second: Point) -> float:
    """The share of a box's pixels that lie in the mask; pixels outside the image do not."""
    x1, x2 = sorted((int(first[0]), int(second[0])))
    y1, y2 = sorted((int(first[1]), int(second[1])))
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    return mask.count(x1, y1, x2, y2) / ((x2 - x1) * (y2 - y1))


@dataclass(frozen=True, slots=True)
class RoboSpatialTarget:
    """The true answer to a RoboSpatial-Home question: a word or a polygon."""

    answer: str
    """"yes" or "no"; "" where the question asks for a point."""
    polygon: tuple[Point, ...] = ()
    """Corners in fractions of width and height."""
    width: int | None = None
    """Of the stored image in pixels, where known."""
    height: int | None = None

    @property
    def size(self) -> Size | None:
        """(width, height); None where either is not known."""
        return (self.width, self.height) if self.width and self.height else None


def robospatial(answer: Answer, target: RoboSpatialTarget) -> Score:
    """RoboSpatial-Home: yes or no, or whether the first point named lies in the polygon.

    `value` reads yes/no by polarity and points of any format in the declared convention (where none is
    declared: in fractions, which the benchmark's prompt asks for). Points on the outline are inside.
    Where the outline as listed crosses itself, it is the hull of its corners. `official` is the
    benchmark's script; None on a pointing question where the model was asked in another convention.
    `extracted`: the word, or [[x, y]] in fractions.

    Raises:
        ScorerError: pixels are declared and the size of the image is not known.
    """
    if target.answer:
        official = robospatial_yes_no_official(answer.official_text, target.answer)
        for text in answer.readings():
            said = read_yes_no(text)
            if said is not None:
                word = "yes" if said else "no"
                return Score(float(word == target.answer), official, extracted=word)
        return unparsed(official)
    coords = answer.coords or "norm1"
    verdict = robospatial_point_official(answer.official_text, target.polygon) if coords == "norm1" else None
    for text in answer.readings():
        places = read_points(text, coords)
        if places is not None and places.points:
            point = point_to_fractions(places.points[0], coords, size=target.size, shown=answer.shown)
            inside = in_polygon(point, outline(target.polygon))
            return Score(float(inside), verdict, extracted=points_text([point], 4))
    return unparsed(verdict)


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
    x, y = point
    previous = polygon[-1]
    for corner in polygon:
        on_line = abs(_turn(previous, corner, point)) <= 1e-12
        if (
            on_line
            and min(previous[0], corner[0]) <= x <= max(previous[0], corner[0])
            and min(previous[1], corner[1]) <= y <= max(previous[1], corner[1])
        ):
            return True
        previous = corner
    return inside_even_odd(x, y, polygon)
