"""Equity: which part of an update each family has, by its weight in the loss and by its gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from training.local.policy import Clip, Policy, clipped_loss, micro_batches
from training.local.update import Stepper
from training.rollout import Rollout


def loss_weights(rollouts: Sequence[Rollout], advantages: Sequence[float]) -> dict[str, float]:
    """Key → sum over its response tokens of |advantage|: what the loss, a mean over tokens, weighs it with."""
    weights: dict[str, float] = {}
    for rollout, advantage in zip(rollouts, advantages, strict=True):
        weights[rollout.key] = weights.get(rollout.key, 0.0) + abs(float(advantage)) * len(rollout.tokens)
    return weights


def gradient_norms(
    policy: Policy,
    stepper: Stepper,
    rollouts: Sequence[Rollout],
    advantages: Sequence[float],
    *,
    clip: Clip,
    micro_batch: int,
) -> dict[str, float]:
    """The norm of the gradient of each key's part of the token-mean surrogate, at the present weights.

    It costs a forward and a backward pass over all rollouts. Weights, optimizer and random numbers are left as
    they were; gradients are cleared.

    Args:
        policy: what is trained.
        stepper: its optimizer.
        rollouts: those that the step trains on.
        advantages: of each of them.
        clip: bounds of the surrogate.
        micro_batch: rollouts in one forward and backward pass.
    """
    lengths = [len(rollout.tokens) for rollout in rollouts]
    norms = {}
    stepper.clear()
    with torch.random.fork_rng():
        for key in sorted({rollout.key for rollout in rollouts}):
            own = [index for index, rollout in enumerate(rollouts) if rollout.key == key]
            for indices in micro_batches(own, lengths, micro_batch):
                likelihoods = policy.log_probabilities([rollouts[index] for index in indices])
                weights = likelihoods.each([float(advantages[index]) for index in indices])
                losses, _ = clipped_loss(likelihoods.logps, likelihoods.logps.detach(), weights, clip)
                torch.autograd.backward(losses.sum() / max(1, sum(lengths)))
                stepper.gather()
            norms[key] = stepper.norm()
            stepper.clear()
    return norms


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """Each key's part of the sum; empty where there is nothing to share or it is not finite."""
    whole = sum(parts.values())
    return {key: part / whole for key, part in parts.items()} if whole and math.isfinite(whole) else {}
