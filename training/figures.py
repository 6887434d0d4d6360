"""What is logged of a step: overall, and of each family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scorers.types import Status
from training.advantages import FamilyStatistics
from training.filtering import Acceptance
from training.local.update import Figures
from training.rewards import TERMS
from training.rollout import Rollout


def step_figures(
    sampled: Sequence[Rollout],
    acceptance: Acceptance,
    update: Figures,
    advantages: Mapping[str, FamilyStatistics],
    equity: Mapping[str, Mapping[str, float]],
    *,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The figures of a step.

    Args:
        sampled: every response with a verdict, kept or not.
        acceptance: what became of the groups.
        update: what the updates saw: the kept responses.
        advantages: statistics of the advantages of each key.
        equity: name of a share → key → its share of that, 0 to 1; a key that is not there has none.
        seconds: what took how long: `rollout`, `reward`, `update`.

    Returns:
        Plain JSON; None where a figure does not exist (no response, nothing kept).
    """
    keys = sorted(acceptance.by_family)
    families = {
        key: {
            **_family(key, sampled, acceptance, update, advantages.get(key)),
            **{name: _ratio(own[key], 1) if key in own else None for name, own in equity.items()},
        }
        for key in keys
    }
    counts = list(acceptance.by_family.values())
    prompts = sum(counter.total() for counter in counts)
    kept = sum(counter["kept"] for counter in counts)
    tokens = update.tokens.total()
    return {
        **_means(sampled),
        "prompts": prompts,
        "kept": kept,
        "acceptance": _ratio(kept, prompts),
        "loss": _mean(update.losses),
        "grad_norm": _mean(update.norms),
        "updates": len(update.losses),
        "skipped_updates": update.skipped,
        "entropy": _ratio(sum(update.entropies.values()), tokens),
        "clip_share": _ratio(update.clipped.total(), tokens),
        "clip_high_share": _ratio(update.clipped_high.total(), tokens),
        "policy_kl": _ratio(sum(update.moved.values()), tokens),
        "reference_kl": _ratio(update.from_reference, tokens),
        "tokens": tokens,
        "time": {
            **{name: round(spent, 3) for name, spent in seconds.items()},
            "tokens_per_second": _ratio(sum(len(each.tokens) for each in sampled), seconds.get("rollout", 0.0)),
        },
        "families": families,
    }


def _family(
    key: str,
    sampled: Sequence[Rollout],
    acceptance: Acceptance,
    update: Figures,
    advantages: FamilyStatistics | None,
) -> dict[str, Any]:
    own = [rollout for rollout in sampled if rollout.key == key]
    tokens = update.tokens[key]
    return {
        **_means(own),
        "acceptance": round(acceptance.rate(key), 6),
        "groups": dict(acceptance.by_family[key]),
        "entropy": _ratio(update.entropies.get(key, 0.0), tokens),
        "clip_share": _ratio(update.clipped[key], tokens),
        "clip_high_share": _ratio(update.clipped_high[key], tokens),
        "policy_kl": _ratio(update.moved.get(key, 0.0), tokens),
        "advantage": None if advantages is None else {k: round(v, 6) for k, v in asdict(advantages).items()},
    }


def _means(rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """Means over responses: reward, its terms, length in tokens, shares without an answer."""
    rewards = [rollout.reward for rollout in rollouts]
    statuses = [each.score.status for each in rewards]
    names = rewards[0].terms if rewards else TERMS
    return {
        "responses": len(rewards),
        "reward": _mean([each.total for each in rewards]),
        "value": _mean([each.value for each in rewards]),
        "terms": {name: _mean([each.terms[name] for each in rewards]) for name in names},
        "length": _mean([float(rollout.response.completion_tokens) for rollout in rollouts]),
        "unparsed": _mean([float(status is Status.UNPARSED) for status in statuses]),
        "truncated": _mean([float(status is Status.TRUNCATED) for status in statuses]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return _ratio(sum(values), len(values))


def _ratio(part: float, whole: float) -> float | None:
    """None where there is nothing to divide by, or the result is not finite: neither is a number in JSON."""
    result = part / whole if whole else math.nan
    return round(result, 6) if math.isfinite(result) else None
