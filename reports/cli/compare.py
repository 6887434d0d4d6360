"""`harness compare`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from harness.compare.comparison import Comparison


def compare(parser: argparse.ArgumentParser) -> Runner:
    """Compare two runs on the same samples. A is the baseline, B the candidate; every difference is B - A.

      harness compare A B                       table, intervals, tests, what these n could see
      harness compare A B --fail-on-regression  for CI: exit 4 where B is worse
      harness compare A B -o page.html          the report of both, opened on the comparison

    Samples are paired by id. Where data, prompts or scorers differ the comparison is refused (exit 2).

    A regression: the 95 % interval of B - A lies wholly below -MARGIN points, for a task, a category's mean or
    the mean of all, and the test has p <= 0.05 after Holm's correction (over the tasks, over the categories).
    Where nothing is worse but a run is not complete, B lacks a task of A or more than 1 % of a task's samples,
    a task has no pair, or more than 1 % have no verdict, --fail-on-regression ends with exit 3: the question is
    open.
    """
    parser.add_argument("a", metavar="A", help="the baseline's run folder")
    parser.add_argument("b", metavar="B", help="the candidate's run folder")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--allow-mismatch",
        action="store_true",
        help="where data, prompts or scorers differ, pair the samples whose question and images agree",
    )
    parser.add_argument("--fail-on-regression", action="store_true", help="exit 4 where B is worse than A")
    parser.add_argument(
        "--margin", type=float, metavar="POINTS", help="with it: how much worse B may be, in points [0]"
    )
    parser.add_argument("-o", "--out", metavar="FILE.html", help="write the report of both runs")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Compare two runs."""
    from harness.compare import compare_runs
    from harness.compare.comparison import as_json
    from harness.compare.table import lines
    from harness.jsonl import encode

    given = vars(args)
    margin = _margin(given)
    a, b = Path(given["a"]), Path(given["b"])
    comparison = compare_runs(a, b, allow_mismatch=given.get("allow_mismatch", False))
    code, said, gated = _gate(comparison, margin)
    if given.get("json"):
        print(encode({**as_json(comparison), "gate": gated}).decode(), end="")
    else:
        for line in [*lines(comparison), *said]:
            print(line)
    if "out" in given:
        _page([a, b], Path(given["out"]))
    return code


def _margin(given: dict[str, Any]) -> float | None:
    """How much worse B may be; None where nobody asked."""
    from harness.errors import UsageError

    margin = given.get("margin", 0.0)
    if not given.get("fail_on_regression"):
        if "margin" in given:
            raise UsageError("--margin is for --fail-on-regression")
        return None
    if not 0 <= margin < 100:
        raise UsageError(f"--margin {margin:g}: wants points, from 0 to less than 100")
    return float(margin)


def _gate(comparison: Comparison, margin: float | None) -> tuple[int, list[str], dict[str, Any] | None]:
    """Exit code, what to say, and the same as JSON; of no margin: 0, nothing, None."""
    import textwrap

    from harness.compare.comparison import changes, doubts
    from harness.compare.table import gate
    from harness.errors import Exit
    from harness.jsonl import plain
    from harness.scores.table import WIDTH

    if margin is None:
        return int(Exit.COMPLETE), [], None
    found, open_questions = changes(comparison, margin), doubts(comparison)
    code = Exit.REGRESSION if found else Exit.INCOMPLETE if open_questions else Exit.COMPLETE
    gated = {
        "margin": margin,
        "regressions": plain(found),
        "doubts": open_questions,
        "exit_code": int(code),
    }
    said = textwrap.wrap(gate(found, open_questions, margin), WIDTH, subsequent_indent="  ")
    return int(code), said, gated


def _page(paths: list[Path], out: Path) -> None:
    from harness.progress import Progress
    from reports.build import build
    from reports.runs import load_runs

    build(load_runs(paths), out, title="Comparison", first="compare", progress=Progress())
    print(f"{out}: both runs, opened on the comparison", file=sys.stderr)
