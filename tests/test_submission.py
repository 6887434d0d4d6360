"""`--split` where a split's answers are withheld: nothing is scored, and the challenge's file is written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")

from harness import evaluate
from harness.cli import main
from harness.errors import Exit, UsageError
from harness.run.submission import check_writable
from harness.scores.results import Results, read_results
from harness.types import Request
from tasks import BUILTIN, load_builtin
from tasks.types import Response
from tests import hub_repos

ROWS = 8


class Scripted:
    """A model that answers by the words of the prompt; it may fail on some."""

    name = "scripted"
    coords = None

    def __init__(self, answer: str = "<think>(B)?</think><answer>(A)</answer>", failing: str = "\0") -> None:
        self.answer, self.failing = answer, failing

    def describe(self) -> dict[str, Any]:
        return {"model": "scripted", "answer": self.answer}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            text = "".join(part for part in request.parts if isinstance(part, str))
            if self.failing in text:
                yield request, Response("", "error", error="told to fail")
            else:
                yield request, Response(self.answer)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the test splits whose answers are withheld, and RefCOCO's table."""
    import datasets

    datasets.disable_progress_bars()
    folder = tmp_path_factory.mktemp("data")
    for name in hub_repos.WITHHELD:
        hub_repos.fill(folder / name, [hub_repos.withheld(name, ROWS)])
    refcoco = load_builtin("refcoco")
    parts = [(refcoco.on_split(split), hub_repos.rows_for("refcoco", count)) for split, count in SPLITS.items()]
    hub_repos.fill(folder / "refcoco", parts)
    return folder


SPLITS = {"val": 2, "testA": 3, "testB": 4}


def ran(data: Path, out: Path, name: str, model: Scripted | None = None, **settings: Any) -> Results:
    asked = {"tasks": [name], "data": str(data), "split": "test", "images": False, "out": str(out), **settings}
    return evaluate(model or Scripted(), **asked)


@pytest.mark.parametrize("name", hub_repos.WITHHELD)
def test_nothing_is_scored(data: Path, tmp_path: Path, name: str) -> None:
    results = ran(data, tmp_path / "run", name)
    assert results.exit_code == Exit.COMPLETE
    task = results.tasks[name]
    assert (task.unscored, task.responses, task.score.n) == (ROWS, ROWS, 0)
    assert (task.score.value, task.low, task.high) == (None, None, None)
    assert task.labels[:2] == ("not scored: its answers are withheld", "split test")
    assert results.mean.score.value is None
    lines = [json.loads(line) for line in (tmp_path / "run" / "scores" / f"{name}.jsonl").open()]
    assert {(line["value"], line["official"], line["status"]) for line in lines} == {(None, None, "unscored")}
    items = [json.loads(line) for line in (tmp_path / "run" / "items" / f"{name}.jsonl").open()]
    assert {item["gold"] for item in items} == {None}
    assert read_results(tmp_path / "run").tasks[name] == task


def test_the_sample_viewer_has_neither_right_nor_wrong_for_it() -> None:
    from reports.samples.index import STATUSES, cell_of

    line = {"epoch": 0, "value": None, "official": None, "status": "unscored"}
    cell = cell_of([line], 1, "value")
    assert (cell.status, cell.verdict, cell.value) == (1 << STATUSES.index("unscored"), 0, None)


def ids(name: str) -> list[str]:
    task, rows = hub_repos.withheld(name, ROWS)
    return [sample.id for row in rows for sample in task.to_samples(row)]


@pytest.mark.parametrize("name", ["docvqa", "infovqa"])
def test_the_robust_reading_challenge_s_file(data: Path, tmp_path: Path, name: str) -> None:
    ran(data, tmp_path, name, Scripted("The answer is 1 May."))
    entries = json.loads((tmp_path / "submission" / f"{name}-test.json").read_bytes())
    assert isinstance(entries, list)
    assert [set(entry) for entry in entries] == [{"questionId", "answer"}] * ROWS
    assert all(type(entry["questionId"]) is int and type(entry["answer"]) is str for entry in entries)
    assert [str(entry["questionId"]) for entry in entries] == ids(name)
    assert {entry["answer"] for entry in entries} == {"1 May."}


def test_evalai_s_file_for_mmmu(data: Path, tmp_path: Path) -> None:
    ran(data, tmp_path, "mmmu")
    answers = json.loads((tmp_path / "submission" / "mmmu-test.json").read_bytes())
    assert list(answers) == ids("mmmu")
    kinds = {row["id"]: row["question_type"] for row in hub_repos.withheld("mmmu", ROWS)[1]}
    assert set(kinds.values()) == {"multiple-choice", "open"}
    for identity, answer in answers.items():
        assert type(answer) is str
        assert answer == "A" if kinds[identity] == "multiple-choice" else answer


def test_mathvista_s_result_file(data: Path, tmp_path: Path) -> None:
    ran(data, tmp_path, "mathvista")
    results = json.loads((tmp_path / "submission" / "mathvista-test.json").read_bytes())
    _, rows = hub_repos.withheld("mathvista", ROWS)
    assert list(results) == [row["pid"] for row in rows]
    for row in rows:
        entry = results[row["pid"]]
        # What calculate_score.py reads of an entry, `answer` being looked up by pid.
        wanted = {"question_type", "answer_type", "choices", "precision", "extraction", "metadata", "response"}
        assert wanted <= entry.keys()
        assert "answer" not in entry
        assert entry["metadata"] == row["metadata"]
        assert type(entry["extraction"]) is str
        assert entry["choices"] == row["choices"]
        if row["question_type"] == "multi_choice":
            assert entry["extraction"] == row["choices"][0]


def test_mmbench_s_excel_table(data: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    ran(data, tmp_path / "a", "mmbench")
    content = (tmp_path / "a" / "submission" / "mmbench-test.xlsx").read_bytes()
    (sheet,) = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    header, *rows = sheet.iter_rows(values_only=True)
    published = {"question", "A", "B", "C", "D", "prediction", "category", "l2_category", "index"}
    assert published <= set(header)
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["index"] for row in table] == [int(name) for name in ids("mmbench")]
    assert {row["prediction"] for row in table} == {"A"}
    assert all(row["question"] and row["A"] and row["B"] for row in table)
    odd = "=1+1\x0b" + "x" * 40_000
    ran(data, tmp_path / "b", "mmbench", Scripted(odd))
    path = tmp_path / "b" / "submission" / "mmbench-test.xlsx"
    (sheet,) = openpyxl.load_workbook(path).worksheets
    _, *rows = sheet.iter_rows()
    cell = rows[0][list(header).index("prediction")]
    assert (cell.data_type, cell.value[:6], len(cell.value)) == ("s", "=1+1xx", 32_767)


def test_no_file_where_a_response_failed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = hub_repos.withheld("docvqa", ROWS)[1][0]["question"]
    results = ran(data, tmp_path / "run", "docvqa", Scripted("x", failing=first), failure_budget=1.0)
    assert results.exit_code == Exit.INCOMPLETE
    assert not (tmp_path / "run" / "submission").exists()
    assert main(["score", str(tmp_path / "run")]) == 3
    assert "docvqa: no submission file, since responses failed or are missing" in capsys.readouterr().out
    again = ran(data, tmp_path / "run", "docvqa", Scripted("x"), failure_budget=1.0)
    assert again.exit_code == Exit.COMPLETE
    assert len(json.loads((tmp_path / "run" / "submission" / "docvqa-test.json").read_bytes())) == ROWS


def test_one_answer_a_question_of_several_epochs_and_of_a_row_that_is_there_twice(tmp_path: Path) -> None:
    task, rows = hub_repos.withheld("docvqa", 3)
    hub_repos.fill(tmp_path / "data" / "docvqa", [(task, [*rows, rows[0]])])
    results = ran(tmp_path / "data", tmp_path / "run", "docvqa", epochs=2, temperature=0.5)
    assert results.tasks["docvqa"].responses == 8
    entries = json.loads((tmp_path / "run" / "submission" / "docvqa-test.json").read_bytes())
    assert [entry["questionId"] for entry in entries] == [int(row["questionId"]) for row in rows]


def test_the_end_of_the_command_says_where_to_send_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    command = [
        "eval",
        "--model",
        "mock",
        "--tasks",
        "mmmu",
        "--data",
        str(data),
        "--split",
        "test",
        "--out",
        run,
    ]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert (
        f"{run}/submission/mmmu-test.json: 8 answers (the server wants all 10,500 questions); send it to "
        "https://eval.ai/web/challenges/challenge-page/2179/overview" in said
    )
    assert "not scored" in said
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "mock is not scored: the answers of MMMU are withheld." in page
    assert '<td class="lb-score">not scored</td>' in page
    assert main(["report", run, "-o", str(tmp_path / "board.html")]) == 0
    capsys.readouterr()
    assert main(["compare", run, run]) == 2
    error = capsys.readouterr().err.strip()
    assert error.endswith("nothing to compare: mmmu has no scores, its answers are withheld")
    assert "\n" not in error


def test_a_split_with_answers_is_scored_and_part_of_the_run_s_identity(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["eval", "--model", "mock", "--tasks", "refcoco", "--data", str(data), "--no-report"]
    for split, count in SPLITS.items():
        assert main([*command, "--split", split, "--out", str(tmp_path / split)]) == 0
        result = read_results(tmp_path / split).tasks["refcoco"]
        assert (result.responses, result.unscored) == (count, 0)
        assert result.labels == (() if split == "val" else (f"split {split}",))
        assert not (tmp_path / split / "submission").exists()
    capsys.readouterr()
    assert main([*command, "--split", "testB", "--out", str(tmp_path / "testA")]) == 2
    assert "split was 'testA' in this run and is 'testB' now" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "testA")]) == 0


def test_an_unknown_split_lists_those_that_there_are(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["eval", "--model", "mock", "--tasks", "refcoco,mmmu", "--data", str(data), "--split", "testA"]
    assert main(command) == 2
    assert "--split testA: mmmu has no such split; known: validation, dev, test" in capsys.readouterr().err
    assert main(["eval", "--tasks", "refcoco", "--split", "testA"]) == 2
    assert "synthetic data have no splits" in capsys.readouterr().err


def test_what_a_file_needs_is_looked_for_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    task = load_builtin("mmbench")
    monkeypatch.setattr("harness.run.submission.find_spec", lambda _: None)
    check_writable([task])
    with pytest.raises(UsageError, match=r"takes a .xlsx file, which needs openpyxl: pip install openpyxl"):
        check_writable([task.on_split("test")])


@pytest.mark.parametrize("name", BUILTIN)
def test_every_split_that_is_declared_can_be_chosen(name: str) -> None:
    task = load_builtin(name)
    for split, declared in task.source.splits.items():
        chosen = task.on_split(split)
        assert chosen.source.split == split
        assert chosen.answered == (declared.unanswered is None)
        assert chosen.to_samples.__module__ == task.to_samples.__module__
        assert chosen.answered or chosen.submission is not None
