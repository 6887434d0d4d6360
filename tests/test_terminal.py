"""Tables on the terminal: which columns fit, what is coloured, and that colour is for terminals alone."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.terminal import Cell, Column, Screen, screen, shortened, table

ROOT = Path(__file__).parents[1]
COLUMNS = (Column("name"), Column("score"), Column("share", 1), Column("more", 2), Column("most", 3, left=True))
ROWS = [("a_long_name_of_a_task", "12.3", "1 %", "4", "words"), None, ("b", Cell("1.0", "bad"), "", "5", "")]


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (80, ["name", "score", "share", "more", "most"]),
        (44, ["name", "score", "share", "more"]),
        (40, ["name", "score", "share"]),
        (28, ["name", "score", "share"]),
        (20, ["name", "score"]),
    ],
)
def test_columns_are_left_out_where_the_screen_is_narrow(width: int, titles: list[str]) -> None:
    lines = list(table(COLUMNS, ROWS, Screen(width)))
    assert lines[0].split() == titles
    assert max(map(len, lines)) <= width
    assert lines[1] == lines[3] == "─" * len(lines[1])
    assert {line.split()[1] for line in (lines[2], lines[4])} == {"12.3", "1.0"}


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 5, "short"),
        ("refcoco_plus_val", 9, "refc…_val"),
        ("漢字漢字漢字", 7, "漢字…字"),
        ("abc", 2, "a…"),
    ],
)
def test_long_names_keep_both_ends(text: str, width: int, expected: str) -> None:
    assert shortened(text, width) == expected


def test_text_moves_no_cursor_and_wide_characters_keep_the_columns() -> None:
    lines = list(table((Column("name"), Column("n")), [("漢字", "1"), ("a\x1b[2J\nb", "22")], Screen(80)))
    assert lines[2:] == ["漢字        1", "a?[2J b    22"] or all("\x1b" not in line for line in lines)


def test_colour_is_for_cells_that_have_a_style() -> None:
    lines = list(table(COLUMNS, ROWS, Screen(80, colour=True)))
    assert "\x1b[1;31m1.0\x1b[0m" in lines[4]
    assert "\x1b" not in lines[2]
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines] == list(table(COLUMNS, ROWS, Screen(80)))


def test_the_screen_of_a_pipe_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "132")
    assert screen() == Screen(132, colour=False)
    monkeypatch.setenv("COLUMNS", "3")
    assert screen().width == 40


def in_terminal(folder: Path, *words: str, **environment: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    found = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80", **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=folder,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=found,
    ) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    assert process.returncode == 0
    return b"".join(parts).decode()


@pytest.fixture
def unread(tmp_path: Path) -> Path:
    """A run whose responses hold no answer."""
    words = ["eval", "--model", "mock:text=Hm.", "--tasks", "mmstar,ai2d", "--limit", "4", "--no-report"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    return tmp_path


def test_what_is_wrong_is_red_on_a_terminal_only(unread: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coloured = in_terminal(unread, "score", "run")
    assert "\x1b[1;31m! 100.0 %\x1b[0m" in coloured
    assert "\x1b" not in in_terminal(unread, "score", "run", NO_COLOR="1")
    assert "\x1b" not in in_terminal(unread, "score", "run", TERM="dumb")
    capsys.readouterr()
    assert main(["score", str(unread / "run")]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "! 100.0 %" in printed


def test_the_end_table_names_the_model_and_says_that_nothing_could_be_read(
    unread: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["score", str(unread / "run")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mock:text=Hm. · data synthetic · prompt direct · limit 4"
    assert "! Most responses are unparsed: mmstar, ai2d;" in " ".join(lines)
    assert max(map(len, lines)) <= 80


def test_a_wide_terminal_shows_more_columns(
    unread: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = {}
    for width in ("60", "80", "140"):
        monkeypatch.setenv("COLUMNS", width)
        capsys.readouterr()
        assert main(["score", str(unread / "run")]) == 0
        lines = capsys.readouterr().out.splitlines()
        heads[width] = next(line for line in lines if line.startswith("task"))
        assert max(map(len, lines)) <= int(width)
    assert "unparsed" in heads["80"]
    assert "tokens" in heads["80"]
    assert "official only" in heads["140"]
    assert len(heads["60"]) < len(heads["80"]) < len(heads["140"])


def test_a_list_of_runs_names_model_data_date_and_state(
    unread: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unread / "run" / "results.json").unlink()
    capsys.readouterr()
    assert main(["ls", "runs", "--dir", str(unread)]) == 0
    head, _, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "model", "data", "date", "state", "tasks", "overall"]
    assert line.split()[:3] == ["run", "mock:text=Hm.", "synthetic"]
    assert "stopped" in line
    (unread / "run" / "lock").write_text(f'{{"pid": {os.getpid()}, "host": "{os.uname().nodename}"}}')
    assert main(["ls", "runs", "--dir", str(unread)]) == 0
    assert "running" in capsys.readouterr().out
