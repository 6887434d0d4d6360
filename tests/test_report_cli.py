"""`harness report`, and the report that `harness eval` leaves: files, one-line errors, exit codes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.errors import HarnessError
from reports import build

DOCS = Path(__file__).parents[1] / "docs"
FAKES = str(Path(__file__).with_name("fakes.py"))


@pytest.fixture
def two(tmp_path: Path, board_runs: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with runs/a and runs/b."""
    monkeypatch.chdir(tmp_path)
    for name, score in (("a", 50.0), ("b", 60.0)):
        board_runs.write_run(tmp_path / "runs" / name, {"ai2d": score}, model=name)
    return tmp_path


@pytest.fixture
def letters(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of an evaluation of four samples."""
    monkeypatch.chdir(tmp_path)
    fakes.write(tmp_path / "data", "letters", [fakes.row(index) for index in range(4)])
    words = ["eval", "--model", "mock", "--task-file", FAKES, "--tasks", "letters", "--data", "data"]
    return [*words, "--out", "run"]


def sections(path: Path) -> list[str]:
    return re.findall(r'data-section="([\w-]+)"', path.read_text(encoding="utf-8"))


def test_one_run_has_its_report_in_its_folder(two: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", "runs/a"]) == 0
    assert re.fullmatch(r"runs/a/report\.html: [\d.]+ [kM]B, 1 run, 100 samples\n", capsys.readouterr().out)
    assert sections(two / "runs/a/report.html") == ["leaderboard", "breakdown", "samples"]
    assert "<title>a</title>" in (two / "runs/a/report.html").read_text(encoding="utf-8")


def test_several_runs_or_a_folder_of_them_make_a_leaderboard(two: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", "runs/a", "runs/b"]) == 0
    assert "leaderboard.html: " in capsys.readouterr().out
    assert sections(two / "leaderboard.html") == ["leaderboard", "breakdown", "compare", "samples"]
    assert main(["report", "runs", "-o", "out/all.html", "--title", "All & more"]) == 0
    assert ", 2 runs, 200 samples" in capsys.readouterr().out
    assert "<title>All &amp; more</title>" in (two / "out/all.html").read_text(encoding="utf-8")


def test_without_samples_the_report_is_small_and_links_to_none(two: Path):
    assert main(["report", "runs", "--no-samples"]) == 0
    page = two / "leaderboard.html"
    assert "samples" not in sections(page)
    assert "#/samples" not in str(re.findall(r'href="[^"]*"', page.read_text(encoding="utf-8")))


def test_a_file_that_was_there_is_replaced_whole(two: Path, monkeypatch: pytest.MonkeyPatch):
    (two / "leaderboard.html").write_text("older", encoding="utf-8")

    def broken(*_: Any, **__: Any) -> Any:
        yield "half of"
        raise HarnessError("the disk is on fire")

    with monkeypatch.context() as patched:
        patched.setattr(build, "render", broken)
        assert main(["report", "runs"]) == 1
    assert (two / "leaderboard.html").read_text(encoding="utf-8") == "older"
    assert [path.name for path in two.glob("*.tmp")] == []
    assert main(["report", "runs"]) == 0
    assert (two / "leaderboard.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("kind", ["json", "csv", "markdown", "latex"])
def test_the_table_alone_goes_to_standard_output_or_a_file(
    two: Path, capsys: pytest.CaptureFixture[str], kind: str
):
    assert main(["report", "runs", "--format", kind]) == 0
    printed = capsys.readouterr().out
    assert "60.0" in printed
    assert main(["report", "runs", "--format", kind, "-o", "table"]) == 0
    assert capsys.readouterr().out == f"table: {kind}, 2 runs\n"
    assert (two / "table").read_text(encoding="utf-8") == printed


def test_training_and_evaluation_runs_may_be_mixed(two: Path, training_logs: Any):
    training_logs.write(two / "trained")
    assert main(["report", "runs", "trained", "--no-samples"]) == 0
    assert sections(two / "leaderboard.html") == ["leaderboard", "breakdown", "compare", "training"]
    assert main(["report", "trained"]) == 0
    assert sections(two / "trained/report.html") == ["training"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["report"], 2, "the following arguments are required: RUN"),
        (["report", "nowhere"], 2, "nowhere: there is no such folder"),
        (["report", "empty"], 2, "empty: not a run"),
        (["report", "runs/a/run.json"], 2, "run.json: there is no such folder"),
        (["report", "runs", "--format", "xml"], 2, "invalid choice: 'xml'"),
        (["report", "runs", "--format", "csv", "--title", "x"], 2, "--title is for --format html"),
        (["report", "runs", "--format", "csv", "--no-samples"], 2, "--no-samples is for --format html"),
        (["report", "runs", "-o", "empty"], 1, "empty: cannot be written"),
        (["report", "runs", "--format", "csv", "-o", "empty"], 1, "empty: cannot be written"),
        (["report", "runs", "--ttile", "x"], 2, "did you mean '--title'"),
    ],
)
def test_what_goes_wrong_is_one_line(
    two: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
):
    (two / "empty").mkdir()
    assert main(words) == code
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def test_a_broken_run_in_a_folder_is_named(two: Path, capsys: pytest.CaptureFixture[str]):
    (two / "runs/b/results.json").write_text("{", encoding="utf-8")
    assert main(["report", "runs"]) == 1
    assert "runs/b/results.json: not JSON" in capsys.readouterr().err
    assert not (two / "leaderboard.html").exists()


def test_eval_leaves_a_report_in_its_run(letters: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(letters) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("s, with report.html")
    assert sections(Path("run/report.html")) == ["leaderboard", "breakdown", "samples"]


def test_eval_leaves_none_where_none_is_wanted(letters: list[str], capsys: pytest.CaptureFixture[str]):
    assert main([*letters, "--no-report"]) == 0
    assert capsys.readouterr().out.endswith("s\n")
    assert not Path("run/report.html").exists()


@pytest.mark.parametrize(
    "problem", [HarnessError("no space"), OSError("read-only"), KeyError("a bug"), KeyboardInterrupt()]
)
@pytest.mark.parametrize(("model", "code"), [("mock", 0), ("mock:failing=1", 3)])
def test_a_report_that_fails_changes_neither_run_nor_exit_code(
    letters: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: Any,
    model: str,
    code: int,
    problem: Any,
):
    def fails(*_: Any, **__: Any) -> Any:
        raise problem

    monkeypatch.setattr(build, "build", fails)
    letters[2] = model
    assert main(letters) == code
    said = capsys.readouterr()
    line = said.err.splitlines()[-1]
    assert line.startswith("harness eval: the run is complete, its report is not")
    assert line.endswith("harness report run makes it")
    assert "report.html" not in said.out
    assert json.loads(Path("run/results.json").read_text(encoding="utf-8"))["exit_code"] == code
    assert not Path("run/report.html").exists()


def test_a_fresh_start_removes_the_older_report(letters: list[str]):
    assert main(letters) == 0
    Path("run/report_media").mkdir()
    assert main([*letters, "--fresh", "--no-report"]) == 0
    assert not Path("run/report.html").exists()
    assert not Path("run/report_media").exists()


def test_results_say_how_many_were_asked(letters: list[str]):
    assert main([*letters, "--limit", "3", "--no-report"]) == 0
    assert json.loads(Path("run/results.json").read_text(encoding="utf-8"))["asked"] == 3
    assert main([*letters, "--limit", "4", "--no-report"]) == 0
    assert json.loads(Path("run/results.json").read_text(encoding="utf-8"))["asked"] == 1
    assert main(["score", "run"]) == 0
    assert json.loads(Path("run/results.json").read_text(encoding="utf-8"))["asked"] == 1


def test_the_commands_of_reports_md(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(
        r"<!-- run -->\n```\n(.*?)```", (DOCS / "reports.md").read_text(encoding="utf-8"), re.DOTALL
    )
    for line in block.splitlines():
        program, *words = shlex.split(line)
        assert program == "harness"
        assert main(words) == 0, line
    assert Path("board.html").exists()


def test_every_flag_of_report_is_in_reports_md():
    from argparse import ArgumentParser

    from reports.cli.report import report

    parser = ArgumentParser()
    report(parser)
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    flags = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
    assert [flag for flag in flags if flag not in text and flag != "--help"] == []


def test_a_complete_run_without_scores_is_told_how_to_make_them(
    letters: list[str], capsys: pytest.CaptureFixture[str]
):
    assert main([*letters, "--no-report"]) == 0
    capsys.readouterr()
    shutil.rmtree("run/scores")
    for words in (["report", "run"], ["compare", "run", "run"]):
        assert main(words) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "run/scores/letters.jsonl: there is no such file" in said
        assert "harness score run" in said
    assert main(["score", "run"]) == 0
    assert main(["report", "run"]) == 0


@pytest.mark.parametrize(
    ("name", "value"), [("fingerprint", None), ("data", 3), ("generation_sha", []), ("synthetic", "no")]
)
def test_a_run_edited_by_hand_is_one_line(
    letters: list[str], name: str, value: object, capsys: pytest.CaptureFixture[str]
):
    assert main([*letters, "--no-report"]) == 0
    path = Path("run/run.json")
    run = json.loads(path.read_text(encoding="utf-8"))
    run["tasks"]["letters"][name] = value
    path.write_text(json.dumps(run), encoding="utf-8")
    capsys.readouterr()
    for words in (["report", "run"], ["compare", "run", "run"], ["score", "run"], letters):
        assert main(words) == 1
        assert capsys.readouterr().err == (
            f"harness {words[0]}: run/run.json: broken: the {name} of task letters is {value!r}\n"
        )


def test_one_is_not_many(fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    fakes.write(tmp_path / "data", "letters", [fakes.row(0)])
    words = ["--task-file", FAKES, "--tasks", "letters", "--data", str(tmp_path / "data")]
    assert main(["eval", "--model", "mock", *words, "--out", str(tmp_path / "run")]) == 0
    assert main(["report", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.endswith(", 1 run, 1 sample\n")
