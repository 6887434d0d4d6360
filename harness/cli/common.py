"""What the verbs share: a parser that names the nearest flag."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from harness.errors import UsageError, nearest

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
