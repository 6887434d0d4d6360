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


FAULTS = (Exception, SystemExit)
"""What code that is not ours may raise: a task, a scorer, a template, a decoder, a server's library.

All but the program's own end (Ctrl-C, a signal). It is caught where such code is called for one row, one
sample, one request or one file, and costs that one, by name, not the run.
"""


def named(error: BaseException, longest: int = 300) -> str:
    """An error of somebody else's code in one line: its type and what it says."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:longest] if said else type(error).__name__


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to a mistyped one, or lists them: "; did you mean 'x'?"."""
    from difflib import get_close_matches

    words = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    return f"; did you mean {words[close[0]]!r}?" if close else f"; known: {', '.join(words.values())}"
