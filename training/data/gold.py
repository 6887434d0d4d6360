"""What a model should have answered: the text that supervised training teaches for a sample.

One function per kind of target, chosen by the fields it has, as `harness.gold` does for validation; here
places are written in the convention of the model that is trained, and choices say the option's text in a
thought first and its letter after, so that what is seen and where it stands in the list are two steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from harness.gold import LETTERS, gold_response
from scorers.types import Coords
from tasks.types import Sample, Style

_BARE = re.compile(r"[A-Za-z]|<image \d+>|")
"""Option texts that say no more than the letter."""


def answer_text(sample: Sample, coords: Coords | None, style: Style = "direct") -> str | None:
    """The response to teach; None where the target holds no answer that can be written.

    Args:
        sample: as the task made it.
        coords: the model's convention, for places.
        style: `think` puts the answer in `<answer>`, after thinking that names the chosen option.

    Raises:
        ValueError: a place is asked for and no convention is declared.
    """
    found = _answer(sample, coords)
    if found is None:
        return None
    answer, thought = found
    if style == "think":
        return _thinking(thought or " Look.", answer)
    return f"<think>{thought}</think>{answer}" if thought else answer


def guess_text(sample: Sample, other: Sample, coords: Coords | None) -> str | None:
    """A careless response: the answer to another sample of the task, after thinking that says so.

    Demonstrations of mixed quality make a weak start for policy training: a model that knows better than it
    mostly does.

    Args:
        sample: what is asked.
        other: the sample whose answer is given.
        coords: as for `answer_text`.

    Returns:
        None where that answer would not be of the kind asked for: a place, a letter, a text.
    """
    found = _answer(other, coords)
    return _thinking(" Guess.", found[0]) if found is not None and _kind(sample) == _kind(other) else None


def _kind(sample: Sample) -> tuple[bool, bool, int]:
    """What answers look like: a place or not, a polygon's or not, one of how many options."""
    target = sample.target
    options = sample.choices or getattr(target, "options", ())
    return (
        hasattr(target, "box") or hasattr(target, "counts"),
        bool(getattr(target, "polygon", ())),
        len(options),
    )


def _thinking(thought: str, answer: str) -> str:
    return f"<think>{thought}</think><answer>{answer}</answer>"


def _answer(sample: Sample, coords: Coords | None) -> tuple[str, str] | None:
    """The right answer and the thought that names a chosen option, empty where there is nothing to name."""
    place = place_text(sample.target, coords)
    answer = place if place is not None else gold_response(sample)
    if answer is None:
        return None
    options = sample.choices or getattr(sample.target, "options", ())
    index = _option(sample, answer, options)
    if index is None:
        return answer, ""
    text, letter = options[index], LETTERS[index]
    return letter, "" if _BARE.fullmatch(text) else f" {text} {letter}"


def _option(sample: Sample, answer: str, options: Sequence[str]) -> int | None:
    """Which of the options is right; None where there are none."""
    given = getattr(sample.target, "answer", None)
    if not options:
        return None
    if isinstance(given, int):
        return given
    if answer in options:
        return options.index(answer)
    letters = LETTERS[: len(options)]
    return letters.index(answer) if len(answer) == 1 and answer in letters else None


def place_text(target: Any, coords: Coords | None) -> str | None:
    """A box or a point in a model's convention; None where the target is no place."""
    if hasattr(target, "box"):
        return _box(target.box, (target.width or 1, target.height or 1), coords)
    if hasattr(target, "counts"):
        return _point(_mask_centre(target), (target.width, target.height), coords)
    if getattr(target, "polygon", ()):
        x, y = _polygon_centre(target.polygon)
        width, height = target.width or 1, target.height or 1
        return _point((x * width, y * height), (width, height), coords)
    return None


def _numbers(place: tuple[float, ...], size: tuple[int, int], coords: Coords | None) -> list[str]:
    """Pixels x, y, x, y … in a convention that writes x first."""
    if coords == "abs":
        return [str(round(value)) for value in place]
    fractions = [value / size[axis % 2] for axis, value in enumerate(place)]
    if coords == "norm1":
        return [f"{value:.3f}" for value in fractions]
    if coords == "norm1000":
        return [str(min(999, max(0, round(1000 * value)))) for value in fractions]
    raise ValueError(f"training writes places as abs, norm1 or norm1000, not {coords}")


def _box(box: tuple[float, ...], size: tuple[int, int], coords: Coords | None) -> str:
    return f'{{"bbox_2d": [{", ".join(_numbers(tuple(box), size, coords))}]}}'


def _point(point: tuple[float, float], size: tuple[int, int], coords: Coords | None) -> str:
    numbers = ", ".join(_numbers(point, size, coords))
    return f"[({numbers})]" if coords == "norm1" else f'[{{"point_2d": [{numbers}]}}]'


def _mask_centre(target: Any) -> tuple[float, float]:
    """The pixel of the mask nearest to its centre of mass."""
    import numpy as np
    from pycocotools import mask

    decoded = mask.decode({"size": [target.height, target.width], "counts": target.counts.encode()})
    rows, columns = np.nonzero(decoded)
    y, x = rows.mean(), columns.mean()
    nearest = int(np.argmin((rows - y) ** 2 + (columns - x) ** 2))
    return float(columns[nearest]) + 0.5, float(rows[nearest]) + 0.5


def _polygon_centre(polygon: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The centroid, by the shoelace formula; right for convex polygons, near enough to teach by for others."""
    area = x = y = 0.0
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        area += cross / 2
        x += (x1 + x2) * cross / 6
        y += (y1 + y2) * cross / 6
    if abs(area) < 1e-12:
        count = len(polygon)
        return sum(point[0] for point in polygon) / count, sum(point[1] for point in polygon) / count
    return x / area, y / area
