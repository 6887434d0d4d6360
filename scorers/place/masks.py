"""Binary masks as COCO run lengths: encoding (pycocotools), decoding, and looking up pixels.

A COCO mask is the run lengths of zeros and ones in turn, down the columns from left to right, packed into
printable characters. They are unpacked here: pycocotools reads beyond the end of a text that is no mask.
"""

from __future__ import annotations

import re
from functools import lru_cache
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


_RUN = re.compile("[P-o]*[0-O]")


def _run_lengths(counts: str) -> list[int]:
    """Unpacks compressed run lengths.

    Each character holds five bits, low ones first, and a sixth that says whether more follow; from the
    fourth run on the difference to the run before the last is stored.
    """
    if re.fullmatch("[0-o]*", counts) is None:
        raise ScorerError(f"not a COCO mask: {counts[:40]!r} is not all run lengths")
    runs: list[int] = []
    for run in _RUN.findall(counts):
        value = sum((ord(character) - 48 & 31) << 5 * place for place, character in enumerate(run))
        if ord(run[-1]) - 48 & 16:
            value -= 1 << 5 * len(run)
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


class Mask:
    """A binary mask of height × width pixels.

    Raises:
        ScorerError: the run lengths are not those of such a mask.
    """

    def __init__(self, counts: str, height: int, width: int) -> None:
        import numpy as np

        runs = _run_lengths(counts)
        if min(runs, default=0) < 0 or sum(runs) != height * width:
            raise ScorerError(f"the mask's run lengths do not add up to {width} × {height} pixels")
        self.height, self.width = height, width
        self.pixels: NDArray[Any] = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
        """Shape (height, width), bool."""

    def contains(self, x: int, y: int) -> bool:
        """Whether the pixel in column x and row y is inside the mask; False outside the image."""
        return 0 <= x < self.width and 0 <= y < self.height and bool(self.pixels[y, x])

    def count(self, x1: int, y1: int, x2: int, y2: int) -> int:
        """How many pixels of columns x1 … x2 − 1 and rows y1 … y2 − 1 are inside; the image clips."""
        return int(self.pixels[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)].sum())

    def deepest(self) -> tuple[int, int] | None:
        """The (column, row) of the pixel that is furthest from all outside; None where nothing is inside."""
        import numpy as np
        from scipy.ndimage import distance_transform_cdt

        depths = distance_transform_cdt(np.pad(self.pixels, 1), "chessboard")[1:-1, 1:-1]
        row, column = divmod(int(depths.argmax()), self.width)
        return (column, row) if self.contains(column, row) else None


load = lru_cache(maxsize=32)(Mask)
"""The mask of compressed COCO run lengths; the last 32 are kept."""
