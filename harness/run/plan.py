"""The plan of a run: rows → samples → prompts → requests with keys, longest first.

A row that cannot become a sample is a `FailedRow`: it is counted, and the run goes on.
"""

from __future__ import annotations

import hashlib
import random
import reprlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress, islice, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from harness.config import SYNTHETIC_LIMIT
from harness.errors import FAULTS, UsageError, named
from harness.jsonl import NotPlainError
from harness.run.items import ELSEWHERE, Entries, FailedRow, Planned
from harness.run.media import ImageStore
from harness.shards import Shard
from scorers.read.option import LETTERS
from scorers.types import Coords
from tasks.images import IMAGE_COLUMNS, ImageError
from tasks.options import absent
from tasks.prompts import Part, render
from tasks.types import Row, RowError, Sample, Style, Task

if TYPE_CHECKING:
    from harness.data import RowSource


class _Draft(NamedTuple):
    """A sample before anything of it is rendered or decoded."""

    content: Sample | FailedRow
    unit: str | None
    """The group that stands or falls with it."""
    row: int
    """The number of its row."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What shapes a plan beside the rows."""

    style: Style = "direct"
    template: str | None = None
    coords: Coords | None = None
    limit: int | None = None
    shard: Shard | None = None
    max_new_tokens: int | None = None
    max_pixels: int | None = None
    change: Callable[[Sample], Sample] = field(default=lambda sample: sample)
    """What a control does to each sample."""


@dataclass(frozen=True)
class TaskPlan:
    """What will be asked of one task."""

    task: Task
    source: RowSource
    max_new_tokens: int
    entries: Entries
    """In the order of the rows."""

    @property
    def planned(self) -> Iterator[Planned]:
        """The samples that can be asked."""
        return (entry for entry in self.entries if isinstance(entry, Planned))

    @property
    def failed(self) -> Iterator[tuple[int, FailedRow]]:
        """The rows that cannot, each with its position."""
        for position in self.entries.failed:
            entry = self.entries[position]
            assert isinstance(entry, FailedRow)
            yield position, entry


def plan_task(
    task: Task,
    source: RowSource,
    options: PlanOptions,
    store: ImageStore,
    tick: Callable[[], None] = lambda: None,
) -> TaskPlan:
    """Plan one task; `tick` is called after each sample. Of endless data without a limit, `SYNTHETIC_LIMIT`.

    Raises:
        UsageError: the prompt template does not compile or names what a sample has not, or there are no rows.
    """
    max_new = options.max_new_tokens or task.limits.get(options.style, 1024)
    endless = source.count is None and source.synthetic
    limit = SYNTHETIC_LIMIT if endless and options.limit is None else options.limit
    prepare = _Preparer(task, options, store, max_new)
    entries = Entries(task, store, options.coords)
    mine = _mine(task, options.shard)

    def add(draft: _Draft) -> int:
        tick()
        if not mine(draft):
            return ELSEWHERE
        try:
            return entries.append(prepare(draft))
        except NotPlainError as error:
            name = draft.content.id
            why = f"{name}: it cannot be written down: {error}"
            return entries.append(FailedRow(name, why, draft.unit))

    drafts = _drafts(task, source)
    if limit is not None and task.unit is not None:
        chosen = _whole_units(drafts, limit, endless, add)
    elif limit is not None and task.headline.reduce == "macro" and not endless:
        chosen = map(add, _dealt(task, source, limit))
    else:
        chosen = map(add, islice(drafts, limit))
    entries.choose(chosen, placed=options.shard is not None)
    if not entries.whole:
        raise UsageError(f"{task.name}: no rows in {source.label}; name other data with --data")
    return TaskPlan(task, source, max_new, entries)


def _mine(task: Task, shard: Shard | None) -> Callable[[_Draft], bool]:
    """Whether a draft is the shard's: units, or rows where there are none, are dealt in turn, as they come."""
    numbers: dict[str | int, int] = {}

    def mine(draft: _Draft) -> bool:
        if shard is None:
            return True
        if task.unit is None:
            return shard.has(draft.row)
        return shard.has(numbers.setdefault(draft.row if draft.unit is None else draft.unit, len(numbers)))

    return mine


def _drafts(task: Task, source: RowSource) -> Iterator[_Draft]:
    """The samples of every row in order.

    A row that is there twice is asked twice, as the benchmark's own script would, the second time as "id~2".
    Another row with an id that was met before is a failure.
    """
    first: dict[int, int] = {}
    times: dict[int, int] = {}
    # By the hash of an id: that of what it stood for first, and how often it came where that was not once.
    for index, row in enumerate(source.rows):
        for draft in _row_samples(task, index, row):
            if isinstance(draft, FailedRow):
                yield _Draft(draft, draft.unit, index)
                continue
            unit = _unit(task, draft)
            key, content = hash(draft.id), hash((draft.question, draft.choices, repr(draft.target)))
            if key not in first:
                first[key] = content
                yield _Draft(draft, unit, index)
                continue
            times[key] = times.get(key, 1) + 1
            if content == first[key]:
                yield _Draft(replace(draft, id=f"{draft.id}~{times[key]}"), unit, index)
            else:
                error = f"row {index}: id {draft.id!r} is not unique"
                yield _Draft(FailedRow(f"{draft.id} (row {index})", error, unit), unit, index)


def _unit(task: Task, sample: Sample) -> str | None:
    unit = sample.groups.get(task.unit) if task.unit else None
    return unit if isinstance(unit, str) else None


def samples_of(task: Task, source: RowSource) -> Iterator[Sample | FailedRow]:
    """The samples of a source in order, and the rows that gave none."""
    return (draft.content for draft in _drafts(task, source))


def _row_samples(task: Task, index: int, row: Row | object) -> Iterable[Sample | FailedRow]:
    error = getattr(row, "error", None)  # harness.data.BadRow
    if isinstance(error, str):
        return [FailedRow(f"row {index}", f"row {index}: {error}")]
    assert isinstance(row, Mapping)
    try:
        return [_askable(task, index, sample, row) for sample in task.to_samples(row)]
    except (RowError, ImageError) as problem:
        why = str(problem)
    except FAULTS as problem:
        why = named(problem)
    return [FailedRow(f"row {index}", f"row {index}{_row_id(row)}: {_line(why)}")]


def _askable(task: Task, index: int, sample: Sample, row: Row) -> Sample | FailedRow:
    """The sample, unless something is wrong with it."""
    why = next(_faults(task, sample, row), None)
    if why is None:
        return sample
    return FailedRow(sample.id, f"row {index}{_row_id(row)}: {why}", _unit(task, sample))


def _faults(task: Task, sample: Sample, row: Row) -> Iterator[str]:
    """What a sample lacks, so that it cannot be asked."""
    if absent(sample.question) is None:
        yield "its question is empty"
    if len(sample.choices) > len(LETTERS):
        yield f"{len(sample.choices)} options, letters go to {LETTERS[-1]}"
    if None in (texts := [absent(text) for text in sample.choices]):
        yield f"option {LETTERS[texts.index(None)]} is empty"
    if not sample.images and not sample.text_only:
        yield f"no image under {', '.join(IMAGE_COLUMNS)} (the row has: {', '.join(map(str, row))})"
    if missing := task.summed_by - sample.groups.keys():
        yield f"nothing says its {min(missing)}, by which the scores are summed up"


def _row_id(row: Row) -> str:
    for name in ("id", "question_id", "pid", "index", "sample_index", "questionId"):
        if name in row:
            value = row[name]
            return f" ({name} {_line(value if isinstance(value, str) else reprlib.repr(value), 80)})"
    return ""


def _line(text: str, most: int = 500) -> str:
    """A text in one line of bounded length: a message quotes what a row holds, which may be anything."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def _whole_units(
    drafts: Iterable[_Draft],
    limit: int,
    endless: bool,
    add: Callable[[_Draft], int],
) -> Iterator[int]:
    """What `add` gives for the first units that together hold at most `limit` samples, at least one unit.

    The members of a unit may lie anywhere in the rows (MMBench: rotations come after all first passes), so all
    rows are read; endless data keeps them together.
    """
    units: dict[str, array[int]] = {}
    total = 0
    for position, draft in enumerate(drafts):
        unit = draft.unit if draft.unit is not None else f"\x1f{position}"
        if unit not in units:
            if endless and total >= limit:
                break
            if len(units) >= limit:
                continue
            units[unit] = array("q")
        units[unit].append(add(draft))
        total += 1
    chosen = 0
    for members in units.values():
        if chosen and chosen + len(members) > limit:
            break
        chosen += len(members)
        yield from members


def _dealt(task: Task, source: RowSource, limit: int) -> Iterator[_Draft]:
    """The first samples of each group that a macro headline averages, dealt in turn, in the order of the rows.

    Rows of one group often come together (all of ChartQA's human questions first): the first rows alone would
    leave whole groups out of the mean. The rows are read twice: to choose, and to take what was chosen.
    """
    by = task.headline.by or ""
    groups: dict[object, array[int]] = {}
    for position, draft in enumerate(samples_of(task, source)):
        group = groups.setdefault(draft.groups.get(by) if isinstance(draft, Sample) else None, array("q"))
        if len(group) < limit:
            group.append(position)
    turns = (position for turn in zip_longest(*groups.values()) for position in turn if position is not None)
    chosen = bytearray()
    for position in islice(turns, limit):
        chosen.extend(bytes(max(position + 1 - len(chosen), 0)))
        chosen[position] = 1
    return compress(_drafts(task, source), chosen)


class _Preparer:
    """Renders prompts and hashes what is shown."""

    def __init__(self, task: Task, options: PlanOptions, store: ImageStore, max_new: int) -> None:
        self.task, self.options, self.store, self.max_new = task, options, store, max_new

    def __call__(self, draft: _Draft) -> Planned | FailedRow:
        sample, name = draft.content, draft.unit
        if isinstance(sample, FailedRow):
            return sample
        from jinja2 import TemplateError

        sample = self.options.change(sample)
        if sample.prompt is not None and (self.options.style != "direct" or self.options.template is not None):
            flag = "--prompt think" if self.options.template is None else "--prompt-template"
            raise UsageError(f"{flag}: {self.task.name} brings its own prompts, which are asked as they are")
        try:
            images = tuple(map(self.store.keep, sample.images))
        except ImageError as error:
            return FailedRow(sample.id, f"{sample.id}: image {error}", name)
        if images:
            sample = replace(sample, images=images)
        try:
            parts = render(
                self.task,
                sample,
                self.options.style,
                template=self.options.template,
                coords=self.options.coords,
            )
        except TemplateError as error:
            raise UsageError(f"{self.task.name}: prompt template: {error}") from error
        except RowError as error:
            return FailedRow(sample.id, f"{sample.id}: {error}", name)
        except FAULTS as error:
            return FailedRow(sample.id, f"{sample.id}: prompt: {named(error)}", name)
        pixels = sum(self._pixels(*image.size) for image in images)
        length = sum(len(part) for part in parts if isinstance(part, str))
        shas = "".join(image.sha for image in images)
        return Planned(
            sample,
            parts,
            prompt_sha(sample, parts),
            _sha(shas) if shas else "",
            self.max_new + length / 4 + pixels / 28**2,
        )

    def _pixels(self, width: int, height: int) -> int:
        return min(width * height, self.options.max_pixels or width * height)


def prompt_sha(sample: Sample, parts: tuple[Part, ...]) -> str:
    """The hash of a prompt: text and places of images, with the system prompt that the task brings."""
    said = [part if isinstance(part, str) else f"\x1e{part.index}" for part in parts]
    system = sample.prompt.system if sample.prompt is not None else None
    return _sha("\x1f".join(said if system is None else [f"\x1d{system}", *said]))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def request_seed(seed: int, digest: str) -> int:
    """The sampling seed of one request: a hash of the run's seed and the request's key, below 2^31."""
    data = f"{seed}\x1f{digest}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(data).digest()[:4], "big") >> 1


def permuted_images(plan: TaskPlan, seed: int) -> TaskPlan:
    """The same plan with the images shuffled across samples: what a model scores without the right picture.

    Every sample gets another sample's images, among those that have as many.
    """
    by_count: dict[int, list[int]] = {}
    for position in plan.entries.asked:
        if count := len(list(plan.entries.images(position))):
            by_count.setdefault(count, []).append(position)
    givers: dict[int, int] = {}
    for positions in by_count.values():
        order = positions[:]
        random.Random(seed).shuffle(order)  # noqa: S311 - a permutation, not a secret
        givers |= zip(order, order[1:] + order[:1], strict=True)
    entries = plan.entries.empty()
    for position, taker in enumerate(plan.entries):
        giver = plan.entries[givers.get(position, position)]
        if isinstance(taker, Planned) and isinstance(giver, Planned):
            sample = replace(taker.sample, images=giver.sample.images)
            entries.append(replace(taker, sample=sample, image_sha=giver.image_sha))
        else:
            entries.append(taker)
    return replace(plan, entries=entries)
