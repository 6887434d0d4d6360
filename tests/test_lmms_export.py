"""Our tasks in lmms-eval: what `harness export lmms-eval` writes, and what its evaluator makes of it.

`HARNESS_LMMS_WHOLE=1` runs all 18 tasks on 20 samples each through lmms-eval, in place of six tasks on four.
"""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet
import pytest

from harness.cli import main
from harness.data import load_rows
from harness.errors import HarnessError
from harness.lmms.scoring import Exported, Said, mean
from harness.registry import Registry
from harness.run.plan import samples_of
from harness.scores.judging import judge, score_json
from tasks.images import ImageRef
from tasks.prompts import render
from tasks.types import Response, Sample

ROOT = Path(__file__).parents[1]
WHOLE = bool(os.environ.get("HARNESS_LMMS_WHOLE"))
TASKS = ("mmmu", "mmbench", "ocrbench", "chartqa", "refcoco", "ai2d")
LIMIT = 6
SAID = ("", "A", "<think>it goes on", "the answer is (B)", "[[[[", "\x00\ud800", '{"bbox_2d": [0, 0, 9, 9]}')


def export(folder: Path, *flags: str) -> Path:
    assert main(["export", "lmms-eval", str(folder), "--data", "synthetic", *flags]) == 0
    return folder


def docs(folder: Path, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pyarrow.parquet.read_table(folder / "docs" / f"{task}.parquet").to_pylist()
    return found


def samples(task: str, count: int) -> list[Sample]:
    found = samples_of(Registry().get(task), load_rows(Registry().get(task), "synthetic", limit=count))
    return [sample for _, sample in zip(range(count), found, strict=False) if isinstance(sample, Sample)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("export") / "folder"
    return export(where, "--tasks", ",".join(TASKS), "--limit", str(LIMIT), "--coords", "norm1000")


@pytest.fixture(scope="module")
def exported(folder: Path) -> Exported:
    return Exported(folder)


@pytest.mark.parametrize("task", TASKS)
def test_a_prompt_is_ours_text_and_pictures_in_order(folder: Path, exported: Exported, task: str) -> None:
    asked = docs(folder, task)
    known = {sample.id: sample for sample in samples(task, LIMIT)}
    assert asked
    for doc in asked:
        sample = known[doc["id"]]
        [message] = exported.messages(doc)
        parts = render(Registry().get(task), sample, "direct", coords="norm1000")
        assert message["role"] == "user"
        assert len(message["content"]) == len(parts)
        for given, part in zip(message["content"], parts, strict=True):
            if isinstance(part, str):
                assert given == {"type": "text", "text": part}
            else:
                assert given["type"] == "image"
                assert given["url"].tobytes() == sample.images[part.index].picture().tobytes()


def test_the_think_style_and_limits_are_those_asked_for(tmp_path: Path) -> None:
    flags = ("--tasks", "ai2d", "--limit", "1", "--prompt", "think", "--max-new-tokens", "77")
    folder = export(tmp_path / "folder", *flags)
    [doc] = docs(folder, "ai2d")
    assert "<think>" in Exported(folder).text(doc)
    assert "max_new_tokens: 77\n" in (folder / "harness_ai2d.yaml").read_text()


@pytest.mark.parametrize("task", TASKS)
def test_a_verdict_is_that_of_our_scorer(folder: Path, exported: Exported, task: str) -> None:
    known = {sample.id: sample for sample in samples(task, LIMIT)}
    for doc in docs(folder, task):
        for said in (*SAID, doc["gold"]):
            found = exported.judged(doc, [said])["headline"]
            score = judge(Registry().get(task), known[doc["id"]], Response(said), coords="norm1000")
            assert {name: found[name] for name in score_json(score)} == score_json(score)


def test_verdicts_do_not_depend_on_the_thread(folder: Path, exported: Exported) -> None:
    asked = [(doc, said) for task in TASKS for doc in docs(folder, task) for said in SAID]
    one_by_one = [exported.judged(doc, [said]) for doc, said in asked]
    anew = Exported(folder)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda each: anew.judged(each[0], [each[1]]), asked)) == one_by_one


def test_circular_needs_every_rotation_and_the_total_is_of_1000(folder: Path, exported: Exported) -> None:
    rotations = docs(folder, "mmbench")
    right = [exported.judged(doc, [doc["gold"]])["headline"] for doc in rotations]
    assert exported.headline(right) == 100
    broken = [exported.judged(rotations[0], ["none of these"])["headline"], *right[1:]]
    groups = {sample.id: sample.groups["question"] for sample in samples("mmbench", LIMIT)}
    of = len({groups[doc["id"]] for doc in rotations})
    assert exported.headline(broken) == pytest.approx(100 * (of - 1) / of)
    texts = docs(folder, "ocrbench")
    verdicts = [exported.judged(doc, [doc["gold"] if at else "?"]) for at, doc in enumerate(texts)]
    share = (len(texts) - 1) / len(texts)
    assert exported.own_scale([found["total_of_1000"] for found in verdicts]) == pytest.approx(1000 * share)
    assert exported.headline([found["headline"] for found in verdicts]) == pytest.approx(100 * share)


def test_no_response_counts_nowhere(folder: Path, exported: Exported) -> None:
    doc = docs(folder, "ai2d")[0]
    for said in ("[LMMS_EVAL_REQUEST_FAILED after 5 retries] 503", "[LMMS_EVAL_BUDGET_EXCEEDED]"):
        found = exported.judged(doc, [said])
        assert found["headline"]["status"] == "failed"
        assert found["failed"]["score"] == 1
        assert "score" not in found["value"]
        assert math.isnan(mean([found["value"]]))
        assert math.isnan(exported.headline([found["headline"]]))
    right = exported.judged(doc, [doc["gold"]])
    assert mean([found["value"], right["value"]]) == 1


def test_a_row_that_cannot_be_asked_fails_its_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [dict(row) for row in load_rows(Registry().get("mmbench"), "synthetic", limit=8)]
    data = tmp_path / "data" / "mmbench"
    data.mkdir(parents=True)
    for at, row in enumerate(rows):
        picture = ImageRef(row["image"]).data if at else b"no picture"
        row["image"] = f"{at}.png"
        (data / row["image"]).write_bytes(picture)
    (data / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "out"
    command = ["export", "lmms-eval", str(out), "--data", str(tmp_path / "data"), "--tasks", "mmbench"]
    assert main(command) == 0
    assert "mmbench: left out:" in capsys.readouterr().err
    asked = docs(out, "mmbench")
    assert len(asked) == len(rows) - 1
    known = {sample.id: sample.groups["question"] for sample in samples("mmbench", len(rows))}
    broken = next(iter(known.values()))
    assert len({known[doc["id"]] for doc in asked} - {broken}) >= 1
    said = ["wrong" if known[doc["id"]] == broken else doc["gold"] for doc in asked]
    exported = Exported(out)
    verdicts = [exported.judged(doc, [text])["headline"] for doc, text in zip(asked, said, strict=True)]
    assert exported.headline(verdicts) == 100


def test_what_our_models_say_brings_along_how_it_ended(folder: Path, exported: Exported) -> None:
    said = Said(Response(" The answer is ", "length"))
    doc = docs(folder, "ai2d")[0]
    for same in (said.strip(), pickle.loads(pickle.dumps(said)), copy.deepcopy(said)):
        assert same == " The answer is "
        assert exported.judged(doc, [same])["headline"]["status"] == "truncated"
    assert exported.judged(doc, [str(said).strip()])["truncated"]["score"] == 0
    failed = Said(Response("", "error", error="out of memory"))
    assert failed == "[LMMS_EVAL_REQUEST_FAILED after 0 retries] out of memory"
    assert exported.judged(doc, [failed])["headline"]["error"] == "out of memory"


def test_a_simple_model_is_asked_only_what_it_can_be_shown(folder: Path, exported: Exported) -> None:
    doc = docs(folder, "ai2d")[0]
    [picture] = exported.visuals(doc)
    content = exported.messages(doc)[0]["content"]
    assert picture.tobytes() == content[0]["url"].tobytes()
    assert exported.text(doc) == content[1]["text"]
    within = next(doc for doc in docs(folder, "mmmu") if len(doc["images"]) > 1)
    with pytest.raises(HarnessError, match="use a chat model"):
        exported.visuals(within)


def test_answers_in_pixels_are_of_the_picture_as_it_was_shown(tmp_path: Path) -> None:
    flags = ("--tasks", "refcoco", "--limit", "4", "--coords", "abs", "--max-pixels", "10000")
    folder = export(tmp_path / "folder", *flags)
    exported = Exported(folder)
    for doc, sample in zip(docs(folder, "refcoco"), samples("refcoco", 4), strict=True):
        picture = next(part["url"] for part in exported.messages(doc)[0]["content"] if part["type"] == "image")
        width, height = picture.size
        assert width % 28 == height % 28 == 0
        assert width * height <= 10_000
        [shape] = sample.target.shapes()
        x1, y1, x2, y2 = shape["box"]
        box = json.dumps({"bbox_2d": [x1 * width, y1 * height, x2 * width, y2 * height]})
        assert exported.judged(doc, [box])["headline"]["value"] == pytest.approx(1, abs=1e-3)
        assert judge(Registry().get("refcoco"), sample, Response(box), coords="abs").value < 0.95


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--tasks", "refcoco"), "refcoco asks for places in the image: declare"),
        (("--tasks", "refcocoo"), "did you mean"),
        (("--tasks", "ai2d", "--limit", "0"), "limit"),
        (("--task", "ai2d"), "unknown flag --task"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "lmms-eval", str(tmp_path / "out"), "--data", "synthetic", *flags]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    assert main(["export", "lmms-eval", str(folder), "--data", "synthetic", "--tasks", "ai2d"]) == 2
    assert "there is something already" in capsys.readouterr().err
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before
    with pytest.raises(HarnessError, match=r"export\.json"):
        Exported(tmp_path)


@dataclass(frozen=True)
class Both:
    """The same samples through `harness eval` and through lmms-eval, asked of `tiny`."""

    run: Path
    results: dict[str, Any]
    logs: dict[str, list[dict[str, Any]]]
    left: list[str]
    """What lmms-eval left in its working folder."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, lmms_cli: ModuleType) -> Both:
    if find_spec("lmms_eval") is None:
        pytest.skip("lmms-eval is not installed")
    where = tmp_path_factory.mktemp("both")
    what = ["--suite", "all", "--limit", "20"] if WHOLE else ["--tasks", ",".join(TASKS), "--limit", "4"]
    export(where / "folder", *what, "--coords", "norm1000")
    command = ["eval", "--model", "tiny", "--data", "synthetic", *what, "--out", str(where / "run")]
    assert main([*command, "--no-report"]) == 0
    results, logs = lmms_cli.run(where / "folder", "harness_all", where / "work")
    left = [path.name for path in (where / "work" / "cwd").iterdir()]
    return Both(where / "run", results, logs, left)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lmms_eval_gives_every_sample_our_verdict(both: Both) -> None:
    compared = 0
    tasks = json.loads((both.run / "results.json").read_text())["tasks"]
    assert {f"harness_{name}" for name in tasks} == both.logs.keys()
    for name in tasks:
        ours = {line["id"]: line for line in lines(both.run / "scores" / f"{name}.jsonl")}
        said = {line["id"]: line["text"] for line in lines(both.run / "samples" / f"{name}.jsonl")}
        theirs = both.logs[f"harness_{name}"]
        assert [line["headline"]["id"] for line in theirs] == list(ours)
        for line in theirs:
            found = line["headline"]
            mine = ours[found["id"]]
            assert line["filtered_resps"] == said[found["id"]]
            for key in ("value", "official", "status", "extracted"):
                assert found[key] == mine[key], (name, found["id"], key)
            assert line["value"]["score"] == mine["value"]
            compared += 1
    assert compared == (359 if WHOLE else sum(len(log) for log in both.logs.values()))
    print(f"{compared} samples of {len(tasks)} tasks: value, official, status and text equal on all")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lmms_eval_sums_up_as_we_do(both: Both) -> None:
    run = json.loads((both.run / "results.json").read_text())
    for name, ours in run["tasks"].items():
        theirs = both.results["results"][f"harness_{name}"]
        percent = ours["score"]["value"] * 100 / ours["scale"]
        assert theirs["headline,none"] == pytest.approx(percent, abs=1e-9), name
        for status in ("unparsed", "truncated", "failed", "error"):
            assert theirs[f"{status},none"] == pytest.approx(ours[status] / ours["responses"]), (name, status)
    assert both.results["groups"]["harness_all"]["headline,none"] == pytest.approx(
        run["mean"]["score"]["value"]
    )
    clustered = both.results["results"]["harness_refcoco"]["value_stderr_clustered,none"]
    assert isinstance(clustered, float)
    assert both.left == []


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_folder_is_read_without_lmms_eval() -> None:
    code = "import sys, harness.lmms.scoring, harness.lmms.export; print('lmms_eval' in sys.modules)"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
