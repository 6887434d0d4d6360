"""What a reader must know about a run, as short labels beside its name, and one notice above all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.control import CONTROLS, control_of, short
from harness.errors import Exit
from harness.words import counted
from reports.runs import Run


@dataclass(frozen=True, slots=True)
class Tag:
    """A label beside a run's name."""

    text: str
    about: str
    warns: bool = True
    """Whether its numbers mean something else than they seem to."""


def tags(run: Run) -> list[Tag]:
    """A run's labels, what changes the meaning of its numbers first."""
    return list(_tags(run))


def _tags(run: Run) -> Iterator[Tag]:
    config = run.run["config"]
    if not run.finished:
        total = run.missing + sum(task.responses for task in run.results.tasks.values())
        yield Tag(
            f"partial: {run.missing} of {total} missing" if run.missing else "partial: not finished",
            "Not complete: scored as far as it is, not ranked. The same command continues it.",
        )
    if run.shard is not None:
        yield Tag(f"shard {run.shard}", "One shard of a run, not ranked: harness merge joins the shards")
    if run.synthetic:
        yield Tag("synthetic", "Synthetic data: not the benchmarks")
    if run.finished and run.results.exit_code == Exit.INCOMPLETE:
        yield Tag("exit 3", "More failures than allowed: failed samples are excluded from n")
    if config.get("allow_missing_weights"):
        yield Tag(
            "missing weights",
            "Loaded with --allow-missing-weights: weights missing from the checkpoint are random",
        )
    if run.results.notes:
        what = f"from {run.run['imported']['tool']}" if "imported" in run.run else "settings refused"
        yield Tag(what, " ".join(run.results.notes))
    if (control := control_of(config)) is not None:
        yield Tag(short(control), f"{CONTROLS[control].capitalize()}: not a score of the benchmark")
    if (limit := config.get("limit")) is not None:
        yield Tag(f"limit {limit}", f"At most {counted(limit, 'sample')} of each task", warns=False)
    if config.get("prompt") not in (None, "direct"):
        yield Tag(str(config["prompt"]), "Prompt style", warns=False)
    if config.get("epochs", 1) > 1:
        yield Tag(
            f"{config['epochs']} epochs", "Each sample was asked that many times; scores are means", warns=False
        )


def notice(runs: Sequence[Run]) -> str | None:
    """The line above everything: synthetic data, partial runs, failures; None where there is none."""
    notes = []
    synthetic = [run.name for run in runs if run.synthetic]
    if synthetic:
        whose = "" if len(synthetic) == len(runs) else f" ({_listed(synthetic)})"
        notes.append(f"Synthetic data{whose}: not the benchmarks, not comparable to published scores.")
    if partial := [run.name for run in runs if not run.finished]:
        notes.append(f"Partial, and not ranked: {_listed(partial)}.")
    if parts := [run.name for run in runs if run.shard is not None]:
        notes.append(f"Shards, and not ranked: {_listed(parts)}; harness merge joins them.")
    over = [run.name for run in runs if run.finished and run.results.exit_code == Exit.INCOMPLETE]
    if over:
        notes.append(f"More failures than allowed (exit 3): {_listed(over)}.")
    return " ".join(notes) or None


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
