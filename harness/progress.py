"""Progress on the terminal: a bar where someone watches, plain lines otherwise, nothing where not wanted."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from harness.words import duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn, Task

_T = TypeVar("_T")

EVERY = 15.0
"""Seconds between plain lines."""


class Progress:
    """Says how far a run is, on standard error.

    Args:
        quiet: say nothing (the Python API).
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bars: Bars | None = None

    def say(self, line: str) -> None:
        """One line, above the bar if there is one."""
        if self.quiet:
            return
        if self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - what this module is for

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[Stage]:
        """A part of the work with a known number of steps, or an unknown one."""
        if self.quiet or not sys.stderr.isatty():
            yield PlainStage(self, name, total)
            return
        from rich.console import Console
        from rich.progress import Progress as Bars

        with Bars(*_columns(), console=Console(stderr=True), transient=True) as bars:
            self._bars = bars
            try:
                yield BarStage(bars, name, total)
            finally:
                self._bars = None

    def over(self, name: str, items: Iterable[_T], total: int) -> Iterator[_T]:
        """The items, with progress."""
        with self.stage(name, total) as stage:
            for item in items:
                yield item
                stage.advance()


def _columns() -> list[ProgressColumn]:
    """Of the bar, which is one line of 80 columns: steps, rate, time left, what was worked on, failures."""
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = task.finished_speed or task.speed
            if rate is None:
                return Text("")
            left = "" if task.total is None else f", {duration((task.total - task.completed) / rate)} left"
            return Text(f"{rate:.1f}/s{left}" if rate else "")

    return [
        TextColumn("{task.description}"),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        Speed(),
        TextColumn("{task.fields[note]}", markup=False),
        TextColumn("{task.fields[failed]}", style="red"),
    ]


class Stage:
    """A part of the work under way."""

    def advance(self, note: str = "", failed: int = 0) -> None:
        """One more step is done.

        Args:
            note: what it was of, a task say.
            failed: how many steps have failed so far.
        """
        raise NotImplementedError


class BarStage(Stage):
    """A bar, redrawn by rich ten times a second at most."""

    def __init__(self, bars: Bars, name: str, total: int | None) -> None:
        self._bars = bars
        self._task = bars.add_task(name, total=total, note="", failed="")

    def advance(self, note: str = "", failed: int = 0) -> None:
        """One more step is done."""
        self._bars.update(self._task, advance=1, note=note, failed=_failures(failed))


def _failures(failed: int) -> str:
    return f"{failed} failed" if failed else ""


class PlainStage(Stage):
    """A line now and then, for logs; none for what ends sooner."""

    def __init__(self, progress: Progress, name: str, total: int | None) -> None:
        self._progress, self._name, self._total = progress, name, total
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, note: str = "", failed: int = 0) -> None:
        """One more step is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._said < EVERY:
            return
        self._said = now
        of = f" of {self._total}" if self._total is not None else ""
        rate = self._done / (now - self._started)
        left = f"{duration((self._total - self._done) / rate)} left" if self._total is not None else ""
        facts = (f"{self._done}{of}", f"{rate:.1f}/s", left, note, _failures(failed))
        self._progress.say(f"{self._name}: {', '.join(filter(None, facts))}")
