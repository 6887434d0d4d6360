"""The size at which a model sees an image, and images encoded at that size.

Limits mean the same on every backend: a picture is fitted here, once, to the rule of the model family's own
processor, which then finds nothing left to resize.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.types import NO_LIMITS, PixelLimits
from scorers.types import Coords
from tasks.images import ImageError, ImageRef

if TYPE_CHECKING:
    from PIL.Image import Image

_MIME = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
_CLASS = "Qwen2VLImageProcessor"
"""The image processor of Qwen2-VL and of all that came after it, "Fast" or "Pil" behind it."""


LONGEST = 200
"""How many times longer one side may be than the other: `MAX_RATIO` of qwen-vl-utils."""


@dataclass(frozen=True, slots=True)
class PixelRule:
    """How a family's processor sizes an image: both sides multiples of `factor`, width × height bounded.

    The default bounds nothing: the image is shown as it is, within the limits that a user gives.
    """

    factor: int = 1
    min_pixels: int | None = None
    max_pixels: int | None = None

    def bounds(self, limits: PixelLimits) -> PixelLimits:
        """The bounds in force: the user's, where given, in place of the family's, which give way to them."""
        lowest, highest = limits.min_pixels, limits.max_pixels
        if lowest is None and self.min_pixels is not None:
            lowest = self.min_pixels if highest is None or self.min_pixels <= highest else self.factor**2
        if highest is None and self.max_pixels is not None:
            highest = max(self.max_pixels, lowest or 0)
        return PixelLimits(lowest, highest)

    def size(self, size: tuple[int, int], limits: PixelLimits = NO_LIMITS) -> tuple[int, int]:
        """(width, height) in pixels at which an image of a size is shown.

        Raises:
            tasks.images.ImageError: it is longer or wider than the family's processor takes.
        """
        if self.factor > 1 and max(size) > LONGEST * min(size):
            raise ImageError(f"{size[0]} × {size[1]} pixels: one side is over {LONGEST} times the other")
        return fit(size, self.bounds(limits), self.factor)


AS_STORED = PixelRule()
"""Shown as it is."""

_RULES = (
    # patch 14 × merge 2; `preprocessor_config.json` of Qwen/Qwen2.5-VL-7B-Instruct
    (r"qwen[._-]?2([._-]?5)?[._-]?vl", PixelRule(28, 3136, 12_845_056)),
    # patch 16 × merge 2; `preprocessor_config.json` of Qwen/Qwen3-VL-8B-Instruct
    (r"qwen[._-]?3[._-]?vl", PixelRule(32, 65_536, 16_777_216)),
)
"""A pattern in the name that a server knows a model by → its family's rule, as its checkpoints have it."""


def server_rule(name: str, coords: Coords | None, limits: PixelLimits) -> PixelRule:
    """How images are sized before they are sent to a server, which has a processor of its own.

    Left alone where nothing depends on their size. With limits the rule of the model's family, where its name
    says it. A model that answers in pixels answers in those of the image that its processor made: sent at a
    size that the processor leaves alone, the size is known.

    Args:
        name: that the server knows the model by.
        coords: the model's coordinate convention.
        limits: that the user gave.
    """
    if coords != "abs" and limits == NO_LIMITS:
        return AS_STORED
    family = next((rule for pattern, rule in _RULES if re.search(pattern, name.lower())), None)
    return family or (PixelRule(28) if coords == "abs" else AS_STORED)


def rule_of(processor: Mapping[str, Any]) -> PixelRule:
    """The rule of an image processor, by its settings.

    Args:
        processor: `preprocessor_config.json`, or `to_dict()` of the image processor.
    """
    if not str(processor.get("image_processor_type") or "").startswith(_CLASS):
        return AS_STORED
    size = processor.get("size") or {}
    lowest = processor.get("min_pixels") or size.get("shortest_edge")
    highest = processor.get("max_pixels") or size.get("longest_edge")
    unit = processor.get("patch_size"), processor.get("merge_size")
    if not all(isinstance(number, int) for number in (lowest, highest, *unit)):
        return AS_STORED
    return PixelRule(unit[0] * unit[1], lowest, highest)  # type: ignore[operator]


def image_settings(folder: Path) -> dict[str, Any]:
    """The settings of a checkpoint's image processor, as its files have them; empty where they have none."""
    for name, key in (("processor_config.json", "image_processor"), ("preprocessor_config.json", None)):
        try:
            settings = json.loads((folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder / name}: {error}") from None
        found = settings.get(key) if key is not None else settings
        if isinstance(found, dict):
            return found
    return {}


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


def fitted(image: ImageRef, limits: PixelLimits, rule: PixelRule = AS_STORED) -> Image:
    """The picture as the model sees it: ready to be shown, at the size that the rule gives.

    Raises:
        tasks.images.ImageError: it cannot be decoded.
    """
    import PIL.Image

    picture = image.picture()
    wanted = rule.size(picture.size, limits)
    return picture if wanted == picture.size else picture.resize(wanted, PIL.Image.Resampling.BICUBIC)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image ready to be sent."""

    data: bytes
    mime: str
    size: tuple[int, int]
    """(width, height) in pixels at which the model sees it."""


def encode(image: ImageRef, limits: PixelLimits, rule: PixelRule = AS_STORED) -> EncodedImage:
    """The image as it is sent: its own bytes where every server sees the same in them, else a PNG.

    Raises:
        tasks.images.ImageError: it cannot be decoded.
    """
    data, header = image.data, image.header
    if header.plain and rule.size(header.size, limits) == header.size:
        mime = next(mime for magic, mime in _MIME.items() if data.startswith(magic))
        return EncodedImage(data, mime, header.size)
    picture, shown = fitted(image, limits, rule), rule.size(header.size, limits)
    if rule.size(shown, limits) != shown:  # so long and narrow that the model's own processor resizes it again
        picture = image.picture()
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return EncodedImage(buffer.getvalue(), "image/png", shown)
