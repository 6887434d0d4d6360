"""`harness ls`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from harness.cli.common import Runner

KINDS = ("tasks", "suites", "models", "runs")


def ls(parser: argparse.ArgumentParser) -> Runner:
    """List tasks, suites, models or runs."""
    parser.add_argument("kind", choices=KINDS, help="what to list")
    parser.add_argument(
        "--task-file",
        metavar="FILE",
        action="append",
        help="further tasks: a Python file, or lmms-eval YAML",
    )
    parser.add_argument("--lmms", action="store_true", help="of tasks: those that lmms-eval brings")
    parser.add_argument("--dir", metavar="DIR", help="where the runs are [runs]")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Print one line for each."""
    if args.kind == "tasks":
        found = (_lmms if getattr(args, "lmms", False) else _tasks)(getattr(args, "task_file", []))
    elif args.kind == "suites":
        found = _suites()
    elif args.kind == "models":
        found = _models()
    else:
        found = _runs(Path(getattr(args, "dir", "runs")))
    for line in found:
        print(line)
    return 0


def _tasks(task_files: list[str]) -> Iterator[str]:
    from harness.registry import Registry

    registry = Registry(task_files)
    for name in registry.names():
        task = registry.get(name)
        yield f"{name:<13}{task.category:<13}{task.title}"


def _lmms(task_files: list[str]) -> Iterator[str]:
    """Each of lmms-eval's names and what it is: only tasks of the kind generate_until can be asked."""
    from harness.registry import Registry

    for entry in Registry(task_files).lmms:
        what = entry.output_type if entry.kind == "task" else entry.kind
        yield f"lmms:{entry.name:<46} {what}"


def _suites() -> Iterator[str]:
    from harness.registry import SUITES, suite_names

    for suite in SUITES:
        yield f"{suite:<13}{' '.join(suite_names(suite))}"


def _models() -> Iterator[str]:
    from harness.models import BUILTIN, entry_points

    for name, what in BUILTIN.items():
        yield f"{name:<13}{what}"
    for name, point in entry_points().items():
        yield f"{name:<13}{point.value}"
    yield f"{'DIR':<13}a checkpoint's folder, with its config.json"
    yield f"{'ORG/NAME':<13}a checkpoint on the hub"
    yield f"{'NAME':<13}with --base-url URL: what a server knows the model by"


def _runs(directory: Path) -> Iterator[str]:
    from harness.errors import HarnessError
    from harness.scores.results import read_results
    from harness.scores.table import number
    from harness.words import counted

    runs = sorted(path.parent for path in directory.glob("*/run.json"))
    if not runs:
        yield f"no runs in {directory}"
    for path in runs:
        try:
            results = read_results(path)
        except HarnessError:
            yield f"{path.name:<40} not complete"
            continue
        tasks = len(results.tasks)
        mean = number(results.mean.score.value)
        failures = f", {counted(results.failures, 'failure')}" if results.failures else ""
        part = f", shard {results.shard} alone" if results.shard is not None else ""
        yield f"{path.name:<40} {tasks:>2} {'task ' if tasks == 1 else 'tasks'}  mean {mean}{part}{failures}"
