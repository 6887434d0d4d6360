"""Tasks by name (built in, added by installed packages, or from a file) and suites of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import FAULTS, UsageError, named, nearest
from tasks import BUILTIN, CATEGORIES, Task, load_builtin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from harness.lmms import Catalogue

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


def on_split(task: Task, split: str | None) -> Task:
    """The task on one of its splits; None: the usual one.

    Raises:
        UsageError: it has no such split; those it has are listed.
    """
    try:
        return task if split is None else task.on_split(split)
    except KeyError:
        known = ", ".join([task.source.split, *task.source.splits])
        raise UsageError(f"--split {split}: {task.name} has no such split; known: {known}") from None


class Registry:
    """All tasks that can be named. A task's module is imported only when the task is asked for.

    Args:
        task_files: Python files that define further tasks; folders or YAML files with tasks of lmms-eval.
    """

    def __init__(self, task_files: Iterable[str | Path] = ()) -> None:
        self._from_files: dict[str, Task] = {}
        self._for_lmms: list[Path] = []
        for path in map(Path, task_files):
            if path.is_dir() or (path.suffix in (".yaml", ".yml") and path.is_file()):
                self._for_lmms.append(path)
            else:
                self._from_files |= from_file(path)

    @cached_property
    def lmms(self) -> Catalogue:
        """lmms-eval's tasks.

        Raises:
            UsageError: it is not installed.
        """
        from harness.lmms import Catalogue

        return Catalogue(self._for_lmms)

    def names(self) -> list[str]:
        """Names of all tasks: the built-in ones in the order of reports, then the others."""
        return list(dict.fromkeys([*BUILTIN, *self._from_files, *entry_points()]))

    def get(self, name: str, split: str | None = None) -> Task:
        """The task of that name, on one of its splits (None: the usual one).

        Raises:
            UsageError: there is none; the nearest name is given, or the splits that the task has.
        """
        return on_split(self._get(name), split)

    def _get(self, name: str) -> Task:
        if name in BUILTIN:
            return load_builtin(name)
        if name in self._from_files:
            return self._from_files[name]
        from harness.lmms import PREFIX, lmms_task

        if name.startswith(PREFIX):
            return lmms_task(self.lmms, name)
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

    def _expanded(self, name: str) -> list[str]:
        """A task's name; those of its tasks where it is one of lmms-eval's groups or tags."""
        if name in BUILTIN or name in self._from_files:
            return [name]
        from harness.lmms import PREFIX

        return self.lmms.leaves(name) if name.startswith(PREFIX) else [name]

    def suite(self, name: str) -> list[Task]:
        """The tasks of a suite: all 18, or the built-in ones of a category.

        Raises:
            UsageError: there is no such suite; the nearest name is given.
        """
        return [load_builtin(task) for task in suite_names(name)]

    def select(self, suite: str | None, tasks: Sequence[str] | None, split: str | None = None) -> list[Task]:
        """The tasks that a command names: by suite, else by name, else all 18; none twice.

        A suite may stand among the names.

        Args:
            suite: all, or a category.
            tasks: names.
            split: one that each of the tasks has; None: each one's usual split.
        """
        return [on_split(task, split) for task in self._selected(suite, tasks)]

    def _selected(self, suite: str | None, tasks: Sequence[str] | None) -> list[Task]:
        if tasks is None:
            chosen = self.suite(suite or "all")
            return [*chosen, *self._from_files.values()] if suite is None and self._from_files else chosen
        if not tasks:
            raise UsageError("--tasks names no task")
        names = [name for given in tasks for name in (suite_names(given) if given in SUITES else (given,))]
        leaves = [leaf for name in names for leaf in self._expanded(name)]
        return [self.get(name) for name in dict.fromkeys(leaves)]
