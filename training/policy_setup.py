"""Setting up a stage of policy training, whichever engine runs it: the model's folder, the prompts, the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.fingerprint import announced
from harness.models import family_coords, tiny_path
from harness.models.hf_files import checkpoint_folder, fingerprint
from harness.models.opened import closes_thinking
from harness.types import Request, Sampling
from harness.words import counted
from scorers.types import COORDS, Coords
from tasks.types import Task
from training.data.file_problems import told
from training.data.load import stage_problems
from training.data.prompt_stream import Problems, PromptStream
from training.data.rows import left_out
from training.log import STEPS, StepLog, say, tracker
from training.policy_recipe import PolicyRecipe
from training.policy_stage import PolicyStage, Stage
from training.recipe import Recipe, task_names

FEW_GROUPS = 16
"""Groups of a family in a batch below which the second pass turns many signs (`benchmarks/advantages.py`)."""
_MANY_FLIPS = (
    "a family has {} in a batch: the second pass over it turns the signs of many advantages "
    '(advantage.flips in the log); more rollout_prompts or task_pass = "none" keep them'
)
_NEVER_STRICT = (
    "the chat template ends each prompt with closed thinking: a response that answers at once has no thinking, "
    "and strict_format gives it no reward: set strict_format = false"
)


def on_all_gpus(number: int) -> str:
    """The command that trains on so many GPUs."""
    return f"accelerate launch --num_processes {number} -m harness train RECIPE --engine trl uses them all"


def source_folder(start: str | Path) -> Path:
    """The folder of the model that a stage starts from: `tiny`, a folder or a hub name.

    Raises:
        UsageError: there is no such model.
    """
    return tiny_path() if str(start) == "tiny" else checkpoint_folder(str(start), None)[0]


def stage_folder(recipe: Recipe, name: str) -> Path:
    """The folder that a stage writes, made where it is not there."""
    folder = Path(recipe.out) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Prompts(NamedTuple):
    """What a stage asks, and how its model writes places."""

    stream: PromptStream
    coords: Coords | None
    held_out: Sequence[Problems]
    """What it is evaluated on where `eval_data` is `held-out`."""


def open_prompts(
    recipe: Recipe, stage: PolicyRecipe, folder: Path, source: Path, *, aloud: bool = True
) -> Prompts:
    """The prompts of a stage.

    Args:
        recipe: the whole recipe.
        stage: the stage's settings.
        folder: of the stage; temporary files lie there.
        source: the model's folder.
        aloud: whether it is said what the data hold and which rows are left out.

    Raises:
        UsageError: nothing is left to train on, what goes by rows has no end, or places are asked for and the
            convention is not known.
    """
    coords = recipe.coords or family_coords(str(source))
    problems, failed, held_out = stage_problems(recipe, stage.families, folder)
    if aloud and recipe.own_rows:
        say(f"{recipe.data}: {told(problems)}")
    for line in left_out(failed) if aloud else ():
        say(line)
    stream = open_stream(recipe, stage, problems)
    fewest = min(dict(stream.quotas(stage.rollout_prompts, 1)).values())
    if aloud and (stage.advantage, stage.task_pass) == ("g2rpo", "rank") and fewest < FEW_GROUPS:
        say(_MANY_FLIPS.format(counted(fewest, "group")))
    check_coords(coords, stream.tasks, source.name)
    return Prompts(stream, coords, held_out)


def open_stream(recipe: Recipe, stage: PolicyRecipe, problems: Sequence[Problems]) -> PromptStream:
    """The stream of a stage's prompts.

    Raises:
        UsageError: the balance, or the end of the stage, goes by rows, and the data have no end.
    """
    stream = PromptStream(problems, recipe.seed, recipe.balance)
    if stage.epochs is not None and stream.endless:
        raise UsageError(
            f"epochs goes by the number of rows, and {stream.endless[0].name} has no end: set steps"
        )
    return stream


def check_coords(coords: Coords | None, tasks: Iterable[Task], model: str) -> None:
    """Refuse to ask for places where nobody says how the model writes them.

    Raises:
        UsageError: naming the key of the recipe.
    """
    if coords is None and any(task.places for task in tasks):
        raise UsageError(f"{model}: its coordinate convention is not known: set coords to one of {COORDS}")


def name_stage(
    recipe: Recipe,
    name: str,
    source: Path,
    prompts: Prompts,
    described: Mapping[str, Any],
) -> Stage:
    """The stage, with what makes it this one and no other.

    Args:
        recipe: the whole recipe.
        name: `g2rpo` or `refine`.
        source: the folder of the model that it starts from.
        prompts: what `open_prompts` gave.
        described: what `describe_model` gave.
    """
    stream, coords, held_out = prompts
    names = tuple(task.name for task in stream.tasks)
    known = set(names) <= set(recipe.registry.names())
    identity = {
        **described,
        **recipe.data_identity,
        "coords": coords,
        "balance": recipe.balance,
        "tasks": names,
        "rows": stream.rows,
    }
    eval_tasks = names if known else task_names(("all",))
    return Stage(
        name, stage_folder(recipe, name), recipe.seed, identity, source, eval_tasks, recipe.task_file, held_out
    )


def describe_model(source: Path, dtype: Any) -> dict[str, Any]:
    """What identifies the model that a stage starts from."""
    with announced(say):
        return {"model": source.name, "fingerprint": fingerprint(source), "dtype": str(dtype)}


def check_format(stage: PolicyRecipe, backend: Any, tell: Callable[[str], None] = say) -> None:
    """Say it where the chat template leaves no room for the format that is paid for."""
    asked = Request("", ("?",), (), Sampling(1))
    if stage.strict_format and closes_thinking(backend.render(asked)):
        tell(_NEVER_STRICT)


def open_log(trainer: PolicyStage, recipe: Recipe, done: int) -> StepLog:
    """The log of a stage, with the recipe's tracker.

    Args:
        trainer: the stage.
        recipe: the whole recipe.
        done: steps that the stage continues after.

    Raises:
        HarnessError: the tracker's library is not installed.
    """
    folder = trainer.stage.folder
    run = f"{folder.parent.name}-{folder.name}"
    to = tracker(recipe.tracker, folder / "tracker", run, trainer.settings(), recipe.tracker_project)
    return StepLog(folder / STEPS, done, to, say)
