"""The breakdown tab: where each model is worst, groups × models, outcomes, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from harness.scores.stats import Estimate
from harness.scores.table import digits_of, interval, number
from reports.board.board import Board
from reports.board.headline import no_score
from reports.breakdown.groups import LEAST, Group, groups, lowest, widest
from reports.breakdown.outcomes import NONE, OTHER, OUTCOMES, Outcomes, read_outcomes
from reports.page import Section, markup

SEVERAL, ALONE = 3, 6
"""How many of its lowest groups are named of each of several runs, of one run."""


@dataclass(frozen=True, slots=True)
class Named:
    """A group that a run is worst in, as the page names it."""

    label: str
    score: str
    about: str
    address: str | None


def breakdown_section(board: Board, *, samples: bool = True) -> Section:
    """The section of a report.

    Args:
        board: the table, whose `leaderboard-data` the page's script reads too.
        samples: the report has a sample viewer that cells can link into.

    Raises:
        HarnessError: a file of a run is broken.
    """
    found = groups(board)
    most = SEVERAL if len(board.runs) > 1 else ALONE
    worst = [lowest(found, run, most) for run in range(len(board.runs))]
    html = markup(
        "breakdown.html.jinja",
        sentence=sentence(board, found),
        lines=[
            (run, board.runs[run].name, [_named(group, run, samples) for group in worst[run]])
            for run in board.order
            if worst[run]
        ],
        most=most,
    )
    return Section(
        "breakdown",
        "Breakdown",
        html,
        data={"breakdown-data": _data(board, found, worst, samples)},
        scripts=("breakdown.js",),
        styles=("breakdown.css",),
    )


def sentence(board: Board, found: Sequence[Group]) -> str:
    """What a reader should look at first: of one run its lowest group, of several the widest gap."""
    if len(board.runs) == 1:
        bottom = lowest(found, 0, 1)
        if not bottom:
            return no_score(board)
        group = bottom[0]
        return f"{board.runs[0].name} is lowest in {group.label}: {_score(group, 0)} ({_about(group, 0)})."
    gap = widest(board, found)
    if gap is None:
        return "No two complete runs differ in any group of the same samples."
    group = gap.group
    high, low = (
        f"{board.runs[run].name} ({_score(group, run)}, n {group.n(run)})" for run in (gap.best, gap.worst)
    )
    return f"The widest gap is in {group.label}: {gap.points:.1f} points between {high} and {low}."


def _cell(group: Group, run: int) -> Estimate:
    cell = group.cells[run]
    assert cell is not None
    return cell


def _score(group: Group, run: int) -> str:
    return number(_cell(group, run).value, digits_of(group.scale))


def _about(group: Group, run: int) -> str:
    cell = _cell(group, run)
    ends = f"95 % CI {interval(cell, digits_of(group.scale))}, " if cell.low is not None else ""
    return f"{ends}n {cell.n}"


def _named(group: Group, run: int, samples: bool) -> Named:
    query = {"task": group.row.name, "run": run}
    if group.metric:
        query["group"] = f"{group.key}={group.value}" if group.key else group.value
    address = f"#/samples?{urlencode(query)}" if samples else None
    return Named(group.label, _score(group, run), _about(group, run), address)


def _data(
    board: Board, found: Sequence[Group], worst: Sequence[Sequence[Group]], samples: bool
) -> dict[str, Any]:
    """What the script needs beside `leaderboard-data`, which has the scores."""
    tasks = [row for row in board.rows if row.kind == "task"]
    read = {
        row.id: [read_outcomes(run, row.name) if row.name in run.results.tasks else None for run in board.runs]
        for row in tasks
    }
    return {
        "samples": samples,
        "least": LEAST,
        "worst": [[group.id for group in own] for own in worst],
        "apart": sorted({group.row.id for group in found if not group.same}),
        "outcomes": OUTCOMES,
        "counts": {
            row: [None if own is None else [own.counts.get(name, 0) for name in OUTCOMES] for own in line]
            for row, line in read.items()
        },
        "letters": {row: made for row, line in read.items() if (made := _letters(line)) is not None},
    }


def _letters(line: Sequence[Outcomes | None]) -> dict[str, Any] | None:
    """A task's references × parsed letters of each run: a row a reference, then what is no letter."""
    pairs = {pair for own in line if own is not None for pair in own.letters}
    if not pairs:
        return None
    names = sorted({name for pair in pairs for name in pair} - {NONE, OTHER})
    columns = [*names, OTHER, NONE]
    return {
        "names": names,
        "runs": [
            [[own.letters.get((row, column), 0) for column in columns] for row in names]
            if own is not None and own.letters
            else None
            for own in line
        ],
    }
