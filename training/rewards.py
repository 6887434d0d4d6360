"""Rewards: the score that `harness eval` writes, plus the recipe's terms for format, structure and length.

No scoring code lives here: the value is the task's own verdict (`harness.scores.judging.judge`), the format
rule is `training.response_format`, the structure and tagged terms read the verdict's status and channel.
`TERMS` is the one table of terms: recipes weigh them and logs report them by its names.

Source: arXiv 2604.08539; the weights are those of the authors' released code.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from numbers import Real
from typing import NamedTuple

from harness.errors import FAULTS, UsageError, named, nearest
from harness.scores.judging import judge
from scorers.read.locate import Channel
from scorers.read.normalise import clean
from scorers.types import Coords, Score, Status
from tasks.types import Response, Sample, Task
from training.response_format import response_format
from training.shaping import LengthEnvelope


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a term looks at: one response and its verdict."""

    response: Response
    score: Score
    """The task's verdict: value, status, what was read (`extracted`) and how it was given (`channel`)."""
    envelope: LengthEnvelope
    """The family's, over the tokens of the response."""
    strict: bool
    """The whole response is one thinking block and one answer block; else text may stand around them."""


def value_term(seen: Evidence) -> float:
    """The accuracy: the verdict's value."""
    return seen.score.value


def format_term(seen: Evidence) -> float:
    """1 where the response is one thinking block, then one answer block."""
    return response_format(seen.response.text, strict=seen.strict)


def length_term(seen: Evidence) -> float:
    """The family's length envelope over the tokens of the response."""
    return seen.envelope.reward(seen.response.completion_tokens)


def structure_term(seen: Evidence) -> float:
    """1 where the format holds and the scorer found an answer of the shape that is asked for."""
    return format_term(seen) * (seen.score.status is Status.OK)


def tagged_term(seen: Evidence) -> float:
    """The accuracy of an answer that stands in the answer block; 0 for one that was found anywhere else.

    A recipe that gives it all of the value's weight pays for no other answers.
    """
    if seen.score.channel == Channel.TAG:
        return seen.score.value
    # Some rules say `whole` of a block that they take to the letter.
    response = clean(seen.response.text)
    block = response.blocks[-1] if response.blocks else ""
    return seen.score.value * (block != "" and block in (response.visible, seen.score.extracted))


class Term(NamedTuple):
    """One term of the reward."""

    of: Callable[[Evidence], float]
    """0 to 1, before it is weighted."""
    weight: float | None
    """By default; None, the value's: what the terms that share leave of 1."""
    shares: bool = True
    """Its weight is taken from the value's; else it comes on top."""


TERMS: Mapping[str, Term] = {
    "value": Term(value_term, None),
    "format": Term(format_term, 0.1),
    "length": Term(length_term, 0.1),
    "structure": Term(structure_term, 0.5, shares=False),
    "tagged": Term(tagged_term, 0.0),
}


def weights(given: Mapping[str, float] | None = None) -> dict[str, float]:
    """The weight of each term, in the order of the table: those given, else the default.

    Raises:
        ValueError: there is no such term, a weight is negative, or nothing or something else is left for the
        value.
    """
    given = given or {}
    for name, weight in given.items():
        if name not in TERMS:
            raise ValueError(f"there is no reward term {name!r}{nearest(name, TERMS)}")
        if not 0 <= weight < math.inf:
            raise ValueError(f"the weight of {name} is {weight}: wants 0 or more")
    found = {name: given.get(name, term.weight) for name, term in TERMS.items() if term.weight is not None}
    shared = {name: weight for name, weight in found.items() if TERMS[name].shares}
    if math.fsum(shared.values()) > 1:
        names = " and ".join(name for name, weight in shared.items() if weight)
        raise ValueError(f"the weights of {names} together exceed 1: nothing is left for the value")
    left = 1.0
    for weight in shared.values():
        left -= weight
    left = max(0.0, left)
    if abs(given.get("value", left) - left) > 1e-9:
        raise ValueError(f"the other terms leave {left:g} for the value, not {given['value']:g}: weigh those")
    return {name: found.get(name, left) for name in TERMS}


OwnReward = Callable[[str, Sample, Score], float]
"""A reward function of one's own: (text of the response, what was asked, the task's verdict) → 0 to 1."""
OWN = "own"
"""The name of its term."""


@cache
def own_reward(name: str) -> OwnReward:
    """The function that "module:function" names; the working folder counts as a place of modules.

    Raises:
        UsageError: there is no such function.
    """
    module, colon, function = name.partition(":")
    if not colon:
        raise UsageError(f"reward function {name!r}: wants module:function")
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        found: OwnReward = getattr(import_module(module), function)
    except FAULTS as error:
        raise UsageError(f"reward function {name}: {named(error)}") from error
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise UsageError(f"reward function {name}: it is no function")
    return found


@dataclass(frozen=True, slots=True)
class RewardRule:
    """How the terms make a reward: their weighted sum."""

    weights: Mapping[str, float] = field(default_factory=weights)
    """Of every term of the table, and of `own` where there is one."""
    strict: bool = True
    """As in `Evidence`."""
    own: OwnReward | None = None
    """A further term."""


@dataclass(frozen=True, slots=True)
class Reward:
    """What one response earns, and for what."""

    total: float
    terms: Mapping[str, float]
    """Every term, 0 to 1, before it is weighted."""
    score: Score
    """The task's verdict, as an evaluation journals it."""

    @property
    def value(self) -> float:
        """The accuracy: the verdict's value."""
        return self.score.value

    @property
    def counts(self) -> bool:
        """False where there is no response or the scorer failed: such a response leaves its group."""
        return self.score.status not in (Status.FAILED, Status.ERROR)


def reward(
    task: Task,
    sample: Sample,
    response: Response,
    *,
    rule: RewardRule,
    envelope: LengthEnvelope,
    coords: Coords | None,
) -> Reward:
    """Judge one response.

    Args:
        task: whose scorer decides.
        sample: what was asked.
        response: what the policy answered.
        rule: the weights.
        envelope: the length term, over the tokens of the response.
        coords: the model's coordinate convention.
    """
    score = judge(task, sample, response, coords=coords)
    seen = Evidence(response, score, envelope, rule.strict)
    terms = {name: term.of(seen) for name, term in TERMS.items()}
    if rule.own is not None:
        try:
            found = rule.own(response.text, sample, score)
            if not isinstance(found, Real) or not 0 <= found <= 1:  # NaN too
                raise ValueError(f"it gave {found!r}, which is no number in 0..1")
        except FAULTS as error:  # as with a scorer that fails, the response has no verdict
            why = f"the reward function: {named(error)}"
            return Reward(0.0, terms | {OWN: 0.0}, replace(score, status=Status.ERROR, value=0.0, error=why))
        terms[OWN] = float(found)
    return Reward(sum(rule.weights[name] * found for name, found in terms.items()), terms, score)
