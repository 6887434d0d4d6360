"""What was asked: `items/<task>.jsonl`, enough to score a run's responses again without its data.

A line also says what a right answer looks like, as text and as places to draw, so that reports need neither the
task nor its scorer.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, HarnessError
from harness.jsonl import encode, plain, read_lines, sha_of_list, tuples, write_atomic
from harness.run.media import ImageStore, KeptImage
from harness.spool import Spool
from scorers.types import Coords, Shape, Target
from tasks.prompts import ImagePart, Part
from tasks.types import Groups, Prompt, Sample, Task

POSITION = "position"
"""In a line of a shard's items: its place, from 0, among those of the whole run."""
ELSEWHERE = -1
"""Stands for what another shard asks where the numbers of a whole plan's entries are given."""
Line = Mapping[str, Any]
"""A line of a run's file, as plain JSON."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One sample, ready to be asked."""

    sample: Sample
    parts: tuple[Part, ...]
    prompt_sha: str
    image_sha: str
    cost: float
    """An estimate of the tokens it takes, to sort by."""


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row, or one sample of it, that cannot be asked."""

    id: str
    """The sample's, or "row 17" where the row gave none."""
    error: str
    unit: str | None = None
    """The group that stands or falls with it, where known."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sample of an items file."""

    sample: Sample
    """Without its images: the scorers do not look."""
    prompt_sha: str
    image_sha: str

    @property
    def id(self) -> str:
        """The sample's."""
        return self.sample.id


def groups_of(task: Task, row: FailedRow) -> Groups:
    """The groups of a row that could not be asked: that of its unit, where it is known."""
    return {task.unit: row.unit} if task.unit and row.unit else {}


def gold_of(target: Target, coords: Coords | None) -> str | None:
    """A target's own right answer; None where it knows none, or none that the convention can write."""
    try:
        return target.gold(coords)
    except FAULTS:
        return None


def shapes_of(target: Target) -> tuple[Shape, ...]:
    """A target's true places; none where it knows none, or cannot tell them."""
    try:
        return target.shapes()
    except FAULTS:
        return ()


def line_of(task: Task, entry: Planned | FailedRow, coords: Coords | None) -> dict[str, Any]:
    """What a task asks of one sample, as plain JSON; gold places are in the convention, None: in fractions."""
    if isinstance(entry, FailedRow):
        return {"id": entry.id, "error": entry.error, "groups": plain(groups_of(task, entry))}
    sample = entry.sample
    line: dict[str, Any] = {
        "id": sample.id,
        "prompt_sha": entry.prompt_sha,
        "image_sha": entry.image_sha,
        "question": sample.question,
        "choices": list(sample.choices),
        "target": plain(sample.target),
        "gold": gold_of(sample.target, coords),
        "shapes": plain(shapes_of(sample.target)),
        "groups": plain(sample.groups),
        "images": [image.name for image in sample.images if isinstance(image, KeptImage)],
        "sizes": [list(image.size) for image in sample.images],
        "prompt": [part if isinstance(part, str) else {"image": part.index} for part in entry.parts],
    }
    if sample.meta:
        line["meta"] = plain(sample.meta)
    if sample.prompt is not None and sample.prompt.system is not None:
        line["system"] = sample.prompt.system
    return line


def read_items(path: Path, task: Task) -> Iterator[Item | FailedRow]:
    """The items of a run's task in the order of the rows, and the rows that could not be asked.

    Raises:
        HarnessError: a line is not JSON or its target is not of the task's type (another version wrote it).
    """
    for number, line in read_lines(path):
        yield item_of(task, line, f"{path}:{number}")


def item_of(task: Task, line: Any, where: str) -> Item | FailedRow:
    """A line read back, as `read_items` does; `where` names it in messages."""
    try:
        groups = {key: tuples(value) for key, value in line.get("groups", {}).items()}
        texts = [line["id"], *(line[name] for name in ("error", "prompt_sha", "image_sha") if name in line)]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("an id, hash or error that is no text")
        if "error" in line:
            return FailedRow(line["id"], line["error"], groups.get(task.unit or ""))
        sample = Sample(
            id=line["id"],
            question=line["question"],
            target=task.target(**tuples(line["target"])),
            choices=tuple(line["choices"]),
            groups=groups,
            meta=line.get("meta", {}),
            prompt=Prompt((), line["system"]) if "system" in line else None,
        )
        return Item(sample, line["prompt_sha"], line["image_sha"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{where}: not an item of {task.name} as this version writes it: {error}") from None


def with_scores(items: Iterable[Line], scores: Iterable[Line], where: str) -> Iterator[tuple[Line, list[Line]]]:
    """Each line of an items file with those of its scores: both files are in the order of the rows.

    Raises:
        HarnessError: they are not; `where` names the run and its task.
    """
    left = iter(scores)
    waiting = next(left, None)
    for item in items:
        own = []
        while waiting is not None and waiting["id"] == item["id"]:
            own.append(waiting)
            waiting = next(left, None)
        yield item, own
    if waiting is not None:
        raise HarnessError(
            f"{where}: its scores are not in the order of its items, from {waiting['id']!r} on: "
            "harness score RUN makes them again"
        )


class Entries:
    """What a task asks, in order: on disk, as lines of its items file; in memory some thirty bytes each.

    What is read back has of its sample what the items file has, and the images: enough to ask and to score it.

    Args:
        task: whose entries.
        store: holds their images.
        coords: the convention in which gold places are written; None: in fractions.
    """

    def __init__(self, task: Task, store: ImageStore, coords: Coords | None = None) -> None:
        self._task, self._store, self._coords = task, store, coords
        self._pieces = Spool(store.folder, "items")
        self._order: array[int] | None = None
        self._places: array[int] | None = None
        self.whole = 0
        """Entries of the whole plan, other shards' among them, once they are chosen."""
        self.costs = array("d")
        """An estimate of the tokens that each takes, to sort by; NaN: it cannot be asked."""

    def append(self, entry: Planned | FailedRow) -> int:
        """The next entry; its number."""
        images = entry.sample.images if isinstance(entry, Planned) else ()
        numbers = [image.number for image in images if isinstance(image, KeptImage)]
        self.costs.append(entry.cost if isinstance(entry, Planned) else math.nan)
        return self._pieces.add(encode(line_of(self._task, entry, self._coords)) + encode(numbers))

    def empty(self) -> Entries:
        """None yet, of the same task."""
        return Entries(self._task, self._store, self._coords)

    def choose(self, numbers: Iterable[int], *, placed: bool = False) -> None:
        """Leave all but these, in this order.

        Args:
            numbers: as `append` gave them, or `ELSEWHERE`, of the whole plan.
            placed: write down with each entry where in the whole plan it stands.
        """
        self._order, places = array("q"), array("q")
        for number in numbers:
            if number != ELSEWHERE:
                self._order.append(number)
                if placed:
                    places.append(self.whole)
            self.whole += 1
        self._places = places if placed else None
        self.costs = array("d", map(self.costs.__getitem__, self._order))

    def __len__(self) -> int:
        return len(self.costs)

    def __iter__(self) -> Iterator[Planned | FailedRow]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, position: int) -> Planned | FailedRow:
        text, numbers = self._piece(position)
        line = json.loads(text)
        item = item_of(self._task, line, f"{self._task.name}, sample {position}")
        if isinstance(item, FailedRow):
            return item
        sample = replace(item.sample, images=tuple(map(self._store.image, json.loads(numbers))))
        parts = tuple(part if isinstance(part, str) else ImagePart(part["image"]) for part in line["prompt"])
        return Planned(sample, parts, item.prompt_sha, item.image_sha, self.costs[position])

    def _piece(self, position: int) -> tuple[bytes, bytes]:
        """The line of an entry, and the numbers of its images."""
        number = position if self._order is None else self._order[position]
        text, numbers, _ = self._pieces[number].split(b"\n")
        return text, numbers

    @property
    def asked(self) -> Iterator[int]:
        """The positions of what can be asked."""
        return (position for position, cost in enumerate(self.costs) if not math.isnan(cost))

    @property
    def failed(self) -> Iterator[int]:
        """The positions of what cannot."""
        return (position for position, cost in enumerate(self.costs) if math.isnan(cost))

    def images(self, position: int) -> Iterator[KeptImage]:
        """The images of an entry."""
        return map(self._store.image, json.loads(self._piece(position)[1]))

    def prompts_sha(self) -> str:
        """A hash of all prompts: that of the list of their hashes, which is never held."""
        return sha_of_list(json.loads(self._piece(position)[0])["prompt_sha"] for position in self.asked)

    def write(self, path: Path) -> None:
        """Write the items file, whole or not at all."""
        write_atomic(path, map(self._line, range(len(self))))

    def _line(self, position: int) -> bytes:
        line = self._piece(position)[0] + b"\n"
        if self._places is None:
            return line
        return b'{"%s":%d,' % (POSITION.encode(), self._places[position]) + line.removeprefix(b"{")
