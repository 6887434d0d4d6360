"""Boxes: reading one from a response, IoU, and the scorer of referring expression comprehension."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from scorers.coordinates import Y_FIRST, Box, Point, Size, box_to_pixels
from scorers.places import Group, after_last_cue, bare_numbers, groups, named_numbers
from scorers.types import Answer, Coords, Score, ScorerError, unparsed

BOX_KEYS = frozenset(
    [name + number for name in ("bbox", "bboxes", "box", "boxes") for number in ("", "_2d", "2d")]
    + ["bounding_box", "bounding_boxes", "bounding_box_2d", "bounding_boxes_2d", "bounding_box_coordinates"]
    + ["bbox_coordinates", "box_coordinates", "coordinates", "coords"]
    + ["answer", "final_answer", "output", "result"]
)
"""Keys under which a JSON answer holds its box."""

_LOC = re.compile(r"<loc(\d{4})>\s*+<loc(\d{4})>\s*+<loc(\d{4})>\s*+<loc(\d{4})>")
_BETWEEN_CORNERS = re.compile(r"[^\d\[\](){}]{0,48}")
_UNITS = 1_000_000
"""Numbers beyond are no coordinates of any image."""


@dataclass(frozen=True, slots=True)
class BoxTarget:
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    box: Box
    start: int
    rank: int


def _corners(pairs: list[Group]) -> list[_Candidate]:
    """Boxes given by two corners: `(x1,y1),(x2,y2)`, `[[x1,y1],[x2,y2]]`, `"top_left": […], …`.

    Four corners that make an upright rectangle are one box, not two.
    """
    step = 4 if len(pairs) == 4 and _is_rectangle(pairs) else 2
    found: list[_Candidate] = []
    for first in range(0, len(pairs) - step + 1, step):
        corners = pairs[first : first + step]
        xs, ys = ([corner.numbers[axis] for corner in corners] for axis in (0, 1))
        found.append(_Candidate((min(xs), min(ys), max(xs), max(ys)), corners[0].start, corners[0].rank))
    return found


def _is_rectangle(pairs: list[Group]) -> bool:
    return all(len({pair.numbers[axis] for pair in pairs}) == 2 for axis in (0, 1))


def _bracketed(text: str) -> list[_Candidate]:
    """Boxes in brackets: four numbers, or neighbouring pairs."""
    found: list[_Candidate] = []
    chain: list[Group] = []
    for group in groups(text, BOX_KEYS, (2, 4)):
        joins = chain and _BETWEEN_CORNERS.fullmatch(text, chain[-1].end, group.start)
        if chain and (len(group.numbers) == 4 or not joins):
            found += _corners(chain)
            chain = []
        if len(group.numbers) == 4:
            x1, y1, x2, y2 = group.numbers
            found.append(_Candidate((x1, y1, x2, y2), group.start, group.rank))
        else:
            chain.append(group)
    return found + _corners(chain)


_NAMES = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))


def _named_box(values: dict[str, float]) -> Box | None:
    for names in _NAMES:
        if all(name in values for name in names):
            x1, y1, x2, y2 = (values[name] for name in names)
            return x1, y1, x2, y2
    for names in _SIZED:
        if all(name in values for name in names):
            x, y, width, height = (values[name] for name in names)
            return x, y, x + width, y + height
    return None


def _named(text: str) -> list[_Candidate]:
    """Boxes whose numbers are named: x1 y1 x2 y2, xmin …, left …, x y width height; {x, y} twice."""
    found: list[_Candidate] = []
    values: dict[str, float] = {}
    corners: list[Point] = []
    begin = 0
    for position, name, value in named_numbers(text):
        if name in values:
            if {"x", "y"} == set(values):
                corners.append((values["x"], values["y"]))
            values = {}
        if not values and not corners:
            begin = position
        values[name] = value
        box = _named_box(values)
        if box is None and corners and {"x", "y"} == set(values):
            box = (*corners[0], values["x"], values["y"])
        if box is not None:
            found.append(_Candidate(box, begin, 2))
            values, corners = {}, []
    return found


def read_box(text: str, coords: Coords) -> Box | None:
    r"""The box that a text states, x before y, in the units in which it is written; None where there is none.

    Several boxes: the first after the last "answer is" or `\boxed`; else the first in a fenced block;
    else the first under a telling key (`bbox_2d`, `boxes`, …); else the first. Boxes in the midst of a
    JSON string (a label, a thought) come last.

    Args:
        text: what to read.
        coords: the declared convention. It says which number is x, and whether `<locYYYY>` tokens are.
    """
    if coords == "loc1024":
        tokens = _LOC.search(text)
        if tokens:
            y1, x1, y2, x2 = (float(token) for token in tokens.groups())
            return x1, y1, x2, y2
    swapped = coords in Y_FIRST
    candidates = _bracketed(text)
    if swapped:
        candidates = [_Candidate((c.box[1], c.box[0], c.box[3], c.box[2]), c.start, c.rank) for c in candidates]
    if not candidates or min(candidate.rank for candidate in candidates) >= 8:
        candidates += _named(text)
    candidates = [candidate for candidate in candidates if max(map(abs, candidate.box)) < _UNITS]
    if not candidates:
        bare = bare_numbers(text, 4)
        if bare is None or max(map(abs, bare)) >= _UNITS:
            return None
        a, b, c, d = bare
        return (b, a, d, c) if swapped else (a, b, c, d)
    cue = after_last_cue(text, [candidate.start for candidate in candidates])
    stated = [candidate for candidate in candidates if candidate.start >= cue] or candidates
    return min(stated, key=lambda candidate: (candidate.rank, candidate.start)).box


def box_text(box: Box) -> str:
    """A box as text: a JSON list, two decimals."""
    return json.dumps([round(value, 2) for value in box])


def grounding(answer: Answer, target: BoxTarget) -> Score:
    """Referring expression comprehension (RefCOCO, RefCOCO+, RefCOCOg).

    `value` is the IoU of the box read and the true one, `official` whether it is at least 0.5 (Acc@0.5).
    The measure has no parser of its own, so both judge the same box, raw or not. Components: `iou`,
    `r@0.3`, `r@0.7`. `extracted` is the box in pixels of the stored image.

    Raises:
        ScorerError: no convention is declared, or it needs the image's size and the row has none.
    """
    if answer.coords is None:
        raise ScorerError("no coordinate convention is declared: --coords abs, norm1 or norm1000")
    for text in answer.readings():
        read = read_box(text, answer.coords)
        if read is not None:
            break
    else:
        return unparsed(0.0, **{"iou": 0.0, "r@0.3": 0.0, "r@0.7": 0.0})
    box = box_to_pixels(read, answer.coords, size=target.size, shown=answer.shown)
    overlap = iou(box, target.box)
    components = {"iou": overlap, "r@0.3": float(overlap >= 0.3), "r@0.7": float(overlap >= 0.7)}
    return Score(overlap, float(overlap >= 0.5), extracted=box_text(box), components=components)
