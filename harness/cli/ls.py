"""`harness ls`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.common import Runner
from harness.terminal import Cell, Column, Row, screen, shortened, table
from harness.words import counted

if TYPE_CHECKING:
    from harness.scores.results import Results

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


_COLUMNS = (
    Column("run"),
    Column("model", 1, left=True),
    Column("data", 1, left=True),
    Column("date", 1, left=True),
    Column("state", 0, left=True),
    Column("tasks", 2),
    Column("overall"),
)
_LONGEST = 24
"""Columns that a model's name or a data directory takes at most."""


def _runs(directory: Path) -> Iterator[str]:
    """The runs in a folder, the latest first."""
    runs = [path.parent for path in directory.glob("*/run.json")]
    if not runs:
        yield f"no runs in {directory}"
        return
    runs.sort(key=lambda path: (-_changed(path), path.name))
    yield from table(_COLUMNS, [_described(path) for path in runs], screen())


def _changed(path: Path) -> float:
    """When a run was last written to."""
    files = (path / "run.json", path / "results.json")
    return max(file.stat().st_mtime for file in files if file.exists())


def _described(path: Path) -> Row:
    from datetime import datetime

    from harness.config import RunConfig
    from harness.errors import HarnessError
    from harness.run import read_run
    from harness.run.state import state_of
    from harness.scores.results import read_results
    from harness.scores.table import number

    date = f"{datetime.fromtimestamp(_changed(path)).astimezone():%Y-%m-%d %H:%M}"
    try:
        config = (read_run(path) or {})["config"]
        state = state_of(path)
        results = read_results(path) if (path / "results.json").exists() else None
    except HarnessError:
        return path.name, "", "", date, Cell("broken", "bad"), "", ""
    model = shortened(str(config.get("model", "")), _LONGEST)
    data = shortened(RunConfig.model_construct(**config).data_source, _LONGEST)
    known = path.name, model, data, date
    if results is None:
        return (*known, Cell(state, "warn"), "", "")
    return (*known, _state(state, results), str(len(results.tasks)), number(results.mean.score.value))


def _state(state: str, results: Results) -> Cell:
    from harness.control import short
    from harness.errors import Exit

    if state == "complete" and results.exit_code == Exit.INCOMPLETE:
        return Cell(counted(results.failures, "failure"), "bad")
    if state != "complete":
        return Cell(state, "bad" if state == "failed" else "warn")
    if results.control is not None:
        return Cell(short(results.control), "warn")
    return Cell(state if results.shard is None else f"shard {results.shard}")
