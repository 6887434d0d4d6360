"""Declared coordinate conventions → pixels of the stored image, or fractions of it.

A model writes coordinates in one convention (`scorers.types.Coords`), which is declared for its family and
never guessed from an answer. Sizes are (width, height) in pixels.
"""

from __future__ import annotations

import math

from scorers.types import Coords, ScorerError

Point = tuple[float, float]
"""(x, y)."""
Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2): the top left and the bottom right corner."""
Size = tuple[int, int]
"""(width, height)."""

Y_FIRST: frozenset[Coords] = frozenset({"yx1000", "loc1024"})
"""Conventions that write y before x wherever the numbers are not named."""

UNITS: dict[Coords, float] = {"norm1": 1.0, "norm1000": 1000.0, "yx1000": 1000.0, "loc1024": 1024.0}
"""What a convention counts the whole width, and the whole height, as. Pixels depend on the image."""


def _factors(coords: Coords, size: Size | None, shown: Size | None) -> tuple[Point, Point]:
    """Multipliers and divisors of x and y that lead to pixels of the stored image."""
    if coords == "abs":
        if shown is None and size == (1, 1):
            raise ScorerError("abs coordinates need the size of the image, of which only fractions are known")
        if size is None or shown is None:
            return (1.0, 1.0), (1.0, 1.0)
        return (float(size[0]), float(size[1])), (float(shown[0]), float(shown[1]))
    if size is None:
        raise ScorerError(f"{coords} coordinates need the width and height of the image: the row has neither")
    return (float(size[0]), float(size[1])), (UNITS[coords], UNITS[coords])


def point_to_pixels(point: Point, coords: Coords, *, size: Size | None, shown: Size | None = None) -> Point:
    """A point in a convention → pixels of the stored image, not rounded.

    Args:
        point: (x, y) in units of `coords`.
        coords: the declared convention.
        size: of the stored image; (1, 1) where only fractions of it are known; None where nothing is.
        shown: size of the image as the model saw it. Where it or `size` is None, `abs` pixels are taken for
            pixels of the stored image.

    Raises:
        ScorerError: the convention needs a size that is not known.
    """
    (mx, my), (dx, dy) = _factors(coords, size, shown)
    # Multiplied before it is divided: whole pixels stay whole.
    return point[0] * mx / dx, point[1] * my / dy


def point_to_fractions(point: Point, coords: Coords, *, size: Size | None, shown: Size | None = None) -> Point:
    """A point in a convention → fractions of the image's width and height.

    Raises:
        ScorerError: pixels, and neither the stored nor the shown size is known.
    """
    if coords != "abs":
        return point[0] / UNITS[coords], point[1] / UNITS[coords]
    seen = shown or size
    if seen is None:
        raise ScorerError("abs coordinates need the width and height of the image: the row has neither")
    return point[0] / seen[0], point[1] / seen[1]


def box_to_pixels(box: Box, coords: Coords, *, size: Size | None, shown: Size | None = None) -> Box:
    """A box in a convention → pixels of the stored image, corners in order, clipped to the image.

    Where the size is not known only the left and upper edge clip.

    Raises:
        ScorerError: the convention needs a size that is not known.
    """
    xa, ya = point_to_pixels(box[:2], coords, size=size, shown=shown)
    xb, yb = point_to_pixels(box[2:], coords, size=size, shown=shown)
    width, height = size or (math.inf, math.inf)
    return (
        min(max(min(xa, xb), 0.0), width),
        min(max(min(ya, yb), 0.0), height),
        min(max(xa, xb, 0.0), width),
        min(max(ya, yb, 0.0), height),
    )


def pixel_of(point: Point, size: Size) -> tuple[int, int] | None:
    """The pixel (column, row) that a point in pixels lies in; None outside the image.

    A pixel spans [i, i + 1). The right and lower border of the image belong to its last pixels, so that 1.0 or
    1000 of a normalised convention is still in the image.
    """
    (x, y), (width, height) = point, size
    if not (0 <= x <= width and 0 <= y <= height):
        return None
    return min(int(x), width - 1), min(int(y), height - 1)
