"""Images for models that receive them encoded: fitted to pixel limits, as bytes with a MIME type."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from harness.types import PixelLimits
from tasks.images import ImageRef

_MIME = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image ready to be sent."""

    data: bytes
    mime: str
    size: tuple[int, int]
    """(width, height) in pixels."""


def mime_of(data: bytes) -> str | None:
    """The MIME type of encoded bytes, where it is one that every server reads; None otherwise."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MIME.items() if data.startswith(magic)), None)


def fit(size: tuple[int, int], limits: PixelLimits, factor: int = 1) -> tuple[int, int]:
    """The size within the limits nearest to a size, its aspect kept, both sides multiples of `factor`.

    With `factor` this is Qwen's `smart_resize` (qwen-vl-utils): sides rounded to the factor, then scaled
    down or up until width × height is within the limits.

    Args:
        size: (width, height) in pixels.
        limits: bounds on width × height; None is no bound.
        factor: what both sides must divide by, in pixels.
    """
    width, height = size
    new = (max(factor, round(width / factor) * factor), max(factor, round(height / factor) * factor))
    if limits.max_pixels is not None and new[0] * new[1] > limits.max_pixels:
        scale = math.sqrt(width * height / limits.max_pixels)
        new = (
            max(factor, math.floor(width / scale / factor) * factor),
            max(factor, math.floor(height / scale / factor) * factor),
        )
    elif limits.min_pixels is not None and new[0] * new[1] < limits.min_pixels:
        scale = math.sqrt(limits.min_pixels / (width * height))
        new = (
            math.ceil(width * scale / factor) * factor,
            math.ceil(height * scale / factor) * factor,
        )
    return new


def encode(image: ImageRef, limits: PixelLimits, factor: int = 1) -> EncodedImage:
    """The image as it is sent: its own bytes where they need no change, else resized, as PNG.

    Raises:
        tasks.images.ImageError: it cannot be decoded.
    """
    data, size = image.data, image.size
    wanted = fit(size, limits, factor)
    mime = mime_of(data)
    if wanted == size and mime is not None:
        return EncodedImage(data, mime, size)
    import PIL.Image

    picture = image.open()
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if wanted != size:
        picture = picture.resize(wanted, PIL.Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return EncodedImage(buffer.getvalue(), "image/png", wanted)
