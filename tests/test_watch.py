"""Evaluations beside a training: which checkpoints are whole, each once; what an evaluation would take."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.fingerprint import write_sums
from harness.models import tiny_path
from harness.models.asking import write_asking
from harness.models.checkpoints import Watched, checkpoints_in, step_of, why_not_whole

ROOT = Path(__file__).parents[1]
LAYOUTS = {
    "checkpoint-500": ("checkpoint-500", 500),
    "global_step_20/actor/huggingface": ("global_step_20", 20),
    "g2rpo/checkpoints/step-0000020": ("g2rpo-step-0000020", 20),
    "step_7": ("step_7", 7),
    "a/checkpoint-3": ("a-checkpoint-3", 3),
}


def model(folder: Path) -> Path:
    """The shipped checkpoint, copied."""
    shutil.copytree(tiny_path(), folder)
    if folder.name.startswith("checkpoint-"):
        step = int(folder.name.rpartition("-")[2])
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_trainers(layout: str, tmp_path: Path) -> None:
    name, step = LAYOUTS[layout]
    folder = model(tmp_path / "out" / layout)
    [found] = checkpoints_in(tmp_path / "out")
    assert (found.name, found.step, found.folder) == (name, step, folder)
    assert why_not_whole(found) is None
    assert step_of(folder) == step


@pytest.mark.parametrize("layout", ["best", "model", "step-3.partial", "tmp-checkpoint-3", ".step-3"])
def test_other_folders_are_no_checkpoints(layout: str, tmp_path: Path) -> None:
    model(tmp_path / layout)
    assert checkpoints_in(tmp_path) == []


def test_the_step_that_training_noted_comes_first(tmp_path: Path) -> None:
    folder = model(tmp_path / "checkpoint-3")
    settings = {"prompt": "direct", "coords": None, "max_new_tokens": 8, "max_pixels": None}
    write_asking(folder, {**settings, "training": {"step": 40}})
    assert step_of(folder) == 40
    assert step_of(tiny_path()) is None


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def without_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


def with_other_sums(folder: Path) -> None:
    write_sums(folder, ["model.safetensors"])
    text = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(("0" if text[0] != "0" else "1") + text[1:])


def with_verl_behind(folder: Path) -> None:
    (folder.parents[2] / "latest_checkpointed_iteration.txt").write_text("10")


HALF: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "weights cut": ("checkpoint-500", cut, "is damaged"),
    "a shard missing": ("step_5", without_shard, "1 of 2 shards of the weights missing"),
    "an index cut": ("step_5", lambda at: (at / "model.safetensors.index.json").write_text("{"), ""),
    "no state yet": ("checkpoint-500", lambda at: (at / "trainer_state.json").unlink(), "FileNotFoundError"),
    "a state cut": (
        "checkpoint-500",
        lambda at: (at / "trainer_state.json").write_text("{"),
        "JSONDecodeError",
    ),
    "another's state": (
        "checkpoint-500",
        lambda at: (at / "trainer_state.json").write_text('{"global_step": 400}'),
        "trainer_state.json is of step 400",
    ),
    "a settings file cut": ("step_5", lambda at: (at / "config.json").write_text("{"), "JSONDecodeError"),
    "other hashes": ("g2rpo/checkpoints/step-0000020", with_other_sums, "is not as it was saved"),
    "verl is not done": ("global_step_20/actor/huggingface", with_verl_behind, "iteration.txt says 10"),
}


@pytest.mark.parametrize("what", HALF)
def test_half_written_ones_are_not_whole(what: str, tmp_path: Path) -> None:
    layout, spoil, said = HALF[what]
    folder = model(tmp_path / layout)
    if what == "an index cut":
        (folder / "model.safetensors").unlink()
    spoil(folder)
    watched = Watched(tmp_path, settled=0)
    assert watched.ready() == []
    [found] = checkpoints_in(tmp_path)
    assert said in (why_not_whole(found) or "")


def test_files_that_still_change_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    folder = model(tmp_path / "step_5")
    watched = Watched(tmp_path)
    assert watched.ready() == []
    now[0] += 4
    (folder / "optimizer.pt").write_bytes(b"1")
    assert watched.ready() == []
    now[0] += 4
    assert watched.ready() == []
    now[0] += 2
    assert [each.step for each in watched.ready()] == [5]
    assert watched.ready() == []  # none is given twice


def start(*words: str, cwd: Path, log: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "harness", *words]
    with (cwd / log).open("wb") as file:
        return subprocess.Popen(command, cwd=cwd, env=environment, stdout=file, stderr=subprocess.STDOUT)


def wait_for(what: Callable[[], Any], *running: subprocess.Popen[bytes], seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        assert all(process.poll() is None for process in running), "ended too soon"
        time.sleep(0.05)


def answered(run: Path) -> list[str]:
    """The keys of a run's answers, one a line of its journal."""
    lines = (run / "samples" / "ai2d.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["id"] for line in lines]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_kept_checkpoint_of_a_training_is_evaluated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"tasks": '["ai2d"]', "g2rpo.steps": 4, "g2rpo.save_every": 1, "g2rpo.eval_every": 0}
    settings |= {f"g2rpo.{name}": 4 for name in ("rollout_prompts", "update_prompts", "responses")}
    overrides = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    trainer = start("train", "--out", "trained", *overrides, cwd=tmp_path, log="train.log")
    half = model(tmp_path / "trained" / "checkpoint-9")
    cut(half)
    model(tmp_path / "trained" / "g2rpo" / "checkpoints" / "other-step-0000099.partial")
    words = ["eval", "--watch", "trained", "--tasks", "ai2d", "--data", "synthetic", "--limit", "200"]
    words += ["--poll", "0.2", "--batch-size", "4", "--no-report", "--out", "watched"]
    runs, kept = tmp_path / "watched", tmp_path / "trained" / "g2rpo" / "checkpoints"
    watcher = start(*words, cwd=tmp_path, log="first.log")
    try:
        wait_for(lambda: any(path.stat().st_size for path in runs.glob("*/samples/ai2d.jsonl")), watcher)
        watcher.kill()
        watcher.wait()
        assert trainer.wait(400) == 0, (tmp_path / "train.log").read_text()
        watcher = start(*words, cwd=tmp_path, log="second.log")
        names = [f"g2rpo-{path.name}" for path in sorted(kept.glob("step-???????"))]
        assert names == ["g2rpo-step-0000003", "g2rpo-step-0000004"]
        wait_for(lambda: all((runs / name / "results.json").exists() for name in names), watcher)
        wait_for(lambda: "Best: step" in (tmp_path / "second.log").read_text(), watcher)
        time.sleep(1)
        watcher.send_signal(signal.SIGTERM)
        assert watcher.wait(60) == 130
    finally:
        for process in (trainer, watcher):
            process.kill()
            process.wait()
    for number, name in ((3, names[0]), (4, names[1])):
        assert len(answered(runs / name)) == len(set(answered(runs / name))) == 200
        assert json.loads((runs / name / "run.json").read_text())["step"] == number
    assert not (runs / "checkpoint-9").exists()
    assert not any("99" in path.name for path in runs.iterdir())
    capsys.readouterr()
    assert main(["eval", *words[1:-1], "watched", "--until", "2"]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["watched:", "complete"] in table
    assert main(["report", *(str(runs / name) for name in names), "-o", "page.html"]) == 0


def test_until_ends_the_watch_and_the_table_pairs_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.models import checkpoints

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoints, "SETTLED", 0.0)
    monkeypatch.setattr(Watched.__init__, "__defaults__", (0.0,))
    model(tmp_path / "out" / "checkpoint-10")
    model(tmp_path / "out" / "checkpoint-20")
    cut(model(tmp_path / "out" / "checkpoint-30"))
    words = ["eval", "--watch", "out", "--tasks", "ai2d", "--data", "synthetic", "--limit", "20"]
    assert main([*words, "--until", "2", "--poll", "0.1", "--out", "w", "--no-report"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    rows = [line.split() for line in shown if line.strip()[:2] in ("10", "20")]
    assert [row[0] for row in rows] == ["10", "10", "20"]
    assert rows[-1][1] == rows[-2][1]
    assert "+0.0" in rows[-1]
    assert sorted(path.name for path in Path("w").iterdir()) == ["checkpoint-10", "checkpoint-20"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--watch", "nowhere"], "--watch nowhere: no such directory"),
        (["--watch", ".", "--model", "tiny"], "leave --model out"),
        (["--until", "2"], "--until is for --watch"),
        (["--rate", "2"], "--rate is for --dry-run"),
        (["--dry-run", "--rate", "fast"], "--rate fast: neither tokens a second nor a run's folder"),
    ],
)
def test_what_cannot_be_watched_or_estimated(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "--tasks", "ai2d", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_dry_run_counts_what_an_evaluation_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["eval", "--model", "mock", "--tasks", "ai2d,chartqa", "--limit", "20", "--out", "run"]
    prices = ["--price-in", "1", "--price-out", "1000000"]
    assert main([*words, "--dry-run", "--rate", "64", *prices]) == 0
    shown = capsys.readouterr().out
    assert not Path("run").exists()
    rows = {line.split()[0]: line.replace(",", "").split()[1:] for line in shown.splitlines()[1:4]}
    assert rows["ai2d"][:2] == ["20", "20"]
    assert rows["ai2d"][3] == str(20 * 128)
    assert rows["all"][3] == str(sum(int(rows[name][3]) for name in ("ai2d", "chartqa")))
    answers = int(rows["all"][3])
    assert f"Time: at most {answers / 64:.0f} s, at 64 answer tokens/s" in shown
    assert f"at most {answers:,.2f}, of which prompts 0.0" in shown
    assert main([*words, "--no-report"]) == 0
    results = json.loads(Path("run/results.json").read_text())
    asked = sum(task["responses"] for task in results["tasks"].values())
    assert str(asked) == rows["all"][0]
    capsys.readouterr()
    assert main([*words, "--dry-run", "--rate", "run"]) == 0
    assert "with answers as in run, at most" in capsys.readouterr().out


def test_the_gate_of_the_documents_is_one_that_runs() -> None:
    yaml = pytest.importorskip("yaml")
    gate = yaml.safe_load((ROOT / "docs" / "examples" / "gate.yml").read_text(encoding="utf-8"))
    [job] = gate["jobs"].values()
    commands = [line.strip() for step in job["steps"] for line in step.get("run", "").splitlines()]
    ours = [line.split() for line in commands if line.startswith("harness ")]
    assert [words[1] for words in ours] == ["eval", "eval", "compare"]
    assert "--fail-on-regression" in ours[-1]
