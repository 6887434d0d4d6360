"""Optimizers: AdamW, or Muon for the matrices of the layers beside it; learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import HarnessError

if TYPE_CHECKING:
    import torch

_NO_MATRIX = ("embed", "lm_head", "heads.")
"""Parts of names of matrices that are tables or outputs: Muon is for those in between (Jordan et al., 2024)."""


class Optimizers:
    """The optimizers of one stage, stepped together.

    Args:
        named: (name, parameter) of what is trained.
        kind: `adamw`, or `muon`: Muon for hidden matrices, AdamW for the rest.
        learning_rate: AdamW's peak.
        muon_learning_rate: Muon's peak.
        weight_decay: of AdamW, on matrices only.
        max_grad_norm: gradients are scaled down to this norm, over all parameters.
        scale_of: a parameter's name → its learning rates relative to the others.

    Raises:
        HarnessError: this torch has no Muon.
    """

    def __init__(
        self,
        named: Iterable[tuple[str, torch.nn.Parameter]],
        kind: Literal["adamw", "muon"],
        *,
        learning_rate: float,
        muon_learning_rate: float,
        weight_decay: float,
        max_grad_norm: float,
        scale_of: Callable[[str], float] = lambda _: 1.0,
    ) -> None:
        import torch

        self.named = {name: parameter for name, parameter in named if parameter.requires_grad}
        """What is trained, by name."""
        self._max_grad_norm = max_grad_norm
        muon_groups: list[dict[str, Any]] = []
        groups: list[dict[str, Any]] = []
        for scale in dict.fromkeys(scale_of(name) for name in self.named):
            own = [(name, p) for name, p in self.named.items() if scale_of(name) == scale]
            hidden = [p for name, p in own if kind == "muon" and _is_hidden_matrix(name, p)]
            chosen = {id(parameter) for parameter in hidden}
            rest = [p for _, p in own if id(p) not in chosen]
            rates = {"lr": learning_rate * scale}
            groups.append({"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay, **rates})
            groups.append({"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0, **rates})
            if hidden:
                muon_groups.append({"params": hidden, "lr": muon_learning_rate * scale})
        groups = [group for group in groups if group["params"]]
        self._all: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, betas=(0.9, 0.98))]
        if muon_groups:
            muon = getattr(torch.optim, "Muon", None)
            if muon is None:
                raise HarnessError('this torch has no Muon: use optimizer = "adamw" or torch 2.9 or newer')
            self._all.append(muon(muon_groups, momentum=0.95, weight_decay=0.0))
        self._peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in self._all]

    def step(self, share: float) -> float:
        """Update at `share` of the peak learning rates and clear gradients; returns the gradient's norm."""
        import torch

        norm = torch.nn.utils.clip_grad_norm_(self.named.values(), self._max_grad_norm)
        for optimizer, peaks in zip(self._all, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def state(self) -> dict[str, Any]:
        """Weights and the state of each optimizer, for a checkpoint."""
        weights = {name: parameter.detach() for name, parameter in self.named.items()}
        return {"weights": weights, "optimizers": [optimizer.state_dict() for optimizer in self._all]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        import torch

        with torch.no_grad():
            for name, parameter in self.named.items():
                parameter.copy_(state["weights"][name])
        for optimizer, own in zip(self._all, state["optimizers"], strict=True):
            optimizer.load_state_dict(own)


def _is_hidden_matrix(name: str, parameter: torch.nn.Parameter) -> bool:
    return parameter.ndim == 2 and not any(part in name for part in _NO_MATRIX)


def rate(step: int, steps: int, ramp: int, schedule: Literal["cosine", "constant"]) -> float:
    """The share of the peak learning rate at `step` (from 0) of `steps`."""
    if step < ramp:
        return (step + 1) / ramp
    if schedule == "constant":
        return 1.0
    done = (step - ramp) / max(1, steps - ramp)
    return 0.5 * (1 + math.cos(math.pi * done))
