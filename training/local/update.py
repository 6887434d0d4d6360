"""Updates: from rollouts and their advantages to new weights, in mini-batches of micro-batches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from training.budgets import Budget
from training.local.policy import Clip, Likelihoods, Policy, clipped_loss, micro_batches
from training.rollout import Rollout
from training.shaping import EntropyBand, entropy_penalty, outside


class Stepper:
    """AdamW over the trained weights, in float32: narrower weights have float32 copies that are stepped.

    In bfloat16 itself an update of 2e-6 to a weight of 0.02 is rounded away, and so is the gradient of one more
    micro-batch beside those of many.

    Args:
        named: (name, parameter) of the model.
        learning_rate: constant after the ramp.
        ramp_steps: updates over which it rises from 0.
        weight_decay: decoupled, on all weights.
        max_grad_norm: gradients are scaled down to this norm, over all weights.
    """

    def __init__(
        self,
        named: Sequence[tuple[str, torch.nn.Parameter]],
        *,
        learning_rate: float,
        ramp_steps: int = 0,
        weight_decay: float = 0.01,
        max_grad_norm: float = 1.0,
    ) -> None:
        self._trained = {name: parameter for name, parameter in named if parameter.requires_grad}
        self._masters: dict[str, Tensor] = {
            name: parameter if parameter.dtype == torch.float32 else parameter.detach().float().clone()
            for name, parameter in self._trained.items()
        }
        self._rate, self._ramp, self._max_norm = learning_rate, ramp_steps, max_grad_norm
        self._optimizer = torch.optim.AdamW(
            list(self._masters.values()), lr=learning_rate, weight_decay=weight_decay
        )
        self.updates = 0
        """Updates made."""

    @property
    def learning_rate(self) -> float:
        """Of the next update."""
        return self._rate * min(1.0, (self.updates + 1) / self._ramp) if self._ramp else self._rate

    def gather(self) -> None:
        """Add the gradients of a backward pass to those of the passes before it, in float32."""
        for name, parameter in self._trained.items():
            master = self._masters[name]
            if master is not parameter and parameter.grad is not None:
                gradient = parameter.grad.float()
                master.grad = gradient if master.grad is None else master.grad.add_(gradient)
                parameter.grad = None

    def step(self) -> float:
        """Update the weights and clear their gradients.

        Returns:
            The norm of the gradient before clipping. Where it is not finite, nothing is updated.
        """
        self.gather()
        norm = float(torch.nn.utils.clip_grad_norm_(self._masters.values(), self._max_norm))
        if math.isfinite(norm):
            for group in self._optimizer.param_groups:
                group["lr"] = self.learning_rate
            self._optimizer.step()
            self._copy_back()
            self.updates += 1
        self.clear()
        return norm

    def norm(self) -> float:
        """The norm of the gradients gathered so far."""
        gradients = (master.grad for master in self._masters.values() if master.grad is not None)
        return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))

    def clear(self) -> None:
        """Drop all gradients."""
        self._optimizer.zero_grad(set_to_none=True)
        for parameter in self._trained.values():
            parameter.grad = None

    def _copy_back(self) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                if self._masters[name] is not parameter:
                    parameter.copy_(self._masters[name])

    def state(self) -> dict[str, Any]:
        """Weights, optimizer and count, for a checkpoint."""
        weights = {name: master.detach() for name, master in self._masters.items()}
        return {"weights": weights, "optimizer": self._optimizer.state_dict(), "updates": self.updates}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        with torch.no_grad():
            for name, master in self._masters.items():
                master.copy_(state["weights"][name])
        self._copy_back()
        self._optimizer.load_state_dict(state["optimizer"])
        self.updates = int(state["updates"])


@dataclass
class Figures:
    """What an update saw, summed over its tokens."""

    losses: list[float] = field(default_factory=list)
    """Of each mini-batch."""
    norms: list[float] = field(default_factory=list)
    skipped: int = 0
    """Mini-batches without an update: a loss or gradient was not finite."""
    tokens: Counter[str] = field(default_factory=Counter)
    """By key."""
    clipped: Counter[str] = field(default_factory=Counter)
    """Key → tokens of which a bound took the gradient away."""
    clipped_high: Counter[str] = field(default_factory=Counter)
    """Of those, by the upper bound."""
    entropies: dict[str, float] = field(default_factory=dict)
    """Key → sum over its tokens, in nats."""
    moved: dict[str, float] = field(default_factory=dict)
    """Key → sum over its tokens of `divergences` from the policy that sampled."""
    from_reference: float = 0.0
    """The sum over all tokens of `divergences` from the weights that training started from."""

    def add(self, keys: Sequence[str], clipped: Tensor, entropies: Tensor, moved: Tensor) -> None:
        """Take in the tokens of a micro-batch."""
        for key, cut, entropy, far in zip(
            keys, clipped.tolist(), entropies.tolist(), moved.tolist(), strict=True
        ):
            self.tokens[key] += 1
            self.clipped[key] += cut != 0
            self.clipped_high[key] += cut > 0
            self.entropies[key] = self.entropies.get(key, 0.0) + entropy
            self.moved[key] = self.moved.get(key, 0.0) + far

    def take_in(self, other: Figures) -> None:
        """Add the tokens that another process saw of the same updates."""
        self.tokens.update(other.tokens)
        self.clipped.update(other.clipped)
        self.clipped_high.update(other.clipped_high)
        self.from_reference += other.from_reference
        for mine, theirs in ((self.entropies, other.entropies), (self.moved, other.moved)):
            for key, value in theirs.items():
                mine[key] = mine.get(key, 0.0) + value


def divergences(logps: Tensor, others: Tensor) -> Tensor:
    """An estimate of the KL divergence of one policy from another at each token that the one sampled.

    r − 1 − log r, with r the other's probability over the one's (Schulman, 2020): never negative.

    Args:
        logps: shape (tokens,), under the policy that sampled.
        others: shape (tokens,), under the other.
    """
    ratios = others - logps
    return ratios.exp() - 1 - ratios


class Updater:
    """Turns rollouts into updates.

    Args:
        policy: what is trained.
        stepper: its optimizer.
        clip: bounds of the surrogate.
        bands: key → entropy band.
        entropy_weight: λ of the entropy hinge; 0 leaves entropies alone.
        kl_weight: β of the distance from the weights that training started from; 0 asks for none.
        micro_batch: rollouts in one forward and backward pass.
        budget: counts updates that are skipped.
    """

    def __init__(
        self,
        policy: Policy,
        stepper: Stepper,
        *,
        clip: Clip,
        bands: Mapping[str, EntropyBand],
        entropy_weight: float,
        kl_weight: float,
        micro_batch: int,
        budget: Budget,
    ) -> None:
        self.policy, self.stepper = policy, stepper
        self._clip, self._bands, self._weight, self._kl_weight = clip, bands, entropy_weight, kl_weight
        self._size, self._budget = micro_batch, budget

    def update(self, batches: Sequence[Sequence[Rollout]], advantages: Sequence[Sequence[float]]) -> Figures:
        """One update a mini-batch.

        Args:
            batches: the rollouts of each mini-batch.
            advantages: of each of them.

        Raises:
            HarnessError: too many updates are not finite.
        """
        figures = Figures()
        several = len(batches) > 1
        before = [
            self._measure(rollouts) if several or self._hinges(rollouts) else None for rollouts in batches
        ]
        for number, (rollouts, weights) in enumerate(zip(batches, advantages, strict=True)):
            seen = before[number]
            old = seen[0] if seen is not None else None
            means = None
            if self._hinges(rollouts):
                if number or seen is None:
                    seen = self._measure(rollouts)  # the weights have moved: the hinge needs their entropies
                means = _means(rollouts, seen[1])
            self._mini_batch(rollouts, weights, old, means, figures)
        return figures

    def _hinges(self, rollouts: Sequence[Rollout]) -> bool:
        """Whether the hinge needs a pass of its own: in a single micro-batch the pass that trains tells all."""
        return self._weight > 0 and len(self._micro(rollouts)) > 1

    @torch.no_grad()
    def _measure(self, rollouts: Sequence[Rollout]) -> tuple[list[Tensor], list[float]]:
        """Each rollout's log-probabilities, and its entropy summed over its tokens."""
        logps: list[Tensor] = [torch.empty(0)] * len(rollouts)
        entropies = [0.0] * len(rollouts)
        for indices in self._micro(rollouts):
            likelihoods = self.policy.log_probabilities([rollouts[index] for index in indices])
            entropy = likelihoods.split(likelihoods.entropies)
            for index, own, spread in zip(indices, likelihoods.split(likelihoods.logps), entropy, strict=True):
                logps[index] = own
                entropies[index] = float(spread.double().sum())
        return logps, entropies

    def _micro(self, rollouts: Sequence[Rollout]) -> list[list[int]]:
        lengths = [len(rollout.tokens) for rollout in rollouts]
        return list(micro_batches(range(len(rollouts)), lengths, self._size))

    def _mini_batch(
        self,
        rollouts: Sequence[Rollout],
        advantages: Sequence[float],
        old: list[Tensor] | None,
        means: Mapping[str, float] | None,
        figures: Figures,
    ) -> None:
        """One update. Without `means` the rollouts are one micro-batch, and its own entropies are the means."""
        counts = Counter[str]()
        for rollout in rollouts:
            counts[rollout.key] += len(rollout.tokens)
        total = 0.0
        for indices in self._micro(rollouts):
            chosen = [rollouts[index] for index in indices]
            keys = [rollout.key for rollout in chosen for _ in rollout.tokens]
            hinged = self._weight > 0 and (means is None or outside(self._bands, means, keys))
            reference = self.policy.reference(chosen) if self._kl_weight else None
            likelihoods = self.policy.log_probabilities(chosen, entropy_gradient=hinged)
            before = (
                torch.cat([old[index] for index in indices]) if old is not None else likelihoods.logps.detach()
            )
            weights = likelihoods.each([advantages[index] for index in indices])
            losses, clipped = clipped_loss(likelihoods.logps, before, weights, self._clip)
            loss = losses.sum() / counts.total()
            if hinged:
                loss = loss + self._hinge(chosen, keys, likelihoods, means, counts)
            moved = divergences(before, likelihoods.logps.detach())
            if reference is not None:
                far = divergences(likelihoods.logps, reference)
                loss = loss + self._kl_weight * far.sum() / counts.total()
                figures.from_reference += float(far.detach().sum())
            figures.add(keys, clipped, likelihoods.entropies.detach(), moved)
            total += float(loss.detach())
            if not torch.isfinite(loss):
                break
            torch.autograd.backward(loss)
            self.stepper.gather()
        self._finish(total, figures)

    def _hinge(
        self,
        chosen: Sequence[Rollout],
        keys: list[str],
        likelihoods: Likelihoods,
        means: Mapping[str, float] | None,
        counts: Mapping[str, int],
    ) -> Tensor:
        """The part that a micro-batch has in the hinge; without `means` it is the whole mini-batch."""
        entropies = likelihoods.entropies
        if means is None:
            sums = [float(own.double().sum()) for own in likelihoods.split(entropies.detach())]
            means = _means(chosen, sums)
        return entropy_penalty(entropies, keys, means, counts, bands=self._bands, weight=self._weight)

    def _finish(self, loss: float, figures: Figures) -> None:
        """Step, unless the loss or the gradient is not finite."""
        finite = math.isfinite(loss)
        norm = self.stepper.step() if finite else float("nan")
        if math.isfinite(norm):
            figures.losses.append(loss)
            figures.norms.append(norm)
            self._budget.add(0, 1)
            return
        self.stepper.clear()
        figures.skipped += 1
        self._budget.add(1, 1, "the gradient" if finite else "the loss")


def _means(rollouts: Sequence[Rollout], entropies: Sequence[float]) -> dict[str, float]:
    """The mean entropy over all response tokens of each key."""
    sums: dict[str, float] = {}
    tokens = Counter[str]()
    for rollout, entropy in zip(rollouts, entropies, strict=True):
        sums[rollout.key] = sums.get(rollout.key, 0.0) + entropy
        tokens[rollout.key] += len(rollout.tokens)
    return {key: sums[key] / tokens[key] for key in sums if tokens[key]}
