"""The index of the sample viewer: columns by which the browser filters without reading a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.scores.aggregate import PARTING
from reports.runs import Run
from scorers.types import Status

STATUSES = (*(str(status) for status in Status), "missing")
"""In the order of the bits of a cell's status."""
RIGHT, WRONG, LOOPHOLE, MISSED = 1, 2, 4, 8
"""The bits of a cell's verdict."""
START = 110
"""Characters of a question in the list."""
SHARED = 30
"""Characters from which on a beginning that all questions of a task share is left out."""

_BIT = {status: 1 << index for index, status in enumerate(STATUSES)}
_NO_VERDICT = (str(Status.FAILED), str(Status.ERROR))


class Cell(NamedTuple):
    """What one run made of one sample, over its epochs."""

    status: int
    """Bits of all that its responses became; 0: the run did not ask."""
    verdict: int
    value: float | None
    """Mean over the epochs with a verdict."""
    official: float | None


NOT_ASKED = Cell(0, 0, None, None)


def cell_of(scores: Sequence[Mapping[str, Any]], epochs: int, of: str) -> Cell:
    """The cell of a sample that a run asks.

    Args:
        scores: lines of `scores/<task>.jsonl`, one an epoch.
        epochs: how many there should be.
        of: what the task's headline is a mean of. Right is a mean of at least ½ of it; where it is not
            given, of the value.
    """
    status = 0 if len(scores) >= epochs else _BIT["missing"]
    verdict = 0
    counted = []
    for score in scores:
        status |= _BIT.get(score["status"], 0)
        if score["status"] in _NO_VERDICT:
            continue
        counted.append(score)
        official = score.get("official")
        if official is not None and abs(official - score["value"]) >= PARTING:
            verdict |= LOOPHOLE if official > score["value"] else MISSED
    if not counted:
        return Cell(status, verdict, None, None)
    officials = [score["official"] for score in counted if score.get("official") is not None]
    value = sum(score["value"] for score in counted) / len(counted)
    verdict |= RIGHT if sum(_of(score, of) for score in counted) / len(counted) >= 0.5 else WRONG
    return Cell(status, verdict, value, sum(officials) / len(officials) if officials else None)


def _of(score: Mapping[str, Any], name: str) -> float:
    found = score.get(name) if name == "official" else (score.get("components") or {}).get(name)
    return float(score["value"] if found is None else found)


def rank_of(cells: Sequence[Cell]) -> int:
    """How early a sample's images go into the page: 0 where verdicts part, 1 where one is not right, else 2."""
    verdicts = [cell.verdict for cell in cells]
    if any(verdict & (LOOPHOLE | MISSED) for verdict in verdicts) or (
        any(verdict & RIGHT for verdict in verdicts) and any(verdict & WRONG for verdict in verdicts)
    ):
        return 0
    return 2 if all(verdict & RIGHT for verdict in verdicts) else 1


class Groups:
    """The groups of a task's samples as columns: key → its distinct values, and a code a sample."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, int]] = {}
        self._codes: dict[str, list[int | list[int]]] = {}
        self._samples = 0

    def add(self, groups: Mapping[str, Any]) -> None:
        """The groups of the next sample; a value may be several."""
        for key, value in groups.items():
            codes = self._codes.setdefault(key, [])
            codes.extend([-1] * (self._samples - len(codes)))
            known = self._columns.setdefault(key, {})
            if isinstance(value, list):
                codes.append([known.setdefault(str(one), len(known)) for one in value])
            else:
                codes.append(known.setdefault(str(value), len(known)))
        self._samples += 1

    def json(self) -> dict[str, Any]:
        """`{key: {"values": […], "codes": […]}}`; a code is an index in values, several, or -1 for none."""
        return {
            key: {"values": list(self._columns[key]), "codes": codes + [-1] * (self._samples - len(codes))}
            for key, codes in self._codes.items()
        }


def _shared_words(first: str, last: str) -> int:
    """Characters of the words with which all texts from `first` to `last` in the alphabet begin."""
    same = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first.rfind(" ", 0, same) + 1


@dataclass(slots=True)
class Index:
    """One entry a sample in every list."""

    ids: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    """How the questions begin."""
    chunks: list[int] = field(default_factory=list)
    """The number of each chunk's first sample."""
    sets: list[dict[str, Any]] = field(default_factory=list)
    """A task on one data set: its first sample, how many follow, and its groups."""
    cells: list[list[Cell]] = field(default_factory=list)
    """One list a run."""

    def add(self, sample_id: str, question: str, cells: Sequence[Cell]) -> None:
        """The next sample."""
        self.ids.append(sample_id)
        self.starts.append(" ".join(question[: 4 * START].split()))
        for column, cell in zip(self.cells, cells, strict=True):
            column.append(cell)

    def end(self, first: int) -> None:
        """All samples of a task, from this one on, are added: how their questions begin can be cut.

        A long beginning that all share says nothing in a list and is left out.
        """
        starts = self.starts[first:]
        skip = _shared_words(min(starts, default=""), max(starts, default="")) if len(starts) > 1 else 0
        if skip >= SHARED:
            starts = ["… " + start[skip:] for start in starts]
        self.starts[first:] = [start[:START] for start in starts]

    def json(self, runs: Sequence[Run]) -> dict[str, Any]:
        """As the page holds it: masks of bits as characters from "0" on."""
        return {
            "ids": self.ids,
            "starts": self.starts,
            "chunks": self.chunks,
            "sets": self.sets,
            "statuses": STATUSES,
            "runs": [
                {
                    **described(run),
                    "status": "".join([chr(48 + cell.status) for cell in cells]),
                    "verdict": "".join([chr(48 + cell.verdict) for cell in cells]),
                    "value": [short(cell.value) for cell in cells],
                    "official": [short(cell.official) for cell in cells],
                }
                for run, cells in zip(runs, self.cells, strict=True)
            ],
        }


def described(run: Run) -> dict[str, Any]:
    """What the viewer says of a run."""
    config = run.run["config"]
    return {
        "name": run.name,
        "coords": run.run.get("coords"),
        "style": config.get("prompt"),
        "epochs": config.get("epochs", 1),
        "permuted": bool(config.get("permute_images")),
        "missing": run.missing,
        "partial": not run.finished,
    }


def short(value: float | None) -> float | int | None:
    """A number with four decimals at most; whole ones without a point."""
    if value is None:
        return None
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded
