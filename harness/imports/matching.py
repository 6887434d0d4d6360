"""Whether a prediction is about a sample: what was asked, the options and the right answer must agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.imports.logged import Logged
from harness.jsonl import plain
from harness.run.items import gold_of
from scorers.read.option import LETTERS
from scorers.types import Target
from tasks.options import as_list
from tasks.types import RowError, Sample

_IMAGE = re.compile(r"<image ?\d*>")
"""Where an image belongs: each tool writes it its own way."""
_CLOSE = 0.01
"""Of the image's side: how far corners of the same box may lie apart, for rounding."""
_LONGEST = 60


def mismatch(logged: Logged, sample: Sample) -> str | None:
    """Why a prediction cannot be about a sample, in words; None where nothing speaks against it."""
    asked = same(logged.question)
    questions = [sample.question, str(getattr(sample.target, "question", "") or "")]
    if not any(text and same(text) in asked for text in questions):
        return f"the row asks something else: {_short(sample.question)}, the log {_short(logged.question)}"
    if logged.choices and sample.choices and [*map(same, logged.choices)] != [*map(same, sample.choices)]:
        return f"the options differ: {_short(sample.choices)}, in the log {_short(logged.choices)}"
    golds = [*_golds(sample)]
    if logged.gold is None or not golds or not _texts(logged.gold):
        return None
    if boxes := [shape["box"] for shape in _shapes(sample.target) if "box" in shape]:
        written = _numbers(logged.gold)
        agree = written is None or any(_near(written, box) for box in boxes)
    else:
        agree = bool(set(map(_plain_number, golds)).intersection(map(_plain_number, _texts(logged.gold))))
    return None if agree else f"the right answer is {_short(golds[0])}, in the log {_short(logged.gold)}"


def same(text: str) -> str:
    """A text so that only what it says counts: letter case, blanks and marks of images do not."""
    return " ".join(_IMAGE.sub(" ", text).split()).casefold()


def _golds(sample: Sample) -> Iterator[str]:
    """The right answers as a log may write them; none where the right answer is a place that is no box."""
    target = sample.target
    if (shapes := _shapes(target)) and not any("box" in shape for shape in shapes):
        return
    gold = gold_of(target, None)
    options = sample.choices or getattr(target, "options", ())
    if gold is None:
        return
    if options and set(gold) <= set(LETTERS[: len(options)]):
        for index in map(LETTERS.index, gold if len(gold) == 1 else ""):  # several are written in many ways
            yield from (same(gold), same(options[index]), str(index))
        return
    yield same(gold)
    if not options:
        fields = plain(target)
        yield from (text for name, value in fields.items() if name != "question" for text in _texts(value))


def _shapes(target: Target) -> Sequence[Any]:
    try:
        return target.shapes()
    except NotImplementedError:
        return ()


def _texts(value: Any) -> list[str]:
    """The texts in a value: a list, a list written as text, or one text."""
    if value is None or isinstance(value, dict):
        return []
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    try:
        return [same(text) for text in as_list(value, "target")]
    except RowError:
        return [same(str(value))]


def _plain_number(text: str) -> str:
    """A number in one spelling: tables turn 5 into 5.0."""
    try:
        return repr(float(text))
    except ValueError:
        return text


def _numbers(value: Any) -> list[float] | None:
    """Four numbers; None where it is anything else, which then is not compared."""
    try:
        found = [float(text) for text in _texts(value)]
    except ValueError:
        return None
    return found if len(found) == 4 else None


def _near(written: Sequence[float], box: Sequence[float]) -> bool:
    """Whether four numbers are a box, in fractions: pixels, and width and height, are another tool's affair."""
    if max(map(abs, written)) > 1 + _CLOSE:
        return True
    return all(abs(one - other) <= _CLOSE for one, other in zip(written, box, strict=True))


def _short(value: Any) -> str:
    text = repr(value if isinstance(value, str) else list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
