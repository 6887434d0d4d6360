"""The other tool's verdicts beside an imported run's own scores: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.imports.differences import Agreement, agreement, lines
from harness.imports.reported import read_reported, reported_path
from harness.jsonl import read_lines
from harness.registry import Registry
from harness.run import read_run
from harness.scores.results import Results


@dataclass(frozen=True, slots=True)
class Beside:
    """One task of an imported run beside its log."""

    task: str
    imported: Mapping[str, Any]
    """What `run.json` says of the log."""
    agreement: Agreement

    @property
    def tool(self) -> str:
        """With its version, where the log says it."""
        version = self.imported.get("version")
        return f"{self.imported['tool']} {version}" if version else str(self.imported["tool"])

    @property
    def headline(self) -> str | None:
        """Its score as it wrote it; None where the log has none."""
        found = self.imported.get("headline")
        return f"{found['metric']} {found['value']:.6g}" if found else None


def beside(run_dir: Path, run: Mapping[str, Any], task: str, scores: Iterable[Mapping[str, Any]]) -> Beside:
    """A task's verdicts beside those of the tool that its log is from.

    Args:
        run_dir: the run.
        run: its `run.json`.
        task: by name.
        scores: lines of its `scores/<task>.jsonl`.

    Raises:
        HarnessError: a file of the run is not as this version writes it.
    """
    imported, path = run["imported"], reported_path(run_dir, task)
    of = Registry(run["config"]["task_file"]).get(task).headline.of
    try:
        found = agreement(read_reported(path), scores, of, judged=imported["judged"])
    except (KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{path}: not as this version writes it ({error!r})") from None
    return Beside(task, imported, found)


def said_of(run_dir: Path, task: str, results: Results) -> Iterator[str]:
    """What the other tool said and how far we agree, line by line."""
    run = read_run(run_dir)
    assert run is not None
    scores = (line for _, line in read_lines(run_dir / "scores" / f"{task}.jsonl"))
    found = beside(run_dir, run, task, scores)
    ours = results.tasks[task]
    value = "–" if ours.score.value is None else f"{ours.score.value:.2f}"
    theirs = found.headline or "no score of the whole"
    yield f"{found.tool}: {theirs}; ours: {ours.headline} {value}"
    yield from lines(task, found.agreement)
