"""Whether a model answers in a batch as it does alone: tried, not assumed.

Padding changes what some families answer: absolute positions, states that run over it, pixels padded to the
batch's largest image. Two prompts of different lengths and image sizes are asked alone and together, once for
each model. Where what it says differs by more than rounding, its requests are answered one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.models.hf_prompts import Batch, Prompter
from harness.types import Request, Sampling
from tasks.images import ImageRef
from tasks.prompts import ImagePart

if TYPE_CHECKING:
    import torch

_STEPS = 3
"""Tokens of each answer that are looked at: decoding after padding counts too."""
TOLERANCE = {4: 1e-3, 2: 0.05}
"""Bytes of a number of the model → by how much logits may differ, as a share of their range."""


def answers_alike(
    prompter: Prompter, logits_of: Callable[[Batch, int], list[torch.Tensor]], tolerance: float
) -> bool:
    """Whether two trial prompts are answered together as they are alone.

    Args:
        prompter: of the model.
        logits_of: what the model says to a batch at each of so many steps, each (rows, vocabulary).
        tolerance: by how much these may differ, as a share of their range.
    """
    prompts = [prompter.read(request) for request in _trials()]
    together = prompter.batch(prompts)
    if together.inputs is None:
        return False
    rows = logits_of(together, _STEPS)
    for row, prompt in enumerate(prompts):
        alone = prompter.batch([prompt])
        if alone.inputs is None:
            return False
        said = [step[0] for step in logits_of(alone, _STEPS)]
        if not _near([step[row] for step in rows], said, tolerance):
            return False
    return True


def _near(one: list[torch.Tensor], other: list[torch.Tensor], tolerance: float) -> bool:
    """Whether logits are the same but for rounding, up to where the answers part."""
    for first, second in zip(one, other, strict=False):
        finite = first.isfinite()
        if not finite.equal(second.isfinite()):
            return False
        left, right = first[finite].float(), second[finite].float()
        if (left - right).abs().max() > tolerance * (left.max() - left.min()):
            return False
        if first.argmax() != second.argmax():
            break
    return True


def _trials() -> list[Request]:
    """Two prompts that a batch has to pad."""
    import PIL.Image

    small, wide = (
        PIL.Image.linear_gradient("L").resize((96, 80)),
        PIL.Image.radial_gradient("L").resize((320, 90)),
    )
    long = "Look at the picture, and then say in a few words what is in it, and how many of each there are."
    return [
        Request("", (ImagePart(0), "What is it?"), (ImageRef(small.convert("RGB")),), Sampling(_STEPS)),
        Request("", (ImagePart(0), long), (ImageRef(wide.convert("RGB")),), Sampling(_STEPS)),
    ]
