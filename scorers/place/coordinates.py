"""Declared coordinate conventions ↔ pixels of the stored image, or fractions of it.

A model writes coordinates in one convention (`scorers.types.Coords`), which is declared for its family and
never guessed from an answer. Sizes are (width, height) in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from scorers.types import Coords, ScorerError

Point = tuple[float, float]
"""(x, y)."""
Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2): the top left and the bottom right corner."""
Size = tuple[int, int]
"""(width, height)."""

Y_FIRST: frozenset[Coords] = frozenset({"yx1000", "loc1024"})
"""Conventions that write y before x wherever the numbers are not named."""
UNITS: dict[Coords, int] = {"norm1": 1, "norm100": 100, "norm1000": 1000, "yx1000": 1000}
UNITS |= {"loc1024": 1024, "loc1000": 1000}
"""What a convention counts the whole width, and the whole height, as. Pixels depend on the image."""
_OFFSETS: dict[Coords, float] = {"loc1000": 0.5}
"""What a number means beside its value: Florence-2's are bins, each of which stands for its middle."""
_DIGITS: dict[Coords, int] = {"norm1": 3, "norm100": 1}
"""Digits after the point that are written at least."""


def _scales(coords: Coords, size: Size | None, shown: Size | None) -> tuple[Point, Point]:
    """What the whole width and height are in pixels of the stored image, and in the convention."""
    if coords == "abs":
        if shown is None and size == (1, 1):
            raise ScorerError("abs coordinates need the size of the image, of which only fractions are known")
        return (size, shown) if size and shown else ((1.0, 1.0), (1.0, 1.0))
    if size is None:
        raise ScorerError(f"{coords} coordinates need the width and height of the image: the row has neither")
    return size, (UNITS[coords], UNITS[coords])


def to_pixels(
    place: Sequence[float], coords: Coords, *, size: Size | None, shown: Size | None = None
) -> tuple[float, ...]:
    """A point or a box in a convention → pixels of the stored image, not rounded.

    Args:
        place: x, y or x1, y1, x2, y2 in units of `coords`.
        coords: the declared convention.
        size: of the stored image; (1, 1) where only fractions of it are known; None where nothing is.
        shown: size of the image as the model saw it. Where it or `size` is None, `abs` pixels are taken for
            pixels of the stored image.

    Raises:
        ScorerError: the convention needs a size that is not known.
    """
    pixels, units = _scales(coords, size, shown)
    offset = _OFFSETS.get(coords, 0.0)
    # Multiplied before it is divided: whole pixels stay whole.
    return tuple((value + offset) * pixels[at % 2] / units[at % 2] for at, value in enumerate(place))


def box_to_pixels(box: Box, coords: Coords, *, size: Size | None, shown: Size | None = None) -> Box:
    """A box in a convention → pixels of the stored image, corners in order, clipped to the image.

    Where the size is not known only the left and upper edge clip. Raises as `to_pixels` does.
    """
    xa, ya, xb, yb = _clipped(to_pixels(box, coords, size=size, shown=shown), size)
    return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)


def _clipped(place: Sequence[float], size: Size | None) -> list[float]:
    ends = size or (math.inf, math.inf)
    return [min(max(value, 0.0), ends[axis % 2]) for axis, value in enumerate(place)]


def pixel_of(point: Point, size: Size) -> tuple[int, int] | None:
    """The pixel (column, row) that a point in pixels lies in; None outside the image.

    A pixel spans [i, i + 1). The right and lower border of the image belong to its last pixels, so that 1.0 or
    1000 of a normalised convention is still in the image.
    """
    (x, y), (width, height) = point, size
    if not (0 <= x <= width and 0 <= y <= height):
        return None
    return min(int(x), width - 1), min(int(y), height - 1)


def fractions(place: Sequence[float], size: Size) -> list[float]:
    """x, y, x, y … in pixels → fractions of width and height, as `Shape`s have them."""
    return [round(value / size[axis % 2], 4) for axis, value in enumerate(place)]


def responses(place: Sequence[float], coords: Coords, size: Size | None) -> Iterator[str]:
    """A point or a box as a model answers with it, the shortest numbers first, then with ever more digits.

    Location tokens are whole: there is one response, the nearest.

    Args:
        place: x, y or x1, y1, x2, y2 in pixels of the stored image, by which it is clipped.
        coords: the convention to write.
        size: of the stored image; None where it is not known.

    Raises:
        ScorerError: the convention needs a size that is not known.
    """
    pixels, units = _scales(coords, size, None)
    values = [value * units[axis % 2] / pixels[axis % 2] for axis, value in enumerate(_clipped(place, size))]
    if coords in Y_FIRST:
        values = [values[axis ^ 1] for axis in range(len(values))]
    if coords in ("loc1024", "loc1000"):
        form, last = "<loc{:04d}>" if coords == "loc1024" else "<loc_{}>", UNITS[coords] - 1
        whole = (round(value - _OFFSETS.get(coords, 0.0)) for value in values)
        yield "".join(form.format(min(max(value, 0), last)) for value in whole)
        return
    box, point = ("box_2d", "point") if coords == "yx1000" else ("bbox_2d", "point_2d")
    for digits in range(_DIGITS.get(coords, 0), 6):
        numbers = ", ".join(f"{value:.{digits}f}" for value in values)
        if len(values) == 4:
            yield f'{{"{box}": [{numbers}]}}'
        else:
            yield f"[({numbers})]" if coords == "norm1" else f'[{{"{point}": [{numbers}]}}]'
