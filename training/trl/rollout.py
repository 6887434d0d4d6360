"""From kept groups to the rows of each process: windows of one update, micro-batches of like length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from training.advantages import Array, Batch
from training.filtering import Acceptance
from training.rollout import Rollout
from training.trl.config import Layout


@dataclass(frozen=True, slots=True)
class Row:
    """One response in a micro-batch."""

    rollout: Rollout
    advantage: float
    real: bool = True
    """False: it fills a place that no response was kept for, and counts nowhere."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """Of the response; one for a row that only fills a place."""
        return self.rollout.tokens if self.real else self.rollout.tokens[:1]


@dataclass(frozen=True, slots=True)
class Window:
    """What one update trains on."""

    rows: list[Row]
    """Of this process: whole micro-batches, short responses first."""
    idle: int
    """Micro-batches before them that no process has a response for: they are passed over."""
    tokens: Counter[str]
    """Key → response tokens, over all processes."""


@dataclass(slots=True)
class Turn:
    """One rollout batch."""

    step: int
    learning_rate: float
    sampled: list[Rollout] = field(default_factory=list)
    """Every response with a verdict, kept or not."""
    acceptance: Acceptance = field(default_factory=Acceptance)
    rollouts: list[Rollout] = field(default_factory=list)
    """Those of the kept groups, one group after another; the same in every process."""
    batch: Batch | None = None
    advantages: Array | None = None
    """Shape (n,), float64, of each of them."""
    windows: list[Window] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """Of this process, window by window."""
        return [row for window in self.windows for row in window.rows]


def deal(
    rollouts: Sequence[Rollout],
    advantages: Sequence[float],
    places: Sequence[Sequence[int]],
    layout: Layout,
    rank: int,
) -> list[Window]:
    """The windows of one process.

    Responses of a window are sorted by length and dealt in turn: processes have like work, and a micro-batch
    little padding. Places that are left empty come first; a micro-batch of nothing but those is passed over.

    Args:
        rollouts: the kept ones, the same in every process.
        advantages: of each.
        places: positions of the rollouts of each mini-batch.
        layout: how they are split.
        rank: which process.

    Returns:
        `layout.windows` windows; those without a mini-batch are empty.
    """
    windows = []
    together = layout.micro_batch * layout.processes
    for number in range(layout.windows):
        own = (
            sorted(places[number], key=lambda place: (len(rollouts[place].tokens), place))
            if number < len(places)
            else []
        )
        empty = layout.rows - len(own)
        idle = empty // together
        rows = [Row(rollouts[place], float(advantages[place])) for place in own]
        filling = [Row(rows[0].rollout, 0.0, real=False)] * (empty - idle * together) if rows else []
        tokens = Counter[str]()
        for place in own:
            tokens[rollouts[place].key] += len(rollouts[place].tokens)
        windows.append(Window((filling + rows)[rank :: layout.processes], idle, tokens))
    return windows
