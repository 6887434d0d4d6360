"""The trl engine in one process: what the local engine gives, and what TRL's methods must look like for it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

from harness.errors import HarnessError, UsageError
from tasks.types import Sample
from training.data.dataset import HeldProblems
from training.data.prompt_stream import PromptStream
from training.local.policy import Policy
from training.log import StepLog, read_steps, scalars
from training.policy_recipe import PolicyRecipe
from training.trl.config import lay_out
from training.trl.rollout import Turn, deal

PLAN = [
    ("math", [(2, 0.0), (6, 1.0), (5, 0.25), (3, 0.5)]),
    ("chart", [(4, 1.0), (1, 0.0), (6, 0.0)]),  # one response of it had no verdict
    ("math", [(6, 0.0), (6, 0.0), (5, 0.0), (2, 1.0)]),
    ("chart", [(3, 0.75), (4, 1.0), (2, 0.5), (5, 0.25)]),
]


def local_run(trainer: Any) -> dict[str, torch.Tensor]:
    trainer.run(StepLog(trainer.stage.folder / "steps.jsonl"))
    return {name: value.detach().clone() for name, value in trainer.policy.model.named_parameters()}


def both(
    policy_fakes: ModuleType, trl_fakes: ModuleType, model: Path, out: Path, **changes: Any
) -> tuple[Any, Any]:
    """A trainer of each engine on the same model, prompts and settings."""
    return (
        policy_fakes.trainer(model, out / "local", **changes),
        trl_fakes.rank_trainer(model, out / "trl", **changes),
    )


def keep_gradients(local: Any, ours: Any) -> dict[str, list[dict[str, torch.Tensor]]]:
    """The gradients of each update, before they are clipped."""
    kept: dict[str, list[dict[str, torch.Tensor]]] = {"local": [], "trl": []}
    step, clip = local.stepper.step, ours._clip_grad_norm

    def keep(name: str, model: Any) -> None:
        named = model.named_parameters()
        kept[name].append({key: value.grad.clone() for key, value in named if value.grad is not None})

    def local_step() -> float:
        keep("local", local.policy.model)
        return step()

    def trl_clip(model: Any) -> Any:
        keep("trl", ours.backend.model)
        return clip(model)

    local.stepper.step, ours._clip_grad_norm = local_step, trl_clip
    return kept


# What the local engine gives


@pytest.mark.parametrize(("advantage", "windows"), [("g2rpo", 1), ("ema_grpo", 2), ("gdpo", 2)])
def test_injected_rollouts_have_the_local_engines_advantages_and_update(
    policy_fakes: ModuleType,
    trl_fakes: ModuleType,
    policy_model: Path,
    tmp_path: Path,
    advantage: str,
    windows: int,
) -> None:
    local, ours = both(
        policy_fakes,
        trl_fakes,
        policy_model,
        tmp_path,
        steps=1,
        micro_batch=3,
        learning_rate=1e-4,
        advantage=advantage,
        **({"update_prompts": 4} if windows == 1 else {}),
    )
    trl_fakes.feed(local, trl_fakes.injected(local, PLAN))
    trl_fakes.feed(ours, trl_fakes.injected(ours.course, PLAN))
    turns: list[Turn] = []
    take = ours.take
    ours.take = lambda turn, groups, inputs: (take(turn, groups, inputs), turns.append(turn))
    _, expected = local.advantages([each for group in trl_fakes.injected(local, PLAN) for each in group])
    local.moments.by_family.clear()
    gradients = keep_gradients(local, ours)
    found = trl_fakes.run(ours)
    [turn] = turns
    assert turn.advantages == pytest.approx(expected, abs=1e-9)
    before = policy_fakes.weights(policy_fakes.trainer(policy_model, tmp_path / "untouched"))
    updated = local_run(local)
    assert trl_fakes.furthest(updated, before) > 0.9e-4
    assert trl_fakes.furthest(found, updated) < 1e-5
    assert len(gradients["local"]) == len(gradients["trl"]) == windows
    # Only the first update is of the very same weights.
    assert trl_fakes.furthest(gradients["local"][0], gradients["trl"][0]) < 1e-6


@pytest.mark.parametrize("changes", [{}, {"rollout_prompts": 6, "fill_rounds": 1, "by": "task"}])
def test_a_whole_run_is_the_local_engines(
    policy_fakes: ModuleType,
    trl_fakes: ModuleType,
    policy_model: Path,
    tmp_path: Path,
    changes: dict[str, Any],
) -> None:
    """In the second case too few groups are kept: the last mini-batch is smaller, or not there."""
    settings = {"ramp_steps": 3, "advantage": "ema_grpo"} | changes
    local, ours = both(policy_fakes, trl_fakes, policy_model, tmp_path, **settings)
    expected, found = local_run(local), trl_fakes.run(ours)
    assert trl_fakes.furthest(found, expected) < 1e-5
    assert ours.course.moments.by_family == local.moments.by_family
    told = [read_steps(tmp_path / name / "steps.jsonl") for name in ("local", "trl")]
    for theirs, own in zip(*told, strict=True):
        assert theirs.keys() == own.keys()
        numbers, expected_numbers = dict(scalars(own)), dict(scalars(theirs))
        for clock in [name for name in numbers if name == "seconds" or name.startswith("time/")]:
            del numbers[clock], expected_numbers[clock]
        assert f"families/{'bars' if changes else 'chart'}/advantage/flips" in numbers
        assert numbers == pytest.approx(expected_numbers, rel=1e-4, abs=2e-6)


@pytest.mark.parametrize(("band", "rises"), [((6.0, 7.0), True), ((0.0, 1.0), False)])
def test_the_hinge_alone_moves_the_entropy_into_its_band_as_the_local_engine_does(
    policy_fakes: ModuleType,
    trl_fakes: ModuleType,
    policy_model: Path,
    tmp_path: Path,
    band: tuple[float, float],
    rises: bool,
) -> None:
    shape = policy_fakes.SHAPE | {"entropy": {"low": band[0], "high": band[1]}}
    local, ours = both(
        policy_fakes,
        trl_fakes,
        policy_model,
        tmp_path,
        steps=3,
        learning_rate=1e-4,
        entropy_weight=1.0,
        micro_batch=3,
        shapes={"math": shape, "chart": shape},
    )
    for trainer in (local, ours.course):
        estimate = trainer.advantages

        def nothing(rollouts: Any, estimate: Any = estimate) -> Any:
            batch, advantages = estimate(rollouts)
            return batch, advantages * 0.0

        trainer.advantages = nothing
        trl_fakes.feed(trainer, trl_fakes.injected(trainer, PLAN))
    expected, found = local_run(local), trl_fakes.run(ours)
    assert trl_fakes.furthest(found, expected) < 1e-5
    entropies = [line["entropy"] for line in read_steps(tmp_path / "trl" / "steps.jsonl")]
    steps = [later - earlier for earlier, later in pairwise(entropies)]
    assert all(step > 0 if rises else step < 0 for step in steps)


def test_inside_their_bands_entropies_are_left_alone(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    shapes = {"math": {"length": {"min_start": 0, "peak_start": 2, "peak_end": 6, "max_end": 12}}}
    shapes["math"]["entropy"] = {"low": 0.0, "high": 9.0}
    shapes["chart"] = shapes["math"]
    runs = []
    for weight in (0.0, 5.0):
        trainer = trl_fakes.rank_trainer(
            policy_model, tmp_path / str(weight), steps=1, entropy_weight=weight, shapes=shapes
        )
        runs.append(trl_fakes.run(trainer))
    assert trl_fakes.furthest(*runs) == 0


def test_several_images_are_shown_in_order_as_the_local_engine_shows_them(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums")
    samples = [
        Sample(
            f"s{number}",
            "<image 1> or <image 2>?",
            policy_fakes.WordTarget("x"),
            images=tuple(policy_fakes.picture(shade) for shade in shades),
        )
        for number, shades in enumerate([(10, 200), (200, 10), (90, 10, 170)])
    ]
    three = {"rollout_prompts": 3, "update_prompts": 3}
    local, ours = both(policy_fakes, trl_fakes, policy_model, tmp_path, tasks=[task], **three)
    for trainer in (local, ours.course):
        trainer.stream = PromptStream([HeldProblems(task, samples)], 0)
    plan = [("math", [(3, 0.0), (5, 1.0)])] * 3
    theirs = [each for group in trl_fakes.injected(local, plan) for each in group]
    turn = Turn(1, 0.0)
    places = [list(range(len(theirs)))]
    turn.windows = deal(
        theirs,
        [0.0] * 6,
        places,
        lay_out(PolicyRecipe(rollout_prompts=3, update_prompts=3, responses=2, micro_batch=6), 1),
        0,
    )
    ids, _, shown = ours.measurer.read(turn.rows)
    policy = Policy(local.backend.model, local.backend.processor, 1.0)
    inputs, _, _ = policy._inputs([row.rollout for row in turn.rows])
    assert torch.equal(inputs["input_ids"][:, : ids.shape[1]], ids)
    assert len(shown["image_grid_thw"]) == 14
    for name in ("pixel_values", "image_grid_thw"):
        assert torch.equal(shown[name], inputs[name])
    logps, _ = ours.measurer.measure(ours.model, turn.rows)
    expected = policy.log_probabilities([row.rollout for row in turn.rows])
    for row, own, other in zip(turn.rows, logps, expected.split(expected.logps), strict=True):
        torch.testing.assert_close(own[: len(row.tokens)], other.detach(), rtol=1e-4, atol=1e-5)


def test_image_tokens_have_no_probability_and_the_others_all_of_it(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trainer = trl_fakes.rank_trainer(policy_model, tmp_path)
    never = trainer.backend.input_only
    assert len(never) >= 2
    groups = trl_fakes.injected(trainer.course, [("math", [(1, 0.0)])])
    ids, mask, shown = trainer.measurer.read([type("Row", (), {"rollout": groups[0][0]})()])
    total, vocabulary = 0.0, trainer.backend.model.config.get_text_config().vocab_size
    with torch.no_grad():
        for token in range(vocabulary):
            if token not in never:
                joined = torch.cat([ids, torch.tensor([[token]])], 1), torch.cat([mask, mask[:, :1]], 1)
                logp, _ = trainer.measurer.forward(trainer.model, *joined, shown, keep=1)
                total += float(logp.exp())
    assert total == pytest.approx(1.0, abs=1e-4)
    assert trainer.generation_config.suppress_tokens == never
    assert trainer.backend.model.get_output_embeddings() is trainer.backend.model.lm_head


# What may go wrong


def test_what_is_not_finite_is_skipped_and_counted_and_ends_the_run_above_its_budget(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trainer = trl_fakes.rank_trainer(policy_model, tmp_path, entropy_weight=0.0)
    before = trl_fakes.weights(trainer)
    forward = trainer.measurer.forward

    def poisoned(*given: Any, keep: int) -> Any:
        logps, entropies = forward(*given, keep=keep)
        return (logps * float("nan") if torch.is_grad_enabled() else logps), entropies

    trainer.measurer.forward = poisoned
    with pytest.raises(HarnessError, match=r"4 of 4 updates were not finite and skipped.*; the last: the loss"):
        trl_fakes.run(trainer)
    [first] = read_steps(tmp_path / "steps.jsonl")
    assert first["skipped_updates"] == 2
    assert first["updates"] == 0
    json.dumps(first, allow_nan=False)
    assert trl_fakes.furthest(trl_fakes.weights(trainer), before) == 0


def test_a_vanished_image_costs_its_prompt_and_is_counted(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    from tasks.images import ImageRef
    from training.trl.sampling import TrlSampler

    task, target = policy_fakes.task("sums"), policy_fakes.WordTarget("x")
    gone = Sample("gone", "?", target, images=(ImageRef(tmp_path / "gone.png"),))
    rest = [Sample(str(i), f"{i}?", target, images=(policy_fakes.picture(i),)) for i in range(3)]
    trainer = trl_fakes.rank_trainer(policy_model, tmp_path, [task], steps=1, fill_rounds=1)
    for sampler in (trainer.course.sampler, TrlSampler(trainer.backend, trainer, trainer.course.ranks, None)):
        trainer.course.sampler = sampler
        trainer.course.stream = PromptStream([HeldProblems(task, [gone, *rest])], 0)
        trainer.course.budgets["responses"].restore([0, 0])
        sampled: list[Any] = []
        acceptance = trl_fakes.Acceptance()
        trainer.course.collect(1, sampled, acceptance)
        assert trainer.course.counted()["bad"]["responses"] == 4
        assert len(sampled) == 12
        assert acceptance.by_family["math"]["too few"] == 1


def test_a_prompt_that_is_too_long_is_passed_over_as_under_the_local_engine(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums")
    settings = {"tasks": [task], "max_prompt_tokens": 200, "fill_rounds": 1}
    local, ours = both(policy_fakes, trl_fakes, policy_model, tmp_path, **settings)
    asked = []
    for stage in (local, ours.course):
        stage.stream = PromptStream([policy_fakes.lengths(task, [2, 300, 3, 300, 4, 300])], 0)
        sampled = policy_fakes.collected(stage)
        asked.append([rollout.prompt.sample.id for rollout in sampled])
        assert set(asked[-1]) <= {"0-2", "2-3", "4-4"}
        assert stage.counted()["bad"]["prompts"] > 0
    assert asked[0] == asked[1]
    assert local.stream.state() == ours.course.stream.state()


# Another sampler


def test_tokens_that_another_sampler_gave_weigh_their_ratio_at_most_the_bound(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    """As vLLM's do; its log-probabilities are made up."""
    trainer = trl_fakes.rank_trainer(policy_model, tmp_path, micro_batch=4)
    groups = trl_fakes.injected(trainer.course, PLAN)
    rollouts = [each for group in groups for each in group]
    off = {each.request.key: 0.1 * place - 0.5 for place, each in enumerate(rollouts)}
    turn = Turn(1, 0.0)
    trainer.turn = turn
    trainer.take(turn, groups)  # without: none are corrected
    scored = {}
    for window in turn.windows:
        logps, _ = trainer.measurer.measure(trainer.model, window.rows)
        scored |= {row.rollout.request.key: own for row, own in zip(window.rows, logps, strict=True)}
    for each in rollouts:
        own = scored[each.request.key][: len(each.tokens)]
        trainer.course.sampled_logps[each.request.key] = tuple((own - off[each.request.key]).tolist())
    trainer.use_vllm = True
    trainer.vllm_importance_sampling_mode, trainer.vllm_importance_sampling_clip_max = "token_truncate", 2.0
    trainer.take(turn, groups)
    rows = 0
    for micro in (each for window in trainer._micro for each in window):
        for row, ratio in zip(micro["rows"], micro["importance_sampling_ratio"], strict=True):
            if row.real:
                expected = min(2.0, float(torch.tensor(off[row.rollout.request.key]).exp()))
                assert ratio[: len(row.tokens)].tolist() == pytest.approx(
                    [expected] * len(row.tokens), rel=1e-4
                )
                rows += 1
    assert rows == len(rollouts)


# Checkpoints


def test_adapters_train_alone_and_a_checkpoint_of_them_names_its_base(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    from training.models import with_adapters

    def trainer(steps: int, folder: str) -> Any:
        return trl_fakes.rank_trainer(
            policy_model, tmp_path / folder, steps=steps, around=lambda model: with_adapters(model, 2)
        )

    whole = trl_fakes.run(trainer(2, "whole"))
    trl_fakes.run(trainer(1, "parts"))
    assert trl_fakes.furthest(trl_fakes.run(trainer(2, "parts")), whole) == 0
    plain = trl_fakes.weights(trainer(1, "untouched"))
    changed = {name for name in plain if not torch.equal(plain[name], whole[name])}
    assert changed
    assert all("lora_" in name for name in changed)
    folder = tmp_path / "parts" / "checkpoints" / "step-0000002"
    settings = json.loads((folder / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(policy_model.resolve())


def test_by_epochs_it_ends_as_the_local_engine_does_wherever_it_was_stopped(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    def make(folder: str, **changes: Any) -> Any:
        settings = {"steps": None, "epochs": 1.1, "save_every": 50}
        return trl_fakes.rank_trainer(policy_model, tmp_path / folder, **settings | changes)

    local = policy_fakes.trainer(policy_model, tmp_path / "local", steps=None, epochs=1.1)
    local_run(local)
    whole = trl_fakes.run(trainer := make("whole"))
    assert trainer.course.stream.state() == local.stream.state()
    told = [read_steps(tmp_path / name / "steps.jsonl")[-1]["step"] for name in ("local", "whole")]
    assert told[0] == told[1] < 5, "prompts were drawn in the place of others"
    trl_fakes.run(make("parts", steps=1))
    for _ in range(2):  # the second has nothing left to do
        assert trl_fakes.furthest(trl_fakes.run(make("parts")), whole) == 0
        assert read_steps(tmp_path / "parts" / "steps.jsonl")[-1]["step"] == told[0]


def test_another_engines_checkpoint_is_refused(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trl_fakes.run(trl_fakes.rank_trainer(policy_model, tmp_path, steps=1))
    with pytest.raises(UsageError, match="was made with another responses"):
        trl_fakes.run(trl_fakes.rank_trainer(policy_model, tmp_path, steps=2, responses=2))
    with pytest.raises(HarnessError, match=r"tensors\.pt cannot be read"):
        policy_fakes.trainer(policy_model, tmp_path, steps=2).resume()


# From a recipe


@pytest.mark.slow
def test_harness_train_runs_both_stages_and_goes_on(
    policy_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from harness.cli import main
    from harness.models.hf import HFBackend

    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"""
        stages = ["g2rpo", "refine"]
        model = "{policy_model}"
        out = "{tmp_path / "out"}"
        tasks = ["chartqa", "refcoco"]
        coords = "norm1000"
        engine = "trl"
        [g2rpo]
        steps = 2
        responses = 2
        max_new_tokens = 4
        rollout_prompts = 2
        update_prompts = 2
        eval_every = 2
        eval_limit = 1
        [refine]
        steps = 1
        responses = 2
        max_new_tokens = 4
        rollout_prompts = 2
        update_prompts = 2
        families = ["chart"]
        """
    )
    assert main(["train", str(recipe), "--set", "g2rpo.steps=1", "--stage", "g2rpo"]) == 0
    assert main(["train", str(recipe)]) == 0
    assert capfd.readouterr().out.strip().splitlines()[-1] == str(tmp_path / "out" / "refine" / "model")
    lines = read_steps(tmp_path / "out" / "g2rpo" / "steps.jsonl")
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert set(lines[2]["eval"]["categories"]) == {"chart", "grounding"}
    [refined] = read_steps(tmp_path / "out" / "refine" / "steps.jsonl")
    assert set(refined["families"]) == {"chart"}
    assert HFBackend(str(tmp_path / "out" / "g2rpo" / "checkpoints" / "step-0000002")).model is not None


def test_batches_are_tried_at_the_precision_that_is_computed_with(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    backend = trl_fakes.rank_trainer(policy_model, tmp_path).backend
    assert backend._itemsize() == 4
    with torch.autocast("cpu", torch.bfloat16):
        assert backend._itemsize() == 2


class FakeVllm:
    """Answers as `trl.generation.vllm_generation.VLLMGeneration` does."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[list[int]], Any]] = []
        self.synced = 0

    def sync_weights(self) -> None:
        self.synced += 1

    def generate(self, prompts: Any, images: Any, num_generations: int, profiler: Any = None) -> Any:
        assert num_generations == 4
        self.asked.append((prompts, images))
        answers = [[11 + place % 5, 12, 2][: 1 + place % 3] for place in range(len(prompts))]
        logps = [[[-0.5 * (place + 1)] for place in range(len(answer))] for answer in answers]
        logps[0][0] = [None]
        return prompts, answers, logps, None


def test_vllm_is_shown_each_prompts_tokens_and_pictures_and_its_probabilities_are_kept(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    from training.trl.sampling import TrlSampler

    task, target = policy_fakes.task("sums"), policy_fakes.WordTarget("x")
    pictures = [(policy_fakes.picture(10), policy_fakes.picture(200)), (policy_fakes.picture(90),)]
    questions = ("<image 1> or <image 2>?", "<image 1>?")
    samples = [
        Sample(question, question, target, images=shown)
        for question, shown in zip(questions, pictures, strict=True)
    ]
    trainer = trl_fakes.rank_trainer(
        policy_model, tmp_path, [task], rollout_prompts=2, fill_rounds=1, low_accuracy=0, high_accuracy=1
    )
    trainer.course.stream = PromptStream([HeldProblems(task, samples)], 0)
    trainer.course.sampler = TrlSampler(trainer.backend, trainer, trainer.course.ranks, None)
    vllm = trainer.vllm_generation = FakeVllm()
    trainer.use_vllm, trainer._last_loaded_step = True, -1
    sampled: list[Any] = []
    trainer.course.collect(1, sampled, trl_fakes.Acceptance())
    [(prompts, shown)] = vllm.asked
    assert vllm.synced == 1
    assert len(prompts) == len(shown) == len(sampled) == 8
    image = trainer.backend.model.config.image_token_id
    for ids, images, rollout in zip(prompts, shown, sampled, strict=True):
        expected = rollout.prompt.sample.images
        assert [picture.tobytes() for picture in images] == [each.picture().tobytes() for each in expected]
        assert ids.count(image) == 4 * len(expected)
        alone = trainer.backend.read([rollout.request]).inputs["input_ids"][0].tolist()
        assert ids == alone, "without padding"
    kept = [trainer.course.sampled_logps[rollout.request.key] for rollout in sampled]
    assert [len(own) for own in kept] == [len(rollout.tokens) for rollout in sampled]
    assert kept[1] == (-0.5, -1.0)
    assert kept[0][0] != kept[0][0], "what vLLM cannot score is no number, and weighs 1"
