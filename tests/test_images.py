"""Images in every form that rows hold them, and what cannot be one."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from tasks.images import ImageError, ImageRef


def encoded(size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.effect_noise(size, 80).save(buffer, kind)
    return buffer.getvalue()


PNG = encoded()


def forms(folder: Path) -> dict[str, Any]:
    path = folder / "a.png"
    path.write_bytes(PNG)
    return {
        "bytes": PNG,
        "bytearray": bytearray(PNG),
        "path": path,
        "path as text": str(path),
        "hub": {"bytes": PNG, "path": None},
        "hub, path only": {"bytes": None, "path": str(path)},
        "base64": base64.b64encode(PNG).decode(),
    }


@pytest.mark.parametrize(
    "form", ["bytes", "bytearray", "path", "path as text", "hub", "hub, path only", "base64"]
)
def test_every_form_is_the_same_image(form: str, tmp_path: Path) -> None:
    image = ImageRef(forms(tmp_path)[form])
    assert image.data == PNG
    assert image.size == image.open().size == (40, 30)
    assert image.sha == ImageRef(PNG).sha


def test_a_decoded_picture_is_encoded_when_its_bytes_are_asked_for() -> None:
    picture = PIL.Image.new("CMYK", (8, 6))
    image = ImageRef(picture)
    assert image.open() is picture
    assert image.size == (8, 6)
    assert PIL.Image.open(io.BytesIO(image.data)).mode == "RGB"


@pytest.mark.parametrize("value", [None, "", 3, [], {"bytes": None, "path": None}, "?" * 2000])
def test_what_is_no_image_is_refused_at_once(value: Any) -> None:
    with pytest.raises(ImageError):
        ImageRef(value)


@pytest.mark.parametrize("value", [b"", b"no image", PNG[:60], "/absent/a.png", "a\0b.png"])
def test_what_cannot_be_decoded_says_so_when_opened(value: Any) -> None:
    image = ImageRef(value)
    with pytest.raises(ImageError):
        image.open()


def test_a_truncated_picture_has_a_size_but_does_not_open() -> None:
    image = ImageRef(PNG[: len(PNG) // 2])
    assert image.size == (40, 30)
    with pytest.raises(ImageError, match="cannot be decoded"):
        image.open()


def test_planning_reads_no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(PIL.Image.Image, "load", refuse)
    image = ImageRef(PNG)
    assert (image.size, len(image.sha)) == ((40, 30), 64)
