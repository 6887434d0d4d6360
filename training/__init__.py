"""Train vision-language models with the scorers of their evaluation as rewards; no scoring code lives here.

These names are the Python API; docs/python-api.md describes them. Each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.recipe import Recipe, load_recipe
    from training.rewards import Reward, reward
    from training.stages import train

__all__ = ["Recipe", "Reward", "load_recipe", "reward", "train"]

_HOMES = {
    "training.recipe": ("Recipe", "load_recipe"),
    "training.rewards": ("Reward", "reward"),
    "training.stages": ("train",),
}
"""Module → the names that it gives to the API."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'training' has no attribute {name!r}")
    from harness.shadowing import NEEDED, refuse_shadowed

    refuse_shadowed(NEEDED)
    return getattr(import_module(home), name)
