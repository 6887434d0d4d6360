"""Images as rows hold them: encoded bytes, a path, base64, a decoded picture, opened only when needed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.picture import Header, ImageError, decoded, header, ready, stored, upright_size

__all__ = ["ImageError", "ImageRef"]

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageRef:
    """One image of a sample. Decoding is lazy, so planning a run reads no pixels.

    Args:
        value: what a row holds: encoded bytes, the hub's `{"bytes": …, "path": …}`, a path, base64 text or
            a PIL image.

    Raises:
        ImageError: at once where `value` is none of these, later where it cannot be decoded.
    """

    def __init__(self, value: Any) -> None:
        self._picture: Image | None = None
        self._bytes: bytes | None = None
        self._path: Path | None = None
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes | bytearray):
            self._bytes = bytes(value)
        elif isinstance(value, Path):
            self._path = value
        elif isinstance(value, str) and value:
            self._from_text(value)
        elif hasattr(value, "convert") and hasattr(value, "size"):
            self._picture = value
        else:
            raise ImageError(f"not an image: {type(value).__name__} {str(value)[:40]!r}")

    def _from_text(self, text: str) -> None:
        if len(text) < 1024:
            self._path = Path(text)
            return
        try:
            self._bytes = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ImageError(f"neither a path nor base64: {text[:40]!r}…") from None

    @property
    def path(self) -> Path | None:
        """The file that holds the image, where it has one of its own."""
        return self._path

    @cached_property
    def data(self) -> bytes:
        """The encoded image: as stored, or a PNG of `picture` where the row holds it decoded."""
        if self._bytes is not None:
            return self._bytes
        if self._path is not None:
            try:
                return self._path.read_bytes()
            except (OSError, ValueError) as error:  # ValueError: a NUL in the path
                raise ImageError(f"{str(self._path)!r}: {getattr(error, 'strerror', None) or error}") from error
        assert self._picture is not None
        buffer = io.BytesIO()
        ready(self._picture).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    @cached_property
    def sha(self) -> str:
        """SHA-256 of the encoded image, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def picture(self) -> Image:
        """The picture as it is shown: upright, opaque, RGB, 8 bits a channel.

        Raises:
            ImageError: it cannot be decoded.
        """
        return ready(self._picture) if self._picture is not None else decoded(self.data)

    def values(self) -> Image:
        """The image with the values that it holds: for masks, which are numbers rather than pictures.

        Raises:
            ImageError: it cannot be decoded.
        """
        return self._picture if self._picture is not None else stored(self.data)

    @property
    def header(self) -> Header:
        """What the encoded image says of itself; no pixels are decoded.

        Raises:
            ImageError: it is no image.
        """
        return header(self.data)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of the picture as it is shown, read from the header alone."""
        return upright_size(self._picture) if self._picture is not None else self.header.size
