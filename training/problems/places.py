"""The box of a grounding row, read in the convention that is declared for the data, never guessed."""

from __future__ import annotations

import re

from scorers.place.boxes import read_box
from scorers.place.coordinates import UNITS, Box, box_to_pixels
from scorers.read.normalise import clean
from scorers.rules.grounding import BoxTarget
from scorers.types import COORDS, Coords
from training.problems.problem import Problem, ProblemError

_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"\d+(?:\.\d*)?")


def box_target(problem: Problem) -> BoxTarget:
    """The target of a grounding row, in pixels of the stored image (in fractions where its size is (1, 1)).

    Raises:
        ProblemError: no convention is declared; the answer is no box, more than one, empty, turned round or
            outside the image in that convention; or the convention needs the image's size.
    """
    coords, size = problem.coords, problem.size
    if coords not in COORDS:
        raise ProblemError(
            f"a box needs gold_coords, how its numbers are meant: {', '.join(COORDS)}, not {coords}"
        )
    found = read_box(clean(problem.gold), coords)
    if found is None:
        raise ProblemError(f"answer {problem.shown_gold()} is no box")
    if len(_NUMBER.findall(_QUOTED.sub("", problem.gold))) > 4 and not coords.startswith("loc"):
        raise ProblemError(f"answer {problem.shown_gold()} holds more than one box")
    if coords != "abs" and size is None:
        raise ProblemError(f"a box in {coords} needs the image's size")
    _check(found.value, coords, size, problem)
    width, height = size or (None, None)
    return BoxTarget(box_to_pixels(found.value, coords, size=size), width, height)


def _check(box: Box, coords: Coords, size: tuple[int, int] | None, problem: Problem) -> None:
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        raise ProblemError(f"answer {problem.shown_gold()} has no area between its first corner and its second")
    unit = UNITS.get(coords)
    whole = (unit, unit) if unit is not None else size
    if min(box) < 0 or (whole is not None and (x2 > whole[0] or y2 > whole[1])):
        raise ProblemError(f"answer {problem.shown_gold()} lies outside the image in {coords} coordinates")
