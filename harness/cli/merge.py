"""`harness merge`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.cli.common import Runner


def merge(parser: argparse.ArgumentParser) -> Runner:
    """Join the shards of a run, and score it.

    The shards are what harness eval --shard I/N wrote, all N of them. The run is the one that the same command
    without --shard would have made, and that command continues it. Exit 3 where a shard was not complete, or
    with more failures than allowed.
    """
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the shards, in any order")
    parser.add_argument("--out", metavar="DIR", required=True, help="the run to write")
    parser.add_argument("--no-report", dest="report", action="store_false", help="write no report.html")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Merge, score, print the table, write the report."""
    from harness.cli.common import print_results, write_report
    from harness.errors import Exit
    from harness.progress import Progress
    from harness.run import rescore
    from harness.run.merge import merge_shards
    from harness.run.rescoring import submissions_said
    from harness.words import counted, missing_responses

    out, progress = Path(args.out), Progress()
    merge_shards([Path(run) for run in args.runs], out, command=shlex.join(sys.argv), progress=progress)
    rescored = rescore(out, progress)
    print_results(rescored.results)
    for line in submissions_said(rescored.results):
        print(line)
    if rescored.missing:
        print(
            f"{out}: not complete, {missing_responses(rescored.missing)}: the shards' harness eval command "
            f"without --shard, with --out {out}, asks for them"
        )
        return Exit.INCOMPLETE
    said = ", with report.html" if vars(args).get("report", True) and write_report(out, "merge") else ""
    print(f"{out}: complete, of {counted(len(args.runs), 'shard')}{said}")
    return int(rescored.results.exit_code)
