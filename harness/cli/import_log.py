"""`harness import`."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from harness.cli.common import add_delimiters, print_results

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cli.common import Runner
    from harness.config import RunConfig
    from harness.imports import Log
    from harness.scores.results import Results
    from tasks.types import Task


def import_log(parser: argparse.ArgumentParser) -> Runner:
    """Make a run of another tool's log, judged by our rules, beside the tool's own verdicts.

      lmms-eval   …_samples_TASK.jsonl of --log_samples, with …_results.json beside it
      VLMEvalKit  MODEL_DATASET.xlsx, .tsv or .json, with its …_result and …_acc files beside it
      inspect     .eval

    Each prediction is joined with its row; one whose question, options or right answer are others there is
    counted as failed. Exit 3 where more than --failure-budget got no verdict.
    """
    parser.add_argument("log", metavar="LOG", help="the file")
    parser.add_argument("--data", metavar="hub|DIR|synthetic", help="where the data set's rows are")
    parser.add_argument(
        "--task", metavar="NAME", help="the benchmark [by the tool's own name of it, where that is plain]"
    )
    parser.add_argument("--model", metavar="NAME", help="whose responses these are [as in the log]")
    parser.add_argument(
        "--metric", metavar="NAME", help="the tool's metric, scorer or column to compare with [its headline]"
    )
    parser.add_argument("--coords", help="how the responses write coordinates: no log records it")
    parser.add_argument(
        "--prompt", help="direct or think, for the run's label: the prompts are the log's [direct]"
    )
    parser.add_argument(
        "--partial", action="store_true", help="leave out rows that the log lacks; else they count as failed"
    )
    parser.add_argument("--out", metavar="RUN", help="the run's directory [runs/MODEL-TASK-TOOL]")
    parser.add_argument("--fresh", action="store_true", help="replace the run that RUN holds")
    parser.add_argument("--no-images", dest="images", action="store_false", help="keep no copies of images")
    parser.add_argument("--failure-budget", type=float, metavar="SHARE", help="that may get no verdict [0.01]")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    parser.add_argument("--no-report", dest="report", action="store_false", help="write no report.html")
    add_delimiters(parser)
    return _run


def _run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from harness.errors import UsageError
    from harness.imports import read_log
    from harness.imports.importing import import_log as made_run
    from harness.progress import Progress
    from harness.registry import Registry

    given = vars(args)
    path = Path(given.pop("log"))
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    log = read_log(path, given.pop("metric", None))
    if log is None:
        raise UsageError(
            f"{path}: no log of lmms-eval, VLMEvalKit or inspect; own rows: harness score TASK FILE"
        )
    reported, partial = given.pop("report", True), given.pop("partial", False)
    task = Registry(given.get("task_file", ())).get(_task_name(path, log, given.pop("task", None)))
    config = _config(path, log, task, given)
    results = made_run(log, path, task, config, partial_data=partial, command=sys.argv, progress=Progress())
    print_results(results)
    _tell(results, task)
    return _end(results, reported)


def _task_name(path: Path, log: Log, given: str | None) -> str:
    from harness.errors import UsageError

    name = given or log.task
    if name is None:
        called = f"{log.tool}'s {log.name!r}" if log.name else "its name"
        raise UsageError(f"{path}: {called} does not say which benchmark this is: give it with --task NAME")
    return name


def _config(path: Path, log: Log, task: Task, given: dict[str, Any]) -> RunConfig:
    """The configuration of the run."""
    from harness.config import build
    from harness.errors import UsageError

    if "data" not in given:
        raise UsageError(
            f"{path}: a log has no data set's rows: say where they are with --data hub|DIR|synthetic"
        )
    model = given.pop("model", None) or log.model
    if not model:
        raise UsageError(f"{path}: nothing in it says which model this is: give its name with --model NAME")
    name = "-".join((model.rstrip("/").split("/")[-1], task.name, log.tool))
    out = given.pop("out", None) or "runs/" + re.sub(r"[^\w.+=-]+", "_", name)
    return build(given | {"model": model, "tasks": task.name, "out": out})


def _tell(results: Results, task: Task) -> None:
    """Print the other tool's verdicts, and where they disagree with ours."""
    from harness.imports.reporting import said_of

    assert results.run_dir is not None
    for line in said_of(results.run_dir, task.name, results):
        print(line)


def _end(results: Results, reported: bool) -> int:
    from harness.cli.common import write_report

    assert results.run_dir is not None
    said = ", with report.html" if reported and write_report(results.run_dir, "import") else ""
    print(f"{results.run_dir}: imported{said}")
    return int(results.exit_code)
