"""The size at which a model sees an image, the same on every backend."""

from __future__ import annotations

import io
import json

import numpy as np
import PIL.Image
import pytest

from harness.models import tiny_path
from harness.models.pixels import PixelRule, encode, fit, fitted, rule_of, server_rule
from harness.types import PixelLimits
from tasks.images import ImageError, ImageRef


def picture(width: int, height: int, kind: str = "PNG", **options: object) -> ImageRef:
    buffer = io.BytesIO()
    PIL.Image.effect_noise((width, height), 80).convert("RGB").save(buffer, kind, **options)
    return ImageRef(buffer.getvalue())


@pytest.mark.parametrize(
    ("size", "limits", "factor", "expected"),
    [
        ((640, 480), PixelLimits(), 1, (640, 480)),
        ((640, 480), PixelLimits(max_pixels=640 * 480), 1, (640, 480)),
        ((640, 480), PixelLimits(max_pixels=76_800), 1, (320, 240)),
        ((10, 10), PixelLimits(min_pixels=400), 1, (20, 20)),
        ((640, 427), PixelLimits(), 28, (644, 420)),
        ((5, 1000), PixelLimits(), 28, (28, 1008)),
        ((1000, 1000), PixelLimits(max_pixels=28 * 28 * 4), 28, (56, 56)),
        ((28, 28), PixelLimits(min_pixels=56 * 56), 28, (56, 56)),
    ],
)
def test_fit(size: tuple[int, int], limits: PixelLimits, factor: int, expected: tuple[int, int]) -> None:
    assert fit(size, limits, factor) == expected


def test_bytes_that_need_no_change_are_sent_as_they_are() -> None:
    image = picture(30, 30, "WEBP")
    encoded = encode(image, PixelLimits(max_pixels=900))
    assert (encoded.data, encoded.mime) == (image.data, "image/webp")


def received(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data))


@pytest.mark.parametrize("limits", [PixelLimits(), PixelLimits(max_pixels=2000), PixelLimits(5000, 9000)])
def test_what_is_sent_is_what_is_shown_here(limits: PixelLimits) -> None:
    clear = PIL.Image.new("RGBA", (80, 60), (255, 0, 0, 0))
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    for image in (
        picture(80, 60),
        ImageRef(clear),
        picture(80, 60, "JPEG", exif=turned),
        picture(80, 60, "BMP"),
    ):
        for rule in (PixelRule(), PixelRule(32, 4096, 20736)):
            encoded = encode(image, limits, rule)
            shown = fitted(image, limits, rule)
            assert encoded.size == shown.size == received(encoded.data).size
            assert np.array_equal(np.asarray(received(encoded.data).convert("RGB")), np.asarray(shown))
            if rule.factor > 1:
                assert rule.size(shown.size, limits) == shown.size


def test_a_sliver_is_left_to_the_models_own_processor_and_its_size_is_known() -> None:
    rule = PixelRule(32, 4096, 20736)
    encoded = encode(picture(33, 900), PixelLimits(), rule)
    assert received(encoded.data).size == (33, 900)
    assert encoded.size == rule.size((33, 900)) == fitted(picture(33, 900), PixelLimits(), rule).size


def test_a_side_200_times_the_other_is_refused_where_the_family_refuses_it() -> None:
    assert PixelRule().size((2000, 2)) == (2000, 2)
    with pytest.raises(ImageError, match="2000 × 2 pixels: one side is over 200 times the other"):
        PixelRule(28, 4, 4000).size((2000, 2))


def test_the_rule_is_read_from_the_processors_settings() -> None:
    tiny = json.loads((tiny_path() / "preprocessor_config.json").read_text())
    assert rule_of(tiny) == PixelRule(32, 4096, 20736)
    old = {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2}
    assert rule_of({**old, "min_pixels": 3136, "max_pixels": 12_845_056}) == PixelRule(28, 3136, 12_845_056)
    assert rule_of(old) == PixelRule()
    assert rule_of({**tiny, "image_processor_type": "Glm4vImageProcessor"}) == PixelRule()
    assert rule_of({}) == PixelRule()


@pytest.mark.parametrize(
    ("name", "coords", "limits", "rule"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", "norm1000", PixelLimits(), PixelRule()),
        ("Qwen/Qwen3-VL-8B-Instruct", "norm1000", PixelLimits(1), PixelRule(32, 65_536, 16_777_216)),
        ("qwen2.5-vl-7b", "abs", PixelLimits(), PixelRule(28, 3136, 12_845_056)),
        ("my-tuned-model", "abs", PixelLimits(), PixelRule(28)),
        ("gpt-4o", None, PixelLimits(None, 9), PixelRule()),
    ],
)
def test_how_images_are_sized_for_a_server(
    name: str, coords: str, limits: PixelLimits, rule: PixelRule
) -> None:
    assert server_rule(name, coords, limits) == rule
