"""Dynamic filtering: groups that teach nothing are left out, whole.

Source: DAPO (arXiv 2503.14476), with the thresholds of arXiv 2604.08539's released code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from training.rewards import Reward

Outcome = Literal["kept", "too hard", "too easy", "no spread", "too few"]


@dataclass(frozen=True, slots=True)
class FilterRule:
    """Which groups are kept."""

    low: float = 0.01
    """A mean accuracy of at most this teaches nothing: all wrong."""
    high: float = 0.99
    """One of at least this neither: all right."""
    min_std: float = 1e-6
    """The population standard deviation of the rewards must be above this."""


def outcome(rewards: Sequence[Reward], rule: FilterRule) -> Outcome:
    """Whether a group is kept, or why not.

    Args:
        rewards: of the group's responses that count.
        rule: the thresholds.
    """
    if len(rewards) < 2:
        return "too few"
    accuracy = float(np.mean([reward.value for reward in rewards]))
    if accuracy <= rule.low:
        return "too hard"
    if accuracy >= rule.high:
        return "too easy"
    if float(np.std([reward.total for reward in rewards])) <= rule.min_std:
        return "no spread"
    return "kept"


@dataclass
class Acceptance:
    """How many groups of each family were sampled, and what became of them."""

    by_family: dict[str, Counter[Outcome]] = field(default_factory=dict)

    def add(self, family: str, what: Outcome) -> None:
        """Count a group."""
        self.by_family.setdefault(family, Counter())[what] += 1

    def rate(self, family: str) -> float:
        """The share of a family's groups that were kept."""
        counts = self.by_family[family]
        return counts["kept"] / counts.total()
