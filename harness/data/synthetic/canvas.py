"""A small canvas: few, large, high-contrast things with exact bounding boxes.

Everything is drawn with plain `ImageDraw` calls on 128 to 192 pixels, so that a row costs well under a
millisecond and a model that sees 64 × 64 pixels can still tell what is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, the far edges exclusive."""

COLOURS: dict[str, Colour] = {
    "red": (225, 35, 35),
    "green": (25, 150, 55),
    "blue": (35, 75, 225),
    "yellow": (250, 205, 0),
    "purple": (150, 50, 190),
    "black": (25, 25, 25),
}
SHAPES: tuple[str, ...] = ("circle", "square", "triangle", "star")
INK: Colour = (15, 15, 15)
LINE: Colour = (120, 120, 120)


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in typeface at a size in pixels, loaded once."""
    return ImageFont.load_default(size=size)


@cache
def _star() -> tuple[tuple[float, float], ...]:
    """A five-pointed star that exactly fills the square from −1 to 1."""
    points = []
    for step in range(10):
        radius = 1.0 if step % 2 == 0 else 0.42
        angle = math.pi * (step / 5 - 0.5)
        points.append((radius * math.cos(angle), radius * math.sin(angle)))
    low, high = min(y for _, y in points), max(y for _, y in points)
    wide = max(x for x, _ in points)
    return tuple((x / wide, 2 * (y - low) / (high - low) - 1) for x, y in points)


@dataclass(frozen=True, slots=True)
class Item:
    """A coloured shape that fills the square of half-width `r` around (x, y), in pixels."""

    shape: str
    colour: str
    x: int
    y: int
    r: int

    @property
    def name(self) -> str:
        """Colour and shape: "red circle"."""
        return f"{self.colour} {self.shape}"

    @property
    def box(self) -> Box:
        """The bounding box of its pixels."""
        return self.x - self.r, self.y - self.r, self.x + self.r, self.y + self.r

    def outline(self) -> list[tuple[float, float]]:
        """Its polygon in pixels (a circle as 16 corners)."""
        x, y, r = self.x, self.y, self.r
        if self.shape == "square":
            return [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]
        if self.shape == "triangle":
            return [(x, y - r), (x + r, y + r), (x - r, y + r)]
        if self.shape == "star":
            return [(x + r * px, y + r * py) for px, py in _star()]
        return [(x + r * math.cos(math.pi * k / 8), y + r * math.sin(math.pi * k / 8)) for k in range(16)]


class Canvas:
    """A picture being drawn, on a pale background whose tint varies."""

    def __init__(self, rng: Random, width: int, height: int, background: Colour | None = None) -> None:
        tint = background or (rng.randint(232, 255), rng.randint(232, 255), rng.randint(232, 255))
        self.image = Image.new("RGB", (width, height), tint)
        self.draw = ImageDraw.Draw(self.image)
        self.width = width
        self.height = height

    def item(self, item: Item) -> None:
        """Draw a shape."""
        paint_item(self.draw, item, COLOURS[item.colour])

    def text(
        self, x: float, y: float, text: str, size: int = 28, fill: Colour = INK, *, anchor: str = "mm"
    ) -> None:
        """Write a line, centred on (x, y) unless another Pillow `anchor` is given; large type is heavy."""
        self.draw.text((x, y), text, fill, font(size), anchor=anchor, stroke_width=1 if size >= 28 else 0)

    def bar(self, x0: int, y0: int, x1: int, y1: int, fill: Colour) -> None:
        """A filled rectangle; the far edges are exclusive."""
        self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill)

    def frame(self, x0: int, y0: int, x1: int, y1: int, *, colour: Colour = LINE, width: int = 2) -> None:
        """The border of a rectangle; the far edges are exclusive."""
        self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=width)

    def arrow(self, x0: int, y0: int, x1: int, y1: int, *, fill: Colour = INK, width: int = 4) -> None:
        """A line with a solid head at (x1, y1)."""
        angle = math.atan2(y1 - y0, x1 - x0)
        head = 2.5 * width
        self.draw.line((x0, y0, x1 - head * math.cos(angle), y1 - head * math.sin(angle)), fill, width)
        wings = [
            (x1 - 1.4 * head * math.cos(angle + side), y1 - 1.4 * head * math.sin(angle + side))
            for side in (-0.5, 0.5)
        ]
        self.draw.polygon([(x1, y1), *wings], fill)


def paint_item(draw: ImageDraw.ImageDraw, item: Item, fill: Colour | int) -> None:
    """Fill an item's pixels; in a mask, with a number."""
    x0, y0, x1, y1 = item.box
    if item.shape == "circle":
        draw.ellipse((x0, y0, x1 - 1, y1 - 1), fill)
    elif item.shape == "square":
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill)
    else:
        draw.polygon(item.outline(), fill)


def spots(
    rng: Random, canvas: Canvas, count: int, columns: int, rows: int, *, radius: tuple[int, int]
) -> list[tuple[int, int, int]]:
    """(x, y, r) for `count` items that cannot touch: one in each of as many cells of a grid, jittered.

    A radius that does not fit its cell is cut to fit.
    """
    wide, high = canvas.width / columns, canvas.height / rows
    largest = int(min(wide, high) / 2) - 3
    found = []
    for cell in rng.sample(range(columns * rows), count):
        r = min(rng.randint(*radius), largest)
        spare_x, spare_y = int(wide / 2) - r - 2, int(high / 2) - r - 2
        x = int((cell % columns + 0.5) * wide) + rng.randint(-spare_x, spare_x)
        y = int((cell // columns + 0.5) * high) + rng.randint(-spare_y, spare_y)
        found.append((x, y, r))
    return found


def things(
    rng: Random, canvas: Canvas, count: int, columns: int, rows: int, *, radius: tuple[int, int]
) -> list[Item]:
    """Draw `count` items, all different in colour and in shape (so at most four), on `spots`."""
    looks = zip(shapes(rng, count), colours(rng, count), strict=True)
    places = spots(rng, canvas, count, columns, rows, radius=radius)
    items = [Item(*look, *place) for look, place in zip(looks, places, strict=True)]
    for item in items:
        canvas.item(item)
    return items


def colours(rng: Random, count: int) -> list[str]:
    """Different colour names, at random."""
    return rng.sample(list(COLOURS), count)


def shapes(rng: Random, count: int) -> list[str]:
    """Different shape names, at random."""
    return rng.sample(SHAPES, count)


def options(rng: Random, answer: str, known: Iterable[str], count: int = 4) -> list[str]:
    """`count` different options in random order, the answer among them, the others out of `known`."""
    others = rng.sample([word for word in known if word != answer], count - 1)
    chosen = [answer, *others]
    rng.shuffle(chosen)
    return chosen


def letter(choices: list[str], answer: str) -> str:
    """The letter of the answer among the choices."""
    return "ABCDEFGHI"[choices.index(answer)]
