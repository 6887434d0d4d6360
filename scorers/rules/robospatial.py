"""RoboSpatial-Home: yes or no, or a point in free space."""

from __future__ import annotations

from dataclasses import dataclass

from scorers.official.robospatial import robospatial_point_official, robospatial_yes_no_official
from scorers.place.coordinates import Point, Size, fractions, point_to_pixels, responses
from scorers.place.points import in_polygon, middle, outline, points_text, read_points
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer, Coords, Score, ScorerError, Shape, Status, Target, unparsed


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
    if target.answer:
        return _word(answer, target)
    coords = answer.coords or "norm1"
    official = robospatial_point_official(answer.official_text, target.polygon) if coords == "norm1" else None
    found = read_points(answer.response, coords)
    points = [(place[0], place[1]) for place in found.value if len(place) == 2] if found else []
    if found is None or not points:
        return unparsed(official)
    point = point_to_pixels(points[0], coords, size=(1, 1), shown=answer.shown or target.size)
    inside = in_polygon(point, outline(target.polygon))
    shapes: tuple[Shape, ...] = ({"points": [[*fractions(point, (1, 1)), int(inside)]]},)
    return Score(float(inside), official, Status.OK, points_text([point], 4), found.channel, shapes=shapes)


def _word(answer: Answer, target: RoboSpatialTarget) -> Score:
    """The verdict on a yes/no question."""
    official = robospatial_yes_no_official(answer.official_text, target.answer)
    said = read_yes_no(answer.response, target.question)
    if said is None:
        return unparsed(official)
    word = "yes" if said.value else "no"
    return Score(float(word == target.answer), official, Status.OK, word, said.channel)
