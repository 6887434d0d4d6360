"""Rows as model inputs, and what the model says of their response tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.errors import HarnessError
from training.trl.rollout import Row
from training.trl.sampling import RankBackend


class Measurer:
    """Asks a model whose fused head gives log-probabilities and entropies.

    Args:
        backend: the policy; reads prompts and images as rollouts do.
        accelerator: of the trainer.
        size: rows in one forward pass.
    """

    def __init__(self, backend: RankBackend, accelerator: Accelerator, size: int) -> None:
        self._backend, self._accelerator, self._size = backend, accelerator, size
        self._device: torch.device = accelerator.device

    def read(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """Prompt tokens and their mask, both (rows, prompt width), and what else the model is shown.

        Raises:
            HarnessError: an image that was shown cannot be read any more.
        """
        batch = self._backend.read([row.rollout.request for row in rows])
        if batch.failed:
            raise HarnessError(f"a prompt that was answered cannot be read again: {batch.failed[0][1].error}")
        dtype = self._backend.model.dtype
        moved = {
            name: value.to(self._device, dtype if torch.is_floating_point(value) else None)
            for name, value in batch.inputs.items()
        }
        return moved.pop("input_ids"), moved.pop("attention_mask"), moved

    def forward(
        self, model: Any, input_ids: Tensor, attention_mask: Tensor, shown: dict[str, Any], *, keep: int
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies of the last `keep` tokens, both (rows, keep); 0 where the mask is.

        Args:
            model: as the trainer has wrapped it.
            input_ids: (rows, width), prompts and responses.
            attention_mask: of the same shape.
            shown: what `read` gave beside them.
            keep: the width of the responses.
        """
        width = input_ids.shape[1] - keep
        extended = {
            name: torch.cat([value, value.new_zeros(len(value), keep)], 1)
            if value.shape == (len(input_ids), width)  # one entry a token: room for the response's
            else value
            for name, value in shown.items()
        }
        labels = input_ids.masked_fill(attention_mask == 0, -100)
        labels[:, :-keep] = -100
        with self._accelerator.autocast():
            output = model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                **extended,
                labels=labels,
                fused_lm_head=True,
            )
        return output.log_probs[:, -keep:], output.entropy[:, -keep:]

    @torch.no_grad()
    def measure(self, model: Any, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies of rows, both (rows, longest response), without a gradient."""
        logps = torch.zeros(len(rows), max(len(row.tokens) for row in rows), device=self._device)
        entropies = torch.zeros_like(logps)
        for first in range(0, len(rows), self._size):
            chosen = rows[first : first + self._size]
            ids, mask, shown = self.read(chosen)
            longest = max(len(row.tokens) for row in chosen)
            answers = torch.zeros(len(chosen), longest, dtype=torch.long)
            there = torch.zeros_like(answers)
            for place, row in enumerate(chosen):
                answers[place, : len(row.tokens)] = torch.tensor(row.tokens)
                there[place, : len(row.tokens)] = 1
            joined = torch.cat([ids, answers.to(self._device)], 1), torch.cat([mask, there.to(self._device)], 1)
            for whole, part in zip(
                (logps, entropies), self.forward(model, *joined, shown, keep=longest), strict=True
            ):
                whole[first : first + len(chosen), :longest] = part
        return logps, entropies
