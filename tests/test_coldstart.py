"""The cold start: recipes, gold answers, batches, the loss, checkpoints, a whole run of two steps."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch

from harness.data.synthetic import synthetic_row
from harness.errors import HarnessError, UsageError
from harness.models import tiny_path
from harness.models.hf import HFBackend
from harness.types import Request, Sampling
from scorers.rules.choice import ChoiceTarget
from scorers.rules.grounding import BoxTarget
from scorers.rules.robospatial import RoboSpatialTarget
from tasks import BUILTIN, load_builtin
from tasks.prompts import render
from tasks.types import Response, Sample
from training import checkpoint
from training.coldstart import vision_warmup
from training.coldstart.optimizers import Optimizers, rate
from training.coldstart.stage import answer_loss, resume
from training.data.examples import Examples, ExampleSettings, stream
from training.data.gold import answer_text, guess_text
from training.models import load_model
from training.recipe import Recipe, load_recipe, task_names
from training.stages import train

TASKS = ("mmbench", "refcoco", "docvqa")


def settings(**changes) -> ExampleSettings:
    given = {
        "processor": str(tiny_path()),
        "tasks": TASKS,
        "data": "synthetic",
        "coords": "norm1000",
        "seed": 3,
        "batch_size": 4,
        "sorted_batches": 2,
    }
    return ExampleSettings(**(given | changes))


# Recipes


def test_the_shipped_recipe_is_read() -> None:
    recipe = load_recipe("tiny-coldstart.toml", {})
    assert recipe.model == "tiny-untrained"
    assert recipe.stages == ("coldstart",)
    assert recipe.coldstart.vision_warmup is not None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"modle": "tiny"}, r"unknown recipe key 'modle'; did you mean 'model'\?"),
        ({"coldstart.step": 3}, r"unknown recipe key 'coldstart.step'; did you mean 'steps'\?"),
        ({"coldstart.vision_warmup.stepps": 3}, r"'coldstart.vision_warmup.stepps'; did you mean 'steps'\?"),
        ({"coldstart.steps": "many"}, "recipe key coldstart.steps: "),
        ({"coldstart.steps": 0}, "recipe key coldstart.steps: "),
        ({"model.name": 1}, "model is a value, not a section"),
        ({"stage": "coldstrat"}, r"unknown stage 'coldstrat'; did you mean 'coldstart'\?"),
    ],
)
def test_bad_recipes_are_said_in_one_line(overrides: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load_recipe("tiny-coldstart", overrides)
    assert "\n" not in str(caught.value)


def test_missing_and_broken_recipe_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tiny-coldstart"):
        load_recipe(tmp_path / "none.toml", {})
    (tmp_path / "bad.toml").write_text("steps = = 3")
    with pytest.raises(UsageError, match="not TOML"):
        load_recipe(tmp_path / "bad.toml", {})


def test_overrides_lie_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("seed = 1\n[coldstart]\nsteps = 5\nbatch_size = 2\n")
    recipe = load_recipe(tmp_path / "my.toml", {"coldstart.steps": 9, "stage": "coldstart"})
    assert (recipe.seed, recipe.coldstart.steps, recipe.coldstart.batch_size) == (1, 9, 2)


def test_tasks_and_suites_are_named() -> None:
    assert task_names(("grounding", "mmmu", "refcoco")) == ("refcoco", "refcoco+", "refcocog", "mmmu")
    assert len(task_names(("all",))) == 18
    with pytest.raises(UsageError, match="unknown task"):
        task_names(("mmmmu",))


# Gold answers


BOX = Sample("a", "q", BoxTarget((10.0, 20.0, 30.0, 40.0), 100, 200))
CHOICE = Sample("a", "q", ChoiceTarget(("red", "blue"), 1), choices=("red", "blue"))
BARE = Sample("a", "q", ChoiceTarget(("A", "B"), 0), choices=("A", "B"))
POINT = Sample("a", "q", RoboSpatialTarget("", ((0.2, 0.2), (0.6, 0.2), (0.6, 0.4), (0.2, 0.4)), 100, 50))


@pytest.mark.parametrize(
    ("sample", "coords", "style", "text"),
    [
        (BOX, "norm1000", "direct", '{"bbox_2d": [100, 100, 300, 200]}'),
        (BOX, "norm1", "direct", '{"bbox_2d": [0.100, 0.100, 0.300, 0.200]}'),
        (BOX, "abs", "direct", '{"bbox_2d": [10, 20, 30, 40]}'),
        (POINT, "norm1000", "direct", '[{"point_2d": [400, 300]}]'),
        (POINT, "norm1", "direct", "[(0.400, 0.300)]"),
        (CHOICE, None, "direct", "<think> blue B</think>B"),
        (CHOICE, None, "think", "<think> blue B</think><answer>B</answer>"),
        (BARE, None, "direct", "A"),
        (Sample("a", "q", RoboSpatialTarget("yes")), "norm1000", "direct", "yes"),
    ],
)
def test_answers_to_teach(sample: Sample, coords, style, text: str) -> None:
    assert answer_text(sample, coords, style) == text


def test_a_careless_answer_is_of_the_kind_asked_for() -> None:
    other = Sample("b", "q", BoxTarget((0.0, 0.0, 50.0, 50.0), 100, 200))
    guess = '<think> Guess.</think><answer>{"bbox_2d": [0, 0, 500, 250]}</answer>'
    assert guess_text(BOX, other, "norm1000") == guess
    assert guess_text(BOX, CHOICE, "norm1000") is None
    assert guess_text(POINT, Sample("b", "q", RoboSpatialTarget("yes")), "norm1000") is None
    assert guess_text(CHOICE, BARE, None) == "<think> Guess.</think><answer>A</answer>"
    three = Sample("b", "q", ChoiceTarget(("A", "B", "C"), 2), choices=("A", "B", "C"))
    assert guess_text(CHOICE, three, None) is None


def test_the_share_of_careless_examples() -> None:
    examples = Examples(settings(think_share=1.0, guess_share=0.7))
    drawn = [example for number in range(8) for batch in examples.group(number) for example in batch]
    careless = sum(example.answer.startswith("<think> Guess.") for example in drawn) / len(drawn)
    assert 0.55 < careless < 0.85


@pytest.mark.parametrize("sample", [BOX, POINT])
def test_a_place_needs_a_declared_convention(sample: Sample) -> None:
    with pytest.raises(ValueError, match="not declared"):
        answer_text(sample, None)
    assert answer_text(BOX, "loc1024") == "<loc0102><loc0102><loc0205><loc0307>"


def test_what_the_convention_cannot_write_is_not_taught() -> None:
    unknown = Sample("a", "q", BoxTarget((10.0, 20.0, 30.0, 40.0)))
    assert answer_text(unknown, "norm1000") is None


@pytest.mark.parametrize("name", BUILTIN)
@pytest.mark.parametrize("style", ["direct", "think"])
def test_what_is_taught_scores_full_marks(name: str, style) -> None:
    task = load_builtin(name)
    for index in range(24):
        for sample in task.to_samples(synthetic_row(name, index, split="train")):
            text = answer_text(sample, "norm1000", style)
            assert text is not None
            score = task.score(sample, Response(text), coords="norm1000")
            number = {"official": score.official, "value": score.value}.get(task.headline.of, score.value)
            assert score.value > 0.95, (text, sample.target)
            assert number is not None
            assert number > 0.95, (text, sample.target)


# Examples


def test_batches_are_a_function_of_seed_and_number() -> None:
    first, again = (Examples(settings()).batches(1) for _ in range(2))
    other = Examples(settings(seed=4)).batches(1)
    for (names, inputs), (same_names, same) in zip(first, again, strict=True):
        assert names == same_names
        assert all(torch.equal(inputs[key], same[key]) for key in inputs)
    assert any(
        not torch.equal(a["labels"], b["labels"]) or x != y for (x, a), (y, b) in zip(first, other, strict=True)
    )


def test_workers_and_resuming_change_nothing() -> None:
    def take(step: int, workers: int, count: int):
        batches = stream(settings(), step, workers)
        return [next(batches) for _ in range(count)]

    here, there = take(0, 0, 6), take(0, 2, 6)
    resumed = take(3, 0, 3)
    for (names, inputs), (other_names, other) in zip([*here, *here[3:]], [*there, *resumed], strict=True):
        assert names == other_names
        assert torch.equal(inputs["input_ids"], other["input_ids"])


def test_every_task_has_its_share() -> None:
    names = [example.task for batch in Examples(settings(batch_size=6)).group(0) for example in batch]
    assert sorted(names) == sorted(TASKS * 4)
    weighted = Examples(settings(batch_size=30, weights=(("docvqa", 0.0),))).group(0)
    assert {example.task for batch in weighted for example in batch} == {"mmbench", "refcoco"}


def test_answers_stand_behind_the_prompt_that_evaluation_shows() -> None:
    examples = Examples(settings())
    [batch, *_] = examples.group(0)
    inputs = examples.collate(batch)
    tokenizer = examples.processor.tokenizer
    width = inputs["labels"].shape[1]
    for row, example in enumerate(batch):
        assert (
            inputs["attention_mask"][row].sum() == example.prompt.tokens + inputs["labels"][row].ne(-100).sum()
        )
        taught = inputs["labels"][row]
        assert tokenizer.decode(taught[taught >= 0]) == example.answer + "<|im_end|>"
        shown = tokenizer.decode(inputs["input_ids"][row, :-width], skip_special_tokens=True).strip()
        assert shown.startswith("user")
        assert shown.endswith("assistant")


def test_train_prompts_are_eval_prompts() -> None:
    example = Examples(settings()).draw(Random(1), "refcoco")
    task = load_builtin("refcoco")
    sample = next(iter(task.to_samples(synthetic_row("refcoco", 0, split="train"))))
    start = render(task, sample, coords="norm1000")[-1]
    assert str(start)[:40] == str(example.prompt.request.parts[-1])[:40]
    assert str(start)[-60:] == str(example.prompt.request.parts[-1])[-60:]


def test_rows_of_a_directory_can_be_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "docvqa"
    folder.mkdir()
    row = synthetic_row("docvqa", 0)
    row.pop("image").save(folder / "0.png")
    (folder / "rows.jsonl").write_text(json.dumps({**row, "image": "0.png"}) + "\n")
    examples = Examples(settings(tasks=("docvqa",), data=str(tmp_path)))
    assert examples.draw(Random(0), "docvqa").answer == row["answers"][0]


def test_rows_without_answers_are_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "docvqa"
    folder.mkdir()
    row = synthetic_row("docvqa", 0)
    row.pop("image").save(folder / "0.png")
    (folder / "rows.jsonl").write_text(json.dumps({**row, "answers": None, "image": "0.png"}) + "\n")
    with pytest.raises(HarnessError, match="docvqa"):
        Examples(settings(tasks=("docvqa",), data=str(tmp_path))).draw(Random(0), "docvqa")


# Loss, schedule, optimizers, checkpoints


def test_the_loss_is_on_answers_alone() -> None:
    model = load_model(tiny_path(), Recipe())
    [(_, inputs), *_] = Examples(settings()).batches(0)
    loss, rows = answer_loss(model, inputs)
    logits = model(**{key: value for key, value in inputs.items() if key != "labels"}).logits
    width = inputs["labels"].shape[1]
    each = torch.nn.functional.cross_entropy(
        logits[:, -width - 1 : -1].transpose(1, 2), inputs["labels"], ignore_index=-100, reduction="none"
    )
    lengths = inputs["labels"].ne(-100).sum(1)
    torch.testing.assert_close(rows, each.sum(1) / lengths)
    weights = 1 / lengths.sqrt()
    expected = (each.sum(1) * weights).sum() / (lengths * weights).sum()
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(
    ("step", "schedule", "share"),
    [
        (0, "cosine", 0.1),
        (9, "cosine", 1.0),
        (10, "cosine", 1.0),
        (60, "cosine", 0.5),
        (110, "cosine", 0.0),
        (60, "constant", 1.0),
    ],
)
def test_learning_rate(step: int, schedule, share: float) -> None:
    assert rate(step, 110, 10, schedule) == pytest.approx(share)


def _optimizers(model) -> Optimizers:
    return Optimizers(
        model.named_parameters(),
        "muon",
        learning_rate=1e-3,
        muon_learning_rate=1e-2,
        weight_decay=0.0,
        max_grad_norm=1.0,
    )


def _train(model, optimizers: Optimizers, first: int, last: int) -> list[float]:
    losses = []
    for step, (_, inputs) in zip(range(first, last), stream(settings(), first, 0), strict=False):
        loss, _ = answer_loss(model, inputs)
        torch.autograd.backward(loss)
        optimizers.step(rate(step, 8, 0, "constant"))
        losses.append(loss.item())
    return losses


CPU = torch.device("cpu")


def test_a_resumed_run_is_the_run(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = load_model(tiny_path(), Recipe())
    optimizers = _optimizers(model)
    _train(model, optimizers, 0, 2)
    checkpoint.write(tmp_path, 2, optimizers.state(), {"settings": {"steps": 8}}, lambda _: None)
    straight = _train(model, optimizers, 2, 4)

    fresh = load_model(tiny_path(), Recipe())
    other = _optimizers(fresh)
    assert resume(tmp_path, {"steps": 8}, other, CPU) == (2, {})
    assert _train(fresh, other, 2, 4) == pytest.approx(straight, rel=1e-5)


def test_checkpoints_of_other_settings_are_refused(tmp_path: Path) -> None:
    optimizers = _optimizers(torch.nn.Linear(2, 2))
    assert resume(tmp_path, {"a": 1}, optimizers, CPU) == (0, {})
    state = {"settings": {"a": 1}, "unlogged": {"chartqa": [0.1, 1 / 3]}}
    checkpoint.write(tmp_path, 3, optimizers.state(), state, lambda _: None)
    assert resume(tmp_path, {"a": 1}, optimizers, CPU) == (3, {"chartqa": [0.1, 1 / 3]})
    with pytest.raises(UsageError, match="another a:"):
        resume(tmp_path, {"a": 2}, optimizers, CPU)


# Vision warm-up


def test_warm_up_drawings_are_seeded_and_labelled() -> None:
    from harness.models.processors import load_processor

    processor = load_processor(tiny_path())
    first, same, other = (vision_warmup.batch(processor, 0, number, 3) for number in (5, 5, 6))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert first["pixel_values"].shape != other["pixel_values"].shape or not torch.equal(
        first["pixel_values"], other["pixel_values"]
    )
    cells = len(first["looks"])
    assert cells == int(first["image_grid_thw"].prod(1).sum()) // 4
    assert first["characters"].shape == (cells, 2)
    assert first["box_cells"].max() < cells
    assert ((first["boxes"] >= 0) & (first["boxes"] <= 1)).all()


def test_warm_up_labels_say_what_is_drawn() -> None:
    for seed in range(40):
        image, labels = vision_warmup.draw(Random(seed), (160, 128))
        for cell, box in labels.boxes:
            x, y = round((box[0] + box[2]) * 80), round((box[1] + box[3]) * 64)
            assert cell == min(y // 32, 3) * 5 + min(x // 32, 4)
            assert sum(labels.looks[cell]) >= 2
            pixel = image.getpixel((x, y))
            near = min(
                vision_warmup.COLOURS,
                key=lambda c: sum(abs(a - b) for a, b in zip(pixel, vision_warmup.COLOURS[c], strict=True)),
            )
            assert labels.looks[cell][vision_warmup.WORDS.index(near)] == 1.0


# Whole runs


SHORT = {
    "coldstart.steps": 2,
    "coldstart.batch_size": 2,
    "coldstart.sorted_batches": 1,
    "coldstart.workers": 0,
    "coldstart.log_every": 1,
    "coldstart.save_every": 1,
    "threads": 1,
    "tasks": ["refcoco", "mmbench"],
}


def test_two_steps_from_nothing_make_a_model_that_answers(tmp_path: Path) -> None:
    out = tmp_path / "run"
    overrides = SHORT | {
        "out": str(out),
        "coldstart.vision_warmup.steps": 2,
        "coldstart.vision_warmup.batch_size": 2,
    }
    assert train("tiny-coldstart", overrides) == out / "model"
    lines = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "coldstart"] == [1, 2]
    assert (out / "checkpoints" / "step-0000001" / "training" / "state.json").exists()
    backend = HFBackend(str(out / "model"))
    [(_, response)] = backend.generate([Request("a", ("Hello",), (), Sampling(4))])
    assert response.error is None
    weights = (out / "model" / "model.safetensors").read_bytes()
    assert train("tiny-coldstart", overrides).is_dir(), "the same command again: nothing is left to do"
    steps = [json.loads(line)["step"] for line in (out / "train.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    (out / "coldstart.json").unlink()
    assert train("tiny-coldstart", overrides).is_dir(), "stopped before its end: the checkpoint is taken up"
    steps = [json.loads(line)["step"] for line in (out / "train.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    assert (out / "model" / "model.safetensors").read_bytes() == weights
    with pytest.raises(UsageError, match="was made with another seed: give another out, or remove"):
        train("tiny-coldstart", overrides | {"seed": 1})


def test_any_folder_can_be_trained_further(tmp_path: Path) -> None:
    overrides = SHORT | {"model": str(tiny_path()), "out": str(tmp_path), "coldstart.optimizer": "adamw"}
    assert train(None, overrides).is_dir()
    assert HFBackend(str(tmp_path / "model")).describe()["model_type"] == "qwen3_vl"


def test_a_model_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such model folder"):
        train(None, SHORT | {"model": "/nowhere", "out": str(tmp_path)})
