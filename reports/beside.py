"""What stands beside the scores: several responses to each sample, and a judge's verdicts. A section each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from harness.scores.repeats import RIGHT
from harness.scores.results import TaskResult
from harness.scores.rulings import JUDGE
from harness.scores.stats import Estimate
from harness.scores.table import digits_of, interval, number
from reports.page import Section, markup
from reports.runs import Run

MOST = 20
"""Samples that are linked to where judge and rule differ, each way."""


def repeats_section(runs: Sequence[Run]) -> Section | None:
    """Mean@K, pass@k, maj@K and consistency of each task; None where every sample was asked once."""
    found = [
        (run, [task for task in run.results.tasks.values() if task.repeats is not None])
        for run in runs
        if any(task.repeats is not None for task in run.results.tasks.values())
    ]
    if not found:
        return None
    html = markup("repeats.html.jinja", found=found, rows=_repeated, value=_value, interval=interval)
    return Section("repeats", "Repeated sampling", html)


def _repeated(task: TaskResult) -> Iterator[tuple[str, Estimate, int]]:
    """(name, estimate, decimals) of what is known of a task's epochs."""
    repeats, digits = task.repeats, digits_of(task.scale)
    assert repeats is not None
    yield f"mean@{repeats.epochs}", task.score, digits
    for k, estimate in repeats.pass_at.items():
        yield f"pass@{k}", estimate, digits
    yield f"maj@{repeats.epochs}", repeats.majority, digits
    yield "consistency, %", repeats.consistency, 1


def judge_section(runs: Sequence[Run], *, samples: bool = True) -> Section | None:
    """How a judge's verdicts agree with `value`; None where no judge was asked.

    Args:
        runs: of the report.
        samples: the report has a sample viewer that examples can link into.
    """
    found = [
        (run, task, _differing(run, task.name), digits_of(task.scale))
        for run in runs
        for task in run.results.tasks.values()
        if task.judge is not None
    ]
    if not found:
        return None

    def address(run: Run, task: str, name: str) -> str | None:
        """Where the viewer shows a sample."""
        return "#/samples?" + urlencode({"task": task, "run": run.name, "id": name}) if samples else None

    html = markup("judge.html.jinja", found=found, value=_value, interval=interval, address=address)
    return Section("judge", "Judge", html)


def _differing(run: Run, task: str) -> dict[bool, list[str]]:
    """Ids of samples by whether the judge, not `value`, has a response right; as many as are shown."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for line in run.scores(task):
        judged = line.get("components", {}).get(JUDGE) if JUDGE in line else None
        if judged is None or (judged >= RIGHT) == (line["value"] >= RIGHT):
            continue
        names = found[judged >= RIGHT]
        if line["id"] not in names and len(names) < MOST:
            names.append(line["id"])
    return found


def _value(estimate: Estimate, digits: int) -> str:
    return number(estimate.value, digits)
