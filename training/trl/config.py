"""A recipe as TRL's arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig

from harness.errors import UsageError
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe, TrlRecipe
from training.trl.ranks import PATIENCE


@dataclass(frozen=True, slots=True)
class Layout:
    """How a rollout batch is split: into windows of one update each, over processes, into micro-batches."""

    processes: int
    windows: int
    """Updates a rollout batch."""
    rows: int
    """Responses of a window, over all processes; places that are not filled are empty."""
    micro_batch: int
    """Responses of a process in one forward and backward pass."""
    accumulation: int
    """Micro-batches of a process in a window."""


def lay_out(recipe: PolicyRecipe, processes: int) -> Layout:
    """The layout of a stage's rollout batches; micro-batches are the largest that divide evenly.

    Raises:
        UsageError: they cannot be split evenly; the message says what can.
    """
    windows, left = divmod(recipe.rollout_prompts, recipe.update_prompts)
    if left:
        raise UsageError(
            f"engine trl: rollout_prompts ({recipe.rollout_prompts}) must be a multiple of update_prompts "
            f"({recipe.update_prompts})"
        )
    rows = recipe.update_prompts * recipe.responses
    share, left = divmod(rows, processes)
    if left:
        raise UsageError(
            f"engine trl: update_prompts × responses ({recipe.update_prompts} × {recipe.responses}) must be a "
            f"multiple of the {processes} processes"
        )
    micro = max(size for size in range(1, recipe.micro_batch + 1) if share % size == 0)
    return Layout(processes, windows, rows, micro, share // micro)


def check(recipe: PolicyRecipe) -> None:
    """Refuse what this engine does not do.

    Raises:
        UsageError: naming the key.
    """
    if recipe.dual_clip < 1 + recipe.clip_high:
        raise UsageError(
            f"engine trl: dual_clip ({recipe.dual_clip:g}) must be at least 1 + clip_high "
            f"({1 + recipe.clip_high:g})"
        )
    if recipe.kl_weight:
        raise UsageError("engine trl: kl_weight is of the local engine alone: set it to 0")
    if recipe.gradient_every:
        raise UsageError("engine trl: gradient_every is measured by the local engine alone: set it to 0")


def trl_config(recipe: Recipe, stage: PolicyRecipe, layout: Layout, folder: Path, rows: int = 0) -> GRPOConfig:
    """TRL's arguments for a stage.

    Args:
        recipe: the whole recipe.
        stage: the stage's settings.
        layout: how rollout batches are split.
        folder: of the stage.
        rows: of the data; what `epochs` counts.

    Raises:
        UsageError: the stage asks for something that this engine does not do.
    """
    check(stage)
    on_cpu = not torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(folder),
        seed=recipe.seed,
        use_cpu=on_cpu,
        bf16=not on_cpu and recipe.dtype != "float32",
        max_steps=stage.most_steps(rows) * layout.windows,
        per_device_train_batch_size=layout.micro_batch,
        gradient_accumulation_steps=layout.accumulation,
        steps_per_generation=layout.accumulation * layout.windows,
        num_generations=stage.responses,
        max_completion_length=stage.max_new_tokens,
        temperature=stage.temperature,
        top_p=stage.top_p,
        # The loss: a mean over all response tokens of a window, clipped on three sides, without a KL term.
        loss_type="dapo",
        epsilon=stage.clip_low,
        epsilon_high=stage.clip_high,
        delta=stage.dual_clip,
        beta=0.0,
        num_iterations=1,
        scale_rewards="none",
        router_aux_loss_coef=0.0,
        disable_dropout=True,
        optim="adamw_torch",
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
        max_grad_norm=stage.max_grad_norm,
        lr_scheduler_type="constant",
        gradient_checkpointing=stage.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        # Prompts come from our stream, figures go to our log, checkpoints are ours.
        shuffle_dataset=False,
        ignore_data_skip=True,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        ddp_timeout=int(PATIENCE.total_seconds()),
        **sampling_arguments(recipe.trl, stage),
    )


def is_sharded(config: GRPOConfig) -> bool:
    """Whether no process has all weights: FSDP, or DeepSpeed."""
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    return fsdp or config.deepspeed_plugin is not None


def never_sample(config: GRPOConfig, tokens: Sequence[int]) -> None:
    """Keep tokens that stand for images out of what TRL samples."""
    if config.use_vllm:
        # vLLM takes no bans, and clamps a bias to ±100: a probability of e⁻¹⁰⁰.
        config.generation_kwargs = {"logit_bias": dict.fromkeys(tokens, -100.0)}
    else:
        config.generation_kwargs = {"suppress_tokens": list(tokens) or None}


def sampling_arguments(trl: TrlRecipe, stage: PolicyRecipe) -> Mapping[str, Any]:
    """TRL's arguments of how responses are sampled.

    vLLM's probabilities differ from those of training. TRL's default, `sequence_mask`, drops a response whose
    tokens' ratios multiply to more than 3 from the loss. A long response reaches that by rounding alone: then
    groups are no longer whole, and long responses are dropped most. `token_truncate` weighs each token by its
    own ratio, at most `weight_bound`, and drops none.
    """
    if trl.vllm == "off":
        return {"use_vllm": False}
    own: dict[str, Any] = {
        "use_vllm": True,
        "vllm_mode": trl.vllm,
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_max": trl.weight_bound,
    }
    if trl.vllm == "server":
        return {**own, "vllm_server_base_url": trl.vllm_server}
    return {
        **own,
        "vllm_gpu_memory_utilization": trl.vllm_gpu_share,
        "vllm_tensor_parallel_size": trl.vllm_tensor_parallel,
        "vllm_max_model_length": stage.max_prompt_tokens + stage.max_new_tokens,
    }
