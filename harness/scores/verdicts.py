"""The verdicts of a task: in memory the numbers that its metrics are made of, on disk the lines of its scores.

A `Verdict` is what scoring gives; `Verdicts` keeps many. Of each it holds about a hundred bytes, as columns;
the line for `scores/<task>.jsonl`, with all texts and places, waits in a file without a name.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.columns import sorted_column
from harness.jsonl import encode
from harness.scores.judging import score_json
from harness.scores.rulings import JUDGE, Rulings
from harness.spool import Spool
from scorers.types import Score, Status
from tasks.types import Groups, Task

STATUSES = tuple(Status)
"""A status in a column is its number here."""
_CODES = {status: code for code, status in enumerate(STATUSES)}
NO_VERDICT = frozenset(_CODES[status] for status in (Status.FAILED, Status.ERROR, Status.UNSCORED))
"""Codes of what is no part of n."""


class Verdict(NamedTuple):
    """One response and its verdict."""

    position: int
    """Of the item within its task, from 0."""
    id: str
    epoch: int
    groups: Groups
    score: Score
    prompt_tokens: int = 0
    completion_tokens: int = 0


def unanswered(position: int, name: str, groups: Groups, epoch: int, error: str) -> Verdict:
    """The verdict on a sample, by its id, that could not be asked or was not answered."""
    return Verdict(position, name, epoch, groups, Score(0.0, None, Status.FAILED, error=error))


def scorer_version(task: Task) -> str:
    """Twelve hex digits over the source of all scorers and of the task: scores of one version agree."""
    return task.version or _version(task.to_samples.__module__)


@cache
def _version(task_module: str) -> str:
    import scorers

    digest = hashlib.sha256()
    files = sorted(
        path for path in Path(scorers.__file__).parent.rglob("*.*") if path.suffix in (".py", ".toml")
    )
    source = getattr(sys.modules.get(task_module), "__file__", None)
    if source is not None:
        files.append(Path(source))
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def score_line(verdict: Verdict, version: str) -> dict[str, Any]:
    """A verdict as plain JSON."""
    return {"id": verdict.id, "epoch": verdict.epoch, **score_json(verdict.score), "scorer": version}


class Labels:
    """A column of names, of which each distinct one is held once."""

    def __init__(self) -> None:
        self.codes = array("i")
        """Of each row, an index of `names`; -1: none."""
        self.names: list[Any] = []
        self._known: dict[Hashable, int] = {}

    def add(self, name: Hashable | None) -> None:
        """The name of the next row."""
        self.codes.append(-1 if name is None else self.code(name))

    def code(self, name: Hashable) -> int:
        """The code of a name, a new one where it was not met before."""
        if len(self._known) < len(self.names):
            self._known = {name: code for code, name in enumerate(self.names)}
        code = self._known.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def fill(self, rows: int) -> None:
        """Rows without a name, up to so many."""
        if rows > len(self.codes):
            self.codes.extend([-1] * (rows - len(self.codes)))

    def end(self) -> None:
        """No row comes any more: the index of names goes, until a code is asked for."""
        self._known = {}


class Verdicts:
    """Verdicts of one task as columns; a row is a number in the order of `add`.

    Args:
        version: of the scorer, stamped on each line.
        folder: on whose disk the lines lie; None: in the system's folder for temporary files.
        lines: keep them and the tokens, for `task_result` and `lines`; else the metrics alone can be had.
    """

    def __init__(self, version: str = "", folder: Path | None = None, *, lines: bool = True) -> None:
        self.positions, self.epochs = array("i"), array("i")
        self.values, self.officials = array("d"), array("d")
        """Of `officials` NaN stands for none."""
        self.statuses = array("b")
        self.prompt_tokens, self.completion_tokens = array("q"), array("q")
        self.components: dict[str, array[float]] = {}
        """Name → a column; NaN: the score has it not."""
        self.groups: dict[str, Labels] = {}
        """Group key → a column of groups; a tuple where a sample is in several."""
        self.rulings: Rulings | None = None
        """Of the judge; None where none was asked."""
        self._version = version
        self._lines = Spool(folder, "scores") if lines else None
        if self._lines is not None:
            self._lines.open()

    @classmethod
    def of(cls, verdicts: Iterable[Verdict], version: str = "", *, lines: bool = True) -> Verdicts:
        """A table of verdicts that there are already."""
        table = cls(version, lines=lines)
        for verdict in verdicts:
            table.add(verdict)
        return table

    def __len__(self) -> int:
        return len(self.positions)

    def add(self, verdict: Verdict) -> None:
        """The next row."""
        score, row = verdict.score, len(self)
        self.positions.append(verdict.position)
        self.epochs.append(verdict.epoch)
        self.values.append(score.value)
        self.officials.append(math.nan if score.official is None else score.official)
        self.statuses.append(_CODES[score.status])
        for name, number in score.components.items():
            column = self.components.setdefault(name, array("d"))
            column.extend([math.nan] * (row - len(column)))
            column.append(number)
        for key, group in verdict.groups.items():
            labels = self.groups.setdefault(key, Labels())
            labels.fill(row)
            labels.add(group[0] if isinstance(group, tuple) and len(group) == 1 else group)
        if self._lines is not None:
            self.prompt_tokens.append(verdict.prompt_tokens)
            self.completion_tokens.append(verdict.completion_tokens)
            self._lines.add(encode(score_line(verdict, self._version)))

    def end(self) -> None:
        """No row comes any more: what was needed to add one goes."""
        for labels in self.groups.values():
            labels.end()

    def component(self, name: str, row: int) -> float | None:
        """A component of a score, or the judge's verdict; None where the score has it not."""
        if name == JUDGE and self.rulings is not None:
            return self.rulings.of(row)
        column = self.components.get(name)
        if column is None or row >= len(column) or math.isnan(column[row]):
            return None
        return column[row]

    def group(self, key: str | None, row: int) -> str | tuple[str, ...] | None:
        """The group that a row is in for a key, or the several; None: none."""
        labels = self.groups.get(key or "")
        if labels is None or row >= len(labels.codes) or labels.codes[row] < 0:
            return None
        found: str | tuple[str, ...] = labels.names[labels.codes[row]]
        return found

    def ordered(self) -> Sequence[int]:
        """The rows by position and epoch."""
        epochs = max(self.epochs, default=0) + 1

        def place(row: int) -> int:
            return self.positions[row] * epochs + self.epochs[row]

        if all(place(row) <= place(row + 1) for row in range(len(self) - 1)):
            return range(len(self))
        return sorted_column(array("q", range(len(self))), place)

    def lines(self) -> Iterator[bytes]:
        """The lines of `scores/<task>.jsonl` by position and epoch."""
        assert self._lines is not None
        return map(self._line, self.ordered())

    def _line(self, row: int) -> bytes:
        """A row's line, the judge's verdict among the components."""
        assert self._lines is not None
        line = self._lines[row]
        number = self.rulings.of(row) if self.rulings is not None else None
        if self.rulings is None or number is None:
            return line
        value = json.loads(line)
        components = value.get("components", {}) | {JUDGE: number}
        by = {"model": self.rulings.model, "prompt": self.rulings.prompt}
        return encode(value | {"components": components, JUDGE: by})

    def extracted(self, row: int) -> str | None:
        """What was read from a row's response; None where nothing was."""
        assert self._lines is not None
        found: str | None = json.loads(self._lines[row])["extracted"]
        return found

    def reason(self, row: int) -> str:
        """Why a row has no verdict."""
        assert self._lines is not None
        return json.loads(self._lines[row]).get("error") or "no reason given"
