"""The benchmarks: one small plugin each. `tasks.types.Task` is what a plugin defines."""

from __future__ import annotations

from importlib import import_module

from tasks.types import (
    CATEGORIES,
    Category,
    Metric,
    Prompt,
    Response,
    Row,
    RowError,
    Rubric,
    Sample,
    Source,
    Split,
    Style,
    Submission,
    Submitted,
    Task,
)

__all__ = [
    "BUILTIN",
    "CATEGORIES",
    "Category",
    "Metric",
    "Prompt",
    "Response",
    "Row",
    "RowError",
    "Rubric",
    "Sample",
    "Source",
    "Split",
    "Style",
    "Submission",
    "Submitted",
    "Task",
    "load_builtin",
]

BUILTIN: dict[str, str] = {
    "mmmu": "tasks.mmmu:TASK",
    "mmbench": "tasks.mmbench:TASK",
    "mmstar": "tasks.mmstar:TASK",
    "mathvista": "tasks.mathvista:TASK",
    "mathverse": "tasks.mathverse:TASK",
    "mathvision": "tasks.mathvision:TASK",
    "ai2d": "tasks.ai2d:TASK",
    "chartqa": "tasks.chartqa:TASK",
    "charxiv": "tasks.charxiv:TASK",
    "docvqa": "tasks.docvqa:TASK",
    "ocrbench": "tasks.ocrbench:TASK",
    "infovqa": "tasks.infovqa:TASK",
    "embspatial": "tasks.embspatial:TASK",
    "refspatial": "tasks.refspatial:TASK",
    "robospatial": "tasks.robospatial:TASK",
    "refcoco": "tasks.refcoco:REFCOCO",
    "refcoco+": "tasks.refcoco:REFCOCO_PLUS",
    "refcocog": "tasks.refcoco:REFCOCOG",
}
"""Name → where the task is defined, in the order of reports: six categories of three."""


def load_builtin(name: str) -> Task:
    """One of the 18 built-in tasks; only its own module is imported.

    Raises:
        KeyError: there is no such task.
    """
    module, attribute = BUILTIN[name].split(":")
    task = getattr(import_module(module), attribute)
    assert isinstance(task, Task)
    return task
