"""Every checkpoint of a training evaluated as it appears: runs in one folder, one a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.compare.comparison import MeanComparison, TaskComparison
from harness.compare.pairing import Side, read_side
from harness.compare.runs import compare_sides
from harness.compare.table import signed
from harness.config import RunConfig
from harness.errors import HarnessError, UsageError
from harness.jsonl import read_json
from harness.models.checkpoints import Checkpoint, Watched
from harness.progress import Progress
from harness.run.engine import execute
from harness.scores.results import Results, read_results
from harness.scores.stats import NOTHING, Estimate
from harness.scores.table import NO_NUMBER, interval, number
from harness.terminal import Column, Row, Screen, table, wrapped

_COLUMNS = (
    Column("step"),
    Column("score"),
    Column("95 % CI", 1),
    Column("Δ first"),
    Column("95 % CI", 2),
    Column("Δ best"),
    Column("95 % CI", 2),
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A checkpoint's finished run."""

    step: int
    path: Path
    results: Results

    @property
    def score(self) -> Estimate:
        """The mean of its tasks; of one task its headline in per cent."""
        tasks = list(self.results.tasks.values())
        return tasks[0].percent if len(tasks) == 1 else self.results.mean.score


def finished_runs(out: Path) -> list[Evaluated]:
    """The finished runs of a folder that are of a checkpoint, in the order of their steps."""
    found = []
    for path in sorted(out.glob("*/results.json")):
        step = read_json(path.parent / "run.json").get("step")
        if isinstance(step, int):
            found.append(Evaluated(step, path.parent, read_results(path.parent)))
    return sorted(found, key=lambda each: (each.step, each.path.name))


def watch(
    configure: Callable[[Path, Path], RunConfig],
    folder: Path,
    out: Path,
    *,
    until: int | None,
    poll: float,
    command: Sequence[str],
    progress: Progress,
    done: Callable[[Path], None],
) -> list[str]:
    """Evaluate each checkpoint below a folder once, as it becomes whole; until there are enough, or for ever.

    Args:
        configure: makes the configuration of an evaluation of its model's folder and its own.
        folder: where a trainer writes.
        out: takes the runs, each under its checkpoint's name.
        until: finished runs of checkpoints in `out` after which it ends; None: it goes on.
        poll: seconds between two looks.
        command: as typed.
        progress: where to say what happens.
        done: is given the folder of each run that has just been finished.

    Returns:
        The names of checkpoints that could not be evaluated.

    Raises:
        UsageError: there is no such folder, or the evaluation cannot be as it is asked for.
    """
    if not folder.is_dir():
        raise UsageError(f"--watch {folder}: no such directory")
    watched, failed = Watched(folder), list[str]()
    while until is None or len(finished_runs(out)) < until:
        for checkpoint in watched.ready():
            if not _evaluate(configure, checkpoint, out / checkpoint.name, command, progress):
                failed.append(checkpoint.name)
                continue
            done(out / checkpoint.name)
            if until is not None and len(finished_runs(out)) >= until:
                return failed
        time.sleep(poll)
    return failed


def _evaluate(
    configure: Callable[[Path, Path], RunConfig],
    checkpoint: Checkpoint,
    out: Path,
    command: Sequence[str],
    progress: Progress,
) -> bool:
    """Evaluate one; False, and a line, where it was removed meanwhile or cannot be loaded."""
    progress.say(f"step {checkpoint.step}: {checkpoint.folder}")
    try:
        execute(configure(checkpoint.folder, out), command=command, progress=progress)
    except UsageError:
        if checkpoint.folder.is_dir():
            raise
        progress.say(f"step {checkpoint.step}: removed by its trainer before it was evaluated")
        return False
    except HarnessError as error:
        gone = not checkpoint.folder.is_dir()
        progress.say(f"step {checkpoint.step}: {'removed by its trainer meanwhile' if gone else error}")
        return False
    return True


def lines(out: Path, where: Screen | None = None) -> Iterator[str]:
    """Scores by step, each paired with the first's and with the best's.

    Args:
        out: holds the runs.
        where: the screen; None: one of 80 columns without colour.
    """
    where = where or Screen()
    runs = [run for run in finished_runs(out) if run.score.value is not None]
    sides = {run.path: read_side(run.path) for run in runs}
    best = max(runs, key=lambda run: run.score.value or 0.0, default=None)
    rows: list[Row] = [
        (
            str(run.step),
            number(run.score.value),
            interval(run.score),
            *_apart(sides, runs[0], run),
            *_apart(sides, best or run, run),
        )
        for run in runs
    ]
    yield from table(_COLUMNS, rows, where)
    if best is not None:
        note = f"Best: step {best.step}. Differences are paired on the same samples, with 95 % intervals."
        yield from wrapped(note, where)


def _apart(sides: dict[Path, Side], one: Evaluated, other: Evaluated) -> tuple[str, str]:
    """How a run differs from another, and the interval of that."""
    if one is other:
        return NO_NUMBER, ""
    try:
        found = compare_sides(sides[one.path], sides[other.path], repeats=0)
    except UsageError:
        return NO_NUMBER, ""
    tasks = list(found.tasks.values())
    mean: TaskComparison | MeanComparison = tasks[0] if len(tasks) == 1 else found.overall
    difference = mean.difference if mean.difference.value is not None else NOTHING
    return signed(difference.value), interval(difference)
