"""The table as JSON, CSV, Markdown and LaTeX: all numbers with their intervals, hostile names as text."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports.board.board import Board, make_board
from reports.board.formats import FORMATS, format_board
from reports.runs import load_runs

BREAKS = "\x00\n\r\u2028\u2029\u202e\x85"
LATEX = r"50% of $a_b & {c}^2 #~\ <|>" + '"'


@pytest.fixture
def board(tmp_path: Path, board_runs: Any) -> Board:
    """Three runs: a good one, one with hostile name and gaps, a partial one."""
    paths = [
        board_runs.write_run(tmp_path / "low", {"ai2d": 40.0, "ocrbench": 500.0, "mmmu": None}, model="low"),
        board_runs.write_run(tmp_path / "high", {"ai2d": 80.5, "chartqa": 60.0}, model="high"),
        board_runs.write_run(tmp_path / "part", {"ai2d": 99.0}, model="part"),
    ]
    (paths[2] / "results.json").unlink()
    for path in (paths[2] / "items").iterdir():
        path.write_text("", encoding="utf-8")
    return make_board(load_runs(paths))


def named(tmp_path: Path, board_runs: Any, *names: str) -> Board:
    paths = [
        board_runs.write_run(tmp_path / str(i), {"ai2d": 50.0}, model=name) for i, name in enumerate(names)
    ]
    return make_board(load_runs(paths))


def test_json_has_every_number_and_published_figures_apart(board: Board):
    content = json.loads(format_board(board, "json"))
    assert [run["name"] for run in content["runs"]] == ["low", "high", "part"]
    assert [run["complete"] for run in content["runs"]] == [True, True, False]
    rows = {row["name"]: {cell["run"]: cell for cell in row["cells"]} for row in content["rows"]}
    assert rows["ocrbench"]["low"]["score"] == 500
    assert rows["ocrbench"]["low"]["low"] == 498
    assert rows["ai2d"]["high"]["rank_best"] == 1
    assert rows["ai2d"]["part"]["rank_best"] is None
    assert rows["mmmu"]["low"]["score"] is None
    assert "high" not in rows["mmmu"]
    measured = {cell["run"] for row in content["rows"] for cell in row["cells"]}
    reported = {model["name"] for model in content["reported"]["models"]}
    assert "OpenVLThinkerV2" in reported
    assert not measured & reported


def test_csv_is_one_line_a_row_and_run(board: Board):
    lines = list(csv.DictReader(io.StringIO(format_board(board, "csv"))))
    [line] = [line for line in lines if (line["name"], line["run"]) == ("ai2d", "high")]
    assert (line["score"], line["low"], line["high"], line["n"]) == ("80.5", "78.5", "82.5", "100")
    assert (line["rank_best"], line["rank_worst"], line["ranked"]) == ("1", "1", "2")
    assert (line["synthetic"], line["complete"], line["unparsed"]) == ("false", "true", "0.0")
    [empty] = [line for line in lines if (line["name"], line["run"]) == ("mmmu", "low")]
    assert (empty["score"], empty["low"]) == ("", "")
    [mean] = [line for line in lines if (line["kind"], line["run"]) == ("mean", "low")]
    assert (mean["tasks"], mean["tasks_missing"]) == ("2", "16")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@cmd", "a,b", 'say "x"', f"two{BREAKS}lines"])
def test_csv_survives_any_name_and_runs_no_formula(tmp_path: Path, board_runs: Any, name: str):
    text = format_board(named(tmp_path, board_runs, name), "csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == len(text.splitlines()) - 1 == 1
    assert not lines[0]["run"].startswith(("=", "+", "-", "@"))
    assert re.sub(r"[\s']+|[^\x20-\x7e]+", "", lines[0]["run"]) == re.sub(r"\s+|[^\x20-\x7e]+", "", name)


def test_markdown_has_intervals_the_best_mean_first_and_says_what_is_partial(board: Board):
    lines = format_board(board, "markdown").splitlines()
    heads, _, high, low, part = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[:5]]
    assert [high[0], low[0]] == ["high", "low (exit 3)"]
    assert part[0].startswith("part (partial")
    columns = {name: (high[place], low[place], part[place]) for place, name in enumerate(heads)}
    assert columns["AI2D"] == ("**80.5** [78.5, 82.5]", "40.0 [38.0, 42.0]", "–")
    assert columns["OCRBench"] == ("–", "500 [498, 502]", "–")
    assert columns["MMMU"] == ("–", "–", "–")
    assert "OCRBench: out of 1000." in lines
    assert any(line.startswith("Overall, high: mean of 2 of 18 tasks") for line in lines)
    assert any("Partial, and not ranked: part." in line for line in lines)


@pytest.mark.parametrize("name", ["a|b", "<script>", "`x`", "[a](javascript:b)", f"two{BREAKS}lines", "a\\|b"])
def test_markdown_keeps_its_columns_whatever_the_name(tmp_path: Path, board_runs: Any, name: str):
    lines = format_board(named(tmp_path, board_runs, name, "b"), "markdown").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table} == {3}
    assert "<" not in "".join(table)
    assert "](" not in "".join(table).replace("\\](", "")


def test_latex_is_a_booktabs_table_with_intervals(board: Board):
    text = format_board(board, "latex")
    assert text.count("\\toprule") == text.count("\\bottomrule") == 1
    heads, high, low, part = [
        line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r"\\")
    ]
    place = heads.index("AI2D")
    assert high[place] == r"\textbf{80.5} {\scriptsize [78.5, 82.5]}"
    assert (low[place], part[place]) == (r"40.0 {\scriptsize [38.0, 42.0]}", "--")
    assert {len(row) for row in (heads, high, low, part)} == {len(heads)}


@pytest.mark.parametrize(
    "name", [LATEX, f"two{BREAKS}lines", "[2em]", "*", r"\input{/etc/passwd}", "{", "a--b"]
)
def test_latex_takes_no_name_for_code(tmp_path: Path, board_runs: Any, name: str):
    text = format_board(named(tmp_path, board_runs, name), "latex")
    [_, line] = [line for line in text.splitlines() if line.endswith(r"\\")]
    shown = line.split(" & ")[0]
    commands = set(re.findall(r"\\([a-z]+)", shown))
    assert commands <= {re.sub(r"\W", "", command) for command in ("textbackslash", "textasciicircum")} | {
        "textasciitilde",
        "textless",
        "textgreater",
        "textbar",
    }
    bare = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#%_]|^\{\}", "", shown)
    assert not set('{}$&#%_^~\\<>|"') & set(bare)
    assert not shown.startswith(("[", "*"))


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_in_any_format_for_runs_without_a_score(tmp_path: Path, board_runs: Any, kind: str):
    board = make_board(load_runs([board_runs.write_run(tmp_path / "run", {"ai2d": None})]))
    text = format_board(board, kind)
    assert "0.0 [" not in text
    assert "None" not in text
