"""What a picture looks like, in 80 bytes that survive resizing and encoding again; and near ones found.

The hash is the perceptual hash of Zauner (2010), as imagehash's `phash` has it, of 256 bits: which of the
lowest 16 × 16 coefficients of the cosine transform of a grey picture of 64 × 64 are above their median. Colour
is compared apart, as the means of 4 × 4 cells.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
GREY = 64
COLOURS = 4
NEAR = 24
"""Bits of 256 in which two encodings of one picture may differ. Other pictures differ in 128, give or take."""
NEAR_COLOUR = 24
"""Levels of 255 by which the mean colour of a cell may."""
PLAIN = 4.0
"""Levels of 255: a picture whose grey varies less (standard deviation) is known by its bytes alone."""
COMMON = 256
"""Pictures that share a band: where more do, the other bands have to find a near one."""
_BANDS = 16
"""Of two hashes that differ in fewer bits one of so many bands is equal for certain; in 24, 99 times in 100."""


@dataclass(frozen=True, slots=True)
class Look:
    """A picture's hash."""

    bits: NDArray[np.uint8]
    """(32,), eight bits each."""
    colours: NDArray[np.uint8]
    """(48,) mean red, green and blue of 16 cells."""

    plain: bool
    """Whether there is too little in it to know it by."""


def look(picture: Image.Image) -> Look:
    """The hash of a picture.

    Args:
        picture: upright and RGB, as `ImageRef.picture` gives it.
    """
    from scipy.fft import dctn

    grey = np.asarray(picture.convert("L").resize((GREY, GREY), Image.Resampling.BILINEAR), np.float64)
    low = dctn(grey)[:SIDE, :SIDE]
    small = picture.resize((COLOURS, COLOURS), Image.Resampling.BILINEAR)
    colours = np.asarray(small, np.uint8).reshape(-1)
    return Look(np.packbits(low > np.median(low)), colours, bool(grey.std() < PLAIN))


class Looks:
    """Pictures by what they look like. In memory each takes some 250 bytes."""

    def __init__(self) -> None:
        self._bits, self._colours = array("B"), array("B")
        self._sorted: list[tuple[NDArray[np.uint16], NDArray[np.int64]]] | None = None

    def __len__(self) -> int:
        return len(self._bits) * 8 // SIDE**2

    def add(self, found: Look) -> int:
        """The next picture; its number, from 0."""
        self._sorted = None
        self._bits.frombytes(found.bits.tobytes())
        self._colours.frombytes(found.colours.tobytes())
        return len(self) - 1

    def near(self, found: Look) -> list[int]:
        """The numbers of those that look the same, in order; none for a plain picture."""
        if found.plain or not len(self):
            return []
        candidates = np.unique(np.concatenate([*self._candidates(found)]))
        bits, colours = (
            np.frombuffer(column, np.uint8).reshape(len(self), -1)[candidates]
            for column in (self._bits, self._colours)
        )
        apart = np.bitwise_count(bits ^ found.bits).sum(1)
        shift = np.abs(colours.astype(np.int16) - found.colours.astype(np.int16)).max(1, initial=0)
        return [int(number) for number in candidates[(apart <= NEAR) & (shift <= NEAR_COLOUR)]]

    def _candidates(self, found: Look) -> Iterator[NDArray[np.int64]]:
        """The pictures that share a band, of each band that few share."""
        if self._sorted is None:
            table = _bands(np.frombuffer(self._bits, np.uint8).reshape(len(self), -1))
            orders = [np.argsort(column, kind="stable") for column in table]
            self._sorted = [(column[order], order) for column, order in zip(table, orders, strict=True)]
        for key, (keys, order) in zip(_bands(found.bits[None]), self._sorted, strict=True):
            start, end = np.searchsorted(keys, key[0]), np.searchsorted(keys, key[0], "right")
            if end - start <= COMMON:
                yield order[start:end]
        yield np.zeros(0, np.int64)


def _bands(bits: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(bands, n) numbers made of every sixteenth bit of n hashes, so that each has low and high frequencies."""
    single = np.unpackbits(bits, axis=1).reshape(len(bits), -1, _BANDS)
    packed = np.packbits(single.transpose(2, 0, 1), axis=2)
    return np.ascontiguousarray(packed).view(np.uint16)[..., 0]
