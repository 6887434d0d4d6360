"""The stages `g2rpo` and `refine`: from a recipe to a trained model folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from harness.errors import UsageError
from harness.fingerprint import announced
from harness.models import family_coords, tiny_path
from harness.models.hf_files import checkpoint_folder, fingerprint
from harness.models.opened import closes_thinking
from harness.models.processors import load_processor
from harness.registry import Registry
from harness.run.lock import Lock
from harness.types import Request, Sampling
from scorers.types import COORDS
from training.data.file_problems import told
from training.data.load import stage_problems
from training.data.prompt_stream import PromptStream
from training.data.rows import has_own_rows, report_left_out
from training.local.loop import Stage, Trainer
from training.local.rollout import PolicyBackend
from training.log import StepLog, tracker
from training.models import load_model, save_model, with_adapters
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe, task_names

_NEVER_STRICT = (
    "the chat template ends each prompt with closed thinking: a response that answers at once has no thinking, "
    "and strict_format gives it no reward: set strict_format = false"
)


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
    source = tiny_path() if str(start) == "tiny" else checkpoint_folder(str(start), None)[0]
    coords = recipe.coords or family_coords(str(source))
    folder = Path(recipe.out) / name
    folder.mkdir(parents=True, exist_ok=True)
    with Lock(folder):
        data = stage_problems(recipe, stage.families, folder)
        if has_own_rows(recipe.data):
            _say(f"{recipe.data}: {told(data.problems)}")
        report_left_out(data.failed)
        stream = PromptStream(data.problems, recipe.seed, recipe.balance)
        if coords is None and any(task.places for task in stream.tasks):
            raise UsageError(
                f"{source.name}: its coordinate convention is not known: set coords to one of {COORDS}"
            )
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        model = _model(source, recipe, stage)
        with announced(_say):
            described = {"model": source.name, "fingerprint": fingerprint(source), "dtype": str(model.dtype)}
        processor = load_processor(source)
        backend = PolicyBackend(
            model, processor, coords=coords, described=described, batch_size=stage.rollout_batch
        )
        if stage.strict_format and closes_thinking(backend.render(Request("", ("?",), (), Sampling(1)))):
            _say(_NEVER_STRICT)
        names = tuple(task.name for task in stream.tasks)
        identity = {
            **described,
            **recipe.data_identity,
            "coords": coords,
            "balance": recipe.balance,
            "tasks": names,
            "rows": stream.rows,
        }
        asked = names if _named(names) else task_names(("all",))
        which = Stage(name, folder, recipe.seed, identity, source, asked, data.held_out)
        trainer = Trainer(stage, which, backend, stream)
        _train(trainer, recipe)
        if stage.lora_rank:
            model = model.merge_and_unload()
        return save_model(model, source, folder / "model")


def _train(trainer: Trainer, recipe: Recipe) -> None:
    done = trainer.resume()
    folder = trainer.stage.folder
    run = f"{folder.parent.name}-{folder.name}"
    to = tracker(recipe.tracker, folder / "tracker", run, trainer.settings(), recipe.tracker_project)
    with closing(StepLog(folder / "steps.jsonl", done, to, _say)) as log:
        trainer.run(log, done)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the progress of a long run


def _named(names: Sequence[str]) -> bool:
    """Whether an evaluation knows the tasks by name."""
    return set(names) <= set(Registry().names())


def _model(source: Path, recipe: Recipe, stage: PolicyRecipe) -> Any:
    """The model to train, with adapters and gradient checkpointing as the stage says."""
    model = load_model(source, recipe)
    if stage.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return with_adapters(model, stage.lora_rank)
