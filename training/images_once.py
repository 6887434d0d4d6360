"""Each image encoded once: the responses of a group share their prompt, and so its images.

For families whose images are runs of patches with a grid each (Qwen-VL and its like, GLM-V). Others encode
every image of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_OF_EACH_IMAGE = ("pooler_output", "deepstack_features")
"""Fields of the encoder's output that hold a part for each image, or a list of such."""


def encode_images_once(model: Any) -> None:
    """From now on a model encodes equal images of a batch once, and gives each its features.

    The gradient is the sum over all of them, as before.

    Args:
        model: a transformers vision-language model; one without grids of patches stays as it is.
    """
    for module in model.modules():
        if hasattr(module, "get_image_features") and hasattr(module, "visual"):
            module.get_image_features = _once(module.get_image_features)


def _once(encode: Callable[..., Any]) -> Callable[..., Any]:
    def features(pixel_values: Tensor, image_grid_thw: Tensor | None = None, **how: Any) -> Any:
        if image_grid_thw is None or len(image_grid_thw) < 2 or not how.get("return_dict"):
            return encode(pixel_values, image_grid_thw, **how)
        images = torch.split(pixel_values, image_grid_thw.prod(-1).tolist())
        first = first_equal(images, image_grid_thw.tolist())
        kept = sorted(set(first))
        if len(kept) == len(images):
            return encode(pixel_values, image_grid_thw, **how)
        found = encode(torch.cat([images[place] for place in kept]), image_grid_thw[kept], **how)
        order = [kept.index(place) for place in first]
        for name in _OF_EACH_IMAGE:
            if getattr(found, name, None) is not None:
                setattr(found, name, _spread(getattr(found, name), order))
        return found

    return features


def _spread(parts: Any, order: list[int]) -> Any:
    """A part for each image in order; of a list of levels each is spread."""
    if isinstance(parts[0], Tensor):
        return tuple(parts[place] for place in order)
    return [_spread(level, order) for level in parts]


def first_equal(images: tuple[Tensor, ...], grids: list[list[int]]) -> list[int]:
    """Of each image the place of the first that is equal to it.

    Args:
        images: the patches of each, (patches, values).
        grids: the grid of each: images are equal where grid and patches are.
    """
    sums = torch.stack([image.float().sum() for image in images]).tolist()
    known: dict[tuple[object, ...], list[int]] = {}
    first = []
    for place, (image, grid, total) in enumerate(zip(images, grids, sums, strict=True)):
        alike = known.setdefault((*grid, total), [])
        same = next((other for other in alike if torch.equal(images[other], image)), None)
        if same is None:
            alike.append(place)
        first.append(place if same is None else same)
    return first
