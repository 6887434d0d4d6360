"""The prompts of a training run: balanced over families, seeded, and resumable at any prompt.

The k-th prompt of a family is a function of (seed, family, k) alone, so the whole state of the stream is one
counter a family.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from harness.errors import HarnessError
from tasks.images import ImageError
from tasks.types import RowError, Sample, Task

UNREADABLE = 100
"""So many unreadable rows of a family in a row end the run, or all of them where there are fewer."""


class Problems(Protocol):
    """The questions of one task that are trained on."""

    task: Task
    size: int | None
    """How many there are; None: without end."""

    def sample(self, index: int) -> Sample:
        """Question `index`, from 0.

        Raises:
            RowError: the row cannot become a sample.
            ImageError: its image cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamPrompt:
    """One prompt of the stream."""

    task: Task
    sample: Sample
    family: str
    epoch: int
    """Which pass over the task's questions, from 0."""
    index: int
    """Of the prompt among those of its family in this run, from 0: with the epoch, it names the prompt."""


def spread(total: int, parts: int, turn: int) -> list[int]:
    """`total` over `parts`, equal to within one; which parts get one more changes with `turn`."""
    each, more = divmod(total, parts)
    return [each + ((part - turn * more) % parts < more) for part in range(parts)]


class PromptStream:
    """Prompts by family.

    Args:
        problems: of each task; a task's category is its family. The tasks of a family take turns.
        seed: decides the order of finite data, anew in each pass.

    Raises:
        HarnessError: a task has no questions.
    """

    def __init__(self, problems: Sequence[Problems], seed: int) -> None:
        self._seed = seed
        self._by_family: dict[str, list[Problems]] = {}
        for each in problems:
            if each.size == 0:
                raise HarnessError(f"{each.task.name}: no rows to train on")
            self._by_family.setdefault(each.task.category, []).append(each)
        self._next = dict.fromkeys(self._by_family, 0)
        self._orders: dict[str, tuple[int, list[int]]] = {}
        self.skipped: dict[str, int] = {}
        """Family → rows that could not be read so far."""

    @property
    def families(self) -> tuple[str, ...]:
        """The families, in the order of the tasks given."""
        return tuple(self._by_family)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks of the stream."""
        return tuple(each.task for problems in self._by_family.values() for each in problems)

    def take(self, family: str) -> StreamPrompt:
        """The next prompt of a family; rows that cannot be read are counted and passed over.

        Raises:
            HarnessError: nothing of the family can be read.
        """
        problems = self._by_family[family]
        sizes = [each.size for each in problems if each.size is not None]
        patience = min(UNREADABLE, sum(sizes)) if len(sizes) == len(problems) else UNREADABLE
        for _ in range(patience):
            position = self._next[family]
            self._next[family] += 1
            turn, which = divmod(position, len(problems))
            chosen = problems[which]
            epoch, index = self._row_of(chosen, turn)
            try:
                sample = chosen.sample(index)
            except (RowError, ImageError) as error:
                self.skipped[family] = self.skipped.get(family, 0) + 1
                last = error
                continue
            return StreamPrompt(chosen.task, sample, family, epoch, position)
        raise HarnessError(f"{family}: {patience} rows in a row cannot be trained on; the last: {last}")

    def _row_of(self, problems: Problems, turn: int) -> tuple[int, int]:
        """(pass, row) of a task's turn: rows in a fresh order in each pass."""
        if problems.size is None:
            return 0, turn
        epoch, index = divmod(turn, problems.size)
        name = problems.task.name
        if name not in self._orders or self._orders[name][0] != epoch:
            order = list(range(problems.size))
            Random(f"stream/{self._seed}/{name}/{epoch}").shuffle(order)  # noqa: S311 - an order, not a secret
            self._orders[name] = (epoch, order)
        return epoch, self._orders[name][1][index]

    def quotas(self, prompts: int, step: int) -> Iterator[tuple[str, int]]:
        """How many prompts of each family a batch has: equal to within one, the odd ones in turn."""
        return zip(self.families, spread(prompts, len(self.families), step), strict=True)

    def state(self) -> dict[str, dict[str, int]]:
        """Where the stream is, for a checkpoint."""
        return {"next": dict(self._next), "skipped": dict(self.skipped)}

    def restore(self, state: dict[str, dict[str, int]]) -> None:
        """Take up what `state` gave."""
        self._next = dict(state["next"])
        self.skipped = dict(state["skipped"])
