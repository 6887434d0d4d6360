"""Synthetic DocVQA, OCRBench and InfoVQA: forms, words and big numbers."""

from __future__ import annotations

from random import Random
from typing import Any

from PIL import Image

from harness.data.synthetic.canvas import COLOURS, INK, SHAPES, Canvas, Colour, Item, colours, font, shapes

NAMES = ("Ada", "Ann", "Ben", "Dan", "Eva", "Kim", "Leo", "Max", "Sam", "Tom")
MONTHS = ("Jan", "Mar", "May", "Jul", "Sep", "Nov")
WORDS = (
    "BUS", "CAR", "DOG", "EGG", "FOX", "HAT", "ICE", "JAM", "KEY", "MAP", "PEN", "SUN", "TEA", "VAN", "ZOO",
    "BALL", "COLD", "EXIT", "FISH", "GOLD", "HOME", "KING", "MILK", "OPEN", "PARK", "STOP", "TAXI", "WEST",
)  # fmt: skip


def _field(rng: Random, name: str) -> str:
    if name == "Name":
        return rng.choice(NAMES)
    if name == "Total":
        return f"${rng.randint(10, 99)}"
    if name == "Date":
        return f"{rng.randint(1, 9)} {rng.choice(MONTHS)}"
    return str(rng.randint(10, 99))


_FIELDS = ("Code", "Name", "Total", "Date", "Room")
_DOC_TYPES = ("form", "layout", "table/list", "free_text", "others")


def docvqa(rng: Random, index: int) -> dict[str, Any]:
    """A form of two fields; what stands in one of them?"""
    canvas = Canvas(rng, 168, 168)
    names = rng.sample(_FIELDS, 2)
    values = [_field(rng, name) for name in names]
    inset = rng.randint(8, 20)
    canvas.frame(inset - 6, 6, 162, 162)
    for n, (name, value) in enumerate(zip(names, values, strict=True)):
        y = 11 + 73 * n + rng.randint(-3, 3)
        canvas.text(inset, y, f"{name}:", 22, (70, 70, 70), anchor="la")
        canvas.text(inset + 6, y + 24, value, 38, INK, anchor="la")
    asked = rng.randrange(2)
    return {
        "questionId": str(index + 1),
        "question": f"What is the {names[asked].lower()}?",
        "question_types": [_DOC_TYPES[index % len(_DOC_TYPES)]],
        "image": canvas.image,
        "docId": index + 1,
        "ucsf_document_id": f"synthetic{index:06d}",
        "ucsf_document_page_no": "1",
        "answers": [values[asked]],
        "data_split": "val",
    }


def infovqa(rng: Random, index: int) -> dict[str, Any]:
    """Two panels, each an icon with a big percentage; or a row of icons to count."""
    if index % 3 == 2:
        return _infovqa_row(index, *_icons(rng), operation="counting")
    canvas = Canvas(rng, 176, 160)
    kinds, tones = shapes(rng, 2), colours(rng, 2)
    values = [f"{n}%" for n in rng.sample(range(10, 99), 2)]
    for n in range(2):
        y = 40 + 80 * n + rng.randint(-4, 4)
        canvas.bar(0, 80 * n, 176, 80 * n + 78, _tint(rng))
        canvas.item(Item(kinds[n], tones[n], 38 + rng.randint(-6, 6), y, rng.randint(24, 28)))
        canvas.text(120, y, values[n], 42)
    asked = rng.randrange(2)
    if index % 3 == 0:
        question, answer = f"What percentage is beside the {kinds[asked]}?", values[asked]
        answers = [answer, answer[:-1]]
    else:
        larger = rng.random() < 0.5
        best = (max if larger else min)(values, key=lambda text: int(text[:-1]))
        question = f"What colour is the shape with the {'larger' if larger else 'smaller'} percentage?"
        answers = [tones[values.index(best)]]
    return _infovqa_row(index, question, answers, canvas.image)


def _tint(rng: Random) -> Colour:
    return rng.randint(225, 252), rng.randint(225, 252), rng.randint(225, 252)


def _icons(rng: Random) -> tuple[str, list[str], Image.Image]:
    canvas = Canvas(rng, 176, 96)
    count = rng.randint(1, 4)
    shape, tone = rng.choice(SHAPES), rng.choice(list(COLOURS))
    y = 48 + rng.randint(-16, 16)
    left = rng.randint(24, 44)
    for n in range(count):
        canvas.item(Item(shape, tone, left + 36 * n, y, 15))
    return (
        f"How many {shape}s are shown?",
        [str(count), ("one", "two", "three", "four")[count - 1]],
        canvas.image,
    )


def _infovqa_row(
    index: int, question: str, answers: list[str], image: Image.Image, *, operation: str = ""
) -> dict[str, Any]:
    return {
        "questionId": str(index + 1),
        "question": question,
        "answers": answers,
        "answer_type": ["non-extraction" if operation else "single span"],
        "image": image,
        "image_url": f"synthetic/{index}.jpeg",
        "operation/reasoning": [operation] if operation else [],
        "ocr": "[]",
        "data_split": "val",
    }


_READ = "what is written in the image?"
_KIE = "Answer this question using the text in the image directly."
OCR_SETS: tuple[tuple[str, str], ...] = (
    ("Regular Text Recognition", "IIIT5K"),
    ("Regular Text Recognition", "svt"),
    ("Regular Text Recognition", "IC13_857"),
    ("Irregular Text Recognition", "IC15_1811"),
    ("Irregular Text Recognition", "svtp"),
    ("Irregular Text Recognition", "ct80"),
    ("Irregular Text Recognition", "cocotext"),
    ("Irregular Text Recognition", "ctw"),
    ("Irregular Text Recognition", "totaltext"),
    ("Artistic Text Recognition", "WordArt"),
    ("Handwriting Recognition", "IAM"),
    ("Digit String Recognition", "ORAND"),
    ("Non-Semantic Text Recognition", "NonSemanticText"),
    ("Scene Text-centric VQA", "STVQA"),
    ("Scene Text-centric VQA", "textVQA"),
    ("Scene Text-centric VQA", "ocrVQA"),
    ("Scene Text-centric VQA", "ESTVQA"),
    ("Doc-oriented VQA", "docVQA"),
    ("Doc-oriented VQA", "infographicVQA"),
    ("Doc-oriented VQA", "ChartQA"),
    ("Doc-oriented VQA", "ChartQA_Human"),
    ("Key Information Extraction", "FUNSD"),
    ("Key Information Extraction", "SROIE"),
    ("Key Information Extraction", "POIE"),
    ("Handwritten Mathematical Expression Recognition", "HME100k"),
    ("Handwritten Mathematical Expression Recognition", "HME100k"),
)
"""(question type, data set) as in OCRBench, taken in turn."""


def ocrbench(rng: Random, index: int) -> dict[str, Any]:
    """Short words, digits and sums in large type, under OCRBench's set names."""
    kind, source = OCR_SETS[index % len(OCR_SETS)]
    if kind == "Key Information Extraction" or source == "docVQA":
        question, answer, image = _receipt(rng, extract=kind.startswith("Key"))
    elif kind in {"Scene Text-centric VQA", "Doc-oriented VQA"}:
        question, answer, image = _signs(rng)
    else:
        question, answer = _READ, rng.choice(WORDS)
        if source == "ORAND":
            question, answer = "what is the number in the image?", str(rng.randint(100, 999))
        elif source == "NonSemanticText":
            answer = "".join(rng.sample("ABCDEFHKLMNPRTXYZ", 3))
        elif source == "HME100k":
            question = "Please write out the expression of the formula in the image using LaTeX format."
            answer = f"{rng.randint(1, 9)} {rng.choice('+-')} {rng.randint(1, 9)}"
        image = _word(rng, answer, slanted=kind.startswith("Irregular"), artistic=kind.startswith("Artistic"))
    return {
        "dataset": source,
        "question": question,
        "question_type": kind,
        "answer": [answer],
        "image": image,
    }


def _word(rng: Random, text: str, *, slanted: bool, artistic: bool) -> Image.Image:
    """One word over the whole picture: dark on pale, coloured and outlined, or tilted."""
    canvas = Canvas(rng, 176, 96)
    size = rng.randint(50, 58)
    ink = COLOURS[rng.choice(("red", "green", "blue", "purple", "black"))]
    x, y = 88 + rng.randint(-8, 8), 48 + rng.randint(-10, 10)
    if artistic:
        canvas.draw.text(
            (x, y), text, COLOURS["yellow"], font(size), anchor="mm", stroke_width=4, stroke_fill=ink
        )
        return canvas.image
    canvas.text(x, y, text, size, ink)
    if slanted:
        angle = rng.choice((-1, 1)) * rng.uniform(6, 14)
        ground = canvas.image.getpixel((0, 0))
        return canvas.image.rotate(angle, Image.Resampling.BILINEAR, fillcolor=ground)
    return canvas.image


def _signs(rng: Random) -> tuple[str, str, Image.Image]:
    """Two coloured signs with a word each."""
    canvas = Canvas(rng, 168, 144)
    tones = rng.sample(("red", "green", "blue", "purple", "black"), 2)
    words = rng.sample(WORDS, 2)
    for n in range(2):
        x, y = 84 + rng.randint(-8, 8), 38 + 68 * n + rng.randint(-3, 3)
        canvas.bar(x - 70, y - 28, x + 70, y + 28, COLOURS[tones[n]])
        canvas.text(x, y, words[n], 40, (255, 255, 255))
    asked = rng.randrange(2)
    return f"What is written on the {tones[asked]} sign?", words[asked], canvas.image


def _receipt(rng: Random, *, extract: bool) -> tuple[str, str, Image.Image]:
    canvas = Canvas(rng, 160, 144, (255, 255, 255))
    names = rng.sample(_FIELDS, 2)
    values = [_field(rng, name) for name in names]
    for n in range(2):
        y = 36 + 70 * n + rng.randint(-6, 6)
        canvas.text(8, y - 22, names[n].upper(), 20, INK, anchor="lm")
        canvas.text(152, y + 8, values[n], 36, INK, anchor="rm")
    asked = rng.randrange(2)
    question = f"what is the value for '{names[asked].upper()}'? {_KIE}"
    if not extract:
        question = f"What is the {names[asked].lower()}?"
    return question, values[asked], canvas.image
