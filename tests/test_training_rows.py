"""The shared example rows of OpenVLThinkerV2's format: each row's own answer is right by its own scorer."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pytest

from harness.run.media import ImageStore
from harness.scores.judging import judge
from scorers.rules.grounding import BoxTarget
from scorers.types import Coords
from tasks.prompts import render
from tasks.types import Response, Sample, Task
from training.data.file_problems import GOLD_EARNS, load_file
from training.data.row_format import TASK_TYPES, RowFormat

FILES = ("sample_train_data.json", "sample_math_val_data.json", "sample_generalVQA_val_data.json")
SIZE = (640, 428)

Asked = tuple[Task, Sample, dict[str, Any]]


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def asked(example_rows: Path, name: str, folder: Path) -> list[Asked]:
    """Every row of a file as it would be asked, beside the row with the units of its box."""
    given = rows(example_rows, name)
    numbered = [row | {"problem_id": number} for number, row in enumerate(given)]
    (folder / name).write_text(json.dumps(numbered), encoding="utf-8")
    form = RowFormat(gold_budget=0, image_dir=example_rows)
    problems, failed, _ = load_file(str(folder / name), form, ImageStore(folder))
    assert not failed, [row.error for row in failed]
    found = [
        (each.task, each.sample(at), given[int(row.id)] | {"gold_coords": row.problem.coords})
        for each in problems
        for at, row in enumerate(each.rows)
    ]
    assert len(found) == len(given)
    return found


@pytest.fixture(scope="module", params=FILES)
def shared(
    request: pytest.FixtureRequest, example_rows: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Asked]:
    return asked(example_rows, request.param, tmp_path_factory.mktemp("rows"))


def value(task: Task, sample: Sample, answer: str, coords: Coords = "norm1000") -> float:
    response = Response(f"<think>Let me look.</think>{answer}", completion_tokens=9)
    return judge(task, sample, response, coords=coords).value


def test_every_row_s_own_answer_is_right(shared: list[Asked]) -> None:
    table: dict[tuple[str, str, str], list[float]] = {}
    for task, sample, row in shared:
        earned = value(task, sample, row["answer"])
        units = row["gold_coords"] if task.places else ""
        table.setdefault((row["problem_type"], task.category, units), []).append(earned)
    print(f"\n{'type':18} {'family':12} rows  least  units")
    for (kind, family, units), of in sorted(table.items()):
        print(f"{kind:18} {family:12} {len(of):4}   {min(of):.2f}  {units}")
    assert min(map(min, table.values())) >= GOLD_EARNS


def test_without_task_types_every_row_has_the_family_of_its_problem_type(
    example_rows: Path, tmp_path: Path
) -> None:
    given = [row for name in FILES for row in rows(example_rows, name)]
    (tmp_path / "own.json").write_text(
        json.dumps([{name: value for name, value in row.items() if name != "task_type"} for row in given])
    )
    form = RowFormat(gold_budget=0, image_dir=example_rows)
    problems, failed, _ = load_file(str(tmp_path / "own.json"), form, ImageStore(tmp_path))
    assert not failed
    assert {each.task.name: each.size for each in problems} == {
        "chart/numerical": 7,
        "document/ocr": 10,
        "general_vqa/multiple choice": 38,
        "grounding/spatial grounding": 10,
        "math/math": 12,
        "spatial/regression": 3,
    }


def test_what_the_target_gives_as_its_answer_is_right_too(shared: list[Asked]) -> None:
    for task, sample, _ in shared:
        for coords in ("norm1000", "abs", "norm1") if task.places else ("abs",):
            assert value(task, sample, f"<answer>{sample.target.gold(coords)}</answer>", coords) >= GOLD_EARNS


def test_another_row_s_answer_is_mostly_wrong(shared: list[Asked]) -> None:
    pairs = [
        value(one[0], one[1], other[2]["answer"])
        for one, other in pairwise(shared)
        if one[0] is other[0] and one[2]["answer"] != other[2]["answer"]
    ]
    assert sum(pairs) <= 0.25 * max(1, len(pairs))


def test_a_prompt_lists_every_option_once(shared: list[Asked]) -> None:
    for task, sample, row in shared:
        prompt = " ".join(part for part in render(task, sample, "think") if isinstance(part, str))
        options = row.get("options") or () if row["problem_type"] == "multiple choice" else ()
        for letter, option in zip(ascii_uppercase, options, strict=False):
            text = re.escape(re.sub(r"^[A-Z][).:]\s*", "", option))
            assert len(re.findall(rf"\n\(?{letter}[).:] *{text}", prompt)) == 1, (option, prompt)


def test_the_counts_of_the_training_file(example_rows: Path) -> None:
    found = Counter(row["problem_type"] for row in rows(example_rows, FILES[0]))
    expected = {"multiple choice": 21, "spatial grounding": 10, "OCR": 10, "math": 9, "numerical": 7}
    assert found == expected | {"regression": 3}
    assert {row["task_type"] for row in rows(example_rows, FILES[0])} == set(TASK_TYPES)


def test_gold_boxes_are_thousandths(example_rows: Path, tmp_path: Path) -> None:
    found = asked(example_rows, FILES[0], tmp_path)
    boxes = [(sample.target, row) for task, sample, row in found if task.places]
    assert boxes
    for target, row in boxes:
        gold = json.loads(row["answer"].removeprefix("<answer>").removesuffix("</answer>"))["boxes"]
        assert isinstance(target, BoxTarget)
        assert target.size == SIZE
        assert target.box == pytest.approx([number * SIZE[at % 2] / 1000 for at, number in enumerate(gold)])
