"""Equal images of a batch are encoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models import tiny_path
from training.images_once import encode_images_once, first_equal


def test_the_first_equal_image() -> None:
    one, other = torch.ones(4, 3), torch.ones(4, 3)
    other[0, 0], other[1, 1] = 2.0, 0.0  # the same sum
    images = (one, other, one.clone(), other.clone(), one.clone())
    assert first_equal(images, [[1, 2, 2]] * 4 + [[1, 1, 4]]) == [0, 1, 0, 1, 4]


@pytest.fixture
def model() -> Any:
    from training.models import load_model
    from training.recipe import Recipe

    return load_model(Path(tiny_path()), Recipe()).float()


def counted(model: Any) -> list[int]:
    """Takes the number of images of each call of the encoder."""
    sizes: list[int] = []
    model.model.visual.register_forward_pre_hook(
        lambda _module, _given, named: sizes.append(len(named["grid_thw"])), with_kwargs=True
    )
    return sizes


def test_features_and_gradients_are_those_of_all_images(model: Any) -> None:
    """The wrapped model against its own class's method, which encodes each image."""
    torch.manual_seed(0)
    grid = torch.tensor([[1, 4, 4], [1, 2, 4], [1, 4, 4], [1, 4, 4], [1, 2, 4]])
    width = model.config.vision_config.in_channels * 2 * model.config.vision_config.patch_size**2
    first, small, other = torch.randn(16, width), torch.randn(8, width), torch.randn(16, width)
    pixels = torch.cat([first, small, first, other, small])
    inner, sizes = model.model, counted(model)
    every = type(inner).get_image_features.__get__(inner)(pixels, grid, return_dict=True)
    once = inner.get_image_features(pixels, grid, return_dict=True)
    assert sizes == [5, 3]
    for found, expected in zip(once.pooler_output, every.pooler_output, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for level, levels in zip(once.deepstack_features, every.deepstack_features, strict=True):
        for found, expected in zip(level, levels, strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    parameters = list(inner.visual.parameters())
    ours, theirs = (
        torch.autograd.grad(
            sum(part.square().sum() for part in output.pooler_output), parameters, allow_unused=True
        )
        for output in (once, every)
    )
    for mine, true in zip(ours, theirs, strict=True):
        assert (mine is None) == (true is None)
        if mine is not None:
            assert (mine - true).norm() <= 1e-4 * true.norm() + 1e-6


def test_a_model_without_grids_stays_as_it_is() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    encode_images_once(model)
    assert not any("get_image_features" in vars(module) for module in model.modules())
