"""Two runs sample by sample: what each was asked, its verdicts, and which of them may be compared.

A comparison is of models on the same data: samples are paired by id, and only where question, choices, images,
target and scorer are the same. Prompts may differ; the comparison names them.
"""

from __future__ import annotations

import hashlib
import json
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from harness.control import CONTROLS, Control, control_of
from harness.errors import HarnessError, UsageError
from harness.jsonl import read_lines, tuples
from harness.registry import Registry
from harness.run import read_run, score_run
from harness.run.items import Line, with_scores
from harness.scores.aggregate import Observations, Table, group_names, observations_of, placed_by
from harness.scores.verdicts import NO_VERDICT, STATUSES, Verdict, Verdicts, scorer_version
from scorers.types import Score, Status
from tasks.types import Task

_UNSCORED = STATUSES.index(Status.UNSCORED)
_BLOCK = 1 << 14
"""Samples whose hashes are compared at once: bounds the memory."""
Places = NDArray[np.int32]
"""Positions of samples."""
Lines = Callable[[str], Iterable[Line]]
"""A task's name → the lines of its items or scores, as plain JSON."""


class Asked:
    """What the samples of a task were asked, in order, as columns of 64-bit hashes; their ids are one text."""

    def __init__(self) -> None:
        self.ids, self.prompts, self.images, self.contents = (array("Q") for _ in range(4))
        """Of `contents`: question, choices and target. 0 in `prompts`: it could not be asked."""
        self._names, self._ends = bytearray(), array("I", [0])

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, item: Mapping[str, Any]) -> None:
        """The next sample, as a line of the items file."""
        self._names += item["id"].encode("utf-8", "surrogatepass")
        self._ends.append(len(self._names))
        self.ids.append(_hash(item["id"]))
        failed = "error" in item
        self.prompts.append(0 if failed else _hash(item["prompt_sha"]) or 1)
        self.images.append(0 if failed else _hash(item["image_sha"]))
        self.contents.append(0 if failed else _hash([item["question"], item["choices"], item["target"]]))

    def name(self, position: int) -> str:
        """The id of a sample."""
        text = self._names[self._ends[position] : self._ends[position + 1]]
        return text.decode("utf-8", "surrogatepass")

    def places_in(self, other: Asked) -> Places:
        """Of each sample, its position in another run; -1: not there."""
        mine, theirs = (np.frombuffer(asked.ids, np.uint64) for asked in (self, other))
        if np.array_equal(mine, theirs):
            return np.arange(len(mine), dtype=np.int32)
        if not len(theirs):
            return np.full(len(mine), -1, np.int32)
        order = np.argsort(theirs, kind="stable")
        found = order[np.minimum(np.searchsorted(theirs[order], mine), len(order) - 1)]
        return np.where(theirs[found] == mine, found, -1).astype(np.int32)


_CANONICAL = json.JSONEncoder(sort_keys=True)  # `json.dumps` makes one for every call


def _hash(value: Any) -> int:
    text = _CANONICAL.encode(value)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class TaskSide:
    """One task of one run: some 150 bytes a sample."""

    fingerprint: str
    """Of its data."""
    scorers: frozenset[str]
    """Versions of the scorers that its verdicts are from."""
    asked: Asked
    verdicts: Verdicts
    """One for each sample and epoch; those still missing are `failed`."""
    missing: int
    """Responses that the run does not have yet."""
    unscored: bool = False
    """The answers of its split are withheld: there are no scores."""
    whole: dict[str, Found] = field(default_factory=dict, compare=False, repr=False)
    """Headline → its numbers over all samples, kept: a run is compared with several others."""


@dataclass(frozen=True, slots=True)
class Side:
    """One run of a comparison."""

    path: Path
    name: str
    coords: str | None
    prompt: str
    """The style: `direct` or `think`."""
    control: Control | None
    """What was changed of its samples on purpose."""
    synthetic: bool
    complete: bool
    missing: int
    registry: Registry
    tasks: Mapping[str, TaskSide]


def read_side(path: Path) -> Side:
    """A run's folder, complete or not; nothing is written.

    Raises:
        UsageError: the folder holds no run, or a part of one.
        HarnessError: a file of it cannot be read.
    """
    run = read_run(path) if (path / "run.json").is_file() else None
    if run is None:
        raise UsageError(f"{path}: not a run: there is no run.json")
    if (shard := run["config"].get("shard")) is not None:
        raise UsageError(f"{path}: shard {shard} is a part of a run: harness merge joins the shards")
    items = _lines_of(path, "items")
    if (path / "results.json").is_file():
        return side_of(path, None, run, items, _lines_of(path, "scores"))
    verdicts_of = {task.name: verdicts for task, verdicts in score_run(path).scores}

    def scores(name: str) -> Iterator[Line]:
        return map(json.loads, verdicts_of[name].lines())

    return side_of(path, None, run, items, scores, complete=False)


def _lines_of(path: Path, folder: str) -> Lines:
    def lines(task: str) -> Iterator[Line]:
        file = path / folder / f"{task}.jsonl"
        if not file.is_file():
            raise HarnessError(
                f"{file}: there is no such file, and the run has this task: harness score {path}"
            )
        for number, line in read_lines(file):
            if not isinstance(line, dict) or not isinstance(line.get("id"), str):
                raise HarnessError(f"{file}:{number}: broken: a line of this file has an id")
            yield line

    return lines


def side_of(
    path: Path, name: str | None, run: Mapping[str, Any], items: Lines, scores: Lines, *, complete: bool = True
) -> Side:
    """A run from what its files hold.

    Args:
        path: its folder, for messages.
        name: to show; None: the model's.
        run: `run.json`.
        items: task → lines of `items/<task>.jsonl`.
        scores: task → lines of `scores/<task>.jsonl`.
        complete: whether it says that it is; else its verdicts may lack some.

    Raises:
        HarnessError: a line is not as this version writes it.
    """
    where = "run.json"
    try:
        config, tasks = run["config"], {}
        for task, described in run["tasks"].items():
            where = task
            pairs = with_scores(items(task), scores(task), f"{path}: {task}")
            tasks[task] = _task_side(described["fingerprint"], pairs, config["epochs"])
        return Side(
            path=path,
            name=str(config["model"] if name is None else name),
            coords=run["coords"],
            prompt=config["prompt"],
            control=control_of(config),
            synthetic=any(described["synthetic"] for described in run["tasks"].values()),
            complete=complete,
            missing=sum(side.missing for side in tasks.values()),
            registry=Registry(config["task_file"]),
            tasks=tasks,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{path}: {where}: not as this version writes it ({error!r})") from None


def _task_side(fingerprint: str, pairs: Iterable[tuple[Line, Sequence[Line]]], epochs: int) -> TaskSide:
    asked, verdicts, scorers, missing = Asked(), Verdicts(lines=False), set(), 0
    for position, (item, scores) in enumerate(pairs):
        asked.add(item)
        groups = {key: tuples(value) for key, value in item.get("groups", {}).items()}
        found = {line["epoch"]: line for line in scores}
        scorers |= {line["scorer"] for line in scores}
        missing += epochs - sum(epoch in found for epoch in range(epochs))
        for epoch in range(epochs):
            verdicts.add(Verdict(position, item["id"], epoch, groups, _score(found.get(epoch))))
    verdicts.end()
    unscored = _UNSCORED in verdicts.statuses
    return TaskSide(fingerprint, frozenset(scorers), asked, verdicts, missing, unscored)


def _score(line: Mapping[str, Any] | None) -> Score:
    if line is None:
        return Score(0.0, None, Status.FAILED, error="no response yet")
    official = line["official"]
    return Score(
        0.0 if line["status"] == Status.UNSCORED else _fraction(line["value"]),
        None if official is None else _fraction(official),
        Status(line["status"]),
        components={name: _fraction(value) for name, value in line.get("components", {}).items()},
    )


def _fraction(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no score")
    return number


def other_control(a: Side, b: Side) -> str | None:
    """Why two runs cannot be compared of which one is a control, or each another; None where they can."""
    if a.control == b.control:
        return None
    said = (CONTROLS[side.control] if side.control is not None else "as it is" for side in (a, b))
    return f"what was asked differs: {' and '.join(said)}"


def mismatch(name: str, a: Side, b: Side) -> str | None:
    """Why a task of two runs cannot be compared, in words; None where it can."""
    one, other = a.tasks[name], b.tasks[name]
    here, there = _shared(one.asked, other.asked)
    if one.fingerprint != other.fingerprint:
        return f"the data differ (fingerprints {one.fingerprint[:12]} and {other.fingerprint[:12]})"
    if not len(here):
        return "no sample is in both runs"
    images = _differing(one.asked.images, other.asked.images, here, there)
    if images:
        return f"the images of {images} of {len(here)} shared samples differ"
    if one.scorers != other.scorers and one.scorers and other.scorers:
        now = frozenset({scorer_version(a.registry.get(name))})
        stale = [f"harness score {side.path}" for side in (a, b) if side.tasks[name].scorers != now]
        return f"the scorers' versions differ (to fix it: {'; '.join(stale)})"
    return None


def differing_prompts(one: TaskSide, other: TaskSide) -> int:
    """How many of the samples that both runs of a task share were asked with another prompt."""
    return _differing(one.asked.prompts, other.asked.prompts, *_shared(one.asked, other.asked))


def _shared(one: Asked, other: Asked) -> tuple[Places, Places]:
    """Positions of the samples that both runs could ask, and of each of one run's samples in the other."""
    there = one.places_in(other)
    here = np.flatnonzero(there >= 0).astype(np.int32)
    return here[_both_asked(one, other, here, there)], there


def _both_asked(one: Asked, other: Asked, here: Places, there: Places) -> NDArray[np.bool_]:
    """Which samples, by their positions in one run and all of those in the other, both runs could ask."""
    return (_column(one.prompts) > 0)[here] & (_column(other.prompts) > 0)[there[here]]


def _column(column: array[int]) -> NDArray[np.uint64]:
    return np.frombuffer(column, np.uint64)


def _differing(one: array[int], other: array[int], here: Places, there: Places) -> int:
    """How many samples, by their positions in one run and all of those in the other, differ in a column."""
    return len(here) - int(_alike(one, other, here, there).sum())


def _alike(one: array[int], other: array[int], here: Places, there: Places) -> NDArray[np.bool_]:
    """The same sample by sample, in blocks: a column taken by positions is a copy."""
    found = np.empty(len(here), bool)
    for start in range(0, len(here), _BLOCK):
        block = here[start : start + _BLOCK]
        found[start : start + _BLOCK] = _column(one)[block] == _column(other)[there[block]]
    return found


class Ids(Sequence[str]):
    """Ids of samples, or names of groups, made when they are read: in memory is a number of each.

    Args:
        name: makes that of a pair.
        pairs: their numbers.
    """

    def __init__(self, name: Callable[[int], str], pairs: array[int]) -> None:
        self._name, self._pairs = name, pairs

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Ids: ...

    def __getitem__(self, place: int | slice) -> str | Ids:
        if isinstance(place, slice):
            return Ids(self._name, self._pairs[place])
        return self._name(self._pairs[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


@dataclass(frozen=True, slots=True)
class Pairs:
    """The paired numbers of one task's headline, in the order of A's items, as columns."""

    name: Callable[[int], str]
    """The sample id of a pair, or the name of its group where the metric is circular."""
    a: array[float]
    b: array[float]
    clusters: array[int] | None
    """Equal for what belongs together; None: all are independent."""
    placed: tuple[array[int], Sequence[str]]
    """(pair, group): every pair in each of the groups that a macro mean averages; empty otherwise."""
    only_in_a: tuple[str, ...]
    """Samples that only A was asked."""
    only_in_b: tuple[str, ...]
    shared: int
    """Samples that both were asked."""
    mismatched: int
    """Shared samples whose question or images differ."""
    unanswered: int
    """Shared samples without a verdict in one of the runs: missing, failed or a scorer's error."""


def pair(task: Task, a: TaskSide, b: TaskSide) -> Pairs:
    """Pair two runs of one task on sample ids; epochs are averaged by sample.

    A sample leaves where question, choices, target or images differ, or where either run has no verdict; with
    it its whole group, where members stand or fall together.
    """
    there, back = a.asked.places_in(b.asked), b.asked.places_in(a.asked)
    here = np.flatnonzero(there >= 0).astype(np.int32)
    asked = _both_asked(a.asked, b.asked, here, there)
    alike = asked & _alike(a.asked.images, b.asked.images, here, there)
    alike &= _alike(a.asked.contents, b.asked.contents, here, there)
    same = np.zeros(len(a.asked), bool)
    same[here] = alike
    left, right = _found(task, a, same), _found(task, b, same[back] & (back >= 0) if len(same) else back >= 0)
    circular = task.headline.reduce == "circular"
    mine, theirs = array("i"), array("i")
    for index, other in enumerate(_partners(task, left, right, there)):
        if other >= 0:
            mine.append(index)
            theirs.append(other)
    macro = task.headline.reduce == "macro"
    chosen = left.numbers.chosen(mine)
    return Pairs(
        name=lambda index: (
            left.group(task, mine[index]) if circular else a.asked.name(left.position(mine[index]))
        ),
        a=chosen.values,
        b=array("d", map(right.numbers.values.__getitem__, theirs)),
        clusters=chosen.clusters,
        placed=placed_by(left.table, chosen, task.headline.by or "") if macro else (array("q"), ()),
        only_in_a=tuple(map(a.asked.name, np.flatnonzero(there < 0).tolist())),
        only_in_b=tuple(map(b.asked.name, np.flatnonzero(back < 0).tolist())),
        shared=len(here),
        mismatched=int((asked & ~alike).sum()),
        unanswered=int((~(_answered(a)[here] & _answered(b)[there[here]])).sum()),
    )


def _answered(side: TaskSide) -> NDArray[np.bool_]:
    """Of each sample, whether it has a verdict in any epoch."""
    column = np.zeros(len(side.asked), bool)
    ruled = np.isin(np.asarray(side.verdicts.statuses), list(NO_VERDICT), invert=True)
    column[np.asarray(side.verdicts.positions)[ruled]] = True
    return column


@dataclass(frozen=True, slots=True)
class Found:
    """The numbers of a task's headline in one run."""

    table: Table
    numbers: Observations

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.numbers.rows)))

    def position(self, index: int) -> int:
        """Of the sample that a number is of."""
        return self.table.verdicts.positions[self.numbers.rows[index]]

    def group(self, task: Task, index: int) -> str:
        """The name of the group that a number is of."""
        return "\x1f".join(group_names(self.table.verdicts.group(task.headline.by, self.numbers.rows[index])))


def _partners(task: Task, left: Found, right: Found, there: Places) -> Iterator[int]:
    """For each number of one run, which of the other's is of the same sample or group; -1: none."""
    if task.headline.reduce == "circular":
        groups = {right.group(task, index): index for index in right}
        return (groups.get(left.group(task, index), -1) for index in left)
    indices = array("i", [-1]) * (
        max(map(right.position, right), default=-1) + 2
    )  # the last one stands for none
    for index in right:
        indices[right.position(index)] = index
    places = (int(there[left.position(index)]) for index in left)
    return (indices[place] if place < len(indices) else -1 for place in places)


def _found(task: Task, side: TaskSide, same: NDArray[np.bool_]) -> Found:
    """The headline's numbers, of the samples in `same` and of groups that are whole among them."""
    if same.all() and task.headline.name in side.whole:
        return side.whole[task.headline.name]
    fails = (row for row, position in enumerate(side.verdicts.positions) if not same[position])
    table = Table(task, side.verdicts, fails)
    found = Found(table, observations_of(table, task.headline, table.counted))
    if same.all():
        side.whole[task.headline.name] = found
    return found
