"""Images of a run: each held once, in bounded memory, and kept as small copies to look at later."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from harness.jsonl import encode, write_atomic
from harness.spool import Spool
from tasks.images import ImageError, ImageRef
from tasks.picture import Header, file_bytes

if TYPE_CHECKING:
    from concurrent.futures import Future

    from PIL.Image import Image

IN_MEMORY = 256 << 20
"""Bytes of encoded images held in memory; further ones lie in a temporary file."""
KEPT_PIXELS = 4 << 20
"""Width × height of a kept copy at most: on a page scanned at 200 dpi small print stays readable."""
KEPT_BYTES = 512 << 10
"""Bytes up to which a picture of no more pixels is kept as it is."""
_LONGEST = 16383
"""Pixels of a side that WebP can hold."""
_MET_LATELY = 4096
"""Files of which is remembered that their image is held, and their hash: others are read again."""
_SIGNS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}
"""How a file begins → the suffix of a copy that holds its own bytes."""


class KeptImage(ImageRef):
    """An image whose hash and size are known and whose bytes are read again at each use.

    Args:
        number: of the image in its store.
        sha: SHA-256 of the encoded image, in hex.
        size: (width, height) in pixels.
        name: of its copy in the run's `images` folder.
        read: gives the encoded bytes.
        label: for messages: its file or address.
    """

    def __init__(
        self,
        number: int,
        sha: str,
        size: tuple[int, int],
        name: str,
        read: Callable[[], bytes],
        *,
        label: str = "",
    ) -> None:
        self.number = number
        self._picture = self._bytes = self._path = self.url = None
        self._label = label
        self.sha = sha
        self.name = name
        self._size = size
        self._read = read

    @property
    def label(self) -> str:
        """Its file or address, for messages; empty where it has none."""
        return self._label

    @property
    def data(self) -> bytes:
        """The encoded image, not cached."""
        return self._read()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._size


class ImageStore:
    """Holds each distinct image of a plan once, by its number. Images in files of their own stay there.

    In memory are a number for each distinct image, and the bytes of the first ones; on disk are where an image
    lies, its size and its name, and the bytes of the others.

    Args:
        folder: on whose disk lies what does not fit into memory; the files have no names, so that they go with
            the process.
        in_memory: bytes of images held in memory.
        fetch: gives the bytes at an image's address; None where addresses are not fetched.
    """

    def __init__(
        self, folder: Path, in_memory: int = IN_MEMORY, fetch: Callable[[str], bytes] | None = None
    ) -> None:
        self.folder = folder
        self._left, self._fetch = in_memory, fetch
        self._numbers: dict[bytes, int] = {}
        """By the first 16 bytes of the hash."""
        self._paths: dict[Path, int] = {}
        """Of files met lately."""
        self.files: dict[str, str] | None = {}
        """Image files with the SHA-256 of each; None: they are too many, or an image came from an address."""
        self._records = Spool(folder, "images")
        self._data = Spool(folder, "images")
        self._held: dict[int, bytes] = {}

    def keep(self, image: ImageRef) -> KeptImage:
        """The kept form of an image.

        Raises:
            ImageError: it cannot be read, or its header is no image's.
        """
        path, label = image.path, image.label
        if image.url is not None:
            self.files = None
        if image.url is not None and self._fetch is not None:
            image = ImageRef(self._fetch(image.url))
        if path is not None and path in self._paths:
            return self.image(self._paths[path])
        data = image.data
        sha = hashlib.sha256(data)
        number = self._numbers.get(sha.digest()[:16])
        if number is None:
            header = image.header
            place = str(path) if path is not None else self._hold(data)
            name = copy_name(sha.hexdigest(), data, header)
            number = self._records.add(encode([sha.hexdigest(), header.size, name, place, label]))
            self._numbers[sha.digest()[:16]] = number
        if path is not None and self.files is not None:
            self.files[str(path)] = sha.hexdigest()
            self.files = self.files if len(self.files) <= _MET_LATELY else None
        if path is not None:
            if len(self._paths) >= _MET_LATELY:
                del self._paths[next(iter(self._paths))]
            self._paths[path] = number
        return self.image(number)

    def image(self, number: int) -> KeptImage:
        """A kept image by its number."""
        sha, size, name, place, label = json.loads(self._records[number])
        if isinstance(place, str):
            read: Callable[[], bytes] = partial(file_bytes, Path(place))
        else:
            data = self._data if place >= 0 else self._held  # the images keep the file, not the store
            read = partial(data.__getitem__, place)
        return KeptImage(number, sha, tuple(size), name, read, label=label)

    def _hold(self, data: bytes) -> int:
        """A place for an image's bytes: from 0 on disk, below in memory."""
        if len(data) > self._left:
            return self._data.add(data)
        self._left -= len(data)
        place = -1 - len(self._held)
        self._held[place] = data
        return place

    def close(self) -> None:
        """Free the temporary files. The images in them cannot be read any more."""
        self._records.close()
        self._data.close()


def copy_name(sha: str, data: bytes, header: Header) -> str:
    """The name of an image's copy: its own suffix where it is kept as it is, else `.webp`."""
    return f"{sha[:24]}{_SIGNS[_sign(data)] if kept_as_is(data, header) else '.webp'}"


def _sign(data: bytes) -> bytes:
    return next((sign for sign in _SIGNS if data.startswith(sign)), b"")


def kept_as_is(data: bytes, header: Header) -> bool:
    """Whether a copy holds an image's own bytes: not too large, and every browser shows them alike."""
    small = len(data) <= KEPT_BYTES and math.prod(header.size) <= KEPT_PIXELS
    return small and header.plain and _sign(data) in _SIGNS


def write_copy(image: KeptImage, folder: Path) -> None:
    """Write an image's copy, of at most 4 megapixels; nothing where it cannot be decoded."""
    data = image.data
    try:
        if not kept_as_is(data, image.header):
            data = shrunk_webp(image.picture(), KEPT_PIXELS, quality=80)
    except ImageError:
        return  # The backend meets the same image and says so.
    write_atomic(folder / image.name, [data], durable=False)


def shrunk_webp(picture: Image, pixels: int, quality: int) -> bytes:
    """A picture as it is shown (`ImageRef.picture`) as a WebP of at most so many pixels, its aspect kept."""
    width, height = picture.size
    scale = min(1.0, math.sqrt(pixels / (width * height)), _LONGEST / max(width, height))
    if scale < 1:
        size = max(1, int(width * scale)), max(1, int(height * scale))
        picture = picture.resize(size, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=2)
    return buffer.getvalue()


def shrunk_jpeg(picture: Image, longest: int, quality: int) -> bytes:
    """A picture as it is shown as a JPEG, at most so many pixels on its longer side: what a rollout shows."""
    picture.thumbnail((longest, longest))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class Copies:
    """Writes copies of shown images beside the run's work, each once.

    Args:
        folder: the run's `images` folder; None writes nothing.
        waiting: how many images may wait for their turn before `add` waits too.
    """

    def __init__(self, folder: Path | None, waiting: int = 64) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._folder = folder
        self._waiting = waiting
        self._pool = ThreadPoolExecutor(1)
        self._futures: list[Future[None]] = []
        self._done: set[str] = set()
        if folder is not None and folder.is_dir():
            self._done = {entry.name for entry in os.scandir(folder) if entry.stat().st_size}

    def add(self, image: ImageRef) -> None:
        """Have the copy of an image written, unless it already is."""
        if self._folder is None or not isinstance(image, KeptImage) or image.name in self._done:
            return
        self._done.add(image.name)
        if len(self._futures) >= self._waiting:
            self._futures.pop(0).result()
        self._futures.append(self._pool.submit(write_copy, image, self._folder))

    def add_all(self, images: Iterable[ImageRef]) -> None:
        """Have the copies of several images written."""
        for image in images:
            self.add(image)

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        if kind is None:
            for future in self._futures:
                future.result()
