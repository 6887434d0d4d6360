"""The sampling that a checkpoint asks for in its `generation_config.json`, taken only where a user says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import UsageError

_NUMBERS = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


def checkpoint_sampling(folder: Path) -> dict[str, float]:
    """What `--generation checkpoint` samples with: a temperature (0 is greedy), and what else the file names.

    Args:
        folder: of the checkpoint.

    Raises:
        UsageError: the checkpoint has no such file, or it cannot be read.
    """
    path = folder / "generation_config.json"
    try:
        settings: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"--generation checkpoint: {folder.name} has no generation_config.json") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--generation checkpoint: {path}: {error}") from None
    if not isinstance(settings, dict):
        raise UsageError(f"--generation checkpoint: {path}: a JSON object is wanted")
    named = {name: settings[name] for name in _NUMBERS if settings.get(name) is not None}
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"--generation checkpoint: {path}: {name} is {value!r}, not a number")
    if settings.get("do_sample"):
        return {"temperature": 1.0, **named}
    penalty = {name: value for name, value in named.items() if name == "repetition_penalty"}
    return {"temperature": 0.0, **penalty}
