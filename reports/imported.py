"""The verdicts of the tool that wrote an imported run's log, beside ours: a section of the report."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from harness.imports.differences import SIDES
from harness.imports.reporting import beside
from reports.page import Section, markup
from reports.runs import Run


def imported_section(runs: Sequence[Run], *, samples: bool = True) -> Section | None:
    """The section of a report; None where no run is imported.

    Args:
        runs: of the report.
        samples: the report has a sample viewer that examples can link into.
    """
    found = [
        (run, run.results.tasks[task], beside(run.path, run.run, task, run.scores(task)))
        for run in runs
        if "imported" in run.run
        for task in run.results.tasks
    ]
    if not found:
        return None

    def address(run: Run, task: str, name: str) -> str | None:
        """Where the viewer shows a sample."""
        return "#/samples?" + urlencode({"task": task, "run": run.name, "id": name}) if samples else None

    html = markup("imported.html.jinja", tasks=found, sides=SIDES, address=address)
    return Section("imported", "The other tool's verdicts", html)
