"""The stages of a recipe, one after the other: each trains the model that the one before it made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.recipe import Recipe, load_recipe

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
    from training.coldstart import run_coldstart
    from training.local import run_policy

    model: str | Path = chosen.model
    for stage in chosen.stages:
        if stage == "coldstart":
            model = run_coldstart(chosen, model)
        else:
            model = run_policy(chosen, getattr(chosen, stage), stage, model)
    return Path(model)


def chosen_recipe(recipe: str | Path | None, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe that `train` runs.

    Raises:
        UsageError: it is wrong.
    """
    return load_recipe(DEFAULT if recipe is None and "model" not in overrides else recipe, overrides)
