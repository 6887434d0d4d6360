"""Progress: a bar for those who watch, plain lines for logs, silence for the API."""

from __future__ import annotations

import io
import sys

import pytest

from harness import progress as progress_module
from harness.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress()
    with progress.stage("answering", 3) as stage:
        for _ in range(3):
            stage.advance("docvqa", failed=1)
        progress.say("[b]as it is[/b] " + "x" * 200)
    text = terminal.getvalue()
    assert "answering" in text
    assert "3/3" in text
    assert "docvqa" in text
    assert "1 failed" in text
    assert "[b]as it is[/b] " + "x" * 200 in text.replace("\r", "")


def test_plain_lines_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    progress = Progress()
    for item in progress.over("scoring", range(40), 40):
        now[0] += 1.0
        assert item >= 0
    assert capsys.readouterr().err.splitlines() == [
        "scoring: 15 of 40, 1.0/s, 25 s left",
        "scoring: 30 of 40, 1.0/s, 10 s left",
    ]
    with progress.stage("planning", None) as stage:
        now[0] += 20
        stage.advance("docvqa", failed=2)
    assert capsys.readouterr().err == "planning: 1, 0.1/s, docvqa, 2 failed\n"


def test_silence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress_module, "EVERY", 0.0)
    progress = Progress(quiet=True)
    assert list(progress.over("x", [1, 2], 2)) == [1, 2]
    progress.say("nothing")
    assert capsys.readouterr().err == ""
