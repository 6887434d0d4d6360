"""Each verb does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.scores.results import read_results
from tasks import CATEGORIES

FAKES = str(Path(__file__).with_name("fakes.py"))


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fakes.write(tmp_path / "data", "letters", [fakes.row(index, "AB"[index % 2]) for index in range(8)])


def evaluate(*more: str) -> int:
    return main(
        ["eval", "--model", "mock", "--task-file", FAKES, "--tasks", "letters", "--data", "data", *more]
    )


def test_eval_prints_the_table_and_finds_its_run_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate() == 0
    shown = capsys.readouterr()
    assert "letters" in shown.out
    assert "50.0" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert evaluate() == 0
    assert "runs/mock-letters-data: 8 of 8 are answered already" in capsys.readouterr().err
    run = json.loads(Path("runs/mock-letters-data/run.json").read_text())
    assert run["config"]["model"] == "mock"
    assert run["command"]


def test_eval_with_failures_exits_3(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--out", "a", "--model", "mock:failing=1") == 3
    shown = capsys.readouterr()
    assert "8 failed of 8" in " ".join(shown.out.split())
    assert "letters r" in shown.err
    assert evaluate("--out", "a", "--model", "mock:failing=1", "--failure-budget", "1") == 3


def test_a_configuration_file_is_the_same_as_flags(data: Path) -> None:
    Path("run.toml").write_text(
        f'model = "mock:text=B"\ntasks = ["letters"]\ndata = "data"\ntask-file = ["{FAKES}"]\n'
        'limit = 4\nout = "here"\nmax-new-tokens = 9\nimages = false\n'
    )
    assert main(["eval", "--config", "run.toml", "--limit", "6"]) == 0
    results = read_results(Path("here"))
    assert results.tasks["letters"].samples == 6
    assert json.loads(Path("here/run.json").read_text())["tasks"]["letters"]["max_new_tokens"] == 9


def test_a_suite_flag_replaces_the_files_tasks(data: Path, tmp_path: Path) -> None:
    from harness.config import build

    (tmp_path / "x.toml").write_text('tasks = ["ai2d"]\nseed = 3\n')
    config = build({"suite": "math"}, tmp_path / "x.toml")
    assert (config.suite, config.tasks, config.seed) == ("math", None, 3)
    assert build({"tasks": "a, b,"}).tasks == ("a", "b")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "tiny-all-synthetic"),
        ({"model": "Qwen/Qwen3-VL-8B", "suite": "math"}, "Qwen3-VL-8B-math-hub"),
        ({"model": "mock", "tasks": "a,b"}, "mock-a+b-synthetic"),
        ({"model": "mock", "tasks": "a,b,c,d"}, "mock-a+3-synthetic"),
        ({"model": "dir/", "tasks": "refcoco+", "data": "/x/my data"}, "dir-refcoco+-my_data"),
        ({"model": "mock:text=B", "prompt": "think"}, "mock_text=B-all-synthetic-think"),
    ],
)
def test_names_of_runs(given: dict[str, Any], name: str) -> None:
    from harness.config import build

    assert build(given).run_dir == Path("runs") / name


def test_score_a_run_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate("--out", "a")
    results = Path("a/results.json").read_text()
    scores = Path("a/scores/letters.jsonl").read_text()
    Path("a/scores/letters.jsonl").unlink()
    Path("a/results.json").unlink()
    capsys.readouterr()
    assert main(["score", "a"]) == 0
    assert "50.0" in capsys.readouterr().out
    assert Path("a/scores/letters.jsonl").read_text() == scores
    again = json.loads(Path("a/results.json").read_text())
    assert again["tasks"] == json.loads(results)["tasks"]
    assert main(["score", "a", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["tasks"]["letters"]["value"] == 50.0
    assert summary["missing"] == 0


def responses(fakes: ModuleType, *given: dict[str, Any]) -> None:
    lines = [{"id": f"x{index}", "record": fakes.row(index), **row} for index, row in enumerate(given)]
    Path("r.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def score(*more: str) -> int:
    return main(["score", "letters", "r.jsonl", "--task-file", FAKES, *more])


def test_score_a_file(data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    responses(
        fakes,
        {"response": "A", "expected": 1.0},
        {"response": "not A", "expected": 0.0},
        {"response": ""},
        {"response": "bug"},
        {"response": "A", "record": {"id": "q"}},
        {"response": "<think>A</think> B"},
        {"response": None},
    )
    assert score() == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["value"], row["official"], row["status"]) for row in rows] == [
        ("x0", 1.0, 1.0, "ok"),
        ("x1", 0.0, 1.0, "ok"),
        ("x2", 0.0, 0.0, "unparsed"),
        ("x3", 0.0, None, "error"),
        ("x4", 0.0, None, "failed"),
        ("x5", 0.0, 0.0, "ok"),
        ("x6", 0.0, None, "failed"),
    ]
    assert rows[0]["extracted"] == "A"
    assert list(rows[0])[:6] == ["id", "value", "official", "status", "extracted", "channel"]
    assert "r.jsonl:5: column" in rows[4]["error"]
    assert score("--out", "scores.jsonl", "--json", "--raw") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == {
        "task": "letters",
        "n": 4,
        "value": 0.25,
        "official": 0.75,
        "agreement": 0.5,
        "official_only": 2,
        "ours_only": 0,
        "statuses": {"ok": 3, "unparsed": 1, "error": 1, "failed": 2},
        "expected": {"n": 2, "equal": 1, "differing": ["x1"]},
    }
    assert len(Path("scores.jsonl").read_text().splitlines()) == 7


def test_score_a_file_by_the_finish_reason_of_each_row(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = "<answer>A"
    responses(
        fakes,
        {"response": cut},
        {"response": cut, "finish_reason": "stop"},
        {"response": cut, "finish_reason": None},
        {"response": cut, "finish_reason": "length"},
        {"response": cut, "finish_reason": "error"},
        {"response": cut, "finish_reason": "error", "error": "HTTP 500"},
        {"response": "<think>A", "finish_reason": "stop"},
    )
    assert score() == 0
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    statuses = ["ok", "ok", "ok", "truncated", "failed", "failed", "truncated"]
    assert [row["status"] for row in rows] == statuses
    assert rows[5]["error"] == "r.jsonl:6: HTTP 500"


@pytest.mark.parametrize("given", ["stopped", 3, True])
def test_score_a_file_names_an_unknown_finish_reason(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str], given: Any
) -> None:
    responses(fakes, {"response": "A"}, {"response": "A", "finish_reason": given})
    assert score() == 2
    said = f"r.jsonl:2: unknown finish_reason {given!r}; known: stop, length, content_filter, error"
    assert said in capsys.readouterr().err


def test_score_a_file_writes_where_the_answer_was_found(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"question": "Which label is the root?", "options": ["A", "B", "C"], "answer": "1"}
    rows = [{"record": record, "response": text} for text in ("B", "The answer is B.", "?")]
    responses(fakes, *rows)
    assert main(["score", "ai2d", "r.jsonl"]) == 0
    found = [json.loads(line)["channel"] for line in capsys.readouterr().out.splitlines()]
    assert found == ["whole", "announced", None]


def test_score_a_file_says_why_no_row_got_a_verdict(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = {"response": "A", "record": {"id": "q"}}
    responses(fakes, {"response": None}, lacking, lacking)
    assert score() == 3
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert (
        "r.jsonl: no row got a verdict (3); 2 because: column 'question' is missing (the row has: id) (e.g. x1)"
        in shown.err.splitlines()
    )
    assert score("--json") == 3


def test_score_a_file_counts_the_rows_without_a_verdict_by_reason(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = {"response": "A", "record": {"id": "q"}}
    responses(fakes, {"response": None}, lacking, lacking, {"response": "A"})
    assert score() == 0
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "r.jsonl: 2 without a verdict: column 'question' is missing (the row has: id) (e.g. x1)",
        "r.jsonl: 1 without a verdict: the response is NoneType, not text (e.g. x0)",
    ]


def test_score_reads_files_beside_the_responses(data: Path, fakes: ModuleType) -> None:
    from harness.cli.score import _with_paths

    Path("masks").mkdir()
    Path("masks/1.png").write_bytes(fakes.picture(1))
    found = _with_paths({"image": "masks/1.png", "other": "masks/1.png"}, fakes.LETTERS, Path())
    assert Path(found["image"]).is_absolute()
    assert found["other"] == "masks/1.png"
    assert _with_paths({"image": "masks/2.png"}, fakes.LETTERS, Path()) == {"image": "masks/2.png"}


def test_ls(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "suites"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["all", *CATEGORIES]
    assert main(["ls", "models"]) == 0
    assert "tiny" in capsys.readouterr().out
    assert main(["ls", "runs"]) == 0
    assert capsys.readouterr().out == "no runs in runs\n"
    evaluate()
    Path("runs/half").mkdir()
    Path("runs/half/run.json").write_text("{}")
    capsys.readouterr()
    assert main(["ls", "runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "model", "data", "date", "state", "tasks", "overall"]
    found = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert found["half"][-1] == "broken"
    name, data, day, clock, state, tasks, mean = found["mock-letters-data"]
    assert (name, data, state, tasks, mean) == ("mock", "data", "complete", "1", "50.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", f"{day} {clock}")


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "ai2d"]) == 0
    text = capsys.readouterr().out
    for said in (
        "lmms-lab-encoder/ai2d",
        "← headline",
        "style think",
        "style direct",
        "128 new tokens",
        "[image 1]",
    ):
        assert said in text


def test_validate_finds_nothing_wrong_with_a_right_task(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "letters", "--task-file", FAKES, "--data", "data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    failed = [line for line in lines if line.startswith("FAILED")]
    assert failed == []
    assert len([line for line in lines if line.startswith("ok")]) == 12
    assert lines[-2:] == ["       | Which letter has number 0?", "       | Answer with one letter."]


WRONG = {
    "definition": {"metrics": ()},
    "rows become samples": {"to_samples": None},
    "samples survive JSON": {"target": int},
    "the clusters of the intervals are there": {"cluster": "page"},
    "the gold answer scores 1": {"scorer": "zero"},
    "a refusal scores 0": {"scorer": "generous"},
    "odd responses end in a status": {"scorer": "fragile"},
    "rewards lie in 0 … 1 and differ": {"scorer": "boundless"},
    "the first prompt, style direct": {"prompt": "{{ absent }}"},
    "hostile responses end in a status, in time": {"scorer": "fragile"},
}


@pytest.mark.parametrize("check", WRONG)
def test_validate_finds_what_is_wrong(data: Path, fakes: ModuleType, check: str) -> None:
    from harness.data import load_rows
    from harness.validate import validate
    from scorers.types import Score

    changes: dict[str, Any] = dict(WRONG[check])
    name = changes.get("scorer")
    if name is not None:
        values = {"generous": "1", "zero": "0", "fragile": "none", "boundless": "1.5"}
        changes["scorer"] = lambda answer, target: Score(float(values[name]), None)
    if "to_samples" in changes:
        changes["to_samples"] = lambda row: [row["absent"]]
    task = fakes.task("letters", **changes)
    found = {finding.name: finding for finding in validate(task, load_rows(task, "data"))}
    assert not found[check].ok


def test_doctor_has_one_line_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    marks = {line.split()[0] for line in lines}
    assert marks <= {"ok", "–", "WRONG"}
    assert code == int("WRONG" in marks)
    names = [line.split()[1] for line in lines]
    assert {"python", "numpy", "disk", "hub", "tiny"} <= set(names)
