"""Responses that nobody should give: every scorer is total, deterministic, bounded in value and in time.

The default run judges a few hundred random mixtures a task; `HARNESS_HOSTILE=20000` judges as many as it says.
"""

from __future__ import annotations

import json
import os
import random
import time
from functools import cache
from typing import Any

import pytest

from scorers.types import Score, Status
from tasks import BUILTIN, load_builtin
from tasks.types import Response, Sample, Task

COUNT = int(os.environ.get("HARNESS_HOSTILE", "400"))
CHOICE_COLUMNS = {"A": "red", "B": "dark blue", "C": "green", "D": "none"}
REFERRING = {"question_id": "1", "answer": ["the cup"], "bbox": [10, 5, 20, 15], "width": 64, "height": 48}
MATHS = {"metadata": {"subject": "Plane Geometry", "subfield": "Angle"}, "problem_version": "Text Dominant"}

# fmt: off
ROWS: dict[str, list[dict[str, Any]]] = {
    "mmmu": [
        {"id": "validation_Art_1", "question": "What sign?", "options": "['$\\\\ll$', '0', '2 cm', 'no']",
         "answer": "C", "question_type": "multiple-choice"},
        {"id": "validation_Art_2", "question": "How long?", "options": "[]", "answer": "2.5",
         "question_type": "open"},
        {"id": "validation_Art_3", "question": "Is it?", "options": "[]", "answer": "yes",
         "question_type": "open"},
    ],
    "mmbench": [{"index": 1, "question": "Which colour?", "answer": "B", **CHOICE_COLUMNS}],
    "mmstar": [
        {"index": 1, "question": "Which?\nOptions: A: red, B: 12, C: a dog, D: nan", "answer": "B",
         "category": "c", "l2_category": "l"},
        {"index": 2, "question": "Which?", "A": "red", "B": "12", "answer": "B",
         "category": "c", "l2_category": "l"},
    ],
    "mathvista": [
        {"pid": "1", "question": "How many?", "choices": None, "precision": None, "answer": "3",
         "answer_type": "integer", "question_type": "free_form", "metadata": {}},
        {"pid": "2", "question": "How long?", "choices": None, "precision": 1.0, "answer": "1.2",
         "answer_type": "float", "question_type": "free_form", "metadata": {}},
        {"pid": "3", "question": "Between which years?", "choices": None, "precision": None,
         "answer": "[2014, 2016]", "answer_type": "list", "question_type": "free_form", "metadata": {}},
        {"pid": "4", "question": "Is A less than B?", "choices": ["yes", "no"], "precision": None,
         "answer": "no", "answer_type": "text", "question_type": "multi_choice", "metadata": {}},
    ],
    "mathverse": [
        {**MATHS, "sample_index": "1", "problem_index": "1", "answer": "C", "question_type": "multi-choice",
         "question": "Find BC.\nChoices:\nA:2\nB:2√{3}\nC:√{3}\nD:4"},
        {**MATHS, "sample_index": "2", "problem_index": "2", "answer": "2x + 1", "question_type": "free-form",
         "question": "Find f(x)."},
    ],
    "mathvision": [
        {"id": "1", "question": "Find x.", "options": [], "answer": "\\frac{1}{2}", "level": "1",
         "subject": "algebra"},
        {"id": "2", "question": "Which?", "options": ["1", "2", "3", "4", "5"], "answer": "B", "level": "1",
         "subject": "algebra"},
    ],
    "ai2d": [{"question": "Which label?", "options": ["D", "A", "B", "C"], "answer": "1"}],
    "chartqa": [
        {"type": "human_test", "question": "What share?", "answer": "47"},
        {"type": "human_test", "question": "Which years?", "answer": "[2013, 2016]"},
        {"type": "human_test", "question": "Which group?", "answer": "50-64 years"},
        {"type": "human_test", "question": "Is it?", "answer": "Yes"},
    ],
    "charxiv": [
        {"reasoning_q": "Which subplot?", "reasoning_a": "(c)", "reasoning_a_type": 1},
        {"reasoning_q": "What trend?", "reasoning_a": "increase then decrease", "reasoning_a_type": 2},
        {"reasoning_q": "What is K?", "reasoning_a": "0.8", "reasoning_a_type": 3},
        {"reasoning_q": "Which ticks?", "reasoning_a": "3, 4", "reasoning_a_type": 4},
    ],
    "docvqa": [{"questionId": "1", "question": "What is the page number?", "answers": ["12", "twelve"]}],
    "infovqa": [{"questionId": "1", "question": "How many icons?", "answers": ["5", "five"]}],
    "ocrbench": [
        {"dataset": "IIIT5K", "question_type": "Regular Text Recognition", "question": "what is written?",
         "answer": ["CENTRE"]},
        {"dataset": "HME100k", "question_type": "Handwritten Mathematical Expression Recognition",
         "question": "Write it in LaTeX.", "answer": ["x = 1"]},
    ],
    "embspatial": [
        {"question_id": "1", "question": "Where is it?", "answer_options": ["left", "right", "above", "under"],
         "answer": 1, "relation": "right", "data_source": "scannet"},
    ],
    "robospatial": [
        {"category": "configuration", "question": "Is it left?", "answer": "yes", "width": 200, "height": 100},
        {"category": "context", "question": "Point to it.", "answer": "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.6)]",
         "width": 200, "height": 100},
    ],
    "refcoco": [REFERRING], "refcoco+": [REFERRING], "refcocog": [REFERRING],
    "refspatial": [],
}
# fmt: on
CONVENTIONS = ("norm1000", "abs", "norm1", "loc1024")

PIECES = (
    "<think>", "</think>", "<answer>", "</answer>", "◁think▷", "◁/think▷", "<|begin_of_box|>",
    "<|end_of_box|>", "<|im_end|>", "(", ")", "[", "]", "{", "}", "<", ">", "“", "”", "'", '"',
    "`", "**", "_", "|", "$", "$$", "\\(", "\\)", "\\[", "\\]", "A", "B", "(C)", "D.", "b)", "E",
    "A or B", "A, B", "not B", "Option C", "option ", "E is wrong", "letter ", "choice ", "1",
    "12", "-3.5", "1,234", "0.", ".5", "1e9", "9" * 40, "1/2", "½", "47%", "2^99", "10^-400",
    "1:2", "3 cm", "2014", "0/0", "\\boxed{", "\\frac{", "\\sqrt", "\\text{", "^", "_", "\\pi",
    "\\infty", "=", "≤", "\\begin{pmatrix}", "&", "\\\\", "x", "(x+1)^2", '{"answer": ', '"B"',
    '{"bbox_2d": [', "10, 20, 30, 40]", '{"point": [1, 2]}', "<point x=\"1\" y=\"2\">",
    "<loc0001>", "nan", "inf", "The answer is ", "Answer: ", "is the answer", "答案是", "正确选项为",
    "Die Antwort ist ", "La respuesta es ", "Ответ: ", "정답: ", "the answer ", "correct option: ",
    "wait, ", "actually, ", "no, ", "not ", "never ", "so ", "therefore ", "or ", "and ", "than ",
    "yes", "no", "maybe", "I cannot see the image", "red", "dark blue", "left", "CENTRE", "twelve",
    "half", "a dozen", "third", " ", "\n", "\n\n", "\t", "\r", ". ", ", ", "; ", ": ", "! ", "? ",
    "...", "—", "- ", "1. ", "# ", "```", "> ", "\u3000", "😀", "👨‍👩‍👧", "\u202e", "\u200f",
    "\u200b", "\ufeff", "\x00", "\ud800", "é", "ﬁ", "Ａ", "ß", "İ", "٤٧", "中", "가", "ไทย", "עברית",
)  # fmt: skip

LONG = {
    "blanks": " ",
    "letters": "a ",
    "brackets": "(",
    "boxes": "\\boxed{",
    "announced": "answer is ",
    "digits": "1,",
    "thinking": "<think>",
    "objects": '{"answer": ',
    "options": "A. ",
    "denials": "not ",
    "equations": "= ",
    "retracted": "wait, ",
    "nouns": "option ",
}
"""Pieces of which a long text is made."""


@cache
def samples(name: str) -> tuple[Task, tuple[Sample, ...]]:
    task = load_builtin(name)
    rows = list(ROWS[name])
    if name == "refspatial":
        pytest.importorskip("PIL")
        row = {"id": 1, "prompt": "Point out the cup.", "suffix": "", "object": "the cup", "split": "location"}
        rows = [{**row, "mask": mask_file()}]
    return task, tuple(sample for row in rows for sample in task.to_samples(row))


@cache
def mask_file() -> bytes:
    """A mask of 64 by 48 pixels with a white box, as a PNG."""
    import io

    from PIL import Image

    image = Image.new("L", (64, 48))
    image.paste(255, (10, 5, 30, 25))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def judge(task: Task, sample: Sample, text: str, number: int = 0) -> Score:
    coords = CONVENTIONS[number % len(CONVENTIONS)] if task.places else None
    return task.score(sample, Response(text, "length" if number % 7 == 0 else "stop"), coords=coords)


def hostile(seed: int) -> str:
    """A random mixture of pieces; some with a piece many times over."""
    draw = random.Random(seed)
    parts = [draw.choice(PIECES) for _ in range(draw.randint(1, 24))]
    if draw.random() < 0.1:
        parts.insert(draw.randrange(len(parts)), draw.choice(PIECES) * draw.randint(20, 2000))
    return draw.choice(("", " ", "\n")).join(parts)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", BUILTIN)
def test_every_scorer_is_total_deterministic_and_within_bounds(name: str) -> None:
    task, made = samples(name)
    assert made
    slowest = (0.0, 0)
    for number in range(COUNT):
        text, sample = hostile(number), made[number % len(made)]
        began = time.perf_counter()
        score = judge(task, sample, text, number)
        slowest = max(slowest, (time.perf_counter() - began, number))
        assert 0.0 <= score.value <= 1.0, (number, text)
        assert score.official is None or 0.0 <= score.official <= 1.0, (number, text)
        assert score.status in tuple(Status), (number, text)
        assert score.value == 0.0 or score.status is Status.OK, (number, text)
        json.dumps([score.extracted, score.channel, dict(score.components), score.shapes], allow_nan=False)
        if number % 4 == 0 and score.status is not Status.ERROR:
            forget()
            assert judge(task, sample, text, number) == score, (number, text)
    print(f"{name}: slowest of {COUNT}: {slowest[0]:.2f} s (number {slowest[1]})")


def forget() -> None:
    """Empties the caches of reading, so that a text is read anew."""
    from scorers.read import locate, normalise

    for module in (locate, normalise):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def took(task: Task, made: tuple[Sample, ...], text: str) -> float:
    """Seconds for the slowest of a task's samples."""
    forget()
    seconds = 0.0
    for sample in made:
        began = time.perf_counter()
        score = judge(task, sample, text, 1)
        assert 0.0 <= score.value <= 1.0, text[:40]
        seconds = max(seconds, time.perf_counter() - began)
    return seconds


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", BUILTIN)
def test_long_texts_take_bounded_time(name: str) -> None:
    task, made = samples(name)
    timings = []
    for label, piece in LONG.items():
        short = took(task, made, piece * (100_000 // len(piece)))
        long = took(task, made, piece * (1_000_000 // len(piece)))
        timings.append((long, short, label))
        more = " FASTER THAN LINEAR" if long > 1.0 and long > 15 * short else ""
        if long > 1.0:
            print(f"{name} {label}: 100 kB {short:.2f} s, 1 MB {long:.2f} s{more}")
    long, short, label = max(timings)
    print(f"{name}: slowest {label}: 100 kB {short:.2f} s, 1 MB {long:.2f} s")
