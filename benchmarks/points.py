"""Speed of points in masks and of reading boxes: `python benchmarks/points.py`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np

from scorers.place import masks
from scorers.rules.grounding import BoxTarget, grounding
from scorers.rules.refspatial import MaskTarget, points_in_mask
from scorers.types import Answer


def ellipses(width: int, height: int, parts: int, rng: random.Random) -> np.ndarray:
    """The pixels of overlapping ellipses: (height, width), bool."""
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width), dtype=bool)
    for _ in range(parts):
        cx, cy, rx, ry = rng.random() * width, rng.random() * height, width / 6, height / 6
        pixels |= ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
    return pixels


def blob(width: int, height: int, parts: int, rng: random.Random) -> MaskTarget:
    """A mask of overlapping ellipses."""
    return MaskTarget(masks.encode(ellipses(width, height, parts, rng)), height, width)


def per_call(
    run: Callable[[], object],
    repeats: int = 5,
    calls: int = 2_000,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Milliseconds a call: the best of several rounds."""
    best = float("inf")
    for _ in range(repeats):
        started = clock()
        for _ in range(calls):
            run()
        best = min(best, clock() - started)
    return best / calls * 1_000


def main() -> None:
    rng = random.Random(0)
    for width, height in ((640, 480), (1920, 1440)):
        target = blob(width, height, 6, rng)
        started = time.perf_counter()
        mask = masks.Mask(target.counts, height, width)
        unpack = (time.perf_counter() - started) * 1_000
        answer = Answer("[(0.4321, 0.5678)]", "norm1")
        lookup = per_call(lambda mask=mask, w=width, h=height: mask.contains(w // 3, h // 2))
        score = per_call(lambda answer=answer, target=target: points_in_mask(answer, target))
        print(
            f"{width} × {height}: unpack once {unpack:.2f} ms, "
            f"point in mask {lookup:.4f} ms, response to Score {score:.4f} ms"
        )
    text = '```json\n[\n\t{"bbox_2d": [16, 135, 140, 468], "label": "man standing far left in orange"}\n]\n```'
    box = BoxTarget((14.7, 133.6, 121.8, 469.7), 640, 480)
    print(f"box, parse to Score: {per_call(lambda: grounding(Answer(text, 'abs'), box)):.4f} ms")


if __name__ == "__main__":
    main()
