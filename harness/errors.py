"""Errors that a user sees: one line that says what, where, and what mends it, with the right exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    """Complete, but with more failures than allowed."""
    REGRESSION = 4
    INTERRUPTED = 130


class HarnessError(Exception):
    """Something went wrong that a user can mend. The message is one line."""

    code = Exit.FAILED


class UsageError(HarnessError):
    """The command, a flag, a configuration key or a file given is wrong."""

    code = Exit.USAGE


PLUGIN_BUGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What code of a task or scorer may raise by mistake: it costs that sample, not the run."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to a mistyped one, or lists them: "; did you mean 'x'?"."""
    from difflib import get_close_matches

    words = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    return f"; did you mean {words[close[0]]!r}?" if close else f"; known: {', '.join(words.values())}"
