"""The Python API: `harness.evaluate` and `harness.score`, the same engine as the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import UsageError
from scorers.types import Coords, Score
from tasks.types import Task

if TYPE_CHECKING:
    from harness.scores.results import Results
    from harness.types import Backend


def evaluate(model: str | Backend = "tiny", *, verbose: bool = False, **settings: Any) -> Results:
    """Evaluate a model, or continue a run.

    Args:
        model: a name as for `--model`, or a loaded backend: any object with the methods of
            `harness.types.Backend`.
        verbose: show progress on standard error.
        settings: the flags of `harness eval` with underscores: suite, tasks, data, limit, out, prompt, coords,
            epochs, temperature … (see `harness.config.RunConfig`).

    Returns:
        The results: `.tasks`, `.categories`, `.mean`, `.exit_code`, `.run_dir`.

    Raises:
        UsageError: a setting is unknown or names something that does not exist.
        HarnessError: the data or the model cannot be loaded, the run is in use, or the disk is full.
    """
    from harness.config import build
    from harness.progress import Progress
    from harness.run import execute

    backend = None if isinstance(model, str) else model
    name = model if isinstance(model, str) else model.name
    return execute(build({"model": name, **settings}), backend=backend, progress=Progress(quiet=not verbose))


def score(
    task: str | Task,
    *,
    response: str,
    record: Mapping[str, Any],
    coords: Coords | None = None,
    raw: bool = False,
    finish_reason: Literal["stop", "length", "content_filter"] = "stop",
    delimiters: str | Path | Mapping[str, Any] | None = None,
) -> Score:
    """Score one response without a run.

    Args:
        task: a task's name, or the task itself.
        response: what the model answered.
        record: the data set row in the hub's columns; images may be left out.
        coords: how the response's coordinates are written, for tasks that ask for places.
        raw: judge `official` on the untouched response, not on its final answer.
        finish_reason: `length` where the token limit cut the response, `content_filter` where a provider did.
        delimiters: what models write around thinking and answers, beside the standard: a TOML file, or a table
            with the keys thinking, answer, box (lists of pairs) and dropped (a list of texts).

    Raises:
        UsageError: there is no such task, the row asks several questions, or the delimiters are not of that
            form.
        tasks.RowError: the row misses a column or one holds what it must not.
    """
    from harness.delimiters import read_delimiters
    from harness.registry import Registry
    from harness.scores.judging import judge
    from scorers.read.normalise import STANDARD
    from tasks.types import Response

    chosen = Registry().get(task) if isinstance(task, str) else task
    samples = list(chosen.to_samples(record))
    if len(samples) != 1:
        raise UsageError(f"{chosen.name}: the record asks {len(samples)} questions: give one of them")
    known = STANDARD + read_delimiters(delimiters) if delimiters is not None else STANDARD
    answer = Response(response, finish_reason)
    return judge(chosen, samples[0], answer, coords=coords, raw=raw, delimiters=known)
