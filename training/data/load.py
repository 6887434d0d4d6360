"""The problems that a stage of policy training asks, by its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.run.items import FailedRow
from harness.run.media import ImageStore
from tasks.types import Task
from training.data.dataset import load_problems
from training.data.file_problems import load_file
from training.data.prompt_stream import Problems
from training.recipe import Recipe, task_names


class StageData(NamedTuple):
    """The problems of a stage."""

    problems: list[Problems]
    """What is trained on."""
    failed: list[FailedRow]
    """The rows that cannot be asked."""
    held_out: list[Problems]
    """What is never trained on: nothing unless the recipe holds rows out."""


def stage_problems(recipe: Recipe, families: Sequence[str], scratch: Path) -> StageData:
    """The problems of a recipe's data that are of the chosen families.

    Args:
        recipe: names the data.
        families: of the stage; empty: all.
        scratch: where a temporary file of images may lie; it has no name and goes with the process.

    Raises:
        UsageError: the data cannot be found or read as the recipe says, or nothing of it is of the families.
        HarnessError: the hub cannot be reached, or a task has no rows.
    """

    def wanted(task: Task) -> bool:
        return not families or task.category in families

    found: list[Problems]
    held_out: list[Problems] = []
    if recipe.own_rows:
        loaded = load_file(recipe.data, recipe.row_format, ImageStore(scratch))
        failed = loaded.failed
        found = [each for each in loaded.problems if wanted(each.task)]
        held_out = [each for each in loaded.held_out if wanted(each.task)]
    elif recipe.data not in ("synthetic", "hub") and not Path(recipe.data).is_dir():
        raise UsageError(
            f"data = {recipe.data}: no such directory; known: synthetic, hub, directories, ORG/NAME on the hub "
            "and .json, .jsonl and .parquet files"
        )
    else:
        registry = recipe.registry
        tasks = list(filter(wanted, map(registry.get, task_names(recipe.tasks, registry))))
        found, failed = load_problems(tasks, recipe.data, seed=recipe.seed, folder=scratch)
    if not found:
        raise UsageError(f"none of the tasks is of the families {', '.join(families)}")
    return StageData(found, failed, held_out)
