"""Synthetic MMMU, MMBench and MMStar: what is in the picture, where, and how many."""

from __future__ import annotations

from random import Random
from typing import Any

from PIL.Image import Image

from harness.data.synthetic.canvas import (
    COLOURS,
    SHAPES,
    Canvas,
    Item,
    colours,
    letter,
    options,
    shapes,
    spots,
    things,
)

SUBJECTS = (
    "Accounting", "Agriculture", "Architecture_and_Engineering", "Art", "Art_Theory",
    "Basic_Medical_Science", "Biology", "Chemistry", "Clinical_Medicine", "Computer_Science", "Design",
    "Diagnostics_and_Laboratory_Medicine", "Economics", "Electronics", "Energy_and_Power", "Finance",
    "Geography", "History", "Literature", "Manage", "Marketing", "Materials", "Math",
    "Mechanical_Engineering", "Music", "Pharmacy", "Physics", "Psychology", "Public_Health", "Sociology",
)  # fmt: skip
"""The 30 subjects of MMMU, by their config names."""
CORNERS = ("top left", "top right", "bottom left", "bottom right")
ARROWS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
COUNTS = ("1", "2", "3", "4")


Question = tuple[str, str, tuple[str, ...]]
"""What is asked, the answer, and the words that options are drawn from."""


def _single(rng: Random, shape: str, colour: str) -> Image:
    canvas = Canvas(rng, 128, 128)
    x, y, r = spots(rng, canvas, 1, 1, 1, radius=(30, 48))[0]
    canvas.item(Item(shape, colour, x, y, r))
    return canvas.image


def _several(rng: Random, count: int) -> Image:
    """`count` shapes of one kind and colour."""
    canvas = Canvas(rng, 128, 128)
    shape, colour = rng.choice(SHAPES), rng.choice(list(COLOURS))
    for x, y, r in spots(rng, canvas, count, 2, 2, radius=(20, 27)):
        canvas.item(Item(shape, colour, x, y, r))
    return canvas.image


def mmmu(rng: Random, index: int) -> dict[str, Any]:
    """Choices, open questions and questions whose options are pictures, under MMMU's subject names."""
    subject = SUBJECTS[index % len(SUBJECTS)]
    kind = rng.choice(("colour", "colour", "shape", "shape", "pictures", "open count", "open colour"))
    images: list[Image] = []
    choices: list[str] = []
    if kind == "pictures":
        question, choices, answer, images = _mmmu_pictures(rng)
    elif kind == "open count":
        answer = rng.choice(COUNTS)
        question, images = "How many shapes are in <image 1>?", [_several(rng, int(answer))]
    else:
        shape, colour = rng.choice(SHAPES), rng.choice(list(COLOURS))
        images = [_single(rng, shape, colour)]
        question = f"<image 1> What {'shape' if kind == 'shape' else 'colour'} is this?"
        answer = shape if kind == "shape" else colour
        if kind != "open colour":
            choices = options(rng, answer, SHAPES if kind == "shape" else list(COLOURS))
            answer = letter(choices, answer)
    row = {
        "id": f"validation_{subject}_{index + 1}",
        "question": question,
        "options": str(choices),
        "explanation": "",
        **{f"image_{n}": images[n - 1] if n <= len(images) else None for n in range(1, 8)},
        "img_type": "['Diagrams']",
        "answer": answer,
        "topic_difficulty": "Easy",
        "question_type": "multiple-choice" if choices else "open",
        "subfield": subject.replace("_", " "),
    }
    return {**row, "subject": subject}


def _mmmu_pictures(rng: Random) -> tuple[str, list[str], str, list[Image]]:
    """Two or three pictures as the options: which one shows it?"""
    count = rng.choice((2, 3, 3))
    kinds, tones = shapes(rng, count), colours(rng, count)
    images = [_single(rng, shape, colour) for shape, colour in zip(kinds, tones, strict=True)]
    wanted = rng.randrange(count)
    choices = [f"<image {n + 1}>" for n in range(count)]
    question = f"Which picture shows a {rng.choice((kinds[wanted], f'{tones[wanted]} shape'))}?"
    return question, choices, "ABC"[wanted], images


_CYCLE = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3)
"""Rotations of four questions as consecutive rows: three have four choices, the last has three."""


def mmbench_group(index: int) -> int:
    """The number of the question of which row `index` is a rotation; it seeds the drawing."""
    return index // len(_CYCLE) * 4 + _CYCLE[index % len(_CYCLE)]


def mmbench(rng: Random, index: int) -> dict[str, Any]:
    """Colour, shape and place; every question once per rotation of its choices, as the circular rule needs.

    Rotation k has the index of its question + k · 1,000,000. A missing fourth choice is "nan".
    """
    group = mmbench_group(index)
    rotation = index % len(_CYCLE) - _CYCLE.index(group % 4)
    count = 3 if group % 4 == 3 else 4
    canvas = Canvas(rng, 160, 128)
    kind = rng.choice(("colour", "shape", "place"))
    question, answer, known = (_corner if kind == "place" else _which_of_two)(rng, canvas)
    choices = options(rng, answer, known, count)
    choices = choices[rotation:] + choices[:rotation]
    return {
        "index": group + rotation * 1_000_000,
        "question": question,
        "hint": "nan",
        "answer": letter(choices, answer),
        **{name: choices[n] if n < count else "nan" for n, name in enumerate("ABCD")},
        "category": "object_localization" if kind == "place" else "attribute_recognition",
        "image": canvas.image,
        "source": "synthetic",
        "L2-category": "finegrained_perception (instance-level)",
        "comment": "nan",
        "split": "dev",
    }


def _corner(rng: Random, canvas: Canvas) -> Question:
    answer = rng.choice(CORNERS)
    x = rng.randint(34, 46) + (80 if "right" in answer else 0)
    y = rng.randint(29, 35) + (64 if "bottom" in answer else 0)
    item = Item(rng.choice(SHAPES), rng.choice(list(COLOURS)), x, y, rng.randint(20, 28))
    canvas.item(item)
    return f"Where is the {item.shape}?", answer, CORNERS


def _which_of_two(rng: Random, canvas: Canvas) -> Question:
    item = things(rng, canvas, 2, 2, 1, radius=(24, 36))[0]
    if rng.random() < 0.5:
        return f"What colour is the {item.shape}?", item.colour, tuple(COLOURS)
    return f"What shape is {item.colour}?", item.shape, SHAPES


def mmstar(rng: Random, index: int) -> dict[str, Any]:
    """Six categories with a question of their own each; the options stand in the question."""
    number = index % len(_MMSTAR)
    category, l2, drawer = _MMSTAR[number]
    canvas = Canvas(rng, 168, 112)
    question, answer, known = drawer(rng, canvas)
    choices = options(rng, answer, known)
    listed = ", ".join(f"{name}: {text}" for name, text in zip("ABCD", choices, strict=True))
    return {
        "index": index,
        "question": f"{question}\nOptions: {listed}",
        "image": canvas.image,
        "answer": letter(choices, answer),
        "category": category,
        "l2_category": l2,
        "meta_info": {"source": "synthetic", "split": "val", "image_path": f"images/{index}.jpg"},
    }


def _background(rng: Random, canvas: Canvas) -> Question:
    ground, ink = colours(rng, 2)
    canvas.bar(0, 0, canvas.width, canvas.height, COLOURS[ground])
    x, y, r = spots(rng, canvas, 1, 1, 1, radius=(20, 30))[0]
    canvas.item(Item(rng.choice(SHAPES), ink, x, y, r))
    return "What colour is the background?", ground, tuple(COLOURS)


def _row(rng: Random, canvas: Canvas) -> list[Item]:
    kinds, tones = shapes(rng, 3), colours(rng, 3)
    items = []
    for place in range(3):
        r = rng.randint(20, 25)
        x, y = 28 + 56 * place + rng.randint(-2, 2), 56 + rng.randint(-20, 20)
        items.append(Item(kinds[place], tones[place], x, y, r))
        canvas.item(items[-1])
    return items


def _by_place(rng: Random, canvas: Canvas) -> Question:
    items = _row(rng, canvas)
    place = rng.randrange(3)
    where = ("on the left", "in the middle", "on the right")[place]
    return f"What shape is {where}?", items[place].shape, SHAPES


def _attribute(rng: Random, canvas: Canvas) -> Question:
    item = rng.choice(_row(rng, canvas))
    return f"What colour is the {item.shape}?", item.colour, tuple(COLOURS)


def _sequence(rng: Random, canvas: Canvas) -> Question:
    first, second = colours(rng, 2)
    shape, y = rng.choice(SHAPES), 56 + rng.randint(-12, 12)
    for place in range(4):
        canvas.item(Item(shape, (first, second)[place % 2], 18 + 34 * place, y, 15))
    canvas.text(152, y, "?", 34)
    return "Which colour comes next?", first, tuple(COLOURS)


def _count(rng: Random, canvas: Canvas) -> Question:
    answer = rng.choice(COUNTS)
    shape, colour = rng.choice(SHAPES), rng.choice(list(COLOURS))
    for x, y, r in spots(rng, canvas, int(answer), 3, 2, radius=(17, 25)):
        canvas.item(Item(shape, colour, x, y, r))
    return "How many shapes are there?", answer, COUNTS


def _direction(rng: Random, canvas: Canvas) -> Question:
    answer = rng.choice(list(ARROWS))
    dx, dy = ARROWS[answer]
    reach = rng.randint(30, 42)
    x, y = canvas.width // 2 + rng.randint(-30, 30), canvas.height // 2 + rng.randint(-8, 8)
    colour = COLOURS[rng.choice(list(COLOURS))]
    canvas.arrow(x - reach * dx, y - reach * dy, x + reach * dx, y + reach * dy, fill=colour, width=9)
    return "Which way does the arrow point?", answer, tuple(ARROWS)


_MMSTAR = (
    ("coarse perception", "image style & quality", _background),
    ("fine-grained perception", "localization", _by_place),
    ("instance reasoning", "single-instance reasoning", _attribute),
    ("logical reasoning", "code & sequence reasoning", _sequence),
    ("math", "numeric commonsense and calculation", _count),
    ("science & technology", "electronics & energy & mechanical eng.", _direction),
)
