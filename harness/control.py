"""Controls by name: settings that change the samples on purpose, as `harness.run.controls` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Control = Literal["permute_images", "hide_images", "shuffle_options"]
"""A setting of a run; at most one is on."""
CONTROLS: Mapping[Control, str] = {
    "permute_images": "images shuffled across samples (control)",
    "hide_images": "no image (control)",
    "shuffle_options": "options shuffled (control)",
}
"""Each in words."""


def short(control: Control) -> str:
    """A control in two words."""
    return CONTROLS[control].removesuffix(" (control)").partition(" across")[0]


def control_of(config: Mapping[str, Any]) -> Control | None:
    """The control of a run, by the settings in its `run.json`; None: it is none."""
    return next((name for name in CONTROLS if config.get(name)), None)
