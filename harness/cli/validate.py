"""`harness validate`."""

from __future__ import annotations

import argparse

from harness.cli.common import Runner


def validate(parser: argparse.ArgumentParser) -> Runner:
    """Check a task, ours or a third party's, from its rows to its scores; exit 1 where a check fails.

    The first sample's prompt is printed as it is asked in the direct style.
    """
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--data", metavar="hub|DIR|synthetic", help="whose rows to check on [synthetic]")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="samples to look at [all rows; 100 of synthetic data]"
    )
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Print one line a check, and below it one for each sample that fails; then the first prompt."""
    from harness.data import load_rows
    from harness.progress import Progress
    from harness.registry import Registry
    from harness.validate import validate

    task = Registry(getattr(args, "task_file", ())).get(args.task)
    source = load_rows(task, getattr(args, "data", "synthetic"), alone=True)
    wrong = 0
    for finding in validate(task, source, getattr(args, "limit", None), Progress()):
        print(f"{'ok' if finding.ok else 'FAILED':<7}{finding.name}: {finding.said}", flush=True)
        for problem in finding.problems:
            print(f"       {_printable(problem)}")
        for line in finding.shown.splitlines():
            print(f"       | {_printable(line)}")
        wrong += not finding.ok
    return 1 if wrong else 0


def _printable(text: str) -> str:
    """A text without the halves of surrogate pairs that rows may hold."""
    return text.encode(errors="backslashreplace").decode()
