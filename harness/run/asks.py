"""The responses that a run wants: their keys, and the requests that ask for them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from harness.columns import sorted_column
from harness.config import RunConfig
from harness.run.items import Planned
from harness.run.journal import Key
from harness.run.media import KeptImage
from harness.run.plan import TaskPlan, request_seed
from harness.types import Request, Sampling
from tasks.types import Task


class Ask(NamedTuple):
    """One response that is wanted."""

    number: int
    """Of the ask within the run."""
    task: Task
    position: int
    """Of the item within its task, from 0."""
    planned: Planned
    key: Key
    max_new_tokens: int


class Asks:
    """Every response of a run, and which are still wanted: a byte each; the rest is in the plans' entries.

    Args:
        plans: of the tasks.
        shas: the `generation_sha` of each task.
        epochs: answers a sample.
    """

    def __init__(self, plans: Sequence[TaskPlan], shas: Mapping[str, str], epochs: int) -> None:
        self._plans, self._shas, self._epochs = plans, shas, epochs
        self._starts = [0, *accumulate(len(plan.entries) * epochs for plan in plans)]
        self._wanted = bytearray(self._starts[-1])
        for plan, start in zip(plans, self._starts, strict=False):
            for position in plan.entries.asked:
                for number in range(start + position * epochs, start + (position + 1) * epochs):
                    self._wanted[number] = 1

    def __len__(self) -> int:
        return self._wanted.count(1)

    def __iter__(self) -> Iterator[Ask]:
        """Those that are wanted, longest first."""
        for number in self._ordered():
            if self._wanted[number]:
                yield self[number]

    def _ordered(self) -> array[int]:
        costs = array("d")
        for plan in self._plans:
            for cost in plan.entries.costs:
                costs.extend([-cost] * self._epochs)
        numbers = array("q", filter(self._wanted.__getitem__, range(len(costs))))
        return sorted_column(numbers, costs.__getitem__)

    def __getitem__(self, number: int) -> Ask:
        index = bisect_right(self._starts, number, hi=len(self._plans)) - 1
        plan = self._plans[index]
        position, epoch = divmod(number - self._starts[index], self._epochs)
        entry, name = plan.entries[position], plan.task.name
        assert isinstance(entry, Planned)
        key = Key(name, entry.sample.id, epoch, entry.prompt_sha, entry.image_sha, self._shas[name])
        return Ask(number, plan.task, position, entry, key, plan.max_new_tokens)

    def of(self, task: str) -> Iterator[Ask]:
        """Those of one task that are wanted, in the order of its rows."""
        for plan, start, end in zip(self._plans, self._starts, self._starts[1:], strict=False):
            if plan.task.name == task:
                yield from (self[number] for number in range(start, end) if self._wanted[number])

    def images_of_answered(self) -> Iterator[KeptImage]:
        """The images of samples of which nothing is wanted any more."""
        for plan, start in zip(self._plans, self._starts, strict=False):
            for position in plan.entries.asked:
                first = start + position * self._epochs
                if 1 not in self._wanted[first : first + self._epochs]:
                    yield from plan.entries.images(position)

    def answered(self, ask: Ask) -> None:
        """It is not wanted any more."""
        self._wanted[ask.number] = 0


def request_for(digest: str, planned: Planned, max_new_tokens: int, config: RunConfig) -> Request:
    """The request of a sample under a key."""
    sampling = Sampling(max_new_tokens, config.temperature, config.top_p, request_seed(config.seed, digest))
    own = planned.sample.prompt.system if planned.sample.prompt is not None else None
    system = own if config.system_prompt is None else config.system_prompt
    return Request(digest, planned.parts, planned.sample.images, sampling, config.pixels, system)
