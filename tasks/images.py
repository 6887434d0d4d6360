"""Images as rows hold them: encoded bytes, a path, base64, a decoded picture, opened only when needed."""

from __future__ import annotations

import ast
import base64
import binascii
import contextlib
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.picture import Header, ImageError, decoded, file_bytes, header, ready, stored, upright_size

__all__ = ["IMAGE_COLUMNS", "ImageError", "ImageRef", "image_key", "row_images"]

if TYPE_CHECKING:
    from PIL.Image import Image


IMAGE_COLUMNS = (
    "image",
    "images",
    "decoded_image",
    "image_path",
    "image_paths",
    "img",
    "img_path",
    "picture",
    "pictures",
)
"""Names under which data sets hold their images; the first that holds any counts."""
_SHORT = 1024
"""A text of fewer characters is a path, a longer one base64."""
_ENCODED = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")
"""How base64 of a PNG, JPEG, GIF or WebP begins: no path, however short."""
_MOST_COMMAS = 1000
"""A text with more of them is no list of images: a row is not to fill the memory."""
_URL_SAFE = str.maketrans("-_", "+/")


class ImageRef:
    """One image of a sample. Decoding is lazy, so planning a run reads no pixels.

    Args:
        value: what a row holds: encoded bytes, the hub's `{"bytes": …, "path": …}`, a path, base64 (also of a
            data URI, wrapped over lines or URL-safe), an http(s) address, or a PIL image.

    Raises:
        ImageError: at once where `value` is none of these, later where it cannot be decoded.
    """

    def __init__(self, value: Any) -> None:
        self._picture: Image | None = None
        self._bytes: bytes | None = None
        self._path: Path | None = None
        self.url: str | None = None
        """Where the image is to be fetched from; its data cannot be had before."""
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path") or value.get("url")
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
        if text.startswith(("http://", "https://")):
            self.url = text
        elif text.startswith("data:"):
            kind, _, encoded = text.partition(",")
            if not kind.endswith(";base64"):
                raise ImageError(f"a data URI without base64: {text[:40]!r}…")
            self._bytes = _decoded(encoded)
        elif is_path(text):
            self._path = Path(text)
        else:
            self._bytes = _decoded(text)

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
            return file_bytes(self._path)
        if self.url is not None:
            raise ImageError(f"{self.url} is an address: --allow-image-urls fetches it")
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
        data = self.data if self._picture is None else b""
        with self._labelled():
            return ready(self._picture) if self._picture is not None else decoded(data)

    def values(self) -> Image:
        """The image with the values that it holds: for masks, which are numbers rather than pictures.

        Raises:
            ImageError: it cannot be decoded.
        """
        data = self.data if self._picture is None else b""
        with self._labelled():
            return self._picture if self._picture is not None else stored(data)

    @property
    def header(self) -> Header:
        """What the encoded image says of itself; no pixels are decoded.

        Raises:
            ImageError: it is no image.
        """
        data = self.data
        with self._labelled():
            return header(data)

    @property
    def label(self) -> str:
        """Its file or address, for messages; empty where it has none."""
        return str(self._path or self.url or "")

    @contextlib.contextmanager
    def _labelled(self) -> Iterator[None]:
        """What is wrong with the image is said with its name."""
        try:
            yield
        except ImageError as error:
            raise (ImageError(f"{self.label!r}: {error}") if self.label else error) from None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of the picture as it is shown, read from the header alone."""
        return upright_size(self._picture) if self._picture is not None else self.header.size


def is_path(text: str) -> bool:
    """Whether a text in an image column is a path, not base64, a data URI or an address."""
    other = text.startswith(("http://", "https://", "data:", *_ENCODED))
    return 0 < len(text) < _SHORT and not other and text != "nan"


def _decoded(text: str) -> bytes:
    """The bytes of base64 in any of its spellings: wrapped over lines, URL-safe, without its padding."""
    joined = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except binascii.Error:
        raise ImageError(f"neither a path nor base64: {text[:40]!r}…") from None


def row_images(row: Mapping[str, Any], *first: str) -> tuple[ImageRef, ...]:
    """The images of a row: one or several, nested or not, in any form that `ImageRef` takes.

    Args:
        row: as the data set has it.
        first: columns to look in before those of `IMAGE_COLUMNS`.

    Returns:
        None where no column holds an image: such a sample cannot be asked, but its responses can be judged.

    Raises:
        ImageError: a column holds something else.
    """
    for name in (*first, *IMAGE_COLUMNS):
        if name in row and (found := tuple(map(ImageRef, _flat(row[name])))):
            return found
    return ()


def listed(value: Any) -> Any:
    """The list that a text like "['a.png', 'b.png']" is of; any other value as it is."""
    if isinstance(value, str) and value[:1] + value[-1:] == "[]" and value.count(",") <= _MOST_COMMAS:
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(value)
    return value


def _flat(value: Any) -> Iterator[Any]:
    """The images in a column: none where it is null, "nan" or empty; a list may be written as text."""
    value = listed(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        for each in value:
            yield from _flat(each)
    elif isinstance(value, dict):
        if any(value.get(name) for name in ("bytes", "path", "url")):
            yield value
    elif value is not None and value == value and value not in ("", "nan"):  # noqa: PLR0124 - NaN is not itself
        yield value


def image_key(images: Sequence[ImageRef]) -> str:
    """What tells the first image from another: file and folder where it has a path, else a hash of its bytes.

    The rest of the path is left out, so that ids stay when a data set is moved. Empty without images.
    """
    if not images:
        return ""
    place = images[0].path or images[0].url
    return "/".join(Path(place).parts[-2:]) if place is not None else images[0].sha[:16]
