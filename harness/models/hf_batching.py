"""Whether a model answers in a batch as it does alone: tried, not assumed.

Padding changes what some families answer: absolute positions, states that run over it, pixels padded to the
batch's largest image, images that are counted by row. A few prompts are asked alone and together, once for each
model. Where what it says differs by more than rounding, its requests are answered one by one.
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
    """Whether trial prompts are answered together as they are alone.

    Args:
        prompter: of the model.
        logits_of: what the model says to a batch at each of so many steps, each (rows, vocabulary).
        tolerance: by how much these may differ, as a share of their range.
    """
    alone = [prompter.batch([prompter.read(request)]) for request in _trials()]
    alone = [batch for batch in alone if batch.inputs is not None]
    if len(alone) < 2:
        return False
    together = prompter.batch([batch.prompts[0] for batch in alone])
    if together.inputs is None:
        return False
    rows = logits_of(together, _STEPS)
    return all(
        _near([step[row] for step in rows], [step[0] for step in logits_of(batch, _STEPS)], tolerance)
        for row, batch in enumerate(alone)
    )


def _near(one: list[torch.Tensor], other: list[torch.Tensor], tolerance: float) -> bool:
    """Whether logits are the same but for rounding, up to where the answers part."""
    for first, second in zip(one, other, strict=False):
        finite = first.isfinite()
        if not finite.any() or not finite.equal(second.isfinite()):
            return False
        left, right = first[finite].float(), second[finite].float()
        if (left - right).abs().max() > tolerance * (left.max() - left.min()):
            return False
        if first.argmax() != second.argmax():
            break
    return True


def _trials() -> list[Request]:
    """Prompts that a batch has to pad: of different lengths, with one image and with several."""
    import PIL.Image

    small = PIL.Image.linear_gradient("L").resize((96, 80)).convert("RGB")
    wide = PIL.Image.radial_gradient("L").resize((320, 90)).convert("RGB")
    long = "Look at the picture, and then say in a few words what is in it, and how many of each there are."
    asked = [
        ((ImagePart(0), "What is it?"), (small,)),
        ((ImagePart(0), ImagePart(1), "Which is it?"), (wide, small)),
        ((ImagePart(0), long), (wide,)),
    ]
    return [Request("", parts, tuple(map(ImageRef, pictures)), Sampling(_STEPS)) for parts, pictures in asked]
