"""`harness train --dry-run`: what would be trained on is said, nothing is trained, nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.errors import Exit
from training.recipe import SHIPPED, load_recipe

RECIPES = sorted(path.stem for path in SHIPPED.rglob("*.toml"))
OWN_ROWS = [name for name in RECIPES if load_recipe(name, {}).data == "data/train.json"]
TABLE = """\
family       problem type or task          rows    images  passes  units
chart        multiple choice                  5         5    0.30
chart        numerical                        5         5    0.30
document     ocr                             10        10    0.30
general_vqa  multiple choice                 10        10    0.30
grounding    spatial grounding               10        10    0.30  norm1000
math         math                             9         9    0.40
math         multiple choice                  1         1    0.40
spatial      multiple choice                  5         5    0.40
spatial      numerical                        2         2    0.40
spatial      regression                       3         3    0.40
                                             60
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes write below the working directory; the hub is not asked about the model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.models.families._fetched", lambda name, revision: None)


def dry_run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["train", *words, "--dry-run"]) == code
    said = capsys.readouterr()
    return said.err if code else said.out


@pytest.mark.parametrize("recipe", OWN_ROWS)
@pytest.mark.parametrize("name", ["sample_train_data", "sample_math_val_data", "sample_generalVQA_val_data"])
def test_every_recipe_on_the_published_example_rows(
    capsys: pytest.CaptureFixture[str], example_rows: Path, tmp_path: Path, recipe: str, name: str
) -> None:
    path = example_rows / f"{name}.json"
    said = dry_run(capsys, recipe, "--set", f"data={path}")
    rows = json.loads(path.read_text(encoding="utf-8"))
    types = {(row["task_type"], row["problem_type"]) for row in rows}
    assert "left out" not in said
    assert f"\n{'':37} {len(rows):>9}\n" in said
    assert said.count("  gold: ") == said.count(" -> 1.00") == len(types)
    assert list(tmp_path.iterdir()) == []
    print(*said.splitlines()[: len(types) + 4], sep="\n")


def test_recipes_for_rows_of_one_s_own_are_the_paper_s_and_those_beside_it() -> None:
    assert len(OWN_ROWS) == 12


def test_rows_are_counted_by_family_and_problem_type(
    capsys: pytest.CaptureFixture[str], example_rows: Path
) -> None:
    words = ["--set", f"data={example_rows / 'sample_train_data.json'}", "--set", "g2rpo.steps=5"]
    words += ["--set", "g2rpo.rollout_prompts=4", "--set", "g2rpo.update_prompts=4"]
    said = dry_run(capsys, "qwen3-vl-8b", *words)
    assert TABLE in said
    assert max(map(len, TABLE.splitlines())) <= 80
    assert "The model writes places in norm1000; balance = families." in said
    box = said.partition("grounding/spatial grounding, 7:")[2].partition("\n\n")[0]
    assert "  | [image 1, 640 x 428]\n" in box
    assert box.endswith('  gold: {"boxes": [577, 232, 899, 786]} -> 1.00')


def test_epochs_are_said_in_steps(capsys: pytest.CaptureFixture[str], example_rows: Path) -> None:
    words = ["--set", f"data={example_rows / 'sample_train_data.json'}", "--set", "g2rpo.epochs=0.5"]
    words += ["--set", "g2rpo.rollout_prompts=8", "--set", "g2rpo.update_prompts=8"]
    said = dry_run(capsys, "qwen3-vl-8b", *words)
    assert "\nepochs = 0.5 of 60 rows: at most 4 steps, fewer where" in said
    assert "are sampled and kept, in 4 steps." in said
    drawn = dry_run(capsys, "tiny", "--set", "g2rpo.epochs=1", code=Exit.USAGE)
    assert drawn.rstrip().endswith("has no end: set steps")


def rows(fakes: ModuleType, folder: Path, *changes: dict[str, Any]) -> Path:
    (folder / "rows").mkdir()
    (folder / "rows" / "a.png").write_bytes(fakes.picture(7, (64, 64)))
    row = {"problem": "<image> 1 + 1?", "answer": "2", "images": ["a.png"]}
    (folder / "rows" / "train.json").write_text(json.dumps([row | each for each in changes]))
    return folder / "rows" / "train.json"


def test_text_that_utf_8_cannot_hold_is_escaped(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows(fakes, tmp_path, {"problem": "<image> half \ud800 a pair"})
    said = dry_run(capsys, "qwen3-vl-8b", "--set", f"data={path}", "--set", "problem_type=math")
    assert "half \\ud800 a pair" in said


def test_held_out_rows_are_said(fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows(fakes, tmp_path, {}, {}, {})
    words = ["--set", f"data={path}", "--set", "problem_type=math", "--set", "held_out=2"]
    said = dry_run(capsys, "qwen3-vl-8b", *words)
    assert "math         math                             1         1" in said
    assert "Held out beside them: 2 rows (math 2), 2 with images." in said


def test_rows_that_are_left_out_are_said(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows(fakes, tmp_path, {}, {"images": ["gone.png"]}, {"images": ["lost.png"]}, {"videos": ["a.mp4"]})
    said = dry_run(capsys, "qwen3-vl-8b", "--set", f"data={path}", "--set", "problem_type=math")
    assert "3 rows left out:\n  train.json row 1: there is no image" in said
    assert " (and 1 more)\n  train.json row 3: it shows a video: images and text are trained on\n" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "nothing says its problem type"),
        (["--set", "problem_type=maths"], "unknown problem type 'maths'"),
        (["--set", "problem_type=regression", "--set", "g2rpo.families=['math']"], "of the families math"),
        (["--set", "problem_type=ocr", "--set", "columns.answer=solution"], "no row has a column 'solution'"),
        (["--set", "problem_type=spatial grounding", "--set", "gold_budget=1"], "is no box"),
        (["--set", "data=gone.json"], "gone.json: no such file"),
        (
            ["--set", "data=rows.csv"],
            "data = rows.csv: no such directory; known: synthetic, hub, dir",
        ),
        (["--set", "data=rows"], "rows: no row to train on: train.json row 0: nothing says its problem type"),
    ],
)
def test_errors_are_those_of_a_run(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    path = rows(fakes, tmp_path, {})
    said = dry_run(capsys, "qwen3-vl-8b", "--set", f"data={path}", *words, code=Exit.USAGE)
    assert why in said
    assert said.count("\n") == 1


def test_places_need_the_model_s_convention(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows(fakes, tmp_path, {"problem_type": "spatial grounding", "answer": "[1, 2, 30, 40]"})
    words = ["qwen3-vl-8b", "--set", f"data={path}"]
    said = dry_run(capsys, *words, "--model", "nobody/unheard-of", code=Exit.USAGE)
    assert "nobody/unheard-of: its coordinate convention is not known: set coords" in said
    assert "norm1\n" not in dry_run(capsys, *words, "--model", "nobody/unheard-of", "--set", "coords=norm1")


def test_the_tasks_own_rows_and_a_cold_start(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--set", "stages=['coldstart', 'g2rpo']", "--set", "coldstart.think_share=1.0"]
    out = ["--set", f"out={tmp_path.name}", "--set", "g2rpo.steps=720"]
    said = dry_run(capsys, "tiny", "--set", "tasks=['chartqa', 'refcoco']", *words, *out)
    assert said.startswith("coldstart: tiny on synthetic\n")
    assert "\ng2rpo: tiny on synthetic\n" in said
    assert said.count("chart        chartqa                     no end") == 2
    assert said.count("  gold: ") == said.count(" -> 1.00") == 4
    assert "inside <think> </think>" in said
    assert "Time: not known; there are no two steps in" in said
    assert list(tmp_path.iterdir()) == []
    log = tmp_path / tmp_path.name / "g2rpo" / "steps.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("".join(json.dumps({"step": n, "seconds": 7.0 + 5 * n}) + "\n" for n in (0, 1, 3)))
    said = dry_run(capsys, "tiny", "--set", "tasks=['chartqa', 'refcoco']", *words, *out)
    assert "Time: 5 s a step, evaluations included, by " in said
    assert "up to step 3: 1 hours for 720 steps." in said


def test_demonstrations_of_a_cold_start(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows(fakes, tmp_path, {"process": "One and one."}, {})
    words = ["--set", f"data={path}", "--set", "problem_type=math", "--model", "tiny"]
    said = dry_run(capsys, *words)
    assert "math         1 demonstration\n1 row left out:\n" in said
    assert "  > <think>One and one.</think><answer>2</answer>\n" in said


def test_a_stage_of_some_families_holds_out_the_same_rows(
    fakes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows(fakes, tmp_path, *({"problem_type": ("math", "numerical")[i % 2]} for i in range(20)))
    words = ["--set", f"data={path}", "--set", "held_out=8", "--set", "stages=['g2rpo', 'refine']"]
    said = dry_run(capsys, "qwen3-vl-8b", *words, "--set", "refine.families=['math']")
    [whole, some] = [line for line in said.splitlines() if line.startswith("Held out")]
    assert whole.startswith("Held out beside them: 8 rows (chart ")
    of_math = whole.partition("math ")[2].partition(")")[0]
    assert some.startswith(f"Held out beside them: {of_math} rows (math {of_math})")
    assert said.count("\nrefine: ") == 1
    assert "chart" not in said.partition("\nrefine: ")[2]
