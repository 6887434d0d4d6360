"""`harness data`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.common import Runner


def data(parser: argparse.ArgumentParser) -> Runner:
    """Fetch the benchmarks' data into a directory for --data DIR, or check what the hub has.

    harness data pull --out DIR [--tasks A,B]     writes DIR/TASK/ with the rows and their images
    harness data verify [--tasks A,B]             counts the rows on the hub: exit 1 where some are missing
    """
    parser.add_argument("action", choices=("pull", "verify"))
    parser.add_argument("--tasks", metavar="A,B", help="tasks by name [all]")
    parser.add_argument("--suite", help="all, or a category")
    parser.add_argument("--out", metavar="DIR", help="where pull writes [data]")
    parser.add_argument("--revision", help="of the hub's data sets [each task's own]")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Pull or verify each task's rows."""
    from harness.data import hub
    from harness.registry import Registry

    given: dict[str, Any] = vars(args)
    names = given["tasks"].split(",") if "tasks" in given else None
    tasks = Registry(given.get("task_file", ())).select(given.get("suite"), names)
    revision = given.get("revision")
    wrong = 0
    for task in tasks:
        if args.action == "pull":
            where = hub.pull(task, Path(given.get("out", "data")), revision=revision)
            print(f"{task.name:<13}{where}")
            continue
        found = hub.verify(task, revision=revision)
        expected = f" of {found.expected}" if found.expected is not None else ""
        bad = f", {found.bad} cannot be read" if found.bad else ""
        print(
            f"{task.name:<13}{'ok' if found.ok else 'WRONG':<7}{found.rows}{expected} rows{bad}  {found.label}"
        )
        wrong += not found.ok
    return 1 if wrong else 0
