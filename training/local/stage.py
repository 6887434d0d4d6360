"""The stages `g2rpo` and `refine`: from a recipe to a trained model folder."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from harness.models.processors import load_processor
from harness.run.lock import Lock
from harness.run.state import NotedFailure
from training.local.loop import Trainer
from training.log import say
from training.models import load_model, partly_trained, save_model
from training.policy_recipe import PolicyRecipe
from training.policy_setup import (
    check_format,
    describe_model,
    name_stage,
    on_all_gpus,
    open_log,
    open_prompts,
    source_folder,
    stage_folder,
)
from training.recipe import Recipe
from training.rollout import PolicyBackend


def run_policy(recipe: Recipe, stage: PolicyRecipe, name: str, start: str | Path) -> Path:
    """Run a stage of policy training, or continue it.

    Args:
        recipe: the whole recipe.
        stage: the stage's settings.
        name: `g2rpo` or `refine`: its folder in the recipe's `out`.
        start: the model: `tiny`, a folder or a hub name.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: the model or data cannot be found, a family has no shape, or the folder holds a checkpoint
            of another model or other settings.
        HarnessError: training cannot go on: a budget is spent, the disk is full, the run is in use.
    """
    source, folder = source_folder(start), stage_folder(recipe, name)
    gpus = torch.cuda.device_count()
    if gpus > 1:
        say(f"{gpus} GPUs are visible and the local engine uses one: {on_all_gpus(gpus)}")
    with Lock(folder), NotedFailure(folder):
        prompts = open_prompts(recipe, stage, folder, source)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        model = _model(source, recipe, stage)
        described = describe_model(source, model.dtype)
        backend = PolicyBackend(
            model,
            load_processor(source),
            coords=prompts.coords,
            described=described,
            batch_size=stage.rollout_batch,
        )
        check_format(stage, backend)
        which = name_stage(recipe, name, source, prompts, described)
        trainer = Trainer(stage, which, backend, prompts.stream)
        _train(trainer, recipe)
        if stage.lora_rank:
            model = model.merge_and_unload()
        return save_model(model, source, folder / "model", asked=trainer.asked())


def _train(trainer: Trainer, recipe: Recipe) -> None:
    done = trainer.resume()
    with closing(open_log(trainer, recipe, done)) as log:
        trainer.run(log, done)


def _model(source: Path, recipe: Recipe, stage: PolicyRecipe) -> Any:
    """The model to train: what is frozen, adapters and gradient checkpointing as the stage says."""
    model = load_model(source, recipe)
    if stage.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return partly_trained(model, stage)
