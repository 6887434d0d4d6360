"""`harness compare`: the table, exit codes, refusals in one line, the page."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.cli import main

Write = Callable[..., tuple[str, str]]


@pytest.fixture
def write(tmp_path: Path, hand_runs: ModuleType) -> Write:
    """Writes runs A and B of one task from the counts of a McNemar table."""

    def made(only_a: int, only_b: int, both: int = 60, task: str = "mmmu", **more: Any) -> tuple[str, str]:
        a = [1.0] * (only_a + both) + [0.0] * (only_b + both)
        b = [0.0] * only_a + [1.0] * (both + only_b) + [0.0] * both
        paths = []
        for name, scores in (("A", a), ("B", b)):
            rows = [hand_runs.row(f"s{place}", score) for place, score in enumerate(scores)]
            options = {key[2:]: value for key, value in more.items() if key.startswith(f"{name.lower()}_")}
            paths.append(str(hand_runs.write_run(tmp_path / name, {task: rows}, **options)))
        return paths[0], paths[1]

    return made


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, in one line."""
    return " ".join(capsys.readouterr().out.split())


def test_the_table(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write(30, 10)
    assert main(["compare", a, b]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    [row] = [line.split() for line in lines if line.startswith("mmmu")]
    assert row[:5] == ["mmmu", "160", "56.2", "43.8", "-12.5"]
    assert row[-3:] == ["30", "10", "0.002"]
    whole = " ".join(" ".join(lines).split())
    assert "general_vqa 1/3" in whole
    assert "all 1/18" in whole
    assert "Minimum detectable difference in points (80 % power): mmmu 11." in whole
    assert "Verdict: B is worse than A overall, by 12.5 points" in whole
    assert "Worse: mmmu" in whole
    assert "Synthetic" not in whole


@pytest.mark.parametrize(
    ("only_a", "only_b", "verdict"),
    [
        (10, 30, "B is better than A overall, by 12.5 points"),
        (12, 10, "No significant difference between B and A overall: -1.4 points"),
        (0, 0, "No significant difference between B and A overall: +0.0 points"),
    ],
)
def test_the_verdict(
    write: Write, capsys: pytest.CaptureFixture[str], only_a: int, only_b: int, verdict: str
) -> None:
    assert main(["compare", *write(only_a, only_b)]) == 0
    text = said(capsys)
    assert f"Verdict: {verdict}" in text
    assert ("No task and no category differs significantly." in text) == verdict.startswith("No ")


@pytest.mark.parametrize(
    ("only_a", "only_b", "flags", "code"),
    [
        (30, 10, [], 4),
        (30, 10, ["--margin", "2"], 4),
        (30, 10, ["--margin", "6"], 0),
        (10, 30, [], 0),
        (12, 10, [], 0),
        (0, 0, [], 0),
    ],
)
def test_the_gate(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    only_a: int,
    only_b: int,
    flags: Sequence[str],
    code: int,
) -> None:
    a, b = write(only_a, only_b)
    assert main(["compare", a, b]) == 0
    capsys.readouterr()
    assert main(["compare", a, b, "--fail-on-regression", *flags]) == code
    assert ("Regression: B is worse than A" in said(capsys)) == (code == 4)
    assert main(["compare", a, b, "--fail-on-regression", *flags, "--json"]) == code
    found = json.loads(capsys.readouterr().out)["gate"]
    assert found["exit_code"] == code
    assert bool(found["regressions"]) == (code == 4)


def test_the_gate_does_not_pass_what_it_cannot_tell(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a, b = write(10, 30)
    scores = tmp_path / "B" / "scores" / "mmmu.jsonl"
    lines = [json.loads(line) for line in scores.read_text(encoding="utf-8").splitlines()]
    failed = [{**line, "status": "failed"} for line in lines[:2]]
    scores.write_text("".join(json.dumps(line) + "\n" for line in failed + lines[2:]), encoding="utf-8")
    assert main(["compare", a, b]) == 0
    assert "Samples left out: 2 without a verdict in one run (mmmu)." in said(capsys)
    assert main(["compare", a, b, "--fail-on-regression"]) == 3
    assert "B: no regression found, but: mmmu: 2 of 160 samples have no verdict in one run: exit 3." in said(
        capsys
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--margin", "2"], "--margin is for --fail-on-regression"),
        (["--fail-on-regression", "--margin", "-1"], "--margin -1: wants points"),
        (["--fail-on-regression", "--margin", "nan"], "--margin nan: wants points"),
        (["--alow-mismatch"], "unknown flag --alow-mismatch; did you mean '--allow-mismatch'?"),
    ],
)
def test_wrong_flags(
    write: Write, capsys: pytest.CaptureFixture[str], flags: Sequence[str], message: str
) -> None:
    assert main(["compare", *write(1, 1), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"harness compare: {message}")
    assert error.count("\n") == 1


def test_no_run_is_one_line(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, _ = write(1, 1)
    assert main(["compare", a, str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error == f"harness compare: {tmp_path}: not a run: there is no run.json\n"


def test_a_mismatch_is_refused_and_may_be_allowed(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write(30, 10, b_fingerprint="e" * 64)
    assert main(["compare", a, b]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "mmmu: the data differ" in captured.err
    assert main(["compare", a, b, "--allow-mismatch"]) == 0
    assert "Mismatch: mmmu: the data differ" in said(capsys)


def test_partial_and_synthetic_runs_say_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, text in (("a", "A"), ("b", "B")):
        out = str(tmp_path / name)
        harness.evaluate(f"mock:text={text}", tasks="mmstar", data="synthetic", limit=9, out=out, images=False)
    journal = tmp_path / "b" / "samples" / "mmstar.jsonl"
    kept = journal.read_text(encoding="utf-8").splitlines(keepends=True)[:4]
    journal.write_text("".join(kept), encoding="utf-8")
    (tmp_path / "b" / "results.json").unlink()
    command = ["compare", str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(command) == 0
    text = said(capsys)
    assert "Synthetic data" in text
    assert "B is not complete, 5 responses are missing: compared on what both have." in text
    assert main([*command, "--fail-on-regression"]) == 3


def test_hostile_names_do_not_break_the_table(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write(3, 2, a_name="x" * 300, b_name="two\nlines \x1b[2J")
    assert main(["compare", a, b]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("two lines ?[2J" in line for line in lines)


def test_the_commands_of_statistics_md(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- run -->\n```\n(.*?)```", text, re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert len(commands) >= 5
    for program, *words in commands:
        assert program == "harness"
        assert main(words) == 0, words
    assert '"compare"' in Path("comparison.html").read_text(encoding="utf-8")


@pytest.fixture
def several(tmp_path: Path, hand_runs: ModuleType) -> list[str]:
    """A baseline, a better run and a worse one on 120 samples of one task."""
    paths = []
    for name, right in (("base", 60), ("better", 90), ("worse", 30)):
        scores = [hand_runs.row(f"s{place}", float(place < right)) for place in range(120)]
        paths.append(str(hand_runs.write_run(tmp_path / name, {"mmmu": scores})))
    return paths


def test_several_runs_are_rows(several: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *several]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if line.startswith(("B ", "C "))]
    assert [row[:2] for row in rows[:2]] == [["B", "better"], ["C", "worse"]], "the runs by their letters"
    assert rows[2][2:5] == ["75.0", "50.0", "+25.0"]
    assert rows[4][-1] == "+25.0*"
    assert rows[5][-1] == "-25.0*"
    text = " ".join(" ".join(lines).split())
    assert "B is better than A overall, by 25.0 points" in text
    assert "C is worse than A overall, by 25.0 points" in text


@pytest.mark.parametrize(("chosen", "code"), [((0, 1), 0), ((0, 1, 2), 4), ((0, 2, 1), 4), ((0, 1, 1), 0)])
def test_one_run_that_is_worse_is_a_regression(
    several: list[str], capsys: pytest.CaptureFixture[str], chosen: Sequence[int], code: int
) -> None:
    command = ["compare", *(several[place] for place in chosen), "--fail-on-regression"]
    assert main(command) == code
    assert ("Regression: " in said(capsys)) == (code == 4)
    assert main([*command, "--json"]) == code
    content = json.loads(capsys.readouterr().out)
    gates = [each["gate"]["exit_code"] for each in content.get("comparisons", [content])]
    assert max(gates) == code


def test_an_open_question_about_one_run_is_exit_3(
    several: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = (tmp_path / "better" / "items" / "mmmu.jsonl").read_text(encoding="utf-8").splitlines()
    for folder in ("items", "scores"):
        path = tmp_path / "better" / folder / "mmmu.jsonl"
        kept = path.read_text(encoding="utf-8").splitlines()[: len(lines) - 20]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert main(["compare", several[0], several[0], several[1], "--fail-on-regression"]) == 3
    text = said(capsys)
    assert "B: no regression." in text
    assert "C: no regression found, but: mmmu: 20 of A's 120 samples are not in C: exit 3." in text
    assert "C: Samples left out: 20 only in A (mmmu)." in text


@pytest.mark.parametrize("kind", ["markdown", "latex", "csv", "json"])
def test_formats_have_models_as_rows(several: list[str], capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert main(["compare", *several, "--format", kind]) == 0
    text = capsys.readouterr().out
    if kind == "markdown":
        lines = text.splitlines()
        assert lines[0] == "| Model | Overall | General VQA | MMMU |"
        assert lines[2] == "| base | 50.0 | 50.0 | 50.0 |"
        assert lines[3] == r"| better | 75.0 (+25.0\*) | 75.0 (+25.0\*) | 75.0 (+25.0\*) |"
    elif kind == "latex":
        assert r"worse & 25.0 (-25.0*) & 25.0 (-25.0*) & 25.0 (-25.0*) \\" in text
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["run"], row["kind"], row["name"]) for row in rows[:3]] == [
            ("better", "overall", "all"),
            ("better", "category", "general_vqa"),
            ("better", "task", "mmmu"),
        ]
        assert {row["significant"] for row in rows} == {"true"}
        assert float(rows[0]["difference"]) == 25.0
    else:
        assert [each["b"]["name"] for each in json.loads(text)["comparisons"]] == ["better", "worse"]


def test_one_format_at_a_time(several: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *several, "--json", "--format", "csv"]) == 2
    assert "--json and --format csv: give one of them" in capsys.readouterr().err
