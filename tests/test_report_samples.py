"""The viewer's data: chunks and index round-trip, runs are merged, images are placed within the cap."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import HarnessError
from reports.page import render
from reports.samples import section as section_module
from reports.samples.index import OFFICIAL_ONLY, OURS_ONLY, RIGHT, STATUSES, WRONG, cell_of, rank_of
from reports.samples.texts import true_answer
from scorers.rules.choice import ChoiceTarget
from scorers.rules.grounding import BoxTarget
from scorers.rules.robospatial import RoboSpatialTarget


def unpack(stream: Any) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(str(stream))))


def texts(section: Any) -> list[dict[str, Any]]:
    """All samples in the order of the index."""
    count = len(unpack(section.data["samples"])["chunks"])
    return [sample for number in range(count) for sample in unpack(section.data[f"samples-{number}"])]


def opened(section: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The index, and the texts by task/id."""
    index, all_texts = unpack(section.data["samples"]), texts(section)
    names = [f"{one['task']}/" for one in index["sets"] for _ in range(one["count"])]
    return index, {
        task + name: sample for task, name, sample in zip(names, index["ids"], all_texts, strict=True)
    }


@pytest.fixture(scope="module")
def pair(sample_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sample_runs.section_of(sample_runs.two_runs(tmp_path_factory.mktemp("runs")))


def words(mask: str) -> list[str]:
    return [status for place, status in enumerate(STATUSES) if (ord(mask) - 48) >> place & 1]


def test_the_index_says_what_became_of_each_response(pair: Any):
    index, _ = opened(pair)
    assert index["ids"] == ["box0", "box1", "box2", "box3", "c0", "c1", "c2", "c3", "m0", "m1"]
    assert [run["name"] for run in index["runs"]] == ["tiny", "mock"]
    alpha, beta = index["runs"]
    statuses = [words(mask) for mask in alpha["status"]]
    assert statuses[4:] == [["ok"], ["unparsed"], ["truncated"], ["failed"], ["ok"], ["ok"]]
    assert words(beta["status"][9]) == ["missing"]
    assert [ord(mask) - 48 for mask in alpha["verdict"][:4]] == [RIGHT, RIGHT, WRONG, WRONG]
    assert [ord(mask) - 48 for mask in beta["verdict"][:4]] == [RIGHT, WRONG, RIGHT, WRONG]
    assert (alpha["partial"], beta["partial"], beta["missing"]) == (False, True, 1)
    assert alpha["value"][7] is None  # failed: excluded from n
    assert alpha["value"][8] == 0.5


def test_the_index_has_what_the_list_is_sorted_by(pair: Any):
    index, _ = opened(pair)
    alpha, beta = index["runs"]
    assert alpha["iou"] == [1, 1, 0, 0, *[None] * 6]
    assert alpha["tokens"] == [7] * 10
    assert alpha["latency"][:3] == [0.5, 0.5, 0.5]
    assert beta["latency"][9] is None  # not answered
    first, second = alpha["distance"][8:]
    assert first == pytest.approx(
        100 * 0.5 * 0.4 * 64 / 80, rel=0.03
    )  # one of two points, 0.4 of the width away
    assert second == 0
    assert set(alpha["distance"][:8]) == {None}


def test_what_no_sample_has_takes_no_room(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    run = make.write_run(tmp_path / "run", {"ai2d": [(make.choice_item("c"), make.response("B"))]})
    index, _ = opened(make.section_of([run]))
    assert (index["runs"][0]["iou"], index["runs"][0]["distance"]) == ([], [])


def test_the_chat_templates_output_is_there_where_the_run_recorded_it(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    run = make.write_run(tmp_path / "run", {"ai2d": [(make.choice_item("c"), make.response("B"))]})
    index, _ = opened(make.section_of([run]))
    assert index["sets"][0]["rendered"] == {}
    content = json.loads((run / "run.json").read_text())
    content["tasks"]["ai2d"]["rendered"] = {"id": "c", "sha": "0", "example": "<|user|>Which?<|end|>"}
    (run / "run.json").write_text(json.dumps(content))
    index, _ = opened(make.section_of([run]))
    assert index["sets"][0]["rendered"] == {"0": {"id": "c", "text": "<|user|>Which?<|end|>"}}


def test_a_samples_texts_hold_all_that_the_page_shows(pair: Any):
    _, all_texts = opened(pair)
    box = all_texts["refcoco/box2"]
    assert box["q"] == "Where is box2?"
    assert box["p"] == [0, "Where?"]
    assert box["shapes"] == [{"box": [0.5, 0, 1, 1]}]
    alpha, beta = (box["r"][number]["e"][0] for number in ("0", "1"))
    assert alpha["shapes"] == [{"box": [0, 0, 0.25, 1]}]
    assert (alpha["k"]["iou"], beta["k"]["iou"]) == (0, 1)
    assert (alpha["f"], alpha["pt"], alpha["ct"], alpha["l"], alpha["shown"]) == (
        "stop",
        40,
        7,
        0.5,
        [[128, 96]],
    )
    choice = all_texts["ai2d/c0"]
    assert (choice["c"], choice["right"]) == (["red", "green", "blue"], [1])
    assert choice["g"] == {"image": "x0"}
    reply = choice["r"]["0"]["e"][0]
    assert reply["t"] == [[1, "<think>It is green.</think>", 7, 8], [0, "B"]]
    assert all_texts["ai2d/c2"]["r"]["0"]["e"][0]["t"] == [[1, "<think>hmm", 7, 0]]
    assert (reply["a"], reply["x"], reply["v"]) == ("B", "B", 1)
    assert all_texts["ai2d/c3"]["r"]["0"]["e"][0]["err"] == "the endpoint said 500"
    points = all_texts["refspatial/m0"]["r"]["0"]["e"][0]["shapes"]
    assert points == [{"points": [[0.1, 0.5, 1], [0.9, 0.5, 0]]}]


def test_a_run_that_has_not_answered_is_missing_not_wrong(pair: Any):
    _, all_texts = opened(pair)
    assert all_texts["refspatial/m1"]["r"]["1"] == {"e": []}
    assert len(all_texts["refspatial/m1"]["r"]["0"]["e"]) == 1


def test_samples_of_other_data_stand_apart_and_other_limits_together(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    ask = [(make.choice_item(f"c{n}"), make.response("B")) for n in range(5)]
    long = make.write_run(tmp_path / "long", {"ai2d": ask})
    short = make.write_run(tmp_path / "short", {"ai2d": ask[3:1:-1]}, model="mock")
    other = make.write_run(tmp_path / "other", {"ai2d": ask[:1]}, model="mock", fingerprint="e" * 64)
    index, _ = opened(make.section_of([long, short, other]))
    assert [(one["data"], one["count"], one["runs"]) for one in index["sets"]] == [
        ("f" * 8, 5, [0, 1]),
        ("e" * 8, 1, [2]),
    ]
    assert sorted(index["ids"][:5]) == ["c0", "c1", "c2", "c3", "c4"]
    asked = dict(zip(index["ids"], index["runs"][1]["status"], strict=True))
    assert [name for name in ("c1", "c2", "c3", "c4") if asked[name] != "0"] == ["c2", "c3"]


def test_a_run_with_another_prompt_or_other_images_says_so(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = make.picture(one), make.picture(two, colour=(1, 2, 3))
    for path, image, prompt in ((one, first, "Direct"), (two, second, "Think")):
        item = make.choice_item("c", images=[image], sizes=[[64, 48]], prompt=[{"image": 0}, prompt])
        make.write_run(path, {"ai2d": [(item, make.response("B"))]}, model=path.name)
    section = make.section_of([one, two])
    index, all_texts = opened(section)
    sample = all_texts["ai2d/c"]
    assert sample["p"] == [0, "Direct"]
    assert sample["r"]["1"]["p"] == [0, "Think"]
    assert sample["r"]["1"]["im"] != sample["im"]
    assert index["pictures"]["block"] == [0, 0]
    assert len(section.data["pictures-0"]) == 2


def test_epochs_are_shown_each_and_summed_up(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    run = make.write_run(
        tmp_path / "run",
        {"ai2d": [(make.choice_item("c"), [make.response("B"), make.response("A"), make.response("?")])]},
        epochs=3,
    )
    index, all_texts = opened(make.section_of([run]))
    assert [reply["n"] for reply in all_texts["ai2d/c"]["r"]["0"]["e"]] == [0, 1, 2]
    assert words(index["runs"][0]["status"]) == ["ok", "unparsed"]
    assert index["runs"][0]["value"] == [0.3333]


def test_rows_that_could_not_be_asked_are_there_with_their_reason(sample_runs: Any, tmp_path: Path):
    failed = {"id": "bad", "error": "column 'image' is missing", "groups": {}}
    good = (sample_runs.choice_item("good"), sample_runs.response("B"))
    run = sample_runs.write_run(tmp_path / "run", {"ai2d": [(failed, None), good]})
    index, all_texts = opened(sample_runs.section_of([run]))
    assert words(index["runs"][0]["status"][0]) == ["failed"]
    assert all_texts["ai2d/bad"]["err"] == "column 'image' is missing"


def test_hostile_text_survives_as_it_is_and_the_page_is_plain(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    item = make.item(
        make.HOSTILE, make.HOSTILE, ChoiceTarget((make.HOSTILE, "b"), 0), choices=[make.HOSTILE, "b"],
        groups={make.HOSTILE: make.HOSTILE}, images=["../../secret.png", "x\"onerror=1.png"],
    )  # fmt: skip
    run = make.write_run(tmp_path / "run", {"ai2d": [(item, make.response(make.HOSTILE))]})
    section = make.section_of([run])
    index, all_texts = opened(section)
    assert index["ids"] == [make.HOSTILE]
    [sample] = all_texts.values()
    assert sample["q"] == sample["r"]["0"]["e"][0]["t"] == make.HOSTILE
    assert index["pictures"]["block"] == [-1, -1]
    assert make.HOSTILE[:20] not in "".join(render("t", [section]))


def test_a_beginning_that_all_questions_share_is_left_out_of_the_list(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    start = "Please provide the bounding box coordinate of the region: "
    asked = [make.item(str(n), start + what, BoxTarget((0, 0, 1, 1))) for n, what in enumerate(("dog", "door"))]
    run = make.write_run(tmp_path / "run", {"refcoco": [(one, make.response("?")) for one in asked]})
    index, _ = opened(make.section_of([run]))
    assert index["starts"] == ["… dog", "… door"]


def test_chunks_are_cut_by_count_and_by_size(sample_runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make = sample_runs
    monkeypatch.setattr(section_module, "CHUNK_SAMPLES", 3)
    monkeypatch.setattr(section_module, "CHUNK_CHARACTERS", 50_000)
    sizes = [10, 10, 10, 10, 60_000, 10]
    asked = [(make.choice_item(str(n)), make.response("x" * size)) for n, size in enumerate(sizes)]
    section = make.section_of([make.write_run(tmp_path / "run", {"ai2d": asked})])
    assert unpack(section.data["samples"])["chunks"] == [0, 3, 5]
    assert [len(sample["r"]["0"]["e"][0]["t"]) for sample in texts(section)] == sizes


SCORE = {"status": "ok", "value": 1.0, "official": 0.0, "components": {"iou": 0.25}}


@pytest.mark.parametrize(
    ("score", "of", "wanted"),
    [
        (SCORE, "value", RIGHT | OURS_ONLY),
        (SCORE, "official", WRONG | OURS_ONLY),
        (SCORE, "iou", WRONG | OURS_ONLY),
        ({**SCORE, "value": 0.0, "official": 1.0}, "official", RIGHT | OFFICIAL_ONLY),
        ({**SCORE, "official": None}, "official", RIGHT),
        ({**SCORE, "status": "error"}, "value", 0),
        ({"status": "unparsed", "value": 0.0}, "value", WRONG),
    ],
)
def test_right_is_what_the_headline_counts(score: Any, of: str, wanted: int):
    assert cell_of([score], 1, of).verdict == wanted


def test_disagreements_come_before_failures_before_right_answers():
    right, wrong, loophole, failed = (
        cell_of([score], 1, "value")
        for score in (
            {"status": "ok", "value": 1.0},
            {"status": "ok", "value": 0.0},
            {"status": "ok", "value": 0.0, "official": 1.0},
            {"status": "failed", "value": 0.0},
        )
    )
    assert [rank_of(cells) for cells in ([right, wrong], [loophole], [wrong, wrong], [failed], [right])] == [
        0, 0, 1, 1, 2,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gold", "choices", "wanted"),
    [
        ("B", ["x", "y"], ([1], "")),
        ("B", [], ([], "B")),
        ("A, C", ["x", "y", "z"], ([0, 2], "")),
        ("A, C", ["x", "y"], ([], "A, C")),
        ("12", [], ([], "12")),
        ("No", ["Yes", "No"], ([1], "")),
        ("7", ["x", "y"], ([], "7")),
        ("H", ["x", "y"], ([], "H")),
        ("", ["x", "y"], ([], "")),
        (None, [], ([], "")),
        (None, ["x"], ([], "")),
    ],
)
def test_the_true_answer(gold: str | None, choices: list[str], wanted: Any):
    assert true_answer(gold, choices) == wanted


def test_the_true_answer_stands_as_text_where_it_is_no_place(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    asked = [
        make.item("word", "Is it?", RoboSpatialTarget("yes")),
        make.item("place", "Where?", RoboSpatialTarget("", ((0, 0), (1, 0), (1, 1)))),
    ]
    run = make.write_run(tmp_path / "run", {"robospatial": [(one, make.response("Yes.")) for one in asked]})
    _, all_texts = opened(make.section_of([run]))
    word, place = all_texts["robospatial/word"], all_texts["robospatial/place"]
    assert (word["want"], "shapes" in word) == ("yes", False)
    assert ("want" in place, place["shapes"]) == (False, [{"rings": [[[0, 0], [1, 0], [1, 1]]]}])
    assert word["r"]["0"]["e"][0]["ch"] == "whole"
    assert "ch" not in place["r"]["0"]["e"][0]


def test_responses_are_taken_apart_by_the_runs_own_delimiters(sample_runs: Any, tmp_path: Path):
    make = sample_runs
    run = make.write_run(
        tmp_path / "run", {"ai2d": [(make.choice_item("c"), make.response("<plan>red?</plan>B"))]}
    )
    path = run / "run.json"
    own = json.loads(path.read_text())
    own["config"]["delimiters"] = {"thinking": [["<plan>", "</plan>"]], "answer": [], "box": [], "dropped": []}
    path.write_text(json.dumps(own))
    _, all_texts = opened(make.section_of([run]))
    reply = all_texts["ai2d/c"]["r"]["0"]["e"][0]
    assert (reply["t"], reply["a"]) == ([[1, "<plan>red?</plan>", 6, 7], [0, "B"]], "B")


def test_a_task_of_a_file_is_shown_without_running_that_file(sample_runs: Any, tmp_path: Path):
    run = sample_runs.write_run(
        tmp_path / "run", {"ai2d": [(sample_runs.choice_item("c"), sample_runs.response("B"))]}
    )
    for kind in ("items", "samples", "scores"):
        (run / kind / "ai2d.jsonl").rename(run / kind / "mine.jsonl")
    for name in ("run.json", "results.json"):
        text = (
            (run / name)
            .read_text()
            .replace('"ai2d"', '"mine"')
            .replace('"task_file": []', '"task_file": ["boom.py"]')
        )
        (run / name).write_text(text)
    (run / "boom.py").write_text("raise SystemExit('ran')")
    index, _ = opened(sample_runs.section_of([run]))
    assert [(one["task"], one["of"], one["count"]) for one in index["sets"]] == [("mine", "value", 1)]


def test_no_runs_and_no_samples_make_an_empty_section(sample_runs: Any, tmp_path: Path):
    run = sample_runs.write_run(tmp_path / "run", {"ai2d": []})
    for section in (sample_runs.section_of([run]), sample_runs.section_of([])):
        assert "hold no samples" in section.html


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("scores", "value", "half"),
        ("scores", "value", float("nan")),
        ("scores", "components", {"iou": float("inf")}),
        ("items", "groups", ["a"]),
        ("items", "sizes", [3]),
        ("items", "images", [["x"]]),
        ("items", "meta", {}),
    ],
)
def test_a_line_of_another_form_is_an_error_of_one_line(
    sample_runs: Any, tmp_path: Path, kind: str, key: str, value: Any
):
    asked = [(sample_runs.choice_item("c"), sample_runs.response("B"))]
    run = sample_runs.write_run(tmp_path / "run", {"ai2d": asked})
    path = run / kind / "ai2d.jsonl"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}) + "\n")
    if key == "meta":
        assert len(texts(sample_runs.section_of([run]))) == 1
        return
    with pytest.raises(HarnessError, match=r"ai2d, sample 'c'|ai2d\.jsonl:1: broken") as caught:
        sample_runs.section_of([run])
    assert "\n" not in str(caught.value)
