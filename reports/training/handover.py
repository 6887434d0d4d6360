"""The commands that the training page gives: how to evaluate a stage's model as training asked it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.models.asking import read_asking
from reports.training.runs import Stage
from tasks import BUILTIN


def model_command(stage: Stage, out: str | None = None) -> str | None:
    """The command that evaluates a stage's model; its folder says how to ask it. None before there is one."""
    if stage.model is None or stage.name == "vision_warmup":
        return None
    return command(shown(stage.model), stage, out)


def start_command(stage: Stage, out: str) -> str:
    """The command that evaluates the model that the stage started from, asked as the trained one."""
    start = (stage.described or {}).get("start")
    try:
        asked = read_asking(str(stage.model)) if stage.model is not None else {}
    except UsageError:
        asked = {}
    return command(shown(Path(start)) if isinstance(start, str) else "START", stage, out, asked)


def shown(path: Path) -> str:
    """A path as one would type it: from the working directory, where it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def command(model: str, stage: Stage, out: str | None = None, asked: dict[str, Any] | None = None) -> str:
    """The command that evaluates a model on the stage's tasks and data.

    Args:
        model: its folder or name.
        stage: whose tasks.
        out: the folder of the evaluation run.
        asked: settings that the model's own folder does not record.
    """
    words = ["harness", "eval", "--model", model]
    names, data = stage.settings.get("tasks"), stage.settings.get("data")
    names = names if isinstance(names, list) else []
    ours = bool(names) and all(name in BUILTIN for name in names)
    words += (
        ["--tasks", ",".join(map(str, names))] if ours and len(names) < len(BUILTIN) else ["--suite", "all"]
    )
    if ours and isinstance(data, str):
        words += ["--data", data]
    for name, value in (asked or {}).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, *(["--out", out] if out else [])])
