"""The index of the sample viewer: columns by which the browser filters without reading a text."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from harness.control import CONTROLS, control_of
from harness.jsonl import encode
from harness.scores import repeats
from harness.scores.aggregate import PARTING
from harness.scores.verdicts import Labels
from harness.spool import Spool
from reports.runs import Run
from reports.samples.geometry import distance
from scorers.types import Status

STATUSES = (*(str(status) for status in Status), "missing")
"""In the order of the bits of a cell's status."""
RIGHT, WRONG, OFFICIAL_ONLY, OURS_ONLY = 1, 2, 4, 8
"""The bits of a cell's verdict; the last two: only the official rule, only ours counts a response as right."""
START = 110
"""Characters of a question in the list."""
SHARED = 30
"""Characters from which on a beginning that all questions of a task share is left out."""

_BIT = {status: 1 << index for index, status in enumerate(STATUSES)}
_NO_VERDICT = (str(Status.FAILED), str(Status.ERROR), str(Status.UNSCORED))


class Cell(NamedTuple):
    """What one run made of one sample, over its epochs."""

    status: int
    """Bits of all that its responses became; 0: the run did not ask."""
    verdict: int
    value: float | None
    """Mean over the epochs with a verdict."""
    official: float | None


NOT_ASKED = Cell(0, 0, None, None)


class Measures(NamedTuple):
    """What the list is sorted by beside the score: means over a sample's epochs, None where there is none."""

    iou: float | None
    distance: float | None
    """Of points from the true place, in % of the image's diagonal."""
    tokens: float | None
    """Of the response."""
    latency: float | None
    """Seconds."""


NOT_MEASURED = Measures(None, None, None, None)


def measures_of(replies: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> Measures:
    """The measures of a sample.

    Args:
        replies: one an epoch, as `reports.samples.texts.reply` gives them.
        asked: as `reports.samples.texts.asked` gives it.
    """
    size, *_ = asked.get("size") or [(1, 1)]
    true = asked.get("shapes") or []
    return Measures(
        _mean([reply["k"].get("iou") for reply in replies if "k" in reply]),
        _mean([distance(reply["shapes"], true, size) for reply in replies if "shapes" in reply])
        if true
        else None,
        _mean([reply.get("ct") for reply in replies]),
        _mean([reply.get("l") for reply in replies]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


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
            verdict |= OFFICIAL_ONLY if official > score["value"] else OURS_ONLY
    if not counted:
        return Cell(status, verdict, None, None)
    officials = [score["official"] for score in counted if score.get("official") is not None]
    value = sum(score["value"] for score in counted) / len(counted)
    verdict |= RIGHT if sum(_of(score, of) for score in counted) / len(counted) >= repeats.RIGHT else WRONG
    return Cell(status, verdict, value, sum(officials) / len(officials) if officials else None)


def _of(score: Mapping[str, Any], name: str) -> float:
    found = score.get(name) if name == "official" else (score.get("components") or {}).get(name)
    return float(score["value"] if found is None else found)


def rank_of(cells: Sequence[Cell]) -> int:
    """How early a sample's images come: 0 where verdicts disagree, 1 where one is not right, else 2."""
    verdicts = [cell.verdict for cell in cells]
    if any(verdict & (OFFICIAL_ONLY | OURS_ONLY) for verdict in verdicts) or (
        any(verdict & RIGHT for verdict in verdicts) and any(verdict & WRONG for verdict in verdicts)
    ):
        return 0
    return 2 if all(verdict & RIGHT for verdict in verdicts) else 1


class Groups:
    """The groups of a task's samples as columns: key → its distinct values, and a code a sample."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, int]] = {}
        self._codes: dict[str, Labels] = {}
        self._samples = 0

    def add(self, groups: Mapping[str, Any]) -> None:
        """The groups of the next sample; a value may be several."""
        for key, value in groups.items():
            codes = self._codes.setdefault(key, Labels())
            codes.fill(self._samples)
            known = self._columns.setdefault(key, {})
            several = value if isinstance(value, list) else [value]
            found = [known.setdefault(str(one), len(known)) for one in several]
            codes.add(tuple(found) if isinstance(value, list) else found[0])
        self._samples += 1

    def end(self) -> None:
        """No sample comes any more."""
        for labels in self._codes.values():
            labels.end()

    def pieces(self) -> Iterator[str]:
        """`{key: {"values": […], "codes": […]}}`; a code is an index in values, several, or -1 for none."""
        for number, (key, labels) in enumerate(self._codes.items()):
            labels.fill(self._samples)
            yield f'{"{,"[number > 0]}{json.dumps(key)}:{{"values":'
            yield from _listed(self._columns[key])
            yield ',"codes":'
            yield from _listed(-1 if code < 0 else labels.names[code] for code in labels.codes)
            yield "}"
        yield "}" if self._codes else "{}"


def _listed(values: Iterable[Any]) -> Iterator[str]:
    """A list as JSON, a thousand values at a time."""
    left, separator = iter(values), "["
    while some := list(islice(left, 1000)):
        yield separator + json.dumps(some, separators=(",", ":"), allow_nan=False)[1:-1]
        separator = ","
    yield "[]" if separator == "[" else "]"


def _shared_words(first: str, last: str) -> int:
    """Characters of the words with which all texts from `first` to `last` in the alphabet begin."""
    same = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first.rfind(" ", 0, same) + 1


class Column:
    """How one run fared, an entry a sample."""

    def __init__(self) -> None:
        self.status, self.verdict = bytearray(), bytearray()
        self.numbers = {name: array("d") for name in ("value", "official", *Measures._fields)}
        """NaN for none."""

    def add(self, cell: Cell, measures: Measures) -> None:
        """The next sample."""
        self.status.append(cell.status)
        self.verdict.append(cell.verdict)
        numbers = (cell.value, cell.official, *measures)
        for column, number in zip(self.numbers.values(), numbers, strict=True):
            column.append(math.nan if number is None else number)

    def pieces(self, run: Run) -> Iterator[str]:
        """As the page holds it: masks of bits as characters from "0" on; numbers that no sample has as []."""
        yield json.dumps(described(run), separators=(",", ":"))[:-1]
        for name, bits in (("status", self.status), ("verdict", self.verdict)):
            yield f',"{name}":' + json.dumps("".join([chr(48 + mask) for mask in bits]))
        for name, numbers in self.numbers.items():
            yield f',"{name}":'
            known = not all(map(math.isnan, numbers))
            yield from _listed(None if math.isnan(n) else short(n) for n in numbers if known)
        yield "}"


class Index:
    """One entry a sample in every column: numbers in memory; on disk ids, and how the questions begin."""

    def __init__(self, runs: int) -> None:
        self.chunks: list[int] = []
        """The number of each chunk's first sample."""
        self.sets: list[tuple[dict[str, Any], Groups]] = []
        """A task on one data set: its first sample, how many follow, and its groups."""
        self.columns = [Column() for _ in range(runs)]
        self._texts = Spool(None, "samples")
        self._skips: list[tuple[int, int]] = []
        """(first sample, characters that all from there on share), of each task."""
        self._least, self._most = "", ""

    def __len__(self) -> int:
        return len(self._texts)

    def begin(self) -> None:
        """The samples of another task follow."""
        self._skips.append((len(self), 0))

    def add(self, sample_id: str, question: str, cells: Sequence[Cell], measures: Sequence[Measures]) -> None:
        """The next sample."""
        start = " ".join(question[: 4 * START].split())
        first, _ = self._skips[-1]
        self._least, self._most = (
            (min(self._least, start), max(self._most, start)) if len(self) > first else (start, start)
        )
        self._texts.add(encode([sample_id, start]))
        for column, cell, measured in zip(self.columns, cells, measures, strict=True):
            column.add(cell, measured)

    def end(self, described: dict[str, Any], groups: Groups) -> None:
        """All samples of the task are added: how their questions begin can be cut.

        A long beginning that all share says nothing in a list and is left out.
        """
        first, _ = self._skips[-1]
        count = len(self) - first
        skip = _shared_words(self._least, self._most) if count > 1 else 0
        self._skips[-1] = first, skip if skip >= SHARED else 0
        groups.end()
        self.sets.append(({**described, "first": first, "count": count}, groups))

    def _starts(self) -> Iterator[str]:
        ends = [first for first, _ in self._skips[1:]] + [len(self)]
        for (first, skip), end in zip(self._skips, ends, strict=True):
            for number in range(first, end):
                start = json.loads(self._texts[number])[1]
                yield ("… " + start[skip:] if skip else start)[:START]

    def pieces(self, runs: Sequence[Run], pictures: Mapping[str, Any]) -> Iterator[str]:
        """As the page holds it, JSON in pieces."""
        yield '{"ids":'
        yield from _listed(json.loads(self._texts[number])[0] for number in range(len(self)))
        yield ',"starts":'
        yield from _listed(self._starts())
        yield f',"chunks":{json.dumps(self.chunks)},"statuses":{json.dumps(STATUSES)},"sets":['
        for number, (described_set, groups) in enumerate(self.sets):
            yield "," * (number > 0) + json.dumps(described_set)[:-1] + ',"groups":'
            yield from groups.pieces()
            yield "}"
        yield '],"runs":['
        for number, (run, column) in enumerate(zip(runs, self.columns, strict=True)):
            yield "," * (number > 0)
            yield from column.pieces(run)
        yield '],"pictures":'
        yield json.dumps(pictures, separators=(",", ":"))
        yield "}"


def described(run: Run) -> dict[str, Any]:
    """What the viewer says of a run."""
    config = run.run["config"]
    return {
        "name": run.name,
        "coords": run.run.get("coords"),
        "style": config.get("prompt"),
        "epochs": config.get("epochs", 1),
        "control": CONTROLS[control] if (control := control_of(config)) is not None else None,
        "system": config.get("system_prompt"),
        "missing": run.missing,
        "partial": not run.finished,
    }


def short(value: float | None) -> float | int | None:
    """A number with four decimals at most; whole ones without a point."""
    if value is None:
        return None
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded
