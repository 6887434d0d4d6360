"""MMMU, MMBench, MMStar, AI2D, EmbSpatial: rows become samples, malformed rows are named."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scorers.rules.choice import ChoiceTarget
from scorers.rules.mmmu import MmmuTarget
from tasks import load_builtin
from tasks.images import ImageRef, image_key
from tasks.mmmu import DISCIPLINES, SUBJECTS
from tasks.mmstar import embedded_options
from tasks.options import absent, as_list, letter_index, lettered, option_index
from tasks.prompts import ImagePart, render
from tasks.types import Response, RowError, Sample

NAMES = ("mmmu", "mmbench", "mmstar", "ai2d", "embspatial")
MMMU = {
    "id": "validation_Art_Theory_7",
    "question": "Which of <image 1> and <image 2>?",
    "options": "['<image 3>', \"it's\", 'a, b']",
    "answer": "B",
    "question_type": "multiple-choice",
    "image_1": "one.png",
    "image_2": "two.png",
    "image_3": "three.png",
    "image_4": None,
}
MMBENCH = {
    "index": 3_000_241,
    "question": "What is it?",
    "hint": "nan",
    "A": "a cat",
    "B": "None",
    "C": "nan",
    "D": None,
    "answer": "B",
    "category": "object",
    "L2-category": "fine",
    "image": "x.jpg",
}
MMSTAR = {
    "index": 0,
    "question": "What?\nOptions: A: a cat, B: a dog, C: a cow, D: nan",
    "answer": "C",
    "category": "math",
    "l2_category": "geometry",
}
AI2D = {"question": "Which?", "options": ["leaf", "root"], "answer": "1", "image": "a.png"}
EMBSPATIAL = {
    "question_id": "q1",
    "question": "Where?",
    "answer_options": ["left", "right", "above", "under"],
    "answer": 2,
    "relation": "above",
    "data_source": "scannet",
}
ROWS: dict[str, dict[str, Any]] = dict(zip(NAMES, (MMMU, MMBENCH, MMSTAR, AI2D, EMBSPATIAL), strict=True))


def sample(name: str, **changes: Any) -> Sample:
    (made,) = load_builtin(name).to_samples({**ROWS[name], **changes})
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_target_survives_json(name: str) -> None:
    target = sample(name).target
    data = {
        key: tuple(v) if isinstance(v, list) else v
        for key, v in json.loads(json.dumps(dataclasses.asdict(target))).items()
    }
    assert load_builtin(name).target(**data) == target


@pytest.mark.parametrize("name", NAMES)
def test_one_headline_and_every_breakdown_has_its_group(name: str) -> None:
    task = load_builtin(name)
    assert sum(metric.headline for metric in task.metrics) == 1
    groups = sample(name).groups
    assert {metric.by for metric in task.metrics if metric.by} <= groups.keys()
    assert {metric.where[0] for metric in task.metrics if metric.where} <= groups.keys()
    assert {key for key in (task.cluster, task.unit) if key} <= groups.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_headline_is_of_the_official_script_where_there_is_one(name: str) -> None:
    task = load_builtin(name)
    assert task.headline.of == ("official" if task.official else "value")
    right = "ABCDE"[sample(name).target.answer]
    score = task.score(sample(name), Response(right))
    assert (score.value, score.official) == (1.0, 1.0 if task.official else None)


@pytest.mark.parametrize("name", NAMES)
def test_images_may_be_left_out(name: str) -> None:
    row = {key: value for key, value in ROWS[name].items() if not key.startswith("image")}
    (made,) = load_builtin(name).to_samples(row)
    assert made.images == ()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *[("mmmu", column) for column in ("id", "question", "options", "answer", "question_type")],
        *[("mmbench", column) for column in ("index", "question", "A", "answer")],
        *[("mmstar", column) for column in ("index", "question", "answer", "category", "l2_category")],
        *[("ai2d", column) for column in ("question", "options", "answer")],
        *[("embspatial", column) for column in EMBSPATIAL],
    ],
)
def test_a_missing_column_is_named(name: str, column: str) -> None:
    row = {key: value for key, value in ROWS[name].items() if key != column}
    with pytest.raises(RowError, match=repr(column)):
        list(load_builtin(name).to_samples(row))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("mmmu", {"answer": "D"}, "no letter of 3 options"),
        ("mmmu", {"answer": ""}, "no letter"),
        ("mmmu", {"options": "['a', "}, "no letter of 1 options"),
        ("mmmu", {"options": "[a, b]"}, "no list"),
        ("mmmu", {"options": "[" * 5000 + "]" * 5000}, "no list"),
        ("mmmu", {"options": "[['a'], 'b']"}, "no list of texts"),
        ("mmmu", {"id": "7"}, "names none"),
        ("mmmu", {"question_type": "open", "answer": "[]"}, "empty"),
        ("mmbench", {"answer": "E"}, "no letter of 2 options"),
        ("mmbench", {"A": None, "B": "nan"}, "'A' is missing or empty"),
        ("mmstar", {"question": "Which?"}, "lists no options, and columns 'A', 'B' … hold none"),
        ("mmbench", {"index": "x"}, "whole number"),
        ("mmstar", {"answer": "E"}, "no letter of 4 options"),
        ("mmstar", {"index": None}, "null"),
        ("ai2d", {"answer": "2"}, "no index of 2 options"),
        ("ai2d", {"answer": "B"}, "no index"),
        ("ai2d", {"answer": True}, "no index"),
        ("ai2d", {"options": None}, "'options' is null"),
        ("embspatial", {"answer": 4}, "no index of 4 options"),
        ("embspatial", {"answer": -1}, "no index of 4 options"),
    ],
)
def test_a_malformed_row_is_an_error(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        sample(name, **changes)


def test_mmmu_options_images_and_groups() -> None:
    made = sample("mmmu")
    assert made.choices == ("<image 3>", "it's", "a, b")
    assert made.target == MmmuTarget(made.choices, 1, question=made.question)
    assert len(made.images) == 3
    assert made.groups == {
        "discipline": "Art & Design",
        "subject": "Art_Theory",
        "question_type": "multiple-choice",
    }
    parts = render(load_builtin("mmmu"), made)
    assert [part.index for part in parts if isinstance(part, ImagePart)] == [0, 1, 2]
    assert str(parts[-1]).endswith("Answer with the option's letter from the given choices directly.")


def test_mmmu_subject_column_wins_over_the_id() -> None:
    assert sample("mmmu", subject="Math").groups["discipline"] == "Science"
    assert sample("mmmu", subject="New").groups["discipline"] == "other"
    assert sample("mmmu", id="dev_Math_1").groups["subject"] == "Math"


@pytest.mark.parametrize("kind", ["open", "short-answer"])
def test_mmmu_open_questions(kind: str) -> None:
    made = sample("mmmu", question_type=kind, options="[]", answer="['24/7', '3.429']")
    assert made.target == MmmuTarget(golds=("24/7", "3.429"), question=made.question)
    assert made.choices == ()
    assert made.instruction == "Answer the question using a single word or phrase."
    assert sample("mmmu", question_type=kind, answer=["a", "b"]).target.golds == ("a", "b")
    assert sample("mmmu", question_type=kind, answer="[1, 2]").target.golds == ("1", "2")
    assert sample("mmmu", question_type=kind, answer="12.97").target.golds == ("12.97",)


def test_mmmu_has_30_subjects_in_6_disciplines() -> None:
    assert (len(SUBJECTS), len(set(SUBJECTS)), len(DISCIPLINES)) == (30, 30, 6)
    source = load_builtin("mmmu").source
    assert source.configs == SUBJECTS
    assert source.config_column == "subject"


def test_mmbench_rotations_share_a_question() -> None:
    made = sample("mmbench")
    assert made.id == "3000241"
    assert made.target == ChoiceTarget(("a cat", "None"), 1, "What is it?")
    assert made.groups == {"question": "241", "pass": "rotated", "category": "object", "l2-category": "fine"}
    assert made.meta == {}
    first = sample("mmbench", index="241", hint="A zoo.", E="five", C="x", D="y")
    assert (first.groups["pass"], first.groups["question"]) == ("first", "241")
    assert first.meta == {"hint": "A zoo."}
    assert len(first.choices) == 5
    assert "Hint: A zoo." in str(render(load_builtin("mmbench"), first)[-1])


@pytest.mark.parametrize("column", ["l2-category", "L2-category", "l2_category"])
def test_mmbench_level_2_category_in_any_spelling(column: str) -> None:
    assert sample("mmbench", **{"L2-category": None, column: "deep"}).groups["l2-category"] == "deep"
    assert sample("mmbench", **{"L2-category": None}).groups["l2-category"] == "none"


def test_mmbench_counts_a_question_only_where_every_rotation_is_right() -> None:
    task = load_builtin("mmbench")
    assert (task.headline.reduce, task.headline.by, task.unit) == ("circular", "question", "question")
    assert next(metric for metric in task.metrics if metric.where).where == ("pass", "first")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Q?\nOptions: A: x, y, B: z", ("x, y", "z")),
        ("Q?\nOptions: A: 1, B: 2, C: 3, D: 4", ("1", "2", "3", "4")),
        ("Q?\nOptions: A: f(a: int), B: g", ("f(a: int)", "g")),
        ("Options: none?\nOptions: A: Yes, B: No, C: nan, D: nan", ("Yes", "No", "None", "None")),
        ("Hint: e.g., A, B, C, D.\nQuestion: Q?\nChoices:\n(A) 0\n(B) 1", ("0", "1")),
        ("Q?\n(A) Yes\n(B) No\n(C) nan\n(D) nan", ("Yes", "No", "None", "None")),
        ("Is (A) right?", ()),
        ("Options: A: only", ()),
        ("", ()),
    ],
)
def test_mmstar_options_within_the_question(question: str, expected: tuple[str, ...]) -> None:
    assert embedded_options(question) == expected


def test_mmstar_keeps_the_question_as_it_is() -> None:
    made = sample("mmstar")
    assert (made.id, made.question, made.choices) == ("0", MMSTAR["question"], ())
    assert made.target == ChoiceTarget(("a cat", "a dog", "a cow", "None"), 2, "What?\n")


def test_mmstar_options_in_the_columns_of_a_table_are_listed() -> None:
    table = {"A": "a cat", "B": "a dog", "C": "nan", "D": float("nan")}
    made = sample("mmstar", question="Which?", **table)
    assert made.choices == ("a cat", "a dog", "None")
    assert made.target == ChoiceTarget(made.choices, 2, "Which?")


def test_ai2d_options_in_the_columns_of_a_table() -> None:
    row = {name: value for name, value in ROWS["ai2d"].items() if name != "options"}
    (made,) = load_builtin("ai2d").to_samples(row | {"A": "x", "B": "y", "C": "nan", "answer": "B"})
    assert (made.choices, made.target.answer) == (("x", "y"), 1)


def test_mmstar_options_of_real_questions(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = golden("mmstar/llava_next_yi_34b")
    assert all(len(embedded_options(row["record"]["question"])) == 4 for row in rows)


def test_ai2d_ids_tell_questions_and_images_apart() -> None:
    ids = {sample("ai2d", **changes).id for changes in ({}, {"image": "b.png"}, {"question": "Where?"})}
    assert len(ids) == 3
    assert sample("ai2d").groups == {"image": "a.png"}
    assert sample("ai2d", image=None).groups["image"] == sample("ai2d", image=None).id


def test_embspatial_groups() -> None:
    assert sample("embspatial").groups == {"data_source": "scannet", "relation": "above"}
    assert sample("embspatial", answer="3").target.answer == 3


def test_cells_of_tables() -> None:
    assert [absent(cell) for cell in (None, float("nan"), "nan", "NaN ", " ", "None", 0)] == [
        *[None] * 5,
        "None",
        "0",
    ]
    assert lettered({"A": "x", "B": float("nan"), "C": "y", "D": None}) == ("x", "None", "y")
    assert lettered({"A": "x", "B": "nan", "answer": "b"}) == ("x", "None")
    assert lettered({"A": None, "B": "nan", "answer": "A"}) == ()
    assert as_list("plain", "c") == ("plain",)
    assert as_list((1, 2.5), "c") == ("1", "2.5")
    assert letter_index(" b ", "xy") == 1
    assert option_index("01", "xy") == 1
    assert image_key([ImageRef({"bytes": b"abc", "path": "p.png"})]) == ImageRef(b"abc").sha[:16]
    assert image_key([ImageRef({"bytes": None, "path": "a/b/p.png"})]) == "b/p.png"
    assert image_key([]) == ""


@pytest.mark.parametrize(("name", "count"), [("mmmu", 11), ("mmbench", 20), ("ai2d", 10)])
def test_real_items(samples_dir: Path, name: str, count: int) -> None:
    lines = (samples_dir / name / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    made = [one for line in lines for one in load_builtin(name).to_samples(json.loads(line))]
    assert len({one.id for one in made}) == len(made) == count
    for one, line in zip(made, lines, strict=True):
        row = json.loads(line)
        assert one.choices[one.target.answer]
        assert one.images
        assert "<image" not in "".join(
            part for part in render(load_builtin(name), one) if isinstance(part, str)
        )
        if name == "mmmu":
            assert one.choices == tuple(ast.literal_eval(row["options"]))
