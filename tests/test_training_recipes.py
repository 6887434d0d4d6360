"""Recipes of policy training: the shipped ones are valid, wrong ones are refused in one line; whole stages."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import HarnessError, UsageError
from harness.registry import Registry
from harness.run.state import failure_of, state_of
from tasks.types import CATEGORIES
from training.policy_recipe import PolicyRecipe
from training.recipe import SHIPPED, Recipe, load_recipe
from training.stages import train

TESTS = Path(__file__).parent
RECIPES = sorted(SHIPPED.rglob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid_and_found_by_its_name(path: Path) -> None:
    recipe = load_recipe(path.stem, {})
    assert recipe == load_recipe(path, {}) == load_recipe(f"recipes/{path.name}", {})
    for task in Registry().suite("general_vqa"):
        assert recipe.g2rpo.shape(task).length.max_end > 0


WITHOUT_LENGTH = {"value": 0.9, "format": 0.1, "length": 0.0, "structure": 0.5, "tagged": 0.0}


def test_names_of_shipped_recipes_are_unique() -> None:
    assert len({path.name for path in RECIPES}) == len(RECIPES)


def test_the_defaults_are_the_paper_s_setting() -> None:
    paper, defaults = load_recipe("qwen3-vl-8b", {}).g2rpo, PolicyRecipe()
    for name in (
        "responses",
        "temperature",
        "max_new_tokens",
        "rollout_prompts",
        "update_prompts",
        "learning_rate",
    ):
        assert getattr(paper, name) == getattr(defaults, name)
    assert (paper.responses, paper.rollout_prompts, paper.update_prompts) == (8, 512, 128)
    assert (paper.clip_low, paper.clip_high, paper.dual_clip, paper.learning_rate) == (0.2, 0.3, 3.0, 2e-6)
    assert paper.reward == {"value": 0.8, "format": 0.1, "length": 0.1, "structure": 0.5, "tagged": 0.0}
    assert paper.reward == defaults.reward


def test_a_recipe_that_was_written_out_is_read_back() -> None:
    recipe = PolicyRecipe(reward={"format": 0.9, "length": 0.1})
    assert recipe.reward == {"value": 0.0, "format": 0.9, "length": 0.1, "structure": 0.5, "tagged": 0.0}
    assert PolicyRecipe.model_validate(recipe.model_dump()) == recipe


def different(one: str, other: str) -> dict[str, Any]:
    left, right = (load_recipe(name, {}).model_dump(exclude={"out"}) for name in (one, other))
    assert {key: value for key, value in left.items() if key != "g2rpo"} == {
        key: value for key, value in right.items() if key != "g2rpo"
    }
    return {key: right["g2rpo"][key] for key in left["g2rpo"] if left["g2rpo"][key] != right["g2rpo"][key]}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("base", {"advantage": "grpo", "entropy_weight": 0.0, "reward": WITHOUT_LENGTH}),
        ("g2rpo", {"entropy_weight": 0.0, "reward": WITHOUT_LENGTH}),
        ("g2rpo-entropy", {"reward": WITHOUT_LENGTH}),
        ("g2rpo-length", {"entropy_weight": 0.0}),
        ("g2rpo-both", {}),
        *((name, {"advantage": name}) for name in ("grpo", "dr_grpo", "ema_grpo", "gdpo", "gs_gdpo")),
    ],
)
def test_ablations_and_baselines_differ_in_what_they_name_alone(name: str, changes: dict[str, Any]) -> None:
    found = different("qwen3-vl-8b", name)
    found.pop("save_every", None)
    assert found == changes


def test_adapters_have_their_own_rate_and_one_process() -> None:
    found = different_but_for_engine("qwen3-vl-8b", "qwen3-vl-8b-lora")
    assert found == {"lora_rank": 64, "learning_rate": 2e-5}
    assert load_recipe("qwen3-vl-8b", {}).g2rpo.lora_rank == 0


def different_but_for_engine(one: str, other: str) -> dict[str, Any]:
    left, right = (load_recipe(name, {}).g2rpo.model_dump() for name in (one, other))
    return {key: right[key] for key in left if left[key] != right[key]}


def test_families_may_be_said_by_their_task_types() -> None:
    recipe = load_recipe(None, {"family": "ocr", "families.geoqa": "math_reasoning", "image_dir": "pictures"})
    assert recipe.row_format.family_of({}, "math") == "document"
    assert recipe.row_format.family_of({"data_source": "GeoQA"}, "math") == "math"
    assert recipe.row_format.image_dir == Path("pictures")


def test_a_stage_ends_by_steps_by_rows_or_by_what_comes_first() -> None:
    assert PolicyRecipe().steps == 100
    by_rows = PolicyRecipe(epochs=1.5, rollout_prompts=8, update_prompts=8)
    assert (by_rows.steps, by_rows.prompts(11), by_rows.most_steps(11)) == (None, 17, 3)
    assert PolicyRecipe.model_validate(by_rows.model_dump()) == by_rows
    assert by_rows.model_copy(update={"steps": 2}).most_steps(11) == 2
    assert by_rows.model_copy(update={"steps": 9}).most_steps(11) == 3


def test_refinement_has_a_lower_rate() -> None:
    recipe = Recipe()
    assert recipe.refine.learning_rate < recipe.g2rpo.learning_rate


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"g2rpo.temprature": 1}, "unknown recipe key 'g2rpo.temprature'; did you mean 'temperature'?"),
        ({"g2rpo.responses": 1}, "recipe key g2rpo.responses: Input should be greater than or equal to 2"),
        ({"g2rpo.advantage": "ppo"}, "recipe key g2rpo.advantage: Input should be 'g2rpo', 'grpo'"),
        ({"g2rpo.families": ["maths"]}, "recipe key g2rpo.families.0: Input should be 'general_vqa'"),
        (
            {"g2rpo.reward": {"format": 0.1, "length": 0.95}},
            "the weights of format and length together exceed 1",
        ),
        ({"g2rpo.reward.lenght": 0.1}, "there is no reward term 'lenght'; did you mean 'length'?"),
        (
            {"g2rpo.reward": {"format": 0.2, "value": 0.5}},
            "the other terms leave 0.7 for the value, not 0.5: weigh those",
        ),
        ({"g2rpo.reward.format": -0.1}, "the weight of format is -0.1: wants 0 or more"),
        ({"g2rpo.update_prompts": 1024}, "update_prompts exceed rollout_prompts"),
        (
            {"g2rpo.shapes.math.length": {"min_start": 9, "peak_start": 4, "peak_end": 20, "max_end": 32}},
            "recipe key g2rpo.shapes.math.length: Value error, a length envelope needs 0 <= min_start",
        ),
        ({"columns.answr": "solution"}, "there is no column 'answr'; did you mean 'answer'?"),
        ({"problem_type": "maths"}, "unknown problem type 'maths'; did you mean 'math'?"),
        ({"families.numerical": "maths"}, "recipe key families.numerical: Input should be 'general_vqa'"),
        ({"held_out": 5}, "held_out is for rows of one's own: the tasks of data = synthetic have test rows"),
        (
            {"g2rpo.eval_data": "held-out", "data": "train.json"},
            "g2rpo.eval_data is held-out, and no row is: set held_out",
        ),
        ({"balance": "rows"}, "recipe key balance: Input should be 'families' or 'none'"),
        ({"stage": "g2rp"}, "unknown stage 'g2rp'; did you mean 'g2rpo'?"),
        ({"tracker": "wandbb"}, "recipe key tracker: Input should be 'none', 'tensorboard'"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("tiny", overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_family_without_a_shape_is_refused(policy_fakes: ModuleType) -> None:
    recipe = PolicyRecipe()
    for category in CATEGORIES:
        assert recipe.shape(policy_fakes.task("x", category)).length
    with pytest.raises(
        UsageError, match=r"poems: no length envelope and entropy band for the family 'verse': add"
    ):
        recipe.shape(policy_fakes.task("poems", "verse"))


def test_a_task_s_own_shape_comes_before_its_family_s(policy_fakes: ModuleType) -> None:
    recipe = PolicyRecipe.model_validate({"shapes": {"sums": policy_fakes.SHAPE}, "by": "task"})
    assert recipe.shape(policy_fakes.task("sums")).length.max_end == 12
    assert recipe.shape(policy_fakes.task("angles")).length.max_end == 3600
    assert recipe.key(policy_fakes.task("angles")) == "angles"


# Whole stages


SHORT = {
    "stages": ["g2rpo"],
    "g2rpo.steps": 2,
    "g2rpo.responses": 2,
    "g2rpo.rollout_prompts": 2,
    "g2rpo.update_prompts": 2,
    "g2rpo.max_new_tokens": 4,
    "g2rpo.fill_rounds": 1,
    "g2rpo.eval_limit": 2,
    "g2rpo.eval_every": 2,
    "tasks": ["chartqa", "refcoco"],
    "threads": 1,
}


def test_a_stage_that_ends_with_an_error_says_why_until_it_starts_again(
    policy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.local import stage

    def fail(*_: Any) -> None:
        raise HarnessError("9 of 10 responses had no verdict")

    whole = stage._train
    monkeypatch.setattr(stage, "_train", fail)
    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path), "g2rpo.eval_every": 0}
    with pytest.raises(HarnessError):
        train("tiny", overrides)
    assert state_of(tmp_path / "g2rpo") == "failed"
    assert failure_of(tmp_path / "g2rpo") == "9 of 10 responses had no verdict"
    monkeypatch.setattr(stage, "_train", whole)
    train("tiny", overrides)
    assert state_of(tmp_path / "g2rpo") == "complete"
    assert failure_of(tmp_path / "g2rpo") is None


def test_a_stage_ends_in_a_model_that_can_be_evaluated(
    policy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cli import main
    from harness.models.hf import HFBackend
    from reports.training.gains import gains
    from reports.training.handover import model_command
    from reports.training.rollouts import Budget, stage_rollouts
    from reports.training.runs import load_training_runs

    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path)}
    folder = tmp_path / "g2rpo" / "model"
    assert train("tiny", overrides) == folder
    assert HFBackend(str(folder)).describe()["model_type"] == "qwen3_vl"
    lines = [json.loads(line) for line in (tmp_path / "g2rpo" / "steps.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert set(lines[2]["eval"]["categories"]) == {"chart", "grounding"}
    assert 0 <= lines[2]["eval"]["unparsed"] <= 1
    assert (tmp_path / "g2rpo" / "eval" / "step-0000002" / "results.json").exists()
    [run] = load_training_runs([tmp_path])
    [stage] = run.stages
    assert (stage.state, stage.planned) == ("complete", 2)
    shown = stage_rollouts(stage, Budget())
    assert [step["step"] for step in shown] == [1, 2]
    assert {len(group["responses"]) for step in shown for group in step["groups"]} == {2}
    assert all(url for step in shown for group in step["groups"] for url in group["pictures"])
    boxed = [group for step in shown for group in step["groups"] if group["family"] == "grounding"]
    assert all(group["shapes"] and group["reference"] for group in boxed)
    [found] = gains(run, stage, ())
    assert [row.label for row in found.rows] == ["Chart", "Grounding", "Overall"]
    said = capsys.readouterr().err
    assert "a family has 1 group in a batch: the second pass over it turns the signs" in said
    command = said.rpartition("evaluate it: ")[2].strip()
    assert command == f"harness eval --model {folder} --tasks chartqa,refcoco --data synthetic"
    assert model_command(stage) == command
    run = tmp_path / "evaluated"
    for model in (folder, tmp_path / "g2rpo" / "checkpoints" / "step-0000002"):
        words = shlex.split(command.replace(str(folder), str(model)))[1:]
        assert main([*words, "--limit", "1", "--no-report", "--fresh", "--out", str(run)]) == 0
        config = json.loads((run / "run.json").read_text())["config"]
        assert (config["prompt"], config["max_new_tokens"]) == ("direct", 4)
    assert train("tiny", overrides).is_dir(), "the same command again is complete"
    with pytest.raises(UsageError, match="was made with another learning_rate"):
        train("tiny", overrides | {"g2rpo.learning_rate": 1.0})


OWN_REWARD = """
def brief(text, sample, score):
    return float(len(text) < 20)

def broken(text, sample, score):
    return float("nan")
"""


def test_a_task_file_and_a_reward_function_of_ones_own(
    fakes: ModuleType,
    policy_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from harness.cli import main

    monkeypatch.chdir(tmp_path)
    Path("own_rewards.py").write_text(OWN_REWARD)
    rows = [fakes.row(number, "AB"[number % 2]) for number in range(6)]
    data = fakes.write(tmp_path / "data", "letters", rows)
    words = ["train", "tiny", "--task-file", str(TESTS / "fakes.py"), "--model", str(policy_model)]
    words += ["--stage", "g2rpo", "--set", "coords='norm1000'"]
    settings = {**SHORT, "tasks": ["letters"], "data": str(data), "g2rpo.eval_data": str(data)}
    for key, value in settings.items():
        words += [] if key == "stages" else ["--set", f"{key}={json.dumps(value)}"]
    assert main([*words, "--out", "one", "--reward", "own_rewards:brief=0.25"]) == 0
    steps = [json.loads(line) for line in Path("one/g2rpo/steps.jsonl").read_text().splitlines()]
    assert set(steps[1]["terms"]) >= {"value", "own"}
    assert steps[2]["eval"]["mean"] is not None
    assert "--tasks letters" in capsys.readouterr().err
    many = ["--set", "g2rpo.responses=8"]
    assert main([*words, *many, "--out", "two", "--reward", "own_rewards:broken=0.25"]) == 1
    assert "responses had no verdict" in capsys.readouterr().err
    assert main([*words, "--out", "three", "--reward", "own_rewards:brief"]) == 2
    assert "not MODULE:FUNCTION=WEIGHT" in capsys.readouterr().err


def test_stages_follow_each_other(policy_model: Path, tmp_path: Path) -> None:
    refine = {key.replace("g2rpo", "refine"): value for key, value in SHORT.items()}
    overrides = (
        SHORT | refine | {"model": str(policy_model), "out": str(tmp_path), "stages": ["g2rpo", "refine"]}
    )
    overrides |= {"refine.families": ["chart"], "g2rpo.eval_every": 0, "refine.eval_every": 0}
    assert train("tiny", overrides).is_dir()
    steps = [json.loads(line) for line in (tmp_path / "refine" / "steps.jsonl").read_text().splitlines()]
    assert set(steps[0]["families"]) == {"chart"}
    assert (tmp_path / "refine" / "model" / "model.safetensors").exists()


def test_a_cold_start_is_not_made_again(policy_model: Path, tmp_path: Path) -> None:
    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path), "stages": ["coldstart", "g2rpo"]}
    overrides |= {
        "g2rpo.eval_every": 0,
        "coldstart.steps": 2,
        "coldstart.batch_size": 2,
        "coldstart.workers": 0,
    }
    assert train("tiny", overrides | {"g2rpo.steps": 1}).is_dir()
    weights = (tmp_path / "model" / "model.safetensors").stat()
    assert train("tiny", overrides).is_dir(), "more steps of the second stage, from the same first"
    assert (tmp_path / "model" / "model.safetensors").stat().st_mtime_ns == weights.st_mtime_ns
    steps = (tmp_path / "g2rpo" / "steps.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in steps] == [1, 2]


def test_families_that_no_task_has_are_refused(policy_model: Path, tmp_path: Path) -> None:
    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path), "g2rpo.families": ["math"]}
    with pytest.raises(UsageError, match="none of the tasks is of the families math"):
        train("tiny", overrides)


def test_a_file_of_the_field_s_format_is_trained_on(
    fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(fakes.picture(7, (64, 64)))
    row = {"problem": "<image> 1 + 1?", "answer": "<answer>2</answer>", "problem_type": "numerical"}
    rows = [row | {"task_type": "math_reasoning", "images": ["a.png"], "problem_id": i} for i in range(3)]
    (tmp_path / "train.json").write_text(json.dumps(rows))
    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path / "out"), "g2rpo.eval_every": 0}
    assert train("tiny", overrides | {"data": str(tmp_path / "train.json")}).is_dir()
    steps = [json.loads(line) for line in (tmp_path / "out" / "g2rpo" / "steps.jsonl").read_text().splitlines()]
    assert [step["families"]["math"]["responses"] for step in steps] == [4, 4]


def test_epochs_of_drawings_are_refused(policy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="epochs goes by the number of rows, and chartqa has no end: set steps"
    ):
        train("tiny", SHORT | {"model": str(policy_model), "out": str(tmp_path), "g2rpo.epochs": 1})


def test_the_command_s_flags_are_keys_of_the_recipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cli import main
    from training import stages

    seen: list[Any] = []
    monkeypatch.setattr(stages, "train", lambda *given: seen.append(given) or "out/model")
    command = ["train", "tiny", "--tracker", "wandb", "--stage", "refine", "--set", "refine.steps=5"]
    assert main(command) == 0
    assert capsys.readouterr().out == "out/model\n"
    assert seen == [("tiny", {"tracker": "wandb", "stage": "refine", "refine.steps": 5})]
    recipe = load_recipe(*seen[0])
    assert (recipe.tracker, recipe.stages, recipe.refine.steps) == ("wandb", ("refine",), 5)


def test_easyr1_s_rows_are_trained_on_and_continued_on_the_same_alone(
    fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [{"bytes": fakes.picture(7, (64, 64)), "path": None}]
    rows = [{"problem": f"<image>{i} + 1?", "answer": f"{i + 1}", "images": images} for i in range(3)]
    path = tmp_path / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    overrides = SHORT | {"model": str(policy_model), "out": str(tmp_path / "out"), "g2rpo.eval_every": 0}
    overrides |= {"data": str(path), "problem_type": "math"}
    assert train("tiny", overrides | {"g2rpo.steps": 1}).is_dir()
    assert train("tiny", overrides).is_dir()
    steps = [json.loads(line) for line in (tmp_path / "out" / "g2rpo" / "steps.jsonl").read_text().splitlines()]
    assert [step["families"]["math"]["responses"] for step in steps] == [4, 4]
    assert [step["epochs"] for step in steps] == [{"math": 0.6667}, {"math": 1.3333}]
    with pytest.raises(UsageError, match="was made with another problem_type"):
        train("tiny", overrides | {"problem_type": "numerical"})
    held = {"held_out": 2, "g2rpo.eval_data": "held-out", "g2rpo.eval_every": 1, "out": str(tmp_path / "held")}
    assert train("tiny", overrides | held).is_dir()
    written = (tmp_path / "held" / "g2rpo" / "eval" / "step-0000001" / "responses.jsonl").read_text()
    judged = [json.loads(line) for line in written.splitlines()]
    assert {line["task"] for line in judged} == {"math/math"}
    assert len({line["id"] for line in judged}) == 2
    lines = (tmp_path / "held" / "g2rpo" / "steps.jsonl").read_text().splitlines()
    [before, first, second] = map(json.loads, lines)
    assert before["eval"]["mean"] == before["eval"]["categories"]["math"]
    assert first["eval"]["mean"] == 50 * sum(line["value"] for line in judged)
    assert second["epochs"] == {"math": 4.0}  # of the one row that is left
    hot = held | {"g2rpo.eval_temperature": 5.0, "g2rpo.steps": 1, "out": str(tmp_path / "hot")}
    assert train("tiny", overrides | hot).is_dir()
    greedy, sampled = (
        [json.loads(line)["response"] for line in path.read_text().splitlines()]
        for path in sorted(tmp_path.glob("h*/g2rpo/eval/step-0000000/responses.jsonl"))
    )
    assert greedy != sampled
    pq.write_table(pa.Table.from_pylist(rows[:2]), path)
    with pytest.raises(UsageError, match="was made with another rows"):
        train("tiny", overrides)
