"""`harness show`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.cli.common import Runner


def show(parser: argparse.ArgumentParser) -> Runner:
    """Show a task: where its rows come from, what is asked, how it is scored, its limits and defaults."""
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--data", metavar="hub|DIR|synthetic", help="whose first row to show [synthetic]")
    parser.add_argument("--coords", help="convention to ask for, for tasks with places [norm1000]")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Print all that a task says."""
    from harness.describe import facts, prompts
    from harness.errors import HarnessError
    from harness.registry import Registry

    task = Registry(getattr(args, "task_file", ())).get(args.task)
    data = getattr(args, "data", "synthetic")
    print(f"{task.name}: {task.title}")
    for fact in facts(task):
        print(f"{fact.name:<13}{fact.text}")
    try:
        shown = prompts(task, data, getattr(args, "coords", "norm1000"))
    except HarnessError as error:
        print(f"{'prompt':<13}none to show: {error}")
        return 0
    for style, prompt in shown.items():
        print(f"── prompt, style {style}, on a row of {data} " + "─" * 20)
        print(prompt)
    return 0
