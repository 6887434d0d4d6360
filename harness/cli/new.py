"""`harness new`."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.common import Runner


def new(parser: argparse.ArgumentParser) -> Runner:
    """Write a task of your own to begin with, which works as it is and is yours to edit.

    NAME.py is the plugin (columns, prompt, scorer, metrics), test_NAME.py its test, data/NAME four rows.
    """
    parser.add_argument("kind", choices=("task",), help="what to write")
    parser.add_argument("name", metavar="NAME", help="of the task and its module, as clock_faces")
    parser.add_argument("--out", metavar="DIR", default=".", help="where to [this folder]")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Write it; say what was written, and what to do with it."""
    from harness.new import write_task

    folder = Path(args.out)
    plugin, test, rows = write_task(args.name, folder)
    given = f"{args.name} --task-file {plugin} --data {rows.parent}"
    print(f"wrote {plugin}, {test} and {rows}/")
    print(f"check it     harness validate {given}")
    print(f"evaluate it  harness eval --model tiny --tasks {given}")
    print(f"test it      pytest {test}")
    return 0
