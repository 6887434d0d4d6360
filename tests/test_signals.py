"""What ends a command from outside, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from harness.cli import main
from harness.scores.scoring import ScoringThread
from scorers.types import Answer, Score
from tasks import load_builtin
from tasks.types import Response, Sample

HANGS = """
import time
from dataclasses import dataclass
from scorers.types import Answer, Score, Target
from tasks.types import Metric, Sample, Source, Task

@dataclass(frozen=True, slots=True)
class Gold(Target):
    text: str

def samples(row):
    yield Sample(str(row["id"]), "What?", Gold("A"), text_only=True)

def score(answer: Answer, target: Gold) -> Score:
    while HANGS and answer.text:
        time.sleep(0.01)
    return Score(1.0, None, extracted="A")

TASK = Task(name="hangs", category="math", title="t", source=Source(repo="x/hangs", split="test"),
            to_samples=samples, scorer=score, target=Gold, metrics=(Metric("accuracy", headline=True),))
"""


@pytest.fixture
def hanging(tmp_path: Path) -> list[str]:
    """Arguments of an evaluation whose scorer hangs on every response."""
    (tmp_path / "hangs.py").write_text("HANGS = True\n" + HANGS)
    (tmp_path / "data" / "hangs").mkdir(parents=True)
    rows = "".join(f'{{"id": {index}}}\n' for index in range(6))
    (tmp_path / "data" / "hangs" / "rows.jsonl").write_text(rows)
    named = ("--task-file", tmp_path / "hangs.py", "--tasks", "hangs", "--data", tmp_path / "data")
    return ["eval", "--model", "mock", *map(str, named), "--out", str(tmp_path / "run")]


def started(arguments: list[str], run: Path, lines: int) -> subprocess.Popen[bytes]:
    """The command, once so many answers are on the disk."""
    process = subprocess.Popen([sys.executable, "-m", "harness", *arguments], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if sum(len(path.read_bytes().splitlines()) for path in run.glob("samples/*.jsonl")) >= lines:
            return process
        time.sleep(0.02)
    process.kill()
    raise AssertionError("no answers")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_and_frees_it(tmp_path: Path, number: signal.Signals) -> None:
    arguments = ["eval", "--model", "mock:latency=0.05", "--tasks", "ai2d", "--limit", "100", "--no-report"]
    arguments += ["--out", str(tmp_path / "run")]
    process = started(arguments, tmp_path / "run", 3)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"interrupted; the same command continues" in said
    assert not (tmp_path / "run" / "lock").exists()


def test_one_signal_ends_a_command_whose_scorer_hangs(hanging: list[str], tmp_path: Path) -> None:
    process = started(hanging, tmp_path / "run", 6)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    script = (
        "import time; from harness.cli.signals import interruptible\n"
        "with interruptible():\n"
        "    while True:\n"
        "        try:\n            print('on', flush=True); time.sleep(60)\n"
        "        except KeyboardInterrupt: pass\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGTERM)  # the same one, from the parent
    time.sleep(0.7)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 130


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    script = "import os, signal; from harness.cli.signals import interruptible\n"
    script += "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script += "with interruptible(): os.kill(os.getpid(), signal.SIGHUP)\n"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["ls", "suites"]) in (0, 2)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_scorer_that_hangs_costs_its_sample_and_on_many_the_run(
    hanging: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.scores.scoring.ScoringThread.LIMIT", 0.2)
    assert main([*hanging, "--limit", "2"]) == 3
    assert "the scorer gave nothing within 0.2 s" in (tmp_path / "run" / "scores" / "hangs.jsonl").read_text()
    capsys.readouterr()
    assert main(hanging) == 1
    assert "hangs: its scorer hangs (on 0, 1, 2)" in capsys.readouterr().err
    (tmp_path / "hangs.py").write_text("HANGS = False\n" + HANGS)
    assert main(hanging) == 0


def test_what_is_still_to_be_scored_is_left_when_a_run_ends_early() -> None:
    begun, go_on, seen = Event(), Event(), []

    def slow(answer: Answer, _: Any) -> Score:
        seen.append(answer.text)
        begun.set()
        go_on.wait(60)
        return Score(1.0, None)

    task = replace(load_builtin("mmstar"), scorer=slow)
    with ScoringThread(None) as scoring:
        for index in range(3):
            scoring.add(task, index, Sample(str(index), "Which?", "B"), 0, Response(f"answer {index}"))
        assert begun.wait(60)
    go_on.set()
    scoring._worker.join(60)
    assert seen == ["answer 0"]
