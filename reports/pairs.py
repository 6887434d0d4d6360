"""Runs of a report compared two by two on the same samples: what the overview and the compare tab read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.compare import compare_sides
from harness.compare.comparison import Comparison
from harness.compare.pairing import Side, side_of
from harness.compare.table import Signs, significant
from harness.errors import UsageError
from reports.runs import Run

ALL_PAIRS = 4
"""Up to so many runs every pair is compared, whatever their size."""
WORK = 250_000
"""Samples in all pairs: beyond it each run is compared with the first only."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two runs of the report, by position, the earlier one the baseline."""

    a: int
    b: int
    comparison: Comparison | None
    why: str = ""
    """Why there is none."""
    significant: Signs | None = None
    """(kind, name) of what differs significantly → 1 where B is better, -1 where it is worse."""


@dataclass(frozen=True, slots=True)
class Pairings:
    """All pairs that were compared."""

    all: Sequence[Pairing]
    complete: bool
    """Every two runs; otherwise each with `first` only."""
    first: int

    def of(self, a: int, b: int) -> Pairing | None:
        """The pair of two runs, in either order; None where it was not compared."""
        wanted = (min(a, b), max(a, b))
        return next((found for found in self.all if (found.a, found.b) == wanted), None)

    def sign(self, a: int, b: int, kind: str, name: str) -> int | None:
        """1 where run b is significantly better than run a, -1 worse, 0 neither, None: not compared."""
        found = self.of(a, b)
        if found is None or found.comparison is None or found.significant is None:
            return None
        tasks, categories = found.comparison.tasks, found.comparison.categories
        entry = {"task": tasks.get(name), "category": categories.get(name), "overall": found.comparison.overall}
        shown = entry[kind]
        if shown is None or shown.difference.value is None:
            return None
        sign = found.significant.get((kind, name), 0)
        return sign if found.a == a else -sign


def pairings(runs: Sequence[Run], first: int = 0, *, allow_mismatch: bool = False) -> Pairings:
    """Compare the runs of a report.

    Args:
        runs: in the order given.
        first: position of the run that all others are compared with where there are too many samples for
            every pair.
        allow_mismatch: as of `compare_sides`.

    Intervals and tests are the closed forms; `harness compare` has the bootstrap beside them.
    """
    sides = [_side(run) for run in runs]
    wanted = list(combinations(range(len(runs)), 2))
    work = sum(min(_size(sides[a]), _size(sides[b])) for a, b in wanted)
    complete = len(runs) <= ALL_PAIRS or work <= WORK
    chosen = [pair for pair in wanted if complete or first in pair]
    return Pairings(list(_compared(sides, chosen, allow_mismatch)), complete, first)


def _compared(
    sides: Sequence[Side | str], wanted: Sequence[tuple[int, int]], allow_mismatch: bool
) -> Iterator[Pairing]:
    for a, b in wanted:
        one, other = sides[a], sides[b]
        if isinstance(one, str) or isinstance(other, str):
            yield Pairing(a, b, None, one if isinstance(one, str) else str(other))
            continue
        try:
            comparison = compare_sides(one, other, allow_mismatch=allow_mismatch, repeats=0)
        except UsageError as error:
            yield Pairing(a, b, None, str(error).removeprefix(f"{one.path} and {other.path}: "))
            continue
        yield Pairing(a, b, comparison, significant=significant(comparison))


def _side(run: Run) -> Side | str:
    """A run to compare, or why it cannot be: it is a shard, or its task file is gone."""
    if run.shard is not None:
        return f"{run.name}: shard {run.shard} is not a whole run"
    try:
        return side_of(run.path, run.name, run.run, run.items, run.scores, complete=run.finished)
    except UsageError as error:
        return f"{run.name}: {error}"


def _size(side: Side | str) -> int:
    return 0 if isinstance(side, str) else sum(len(task.verdicts) for task in side.tasks.values())
