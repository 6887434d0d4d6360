"""Tasks by name (built in, added by installed packages, or from a file) and suites of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import FAULTS, UsageError, named, nearest
from tasks import BUILTIN, CATEGORIES, Task, load_builtin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SUITES = ("all", *CATEGORIES)


def suite_names(suite: str) -> tuple[str, ...]:
    """The names of a suite's tasks: all 18, or the three of a category, in the order of reports.

    Raises:
        UsageError: there is no such suite; the nearest name is given.
    """
    if suite not in SUITES:
        raise UsageError(f"unknown suite {suite!r}{nearest(suite, SUITES)}")
    names = tuple(BUILTIN)
    if suite == "all":
        return names
    first = 3 * SUITES.index(suite) - 3
    return names[first : first + 3]


def entry_points() -> dict[str, EntryPoint]:
    """Tasks that installed packages add, by name."""
    from importlib.metadata import entry_points as find

    return {point.name: point for point in find(group="harness.tasks")}


def from_file(path: str | Path) -> dict[str, Task]:
    """The tasks that a Python file defines at its top level, by name.

    Raises:
        UsageError: there is no such file, it cannot be imported, or it defines no `Task`.
    """
    from importlib.util import module_from_spec, spec_from_file_location

    path = Path(path)
    if not path.is_file():
        raise UsageError(f"--task-file {path}: there is no such file")
    spec = spec_from_file_location(f"harness_task_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--task-file {path}: not a Python file")
    module = sys.modules[spec.name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FAULTS as error:
        raise UsageError(f"--task-file {path}: cannot be imported: {named(error)}") from error
    found = {value.name: value for value in vars(module).values() if isinstance(value, Task)}
    if not found:
        raise UsageError(f"--task-file {path}: defines no tasks.Task at its top level")
    for name in sorted(found.keys() & BUILTIN.keys()):
        raise UsageError(f"--task-file {path}: the name {name!r} is that of a built-in task; choose another")
    return found


class Registry:
    """All tasks that can be named. A task's module is imported only when the task is asked for.

    Args:
        task_files: Python files that define further tasks.
    """

    def __init__(self, task_files: Iterable[str | Path] = ()) -> None:
        self._from_files: dict[str, Task] = {}
        for path in task_files:
            self._from_files |= from_file(path)

    def names(self) -> list[str]:
        """Names of all tasks: the built-in ones in the order of reports, then the others."""
        return list(dict.fromkeys([*BUILTIN, *self._from_files, *entry_points()]))

    def get(self, name: str) -> Task:
        """The task of that name.

        Raises:
            UsageError: there is none; the nearest name is given.
        """
        if name in BUILTIN:
            return load_builtin(name)
        if name in self._from_files:
            return self._from_files[name]
        if (point := entry_points().get(name)) is not None:
            try:
                task = point.load()
            except FAULTS as error:
                raise UsageError(
                    f"entry point harness.tasks {name}: cannot be imported: {named(error)}"
                ) from error
            if not isinstance(task, Task):
                raise UsageError(f"entry point harness.tasks {name} = {point.value}: not a tasks.Task")
            return task
        raise UsageError(f"unknown task {name!r}{nearest(name, self.names())}")

    def suite(self, name: str) -> list[Task]:
        """The tasks of a suite: all 18, or the built-in ones of a category.

        Raises:
            UsageError: there is no such suite; the nearest name is given.
        """
        return [load_builtin(task) for task in suite_names(name)]

    def select(self, suite: str | None, tasks: Sequence[str] | None) -> list[Task]:
        """The tasks that a command names: by suite, else by name, else all 18; none twice.

        A suite may stand among the names.
        """
        if tasks is None:
            chosen = self.suite(suite or "all")
            return [*chosen, *self._from_files.values()] if suite is None and self._from_files else chosen
        if not tasks:
            raise UsageError("--tasks names no task")
        names = [name for given in tasks for name in (suite_names(given) if given in SUITES else (given,))]
        return [self.get(name) for name in dict.fromkeys(names)]
