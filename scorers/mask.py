"""Binary masks as COCO run lengths: encoding (pycocotools), and looking up pixels without decoding to an array.

A COCO mask is the run lengths of zeros and ones in turn, down the columns from left to right, packed into
printable characters. Looking a pixel up is a binary search in the run ends: a microsecond, without holding the
picture.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from scorers.types import ScorerError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode(mask: NDArray[Any]) -> str:
    """A mask, shape (height, width), any non-zero value inside → its compressed COCO run lengths."""
    import numpy as np
    from pycocotools import mask as coco

    counts = coco.encode(np.asfortranarray(np.asarray(mask) > 0, dtype=np.uint8))["counts"]
    return counts.decode("ascii") if isinstance(counts, bytes) else str(counts)


def _run_lengths(counts: str) -> list[int]:
    """Unpacks compressed run lengths.

    Each character holds five bits, low ones first, and a sixth that says whether more follow; from the
    fourth run on the difference to the run before the last is stored.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ScorerError(f"not a COCO mask: character {character!r} in its run lengths")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
        value = shift = 0
    return runs


class Mask:
    """A binary mask of height × width pixels."""

    def __init__(self, counts: str, height: int, width: int) -> None:
        runs = _run_lengths(counts)
        if min(runs, default=0) < 0 or sum(runs) != height * width:
            raise ScorerError(f"the mask's run lengths do not add up to {width} × {height} pixels")
        self.height = height
        self.width = width
        self._ends = array("q", accumulate(runs))
        self._ones = array("q", accumulate(runs[i] if i % 2 else 0 for i in range(len(runs))))

    def contains(self, x: int, y: int) -> bool:
        """Whether the pixel in column x and row y is inside the mask; False outside the image."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return False
        return bisect_right(self._ends, x * self.height + y) % 2 == 1

    def array(self) -> NDArray[Any]:
        """All pixels, shape (height, width), bool."""
        import numpy as np

        ends = np.frombuffer(self._ends, np.int64)
        inside = np.arange(len(ends)) % 2 == 1
        return np.repeat(inside, ends - np.append(0, ends[:-1])).reshape(self.width, self.height).T

    def _ones_before(self, index: int) -> int:
        """How many of the first so many pixels, down the columns, are inside."""
        run = bisect_right(self._ends, index - 1) if index > 0 else 0
        ones = self._ones[run - 1] if run else 0
        return ones + (index - (self._ends[run - 1] if run else 0)) if run % 2 else ones

    def count(self, x1: int, y1: int, x2: int, y2: int) -> int:
        """How many pixels of columns x1 … x2 − 1 and rows y1 … y2 − 1 are inside; the image clips."""
        top, bottom = max(y1, 0), min(y2, self.height)
        if top >= bottom:
            return 0
        return sum(
            self._ones_before(x * self.height + bottom) - self._ones_before(x * self.height + top)
            for x in range(max(x1, 0), min(x2, self.width))
        )


@lru_cache(maxsize=512)
def load(counts: str, height: int, width: int) -> Mask:
    """The mask of compressed COCO run lengths; the last 512 are kept.

    Raises:
        ScorerError: the run lengths are not those of such a mask.
    """
    return Mask(counts, height, width)
