"""Tasks of one's own: what `harness new task` writes, an installed package's, one over a package's data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main

ROOT = Path(__file__).parents[1]
EASY_VQA = ROOT / "docs" / "examples" / "easy_vqa_task.py"
LONGEST = 60


def command(*words: str, path: Path = ROOT, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a new task, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "task", "shape_count"]) == 0
    return tmp_path


def test_a_new_task_works_as_it_is(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("shape_count.py", "test_shape_count.py"):
        text = (written / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) < LONGEST
        assert "newtask" not in text
    given = ["shape_count", "--task-file", "shape_count.py", "--data", "data"]
    assert main(["validate", *given]) == 0
    shown = capsys.readouterr().out
    assert "FAILED" not in shown
    assert "| [image 1]\n       | How many squares are there?\n       | Answer with a number." in shown
    assert "rewards lie in 0 … 1 and differ: 0 to 1 over" in shown
    assert main(["eval", "--model", "tiny", "--tasks", *given, "--out", "run"]) == 0
    results = json.loads(Path("run/results.json").read_text(encoding="utf-8"))["tasks"]["shape_count"]
    assert (results["samples"], results["failed"]) == (4, 0)


def test_the_test_of_a_new_task_passes(written: Path) -> None:
    done = command("pytest", "-q", "-p", "no:cacheprovider", "test_shape_count.py", cwd=written)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Clocks", "cannot be a task's name"),
        ("my-task", "cannot be a task's name"),
        ("x" * 21, "at most 20"),
        ("chartqa", "is the name of a built-in task"),
        ("math", "is the name of a built-in task or category"),
        ("shape_count", "shape_count.py exists: choose another name"),
    ],
)
def test_names_that_a_new_task_cannot_have(
    written: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["new", "task", name]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_installed_package_adds_a_task_by_entry_point(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "site"
    package = source / "other_people"
    assert main(["new", "task", "shape_count", "--out", str(package)]) == 0
    snippet = (package / "shape_count.py").read_text(encoding="utf-8")
    start = snippet.index('[project.entry-points."harness.tasks"]')
    lines = snippet[start:].splitlines()[:2]
    (package / "__init__.py").touch()
    project = ["[project]", 'name = "other-people"', 'version = "1"', *lines]
    tools = ["[tool.setuptools]", 'packages = ["other_people"]']
    text = "\n".join([*project, *tools]).replace("my_package", "other_people")
    (source / "pyproject.toml").write_text(text, encoding="utf-8")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    installed = command("pip", "install", "-q", *offline, str(source))
    assert installed.returncode == 0, installed.stderr
    listed = command("harness", "ls", "tasks", path=target)
    assert "shape_count" in listed.stdout
    words = ["--model", "tiny", "--tasks", "shape_count", "--data", str(package / "data")]
    done = command("harness", "eval", *words, "--out", "run", path=target, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert results["tasks"]["shape_count"]["counted"] == 4


def test_a_task_file_over_the_data_of_a_package(tmp_path: Path) -> None:
    pytest.importorskip("easy_vqa", reason="the package easy-vqa is not installed: pip install easy-vqa")
    assert len(EASY_VQA.read_text(encoding="utf-8").splitlines()) < LONGEST
    given = ["easy_vqa", "--task-file", str(EASY_VQA)]
    assert main(["validate", *given, "--limit", "100"]) == 0
    words = ["--model", "tiny", "--limit", "60", "--out", str(tmp_path / "run")]
    assert main(["eval", *words, "--tasks", *given]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))["tasks"]["easy_vqa"]
    assert (results["counted"], results["failed"]) == (60, 0)
    assert results["data"].startswith("easy-vqa 1.0")
