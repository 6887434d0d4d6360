"""The trl engine in one process: what the local engine gives, and what TRL's methods must look like for it."""

from __future__ import annotations

import inspect
import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

import training.trl.ranks
import training.trl.trainer as trl_trainer
from harness.errors import HarnessError, UsageError
from tasks.types import Sample
from training import stages
from training.data.dataset import HeldProblems
from training.data.prompt_stream import PromptStream
from training.local.policy import Policy
from training.log import StepLog, read_steps, scalars
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe, load_recipe
from training.trl.config import lay_out, never_sample, trl_config
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


def test_a_whole_run_is_the_local_engines(
    policy_fakes: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    local, ours = both(policy_fakes, trl_fakes, policy_model, tmp_path, ramp_steps=3, advantage="ema_grpo")
    expected, found = local_run(local), trl_fakes.run(ours)
    assert trl_fakes.furthest(found, expected) < 1e-5
    assert ours.course.moments.by_family == local.moments.by_family
    told = [read_steps(tmp_path / name / "steps.jsonl") for name in ("local", "trl")]
    for theirs, own in zip(*told, strict=True):
        assert theirs.keys() == own.keys()
        numbers, expected_numbers = dict(scalars(own)), dict(scalars(theirs))
        for clock in [name for name in numbers if name == "seconds" or name.startswith("time/")]:
            del numbers[clock], expected_numbers[clock]
        assert "families/chart/advantage/flips" in numbers
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
    ids, _, shown = ours._read(turn.rows)
    policy = Policy(local.backend.model, local.backend.processor, 1.0)
    inputs, _, _ = policy._inputs([row.rollout for row in turn.rows])
    assert torch.equal(inputs["input_ids"][:, : ids.shape[1]], ids)
    assert len(shown["image_grid_thw"]) == 14
    for name in ("pixel_values", "image_grid_thw"):
        assert torch.equal(shown[name], inputs[name])
    logps, _ = ours._score_rows(turn.rows)
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
    ids, mask, shown = trainer._read([type("Row", (), {"rollout": groups[0][0]})()])
    total, vocabulary = 0.0, trainer.backend.model.config.get_text_config().vocab_size
    with torch.no_grad():
        for token in range(vocabulary):
            if token not in never:
                joined = torch.cat([ids, torch.tensor([[token]])], 1), torch.cat([mask, mask[:, :1]], 1)
                logp, _ = trainer._forward(trainer.model, *joined, 1, shown)
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
    forward = trainer._forward

    def poisoned(*given: Any) -> Any:
        logps, entropies = forward(*given)
        return (logps * float("nan") if torch.is_grad_enabled() else logps), entropies

    trainer._forward = poisoned
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


@pytest.mark.parametrize(
    ("changes", "processes", "said"),
    [
        ({"rollout_prompts": 10, "update_prompts": 4}, 1, r"rollout_prompts \(10\) must be a multiple of"),
        ({"rollout_prompts": 5, "update_prompts": 5, "responses": 3}, 2, "multiple of the 2 processes"),
    ],
)
def test_what_cannot_be_split_evenly_is_refused(changes: dict[str, Any], processes: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        lay_out(PolicyRecipe.model_validate(changes), processes)


@pytest.mark.parametrize(
    ("changes", "said"), [({"dual_clip": 1.2}, "dual_clip"), ({"gradient_every": 2}, "gradient_every")]
)
def test_what_this_engine_does_not_do_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    stage = PolicyRecipe.model_validate(changes)
    with pytest.raises(UsageError, match=f"engine trl: {said}"):
        trl_config(Recipe(), stage, lay_out(stage, 1), tmp_path)


def test_several_gpus_and_one_process_name_the_command_that_uses_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(UsageError, match="accelerate launch --num_processes 8 -m harness train"):
        training.trl.ranks.Ranks()


def test_the_local_engine_says_it_where_it_leaves_gpus_idle(
    policy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    small = {"steps": 1, "responses": 2, "max_new_tokens": 4, "rollout_prompts": 2, "update_prompts": 2}
    given = {"model": str(policy_model), "stage": "g2rpo", "out": str(tmp_path), "tasks": ["chartqa"]}
    stages.train(None, given | {"g2rpo": small})
    said = (
        "4 GPUs are visible and the local engine uses one: accelerate launch --num_processes 4 -m harness train"
    )
    assert said in capfd.readouterr().err


def test_without_trl_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "find_spec", lambda name: None)
    with pytest.raises(HarnessError, match=r'engine trl: .* pip install "vlm-harness\[train\]"'):
        stages.train(None, {"engine": "trl", "model": "tiny", "stage": "g2rpo"})


# Arguments


def test_eight_gpus_take_the_papers_batches_in_128_micro_batches_of_4(tmp_path: Path) -> None:
    recipe = load_recipe("qwen3-vl-8b", {"engine": "trl"})
    layout = lay_out(recipe.g2rpo, 8)
    assert (layout.micro_batch, layout.accumulation, layout.windows) == (4, 32, 4)
    config = trl_config(recipe, recipe.g2rpo, lay_out(recipe.g2rpo, 1), tmp_path)
    assert config.loss_type == "dapo"
    assert (config.epsilon, config.epsilon_high, config.delta, config.beta) == (0.2, 0.3, 3.0, 0.0)
    assert (config.temperature, config.top_p, config.max_completion_length) == (1.0, 1.0, 4096)
    assert (config.learning_rate, config.weight_decay, config.max_grad_norm) == (2e-6, 0.01, 1.0)
    assert config.num_generations == 8
    assert config.steps_per_generation == 4 * config.gradient_accumulation_steps
    assert config.max_steps == 400
    assert not config.use_vllm
    never_sample(config, [3, 5])
    assert config.generation_kwargs == {"suppress_tokens": [3, 5]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"vllm": "colocate", "vllm_gpu_share": 0.4, "vllm_tensor_parallel": 2},
            {
                "vllm_mode": "colocate",
                "vllm_gpu_memory_utilization": 0.4,
                "vllm_tensor_parallel_size": 2,
                "vllm_max_model_length": 16_384 + 4096,
            },
        ),
        (
            {"vllm": "server", "vllm_server": "http://rollout:8000"},
            {"vllm_mode": "server", "vllm_server_base_url": "http://rollout:8000"},
        ),
    ],
)
def test_vllm_is_told_where_it_is_and_drops_no_response(
    tmp_path: Path, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    recipe = Recipe.model_validate({"trl": given})
    config = trl_config(recipe, recipe.g2rpo, lay_out(recipe.g2rpo, 1), tmp_path)
    never_sample(config, [7])
    assert config.use_vllm
    assert {name: getattr(config, name) for name in expected} == expected
    assert config.vllm_importance_sampling_correction
    assert config.vllm_importance_sampling_mode == "token_truncate"
    assert config.vllm_importance_sampling_clip_max == 2.0
    assert config.generation_kwargs == {"logit_bias": {7: -100.0}}


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
        logps, _ = trainer._score_rows(window.rows)
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


@pytest.mark.parametrize(("name", "kind"), [("fsdp", "FSDP"), ("zero3", "DEEPSPEED")])
def test_the_shipped_accelerate_configurations_are_for_eight_gpus(name: str, kind: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    folder = Path(training.trl.ranks.__file__).parent / "accelerate"
    found = load_config_from_file(str(folder / f"{name}.yaml"))
    assert (found.distributed_type, found.num_processes, found.mixed_precision) == (kind, 8, "bf16")


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


# TRL's methods

SIGNATURES = {
    "__init__": "model reward_funcs args train_dataset eval_dataset processing_class reward_processing_classes "
    "callbacks optimizers quantization_config peft_config tools rollout_func environment_factory",
    "training_step": "model inputs num_items_in_batch",
    "get_train_dataloader": "",
    "_prepare_inputs": "generation_batch",
    "_generate": "prompts",
    "_generate_single_turn": "prompt_ids images multimodal_fields num_generations has_tool_images",
    "_generate_and_score_completions": "inputs",
    "_calculate_rewards": "inputs prompts completions completion_ids_list",
    "_get_per_token_logps_and_entropies": "model input_ids attention_mask logits_to_keep batch_size "
    "compute_entropy compute_aux_loss pixel_values image_grid_thw num_images pixel_attention_mask "
    "spatial_shapes num_tiles image_sizes token_type_ids mm_token_type_ids image_position_ids",
    "_compute_loss": "model inputs",
    "_clip_grad_norm": "model",
    "get_decay_parameter_names": "model",
    "create_scheduler": "num_training_steps optimizer",
    "_load_from_checkpoint": "resume_from_checkpoint model",
    "_save_rng_state": "output_dir",
    "_save_optimizer_and_scheduler": "output_dir",
}
"""What the engine overrides or calls of TRL's trainer, and of the one of transformers below it."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_trl_has_the_methods_that_are_overridden(name: str) -> None:
    method = getattr(trl_trainer.GRPOTrainer, name, None)
    assert method is not None, f"TRL's GRPOTrainer has no {name} any more: adapt training/trl/trainer.py"
    found = " ".join(list(inspect.signature(method).parameters)[1:])
    assert found == SIGNATURES[name], f"GRPOTrainer.{name} takes other arguments: adapt training/trl/trainer.py"


def test_nothing_else_is_overridden() -> None:
    own = {
        name
        for name, value in vars(trl_trainer.RankTrainer).items()
        if callable(value) and hasattr(trl_trainer.GRPOTrainer, name)
    }
    assert own <= SIGNATURES.keys()


def test_trl_computes_entropies_with_a_gradient_in_its_fused_head(
    trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trainer = trl_fakes.rank_trainer(policy_model, tmp_path)
    groups = trl_fakes.injected(trainer.course, [("math", [(4, 0.0)])])
    ids, mask, shown = trainer._read([type("Row", (), {"rollout": groups[0][0]})()])
    tokens = torch.tensor([groups[0][0].tokens])
    _, entropies = trainer._forward(
        trainer.model, torch.cat([ids, tokens], 1), torch.cat([mask, torch.ones_like(tokens)], 1), 4, shown
    )
    entropies.sum().backward()
    assert float(trainer.model.lm_head.weight.grad.abs().sum()) > 0
