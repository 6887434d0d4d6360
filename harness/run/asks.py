"""The responses that a run wants: their keys, and the requests that ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.config import RunConfig
from harness.run.journal import Key
from harness.run.plan import Planned, TaskPlan, request_seed
from harness.types import PixelLimits, Request, Sampling
from tasks.types import Task


@dataclass(frozen=True, slots=True)
class Ask:
    """One response that is wanted."""

    task: Task
    position: int
    """Of the item within its task, from 0."""
    planned: Planned
    key: Key
    max_new_tokens: int


def all_asks(plans: Sequence[TaskPlan], shas: Mapping[str, str], epochs: int) -> dict[str, Ask]:
    """Every response of a run by its key, longest first.

    Args:
        plans: of the tasks.
        shas: the `generation_sha` of each task.
        epochs: answers a sample.
    """
    asks = []
    for plan in plans:
        name = plan.task.name
        for position, entry in enumerate(plan.entries):
            if isinstance(entry, Planned):
                for epoch in range(epochs):
                    key = Key(name, entry.sample.id, epoch, entry.prompt_sha, entry.image_sha, shas[name])
                    asks.append(Ask(plan.task, position, entry, key, plan.max_new_tokens))
    asks.sort(key=lambda ask: -ask.planned.cost)
    return {ask.key.digest: ask for ask in asks}


def request_for(digest: str, planned: Planned, max_new_tokens: int, config: RunConfig) -> Request:
    """The request of a sample under a key."""
    sampling = Sampling(max_new_tokens, config.temperature, config.top_p, request_seed(config.seed, digest))
    pixels = PixelLimits(config.min_pixels, config.max_pixels)
    return Request(digest, planned.parts, planned.sample.images, sampling, pixels, config.system_prompt)
