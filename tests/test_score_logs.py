"""`harness score TASK LOG`: predictions that other tools wrote."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.errors import Exit


def lmms(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def logged(number: int, target: str = "5", response: Any = "5", **more: Any) -> dict[str, Any]:
    asked = f"What is bar {number}?\nAnswer the question with a single word."
    return {
        "doc_id": number,
        "target": target,
        "filtered_resps": [response],
        "doc_hash": "a",
        "input": asked,
        **more,
    }


def scored(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["score", *arguments])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_a_log_of_lmms_eval_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = lmms(tmp_path / "samples.jsonl", logged(0), logged(1, response=["7"]), logged(2, "500", "510"))
    code, lines, _ = scored(capsys, "chartqa", log)
    assert code == Exit.COMPLETE
    assert [(line["id"], line["official"]) for line in lines] == [("0", 1.0), ("1", 0.0), ("2", 1.0)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m_ChartQA_TEST.tsv", "index\tquestion\tanswer\tsplit\tprediction\n7\tWhat?\t5\ttest_human\t5\n"),
        ("m.csv", 'index,question,answer,split,prediction\n7,"What, then?",5,test_human,5\n'),
        (
            "m.json",
            '[{"index": 7, "question": "What?", "answer": "5", "split": "test_human", "prediction": "5"}]',
        ),
    ],
)
def test_tables_of_vlmevalkit_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    code, [line], _ = scored(capsys, "chartqa", str(tmp_path / name))
    assert (code, line["id"], line["official"]) == (Exit.COMPLETE, "7", 1.0)


def test_what_a_log_does_not_hold_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = lmms(tmp_path / "samples.jsonl", logged(0, "1", "B"))
    code, [line], err = scored(capsys, "ai2d", log)
    assert (code, line["status"]) == (Exit.INCOMPLETE, "failed")
    assert "column 'options' is missing" in err


def directory(fakes: ModuleType, folder: Path) -> str:
    task = folder / "ai2d"
    task.mkdir()
    (task / "a.png").write_bytes(fakes.picture(7))
    rows = [
        {"question": f"What is bar {n}?", "options": ["x", "y"], "answer": "1", "image": "a.png"}
        for n in range(3)
    ]
    (task / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def test_a_log_is_joined_with_the_rows_of_its_data(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = directory(fakes, tmp_path)
    other = logged(2, "1", "B") | {"input": "What is this?"}
    log = lmms(tmp_path / "samples.jsonl", logged(1, "1", "B"), logged(0, "1", "A"), other, logged(9, "1", "B"))
    code, lines, err = scored(capsys, "ai2d", log, "--data", data)
    assert code == Exit.COMPLETE
    assert [(line["id"], line["value"], line["status"]) for line in lines[:2]] == [
        ("1", 1.0, "ok"),
        ("0", 0.0, "ok"),
    ]
    assert [line["status"] for line in lines[2:]] == ["failed", "failed"]
    assert "row 2 of directory" in err
    assert "asks something else" in err
    assert "has no row 9" in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.xls", "", ".xls is not read: save the table as .xlsx, .tsv or .json"),
        ("a.tsv", "index\tquestion\n1\tWhat?\n", "no table of VLMEvalKit's: there is no column 'prediction'"),
        ("a.jsonl", '{"doc_id": 1, "resps": [[]]}\n', "filtered_resps holds no text"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    code, _, err = scored(capsys, "chartqa", str(tmp_path / name))
    assert code == Exit.USAGE
    assert said in err
    assert len(err.splitlines()) == 1


def test_data_is_for_logs_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"record": {"question": "?", "answer": "5"}, "response": "5"}
    code, _, err = scored(capsys, "chartqa", lmms(tmp_path / "own.jsonl", row), "--data", "hub")
    assert code == Exit.USAGE
    assert "--data is for predictions of another tool" in err
