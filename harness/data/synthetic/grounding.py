"""Synthetic RefCOCO, RefCOCO+ and RefCOCOg: a sentence names one of several things."""

from __future__ import annotations

from random import Random
from typing import Any

from harness.data.synthetic.canvas import COLOURS, SHAPES, Canvas, Item, colours, shapes, spots, things

_WIDTH, _HEIGHT = 176, 132
_CAPTION = "Please carefully observe the area circled in the image and come up with a caption for the area."


def _row(index: int, canvas: Canvas, item: Item, expressions: list[str]) -> dict[str, Any]:
    x0, y0, x1, y1 = item.box
    return {
        "question_id": str(index),
        "image": canvas.image,
        "question": _CAPTION,
        "answer": expressions,
        "segmentation": [round(v, 2) for point in item.outline() for v in point],
        "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
        "iscrowd": 0,
        "file_name": f"COCO_train2014_{index:012d}_0.jpg",
    }


def refcoco(rng: Random, index: int) -> dict[str, Any]:
    """Short phrases with places: "circle on the left", where two things are alike but for their place."""
    canvas = Canvas(rng, _WIDTH, _HEIGHT)
    shape, (tone, other) = rng.choice(SHAPES), colours(rng, 2)
    places = rng.choice((("left", "right"), ("top", "bottom")))
    items = []
    for n in range(2):
        r = rng.randint(20, 28)
        if places[0] == "left":
            x, y = (44 if n == 0 else 132) + rng.randint(-12, 12), 66 + rng.randint(-34, 34)
        else:
            x, y = 88 + rng.randint(-54, 54), (33 if n == 0 else 99) + rng.randint(-3, 3)
        items.append(Item(shape, tone if rng.random() < 0.5 else other, x, y, r))
        canvas.item(items[-1])
    wanted = rng.randrange(2)
    item, place = items[wanted], places[wanted]
    phrase = f"{shape} on the {place}" if place in {"left", "right"} else f"{shape} at the {place}"
    return _row(index, canvas, item, [phrase, f"{place} {item.colour} {shape}"])


def refcoco_plus(rng: Random, index: int) -> dict[str, Any]:
    """Short phrases without places: "red circle", "big star"."""
    canvas = Canvas(rng, _WIDTH, _HEIGHT)
    if rng.random() < 0.7:
        items = things(rng, canvas, rng.randint(2, 3), 3, 2, radius=(20, 27))
        expressions = [items[0].name, f"the {items[0].colour} one"]
    else:
        shape, tone = rng.choice(SHAPES), rng.choice(list(COLOURS))
        big = rng.random() < 0.5
        radii = (rng.randint(32, 38), rng.randint(12, 15))
        found = spots(rng, canvas, 2, 2, 1, radius=(40, 40))
        items = [
            Item(shape, tone, x, y, r)
            for (x, y, _), r in zip(found, radii if big else radii[::-1], strict=True)
        ]
        expressions = [f"{'big' if big else 'small'} {shape}", f"the {'larger' if big else 'smaller'} {shape}"]
        for item in items:
            canvas.item(item)
    return _row(index, canvas, items[0], expressions)


def refcocog(rng: Random, index: int) -> dict[str, Any]:
    """Sentences with a relation: "the circle that is next to the blue square"."""
    canvas = Canvas(rng, _WIDTH, _HEIGHT)
    shape, other = shapes(rng, 2)
    tones = colours(rng, 2)
    above = rng.random() < 0.5
    items = []
    # Two pairs side by side, each a thing of the asked shape over or under one of the other shape.
    for n in range(2):
        x = (44 if n == 0 else 132) + rng.randint(-14, 14)
        y = (32 if above else 98) + rng.randint(-4, 4)
        items.append(Item(shape, rng.choice(list(COLOURS)), x, y, rng.randint(20, 26)))
        canvas.item(items[-1])
        canvas.item(
            Item(other, tones[n], x + rng.randint(-8, 8), (100 if above else 30) + rng.randint(-4, 4), 20)
        )
    wanted = rng.randrange(2)
    relation = "above" if above else "below"
    sentence = f"the {shape} that is {relation} the {tones[wanted]} {other}"
    return _row(index, canvas, items[wanted], [sentence])
