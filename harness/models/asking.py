"""How a trained model was asked: kept in its folder, so that an evaluation asks it the same way."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.jsonl import write_json

FILE = "harness.json"
"""Beside the weights."""
SETTINGS = ("prompt", "coords", "max_new_tokens", "max_pixels")
"""Settings of an evaluation that training decides too; those that it left open are not in the file."""


def write_asking(folder: Path, settings: Mapping[str, Any]) -> None:
    """Keep how a model was asked in its folder.

    Args:
        folder: of the model.
        settings: values of `SETTINGS`, None where training left it to the evaluation; and under `training` what
            else is to be known of how it came about.
    """
    asked = {name: settings[name] for name in SETTINGS if settings[name] is not None}
    write_json(folder / FILE, {"asked": asked, "training": settings.get("training", {})})


def read_asking(model: str) -> dict[str, Any]:
    """How the model of a folder was asked in training; empty where that is not known.

    Raises:
        UsageError: the file is damaged.
    """
    asked = _read(Path(model).expanduser()).get("asked", {})
    return {name: asked[name] for name in SETTINGS if name in asked}


def read_training(folder: Path) -> dict[str, Any]:
    """What a model's folder says of its training; empty where that is not known.

    Raises:
        UsageError: the file is damaged.
    """
    return _read(folder).get("training", {})


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / FILE
    if not os.path.isfile(path):  # also where a model's name can be no path
        return {}
    try:
        found = json.loads(path.read_bytes())
        return {name: dict(found[name]) for name in ("asked", "training")}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path}: not as training wrote it ({error}): remove it to ask as usual") from None


def as_flags(settings: Mapping[str, Any]) -> str:
    """Settings as flags of `harness eval`."""
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())
