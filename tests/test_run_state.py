"""The state of a run, told from its folder: running, complete, failed, stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import harness
from harness.errors import HarnessError, UsageError
from harness.run.lock import Lock, held
from harness.run.state import NotedFailure, failure_of, overall, state_of


def evaluate(out: Path, model: str = "mock") -> None:
    harness.evaluate(model, tasks="ai2d", data="synthetic", limit=3, out=str(out))


def test_an_evaluation_is_complete_or_stopped(tmp_path: Path) -> None:
    evaluate(tmp_path / "run")
    assert state_of(tmp_path / "run") == "complete"
    (tmp_path / "run" / "results.json").unlink()
    assert state_of(tmp_path / "run") == "stopped"


def test_an_evaluation_without_any_verdict_has_failed(tmp_path: Path, board_runs: ModuleType) -> None:
    board_runs.write_run(tmp_path / "none", {"ai2d": None})
    assert state_of(tmp_path / "none") == "failed"
    board_runs.write_run(tmp_path / "some", {"ai2d": board_runs.result("ai2d", 50.0, failed=99)})
    assert state_of(tmp_path / "some") == "complete"


def test_a_run_whose_lock_is_held_is_running_and_the_lock_is_not_touched(tmp_path: Path) -> None:
    evaluate(tmp_path)
    with Lock(tmp_path):
        before = (tmp_path / "lock").stat()
        assert state_of(tmp_path) == "running"
        after = (tmp_path / "lock").stat()
        assert (before.st_mtime_ns, before.st_size, before.st_ino) == (
            after.st_mtime_ns,
            after.st_size,
            after.st_ino,
        )
    assert state_of(tmp_path) == "complete"


def test_a_lock_that_is_left_over_counts_for_nothing(tmp_path: Path, training_logs: ModuleType) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    training_logs.lock(tmp_path)
    assert held(tmp_path)
    training_logs.lock(tmp_path, pid=gone.pid)
    assert not held(tmp_path), "its process is dead"
    training_logs.lock(tmp_path, age=Lock.DEAD + 1)
    assert not held(tmp_path), "nobody touched it"
    (tmp_path / "lock").write_text('{"pid": 1, "host": "elsewhere"}')
    assert held(tmp_path), "another host's process is not known to be dead"
    for broken in ("", "[]", '{"pid": "x"}'):
        (tmp_path / "lock").write_text(broken)
        assert not held(tmp_path)


def test_a_stage_is_running_complete_failed_or_stopped(tmp_path: Path, training_logs: ModuleType) -> None:
    out = training_logs.write(tmp_path / "run", 3, planned=9)
    stage = out / "g2rpo"
    assert state_of(stage) == "stopped"
    training_logs.lock(stage)
    assert state_of(stage) == "running"
    (stage / "lock").unlink()
    with pytest.raises(HarnessError), NotedFailure(stage):
        raise HarnessError("the budget of 1 % is spent\nand more")
    assert (state_of(stage), failure_of(stage)) == ("failed", "the budget of 1 % is spent")
    (stage / "model").mkdir()
    assert state_of(stage) == "complete"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UsageError("the folder is of another model")])
def test_an_interruption_or_a_wrong_command_is_no_failure(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), NotedFailure(tmp_path):
        raise error
    assert not list(tmp_path.iterdir())


def test_the_next_start_removes_what_the_last_one_noted(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), NotedFailure(tmp_path):
        raise ZeroDivisionError
    assert failure_of(tmp_path) == "ZeroDivisionError"
    with NotedFailure(tmp_path):
        assert failure_of(tmp_path) is None


def test_a_run_of_stages_has_the_state_that_matters_most() -> None:
    assert overall(["complete", "complete"]) == "complete"
    assert overall(["complete", "stopped"]) == "stopped"
    assert overall(["failed", "stopped", "complete"]) == "failed"
    assert overall(["complete", "running"]) == "running"


def test_a_training_process_that_is_killed_leaves_a_stopped_stage(
    tmp_path: Path, training_logs: ModuleType
) -> None:
    out = training_logs.write(tmp_path / "run", 3, planned=9)
    code = (
        "import sys, time; from pathlib import Path; from harness.run.lock import Lock\n"
        "with Lock(Path(sys.argv[1])):\n    print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(out / "g2rpo")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    assert state_of(out / "g2rpo") == "running"
    process.kill()
    process.communicate()
    assert (out / "g2rpo" / "lock").exists()
    assert state_of(out / "g2rpo") == "stopped"
