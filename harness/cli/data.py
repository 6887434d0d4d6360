"""`harness data`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.common import Runner
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.data.verify import Verified
    from tasks.types import Task

_OWN_FLAGS = {"out": ("pull",), "max_disk": ("pull",), "data": ("verify", "overlap"), "json": ("overlap",)}
"""Flags that not every action takes, and which do."""
SHOWN = 10
"""Problems of a task, and known defects, that are printed."""


def data(parser: argparse.ArgumentParser) -> Runner:
    """Fetch the benchmarks' data into a directory for --data DIR, or check the data.

    harness data pull --out DIR [--tasks A,B]     downloads the files of each task's split into DIR/TASK/
    harness data verify [--data DIR] [--tasks A,B]
        hashes, row counts, columns, gold answers, images: exit 1 where something is wrong that is not known

    harness data overlap A B [--data DIR] [--json]
        which questions of B are in A, by image and by words

    A and B are tasks or suites (NAME@train: the training split), a directory of tasks' rows, a file or a folder
    of training rows, or ORG/NAME on the hub.

    An interrupted pull goes on where it was when the same command is given again.
    """
    parser.add_argument("action", choices=("pull", "verify", "overlap"))
    parser.add_argument("sets", nargs="*", default=[], metavar="A B", help="of overlap: two data sets")
    parser.add_argument("--json", action="store_true", help="of overlap: counts and all pairs of ids as JSON")
    parser.add_argument("--tasks", metavar="A,B", help="tasks by name [all]")
    parser.add_argument("--suite", help="all, or a category")
    parser.add_argument("--split", metavar="NAME", help="test, testA … [each task's usual one]")
    parser.add_argument("--out", metavar="DIR", help="where pull writes [data]")
    parser.add_argument(
        "--data", metavar="hub|DIR", help="what verify checks; where overlap has tasks' rows [hub]"
    )
    parser.add_argument("--revision", help="of the hub's data sets [each task's own]")
    parser.add_argument("--max-disk", metavar="SIZE", help="that pulled files may take: 20GB [what is free]")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Pull or verify each task's rows, or compare two data sets."""
    from harness.registry import Registry

    given: dict[str, Any] = vars(args)
    for flag, action in _OWN_FLAGS.items():
        if flag in given and args.action not in action:
            raise UsageError(f"--{flag.replace('_', '-')} is for harness data {' and '.join(action)}")
    if args.action == "overlap":
        return _overlap(args.sets, given)
    if args.sets:
        raise UsageError(f"harness data {args.action} takes no {args.sets[0]!r}: name tasks with --tasks")
    names = given["tasks"].split(",") if "tasks" in given else None
    tasks = Registry(given.get("task_file", ())).select(given.get("suite"), names, given.get("split"))
    return _pull(tasks, given) if args.action == "pull" else _verify(tasks, given)


def _pull(tasks: Sequence[Task], given: dict[str, Any]) -> int:
    from harness.data.pull import amount, parse_size, pull
    from harness.progress import Progress

    bound = parse_size(given["max_disk"]) if "max_disk" in given else None
    directory = Path(given.get("out", "data"))
    pulled = pull(tasks, directory, revision=given.get("revision"), max_disk=bound, progress=Progress())
    for each in pulled:
        print(f"{each.task.name:<13}{amount(each.size):>9}  {each.folder}  {each.revision.label}", flush=True)
    return 0


def _verify(tasks: Sequence[Task], given: dict[str, Any]) -> int:
    from harness.data.verify import verify
    from harness.errors import HarnessError
    from harness.progress import Progress

    wrong, progress = 0, Progress()
    for task in tasks:
        try:
            found = verify(
                task,
                given.get("data", "hub"),
                revision=given.get("revision"),
                alone=len(tasks) == 1,
                progress=progress,
            )
        except UsageError:
            raise
        except HarnessError as error:
            print(f"{task.name:<13}WRONG  {error}", flush=True)
            wrong += 1
            continue
        _print(found)
        wrong += not found.ok
    return 1 if wrong else 0


def _print(found: Verified) -> None:
    """A line of what was found of a task, one for each problem, one for each known defect."""
    expected = f" of {found.expected:,}" if found.expected is not None else ""
    checked = f", {found.samples:,} samples" if found.samples != found.rows else ""
    verdict = "ok" if found.ok else "WRONG"
    print(f"{found.task:<13}{verdict:<7}{found.rows:,}{expected} rows{checked}  {found.label}", flush=True)
    for title, lines in (("", found.problems), ("known defect: ", found.known)):
        for line in lines[:SHOWN]:
            print(f"{'':<13}{title}{line}")
        if len(lines) > SHOWN:
            print(f"{'':<13}{title}and {len(lines) - SHOWN} more")


def _overlap(sets: list[str], given: dict[str, Any]) -> int:
    """Say which questions of the second data set are in the first."""
    from harness.cli.verbs import QUESTIONS, load
    from harness.data.overlap import as_json, lines, overlap
    from harness.progress import Progress
    from harness.registry import Registry

    if len(sets) != 2:
        raise UsageError(f"harness data overlap takes two data sets, not {len(sets)} (see harness data --help)")
    tasks = Registry(given.get("task_file", ()))
    first, second = (load(QUESTIONS)(name, data=given.get("data", "hub"), tasks=tasks) for name in sets)
    found = overlap(first, second, Progress())
    for line in as_json(found) if given.get("json") else lines(found, *sets):
        print(line)
    return 0
