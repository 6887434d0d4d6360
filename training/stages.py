"""The stages of a recipe, one after the other: each trains the model that the one before it made."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import HarnessError
from training.data.overlap import check_overlap
from training.log import say
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe, load_recipe, task_names

_T = TypeVar("_T")

DEFAULT = "tiny"
"""The shipped recipe that is run where neither a recipe nor a model is named."""


def train(recipe: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Path:
    """Train as a recipe says, or continue.

    Args:
        recipe: a TOML file or the name of a shipped recipe; None: `tiny`, or the defaults (a cold start) where
            a model is given.
        overrides: values by key, dotted where nested; see `load_recipe`.

    Returns:
        The folder of the model.

    Raises:
        UsageError: the recipe is wrong, names an unknown stage, or does not fit the model.
        HarnessError: training cannot go on.
    """
    chosen = chosen_recipe(recipe, overrides or {})
    if chosen.held_out_data:
        _once(chosen, lambda: check_overlap(chosen))
    model: str | Path = chosen.model
    for stage in chosen.stages:
        if stage == "coldstart":
            model = _coldstart(chosen, model)
        else:
            model = _policy_engine(chosen)(chosen, getattr(chosen, stage), stage, model)
    if is_first_process():
        say(f"evaluate it: {evaluation(chosen, Path(model))}")
    return Path(model)


def chosen_recipe(recipe: str | Path | None, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe that `train` runs.

    Raises:
        UsageError: it is wrong.
    """
    return load_recipe(DEFAULT if recipe is None and "model" not in overrides else recipe, overrides)


def is_first_process() -> bool:
    """Whether this is the process that speaks: of several that a launcher has started, the first."""
    return os.environ.get("RANK", "0") == "0"


def evaluation(recipe: Recipe, model: Path) -> str:
    """The command that evaluates a trained model on the recipe's tasks; its folder says how to ask it."""
    words, own_rows = ["harness", "eval", "--model", str(model)], recipe.own_rows
    if recipe.tasks == ("all",) or own_rows:
        words += ["--suite", "all"]
    else:
        words += ["--tasks", ",".join(task_names(recipe.tasks, recipe.registry))]
    if not own_rows:
        words += ["--data", recipe.data]
    for path in recipe.task_file:
        words += ["--task-file", path]
    return shlex.join(words)


def _coldstart(recipe: Recipe, model: str | Path) -> Path:
    """The cold start; of several processes the first makes it."""
    from training.coldstart import run_coldstart

    return _once(recipe, lambda: run_coldstart(recipe, model))


def _once(recipe: Recipe, do: Callable[[], _T]) -> _T:
    """What the first process of a training finds, for all of them; the others wait."""
    if recipe.engine == "local":
        return do()
    from training.trl.ranks import Ranks

    return Ranks().from_first(do)


def _policy_engine(recipe: Recipe) -> Callable[[Recipe, PolicyRecipe, str, str | Path], Path]:
    """What runs a stage of policy training: imported when it is chosen.

    Raises:
        HarnessError: TRL is not installed.
    """
    if recipe.engine == "local":
        from training.local.stage import run_policy

        return run_policy
    if find_spec("trl") is None:
        raise HarnessError('engine trl: the package is not installed: pip install "vlm-harness[train]"')
    from training.trl.stage import run_policy as run_with_trl

    return run_with_trl
