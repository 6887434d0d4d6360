"""Images in every form that rows hold them, and what cannot be one."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import PIL.Image
import pytest

from tasks.images import ImageError, ImageRef, row_images


def encoded(size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.effect_noise(size, 80).save(buffer, kind)
    return buffer.getvalue()


PNG = encoded()


def blank(picture: PIL.Image.Image) -> bool:
    return bool((np.asarray(picture) == 255).all())


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
        "wrapped base64": base64.encodebytes(PNG).decode(),
        "URL-safe base64": base64.urlsafe_b64encode(PNG).decode().rstrip("="),
        "data URI": f"data:image/png;base64,{base64.b64encode(PNG).decode()}",
    }


FORMS = (
    "bytes",
    "bytearray",
    "path",
    "path as text",
    "hub",
    "hub, path only",
    "base64",
    "wrapped base64",
    "URL-safe base64",
    "data URI",
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_image(form: str, tmp_path: Path) -> None:
    image = ImageRef(forms(tmp_path)[form])
    assert image.data == PNG
    assert image.size == image.picture().size == (40, 30)
    assert image.sha == ImageRef(PNG).sha


@pytest.mark.parametrize("form", FORMS)
def test_a_row_has_its_images_under_any_known_name(form: str, tmp_path: Path) -> None:
    value = forms(tmp_path)[form]
    for row in ({"images": [value]}, {"note": 1, "image": None, "img": value}, {"image_path": [[value]]}):
        [image] = row_images(row)
        assert image.data == PNG
    assert [image.data for image in row_images({"images": [value, PNG]})] == [PNG, PNG]


def test_a_column_of_ones_own_is_looked_in_first_and_lists_may_be_text(tmp_path: Path) -> None:
    [image] = row_images({"image": b"another", "scan": PNG}, "scan")
    assert image.data == PNG
    assert [image.path for image in row_images({"image": "['a.png', 'b.png']"})] == [
        Path("a.png"),
        Path("b.png"),
    ]


def test_a_list_written_as_text_has_an_end() -> None:
    with pytest.raises(ImageError, match="neither a path nor base64"):
        row_images({"images": "[" + "1," * 2_000 + "1]"})


@pytest.mark.parametrize("value", [None, "", "nan", float("nan"), [], [None], {"bytes": None, "path": None}])
def test_an_empty_column_holds_no_image(value: Any) -> None:
    assert row_images({"image": value}) == ()
    assert len(row_images({"image": value, "img": PNG})) == 1


def test_what_is_no_image_under_a_known_name_is_an_error() -> None:
    with pytest.raises(ImageError, match=r"not an image: int .3."):
        row_images({"image": 3})


def test_an_address_is_not_fetched_unasked() -> None:
    image = ImageRef("https://example.org/a.png")
    with pytest.raises(
        ImageError, match=r"https://example\.org/a\.png is an address: --allow-image-urls fetches it"
    ):
        image.size  # noqa: B018


def test_a_decoded_picture_is_encoded_when_its_bytes_are_asked_for() -> None:
    picture = PIL.Image.new("RGBA", (8, 6), (0, 0, 0, 0))
    picture.getexif()[0x0112] = 6
    image = ImageRef(picture)
    assert image.size == image.picture().size == (6, 8)
    assert image.picture().getpixel((0, 0)) == (255, 255, 255)
    assert blank(PIL.Image.open(io.BytesIO(image.data)))


@pytest.mark.parametrize("value", [None, "", 3, [], {"bytes": None, "path": None}, "?" * 2000])
def test_what_is_no_image_is_refused_at_once(value: Any) -> None:
    with pytest.raises(ImageError):
        ImageRef(value)


@pytest.mark.parametrize("value", [b"", b"no image", PNG[:60], "/absent/a.png", "a\0b.png"])
def test_what_cannot_be_decoded_says_so_when_opened(value: Any) -> None:
    image = ImageRef(value)
    with pytest.raises(ImageError):
        image.picture()


def test_a_truncated_picture_has_a_size_but_does_not_open() -> None:
    image = ImageRef(PNG[: len(PNG) // 2])
    assert image.size == (40, 30)
    with pytest.raises(ImageError, match="cannot be decoded"):
        image.picture()


def test_planning_reads_no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(PIL.Image.Image, "load", refuse)
    image = ImageRef(PNG)
    assert (image.size, len(image.sha)) == ((40, 30), 64)


def stored(picture: PIL.Image.Image, kind: str, **options: Any) -> ImageRef:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return ImageRef(buffer.getvalue())


def marked(mode: str = "RGB") -> PIL.Image.Image:
    """White, 30 by 20, with a black top left corner."""
    picture = PIL.Image.new("RGB", (30, 20), "white")
    picture.paste("black", (0, 0, 10, 8))
    return picture.convert(mode)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        (1, (30, 20), (2, 2)),
        (2, (30, 20), (27, 2)),
        (3, (30, 20), (27, 17)),
        (4, (30, 20), (2, 17)),
        (5, (20, 30), (2, 2)),
        (6, (20, 30), (17, 2)),
        (7, (20, 30), (17, 27)),
        (8, (20, 30), (2, 27)),
    ],
)
def test_a_picture_stands_upright(
    kind: str, orientation: int, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = stored(
        marked(), kind, **({"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif})
    )
    shown = image.picture()
    assert image.size == shown.size == size
    assert image.header.plain == (orientation == 1 and kind != "TIFF")
    assert max(shown.getpixel(corner)) < 40
    assert 70 <= (np.asarray(shown).max(-1) < 128).sum() <= 90


def test_a_broken_exif_block_turns_nothing() -> None:
    image = stored(marked(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01" * 9)
    assert image.size == image.picture().size == (30, 20)


def see_through(mode: str) -> PIL.Image.Image:
    picture = marked("RGBA")
    picture.putalpha(PIL.Image.new("L", (30, 20), 0))
    return picture.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    image = stored(see_through(mode if mode != "PA" else "RGBA"), "GIF" if mode == "PA" else "PNG")
    assert not image.header.plain
    assert blank(image.picture())


def test_a_palette_and_a_colour_may_be_transparent() -> None:
    for picture in (marked("P"), marked("RGB"), marked("L")):
        black = picture.getpixel((0, 0))
        image = stored(picture, "PNG", transparency=black)
        assert not image.header.plain
        assert blank(image.picture())


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", "uint16"), ("PPM", "uint16"), ("TIFF", "uint16")])
def test_sixteen_bits_become_eight(kind: str, dtype: str) -> None:
    grey = np.linspace(0, 65535, 600).reshape(20, 30).astype(dtype)
    shown = np.asarray(stored(PIL.Image.fromarray(grey), kind).picture())
    assert (shown.min(), shown.max(), shown.shape) == (0, 255, (20, 30, 3))
    assert np.abs(shown[..., 0].astype(int) - (grey >> 8)).max() <= 1


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_numbers_of_unknown_range_are_refused(dtype: str) -> None:
    image = stored(PIL.Image.fromarray(np.full((4, 4), 7, dtype)), "TIFF")
    with pytest.raises(ImageError, match="unknown range"):
        image.picture()


def test_cmyk_and_frames() -> None:
    cmyk = stored(PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    assert not cmyk.header.plain
    red, green, blue = cmyk.picture().getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 60
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    film = stored(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert not film.header.plain
    assert film.picture().getpixel((0, 0)) == (255, 0, 0)


def problem_of(data: bytes) -> str | None:
    try:
        assert ImageRef(data).picture().mode == "RGB"
    except ImageError as error:
        return str(error)
    return None


KINDS = [
    "PNG",
    "JPEG",
    "GIF",
    "WEBP",
    "TIFF",
    "BMP",
    "PPM",
    "ICO",
    "TGA",
    "JPEG2000",
    "AVIF",
    "DDS",
    "PCX",
    "SGI",
]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_to_any_format_is_an_image_error_or_a_picture(kind: str) -> None:
    noise = PIL.Image.effect_noise((48, 32), 80).convert("RGB")
    try:
        data = stored(noise, kind).data
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    random = Random(kind)
    refused = 0
    for _ in range(60):
        broken = bytearray(data[: random.randrange(len(data))])
        for _ in range(random.randrange(8)):
            if broken:
                broken[random.randrange(len(broken))] = random.randrange(256)
        problem = problem_of(bytes(broken))
        refused += problem is not None
        assert "\n" not in (problem or "")
    assert refused > 0


def test_messages_name_the_file_and_no_address_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "text.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"text\.png': no image of a format that is known"):
        ImageRef(str(path)).picture()
