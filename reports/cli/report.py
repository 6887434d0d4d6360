"""`harness report`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from reports.runs import Run
    from reports.training.runs import TrainingRun

FORMATS = ("html", "json", "csv", "markdown", "latex")


def report(parser: argparse.ArgumentParser) -> Runner:
    """Put runs into one self-contained HTML file: leaderboard, samples, comparison, training.

      harness report RUN                      RUN/report.html
      harness report RUN RUN… -o board.html   several runs side by side
      harness report runs/                    all runs in a folder
      harness report runs/ --format latex     the table alone: json, csv, markdown or latex

    The file opens from disk and fetches nothing. Images that do not fit into it go to the folder FILE_media
    beside it. A partial run is shown as partial; a broken one is an error.
    """
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="folders of evaluation or training runs, or a folder of such"
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="[RUN/report.html for one run, else leaderboard.html; another format: standard output]",
    )
    parser.add_argument("--format", choices=FORMATS, help="html, or the table alone [html]")
    parser.add_argument("--title", metavar="TEXT", help="of the page")
    parser.add_argument("--no-samples", dest="samples", action="store_false", help="without the sample viewer")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Write the report and print one line about it."""
    given: dict[str, Any] = vars(args)
    runs, training = find(given["runs"])
    kind = given.get("format", "html")
    if kind == "html":
        _page(runs, training, given)
    else:
        _table(runs, kind, given)
    return 0


def find(paths: Sequence[str]) -> tuple[list[Run], list[TrainingRun]]:
    """The runs in these folders; a folder that is no run stands for those within it.

    Raises:
        UsageError: there is no run in one of them.
        HarnessError: a run is broken.
    """
    from harness.errors import UsageError
    from harness.progress import Progress
    from reports.folder import find_runs
    from reports.runs import is_run, load_runs
    from reports.training.runs import is_training_run, load_training_runs

    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            raise UsageError(f"{path}: there is no such folder")
        if is_run(path) or is_training_run(path):
            found.append(path)
            continue
        inner = [path / name for name in find_runs(path)]
        if not inner:
            raise UsageError(f"{path}: not a run (there is no run.json), and no run is in it")
        found += inner
    runs = load_runs([path for path in found if is_run(path)], Progress())
    return runs, load_training_runs([path for path in found if not is_run(path)])


def _page(runs: list[Run], training: list[TrainingRun], given: dict[str, Any]) -> None:
    from harness.progress import Progress
    from reports.build import build, default_path, summary

    out = Path(given["out"]) if "out" in given else default_path(runs, training)
    built = build(
        runs,
        out,
        training=training,
        title=given.get("title"),
        samples=given.get("samples", True),
        progress=Progress(),
    )
    print(summary(built))


def _table(runs: list[Run], kind: str, given: dict[str, Any]) -> None:
    import sys

    from harness.errors import HarnessError, UsageError
    from harness.jsonl import write_atomic
    from harness.words import counted
    from reports.board.board import make_board
    from reports.board.formats import format_board

    if not runs:
        raise UsageError(f"--format {kind}: the table is of evaluation runs, and none was given")
    for flag, name in (("title", "--title"), ("samples", "--no-samples")):
        if flag in given:
            raise UsageError(f"{name} is for --format html")
    text = format_board(make_board(runs), kind).encode("utf-8", "backslashreplace")
    if "out" not in given:
        sys.stdout.write(text.decode())
        return
    try:
        write_atomic(Path(given["out"]), [text])
    except OSError as error:
        raise HarnessError(f"{given['out']}: cannot be written: {error.strerror or error}") from None
    print(f"{given['out']}: {kind}, {counted(len(runs), 'run')}")
