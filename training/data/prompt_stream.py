"""The prompts of a training run: by family, uniform over its rows, seeded, and resumable at any prompt.

The k-th prompt of a family is a function of (seed, family, k) alone, so the whole state of the stream is one
counter a family.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal, Protocol

from harness.errors import HarnessError, UsageError
from tasks.images import ImageError
from tasks.types import RowError, Sample, Task

Balance = Literal["families", "none"]
"""`families`: equally many prompts of each in a batch; `none`: in proportion to their rows."""
UNREADABLE = 100
"""So many unreadable rows of a family in a row end the run, or fewer where they show that it has no others."""


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
    """Which pass over the family's rows, from 0."""
    index: int
    """Of the prompt among those of its family in this run, from 0: with the epoch, it names the prompt."""


def spread(total: int, parts: int, turn: int) -> list[int]:
    """`total` over `parts`, equal to within one; which parts get one more changes with `turn`."""
    each, more = divmod(total, parts)
    return [each + ((part - turn * more) % parts < more) for part in range(parts)]


class _Rows:
    """The rows of a family that have an end, as one list in the order of its tasks.

    Args:
        name: of the family: each has orders of its own.
        problems: its tasks; each has a size.
        seed: decides the order of each pass.
    """

    def __init__(self, name: str, problems: Sequence[Problems], seed: int) -> None:
        self._name, self._problems, self._seed = name, problems, seed
        self._ends = list(accumulate(each.size or 0 for each in problems))
        self._order: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def at(self, turn: int) -> tuple[int, Problems, int]:
        """(pass, task, row of the task) of a turn: each row once a pass, in an order of the pass's own."""
        epoch, position = divmod(turn, len(self))
        if self._order[0] != epoch:
            order = list(range(len(self)))
            Random(f"stream/{self._seed}/{self._name}/{epoch}").shuffle(order)  # noqa: S311 - no secret
            self._order = (epoch, order)
        row = self._order[1][position]
        which = bisect_right(self._ends, row)
        return epoch, self._problems[which], row - (self._ends[which - 1] if which else 0)


class PromptStream:
    """Prompts by family.

    Of rows that have an end, each is asked once in a pass over the family, whatever its task. Tasks without
    end (drawings) take turns.

    Args:
        problems: of each task; a task's category is its family.
        seed: decides the order of rows, anew in each pass.
        balance: what share of a batch each family has.

    Raises:
        HarnessError: a task has no questions.
        UsageError: `balance` is `none`, and a task has no end.
    """

    def __init__(self, problems: Sequence[Problems], seed: int, balance: Balance = "families") -> None:
        self._by_family: dict[str, list[Problems]] = {}
        for each in problems:
            if each.size == 0:
                raise HarnessError(f"{each.task.name}: no rows to train on")
            self._by_family.setdefault(each.task.category, []).append(each)
        self._endless = {name: [p for p in of if p.size is None] for name, of in self._by_family.items()}
        self._rows = {
            name: _Rows(name, [p for p in of if p.size is not None], seed)
            for name, of in self._by_family.items()
        }
        if balance == "none" and self.endless:
            raise UsageError(
                f"balance = none goes by the number of rows, and {self.endless[0].name} has no end: "
                "set balance to families"
            )
        self._deal = _deal(self.rows) if balance == "none" else []
        self._next = dict.fromkeys(self._by_family, 0)
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

    @property
    def rows(self) -> dict[str, int]:
        """Family → its rows that have an end."""
        return {name: len(rows) for name, rows in self._rows.items()}

    @property
    def row_count(self) -> int:
        """Rows that have an end, of all families."""
        return sum(self.rows.values())

    @property
    def drawn(self) -> int:
        """Prompts that have had their turn so far, of all families; those that were passed over too."""
        return sum(self._next.values())

    @property
    def endless(self) -> tuple[Task, ...]:
        """The tasks without end."""
        return tuple(each.task for problems in self._endless.values() for each in problems)

    @property
    def epochs(self) -> dict[str, float]:
        """Family → passes over its rows so far, with fractions; drawings have no end, hence no passes."""
        return {name: self._turns(name) / len(rows) for name, rows in self._rows.items() if len(rows)}

    def take(self, family: str, refused: Callable[[StreamPrompt], str | None] = lambda _: None) -> StreamPrompt:
        """The next prompt of a family; rows that cannot be read are counted and passed over.

        Args:
            family: which.
            refused: why a prompt is passed over too; None: it is not.

        Raises:
            HarnessError: nothing of the family can be read, or all is refused.
        """
        patience = UNREADABLE
        if not self._endless[
            family
        ]:  # one good row of n stands behind 2 (n - 1) bad ones at most, over two passes
            patience = min(UNREADABLE, 2 * len(self._rows[family]) - 1)
        for _ in range(patience):
            position = self._next[family]
            self._next[family] += 1
            epoch, chosen, index = self._at(family, position)
            try:
                sample = chosen.sample(index)
            except (RowError, ImageError) as error:
                self.skipped[family] = self.skipped.get(family, 0) + 1
                last = str(error)
                continue
            prompt = StreamPrompt(chosen.task, sample, family, epoch, position)
            if (why := refused(prompt)) is None:
                return prompt
            last = why
        raise HarnessError(f"{family}: {patience} rows in a row cannot be trained on; the last: {last}")

    def _at(self, family: str, position: int) -> tuple[int, Problems, int]:
        """(pass, task, row) of a prompt: the tasks without end and the rows that have one take turns."""
        endless, rows = self._endless[family], self._rows[family]
        turn, which = divmod(position, len(endless) + bool(rows))
        return (0, endless[which], turn) if which < len(endless) else rows.at(turn)

    def _turns(self, family: str) -> int:
        """How often the rows of a family that have an end had their turn."""
        return self._next[family] // (len(self._endless[family]) + 1)

    def quotas(self, prompts: int, step: int) -> Iterator[tuple[str, int]]:
        """How many prompts of each family a batch has.

        Equal to within one, the odd ones in turn; or in proportion to the families' rows.
        """
        if not self._deal:
            return zip(self.families, spread(prompts, len(self.families), step), strict=True)
        dealt = Counter(
            self._deal[place % len(self._deal)] for place in range(step * prompts, (step + 1) * prompts)
        )
        return iter([(name, dealt[name]) for name in self.families])

    def state(self) -> dict[str, dict[str, int]]:
        """Where the stream is, for a checkpoint."""
        return {"next": dict(self._next), "skipped": dict(self.skipped)}

    def restore(self, state: dict[str, dict[str, int]]) -> None:
        """Take up what `state` gave."""
        self._next = dict(state["next"])
        self.skipped = dict(state["skipped"])


def _deal(rows: Mapping[str, int]) -> list[str]:
    """As many names of each family as it has rows, spread so that any stretch has them in proportion.

    The order is that of Webster's apportionment of seats: the i-th of n rows stands at (i + ½)/n of the whole.
    """
    places = [((2 * i + 1) / (2 * number), name) for name, number in rows.items() for i in range(number)]
    return [name for _, name in sorted(places)]
