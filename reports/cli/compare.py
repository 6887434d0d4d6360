"""`harness compare`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from harness.compare.comparison import Comparison, Gate

FORMATS = ("table", "markdown", "latex", "csv", "json")


def compare(parser: argparse.ArgumentParser) -> Runner:
    """Compare runs with a baseline on the same samples. Every difference is a run's score minus the baseline's.

      harness compare BASE RUN                        table, intervals, tests, minimum detectable differences
      harness compare BASE RUN RUN                    several runs, a row each
      harness compare BASE RUN --fail-on-regression   for CI: exit 4 where a run is worse
      harness compare BASE RUN -o page.html           the report of all runs, opened on the comparison
      harness compare BASE RUN RUN --format markdown  a table to paste; also latex, csv, json

    Samples are paired by id. Runs with different prompts (direct and think, say) are compared like any others;
    tasks whose data, images or scorers differ are left out and named. Exit 2 where no task is left.

    A regression: the 95 % interval of the difference lies wholly below -MARGIN points, for a task, a category's
    mean or the mean of all, and the test has p <= 0.05 after Holm's correction (over the tasks, over the
    categories). --fail-on-regression ends with exit 3 where no run is worse but the question is open: a run is
    not complete, lacks a task of the baseline or more than 1 % of a task's samples, a task has no pair, or more
    than 1 % have no verdict.
    """
    parser.add_argument("base", metavar="BASE", help="the baseline's run folder")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders to compare with it")
    parser.add_argument("--format", choices=FORMATS, help="what to print [table]")
    parser.add_argument("--json", action="store_true", help="the same as --format json: everything")
    parser.add_argument(
        "--allow-mismatch",
        action="store_true",
        help="where data, images or scorers differ, pair the samples whose question and images agree",
    )
    parser.add_argument(
        "--fail-on-regression", action="store_true", help="exit 4 where a run is worse than BASE"
    )
    parser.add_argument(
        "--margin", type=float, metavar="POINTS", help="with it: how much worse a run may be, in points [0]"
    )
    parser.add_argument("-o", "--out", metavar="FILE.html", help="write the report of all runs")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Compare, print, and write the page where one is asked for."""
    from harness.compare import compare_with
    from harness.compare.comparison import gate
    from harness.compare.table import letters
    from harness.errors import Exit

    given = vars(args)
    kind, margin = _format(given), _margin(given)
    paths = [Path(path) for path in (given["base"], *given["runs"])]
    allow = given.get("allow_mismatch", False)
    comparisons = compare_with(paths[0], paths[1:], allow_mismatch=allow)
    named = zip(comparisons, letters(len(comparisons)), strict=True)
    gates = [gate(each, margin, letter) for each, letter in named] if margin is not None else []
    _print(comparisons, gates, kind)
    if "out" in given:
        _page(paths, Path(given["out"]), allow)
    codes = [found.exit_code for found in gates]
    return next((int(code) for code in (Exit.REGRESSION, Exit.INCOMPLETE) if code in codes), int(Exit.COMPLETE))


def _format(given: dict[str, Any]) -> str:
    from harness.errors import UsageError

    kind: str = given.get("format", "json" if given.get("json") else "table")
    if given.get("json") and kind != "json":
        raise UsageError(f"--json and --format {kind}: give one of them")
    return kind


def _margin(given: dict[str, Any]) -> float | None:
    """How much worse a run may be; None where nobody asked."""
    from harness.errors import UsageError

    margin = given.get("margin", 0.0)
    if not given.get("fail_on_regression"):
        if "margin" in given:
            raise UsageError("--margin is for --fail-on-regression")
        return None
    if not 0 <= margin < 100:
        raise UsageError(f"--margin {margin:g}: wants points, from 0 to less than 100")
    return float(margin)


def _print(comparisons: Sequence[Comparison], gates: Sequence[Gate], kind: str) -> None:
    from harness.compare.comparison import as_json
    from harness.compare.table import gate_lines, lines, several
    from harness.jsonl import encode, plain
    from harness.terminal import screen, show
    from reports.comparison_formats import format_comparisons

    if kind == "json":
        gated = [plain(gate) for gate in gates] or [None] * len(comparisons)
        found = [{**as_json(each), "gate": gate} for each, gate in zip(comparisons, gated, strict=True)]
        whole = found[0] if len(found) == 1 else {"comparisons": found}
        sys.stdout.write(encode(whole).decode())
        return
    if kind == "table":
        where = screen()
        show(lines(comparisons[0], where) if len(comparisons) == 1 else several(comparisons, where))
        show(gate_lines(gates, where))
        return
    sys.stdout.write(format_comparisons(comparisons, kind))


def _page(paths: list[Path], out: Path, allow_mismatch: bool) -> None:
    from harness.progress import Progress
    from harness.words import counted
    from reports.build import build
    from reports.runs import load_runs

    build(
        load_runs(paths),
        out,
        title="Comparison",
        first="compare",
        baseline=True,
        allow_mismatch=allow_mismatch,
        progress=Progress(),
    )
    print(f"{out}: {counted(len(paths), 'run')}, opened on the comparison", file=sys.stderr)
