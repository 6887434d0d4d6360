"""What was asked: `items/<task>.jsonl`, enough to score a run's responses again without its data.

A line also says what a right answer looks like, as text and as places to draw, so that reports need neither the
task nor its scorer.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, HarnessError
from harness.jsonl import encode, plain, read_lines, sha_of_list, tuples, write_atomic
from harness.run.media import ImageStore, KeptImage
from harness.spool import Spool
from scorers.types import Coords, Shape, Target
from tasks.images import ImageRef
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
    """Without its images where it is read from a file: the scorers do not look."""
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
        "shapes": [plain(shape) for shape in shapes_of(sample.target)],
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


def item_of(task: Task, line: Any, where: str, images: tuple[ImageRef, ...] = ()) -> Item | FailedRow:
    """A line read back, as `read_items` does, with images for its sample; `where` names it in messages."""
    try:
        groups = tuples(line.get("groups", {}))
        for name in ("id", "error", "prompt_sha", "image_sha"):
            if not isinstance(line.get(name, ""), str):
                raise TypeError(f"its {name} is no text")
        if "error" in line:
            return FailedRow(line["id"], line["error"], groups.get(task.unit or ""))
        sample = Sample(
            id=line["id"],
            question=line["question"],
            target=task.target(**tuples(line["target"])),
            images=images,
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
    """What a task asks, in order: the first ones in memory, all on disk, as lines of its items file.

    What is read back has of its sample what the items file has, and the images: enough to ask and to score it.
    In memory each takes some thirty bytes.

    Args:
        task: whose entries.
        store: holds their images.
        coords: the convention in which gold places are written; None: in fractions.
    """

    HELD = 1 << 20
    """Bytes of lines up to which entries are held in memory too, where they take a few times as much."""

    def __init__(self, task: Task, store: ImageStore, coords: Coords | None = None) -> None:
        self._task, self._store, self._coords = task, store, coords
        self._pieces = Spool(store.folder, "items")
        self._held: list[Planned | FailedRow] = []
        self._order: array[int] | None = None
        self._places: array[int] | None = None
        self.whole = 0
        """Entries of the whole plan, other shards' among them, once they are chosen."""
        self.costs = array("d")
        """An estimate of the tokens that each takes, to sort by; NaN: it cannot be asked."""

    def append(self, entry: Planned | FailedRow) -> int:
        """The next entry; its number.

        Raises:
            NotPlainError: it cannot be written down.
        """
        line = encode(line_of(self._task, entry, self._coords))
        if self._pieces.size < self.HELD:
            self._held.append(entry)
        if isinstance(entry, FailedRow):
            self.costs.append(math.nan)
            return self._pieces.add(line + b"\n")
        self.costs.append(entry.cost)
        numbers = " ".join(str(image.number) for image in entry.sample.images if isinstance(image, KeptImage))
        return self._pieces.add(line + f"{entry.prompt_sha}\n{numbers}".encode())

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
        number = self._number(position)
        if number < len(self._held):
            return self._held[number]
        text, _, numbers = self._piece(position)
        line = json.loads(text.decode())
        images = tuple(map(self._store.image, map(int, numbers.split())))
        item = item_of(self._task, line, f"{self._task.name}, sample {position}", images)
        if isinstance(item, FailedRow):
            return item
        parts = tuple(part if isinstance(part, str) else ImagePart(part["image"]) for part in line["prompt"])
        return Planned(item.sample, parts, item.prompt_sha, item.image_sha, self.costs[position])

    def _number(self, position: int) -> int:
        return position if self._order is None else self._order[position]

    def _piece(self, position: int) -> tuple[bytes, bytes, bytes]:
        """The line of an entry, the hash of its prompt, and the numbers of its images."""
        text, prompt_sha, numbers = self._pieces[self._number(position)].split(b"\n")
        return text, prompt_sha, numbers

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
        return map(self._store.image, map(int, self._piece(position)[2].split()))

    def prompts_sha(self) -> str:
        """A hash of all prompts: that of the list of their hashes, which is never held."""
        return sha_of_list(map(self._prompt_sha, self.asked))

    def _prompt_sha(self, position: int) -> str:
        number = self._number(position)
        held = self._held[number] if number < len(self._held) else None
        return held.prompt_sha if isinstance(held, Planned) else self._piece(position)[1].decode()

    def write(self, path: Path) -> None:
        """Write the items file, whole or not at all."""
        write_atomic(path, map(self._line, range(len(self))))

    def _line(self, position: int) -> bytes:
        line = self._piece(position)[0] + b"\n"
        if self._places is None:
            return line
        return b'{"%s":%d,' % (POSITION.encode(), self._places[position]) + line.removeprefix(b"{")
