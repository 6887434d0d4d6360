"""The stages of a recipe, one after the other: each trains the model that the one before it made."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.data.rows import has_own_rows
from training.recipe import Recipe, load_recipe, task_names

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
    overrides = overrides or {}
    if recipe is None and "model" not in overrides:
        recipe = DEFAULT
    chosen = load_recipe(recipe, overrides)
    from training.coldstart import run_coldstart
    from training.local.stage import run_policy

    model: str | Path = chosen.model
    for stage in chosen.stages:
        if stage == "coldstart":
            model = run_coldstart(chosen, model)
        else:
            model = run_policy(chosen, getattr(chosen, stage), stage, model)
    print(f"evaluate it: {evaluation(chosen, Path(model))}", file=sys.stderr)  # noqa: T201 - for people
    return Path(model)


def evaluation(recipe: Recipe, model: Path) -> str:
    """The command that evaluates a trained model on the recipe's tasks; its folder says how to ask it."""
    words = ["harness", "eval", "--model", str(model)]
    if recipe.tasks == ("all",) or has_own_rows(recipe.data):
        words += ["--suite", "all"]
    else:
        words += ["--tasks", ",".join(task_names(recipe.tasks))]
    if not has_own_rows(recipe.data):
        words += ["--data", recipe.data]
    return shlex.join(words)
