"""RefSpatial-Bench's own rule: `text2pts` and `compute_accuracy` of RoboRefer's `summarize_acc.py`, restated.

Tuples `(a, b)` and `(a, b, c, d)` without space before a comma count, all of them, wherever they stand. A
vector with a decimal point in any of its numbers is in fractions of width and height and is cut down to
whole pixels; one of integers alone is pixels. Every pixel of the box that a vector of four spans is a point.
The score is the share of points in the mask; points outside the image are not; no points score 0.

Where the script fails (a box with its corners swapped, a number too long, boxes without end) it leaves
the item out of its mean; here it is wrong.
"""

from __future__ import annotations

import re

from scorers.place.masks import Mask

# The script's `\d+\.?\d*` with possessive quantifiers: the same language, in linear time.
_VECTOR = re.compile(r"\(([-+]?+\d++(?:\.\d*+)?+(?:,\s*+[-+]?+\d++(?:\.\d*+)?+)*+)\)")
_MAX_DIGITS = 300
_MAX_BOXES = 256
"""Vectors of four in one response: the script lists every pixel of each and runs out of memory."""


def refspatial_official(text: str, mask: Mask) -> float:
    """The script's score of a response, 0..1."""
    points = inside = boxes = 0
    for match in _VECTOR.finditer(text):
        words = match[1].split(",") if match[1].count(",") < 4 else []
        if len(words) not in (2, 4):
            continue
        if any(len(word.strip()) > _MAX_DIGITS for word in words):
            return 0.0
        if "." in match[1]:
            sides = (mask.width, mask.height, mask.width, mask.height)
            vector = [int(float(word) * side) for word, side in zip(words, sides, strict=False)]
        else:
            vector = [int(word) for word in words]
        if len(vector) == 2:
            points += 1
            inside += mask.contains(*vector)
        else:
            x1, y1, x2, y2 = vector
            boxes += 1
            if x2 < x1 or y2 < y1 or boxes > _MAX_BOXES:
                return 0.0
            points += (x2 - x1) * (y2 - y1)
            inside += mask.count(x1, y1, x2, y2)
    return inside / points if points else 0.0
