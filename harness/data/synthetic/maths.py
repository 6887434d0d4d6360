"""Synthetic MathVista, MathVerse and MathVision: counting, reading numbers, sides and perimeters."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from harness.data.synthetic.canvas import (
    COLOURS,
    INK,
    SHAPES,
    Canvas,
    Item,
    colours,
    letter,
    options,
    shapes,
    spots,
)

_HINTS = {
    "integer": "Please answer the question requiring an integer answer and provide the final value, "
    "e.g., 1, 2, 3, at the end.",
    "float": "Please answer the question requiring a floating-point number with one decimal place and "
    "provide the final value, e.g., 1.2, 1.3, 1.4, at the end.",
    "list": "Please answer the question requiring a Python list as an answer and provide the final list, "
    "e.g., [1, 2, 3], [1.2, 1.3, 1.4], at the end.",
    "text": "Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.",
}
_MATHVISTA = ("count", "count", "largest", "largest", "bigger", "integer", "float", "list")
_TASKS = {  # kind → task, context, skill, source of MathVista's metadata
    "count": ("figure question answering", "synthetic scene", "arithmetic reasoning", "CLEVR-Math"),
    "largest": ("geometry problem solving", "geometry diagram", "geometry reasoning", "GEOS"),
    "bigger": ("visual question answering", "abstract scene", "logical reasoning", "VQA-AS"),
    "integer": ("math word problem", "table", "arithmetic reasoning", "TabMWP"),
    "float": ("textbook question answering", "scientific figure", "scientific reasoning", "TQA"),
    "list": ("figure question answering", "table", "statistical reasoning", "PlotQA"),
}


def mathvista(rng: Random, index: int) -> dict[str, Any]:
    """Counts, dials and comparisons with integer, decimal, list and choice answers."""
    kind = rng.choice(_MATHVISTA)
    canvas = Canvas(rng, 160, 128)
    question, answer, answer_type, choices = _mathvista_question(rng, canvas, kind)
    task, context, skill, source = _TASKS[kind]
    query = f"Hint: {_HINTS[answer_type]}\nQuestion: {question}"
    if choices:
        query += "\nChoices:\n" + "\n".join(f"({c}) {t}" for c, t in zip("ABCDEF", choices, strict=False))
    return {
        "pid": str(index + 1),
        "question": question,
        "image": f"images/{index + 1}.jpg",
        "decoded_image": canvas.image,
        "choices": choices,
        "unit": None,
        "precision": 1.0 if answer_type == "float" else None,
        "answer": answer,
        "question_type": "multi_choice" if choices else "free_form",
        "answer_type": answer_type,
        "metadata": {
            "category": "math-targeted-vqa" if kind in {"count", "largest"} else "general-vqa",
            "context": context,
            "grade": "elementary school",
            "img_height": canvas.height,
            "img_width": canvas.width,
            "language": "english",
            "skills": [skill],
            "source": source,
            "split": "testmini",
            "task": task,
        },
        "query": query,
    }


def _mathvista_question(rng: Random, canvas: Canvas, kind: str) -> tuple[str, str, str, list[str] | None]:
    """Draw one kind; returns question, answer, answer type and choices."""
    if kind == "count":
        return _count_of_kind(rng, canvas)
    if kind in {"largest", "bigger"}:
        return _compare_sizes(rng, canvas, kind)
    y = 64 + rng.randint(-20, 20)
    if kind == "list":
        first, second = rng.randint(1, 9), rng.randint(1, 9)
        for x, number in ((45, first), (115, second)):
            canvas.frame(x - 30, y - 32, x + 30, y + 32, width=3)
            canvas.text(x, y, str(number), 48)
        return "What are the two numbers, from left to right?", f"[{first}, {second}]", "list", None
    text = str(rng.randint(10, 59)) if kind == "integer" else f"{rng.randint(1, 9)}.{rng.randint(1, 9)}"
    x = 80 + rng.randint(-16, 16)
    canvas.frame(x - 56, y - 36, x + 56, y + 36, width=3)
    canvas.text(x, y, text, 54)
    return "What number is shown?", text, kind, None


def _count_of_kind(rng: Random, canvas: Canvas) -> tuple[str, str, str, None]:
    """One to four of the asked shape beside one or two of another."""
    asked, other = shapes(rng, 2)
    count, extra = rng.randint(1, 4), rng.randint(1, 2)
    tones = colours(rng, 2)
    for n, (x, y, r) in enumerate(spots(rng, canvas, count + extra, 3, 2, radius=(17, 24))):
        canvas.item(Item(asked, tones[0], x, y, r) if n < count else Item(other, tones[1], x, y, r))
    return f"How many {asked}s are there?", str(count), "integer", None


def _compare_sizes(rng: Random, canvas: Canvas, kind: str) -> tuple[str, str, str, list[str]]:
    count = 2 if kind == "bigger" else 3
    kinds, tones = shapes(rng, count), colours(rng, count)
    biggest = rng.randrange(count)
    for n in range(count):
        r = rng.randint(23, 25) if n == biggest else rng.randint(10, 13)
        x = int(160 / count * (n + 0.5)) + rng.randint(-2, 2)
        canvas.item(Item(kinds[n], tones[n], x, 64 + rng.randint(-30, 30), r))
    if kind == "bigger":
        first = rng.randrange(2)
        question = f"Is the {kinds[first]} bigger than the {kinds[1 - first]}?"
        return question, "Yes" if first == biggest else "No", "text", ["Yes", "No"]
    choices = options(rng, tones[biggest], tones + [c for c in COLOURS if c not in tones])
    return "What colour is the largest shape?", tones[biggest], "text", choices


VERSIONS = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")
POLYGONS = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon"}
_LENGTHS = (2, 3, 4, 5)


def mathverse_problem(index: int) -> int:
    """The number of the problem of which row `index` is a version; it seeds the drawing."""
    return index // len(VERSIONS)


def mathverse(rng: Random, index: int) -> dict[str, Any]:
    """A regular polygon with the length of its side: five versions of each problem, as consecutive rows.

    They differ in what the text tells: the side (text versions), the kind of polygon (vision intensive),
    nothing (vision dominant); in "Vision Only" the question itself stands in the picture. None can be
    answered without the picture.
    """
    version = VERSIONS[index % len(VERSIONS)]
    problem = mathverse_problem(index)
    sides, length = rng.choice(list(POLYGONS)), rng.choice(_LENGTHS)
    perimeter = rng.random() < 0.5
    only = version == "Vision Only"
    canvas = Canvas(rng, 128, 176 if only else 128)
    _polygon(rng, canvas, sides, None if perimeter and version.startswith("Text") else length)
    if perimeter:
        choices = _perimeters(rng, sides, length, version)
        answer = letter(choices, str(sides * length))
        asked = "What is the perimeter?"
        told = {
            "Text Dominant": f"The figure is a regular polygon. Each side is {length}. ",
            "Text Lite": f"Each side is {length}. ",
            "Vision Intensive": f"The figure is a {POLYGONS[sides]}. ",
        }.get(version, "")
        listed = "\nChoices:\n" + "\n".join(f"{c}:{t}" for c, t in zip("ABCD", choices, strict=True))
    else:
        choices, answer, listed = [], str(length), ""
        asked = "How long is each side?"
        told = {"Text Dominant": "The figure is a regular polygon. ", "Text Lite": "In the figure, "}.get(
            version, ""
        )
        if version == "Text Lite":
            asked = "how long is each side?"
    question = f"{told}{asked}{listed}"
    if only:
        canvas.text(64, 140, "Perimeter?" if perimeter else "Side?", 20)
        canvas.text(64, 162, " ".join(f"{c}:{t}" for c, t in zip("ABCD", choices, strict=False)), 15)
    return {
        "sample_index": str(index + 1),
        "problem_index": str(problem + 1),
        "problem_version": version,
        "question": "" if only else question,
        "image": canvas.image,
        "answer": answer,
        "question_type": "multi-choice" if choices else "free-form",
        "metadata": {
            "split": "testmini",
            "source": "synthetic",
            "subject": "Plane Geometry",
            "subfield": "Area" if perimeter else "Length",
        },
        "query_wo": _mathverse_query(question, bool(choices), only, think=False),
        "query_cot": _mathverse_query(question, bool(choices), only, think=True),
        "question_for_eval": question,
    }


def _mathverse_query(question: str, choice: bool, only: bool, *, think: bool) -> str:
    how = "first conduct reasoning, and then answer" if think else "directly answer"
    what = "provide the correct option letter, e.g., A, B, C, D" if choice else "provide the final value"
    if only:
        return f"According to the question shown in the image, please {how} the question and {what}."
    return f"Please {how} the question and {what}.\nQuestion: {question}"


def _perimeters(rng: Random, sides: int, length: int, version: str) -> list[str]:
    """Four different perimeters; the wrong ones too agree with what the text tells."""
    if version.startswith("Text"):
        known = [str(n * length) for n in POLYGONS]
    elif version == "Vision Intensive":
        known = [str(sides * n) for n in _LENGTHS]
    else:
        known = sorted({str(n * m) for n in POLYGONS for m in _LENGTHS})
    return options(rng, str(sides * length), known)


def _polygon(rng: Random, canvas: Canvas, sides: int, length: int | None) -> None:
    """A regular polygon standing on a side, with the length written below it."""
    r = rng.randint(38, 44)
    x, y = 64 + rng.randint(-14, 14), 50 + rng.randint(-3, 3)
    turn = math.pi / 2 + math.pi / sides
    corners = [
        (x + r * math.cos(turn + 2 * math.pi * k / sides), y + r * math.sin(turn + 2 * math.pi * k / sides))
        for k in range(sides)
    ]
    fill = COLOURS[rng.choice([c for c in COLOURS if c != "black"])]
    canvas.draw.polygon(corners, fill, outline=INK, width=3)
    if length is not None:
        canvas.text(x, max(c[1] for c in corners) + 17, str(length), 30)


SUBJECTS = (
    "algebra", "analytic geometry", "arithmetic", "combinatorial geometry", "combinatorics", "counting",
    "descriptive geometry", "graph theory", "logic", "metric geometry - angle", "metric geometry - area",
    "metric geometry - length", "solid geometry", "statistics", "topology", "transformation geometry",
)  # fmt: skip
"""The 16 subjects of MathVision."""


def mathvision(rng: Random, index: int) -> dict[str, Any]:
    """Odd one out (bare letters), sums of two digits (free), and counting (five number options)."""
    kind = index % 3
    choices: list[str] = []
    if kind == 0:
        canvas = Canvas(rng, 180, 80)
        choices, answer = list("ABCDE"), rng.choice("ABCDE")
        _odd_one_out(rng, canvas, answer)
        question = "Which figure is different from the others?"
    elif kind == 1:
        canvas = Canvas(rng, 160, 100)
        first, second = rng.randint(1, 4), rng.randint(1, 4)
        y = 50 + rng.randint(-14, 14)
        for x, text in ((28, str(first)), (62, "+"), (96, str(second)), (134, "= ?")):
            canvas.text(x, y, text, 46 if text.isdigit() else 32)
        question, answer = "Which number should replace the question mark?", str(first + second)
    else:
        canvas = Canvas(rng, 160, 128)
        count = rng.randint(1, 5)
        shape, tone = rng.choice(SHAPES), rng.choice(list(COLOURS))
        for x, y, r in spots(rng, canvas, count, 3, 2, radius=(18, 25)):
            canvas.item(Item(shape, tone, x, y, r))
        choices = [str(n) for n in range(1, 6)]
        rng.shuffle(choices)
        question, answer = "How many shapes are there?", letter(choices, str(count))
    return {
        "id": str(index + 1),
        "question": f"{question}\n<image1>",
        "options": choices,
        "image": f"images/{index + 1}.jpg",
        "decoded_image": canvas.image,
        "answer": answer,
        "solution": None,
        "level": rng.randint(1, 5),
        "subject": SUBJECTS[index % len(SUBJECTS)],
    }


def _odd_one_out(rng: Random, canvas: Canvas, answer: str) -> None:
    usual, odd = (colours if rng.random() < 0.5 else shapes)(rng, 2)
    shape, tone = rng.choice(SHAPES), rng.choice(list(COLOURS))
    for n, name in enumerate("ABCDE"):
        look = odd if name == answer else usual
        x, y = 18 + 36 * n, 30 + rng.randint(-6, 6)
        canvas.item(Item(shape, look, x, y, 15) if look in COLOURS else Item(look, tone, x, y, 15))
        canvas.text(x, 66, name, 22)
