"""The overview: one sentence, the table of models × scores, figures, published scores apart, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from harness.control import CONTROLS
from harness.registry import suite_names
from harness.scores.results import Results
from harness.scores.table import NO_NUMBER, interval, number, percent, score_text
from harness.words import counted
from reports.board.board import CATEGORY_LABELS, Board, Cell, Row, label
from reports.board.formats import format_board
from reports.board.headline import headline, lowest
from reports.board.metrics import metrics
from reports.board.published import Published, published
from reports.board.tags import Tag, tags
from reports.page import Section, markup
from reports.runs import Run
from tasks import CATEGORIES

if TYPE_CHECKING:
    from reports.pairs import Pairings

_STATUSES = ("unparsed", "truncated", "filtered", "failed", "error")


def board_section(board: Board, pairs: Pairings | None = None, *, samples: bool = True) -> Section:
    """The section of a report.

    Args:
        board: the table; the page has the best mean first.
        pairs: its runs compared two by two; None where there is one run.
        samples: the report has a sample viewer that counts can link into.
    """
    order = board.order
    html = markup(
        "leaderboard.html.jinja",
        view=View(board, samples, pairs),
        headline=headline(board, pairs),
        runs=[(index, board.runs[index]) for index in order],
        bodies=list(_bodies(board)),
        reported=_reported(),
        gains=[(label(name), gain) for name, gain in published().gains.items()],
        source=published().source,
        dash=NO_NUMBER,
    )
    return Section(
        "leaderboard",
        "Overview",
        html,
        data={
            "leaderboard-data": _data(board, order),
            "leaderboard-copies": {kind: format_board(board, kind) for kind in ("markdown", "latex", "csv")},
        },
        scripts=("leaderboard_save.js", "leaderboard_figures.js", "leaderboard.js"),
        styles=("leaderboard.css",),
    )


def _bodies(board: Board) -> Iterator[tuple[str, list[Row]]]:
    """(category, its rows); the mean of all comes first, under no category."""
    for category in dict.fromkeys(row.category for row in board.rows):
        yield category, [row for row in board.rows if row.category == category]


@dataclass(frozen=True)
class View:
    """What the template asks of a table."""

    board: Board
    samples: bool
    pairs: Pairings | None = None

    number = staticmethod(number)
    percent = staticmethod(percent)
    tags = staticmethod(tags)

    @property
    def single(self) -> bool:
        """One run: then the table of all numbers is the leaderboard."""
        return len(self.board.runs) == 1

    @cached_property
    def shared(self) -> list[Tag]:
        """The labels that all runs have: they stand once, above the table."""
        first, *others = [tags(run) for run in self.board.runs]
        return [tag for tag in first if all(tag in theirs for theirs in others)]

    def own_tags(self, run: Run) -> list[Tag]:
        """A run's labels that not all runs have."""
        return [tag for tag in tags(run) if tag not in self.shared]

    @cached_property
    def best(self) -> Mapping[str, int]:
        """Row → position of the whole run with the highest score."""
        found = {}
        for row in self.board.rows:
            scores = [
                (cell.score.value, -index)
                for index, cell in enumerate(self.board.line(row))
                if cell is not None and cell.score.value is not None and self.board.runs[index].whole
            ]
            if len(scores) > 1:
                found[row.id] = -max(scores)[1]
        return found

    def tied(self, row: Row, index: int) -> bool:
        """Whether the paired test cannot tell a run from the best of a row."""
        best = self.best.get(row.id)
        if best is None or best == index or self.pairs is None:
            return False
        return self.pairs.sign(best, index, "overall" if row.kind == "mean" else row.kind, row.name) == 0

    def tint(self, row: Row, index: int) -> int:
        """How dark a cell's background is within its column, 0 (the lowest score) to 8 (the highest)."""
        scores = [cell.score.value for cell in self.board.line(row) if cell and cell.score.value is not None]
        cell = self.cell(row, index)
        if cell is None or cell.score.value is None or len(scores) < 2 or max(scores) == min(scores):
            return 0
        return round(8 * (cell.score.value - min(scores)) / (max(scores) - min(scores)))

    @cached_property
    def worst(self) -> frozenset[str]:
        """Ids of the rows that are the lowest of one run."""
        return frozenset(row.id for row in lowest(self.board))

    def about(self, row: Row, index: int) -> str:
        """A cell in words, shown on hover."""
        cell = self.cell(row, index)
        if cell is None or cell.score.value is None:
            text = self.score_text(row, cell)
            return f"{row.label}: {'no score' if text == NO_NUMBER else text}"
        digits = row.digits
        parts = [f"{row.label} {number(cell.score.value, digits)} (95 % CI {interval(cell.score, digits)})"]
        parts.append(f"n {cell.score.n}" if cell.task is not None else "")
        parts += [f"{status} {share}" for status, share, _ in self.problems(cell)]
        if cell.mean is not None and cell.mean.missing:
            parts.append(f"without {', '.join(cell.mean.missing)}")
        if self.tied(row, index):
            parts.append(f"not significantly different from {self.board.runs[self.best[row.id]].name} (paired)")
        return "; ".join(filter(None, parts))

    @staticmethod
    def score_text(row: Row, cell: Cell | None) -> str:
        """A cell's score, as the terminal writes it."""
        if cell is None:
            return NO_NUMBER
        return number(cell.score.value, row.digits) if cell.task is None else score_text(cell.task)

    def warns(self, row: Row, index: int) -> bool:
        """Whether much of a task has no parsed answer, or a mean lacks tasks."""
        cell = self.cell(row, index)
        if cell is None:
            return False
        missing = cell.mean is not None and bool(cell.mean.missing)
        return missing or any(share >= 0.05 for _, _, share in self.problems(cell))

    @property
    def synthetic(self) -> bool:
        """Some run is on synthetic data: published scores are then out of place."""
        return any(run.synthetic for run in self.board.runs)

    def cell(self, row: Row, index: int) -> Cell | None:
        """A run's cell of a row."""
        return self.board.cells.get((row.id, index))

    def interval(self, row: Row, cell: Cell) -> str:
        """As "12.3 – 45.6"."""
        return interval(cell.score, row.digits)

    def position(self, row: Row, value: float | None) -> float:
        """Where on a whisker's axis from 0 to 100 a number lies."""
        return round(100 * min(max((value or 0.0) / row.scale, 0.0), 1.0), 2)

    def problems(self, cell: Cell) -> list[tuple[str, str, float]]:
        """(status, share in words, share) of what was not ok."""
        task = cell.task
        if task is None:
            return []
        shares = [(status, task.share(status)) for status in _STATUSES]
        return [(status, percent(share), share) for status, share in shares if share]

    def address(self, row: Row, run: Run, **query: str) -> str | None:
        """Where the viewer shows a task's samples of a run; None where there is no viewer."""
        if not self.samples:
            return None
        return "#/samples?" + urlencode({"task": row.name, "run": run.name, **query})

    def speed(self, index: int) -> dict[str, float | None]:
        """A run's tokens, latency and throughput."""
        results = self.board.runs[index].results
        latency = self.board.latencies[index]
        generated = _total(results, "completion_tokens")
        return {
            "prompt": _per_response(results, "prompt_tokens"),
            "response": _per_response(results, "completion_tokens"),
            "mean": latency.mean if latency else None,
            "median": latency.median if latency else None,
            "p95": latency.p95 if latency else None,
            "seconds": results.seconds or None,
            "tokens_per_second": _rate(results, generated),
            "responses_per_second": _rate(results, _answered(results)),
        }

    def facts(self, run: Run) -> list[tuple[str, str]]:
        """(name, value) of where a run's numbers come from."""
        return [(name, str(value)) for name, value in _facts(run) if value not in (None, "")]

    def sources(self, run: Run) -> list[dict[str, Any]]:
        """Where each task's rows come from and what was asked."""
        return [
            {"task": name, "scorer": run.results.tasks[name].scorer, **described}
            for name, described in run.run["tasks"].items()
            if name in run.results.tasks
        ]


def _answered(results: Results) -> float:
    return float(sum(task.responses - task.failed for task in results.tasks.values()))


def _total(results: Results, name: str) -> float | None:
    parts = [(getattr(task, name), task.responses - task.failed) for task in results.tasks.values()]
    known = [mean * count for mean, count in parts if mean is not None]
    return sum(known) if known else None


def _per_response(results: Results, name: str) -> float | None:
    total, answered = _total(results, name), _answered(results)
    return total / answered if total is not None and answered else None


def _rate(results: Results, amount: float | None) -> float | None:
    """An amount by the second; none where the time is not that of all responses (a continued run)."""
    whole = results.asked is not None and results.asked >= _answered(results)
    return amount / results.seconds if whole and amount is not None and results.seconds else None


def _facts(run: Run) -> Iterator[tuple[str, Any]]:
    content, config = run.run, run.run["config"]
    yield "Folder", run.path.resolve().name
    yield "Command", content.get("command")
    yield "Status", _status(run)
    yield "Model", ", ".join(f"{key} {value}" for key, value in content["model"].items() if value is not None)
    yield "Coordinates", content.get("coords")
    yield "Seed", content.get("seed")
    asked = ("prompt", "prompt_template", "system_prompt", "epochs", "temperature", "top_p", "max_new_tokens")
    pixels = ("min_pixels", "max_pixels", "limit", *CONTROLS, "failure_budget")
    settings = [(key, config.get(key)) for key in (*asked, *pixels)]
    yield (
        "Settings",
        ", ".join(
            f"{key.replace('_', '-')} {value}"
            for key, value in settings
            if value is not None and value is not False
        ),
    )
    yield "Versions", ", ".join(f"{name} {version}" for name, version in content.get("versions", {}).items())


def _status(run: Run) -> str:
    if not run.finished:
        return f"partial: {counted(run.missing, 'response')} missing; scored with the scorers of this report"
    part = f"shard {run.shard}, " if run.shard is not None else ""
    took = f", {run.results.seconds:.1f} s" if run.results.seconds else ""  # not known of one that was merged
    return f"{part}complete, exit code {int(run.results.exit_code)}{took}"


def _reported() -> dict[str, Any]:
    """The table of published scores: its columns by category, its rows."""
    models = published().models
    columns = []
    for category in CATEGORIES:
        known = [name for name in suite_names(category) if any(name in model.tasks for model in models)]
        heads = [("category", category, "mean"), *(("task", name, label(name)) for name in known)]
        columns.append((category, CATEGORY_LABELS[category], heads))
    return {"columns": columns, "models": [_reported_row(model, columns) for model in models]}


def _reported_row(model: Published, columns: Sequence[Any]) -> Mapping[str, Any]:
    figures = [
        (category, kind, None if (found := model.get(kind, name)) is None else _figure(found))
        for category, _, heads in columns
        for kind, name, _ in heads
    ]
    return {"name": model.name, "of": model.of, "figures": figures}


def _figure(value: float) -> str:
    return number(value, 0 if value > 100 else 1)


def _data(board: Board, order: Sequence[int]) -> dict[str, Any]:
    """What sorting and the figures need, without repeating what the table says."""
    return {
        "order": list(order),
        "runs": [{"name": run.name, "apart": run.apart, "step": run.step} for run in board.runs],
        "rows": [
            {
                "id": row.id,
                "kind": row.kind,
                "name": row.name,
                "label": row.label,
                "category": row.category,
                "scale": row.scale,
                "digits": row.digits,
            }
            for row in board.rows
        ],
        "cells": [[_cell_data(cell) for cell in board.line(row)] for row in board.rows],
        "categories": CATEGORY_LABELS,
        "metrics": {row.id: found for row in board.rows if (found := metrics(board, row))},
        "reported": {row.id: figures for row in board.rows if (figures := _reported_of(row))},
    }


def _reported_of(row: Row) -> list[tuple[str, str]]:
    """(model, figure) of what is published about a row."""
    figures = [(model.name, model.get(row.kind, row.name)) for model in published().models]
    return [(name, _figure(figure)) for name, figure in figures if figure is not None]


def _cell_data(cell: Cell | None) -> list[float | None] | None:
    """[score, low, high, tokens, seconds, n]."""
    if cell is None:
        return None
    values = (cell.score.value, cell.score.low, cell.score.high, cell.tokens, cell.seconds)
    return [*(None if value is None else round(value, 4) for value in values), cell.score.n]
