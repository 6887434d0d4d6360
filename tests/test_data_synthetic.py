"""Drawn rows: schema, determinism, balance, and that the picture shows what the answer says."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.data import load_rows
from harness.data.synthetic import DRAWERS, synthetic_row, synthetic_rows, unit_end
from harness.data.synthetic.canvas import COLOURS
from harness.data.synthetic.document import OCR_SETS
from harness.errors import UsageError
from tasks import BUILTIN, Response, Sample, load_builtin

TASKS = sorted(DRAWERS)

COLUMNS = {
    "mmmu": "id question options answer question_type subfield image_1 image_7 explanation topic_difficulty",
    "mmbench": "index question hint A B C D answer category L2-category image source split",
    "mmstar": "index question image answer category l2_category meta_info",
    "mathvista": "pid question image decoded_image choices unit precision answer question_type answer_type "
    "metadata query",
    "mathverse": "sample_index problem_index problem_version question image answer question_type metadata "
    "query_wo query_cot",
    "mathvision": "id question options image decoded_image answer solution level subject",
    "ai2d": "question options answer image",
    "chartqa": "type question answer image",
    "charxiv": "image category year num_subplots reasoning_q reasoning_a reasoning_q_source reasoning_a_type",
    "docvqa": "questionId question question_types image answers",
    "ocrbench": "dataset question question_type answer image",
    "infovqa": "questionId question answer_type image answers",
    "embspatial": "question_id question relation image answer_options answer data_source",
    "refspatial": "id image mask object prompt suffix step",
    "robospatial": "category question answer img mask depth_image",
    "refcoco": "question_id image answer bbox segmentation file_name",
    "refcoco+": "question_id image answer bbox segmentation file_name",
    "refcocog": "question_id image answer bbox segmentation file_name",
}
"""Columns of the hub that a drawn row must have."""


def digest(row: dict[str, Any]) -> str:
    """A hash over everything in a row, pixels included."""
    pieces = []
    for key, value in sorted(row.items()):
        if isinstance(value, Image.Image):
            pieces.append(f"{key}{value.mode}{value.size}{hashlib.sha256(value.tobytes()).hexdigest()}")
        else:
            pieces.append(f"{key}{value!r}")
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()


def pictures(row: dict[str, Any]) -> list[Image.Image]:
    return [value for value in row.values() if isinstance(value, Image.Image)]


def samples_of(task_name: str, rows: int) -> list[Sample]:
    task = load_builtin(task_name)
    return [sample for row in islice(synthetic_rows(task_name), rows) for sample in task.to_samples(row)]


def test_every_builtin_task_has_drawings() -> None:
    assert set(DRAWERS) == set(BUILTIN)


@pytest.mark.parametrize("name", TASKS)
def test_columns_of_the_hub(name: str) -> None:
    for row in islice(synthetic_rows(name), 12):
        assert set(COLUMNS[name].split()) <= set(row)
        for picture in pictures(row):
            assert 64 <= min(picture.size) <= max(picture.size) <= 192


@pytest.mark.parametrize("name", TASKS)
def test_row_can_be_drawn_without_those_before(name: str) -> None:
    ahead = [digest(row) for row in islice(synthetic_rows(name, seed=5), 40)]
    assert [digest(synthetic_row(name, index, seed=5)) for index in (39, 0, 17)] == [
        ahead[39],
        ahead[0],
        ahead[17],
    ]


def test_same_rows_in_another_process() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_data_synthetic import digest, TASKS, synthetic_row\n"
        "import json; print(json.dumps([digest(synthetic_row(t, i)) for t in TASKS for i in (0, 1, 23)]))"
    )
    where = str(__file__).rpartition("/")[0]
    output = subprocess.run(
        [sys.executable, "-c", code, where],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    ).stdout
    assert json.loads(output) == [digest(synthetic_row(task, i)) for task in TASKS for i in (0, 1, 23)]


@pytest.mark.parametrize("name", TASKS)
def test_train_and_test_share_no_picture(name: str) -> None:
    def seen(split: Any, seed: int) -> set[str]:
        rows = islice(synthetic_rows(name, seed=seed, split=split), 400)
        return {hashlib.sha256(picture.tobytes()).hexdigest() for row in rows for picture in pictures(row)[:1]}

    test = seen("test", 0)
    assert not test & seen("train", 0)
    assert not test & seen("test", 1)


@pytest.mark.parametrize("name", TASKS)
def test_rows_become_samples_with_unique_ids(name: str) -> None:
    samples = samples_of(name, 300)
    assert len(samples) >= 300
    assert len({sample.id for sample in samples}) == len(samples)
    assert all(sample.images for sample in samples)


@pytest.mark.parametrize("name", TASKS)
def test_no_constant_answer_is_right_too_often(name: str) -> None:
    task, samples = load_builtin(name), samples_of(name, 400)
    constants = ["A", "B", "C", "D", "Yes", "No", "1", "2", "3", "red", "circle", "(500, 500)", "(250, 250)"]
    constants += [
        "[250, 250, 750, 750]",
        "[300, 100, 700, 500]",
        "[(250, 250)]",
        "[(500, 500)]",
        "[(200, 200)]",
    ]
    golds = Counter(str(getattr(sample.target, "answer", "")) for sample in samples)
    constants += [gold for gold, _ in golds.most_common(3)]
    for text in constants:
        right = [
            task.score(s, Response(text), coords="norm1000" if task.places else None).value for s in samples
        ]
        assert np.mean([value >= 0.5 for value in right]) <= 0.40, text


def gold_text(name: str, row: dict[str, Any]) -> tuple[str, str]:
    """(question without its options, the right answer as text) of a row."""
    answer = row.get("answer", row.get("reasoning_a"))
    if name == "mmmu":
        options = json.loads(row["options"].replace("'", '"'))
        return row["question"], options["ABCD".index(answer)] if options else answer
    if name == "mmbench":
        return row["question"], row[answer]
    if name == "mmstar":
        question, _, options = row["question"].partition("\nOptions: ")
        return question, dict(item.split(": ") for item in options.split(", "))[answer]
    if name == "ai2d":
        return row["question"], row["options"][int(answer)]
    if name == "embspatial":
        return row["question"], row["answer_options"][answer]
    if name == "mathvision" and row["options"]:
        return row["question"], row["options"]["ABCDE".index(answer)]
    if name == "mathverse":
        question, _, options = row["question"].partition("\nChoices:\n")
        text = dict(line.split(":") for line in options.splitlines()).get(answer, answer)
        return f"{row['problem_version']} {row['question_type']} {question}", text
    if name in {"docvqa", "infovqa"}:
        return row["question"], row["answers"][0]
    return str(row.get("question", row.get("reasoning_q"))), str(
        answer[0] if isinstance(answer, list) else answer
    )


WORDED = [name for name in TASKS if name != "robospatial" and not name.startswith("ref")]
"""Tasks whose rows share questions and have an answer in words."""


@pytest.mark.parametrize("name", WORDED)
def test_question_alone_does_not_give_the_answer(name: str) -> None:
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for row in islice(synthetic_rows(name), 3000):
        question, answer = gold_text(name, row)
        answers[question][answer] += 1
    common = {question: counts for question, counts in answers.items() if counts.total() >= 40}
    assert common
    for question, counts in common.items():
        assert counts.most_common(1)[0][1] / counts.total() <= 0.65, question
    guessed = sum(counts.most_common(1)[0][1] for counts in common.values())
    assert guessed / sum(counts.total() for counts in common.values()) <= 0.45


def test_yes_and_no_are_even() -> None:
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for row in islice(synthetic_rows("robospatial"), 3000):
        answers[row["category"]][row["answer"]] += 1
    for category in ("configuration", "compatibility"):
        assert 0.45 <= answers[category]["Yes"] / 1000 <= 0.55


def pieces(picture: Image.Image) -> int:
    """How many separate things stand on the background, which is the commonest colour."""
    from scipy.ndimage import label

    pixels = np.asarray(picture).astype(int)
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return int(label((pixels != colours[counts.argmax()]).any(axis=2), np.ones((3, 3)))[1])


@pytest.mark.parametrize(
    ("name", "asked", "column"),
    [
        ("mmmu", "How many shapes are in", "image_1"),
        ("mmstar", "How many shapes", "image"),
        ("mathvision", "How many shapes", "decoded_image"),
        ("infovqa", "How many", "image"),
    ],
)
def test_counts_are_what_the_picture_shows(name: str, asked: str, column: str) -> None:
    rows = [row for row in islice(synthetic_rows(name), 400) if asked in row["question"]]
    assert len(rows) >= 20
    for row in rows:
        assert str(pieces(row[column])) == gold_text(name, row)[1]


@pytest.mark.parametrize("name", ["refcoco", "refcoco+", "refcocog"])
def test_box_is_that_of_the_pixels(name: str) -> None:
    for row in islice(synthetic_rows(name), 100):
        x, y, width, height = (int(value) for value in row["bbox"])
        assert x >= 0
        assert y >= 0
        assert x + width <= row["image"].width
        assert y + height <= row["image"].height
        pixels = np.asarray(row["image"])
        same = (pixels == pixels[y + height * 6 // 10, x + width // 2]).all(axis=2)
        near = same[max(0, y - 3) : y + height + 3, max(0, x - 3) : x + width + 3]
        ys, xs = np.nonzero(near)
        found = (xs.min() + max(0, x - 3), ys.min() + max(0, y - 3), xs.max() + 1, ys.max() + 1)
        assert abs(found[0] - x) <= 1
        assert abs(found[1] - y) <= 1
        assert abs(xs.max() - xs.min() + 1 - width) <= 2
        assert abs(ys.max() - ys.min() + 1 - height) <= 2


def test_masks_cover_one_thing_or_free_space() -> None:
    for row in islice(synthetic_rows("refspatial"), 100):
        inside = np.asarray(row["mask"]) > 0
        assert 100 <= inside.sum() <= 5000
        assert len(np.unique(np.asarray(row["image"])[inside], axis=0)) == 1
        background = (np.asarray(row["image"])[inside][0] >= 232).all()
        assert background == (row["split"] == "placement")


def test_context_polygon_is_free_table() -> None:
    for row in islice(synthetic_rows("robospatial"), 2, 200, 3):
        width, height = row["img"].size
        corners = json.loads(row["answer"].replace("(", "[").replace(")", "]"))
        xs, ys = [round(x * width) for x, _ in corners], [round(y * height) for _, y in corners]
        inside = np.asarray(row["img"])[min(ys) + 4 : max(ys) - 4, min(xs) + 4 : max(xs) - 4]
        assert inside.shape[0] * inside.shape[1] >= 500
        assert (inside == (205, 160, 110)).all()
        assert np.asarray(row["mask"])[min(ys) : max(ys), min(xs) : max(xs)].all()


def test_mmbench_rotations_are_whole_groups() -> None:
    groups = defaultdict(list)
    for row in islice(synthetic_rows("mmbench"), 60):
        groups[row["index"] % 1_000_000].append(row)
    assert [len(rows) for rows in groups.values()] == [4, 4, 4, 3] * 4
    for rows in groups.values():
        assert len({digest({"image": row["image"]}) for row in rows}) == 1
        assert len({row[row["answer"]] for row in rows}) == 1
        assert sorted(row["answer"] for row in rows) == list("ABCD"[: len(rows)])
        assert [row["index"] // 1_000_000 for row in rows] == list(range(len(rows)))


@pytest.mark.parametrize(
    ("name", "asked", "given"),
    [("mmbench", 1, 4), ("mmbench", 4, 4), ("mmbench", 13, 15), ("mathverse", 6, 10), ("chartqa", 7, 7)],
)
def test_limit_keeps_groups_whole(name: str, asked: int, given: int) -> None:
    assert unit_end(name, asked) == given
    source = load_rows(load_builtin(name), "synthetic", limit=asked)
    assert source.count == len(list(source)) == given


def test_mathverse_versions_show_one_problem() -> None:
    for rows in zip(*[islice(synthetic_rows("mathverse"), n, 100, 5) for n in range(5)], strict=True):
        assert len({row["problem_index"] for row in rows}) == 1
        assert len({row["problem_version"] for row in rows}) == 5
        assert len({row["question_type"] for row in rows}) == 1
        assert [row["question"] == "" for row in rows] == [False] * 4 + [True]


def test_every_official_set_of_ocrbench() -> None:
    rows = list(islice(synthetic_rows("ocrbench"), len(OCR_SETS)))
    assert [(row["question_type"], row["dataset"]) for row in rows] == list(OCR_SETS)


def test_charxiv_has_the_four_answer_types() -> None:
    assert {row["reasoning_a_type"] for row in islice(synthetic_rows("charxiv"), 40)} == {1, 2, 3, 4}


def test_source_is_labelled_and_starts_anew() -> None:
    source = load_rows(load_builtin("refcoco"), "synthetic", limit=3)
    assert source.synthetic
    assert source.label == "synthetic"
    assert [digest(dict(row)) for row in source.rows] == [digest(dict(row)) for row in source.rows]  # type: ignore[arg-type]


def test_fingerprint_tells_seed_split_and_task() -> None:
    one, other = load_builtin("refcoco"), load_builtin("refcocog")
    prints = [
        load_rows(one, "synthetic").fingerprint,
        load_rows(one, "synthetic", seed=1).fingerprint,
        load_rows(one, "synthetic", split="train").fingerprint,
        load_rows(other, "synthetic").fingerprint,
    ]
    assert len(set(prints)) == 4
    assert load_rows(one, "synthetic", limit=9).fingerprint == prints[0]  # --limit may grow


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'chartqa'"):
        synthetic_row("chartq", 0)


def test_examples_of_the_documentation_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    first, second = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(first, {})
    assert capsys.readouterr().out.startswith("synthetic 2 ['")
    names: dict[str, Any] = {}
    exec(second, names)
    row = names["colour_question"](Random(1), 0)
    assert row["options"][int(row["answer"])] in COLOURS
