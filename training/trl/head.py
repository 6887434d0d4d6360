"""Image tokens are kept out of the probabilities that TRL's fused head computes, as they are out of sampling.

The head projects hidden states in tiles and never holds the logits, so they cannot be masked. A bias can: the
head adds it to each tile.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate, distribute_tensor

from training.shaping import NEVER


class _Head:
    """An output layer as the fused head reads it: its weight, and its bias with the tokens pressed down."""

    def __init__(self, layer: Any, never: Sequence[int]) -> None:
        self._layer, self._never = layer, never

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self._layer.weight
        return weight

    @property
    def bias(self) -> Tensor:
        weight, own = self._layer.weight, self._layer.bias
        dtype = torch.promote_types(weight.dtype, torch.bfloat16)
        pressed = torch.zeros(weight.shape[0], dtype=dtype, device=weight.device)
        pressed[list(self._never)] = NEVER
        if isinstance(weight, DTensor):
            pressed = distribute_tensor(pressed, weight.device_mesh, [Replicate()] * weight.device_mesh.ndim)
        return pressed if own is None else own + pressed


def press_down(model: Any, never: Sequence[int]) -> None:
    """Give tokens no probability in `model(…, fused_lm_head=True)`; all else is as it was.

    Args:
        model: one that `trl.trainer.utils.add_fused_lm_head` was applied to.
        never: the tokens.
    """
    if not never:
        return
    fused, own = model.forward, model.get_output_embeddings

    @functools.wraps(type(model).forward)  # `generate` checks its arguments against the signature
    def forward(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("fused_lm_head"):
            return fused(*args, **kwargs)
        model.get_output_embeddings = lambda: _Head(own(), never)
        try:
            return fused(*args, **kwargs)
        finally:
            del model.get_output_embeddings

    model.forward = forward
