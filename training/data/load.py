"""The problems that a stage of policy training asks, by its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.registry import Registry
from harness.run.media import ImageStore
from harness.run.plan import FailedRow
from training.data.dataset import load_problems
from training.data.file_problems import load_file
from training.data.prompt_stream import Problems
from training.data.rows import has_own_rows
from training.recipe import Recipe, task_names


def stage_problems(
    recipe: Recipe, families: Sequence[str], scratch: Path
) -> tuple[list[Problems], list[FailedRow]]:
    """The problems of a recipe's data that are of the chosen families, and the rows that cannot be asked.

    Args:
        recipe: names the data.
        families: of the stage; empty: all.
        scratch: where a temporary file of images may lie; it has no name and goes with the process.

    Raises:
        UsageError: the data cannot be found or read as the recipe says, or nothing of it is of the families.
        HarnessError: the hub cannot be reached, or a task has no rows.
    """
    found: list[Problems]
    if has_own_rows(recipe.data):
        loaded, failed = load_file(recipe.data, recipe.row_format, ImageStore(scratch))
        found = [each for each in loaded if not families or each.task.category in families]
    else:
        registry = Registry()
        tasks = [registry.get(task) for task in task_names(recipe.tasks)]
        tasks = [task for task in tasks if not families or task.category in families]
        found, failed = load_problems(tasks, recipe.data, seed=recipe.seed, folder=scratch)
    if not found:
        raise UsageError(f"none of the tasks is of the families {', '.join(families)}")
    return found, failed
