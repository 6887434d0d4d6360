"""Rows of one's own: OneThinker's and EasyR1's formats, as json, parquet, folders and hub data sets."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import PIL.Image
import pytest

from harness.errors import HarnessError, UsageError
from harness.run.media import ImageStore
from training.data.file_problems import FileProblems, load_file
from training.data.row_format import TASK_TYPES, TYPE_FAMILIES, RowFormat
from training.data.rows import has_own_rows, left_out
from training.problems import PROBLEM_TYPES


def load(data: Path | str, **form: Any) -> tuple[list[FileProblems], Any]:
    loaded = load_file(str(data), RowFormat(**form), ImageStore(Path("/nonexistent")))  # nothing is that big
    return loaded.problems, loaded.failed


def png(shade: int = 7, size: tuple[int, int] = (200, 100)) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, (shade % 256, shade // 256 % 256, 160)).save(buffer, "PNG")
    return buffer.getvalue()


def onethinker(number: int = 0, **changes: Any) -> dict[str, Any]:
    row = {
        "problem_id": number,
        "problem": "<image>\nHow many?",
        "data_type": "image",
        "problem_type": "numerical",
        "options": [],
        "data_source": "made up",
        "answer": "<answer>2</answer>",
        "images": ["a.png"],
    }
    return row | changes


def easyr1(number: int, picture: bytes | None = None) -> dict[str, Any]:
    images = [{"bytes": picture or png(number), "path": None}]
    return {"problem": f"<image>Find x. {number}", "answer": f"{number}", "images": images}


def save(folder: Path, *rows: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(png())
    (folder / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder / "train.json"


# OneThinker's own rows


def test_without_a_task_type_the_problem_type_says_the_family(tmp_path: Path) -> None:
    rows = [
        onethinker(1),
        onethinker(2, problem_type="math"),
        onethinker(3, problem_type="OCR", answer="two"),
        onethinker(4, problem_type="regression", task_type=None),
        onethinker(5, problem_type="spatial grounding", answer='{"boxes": [1, 2, 900, 999]}'),
    ]
    problems, failed = load(save(tmp_path, *rows))
    assert not failed
    assert [each.task.name for each in problems] == [
        "chart/numerical",
        "document/ocr",
        "grounding/spatial grounding",
        "math/math",
        "spatial/regression",
    ]
    assert set(TYPE_FAMILIES) == set(PROBLEM_TYPES)


@pytest.mark.parametrize(
    ("changes", "form", "family"),
    [
        ({}, {}, "chart"),
        ({}, {"families": {"Numerical": "math"}}, "math"),
        ({}, {"families": {"Made Up": "spatial", "numerical": "math"}}, "spatial"),  # a source comes first
        ({}, {"family": "document"}, "document"),
        ({}, {"family": "document", "families": {"numerical": "math"}}, "math"),
        (
            {"task_type": "ocr"},
            {"family": "math", "families": {"numerical": "math"}},
            "document",
        ),  # its own word
        ({"task_type": "poetry"}, {"families": {"poetry": "general_vqa"}}, "general_vqa"),
    ],
)
def test_the_recipe_says_families(tmp_path: Path, changes: Any, form: Any, family: str) -> None:
    [problems], failed = load(save(tmp_path, onethinker(**changes)), **form)
    assert not failed
    assert problems.task.category == family


def test_what_cannot_be_trained_on_is_counted_by_its_reason_with_an_example(tmp_path: Path) -> None:
    rows = [
        *(onethinker(i) for i in range(95)),
        *(onethinker(i, images=[f"gone/{i}.png"]) for i in range(4)),
        *(onethinker(i, data_type="video", images=[], videos=["a.mp4"]) for i in range(3)),
        onethinker(7, problem_type="segmentation"),
        onethinker(8, problem_type="tracking"),
        onethinker(9, problem_type="spatial-temporal grounding"),
        onethinker(10, problem_type="sonnet"),
        onethinker(11, answer="many"),
        onethinker(12, answer="few"),
        onethinker(13, images=["https://example.org/a.png"]),
    ]
    [problems], failed = load(save(tmp_path, *rows))
    assert problems.size == 95
    lines = list(left_out(failed))
    assert lines[0] == "14 rows left out:"
    gone = tmp_path / "gone" / "0.png"
    assert lines[1] == f"  train.json row 95: there is no image '{gone}' (and 3 more)"
    masks = "is not trained on: its answers are masks, tracks or times"
    assert lines[2:4] == [
        "  train.json row 99: it shows a video: images and text are trained on (and 2 more)",
        f"  train.json row 102: problem type 'segmentation' {masks} (and 2 more)",
    ]
    assert "  train.json row 106: answer 'many' is no number (and 1 more)" in lines
    assert any("unknown problem type 'sonnet'" in line for line in lines)
    assert any("is an address, 'https://example.org/a.png': download it" in line for line in lines)
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("changes", "form", "coords"),
    [
        ({}, {}, "norm1000"),  # OneThinker's format has a column problem_type
        ({"problem_type": None}, {"problem_type": "spatial grounding"}, "abs"),
        ({"problem_type": None, "kind": "spatial grounding"}, {"columns": {"problem_type": "kind"}}, "abs"),
        ({}, {"gold_coords": "norm1"}, "norm1"),
        ({"gold_coords": "norm1000"}, {"gold_coords": "abs"}, "norm1000"),
    ],
)
def test_the_units_of_places_go_by_the_format_unless_they_are_said(
    tmp_path: Path, changes: Any, form: Any, coords: str
) -> None:
    answer = "[0.1, 0.1, 0.6, 0.6]" if coords == "norm1" else "[10, 10, 60, 60]"
    row = onethinker(problem_type="spatial grounding", answer=answer)
    [problems], failed = load(save(tmp_path, row | changes), **form)
    assert not failed
    assert problems.rows[0].problem.coords == coords
    expected = {"norm1000": (2, 1, 12, 6), "abs": (10, 10, 60, 60), "norm1": (20, 10, 120, 60)}[coords]
    assert problems.sample(0).target.box == pytest.approx(expected)  # type: ignore[attr-defined]


def test_thousandths_that_are_read_as_pixels_end_the_run(tmp_path: Path) -> None:
    row = {"problem": "<image> Where?", "images": ["a.png"]}  # of 200 by 100
    rows = [row | {"answer": f"[10, 10, {30 * i + 50}, 90]"} for i in range(20)]
    with pytest.raises(
        UsageError, match=r"refuse the gold answers of 14 of 20 rows.* outside the image in abs"
    ):
        load(save(tmp_path, *rows), problem_type="spatial grounding")
    [problems], failed = load(tmp_path / "train.json", problem_type="spatial grounding", gold_coords="norm1000")
    assert (problems.size, failed) == (20, [])


def test_more_refused_gold_answers_than_the_budget_end_the_run(tmp_path: Path) -> None:
    rows = [*(onethinker(i) for i in range(18)), *(onethinker(i, answer="many") for i in range(2))]
    rows += [onethinker(i, data_type="video") for i in range(80)]  # no verdict on the gold answers
    path = save(tmp_path, *rows)
    with pytest.raises(UsageError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: the scorers refuse the gold answers of 2 of 20 rows, more than the gold_budget of 5%: "
        "train.json row 18: answer 'many' is no number (and 1 more)"
    )
    [problems], failed = load(path, gold_budget=0.1)
    assert (problems.size, len(failed)) == (18, 82)


def test_images_are_relative_to_the_file_or_to_the_folder_that_is_said(tmp_path: Path) -> None:
    path = save(tmp_path / "rows", onethinker(images=["deep/b.png"]))
    with pytest.raises(UsageError, match=r"no row to train on: train\.json row 0: there is no image"):
        load(path)
    (tmp_path / "images" / "deep").mkdir(parents=True)
    (tmp_path / "images" / "deep" / "b.png").write_bytes(png(size=(30, 20)))
    [problems], _ = load(path, image_dir=tmp_path / "images")
    assert problems.sample(0).images[0].size == (30, 20)


def test_held_out_rows_are_drawn_by_the_seed_and_never_trained_on(tmp_path: Path) -> None:
    path = save(tmp_path, *(onethinker(i, problem_type=("math", "numerical")[i % 2]) for i in range(20)))

    def split(held_out: int, seed: int) -> tuple[set[str], set[str]]:
        form = RowFormat(held_out=held_out, seed=seed)
        found = load_file(str(path), form, ImageStore(tmp_path))
        sides = ({row.id for each in side for row in each.rows} for side in (found.problems, found.held_out))
        trained, held = sides
        assert len(held) == held_out
        assert trained | held == set(map(str, range(20)))
        assert not trained & held
        return trained, held

    assert split(6, 0) == split(6, 0) != split(6, 1)
    assert split(0, 0)[1] == set()
    with pytest.raises(UsageError, match="held_out is 20, of 20 rows none is left"):
        split(20, 0)


# EasyR1's rows


def as_json(rows: list[dict[str, Any]], folder: Path) -> Path:
    rows = [row | {"images": [f"{i}.png"]} for i, row in enumerate(rows)]
    for i in range(len(rows)):
        (folder / f"{i}.png").write_bytes(png(i))
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "train.jsonl"


def as_parquet(rows: list[dict[str, Any]], path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def as_folder(rows: list[dict[str, Any]], folder: Path) -> Path:
    place = folder / "geometry3k"
    for shard in range(2):
        as_parquet(rows[shard::2], place / "data" / f"train-0000{shard}-of-00002.parquet")
    as_parquet(rows[:1] * 5, place / "data" / "test-00000-of-00001.parquet")
    return place


def as_saved(rows: list[dict[str, Any]], folder: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).save_to_disk(folder / "saved")
    return folder / "saved"


FORMS: dict[str, Callable[[list[dict[str, Any]], Path], Path]] = {
    "json": as_json,
    "parquet": lambda rows, folder: as_parquet(rows, folder / "train.parquet"),
    "folder": as_folder,
    "saved": as_saved,
}


@pytest.mark.parametrize("form", FORMS)
def test_easyr1_s_rows_are_read_from_files(tmp_path: Path, form: str) -> None:
    path = FORMS[form]([easyr1(i) for i in range(6)], tmp_path)
    assert has_own_rows(str(path))
    [problems], failed = load(path, problem_type="math")
    assert not failed
    assert (problems.task.name, problems.size) == ("math/math", 6)
    for row, index in zip(problems.rows, range(6), strict=True):
        sample = problems.sample(index)
        assert sample.question == f"<image 1>Find x. {row.problem.answer}"
        assert sample.images[0].data == png(int(row.problem.answer))


def test_easyr1_s_rows_are_read_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    monkeypatch.chdir(tmp_path)
    as_folder([easyr1(i) for i in range(6)], tmp_path)
    monkeypatch.setattr("training.data.rows._is_on_hub", lambda data: True)
    [problems], failed = load("geometry3k", problem_type="math")
    assert not failed
    assert Counter(row.problem.answer for row in problems.rows) == Counter(map(str, range(6)))
    assert problems.sample(0).images[0].size == (200, 100)
    assert problems.rows[0].where == "geometry3k row 0"
    [problems], _ = load("geometry3k@test", problem_type="math")
    assert problems.size == 5


def test_a_hub_that_cannot_be_reached_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert has_own_rows("nobody/no-such-data-set@train")
    with pytest.raises(HarnessError, match=r"nobody/no-such-data-set .*download it, and give its folder"):
        load("nobody/no-such-data-set@train", problem_type="math")


def test_columns_have_the_names_that_the_recipe_gives(tmp_path: Path) -> None:
    rows = [
        {
            "question": f"Which? {i}",
            "solution": "B",
            "answer": "no, the other column",
            "photo": {"bytes": png(i), "path": "somewhere/else.png"},
            "image": None,
            "choices": ["red", "blue"],
            "kind": "multiple choice",
        }
        for i in range(3)
    ]
    columns = {
        "problem": "question",
        "answer": "solution",
        "images": "photo",
        "options": "choices",
        "problem_type": "kind",
    }
    path = as_parquet(rows, tmp_path / "own.parquet")
    [problems], failed = load(path, columns=columns, family="chart")
    assert not failed
    assert (problems.task.name, problems.size) == ("chart/multiple choice", 3)
    assert problems.sample(1).choices == ("red", "blue")
    assert problems.sample(2).images[0].data == png(2)
    with pytest.raises(
        UsageError, match=r"no row has a column 'chioces' \(columns.options\); the last has: quest"
    ):
        load(path, columns=columns | {"options": "chioces"}, family="chart")
    with pytest.raises(
        UsageError, match=r"column 'problem' is missing or empty: name another with columns.probl"
    ):
        load(path, problem_type="math")


def test_a_problem_type_is_never_guessed(tmp_path: Path) -> None:
    path = as_parquet([easyr1(i) for i in range(3)], tmp_path / "train.parquet")
    with pytest.raises(UsageError) as caught:
        load(path)
    assert 'nothing says its problem type: set problem_type = "math"' in str(caught.value)
    assert "columns.problem_type" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_picture_costs_its_row(tmp_path: Path) -> None:
    rows = [easyr1(0), easyr1(1, b"no picture")]
    [problems], failed = load(as_parquet(rows, tmp_path / "train.parquet"), problem_type="math")
    assert problems.size == 1
    assert failed[0].error.startswith("train.parquet row 1: its picture is none: ")


def test_pictures_of_a_big_file_lie_outside_memory(tmp_path: Path) -> None:
    noise = [png(i) + bytes(200_000) + i.to_bytes(4, "big") for i in range(60)]
    path = as_parquet([easyr1(i, noise[i]) for i in range(60)], tmp_path / "train.parquet")
    form = RowFormat(problem_type="math")
    load_file(str(path), form, ImageStore(tmp_path))  # what is imported once
    tracemalloc.start()
    [problems] = load_file(str(path), form, ImageStore(tmp_path, in_memory=1 << 20)).problems
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, noise)) > 12_000_000
    assert held < 3_000_000
    assert problems.sample(59).images[0].data == noise[59]


# Which data are rows of one's own


def test_what_names_rows_of_one_s_own(tmp_path: Path, fakes: ModuleType) -> None:
    for name in ("synthetic", "hub", "nowhere"):
        assert not has_own_rows(name)
    for name in ("train.json", "a/train.parquet", "hiyouga/geometry3k", "hiyouga/geometry3k@train"):
        assert has_own_rows(name)
    save(tmp_path / "rows", onethinker())
    assert has_own_rows(str(tmp_path / "rows"))
    (tmp_path / "tasks" / "chartqa").mkdir(parents=True)
    assert not has_own_rows(str(tmp_path / "tasks"))
    assert not has_own_rows(str(tmp_path / "tasks" / "chartqa"))


def test_every_family_has_a_task_type() -> None:
    assert set(TYPE_FAMILIES.values()) == set(TASK_TYPES.values())
