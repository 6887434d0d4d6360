"""`harness train`: run the stages of a recipe, each from the model that the one before it made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import Exit
from training.recipe import load_recipe

DEFAULT = "tiny"
"""The shipped recipe that is run where neither a recipe nor a model is named."""


def run_training(recipe_path: str | None, overrides: Mapping[str, Any]) -> int:
    """Train as a recipe says; the last line printed is the folder of the model.

    Args:
        recipe_path: a TOML file or the name of a shipped recipe; None: `tiny`, or the
            defaults (a cold start) where a model is given.
        overrides: values by key, dotted where nested; see `training.recipe.load_recipe`.

    Returns:
        the exit code.

    Raises:
        UsageError: the recipe is wrong, names an unknown stage, or does not fit the model.
        HarnessError: training cannot go on.
    """
    if recipe_path is None and "model" not in overrides:
        recipe_path = DEFAULT
    recipe = load_recipe(recipe_path, overrides)
    from training.coldstart import run_coldstart
    from training.local import run_policy

    model: str | Path = recipe.model
    for stage in recipe.stages:
        if stage == "coldstart":
            model = run_coldstart(recipe, model)
        else:
            model = run_policy(recipe, getattr(recipe, stage), stage, model)
    print(model)  # noqa: T201
    return int(Exit.COMPLETE)
