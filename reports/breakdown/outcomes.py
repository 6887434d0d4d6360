"""What became of a task's responses, and which option each chose, read from a run's own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.run.items import Line, with_scores
from reports.board.board import definition
from reports.runs import Run
from reports.samples.index import RIGHT, cell_of
from scorers.types import Status

OUTCOMES = ("right", "wrong", "unparsed", "truncated", "filtered", "failed")
"""Every response has one. Right and wrong are those with a parsed answer; a scorer's own error is `failed`."""
NONE, OTHER = "none", "other"
"""In place of a parsed letter: nothing was parsed; something that is no option."""
MULTIPLE_CHOICE = 0.1
"""The share of a task's samples with a letter for reference from which on it is taken for multiple choice."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One run's responses to one task, counted."""

    counts: Mapping[str, int]
    """Outcome → responses."""
    letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(reference letter, parsed letter, `none` or `other`) → responses; empty where the task has no options."""


def read_outcomes(run: Run, task: str) -> Outcomes | None:
    """Count a run's responses to a task; None where the run's folder has lost its items or scores.

    Raises:
        HarnessError: a file of the run is broken.
    """
    needed = ["items", *(["scores"] if run.finished else [])]
    if not all((run.path / folder / f"{task}.jsonl").exists() for folder in needed):
        return None
    known = definition(run.results.tasks[task])
    of = known.headline.of if known is not None else "value"
    counts: Counter[str] = Counter()
    letters: Counter[tuple[str, str]] = Counter()
    samples = lettered = 0
    for item, scores in with_scores(run.items(task), run.scores(task), f"{run.path}: {task}"):
        samples += 1
        reference = _letter(item.get("gold"))
        lettered += reference is not None
        for score in scores:
            outcome = outcome_of(score, of)
            counts[outcome] += 1
            if reference is not None and outcome != "failed":
                letters[reference, _parsed(item, score)] += 1
    return Outcomes(counts, letters if lettered and lettered >= MULTIPLE_CHOICE * samples else {})


def outcome_of(score: Line, of: str) -> str:
    """The outcome of a response.

    Args:
        score: its line of `scores/<task>.jsonl`.
        of: what the task's headline is a mean of.
    """
    status = score["status"]
    if status == Status.OK:
        return "right" if cell_of([score], 1, of).verdict & RIGHT else "wrong"
    return "failed" if status == Status.ERROR else str(status)


def _letter(text: object) -> str | None:
    return text if isinstance(text, str) and len(text) == 1 and "A" <= text <= "Z" else None


def _parsed(item: Line, score: Line) -> str:
    """The letter that was read; of an answer that was read as an option's text, that option's."""
    extracted = score.get("extracted")
    if extracted is None or score["status"] != Status.OK:
        return NONE
    choices = item.get("choices") or []
    if (letter := _letter(extracted)) is not None:
        return letter
    return chr(ord("A") + choices.index(extracted)) if extracted in choices[:26] else OTHER
