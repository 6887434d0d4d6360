"""What the verbs share: a parser that names the nearest flag, a run's table, its report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.scores.results import Results

Runner = Callable[[argparse.Namespace], int]
"""Runs a verb with its parsed arguments; returns the exit code."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, exit 2, with the nearest flag or choice."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, argument_default=argparse.SUPPRESS, **options)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` in place of printing the usage."""
        raise UsageError(f"{message} (see {self.prog} --help)")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown flag is an error that names the nearest one."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flag = unknown[0].partition("=")[0]
            known = [name for name in self._option_string_actions if name.startswith("--")]
            if flag.startswith("-"):
                raise UsageError(f"unknown flag {flag}{nearest(flag, known)} (see {self.prog} --help)")
            raise UsageError(f"unexpected argument {flag!r} (see {self.prog} --help)")
        return parsed


def add_delimiters(group: argparse._ActionsContainer) -> None:
    """Declare `--delimiters`."""
    group.add_argument(
        "--delimiters",
        metavar="FILE",
        help="TOML: what models write around thinking, answer and box (lists of pairs), and what is dropped",
    )


def add_judge(group: argparse._ActionsContainer) -> None:
    """Declare `--judge-url` and what belongs to it."""
    group.add_argument(
        "--judge-url", metavar="URL", help="of a judge model's OpenAI-compatible server, up to /v1"
    )
    group.add_argument("--judge-model", metavar="NAME", help="the name that this server knows the judge by")
    group.add_argument("--judge-key-env", metavar="VAR", help="the variable with its key [OPENAI_API_KEY]")
    group.add_argument("--judge-timeout", type=float, metavar="SECONDS", help="for one attempt [120]")


def write_report(run_dir: Path, verb: str) -> bool:
    """Write the run's `report.html`; False, and a line, where that failed: the run is complete either way."""
    from harness.cli.verbs import RUN_REPORT, load
    from harness.errors import FAULTS, HarnessError, named
    from harness.progress import Progress

    try:
        load(RUN_REPORT)(run_dir, Progress())
    except (KeyboardInterrupt, *FAULTS) as error:
        why = str(error) if isinstance(error, HarnessError) else named(error)
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else why
        print(
            f"harness {verb}: the run is complete, its report is not ({why}); "
            f"harness report {run_dir} makes it",
            file=sys.stderr,
        )
        return False
    return True


def print_results(results: Results) -> None:
    """Print the table of a run, with its model and how that was asked."""
    from harness.run import read_run
    from harness.scores.further import further
    from harness.scores.table import lines
    from harness.terminal import screen, show

    assert results.run_dir is not None
    run = read_run(results.run_dir)
    show(lines(results, screen(), _about(run["config"]) if run is not None else ""))
    show(further(results, screen()))


def _about(config: Mapping[str, Any]) -> str:
    """The model and how it was asked, in a line."""
    from harness.config import RunConfig

    data = RunConfig.model_construct(**config).data_source
    limit = [f"limit {config['limit']}"] if config.get("limit") is not None else []
    split = [f"split {config['split']}"] if config.get("split") is not None else []
    facts = [f"data {data}", *split, f"prompt {config['prompt']}", *limit]
    return " · ".join([str(config["model"]), *facts])
