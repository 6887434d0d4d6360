"""How a run is doing, told from its folder without touching it: for lists of runs, `harness view`, reports."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, get_args

from harness.errors import HarnessError, UsageError
from harness.jsonl import read_json, write_json
from harness.run.lock import held
from harness.scores.results import Results, read_results

State = Literal["running", "failed", "stopped", "complete"]
"""In the order in which they count for a run of several stages."""
FAILURE = "failed.json"
"""In the folder of a training stage that ended with an error: why."""


def state_of(directory: Path) -> State:
    """The state of an evaluation run, or of a stage of training.

    - `running`: a process holds its lock.
    - `complete`: the results, or the stage's model, are there.
    - `failed`: no response has a verdict; or training ended with an error.
    - `stopped`: interrupted or killed. The same command continues it.

    Raises:
        HarnessError: the results of an evaluation run cannot be read.
    """
    if held(directory):
        return "running"
    if (directory / "run.json").is_file():
        if not (directory / "results.json").is_file():
            return "stopped"
        return "failed" if all_failed(read_results(directory)) else "complete"
    if (directory / "model").is_dir():
        return "complete"
    return "failed" if (directory / FAILURE).is_file() else "stopped"


def all_failed(results: Results) -> bool:
    """Whether no response has a verdict: there is no score, only failed requests."""
    return 0 < results.responses == results.failures


def overall(states: Collection[State]) -> State:
    """The state of a training run from those of its stages."""
    return next(state for state in get_args(State) if state in states)


def failure_of(directory: Path) -> str | None:
    """Why training ended in a stage's folder; None where nothing says so."""
    try:
        found = read_json(directory / FAILURE)
    except HarnessError:
        return None
    return str(found["error"]) if isinstance(found, dict) and "error" in found else None


class NotedFailure:
    """Leaves `failed.json` in a stage's folder where the block ends with an error; removes an earlier one.

    A wrong command is no failure of the stage, nor is an interruption.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FAILURE

    def __enter__(self) -> None:
        self._path.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, UsageError):
            with suppress(HarnessError):  # on a full disk: then the stage counts as stopped
                write_json(self._path, {"error": str(error).partition("\n")[0] or type(error).__name__})
