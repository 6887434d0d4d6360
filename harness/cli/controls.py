"""`harness controls`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from harness.config import RunConfig
    from harness.control import Control
    from harness.scores.results import Results


def controls(parser: argparse.ArgumentParser) -> Runner:
    """Evaluate a model, and again with its samples changed: what does the score owe to the image?

    permute-images    images shuffled across samples
    hide-images       no image
    shuffle-options   options listed in another order, the right letter following

    Each is an ordinary run in a folder of OUT, beside OUT/base; run the same command again and it continues.
    The table has the paired difference that each control makes. Flags are those of harness eval.
    """
    from harness.cli.eval import add_flags

    add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print the comparisons as JSON")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Evaluate with and without each control; print the table."""
    from harness.compare.controls import compare_controls, controls_json, lines
    from harness.config import build
    from harness.control import CONTROLS
    from harness.errors import UsageError
    from harness.registry import Registry
    from harness.run.controls import applies
    from harness.terminal import screen, show

    given: dict[str, Any] = vars(args)
    as_json, reported = given.pop("json", False), given.pop("report", True)
    config = build(given, given.pop("config", None))
    if config.control is not None or config.shard is not None:
        flag = (config.control or "shard").replace("_", "-")
        raise UsageError(f"--{flag} is for harness eval: harness controls runs every control on all samples")
    folder = Path(config.out) if config.out is not None else Path(f"{config.run_dir}-controls")
    base = _evaluate(config, folder / "base", None, {}, reported)
    codes, runs = [int(base.exit_code)], {}
    registry = Registry(config.task_file)
    for control in CONTROLS:
        names = [
            name for name in base.tasks if applies(control, registry.get(name, config.split), folder / "base")
        ]
        if names:
            runs[control] = folder / control.replace("_", "-")
            update = {"suite": None, "tasks": tuple(names)}
            codes.append(int(_evaluate(config, runs[control], control, update, reported).exit_code))
    found = compare_controls(folder / "base", runs)
    tasks = {name: task.category for name, task in base.tasks.items()}
    if as_json:
        print(json.dumps({"out": str(folder), "controls": controls_json(found, tasks)}, indent=2))
    else:
        show(lines(found, tasks, screen()))
        print(f"{folder}: complete")
    return max(codes)


def _evaluate(
    config: RunConfig, out: Path, control: Control | None, update: dict[str, Any], reported: bool
) -> Results:
    """One of the runs."""
    from harness.cli.common import write_report
    from harness.cli.eval import is_current
    from harness.control import CONTROLS
    from harness.progress import Progress
    from harness.run import execute

    progress = Progress()
    progress.say(f"{out}: {CONTROLS[control] if control is not None else 'as it is'}")
    update = {**update, "out": str(out), **({control: True} if control is not None else {})}
    results = execute(config.model_copy(update=update), command=sys.argv, progress=progress)
    if reported and not is_current(out):
        write_report(out, "controls")
    return results
