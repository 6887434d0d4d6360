"""The images of a report: whole ones and previews inside the page, the rest in a folder beside it.

Where all images of a report fit into the page they are there as the runs keep them. Else those that one looks
for come first, of disagreements and wrong answers before right ones: they are whole in the page until its
budget is nearly used, and previews of the others take what is left. Every image that is not whole in the page
is in the folder beside it; a page within a run's folder uses the run's own images.
"""

from __future__ import annotations

import base64
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.errors import HarnessError
from harness.run.media import shrunk_webp
from tasks.picture import ImageError, decoded

INLINE = 20 << 20
"""Characters of `data:` URLs in a page."""
WHOLE = 0.75
"""The share of them that whole images may take where not all fit."""
PREVIEW = 300_000
"""Width × height of a preview at most."""
SMALL = 24 << 10
"""Bytes up to which an image is its own preview."""
DECODED = 24 << 20
"""Bytes of images that are decoded for previews: about a second."""
BLOCK = 256 << 10
"""Characters of `data:` URLs in one block of the page, which the browser reads when it shows one of them."""

_NAME = re.compile(r"[0-9a-f]{24}\.(png|jpg|webp)")
"""As runs name images. Any other name is not looked up."""
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


class Folder:
    """The `images` folder of a run: the sizes in bytes of what lies in it; empty where it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: dict[str, int] = {}
        if path.is_dir():
            with os.scandir(path) as entries:
                self.sizes = {
                    entry.name: entry.stat().st_size for entry in entries if _NAME.fullmatch(entry.name)
                }


@dataclass(slots=True)
class _Picture:
    name: str
    folder: Folder | None
    rank: int
    turn: int
    """How many of its task and rank came before: tasks take turns."""

    @property
    def bytes(self) -> int:
        return self.folder.sizes[self.name] if self.folder else 0


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the images of a report are. The lists are parallel, one entry an image in the order of `add`."""

    blocks: list[dict[str, str]]
    """Block → {number of the image: its data URL}."""
    block: list[int]
    """The block that an image is in; -1: none."""
    base: list[int]
    """Which of `bases` the image lies under in full; -1: none."""
    name: list[str]
    """The file name there; "" where there is none."""
    bases: list[str]
    """Relative addresses of folders, ending in a slash."""

    def table(self) -> dict[str, Any]:
        """What the page needs to find an image."""
        return {"block": self.block, "base": self.base, "name": self.name, "bases": self.bases}


@dataclass(slots=True)
class Pictures:
    """The images that the samples of a report show, each once."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _pictures: list[_Picture] = field(default_factory=list)
    _turns: dict[tuple[str, int], Iterator[int]] = field(default_factory=dict)

    def add(self, name: str, folder: Folder, task: str, rank: int) -> int:
        """The number of an image.

        Args:
            name: as items name it. One that runs do not write has no image.
            folder: where the run keeps it, if it does.
            task: whose sample shows it; tasks take turns.
            rank: of the sample: 0 comes first.
        """
        found = folder if name in folder.sizes else None
        number = self._numbers.get(name)
        if number is None:
            turn = next(self._turns.setdefault((task, rank), count()))
            self._numbers[name] = number = len(self._pictures)
            self._pictures.append(_Picture(name, found, rank, turn))
            return number
        picture = self._pictures[number]
        picture.folder = picture.folder or found
        if rank < picture.rank:
            picture.rank, picture.turn = rank, next(self._turns.setdefault((task, rank), count()))
        return number

    def place(self, media: Path | None, limit: int = INLINE) -> Placed:
        """Decide where each image goes, and write the folder beside the page.

        Args:
            media: that folder; its parent is the page's. Made only where needed; images of an earlier report
                that this one does not need are removed. None: what does not fit into the page is left out.
            limit: characters of data URLs in the page.

        Raises:
            HarnessError: the folder cannot be written.
        """
        kept = [number for number, picture in enumerate(self._pictures) if picture.folder is not None]
        kept.sort(key=lambda number: (self._pictures[number].rank, self._pictures[number].turn, number))
        size = len(self._pictures)
        placed = Placed([], [-1] * size, [-1] * size, [""] * size, [])
        filled = BLOCK
        whole = set()
        for number, url, as_it_is in self._inline(kept, limit):
            if filled >= BLOCK:
                placed.blocks.append({})
                filled = 0
            placed.blocks[-1][str(number)] = url
            placed.block[number] = len(placed.blocks) - 1
            filled += len(url)
            if as_it_is:
                whole.add(number)
        self._beside(placed, [number for number in kept if number not in whole], media)
        return placed

    def _inline(self, numbers: Sequence[int], limit: int) -> Iterator[tuple[int, str, bool]]:
        """(number, data URL, whether it is the image as it is) of what the page holds."""
        total = sum(_url_length(self._pictures[number].bytes) for number in numbers)
        left = limit if total <= limit else int(limit * WHOLE)
        kept_back, others = limit - left, []
        for number in numbers:
            length = _url_length(self._pictures[number].bytes)
            data = _read(self._pictures[number]) if length <= left else None
            if data is None:
                others.append(number)
                continue
            left -= length
            yield number, _url(data, self._pictures[number].name), True
        yield from self._previews(others, left + kept_back)

    def _previews(self, numbers: Sequence[int], limit: int) -> Iterator[tuple[int, str, bool]]:
        """As `_inline`, of previews, the first ones that fit."""
        left, decoded = limit, 0
        with ThreadPoolExecutor() as pool:
            for group in _groups(numbers, 64):
                chosen = []
                for number in group:
                    size = self._pictures[number].bytes
                    if size > SMALL:
                        decoded += size
                    if size <= SMALL or decoded <= DECODED:
                        chosen.append(number)
                for number, found in zip(chosen, pool.map(self._preview, chosen), strict=True):
                    if found is not None and len(found[0]) <= left:
                        left -= len(found[0])
                        yield number, *found
                if left < _url_length(SMALL):
                    return

    def _preview(self, number: int) -> tuple[str, bool] | None:
        """An image or its preview as a data URL, and whether it is the image as it is; None: not readable."""
        picture = self._pictures[number]
        data = _read(picture)
        if data is None:
            return None
        if len(data) <= SMALL:
            return _url(data, picture.name), True
        shrunk = preview(data)
        return None if shrunk is None else (_url(shrunk, ".webp"), False)

    def _beside(self, placed: Placed, numbers: Sequence[int], media: Path | None) -> None:
        """Say where images lie in full, and put those that do not lie beside the page already into `media`."""
        if media is None:
            return
        page = media.parent.resolve()
        wanted: dict[str, Path] = {}
        bases: dict[str, int] = {}
        for number in numbers:
            picture = self._pictures[number]
            assert picture.folder is not None
            folder = picture.folder.path.resolve()
            if folder.parent == page:
                base = quote(folder.name) + "/"
            else:
                base = quote(media.name) + "/"
                wanted[picture.name] = folder / picture.name
            placed.base[number] = bases.setdefault(base, len(bases))
            placed.name[number] = picture.name
        placed.bases.extend(bases)
        try:
            _fill(media, wanted)
        except OSError as error:
            raise HarnessError(f"{media}: cannot be written: {error.strerror}") from error


def preview(data: bytes) -> bytes | None:
    """An encoded image as a small WebP, readable in outline; None where it cannot be decoded."""
    try:
        return shrunk_webp(decoded(data, draft=math.isqrt(PREVIEW)), PREVIEW, quality=70)
    except ImageError:
        return None


def clear(media: Path, keep: Iterable[str] = ()) -> None:
    """Remove a report's images from its folder, and the folder where nothing else is in it."""
    if not media.is_dir():
        return
    needed = set(keep)
    for entry in list(media.iterdir()):
        if _NAME.fullmatch(entry.name) and entry.name not in needed:
            entry.unlink()
    if not any(media.iterdir()):
        media.rmdir()


def _fill(media: Path, wanted: dict[str, Path]) -> None:
    """Have exactly these images in the folder: linked where the disk can, else copied."""
    clear(media, wanted)
    if wanted:
        media.mkdir(parents=True, exist_ok=True)
    for name, source in wanted.items():
        target = media / name
        if target.exists():
            continue  # named by its content
        try:
            os.link(source, target)
        except OSError:
            beside = target.with_name(f"{name}.{os.getpid()}.tmp")
            shutil.copyfile(source, beside)
            beside.replace(target)


def _read(picture: _Picture) -> bytes | None:
    assert picture.folder is not None
    try:
        return (picture.folder.path / picture.name).read_bytes()
    except OSError:
        return None


def _url_length(size: int) -> int:
    return (size + 2) // 3 * 4 + 24


def _url(data: bytes, name: str) -> str:
    return f"data:{_TYPES[name.rpartition('.')[2]]};base64,{base64.b64encode(data).decode('ascii')}"


def _groups(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
