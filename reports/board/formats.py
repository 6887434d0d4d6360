"""The table of a report as JSON, CSV, Markdown or LaTeX: models as rows, every number with its interval."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.jsonl import plain
from harness.scores.stats import NOTHING, Estimate
from harness.scores.table import number
from reports.board.board import Board, Cell, Row
from reports.board.published import published
from reports.board.tags import notice, tags
from reports.runs import printable
from tasks import CATEGORIES

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "–": "--",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~])")
_FORMULA = ("=", "+", "-", "@")


def format_board(board: Board, kind: str) -> str:
    """The table as text.

    Args:
        board: the table.
        kind: a key of `FORMATS`.
    """
    return FORMATS[kind](board)


def to_json(board: Board) -> str:
    """Everything there is about each number; published scores apart from measured ones."""
    content = {
        "format": 1,
        "runs": [
            {
                "name": run.name,
                "model": run.results.model,
                "synthetic": run.synthetic,
                "complete": run.finished,
                "shard": run.shard,
                "missing": run.missing,
                "exit_code": int(run.results.exit_code) if run.finished else None,
                "seconds": run.results.seconds,
            }
            for run in board.runs
        ],
        "rows": [_json_row(board, row) for row in board.rows],
        "reported": plain(published()),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _json_row(board: Board, row: Row) -> dict[str, Any]:
    cells = [
        {"run": run.name, **_numbers(cell)}
        for run, cell in zip(board.runs, board.line(row), strict=True)
        if cell is not None
    ]
    return {
        "kind": row.kind,
        "name": row.name,
        "category": row.category,
        "metric": row.metric,
        "scale": row.scale,
        "cells": cells,
    }


def _numbers(cell: Cell) -> dict[str, Any]:
    """A cell's numbers by name, in one order; None where there is none."""
    task, rank = cell.task, cell.rank
    share: dict[str, Any] = {
        name: task.share(name) if task is not None else None
        for name in ("unparsed", "truncated", "filtered", "failed", "error")
    }
    return {
        "score": cell.score.value,
        "low": cell.score.low,
        "high": cell.score.high,
        "n": cell.score.n,
        "rank_best": rank.best if rank is not None else None,
        "rank_worst": rank.worst if rank is not None else None,
        "ranked": rank.of if rank is not None else None,
        **share,
        "range_low": task.low if task is not None else None,
        "range_high": task.high if task is not None else None,
        "ours": cell.value.value if cell.value is not None else None,
        "official": cell.official.value if cell.official is not None else None,
        "official_only": task.loopholes if task is not None else None,
        "ours_only": task.missed if task is not None else None,
        "response_tokens": cell.tokens,
        "latency": cell.seconds,
        "tasks": len(cell.mean.tasks) if cell.mean is not None else 1,
        "tasks_missing": len(cell.mean.missing) if cell.mean is not None else 0,
    }


def to_csv(board: Board) -> str:
    """One line a row and run, for pandas or R; empty where there is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header: list[str] = []
    for row in board.rows:
        for run, cell in zip(board.runs, board.line(row), strict=True):
            if cell is None:
                continue
            line: dict[str, Any] = {
                "kind": row.kind,
                "name": row.name,
                "category": row.category,
                "metric": row.metric,
                "scale": row.scale,
                "run": run.name,
                "synthetic": run.synthetic,
                "complete": run.finished,
                **_numbers(cell),
            }
            if not header:
                header = list(line)
                writer.writerow(header)
            writer.writerow([csv_text(value) for value in line.values()])
    return out.getvalue()


def csv_text(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is quoted for it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


def to_markdown(board: Board) -> str:
    """A row for each run, the best mean first; the best score of a column is bold."""
    heads = ["Model", *(markdown_text(row.label) for row in board.rows)]
    lines = [
        [markdown_text(_titled(board, index)), *_cells(board, index, _plain_cell)] for index in board.order
    ]
    return markdown_table(heads, lines) + "\n" + "\n".join(map(markdown_text, _notes(board))) + "\n"


def markdown_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, the first column at the left; its texts are escaped already."""
    rule = "|---|" + "---:|" * (len(heads) - 1)
    rows = ["| " + " | ".join(cells) + " |" for cells in (heads, *lines)]
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"


def to_latex(board: Board) -> str:
    """A tabular with booktabs: a row for each run, the best mean first; the best score of a column is bold."""
    heads = ["Model", *(latex_text(row.label) for row in board.rows)]
    lines = [[latex_text(_titled(board, index)), *_cells(board, index, _latex_cell)] for index in board.order]
    return latex_table(heads, lines) + "".join(f"% {printable(note)}\n" for note in _notes(board))


def latex_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A tabular with booktabs, the first column at the left; its texts are escaped already."""
    rows = [
        "% needs \\usepackage{booktabs} and, for names in any script, XeLaTeX or LuaLaTeX",
        "\\begin{tabular}{l" + "r" * (len(heads) - 1) + "}",
        "\\toprule",
        " & ".join(heads) + r" \\",
        "\\midrule",
        *(" & ".join(cells) + r" \\" for cells in lines),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(rows) + "\n"


def _cells(board: Board, index: int, shown: Callable[[Estimate, int, bool], str]) -> Iterator[str]:
    for row in board.rows:
        cell = board.cells.get((row.id, index))
        scores = [
            other.score.value
            for place, other in enumerate(board.line(row))
            if other is not None and other.score.value is not None and board.runs[place].whole
        ]
        if cell is None or cell.score.value is None:
            yield shown(NOTHING, row.digits, False)
        else:
            best = board.runs[index].whole and len(scores) > 1 and cell.score.value == max(scores)
            yield shown(cell.score, row.digits, best)


def _plain_cell(score: Estimate, digits: int, best: bool) -> str:
    value = f"**{number(score.value, digits)}**" if best else number(score.value, digits)
    return value if score.low is None else f"{value} {_bounds(score, digits)}"


def _latex_cell(score: Estimate, digits: int, best: bool) -> str:
    value = latex_text(number(score.value, digits))
    value = f"\\textbf{{{value}}}" if best else value
    return value if score.low is None else f"{value} {{\\scriptsize {_bounds(score, digits)}}}"


def _bounds(score: Estimate, digits: int) -> str:
    return f"[{number(score.low, digits)}, {number(score.high, digits)}]"


def _titled(board: Board, index: int) -> str:
    """A run's name with what must be known about it."""
    run = board.runs[index]
    warned = [tag.text for tag in tags(run) if tag.warns]
    return f"{run.name} ({'; '.join(warned)})" if warned else run.name


def _notes(board: Board) -> Iterator[str]:
    yield "Headline metric of each task with its 95 % interval; means are of tasks, in per cent."
    for row in board.rows:
        if row.kind == "task" and row.category not in CATEGORIES:
            yield f"{row.label}: {row.metric}, in units of its own; in no mean."
        elif row.kind == "task" and row.scale != 100:
            yield f"{row.label}: out of {row.scale:g}."
    for row in board.rows:
        if row.kind == "task":
            continue
        for run, cell in zip(board.runs, board.line(row), strict=True):
            if cell is not None and cell.mean is not None and cell.mean.missing:
                total = len(cell.mean.tasks) + len(cell.mean.missing)
                yield f"{row.label}, {run.name}: mean of {len(cell.mean.tasks)} of {total} tasks."
    if (text := notice(board.runs)) is not None:
        yield text


def markdown_text(text: str) -> str:
    """Text of any origin in a cell of Markdown."""
    escaped = _MARKDOWN.sub(r"\\\1", printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def latex_text(text: str) -> str:
    """Text of any origin in a cell of LaTeX."""
    escaped = "".join(_LATEX.get(character, character) for character in printable(text))
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped  # which \\\\ before it would take


FORMATS: Mapping[str, Callable[[Board], str]] = {
    "json": to_json,
    "csv": to_csv,
    "markdown": to_markdown,
    "latex": to_latex,
}
"""Name → writer."""
