"""`harness import`: logs of other tools become runs, beside what those tools said."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.errors import Exit
from harness.imports import read_log
from harness.imports.differences import agreement
from harness.imports.logged import Logged, Said
from harness.imports.matching import mismatch
from harness.imports.verdicts import said
from scorers.rules.chart import ChartTarget
from scorers.rules.choice import ChoiceTarget
from scorers.rules.document import DocTarget
from scorers.rules.grounding import BoxTarget
from scorers.rules.math import MathTarget
from scorers.types import Target
from tasks.types import Sample

Rows = list[dict[str, Any]]
ANSWERS = ["5", "7", "Blue", "12%"]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def data(fakes: ModuleType, tmp_path: Path) -> Path:
    """Rows of ChartQA with their pictures."""
    folder = tmp_path / "data" / "chartqa"
    rows = [
        {"type": f"{kind}_test", "question": f"What is bar {n}?", "answer": answer, "image": f"{n}.png"}
        for n, (answer, kind) in enumerate(zip(ANSWERS, ["human", "augmented"] * 2, strict=True))
    ]
    write_lines(folder / "rows.jsonl", rows)
    for n in range(len(rows)):
        (folder / f"{n}.png").write_bytes(fakes.picture(n + 3))
    return tmp_path / "data"


def lmms(number: int, response: str, score: float, **more: Any) -> dict[str, Any]:
    """A line as lmms-eval 0.7.3 writes it."""
    return {
        "doc_id": number,
        "target": ANSWERS[number],
        "filtered_resps": response,
        "token_counts": [None],
        "doc_hash": "0",
        "relaxed_overall": score,
        "relaxed_human_split": score,
        "input": f"What is bar {number}?\nAnswer the question with a single word.",
        **more,
    }


def lmms_log(folder: Path, rows: Rows, name: str = "chartqa") -> Path:
    results = {
        "results": {name: {"alias": name, "relaxed_overall,none": 0.5, "relaxed_overall_stderr,none": "N/A"}},
        "config": {"model": "qwen3_vl", "model_args": ""},
        "model_name": "org/M-1",
        "lmms_eval_version": "0.7.3",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "20261126_101112_results.json").write_text(json.dumps(results))
    return write_lines(folder / f"20261126_101112_samples_{name}.jsonl", rows)


FOUR = [
    lmms(0, "5", 1.0),
    lmms(1, "<answer>7</answer>", 0.0, resps=["<think>two bars</think><answer>7</answer>"]),
    lmms(2, "red", 0.0),
    lmms(3, "I cannot say.", 1.0),
]


def run(log: Path, data: Path, out: Path, *more: str) -> int:
    return main(["import", str(log), "--data", str(data), "--out", str(out), "--no-report", *more])


def test_a_log_of_lmms_eval_becomes_a_complete_run(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["import", str(lmms_log(tmp_path / "log", FOUR)), "--data", str(data), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "lmms-eval 0.7.3: relaxed_overall 0.5; ours: mean of human and augmented" in said
    assert "of 4 responses that both judged, 50.0 % agree (mean 50.00 theirs, 50.00 ours, official)" in said
    assert "1  ours right, theirs wrong: we read from the channel tag" in said
    assert "1  theirs right, ours wrong: we find no answer (value: with us)" in said

    described = json.loads((out / "run.json").read_text())
    assert described["config"]["model"] == "org/M-1"
    assert described["imported"]["tool"] == "lmms-eval"
    assert described["imported"]["headline"] == {"metric": "relaxed_overall", "value": 0.5}
    assert len(described["imported"]["sha256"]) == 64
    assert [line["score"] for line in lines(out / "reported/chartqa.jsonl")] == [1.0, 0.0, 0.0, 1.0]
    assert [line["text"] for line in lines(out / "samples/chartqa.jsonl")][1].startswith("<think>two bars")
    item = lines(out / "items/chartqa.jsonl")[0]
    assert item["prompt"] == [{"image": 0}, FOUR[0]["input"]]
    assert (out / "images" / item["images"][0]).is_file()
    assert [line["official"] for line in lines(out / "scores/chartqa.jsonl")] == [1.0, 1.0, 0.0, 0.0]
    page = (out / "report.html").read_text()
    assert "The other tool's verdicts" in page.replace("&#39;", "'")
    assert "from lmms-eval" in page
    assert "settings refused" not in page
    second = lines(out / "items/chartqa.jsonl")[1]["id"]
    assert f'href="#/samples?task=chartqa&amp;run=org%2FM-1&amp;id={second}"' in page


def test_an_imported_run_is_scored_and_compared_and_never_continued(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    better = [FOUR[0], FOUR[1], lmms(2, "Blue", 1.0), lmms(3, "12", 0.0)]
    assert run(lmms_log(tmp_path / "one", FOUR), data, first) == 0
    assert run(lmms_log(tmp_path / "two", better), data, second) == 0
    before = {name: (first / name).read_bytes() for name in ("scores/chartqa.jsonl", "reported/chartqa.jsonl")}
    (first / "scores/chartqa.jsonl").unlink()
    assert main(["score", str(first)]) == 0
    assert {name: (first / name).read_bytes() for name in before} == before
    assert main(["compare", str(first), str(second), "--json"]) == 0
    capsys.readouterr()
    command = ["eval", "--model", "mock", "--tasks", "chartqa", "--data", str(data), "--out", str(first)]
    assert main(command) == Exit.USAGE
    [said] = capsys.readouterr().err.splitlines()
    assert "imported from a log of another tool: it can be scored, reported and compared, not continued" in said
    assert run(tmp_path / "one" / "20261126_101112_samples_chartqa.jsonl", data, first) == Exit.USAGE
    assert "holds a run already" in capsys.readouterr().err
    assert run(tmp_path / "one" / "20261126_101112_samples_chartqa.jsonl", data, first, "--fresh") == 0


def test_what_does_not_match_its_row_is_counted_with_the_reason(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        FOUR[0],
        lmms(1, "7", 1.0, input="What is this?"),
        lmms(2, "Blue", 1.0, target="Green"),
        lmms(0, "6", 0.0),
        {**lmms(0, "6", 0.0), "doc_id": 9},
    ]
    out = tmp_path / "run"
    assert run(lmms_log(tmp_path / "log", rows), data, out) == Exit.INCOMPLETE
    scores = {line["id"]: line for line in lines(out / "scores/chartqa.jsonl")}
    assert [line["status"] for line in scores.values()] == [
        "ok",
        "failed",
        "failed",
        "failed",
        "failed",
        "failed",
    ]
    why = [line.get("error", "") for line in scores.values()]
    assert "asks something else: 'What is bar 1?', the log 'What is this?'" in why[1]
    assert "the right answer is 'blue', in the log 'Green'" in why[2]
    assert why[3] == "the log has no prediction of it"
    assert "samples_chartqa.jsonl:1 is about the same row" in why[4]
    assert "has no row 9" in why[5]
    counts = json.loads((out / "run.json").read_text())["imported"]
    assert [
        counts[name] for name in ("predictions", "judged_predictions", "other_question", "no_row", "missing")
    ] == [
        5,
        1,
        2,
        2,
        1,
    ]
    assert "The same command asks" not in capsys.readouterr().out


def test_rows_that_a_log_lacks_may_be_left_out(data: Path, tmp_path: Path) -> None:
    log = lmms_log(tmp_path / "log", FOUR[:2])
    assert run(log, data, tmp_path / "whole") == Exit.INCOMPLETE
    assert run(log, data, tmp_path / "part", "--partial") == 0
    assert len(lines(tmp_path / "part/scores/chartqa.jsonl")) == 2
    assert "left out of n" in json.loads((tmp_path / "part/results.json").read_text())["notes"][1]


def test_a_row_that_gives_no_sample_is_counted_once(data: Path, tmp_path: Path) -> None:
    rows = lines(data / "chartqa/rows.jsonl")
    rows[1]["answer"] = rows[2]["answer"] = " "
    write_lines(data / "chartqa/rows.jsonl", rows)
    log = lmms_log(tmp_path / "log", FOUR[:2])
    assert run(log, data, tmp_path / "whole") == Exit.INCOMPLETE
    assert [line["status"] for line in lines(tmp_path / "whole/scores/chartqa.jsonl")] == ["ok"] + [
        "failed"
    ] * 3
    assert run(log, data, tmp_path / "part", "--partial") == Exit.INCOMPLETE
    assert [line["status"] for line in lines(tmp_path / "part/scores/chartqa.jsonl")] == ["ok", "failed"]


@pytest.mark.parametrize(
    ("target", "choices", "gold", "agrees"),
    [
        (ChoiceTarget(("x", "y"), 1, "?"), (), "B", True),
        (ChoiceTarget(("x", "y"), 1, "?"), (), "1", True),
        (ChoiceTarget(("x", "y"), 1, "?"), (), " Y", True),
        (ChoiceTarget(("x", "y"), 1, "?"), (), "x", False),
        (ChoiceTarget(("x", "y"), 1, "?"), ("x", "y"), "A", False),
        (
            MathTarget("?", "CD", ("1", "2", "3", "4")),
            (),
            "C, D",
            True,
        ),  # of several letters no spelling is known
        (ChartTarget("5", "?"), (), 5.0, True),
        (ChartTarget("5", "?"), (), "6", False),
        (DocTarget(("a", "b"), "?"), (), "['b', 'c']", True),
        (DocTarget((), "?"), (), "c", True),  # a test split has no answers
        (BoxTarget((10, 20, 40, 60), 100, 100), (), "[0.1, 0.2, 0.4, 0.605]", True),
        (BoxTarget((10, 20, 40, 60), 100, 100), (), [0.1, 0.2, 0.4, 0.7], False),
        (BoxTarget((10, 20, 40, 60), 100, 100), (), "[10, 20, 30, 40]", True),  # in pixels: not compared
    ],
)
def test_the_right_answer_is_recognised(
    target: Target, choices: tuple[str, ...], gold: Any, agrees: bool
) -> None:
    sample = Sample(id="1", question="What is <image 1>?", target=target, choices=choices)
    logged = Logged("log:1", "0", "", {}, "Look:  what is <image>?\nAnswer.", gold=gold)
    assert (mismatch(logged, sample) is None) is agrees


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        (
            "chartqa_lite",
            [],
            "lmms-eval's 'chartqa_lite' does not say which benchmark this is: give it with --task",
        ),
        ("chartqa", ["--data", "nowhere"], "--data nowhere: no such directory"),
        ("chartqa", ["--task", "chartqua"], "did you mean 'chartqa'?"),
    ],
)
def test_what_is_not_known_is_asked_for_in_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, more: list[str], said: str
) -> None:
    assert run(lmms_log(tmp_path / "log", FOUR, name), data, tmp_path / "run", *more) == Exit.USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "run").exists()


def test_a_log_that_names_no_model_asks_for_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_lines(tmp_path / "samples_chartqa.jsonl", FOUR)
    assert run(log, data, tmp_path / "run") == Exit.USAGE
    assert "--model NAME" in capsys.readouterr().err
    assert run(log, data, tmp_path / "run", "--model", "m") == 0


def test_drawn_data_are_drawn_as_far_as_the_log_goes(tmp_path: Path) -> None:
    from harness.data.synthetic import synthetic_row

    rows = [synthetic_row("chartqa", n, seed=0) for n in range(3)]
    log = [
        {"doc_id": n, "target": row["answer"], "filtered_resps": row["answer"], "input": row["question"]}
        for n, row in enumerate(rows)
    ]
    path = write_lines(tmp_path / "samples_chartqa.jsonl", log)
    out = tmp_path / "run"
    assert (
        main(["import", str(path), "--data", "synthetic", "--model", "m", "--out", str(out), "--no-report"])
        == 0
    )
    assert [line["official"] for line in lines(out / "scores/chartqa.jsonl")] == [1.0, 1.0, 1.0]
    assert json.loads((out / "results.json").read_text())["synthetic"]


def test_boxes_of_lmms_eval_are_judged_from_what_it_read(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data" / "refcoco"
    row = {
        "question_id": "1",
        "answer": ["the red cup", "cup"],
        "bbox": [10, 20, 30, 40],
        "image": "a.png",
        "file_name": "a.png",
        "width": 100,
        "height": 100,
    }
    write_lines(folder / "rows.jsonl", [row])
    (folder / "a.png").write_bytes(fakes.picture(3, (100, 100)))
    gold = [0.1, 0.2, 0.4, 0.6]
    asked = "Please provide the bounding box coordinate of the region this sentence describes: "
    rows = [
        {
            "doc_id": n,
            "target": str(gold),
            "filtered_resps": text,
            "input": asked + name,
            "refcoco_ACC@0.5": {"answer": name, "pred": read, "bbox": gold},
        }
        for n, (name, text, read) in enumerate(
            [("the red cup", "[10, 20, 40, 60]", [10, 20, 40, 60]), ("cup", "[0.1, 0.2, 0.4, 0.6]", gold)]
        )
    ]
    log = write_lines(tmp_path / "samples_refcoco_bbox_rec_val.jsonl", rows)
    arguments = ["--model", "m", "--out", str(tmp_path / "run")]
    assert main(["import", str(log), "--data", str(tmp_path / "data"), *arguments]) == Exit.USAGE
    assert "declare it with --coords" in capsys.readouterr().err
    assert main(["import", str(log), "--data", str(tmp_path / "data"), "--coords", "abs", *arguments]) == 0
    said = capsys.readouterr().out
    assert [line["score"] for line in lines(tmp_path / "run/reported/refcoco.jsonl")] == [0.0, 1.0]
    assert "1  ours right, theirs wrong" in said
    assert "1  theirs right, ours wrong" in said


def table(path: Path, rows: Rows) -> Path:
    """A table as pandas writes it: a workbook, or text."""
    names = list(rows[0])
    cells = [names, *([row.get(name) for name in names] for row in rows)]
    if path.suffix == ".xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        for line in cells:
            book.active.append(line)
        book.save(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        quoted = [
            ["" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in line]
            for line in cells
        ]
        path.write_text("".join("\t".join(line) + "\n" for line in quoted))
    return path


def choices(data: Path, fakes: ModuleType) -> Rows:
    """Rows of MMStar in VLMEvalKit's form; the folder `data/mmstar` holds them with their pictures."""
    folder = data / "mmstar"
    rows = [
        {
            "index": 7 + n,
            "question": f"Which is it, {n}?",
            "A": "a cat",
            "B": "a dog",
            "C": "a cow",
            "D": "a pig",
            "answer": "B",
            "category": "coarse perception",
            "l2_category": "image style",
        }
        for n in range(4)
    ]
    write_lines(folder / "rows.jsonl", [{**row, "image": "a.png"} for row in rows])
    (folder / "a.png").write_bytes(fakes.picture(3))
    return rows


PREDICTIONS = ["B", "The answer is C.", "It is a dog", "Failed to obtain answer via API."]


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv", ".json"])
def test_tables_of_vlmevalkit_become_runs(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    rows = choices(tmp_path / "data", fakes)
    log = table(
        tmp_path / f"Qwen2.5-VL-7B_MMStar{suffix}",
        [{**row, "prediction": text} for row, text in zip(rows, PREDICTIONS, strict=True)],
    )
    hits = [
        {"index": row["index"], "hit": hit, "log": "-"} for row, hit in zip(rows, [1, 1, 0, 0], strict=True)
    ]
    table(tmp_path / f"Qwen2.5-VL-7B_MMStar_exact_matching_result{suffix}", hits)
    (tmp_path / "Qwen2.5-VL-7B_MMStar_acc.csv").write_text('"split","Overall"\n"none","0.5"\n')
    out = tmp_path / "run"
    assert run(log, tmp_path / "data", out) == Exit.INCOMPLETE
    said = capsys.readouterr().out
    assert "VLMEvalKit: Overall 0.5; ours: accuracy" in said
    imported = json.loads((out / "run.json").read_text())
    assert imported["config"]["model"] == "Qwen2.5-VL-7B"
    assert imported["imported"]["beside"][1] == "Qwen2.5-VL-7B_MMStar_acc.csv"
    scores = lines(out / "scores/mmstar.jsonl")
    assert [(line["id"], line["status"]) for line in scores][3] == ("10", "failed")
    assert "Failed to obtain answer via API." in scores[3]["error"]
    assert [line["value"] for line in scores[:3]] == [1.0, 0.0, 1.0]
    assert [line["score"] for line in lines(out / "reported/mmstar.jsonl")] == [1.0, 1.0, 0.0, 0.0]
    assert "     1  without a verdict of ours" in said


def test_a_row_with_other_options_is_another_row(fakes: ModuleType, tmp_path: Path) -> None:
    rows = choices(tmp_path / "data", fakes)
    rows[1] |= {"A": "a dog", "B": "a cat"}
    log = table(tmp_path / "m_MMStar.tsv", [{**row, "prediction": "B"} for row in rows])
    assert run(log, tmp_path / "data", tmp_path / "run") == Exit.INCOMPLETE
    assert "the options differ" in lines(tmp_path / "run/scores/mmstar.jsonl")[1]["error"]


def test_rows_of_another_split_are_left_out(fakes: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mmmu"
    rows = [
        {
            "id": f"validation_Art_{n}",
            "question": f"What is {n}?",
            "options": "['x', 'y']",
            "answer": "A",
            "question_type": "multiple-choice",
            "subject": "Art",
            "image_1": "a.png",
        }
        for n in range(2)
    ]
    write_lines(folder / "rows.jsonl", rows)
    (folder / "a.png").write_bytes(fakes.picture(3))
    both = [
        {"index": 1, "id": "dev_Art_0", "question": "What?", "answer": "A", "split": "dev", "prediction": "A"}
    ]
    both += [
        {
            "index": 2 + n,
            "id": row["id"],
            "question": row["question"],
            "answer": "A",
            "split": "validation",
            "prediction": "A",
        }
        for n, row in enumerate(rows)
    ]
    log = table(tmp_path / "m_MMMU_DEV_VAL.tsv", both)
    assert run(log, tmp_path / "data", tmp_path / "run") == 0
    assert [line["official"] for line in lines(tmp_path / "run/scores/mmmu.jsonl")] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "matches", "scores"),
    [
        ("ChartQA_TEST", ["[1.0]", "[0.0]"], [1.0, 0.0]),
        ("DocVQA_VAL", ["[0.25, 0.9]", "[0.75]"], [0.75, 0.0]),  # distances: the nearest counts, from half on
    ],
)
def test_verdicts_of_vlmevalkit_on_short_answers(
    tmp_path: Path, name: str, matches: list[str], scores: list[float]
) -> None:
    rows = [{"index": n, "question": "?", "answer": "5", "prediction": "6"} for n in range(2)]
    log = read_log(table(tmp_path / f"m_{name}.tsv", rows))
    assert log is not None
    assert [each.said.score for each in log.predictions] == [None, None]
    judged = [
        {**row, "eval_gt": "['5']", "eval_pred": "6", "eval_match": match, "eval_score": 0.5}
        for row, match in zip(rows, matches, strict=True)
    ]
    table(tmp_path / f"m_{name}_results.tsv", judged)
    (tmp_path / f"m_{name}_acc.csv").write_text('"split","Overall"\n"a","10"\n"b","20"\n')
    log = read_log(tmp_path / f"m_{name}.tsv")
    assert log is not None
    assert [(each.said.score, each.said.extracted) for each in log.predictions] == [
        (score, "6") for score in scores
    ]
    assert log.headline is None  # of which split is not known


def test_an_empty_cell_of_a_workbook_is_no_response(data: Path, tmp_path: Path) -> None:
    rows = [{"index": 0, "question": "What is bar 0?", "answer": "5", "prediction": None}]
    log = table(tmp_path / "m_ChartQA_TEST.xlsx", rows)
    found = read_log(log)
    assert found is not None
    [logged] = found.predictions
    assert logged.error is not None
    assert "32,767 characters" in logged.error


def sample(number: int, text: str, value: Any, **more: Any) -> dict[str, Any]:
    """A sample as inspect 0.3.285 writes it."""
    asked = [
        {"type": "image", "image": "attachment://1"},
        {"type": "text", "text": f"What is bar {number}?"},
    ]
    choice = {"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}
    return {
        "id": number + 1,
        "epoch": 1,
        "input": [{"role": "user", "content": asked}],
        "target": ANSWERS[number],
        "output": {"choices": [choice], "usage": {"input_tokens": 30, "output_tokens": 2}},
        "scores": {"match": {"value": value, "answer": text}, "includes": {"value": "I"}},
        "attachments": {},
        **more,
    }


def eval_log(path: Path, samples: Rows) -> Path:
    if sys.version_info >= (3, 14):
        import zipfile
    else:
        zipfile = pytest.importorskip("backports.zstd.zipfile")
    header = {
        "status": "success",
        "eval": {"task": "charts", "model": "openai/gpt-x", "packages": {"inspect_ai": "0.3.285"}},
        "results": {
            "scores": [
                {"name": "includes", "scorer": "includes", "metrics": {"accuracy": {"value": 0.0}}},
                {"name": "match", "scorer": "match", "metrics": {"accuracy": {"value": 0.75}}},
            ],
            "headline": {"scorer": "match", "score": "match", "metric": "accuracy"},
        },
    }
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_ZSTANDARD) as archive:
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        archive.writestr("header.json", json.dumps(header))
    return path


def test_a_log_of_inspect_becomes_a_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reasoning = [{"type": "reasoning", "reasoning": "attachment://9"}, {"type": "text", "text": "7"}]
    samples = [
        sample(0, "5", "C"),
        sample(1, "", "C", attachments={"9": "I count."}),
        sample(2, "Blu", "I"),
        sample(3, "", "N", error={"message": "rate limit"}),
    ]
    samples[1]["output"]["choices"][0]["message"]["content"] = reasoning
    samples[2]["output"]["choices"][0]["stop_reason"] = "max_tokens"
    out = tmp_path / "run"
    log = eval_log(tmp_path / "a.eval", samples)
    assert run(log, data, out) == Exit.USAGE
    assert "inspect's 'charts' does not say which benchmark this is" in capsys.readouterr().err
    assert run(log, data, out, "--task", "chartqa") == Exit.INCOMPLETE
    assert "inspect 0.3.285: match accuracy 0.75" in capsys.readouterr().out
    answers = lines(out / "samples/chartqa.jsonl")
    assert [line["text"] for line in answers[:2]] == ["5", "<think>I count.</think>\n7"]
    assert answers[2]["finish_reason"] == "length"
    assert answers[0]["completion_tokens"] == 2
    assert "rate limit" in answers[3]["error"]
    assert [line["score"] for line in lines(out / "reported/chartqa.jsonl")] == [1.0, 1.0, 0.0, 0.0]
    assert run(log, data, tmp_path / "other", "--task", "chartqa", "--metric", "includes") == Exit.INCOMPLETE
    assert ": includes accuracy 0;" in capsys.readouterr().out


def test_an_epoch_that_no_log_can_have_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = eval_log(tmp_path / "a.eval", [{**sample(0, "5", "C"), "epoch": 10**9}])
    assert run(log, data, tmp_path / "run", "--task", "chartqa") == Exit.USAGE
    assert "names epoch 1000000000 and holds 1 prediction" in capsys.readouterr().err


def test_epochs_of_inspect_are_epochs(data: Path, tmp_path: Path) -> None:
    samples = [sample(n, ANSWERS[n], "C") for n in range(4)]
    samples += [{**sample(n, "no", "I"), "epoch": 2} for n in range(3)]
    out = tmp_path / "run"
    assert run(eval_log(tmp_path / "a.eval", samples), data, out, "--task", "chartqa") == Exit.INCOMPLETE
    scores = lines(out / "scores/chartqa.jsonl")
    assert [(line["epoch"], line["status"]) for line in scores][6:] == [(0, "ok"), (1, "failed")]
    assert [line["official"] for line in scores[:2]] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.eval", b"PK", "no log of inspect's"),
        ("m_MMStar.xlsx", b"PK", "no .xlsx workbook"),
        ("m_MMStar.pkl", b"", ".pkl is not read"),
        ("a.txt", b"hello", "no log of lmms-eval, VLMEvalKit or inspect"),
        ("samples_chartqa.jsonl", b'{"doc_id": 0, "filtered_resps": ["a", "b"], "input": "?"}\n', "(repeats)"),
    ],
)
def test_files_that_are_no_logs_are_refused_in_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    if name.endswith(".eval") and sys.version_info < (3, 14):
        pytest.importorskip("backports.zstd")
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, data, tmp_path / "run", "--model", "m") == Exit.USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(("name", "module"), [("m_MMStar.xlsx", "openpyxl"), ("a.eval", "backports.zstd")])
def test_a_library_that_is_not_installed_is_named(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: str,
) -> None:
    if module == "backports.zstd" and sys.version_info >= (3, 14):
        pytest.skip("Python reads zstd itself")
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"")
    assert run(tmp_path / name, data, tmp_path / "run", "--model", "m") == Exit.USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert f"pip install {module}" in line


def score(name: str, value: float, official: float | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "epoch": 0, "value": value, "official": official, "status": "ok", **more}


def test_classes_of_difference_come_from_statuses_and_readings() -> None:
    scores = [
        score("a", 1.0, 1.0, extracted="B", channel="tag"),
        score("b", 0.0, 0.0, status="unparsed"),
        score("c", 0.0, 0.0, status="truncated"),
        score("d", 1.0, 0.0, extracted="B", channel="box"),
        score("e", 1.0, 1.0, extracted="b", channel="tag"),
        score("f", 0.9, 0.9, extracted="B", channel="tag"),
        score("g", 0.0, None, status="failed"),
        score("h", 1.0, 1.0),
    ]
    theirs = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.0, "e": 0.0, "f": 1.0, "g": 1.0}
    reported = {(name, 0): Said(value, {"d": "C", "e": "B"}.get(name)) for name, value in theirs.items()}
    found = agreement(reported, scores, "value")
    assert (found.both, found.right, found.wrong, found.graded, found.unsaid, found.unjudged) == (
        6,
        2,
        0,
        1,
        1,
        1,
    )
    assert found.agreement == pytest.approx(1 / 3)
    assert {(each.right, each.why, each.other, each.ids) for each in found.differences} == {
        ("theirs", "we find no answer", "official: with us", ("b",)),
        ("theirs", "cut before an answer", "official: with us", ("c",)),
        ("ours", "we read something else, from the channel box", "official: with them", ("d",)),
        ("ours", "the same is read, judged by another rule", "official: with us", ("e",)),
    }
    [judged, *_] = agreement({("d", 0): Said(0.0)}, scores, "value", judged=True).differences
    assert judged.why == "their judge decides otherwise"


@pytest.mark.parametrize(
    ("metric", "score", "read"),
    [
        (True, 1.0, None),
        (0.94, 0.94, None),
        (7, None, None),
        (10**400, None, None),
        (float("nan"), None, None),
        ({"score": 1, "prediction": "x"}, 1.0, None),
        ({"true_false": False, "extraction": "4"}, 0.0, "4"),
        ({"question_type": "multiple-choice", "answer": "B", "parsed_pred": ["B"]}, 1.0, "B"),
        ({"question_type": "open", "answer": "4", "parsed_pred": ["4"]}, None, "4"),
        ({"pred": [0, 0, 2, 2], "bbox": [0, 0, 2, 1.2]}, 1.0, "[0, 0, 2, 2]"),
        ({"pred": [0, 0, 0, 0], "bbox": [0, 0, 2, 2]}, 0.0, "[0, 0, 0, 0]"),
        (None, None, None),
    ],
)
def test_a_verdict_is_read_in_each_form(metric: Any, score: float | None, read: str | None) -> None:
    found = said(metric, {})
    assert (found.score, found.extracted) == (score, read)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("lmms_eval") is None, reason="lmms-eval is not installed")
def test_a_log_that_lmms_eval_itself_wrote(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from datasets import Dataset, Features, Image, Value

    rows = [
        {
            "type": "human_test",
            "question": f"What is bar {n}?",
            "answer": answer,
            "image": {"bytes": fakes.picture(n), "path": None},
        }
        for n, answer in enumerate(ANSWERS)
    ]
    text = Value("string")
    folder = tmp_path / "lmms-lab-encoder" / "ChartQA" / "data"
    folder.mkdir(parents=True)
    features = Features({"type": text, "question": text, "answer": text, "image": Image()})
    Dataset.from_list(rows, features=features).to_parquet(folder / "test-00000-of-00001.parquet")
    answers = {"args": {"model": "m", "model_args": "", "limit": None}, "model_configs": {"task": "chartqa"}}
    said = ["5", "<answer>7</answer>", "red", "12%"]
    answers |= {"logs": [{"doc_id": n, "resps": [[text]]} for n, text in enumerate(said)]}
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "log.json").write_text(json.dumps(answers))
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}
    command = f"{sys.executable} -m lmms_eval --model from_log --model_args logs=answers --tasks chartqa"
    done = subprocess.run(
        [*command.split(), "--batch_size", "1", "--log_samples", "--output_path", "logs"],
        cwd=tmp_path,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    [log] = (tmp_path / "logs").rglob("*_samples_chartqa.jsonl")
    data = folder.parent
    assert main(["import", str(log), "--data", str(data), "--out", str(tmp_path / "run"), "--no-report"]) == 0
    out = capsys.readouterr().out
    assert "lmms-eval: relaxed_overall 0.5; ours: mean of human and augmented 75.00" in out
    assert "1  ours right, theirs wrong: we read from the channel tag" in out
