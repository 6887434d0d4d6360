"""A right response to a sample, written from its target: what `harness validate` answers with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tasks.types import Sample

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def gold_response(sample: Sample) -> str | None:
    """A response that must score 1, places in fractions of width and height (`norm1`).

    The target is read by the names of its fields: `answer` (an option's index, a number, a text), `answers` or
    `golds`, `box`, `polygon`, a mask's `counts`. None where it has none of them.
    """
    target = sample.target
    answer = getattr(target, "answer", None)
    if isinstance(answer, float):
        return f"{answer:.12g}"
    if isinstance(answer, int) and answer >= 0:
        return LETTERS[answer]
    if isinstance(answer, str) and answer:
        return answer
    for several in ("answers", "golds"):
        if getattr(target, several, ()):
            return str(getattr(target, several)[0])
    return _gold_place(target)


def _gold_place(target: Any) -> str | None:
    """A right box or point."""
    if hasattr(target, "counts"):
        return _point(_inside_mask(target))
    if getattr(target, "polygon", ()):
        return _point(_inside_polygon(target.polygon))
    if hasattr(target, "box") and getattr(target, "width", None):
        left, top, right, bottom = target.box
        width, height = target.width, target.height
        fractions = (left / width, top / height, right / width, bottom / height)
        return json.dumps({"bbox_2d": [round(value, 5) for value in fractions]})
    return None


def _point(point: tuple[float, float]) -> str:
    return f"[({point[0]:.4f}, {point[1]:.4f})]"


def _inside_mask(target: Any) -> tuple[float, float]:
    """The middle of the longest horizontal run of the mask, as fractions of width and height."""
    import numpy as np
    from pycocotools import mask

    decoded = mask.decode({"size": [target.height, target.width], "counts": target.counts.encode()})
    padded = np.zeros((target.height, target.width + 2), np.int8)
    padded[:, 1:-1] = decoded > 0
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    longest = int(np.argmax(ends - starts))
    x = (int(starts[longest]) + int(ends[longest])) // 2
    return (x + 0.5) / target.width, (int(rows[longest]) + 0.5) / target.height


def _inside_polygon(polygon: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The middle of the widest stretch inside the polygon at half its height."""
    heights = sorted({y for _, y in polygon})
    y = (heights[0] + heights[-1]) / 2
    if y in heights:  # not through a corner
        y = (y + heights[heights.index(y) + 1]) / 2
    crossings = sorted(
        x1 + (y - y1) / (y2 - y1) * (x2 - x1)
        for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True)
        if (y1 > y) != (y2 > y)
    )
    stretches = list(zip(crossings[::2], crossings[1::2], strict=True))
    left, right = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return (left + right) / 2, y
