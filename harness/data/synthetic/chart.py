"""Synthetic AI2D, ChartQA and CharXiv: labelled diagrams, bar charts, lines and points."""

from __future__ import annotations

from random import Random
from typing import Any

from PIL.Image import Image

from harness.data.synthetic.canvas import COLOURS, INK, SHAPES, Canvas, Item, colours, options, shapes, spots


def ai2d(rng: Random, index: int) -> dict[str, Any]:
    """Parts with letters beside them (index 0, 1 of 3), or a chain of parts joined by arrows."""
    kind = index % 3
    canvas = Canvas(rng, 160, 160)
    if kind == 2:
        question, answer, choices = _chain(rng, canvas)
    else:
        kinds, tones, names = shapes(rng, 4), colours(rng, 4), rng.sample("ABCD", 4)
        for n, (x, y, _) in enumerate(spots(rng, canvas, 4, 2, 2, radius=(34, 34))):
            canvas.item(Item(kinds[n], tones[n], x + 12, y, 20))
            canvas.text(x - 24, y, names[n], 30)
        asked = rng.randrange(4)
        if kind == 0:
            question = f"Which letter labels the {rng.choice((kinds[asked], f'{tones[asked]} part'))}?"
            answer, choices = names[asked], options(rng, names[asked], ["A", "B", "C", "D"])
        else:
            known = kinds if rng.random() < 0.5 else tones
            question = f"What {'shape' if known is kinds else 'colour'} does the letter {names[asked]} label?"
            answer, choices = known[asked], options(rng, known[asked], known)
    return {
        "question": question,
        "options": choices,
        "answer": str(choices.index(answer)),
        "image": canvas.image,
    }


def _chain(rng: Random, canvas: Canvas) -> tuple[str, str, list[str]]:
    """Four parts around a ring, each with an arrow to the next."""
    kinds, tones = shapes(rng, 4), colours(rng, 4)
    places = [(36, 36), (124, 36), (124, 124), (36, 124)]
    if rng.random() < 0.5:
        places.reverse()
    start = rng.randrange(4)
    places = places[start:] + places[:start]
    for n, (x, y) in enumerate(places):
        canvas.item(Item(kinds[n], tones[n], x, y, rng.randint(20, 24)))
        if n < 3:
            to = places[n + 1]
            dx, dy = (to[0] > x) - (to[0] < x), (to[1] > y) - (to[1] < y)
            canvas.arrow(x + 28 * dx, y + 28 * dy, to[0] - 28 * dx, to[1] - 28 * dy)
    asked = rng.randrange(3)
    return f"What comes after the {kinds[asked]}?", kinds[asked + 1], options(rng, kinds[asked + 1], SHAPES)


_HEIGHTS = (10, 20, 30, 40, 50, 60, 70, 80, 90)


def chartqa(rng: Random, index: int) -> dict[str, Any]:
    """Bars with their values on top: human rows ask which bar or how many, augmented rows ask a value."""
    human = index % 2 == 0
    count = rng.randint(2, 4)
    tones, values = colours(rng, count), rng.sample(_HEIGHTS, count)
    image = _bars(rng, tones, values)
    asked = rng.randrange(count)
    if not human:
        question, answer = f"What is the value of the {tones[asked]} bar?", str(values[asked])
    elif rng.random() < 0.25:
        question, answer = "How many bars are there?", str(count)
    else:
        best = rng.choice((max, min))
        question = f"What colour is the {'highest' if best is max else 'lowest'} bar?"
        answer = tones[values.index(best(values))]
    return {
        "type": "human_test" if human else "augmented_test",
        "question": question,
        "answer": answer,
        "image": image,
    }


def _bars(rng: Random, tones: list[str], values: list[int]) -> Image:
    canvas = Canvas(rng, 176, 144)
    pitch = 160 // len(values)
    width = min(pitch - 10, rng.randint(28, 44))
    canvas.draw.line((6, 134, 170, 134), INK, 3)
    for n, (tone, value) in enumerate(zip(tones, values, strict=True)):
        x = 8 + pitch * n + (pitch - width) // 2
        top = 134 - value
        canvas.bar(x, top, x + width, 134, COLOURS[tone])
        canvas.text(x + width / 2, top - 16, str(value), 26)
    return canvas.image


NAMES = ("ant", "bee", "cat", "dog", "fox", "owl")
_SUBJECTS = ("cs", "econ", "eess", "math", "physics", "q-bio", "q-fin", "stat")


def charxiv(rng: Random, index: int) -> dict[str, Any]:
    """Lines and points, for the four answer types in turn: text in chart, in general, then numbers."""
    kind = index % 4 + 1
    subplots = rng.randint(1, 2) if kind == 4 else 1
    question, answer, image = _CHARXIV[kind](rng) if kind != 4 else _points(rng, subplots)
    descriptive = {f"descriptive_q{n}": n for n in range(1, 5)}
    return {
        "category": _SUBJECTS[index // 4 % len(_SUBJECTS)],
        "descriptive_a1": "Not Applicable",
        "descriptive_a2": "Not Applicable",
        "descriptive_a3": "Not Applicable",
        "descriptive_a4": "Not Applicable",
        **descriptive,
        "figure_path": f"images/{index}.jpg",
        "image": image,
        "num_subplots": subplots,
        "original_figure_caption": "",
        "original_id": f"0000.{index:05d}",
        "reasoning_a": answer,
        "reasoning_a_type": kind,
        "reasoning_q": question,
        "reasoning_q_source": index % 3 + 1,
        "subplot_col": 0,
        "subplot_loc": "None",
        "subplot_row": 0,
        "year": str(20 + index % 4),
    }


def _axes(canvas: Canvas, x0: int, y0: int, x1: int, y1: int) -> None:
    canvas.draw.line((x0, y0, x0, y1, x1, y1), INK, 3)


def _named_lines(rng: Random) -> tuple[str, str, Image]:
    """Text in chart: three level lines, each with a name at its end."""
    canvas = Canvas(rng, 184, 144)
    _axes(canvas, 12, 10, 120, 132)
    names, tones = rng.sample(NAMES, 3), colours(rng, 3)
    for n, y in enumerate((30, 70, 110)):
        height = y + rng.randint(-8, 8)
        bend = [(x, height + rng.randint(-6, 6)) for x in (18, 50, 84)]
        canvas.draw.line([*bend, (118, height)], COLOURS[tones[n]], 5)
        canvas.text(150, height, names[n], 27, INK if tones[n] == "yellow" else COLOURS[tones[n]])
    if rng.random() < 0.5:
        top = rng.random() < 0.5
        return f"Which line is the {'highest' if top else 'lowest'}?", names[0 if top else 2], canvas.image
    asked = rng.randrange(3)
    return f"What is the name of the {tones[asked]} line?", names[asked], canvas.image


def _trend(rng: Random) -> tuple[str, str, Image]:
    """Text in general: one line that rises or falls, or the colour of the line."""
    canvas = Canvas(rng, 160, 144)
    _axes(canvas, 14, 10, 150, 132)
    tone = rng.choice(list(COLOURS))
    up = rng.random() < 0.5
    left, right = rng.randint(88, 120), rng.randint(20, 52)
    if not up:
        left, right = right, left
    points = [(x, left + (right - left) * (x - 22) / 120 + rng.randint(-5, 5)) for x in (22, 62, 102, 142)]
    canvas.draw.line(points, COLOURS[tone], 6)
    if rng.random() < 0.5:
        return "Does the line go up or down?", "up" if up else "down", canvas.image
    return "What colour is the line?", tone, canvas.image


def _peak(rng: Random) -> tuple[str, str, Image]:
    """Number in chart: the tick below the highest (lowest) of four points."""
    canvas = Canvas(rng, 168, 144)
    _axes(canvas, 14, 10, 160, 112)
    start, step = rng.choice(((1, 1), (2, 2), (5, 5), (10, 10)))
    ticks = [start + step * n for n in range(4)]
    top = rng.random() < 0.5
    asked = rng.randrange(4)
    tone = COLOURS[rng.choice(list(COLOURS))]
    for n, tick in enumerate(ticks):
        x, y = 34 + 36 * n, rng.randint(52, 70)
        if n == asked:
            y = rng.randint(22, 30) if top else rng.randint(92, 98)
        canvas.draw.ellipse((x - 9, y - 9, x + 9, y + 9), tone)
        canvas.text(x, 130, str(tick), 24)
    return f"At which x is the {'highest' if top else 'lowest'} point?", str(ticks[asked]), canvas.image


def _points(rng: Random, subplots: int) -> tuple[str, str, Image]:
    """Number in general: how many points, lines or subplots there are."""
    canvas = Canvas(rng, 176, 112)
    count = rng.randint(1, 5) if subplots == 1 else rng.randint(2, 5)
    tone = COLOURS[rng.choice(list(COLOURS))]
    wide = 168 // subplots
    for n in range(subplots):
        _axes(canvas, 8 + wide * n, 8, wide * (n + 1) - 4, 104)
    # Cells of the grid are numbered so that with two subplots three columns lie in each.
    for cell in rng.sample(range(12), count):
        x, y = 24 + 26 * (cell % 6) + rng.randint(-3, 3), 34 + 42 * (cell // 6) + rng.randint(-10, 10)
        canvas.draw.ellipse((x - 8, y - 8, x + 8, y + 8), tone)
    return "How many points are there in total?", str(count), canvas.image


_CHARXIV = {1: _named_lines, 2: _trend, 3: _peak}
