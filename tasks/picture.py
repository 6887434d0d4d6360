"""From encoded bytes to the picture that a model and a reader see: upright, opaque, RGB, 8 bits a channel.

Backends, the copies of a run, reports and pixel limits all take a picture from here, so that none of them sees
another one than the rest.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""Orientation → what makes the picture upright (EXIF 2.32, 4.6.4)."""
_SIDEWAYS = (5, 6, 7, 8)
_COMMON = ("PNG", "JPEG", "WEBP")
_SIXTEEN_BIT = ("PNG", "PPM")
"""Formats of which Pillow gives grey of 16 bits as mode "I", which elsewhere means 32."""


LARGEST_FILE = 256 << 20
"""Bytes of an image file that are read. Of pixels Pillow's limit counts: 179 million."""


class ImageError(ValueError):
    """An image cannot be read."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an encoded image says of itself before any pixel is decoded."""

    size: tuple[int, int]
    """(width, height) in pixels, upright."""
    plain: bool
    """Every reader of the bytes sees what `decoded` gives: PNG, JPEG or WebP, nothing to turn or to flatten."""


def file_bytes(path: Path) -> bytes:
    """The content of an image file.

    Raises:
        ImageError: it cannot be read, is too large, or is no regular file: a device has no end, a FIFO may
            never have a writer.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                raise ImageError("not a regular file")
            if told.st_size > LARGEST_FILE:
                raise ImageError(f"{told.st_size:,} bytes, over {LARGEST_FILE >> 20} MiB")
            return file.read()
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a NUL in the path
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError(f"{str(path)!r}: {said}") from error


def header(data: bytes) -> Header:
    """The header of an encoded image. No pixels are decoded.

    Raises:
        ImageError: it is no image, or has no pixels.
    """
    with _reading():
        picture = _opened(data)
        turn = _orientation(picture)
        flat = picture.mode in ("1", "L", "P", "RGB") and "transparency" not in picture.info
        alone = picture.format in _COMMON and not getattr(picture, "is_animated", False)
        return Header(upright_size(picture), flat and alone and turn not in _TURNS)


def decoded(data: bytes, draft: int | None = None) -> Image:
    """The picture of an encoded image; of several frames the first.

    Args:
        data: the encoded image.
        draft: a decoder may skip detail down to so many pixels a side (JPEG); None: all of it.

    Raises:
        ImageError: it cannot be decoded, or its range of values is not known.
    """
    with _reading():
        picture = _opened(data)
        turn = _orientation(picture)
        if draft is not None:
            picture.draft("RGB", (draft, draft))
        picture.load()
        return flattened(_turned(picture, turn))


def stored(data: bytes) -> Image:
    """An encoded image with its own values: for masks, which are numbers rather than pictures.

    Raises:
        ImageError: it cannot be decoded.
    """
    with _reading():
        picture = _opened(data)
        picture.load()
        return picture


def ready(picture: Image) -> Image:
    """A decoded picture in the form that `decoded` gives.

    Raises:
        ImageError: its range of values is not known.
    """
    with _reading():
        return flattened(_turned(picture, _orientation(picture)))


def upright_size(picture: Image) -> tuple[int, int]:
    """(width, height) in pixels, once the picture is turned as it is shown."""
    width, height = picture.size
    return (height, width) if _orientation(picture) in _SIDEWAYS else (width, height)


def flattened(picture: Image) -> Image:
    """A picture in RGB: what is transparent laid on white, 16 bits a channel brought to 8."""
    import PIL.Image

    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in _SIXTEEN_BIT):
        import numpy as np

        grey = np.asarray(picture).astype(np.uint16) >> 8
        return PIL.Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise ImageError("its pixels are 32-bit numbers of unknown range: save it with 8 bits a channel")
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = PIL.Image.new("RGBA", layer.size, "white")
        return PIL.Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def _opened(data: bytes) -> Image:
    import PIL.Image

    try:
        picture = PIL.Image.open(io.BytesIO(data))
    except PIL.UnidentifiedImageError:  # it would name an address in memory
        raise ImageError("no image of a format that is known") from None
    if picture.format == "EPS":  # to decode it, Pillow would run Ghostscript
        raise ImageError("PostScript is a program, not a picture: save it as PNG")
    if 0 in picture.size:
        raise ImageError(f"has no pixels: {picture.size[0]} × {picture.size[1]}")
    return picture


def _orientation(picture: Image) -> int:
    """As EXIF says it, 1 for upright.

    Pillow turns a TIFF itself. A PNG's is looked for before the pixels alone: to find a later one Pillow would
    decode all of them. A block that cannot be read says nothing, as in every viewer.
    """
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a parser of foreign bytes; the pixels are not touched by it
        return 1


def _turned(picture: Image, orientation: int) -> Image:
    import PIL.Image

    if orientation not in _TURNS:
        return picture
    turned = picture.transpose(PIL.Image.Transpose[_TURNS[orientation]])
    turned.format = picture.format
    return turned


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever a decoder raises over foreign bytes is an `ImageError`; each format has its own exceptions."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines()
        known = isinstance(error, OSError | ValueError | SyntaxError)
        name = "" if known and said else f"{type(error).__name__}: "
        raise ImageError(f"cannot be decoded: {name}{said[0] if said else ''}".rstrip(": ")) from error
