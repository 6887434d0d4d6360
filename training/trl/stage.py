"""The stages `g2rpo` and `refine` on several GPUs: from a recipe to a trained model folder."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers.integrations.deepspeed import unset_hf_deepspeed_config
from trl import GRPOConfig

from harness.errors import UsageError
from harness.jsonl import write_json
from harness.models.checkpoint import find, load
from harness.models.checkpoint import load_model as load_checkpoint
from harness.models.processors import load_processor
from harness.models.spec import CheckpointOptions
from harness.run.lock import Lock
from harness.run.state import NotedFailure
from training.advantages import statistics
from training.figures import step_figures
from training.local.equity import loss_weights, shares
from training.local.update import Figures
from training.log import StepLog
from training.models import load_model, partly_trained, place, save_model
from training.policy_recipe import PolicyRecipe
from training.policy_setup import (
    check_format,
    describe_model,
    name_stage,
    open_log,
    open_prompts,
    source_folder,
    stage_folder,
)
from training.policy_stage import evaluate_policy
from training.recipe import Recipe
from training.trl import checkpoints
from training.trl.config import is_sharded, lay_out, never_sample, trl_config
from training.trl.ranks import Ranks
from training.trl.rollout import Turn
from training.trl.sampling import OwnSampler, RankBackend, SharedStage, TrlSampler
from training.trl.trainer import RankTrainer


def run_policy(recipe: Recipe, stage: PolicyRecipe, name: str, start: str | Path) -> Path:
    """Run a stage of policy training, or continue it; every process calls it.

    Args:
        recipe: the whole recipe.
        stage: the stage's settings.
        name: `g2rpo` or `refine`: its folder in the recipe's `out`.
        start: the model: `tiny`, a folder or a hub name.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: the model or data cannot be found, the batches cannot be split over the processes, or the
            folder holds a checkpoint of another model or other settings.
        HarnessError: training cannot go on: a budget is spent, the disk is full, the run is in use.
    """
    # GRPOConfig goes by names that transformers 5.23 calls old: those it takes instead are unknown to 5.0.
    warnings.filterwarnings("ignore", r".*gradient_checkpointing.* is deprecated", FutureWarning)
    ranks = Ranks()
    layout = lay_out(stage, ranks.count)
    source = ranks.from_first(lambda: source_folder(start))
    folder = stage_folder(recipe, name)
    with _locked(ranks, folder):
        prompts = open_prompts(recipe, stage, folder, source, aloud=ranks.first)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        # The arguments first: they tell transformers how the weights will be sharded.
        config = trl_config(recipe, stage, layout, folder, prompts.stream.row_count)
        model = load_policy(source, recipe, stage, config)
        described = ranks.from_first(lambda: describe_model(source, recipe.dtype))
        backend = RankBackend(
            model,
            load_processor(source),
            coords=prompts.coords,
            described=described,
            batch_size=stage.rollout_batch,
        )
        check_format(stage, backend, ranks.say)
        which = name_stage(recipe, name, source, prompts, described | {"engine": "trl"})
        course = SharedStage(stage, which, prompts.stream, prompts.coords, ranks=ranks)
        trainer = make_trainer(course, backend, config)
        train(trainer, recipe)
        return write_result(trainer, folder / "model")


def load_policy(source: Path, recipe: Recipe, stage: PolicyRecipe, config: GRPOConfig) -> Any:
    """The model to train, with adapters where the stage asks for them.

    Weights that are trained are float32, and computed with in `dtype`: in bfloat16 an update of 2e-6 would be
    rounded away. Under adapters the weights below them stay in `dtype`.
    """
    if config.device.type == "cpu":
        return partly_trained(load_model(source, recipe), stage)
    below = recipe.dtype if recipe.dtype != "auto" else "bfloat16"
    device = "cpu" if is_sharded(config) else str(config.device)
    options = CheckpointOptions(device=device, attention=recipe.attention)
    model = load_checkpoint(
        find(str(source), None, options), dtype=below if stage.lora_rank else "float32", options=options
    )
    model.config.use_cache = False
    # ZeRO-3 gathers weights of one type only, and keeps float32 copies of its own.
    return partly_trained(model.train(), stage, widen=config.deepspeed_plugin is None)


def make_trainer(course: SharedStage, backend: RankBackend, config: GRPOConfig) -> RankTrainer:
    """The trainer of a stage, with the sampler that fits.

    Raises:
        UsageError: the stage asks for an evaluation that cannot be made.
    """
    stage, ranks = course.recipe, course.ranks
    never_sample(config, backend.input_only)
    trainer = RankTrainer(course, backend, config, lay_out(stage, ranks.count))
    if trainer.sharded and stage.eval_every:
        raise UsageError(
            "engine trl: sharded weights cannot be evaluated in between: set eval_every to 0 and give "
            "harness eval --model the checkpoints"
        )
    course.prompt_tokens = backend.prompt_tokens
    together = trainer.use_vllm or trainer.sharded
    course.sampler = (
        TrlSampler(backend, trainer, ranks, stage.rollout_batch) if together else OwnSampler(backend, trainer)
    )
    return trainer


def train(trainer: RankTrainer, recipe: Recipe) -> None:
    """Train to the end that the stage's recipe says, from the latest checkpoint where there is one.

    Raises:
        HarnessError: training cannot go on.
    """
    course, ranks = trainer.course, trainer.course.ranks
    done, state = checkpoints.resume(trainer)
    if course.ends(done):  # by `epochs`, before the most steps that it can take
        trainer.args.max_steps = done * trainer.layout.windows
    with ExitStack() as stack:
        log: StepLog | None = None
        if ranks.first:
            write_json(course.stage.folder / "settings.json", course.description())
            log = open_log(course, recipe, done)
            stack.callback(log.close)
        if done == 0 and course.evaluates(0):
            _note(log, 0, {"eval": evaluate(trainer, 0)})

        def after_turn(step: int, turn: Turn, seen: Figures) -> None:
            figures = figures_of(trainer, turn, seen)
            if course.evaluates(step):
                figures["eval"] = evaluate(trainer, step)
                _keep_best(trainer, step, figures["eval"]["mean"])
            _note(log, step, figures)
            if course.saves(step):
                checkpoints.save(trainer, step)

        trainer.after_turn = after_turn
        trainer.train(resume_from_checkpoint=None if state is None else str(state))


def _keep_best(trainer: RankTrainer, step: int, mean: float | None) -> None:
    """Keep the model where no evaluation before it was as good; the first process writes it."""
    course = trainer.course

    def write() -> None:
        if (best := course.best(step, mean)) is not None:
            save_model(trainer.backend.model, course.stage.source, course.stage.best, asked=best)

    course.ranks.from_first(write)


def _note(log: StepLog | None, step: int, figures: dict[str, Any]) -> None:
    if log is not None:
        log(step, figures)


def figures_of(trainer: RankTrainer, turn: Turn, seen: Figures) -> dict[str, Any]:
    """What to log of a rollout batch: the local engine's figures."""
    assert turn.batch is not None
    assert turn.advantages is not None
    equity = {"loss_share": shares(loss_weights(turn.rollouts, turn.advantages.tolist()))}
    return {
        "stage": trainer.course.stage.name,
        "learning_rate": turn.learning_rate,
        **trainer.course.counted(),
        **step_figures(
            turn.sampled,
            turn.acceptance,
            seen,
            statistics(turn.batch, turn.advantages),
            equity,
            seconds=trainer.course.seconds,
        ),
    }


def evaluate(trainer: RankTrainer, step: int) -> dict[str, Any]:
    """The policy's scores as `harness eval` gives them, by the first process while the others wait."""
    course, model = trainer.course, trainer.backend.model

    def scores() -> dict[str, Any]:
        model.eval()
        try:
            return evaluate_policy(trainer.backend, course.stage, course.recipe, step)
        finally:
            model.train()

    return course.ranks.from_first(scores)


def write_result(trainer: RankTrainer, folder: Path) -> Path:
    """The trained model as a folder, adapters merged; in the type that was computed with (sharded: float32)."""
    ranks, model, source = trainer.course.ranks, trainer.backend.model, trainer.course.stage.source
    dtype = torch.bfloat16 if trainer.args.bf16 else None
    asked = trainer.course.asked()
    adapted = bool(trainer.course.recipe.lora_rank)
    if not trainer.sharded:
        whole = model.merge_and_unload() if adapted else model
        ranks.from_first(lambda: save_model(whole, source, folder, dtype, asked))
        return folder
    partial, adapters = folder.with_name(f"{folder.name}.partial"), folder.with_name("adapters")
    if ranks.first:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    ranks.agree(None)
    checkpoints.write_whole(trainer, partial)

    def finish() -> None:
        if adapted:
            place(partial, adapters)
            merged = _merged(adapters, "bfloat16" if dtype else "float32")
            save_model(merged, source, folder, asked=asked)
        else:
            place(partial, folder)

    ranks.from_first(finish)
    return folder


def _merged(adapters: Path, dtype: str) -> Any:
    """The model that adapters on disk stand on, with them, in this process alone."""
    unset_hf_deepspeed_config()  # else it would be sharded, which takes all processes
    options = CheckpointOptions(device="cpu")
    return load(find(str(adapters), None, options), dtype=dtype, options=options).model


@contextmanager
def _locked(ranks: Ranks, folder: Path) -> Iterator[None]:
    """Hold the folder's lock, in the first process."""
    with ExitStack() as stack:

        def hold() -> None:
            stack.enter_context(Lock(folder))
            stack.enter_context(NotedFailure(folder))

        ranks.from_first(hold)
        yield
