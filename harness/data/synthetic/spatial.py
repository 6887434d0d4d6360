"""Synthetic EmbSpatial, RefSpatial and RoboSpatial: where things are, pointing at them and at free space."""

from __future__ import annotations

from random import Random
from typing import Any

from PIL import Image, ImageDraw

from harness.data.synthetic.canvas import (
    COLOURS,
    INK,
    SHAPES,
    Box,
    Canvas,
    Item,
    colours,
    options,
    paint_item,
    shapes,
    spots,
    things,
)

_SUFFIX = (
    "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)], where each tuple contains the x "
    "and y coordinates of a point satisfying the conditions above. The coordinates should be between 0 and 1, "
    "indicating  the normalized pixel locations of the points in the image."
)
_SOURCES = ("ai2thor", "matterport", "scannet")
_DEPTHS = ("close", "far")
_SIDES = ("left", "right", "above", "under")
_PHRASES = {"left": "left of", "right": "right of", "above": "above", "under": "under"}


def embspatial(rng: Random, index: int) -> dict[str, Any]:
    """Two things side by side or one above the other; or four on a floor, near and far."""
    relation = (*_SIDES, *_DEPTHS)[index % 6]
    canvas = Canvas(rng, 160, 160)
    if relation in _DEPTHS:
        question, answer, choices = _depth(rng, canvas, relation)
    else:
        first, second = _pair(rng, canvas, relation)
        question = f"Where is the {first.name} compared with the {second.name}?"
        answer = f"{_PHRASES[relation]} the {second.name}"
        choices = options(rng, answer, [f"{phrase} the {second.name}" for phrase in _PHRASES.values()])
    return {
        "question_id": f"synthetic_{index}",
        "question": question,
        "relation": relation,
        "image": canvas.image,
        "answer_options": choices,
        "answer": choices.index(answer),
        "data_source": _SOURCES[index // 6 % 3],
    }


def _pair(rng: Random, canvas: Canvas, relation: str) -> tuple[Item, Item]:
    """Draw two different things; the first stands in `relation` to the second."""
    kinds, tones = shapes(rng, 2), colours(rng, 2)
    across, along = rng.randint(64, 96), (rng.randint(36, 48), rng.randint(112, 124))
    before, after = along if relation in {"left", "above"} else along[::-1]
    items = []
    for n, place in enumerate((before, after)):
        aside = across + rng.randint(-6, 6)
        x, y = (place, aside) if relation in {"left", "right"} else (aside, place)
        items.append(Item(kinds[n], tones[n], x, y, rng.randint(24, 32)))
        canvas.item(items[-1])
    return items[0], items[1]


def _depth(rng: Random, canvas: Canvas, relation: str) -> tuple[str, str, list[str]]:
    """Four things on a floor that runs to the horizon: the nearer, the lower and larger."""
    canvas.bar(0, 36, 160, 160, (214, 202, 180))
    for x in (-160, -60, 40, 120, 220, 320):
        canvas.draw.line((80 + (x - 80) // 12, 36, x, 160), (188, 174, 150), 2)
    kinds, tones = shapes(rng, 4), colours(rng, 4)
    columns = rng.sample(range(4), 4)
    names = [f"{tone} {kind}" for tone, kind in zip(tones, kinds, strict=True)]
    wanted = rng.randrange(4)
    for n in range(4):
        if n == wanted:
            y, r = (132, 22) if relation == "close" else (42, 9)
        else:
            y, r = (rng.randint(74, 84), 15)
        canvas.item(Item(kinds[n], tones[n], 24 + 37 * columns[n], y + rng.randint(-3, 3), r))
    word = "closest to" if relation == "close" else "farthest from"
    return f"Which object is {word} you?", names[wanted], options(rng, names[wanted], names)


_STEPS = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}


def refspatial(rng: Random, index: int) -> dict[str, Any]:
    """Even rows: point at a thing (location); odd rows: at the free cell of a shelf beside one (placement)."""
    canvas = Canvas(rng, 160, 160)
    mask = Image.new("L", (160, 160), 0)
    if index % 2 == 0:
        step = rng.choice((1, 2))
        item, found = (_named if step == 1 else _negated)(rng, canvas)
        prompt = f"Please point to the {found}."
        paint_item(ImageDraw.Draw(mask), item, 255)
    else:
        step, found = rng.choice((1, 2)), "free cell"
        item, side, box = _shelf(rng, canvas, 3 if step == 2 else 1)
        where = f"{side} the {item.name}" if side in {"above", "below"} else f"to the {side} of the {item.name}"
        prompt = f"Please point to the free cell directly {where}."
        ImageDraw.Draw(mask).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), 255)
    return {
        "id": index,
        "image": canvas.image,
        "mask": mask,
        "object": found,
        "prompt": prompt,
        "suffix": _SUFFIX,
        "step": step,
        "split": "placement" if index % 2 else "location",
    }


def _named(rng: Random, canvas: Canvas) -> tuple[Item, str]:
    item = things(rng, canvas, 3, 2, 2, radius=(20, 30))[0]
    return item, item.name


def _negated(rng: Random, canvas: Canvas) -> tuple[Item, str]:
    """Two things of one shape and one of another: the one that does not have the other's colour."""
    shape, third = shapes(rng, 2)
    places = spots(rng, canvas, 3, 2, 2, radius=(20, 30))
    looks = zip((shape, shape, third), colours(rng, 3), places, strict=True)
    items = [Item(kind, tone, *place) for kind, tone, place in looks]
    for item in items:
        canvas.item(item)
    return items[0], f"{shape} that is not {items[1].colour}"


def _shelf(rng: Random, canvas: Canvas, count: int) -> tuple[Item, str, Box]:
    """A shelf of 3 × 3 cells with `count` things: the thing asked about, the side, the free cell on it."""
    left, top = rng.randint(6, 10), rng.randint(6, 10)
    for n in range(9):
        x, y = left + 48 * (n % 3), top + 48 * (n // 3)
        canvas.frame(x, y, x + 48, y + 48, width=2)
    side = rng.choice(list(_STEPS))
    dx, dy = _STEPS[side]
    column, row = rng.randint(max(0, -dx), 2 - max(0, dx)), rng.randint(max(0, -dy), 2 - max(0, dy))
    free = (column + dx, row + dy)
    others = [c for c in ((n % 3, n // 3) for n in range(9)) if c not in {free, (column, row)}]
    cells = [(column, row), *rng.sample(others, count - 1)]
    items = [
        Item(kind, tone, left + 48 * c + 24, top + 48 * r + 24, rng.randint(16, 19))
        for (c, r), kind, tone in zip(cells, shapes(rng, count), colours(rng, count), strict=True)
    ]
    for item in items:
        canvas.item(item)
    x, y = left + 48 * free[0], top + 48 * free[1]
    return items[0], side, (x + 2, y + 2, x + 46, y + 46)


def robospatial(rng: Random, index: int) -> dict[str, Any]:
    """In turn: configuration and compatibility (yes/no, half and half), context (a point on the table)."""
    category = ("configuration", "compatibility", "context")[index % 3]
    canvas = Canvas(rng, 160, 128)
    mask = None
    if category == "context":
        question, answer, mask = _table(rng, canvas)
    else:
        yes = rng.random() < 0.5
        question = (_configuration if category == "configuration" else _fit)(rng, canvas, yes=yes)
        answer = "Yes" if yes else "No"
    return {
        "category": category,
        "question": question,
        "answer": answer,
        "img": canvas.image,
        "depth_image": Image.new("L", (160, 128), 128),
        "mask": mask,
    }


def _configuration(rng: Random, canvas: Canvas, *, yes: bool) -> str:
    kinds, tones = shapes(rng, 2), colours(rng, 2)
    side = rng.choice(("left of", "right of", "above", "below"))
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}[side]
    holds = side if yes else opposite
    before = holds in {"left of", "above"}
    items = []
    for n in range(2):
        first = (n == 0) == before
        if side in {"left of", "right of"}:
            x, y = (40 if first else 120) + rng.randint(-8, 8), 64 + rng.randint(-28, 28)
        else:
            x, y = 80 + rng.randint(-40, 40), (34 if first else 94) + rng.randint(-3, 3)
        items.append(Item(kinds[n], tones[n], x, y, rng.randint(21, 26)))
        canvas.item(items[-1])
    return f"Is the {items[0].name} {side} the {items[1].name}? Answer yes or no."


def _fit(rng: Random, canvas: Canvas, *, yes: bool) -> str:
    """A box beside a black wall with a white gap: clearly wider, or clearly narrower, than the box."""
    gap = rng.randint(30, 46)
    size = round(gap * (rng.uniform(0.4, 0.68) if yes else rng.uniform(1.35, 1.6)))
    tone = rng.choice([c for c in COLOURS if c != "black"])
    x = rng.randint(60, 100)
    canvas.bar(0, 84, 160, 120, INK)
    canvas.bar(x - gap // 2, 84, x - gap // 2 + gap, 120, (255, 255, 255))
    y = 44 + rng.randint(-4, 4)
    left = x + rng.randint(-30, 30) - size // 2
    canvas.bar(left, y - size // 2, left + size, y - size // 2 + size, COLOURS[tone])
    return f"Can the {tone} box fit in the white gap? Answer yes or no."


def _table(rng: Random, canvas: Canvas) -> tuple[str, str, Image.Image]:
    """A table with one thing on it: the free half of the table on one side of the thing is asked for."""
    x0, y0, x1, y1 = rng.randint(6, 16), rng.randint(6, 14), rng.randint(144, 154), rng.randint(114, 122)
    canvas.bar(x0, y0, x1, y1, (205, 160, 110))
    canvas.frame(x0, y0, x1, y1, colour=(120, 80, 40), width=3)
    side = rng.choice(list(_STEPS))
    # Near the middle of the table, so that no one point lies on the free side in more than half of the rows.
    x, y, r = 80 + rng.randint(-14, 14), 64 + rng.randint(-12, 12), rng.randint(15, 19)
    item = Item(rng.choice(SHAPES), rng.choice(list(COLOURS)), x, y, r)
    canvas.item(item)
    box: Box = {
        "left": (x0, y0, x - r, y1),
        "right": (x + r, y0, x1, y1),
        "above": (x0, y0, x1, y - r),
        "below": (x0, y + r, x1, y1),
    }[side]
    corners = [(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])]
    polygon = [(round(a / canvas.width, 4), round(b / canvas.height, 4)) for a, b in corners]
    mask = Image.new("L", (canvas.width, canvas.height), 0)
    ImageDraw.Draw(mask).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), 255)
    where = f"{side} the {item.name}" if side in {"above", "below"} else f"to the {side} of the {item.name}"
    question = f"Point to the free part of the table {where}. {_SUFFIX}"
    return question, str(polygon), mask
