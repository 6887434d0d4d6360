"""A recipe as TRL's arguments: what is refused, what eight GPUs get, what vLLM is told; and TRL's methods."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

import training.trl.ranks
import training.trl.trainer as trl_trainer
from harness.errors import HarnessError, UsageError
from training import stages
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe, load_recipe
from training.trl.config import is_sharded, lay_out, never_sample, trl_config


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
    recipe = load_recipe("qwen3-vl-8b", {"trl.vllm": "off"})
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


@pytest.mark.parametrize(("name", "kind"), [("fsdp", "FSDP"), ("zero3", "DEEPSPEED")])
def test_the_shipped_accelerate_configurations_are_for_eight_gpus(name: str, kind: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    folder = Path(training.trl.ranks.__file__).parent / "accelerate"
    found = load_config_from_file(str(folder / f"{name}.yaml"))
    assert (found.distributed_type, found.num_processes, found.mixed_precision) == (kind, 8, "bf16")


@pytest.mark.parametrize(("value", "sharded"), [("true", True), ("false", False)])
def test_fsdp_is_known_before_a_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, sharded: bool
) -> None:
    stage = PolicyRecipe()
    config = trl_config(Recipe(), stage, lay_out(stage, 1), tmp_path)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", value)
    assert is_sharded(config) is sharded


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
    ids, mask, shown = trainer.measurer.read([type("Row", (), {"rollout": groups[0][0]})()])
    tokens = torch.tensor([groups[0][0].tokens])
    joined = torch.cat([ids, tokens], 1), torch.cat([mask, torch.ones_like(tokens)], 1)
    _, entropies = trainer.measurer.forward(trainer.model, *joined, shown, keep=4)
    entropies.sum().backward()
    assert float(trainer.model.lm_head.weight.grad.abs().sum()) > 0
