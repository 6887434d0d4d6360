"""Supervised examples: task rows → prompts exactly as evaluation renders them, with answers to teach.

Batches are a function of (seed, number) alone, so a resumed run sees what it would have seen, and any number of
worker processes gives the same training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Protocol

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from harness.errors import HarnessError
from harness.models.hf_prompts import Prompt, Prompter
from harness.models.processors import load_processor
from harness.registry import Registry
from harness.run.media import ImageStore
from harness.types import Request, Sampling
from scorers.types import Coords
from tasks.images import ImageError
from tasks.prompts import render
from tasks.types import Row, RowError, Sample, Style, Task
from training.data.dataset import unread
from training.data.demonstrations import Demonstration, load_demonstrations
from training.data.gold import answer_text, guess_text
from training.data.row_format import RowFormat
from training.data.rows import has_own_rows

Batch = tuple[list[str], dict[str, torch.Tensor]]
"""The task of each row; the model's inputs and `labels`."""
MAX_ROWS = 200_000
"""Rows of a finite source that are held."""
_TRIES = 20


@dataclass(frozen=True, slots=True)
class ExampleSettings:
    """What examples are made of; plain values, so that worker processes can be given them."""

    processor: str
    """Folder of the processor's files."""
    tasks: tuple[str, ...]
    """Names of tasks, or the families of a file."""
    data: str
    """`synthetic`, `hub`, a directory, or a file of demonstrations."""
    coords: Coords | None
    seed: int
    batch_size: int
    sorted_batches: int
    think_share: float = 0.0
    guess_share: float = 0.0
    weights: tuple[tuple[str, float], ...] = ()
    form: RowFormat = field(default_factory=RowFormat)
    """How a file's rows are read."""
    task_file: tuple[str, ...] = ()
    """Python files with further tasks."""
    scratch: str = "."
    """A folder in which a temporary file of images may lie."""


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt with the answer to teach."""

    task: str
    prompt: Prompt
    answer: str


class Demonstrations(Protocol):
    """Where examples of one name come from."""

    def draw(self, rng: Random) -> tuple[Request, str] | None:
        """What is asked, and the answer to teach; None where what was drawn has none."""
        ...


class TaskRows:
    """Rows of a task's training split, drawn at random; the answers are the targets' own."""

    def __init__(self, task: Task, settings: ExampleSettings) -> None:
        from harness.data import BadRow, load_rows

        self._task, self._settings = task, settings
        self._rows: list[Row] | None = None
        if settings.data != "synthetic":
            source = load_rows(task, settings.data, split="train")
            self._rows = list(islice((row for row in source if not isinstance(row, BadRow)), MAX_ROWS))
            if not self._rows:
                raise HarnessError(f"{task.name}: no rows in {source.label}")

    def draw(self, rng: Random) -> tuple[Request, str] | None:
        """A random row's sample, asked in a random style."""
        sample = self._sample(rng)
        style: Style = "think" if rng.random() < self._settings.think_share else "direct"
        answer = self._answer(rng, sample, style) if sample is not None else None
        if sample is None or answer is None:
            return None
        parts = render(self._task, sample, style, coords=self._settings.coords)
        return Request("", parts, sample.images, Sampling(0)), answer

    def _sample(self, rng: Random) -> Sample | None:
        """A sample of a random row; None where that row cannot become one."""
        from harness.data.synthetic import synthetic_row

        if self._rows is None:
            number, seed = rng.randrange(2**31), self._settings.seed
            row: Row = synthetic_row(self._task.name, number, seed=seed, split="train")
        else:
            row = rng.choice(self._rows)
        try:
            samples = list(self._task.to_samples(row))
        except (RowError, ImageError):
            return None
        return rng.choice(samples) if samples else None

    def _answer(self, rng: Random, sample: Sample, style: Style) -> str | None:
        """What to teach: the right answer, or in a share of the thinking examples a careless one."""
        share, coords = self._settings.guess_share, self._settings.coords
        if style == "think" and share and rng.random() < share:
            other = self._sample(rng)
            return guess_text(sample, other, coords) if other is not None else None
        return answer_text(sample, coords, style)


class FileRows:
    """Demonstrations of a file, drawn at random; the responses are the file's."""

    def __init__(self, found: Sequence[Demonstration]) -> None:
        self._found = found

    def draw(self, rng: Random) -> tuple[Request, str]:
        """A random demonstration, with images that will be read afresh."""
        chosen = rng.choice(self._found)
        images = tuple(map(unread, chosen.request.images))
        return replace(chosen.request, images=images), chosen.response


def sources(settings: ExampleSettings) -> dict[str, Demonstrations]:
    """Where the examples of each name come from: of each task, or of each family of a file.

    Raises:
        HarnessError: the data is not there, or has nothing to teach.
    """
    registry = Registry(settings.task_file)
    if has_own_rows(settings.data, registry):
        store = ImageStore(Path(settings.scratch))
        found, _ = load_demonstrations(settings.data, settings.form, settings.coords, store)
        return {name: FileRows(found[name]) for name in settings.tasks}
    return {name: TaskRows(registry.get(name), settings) for name in settings.tasks}


class Examples:
    """Draws examples of several tasks in turn and makes them into batches of like length."""

    def __init__(self, settings: ExampleSettings) -> None:
        folder = Path(settings.processor)
        self.settings = settings
        self.processor = load_processor(folder)
        self._prompter = Prompter(self.processor)
        self._sources = sources(settings)
        self._end = self.processor.tokenizer.eos_token

    def draw(self, rng: Random, name: str) -> Example:
        """One example of a task.

        Raises:
            HarnessError: its rows give none.
        """
        for _ in range(_TRIES):
            if (drawn := self._sources[name].draw(rng)) is not None:
                request, answer = drawn
                return Example(name, self._prompter.read(request), answer)
        raise HarnessError(f"{name}: {_TRIES} rows drawn at random, none with an answer to teach")

    def group(self, number: int) -> list[list[Example]]:
        """Group `number` of `sorted_batches` batches: every task in its share, batches of like length."""
        settings = self.settings
        rng = Random(f"examples/{settings.seed}/{number}")  # noqa: S311
        total = settings.batch_size * settings.sorted_batches
        shares = dict(settings.weights)
        names = rng.choices(settings.tasks, [shares.get(name, 1.0) for name in settings.tasks], k=total)
        if not shares:  # each task equally often, to within one
            turns = total // len(settings.tasks)
            names = [*settings.tasks] * turns + rng.sample(settings.tasks, total - turns * len(settings.tasks))
        drawn = sorted((self.draw(rng, name) for name in names), key=lambda example: example.prompt.tokens)
        batches = [drawn[start : start + settings.batch_size] for start in range(0, total, settings.batch_size)]
        rng.shuffle(batches)
        return batches

    def collate(self, examples: list[Example]) -> dict[str, torch.Tensor]:
        """Model inputs with the answers behind the left-padded prompts.

        Returns:
            what the processor gives, the tensors over tokens of shape (batch, prompt + answer); and `labels`
            (batch, answer), −100 where padded.

        Raises:
            HarnessError: an image cannot be read, or the processor refuses an example.
        """
        batch = self._prompter.batch([example.prompt for example in examples])
        if batch.failed:
            raise HarnessError(f"an example cannot be read: {batch.failed[0][1].error}")
        tokenizer = self.processor.tokenizer
        answers = [
            tokenizer(example.answer + self._end, add_special_tokens=False)["input_ids"] for example in examples
        ]
        longest = max(map(len, answers))
        labels = torch.full((len(answers), longest), -100)
        for row, answer in enumerate(answers):
            labels[row, : len(answer)] = torch.tensor(answer)
        inputs = dict(batch.inputs)
        shape = inputs["input_ids"].shape
        for key, value in inputs.items():
            if value.shape == shape:
                more = value.new_zeros(labels.shape)
                inputs[key] = torch.cat([value, more], 1)
        inputs["input_ids"][:, shape[1] :] = labels.clamp(min=0)
        inputs["attention_mask"][:, shape[1] :] = labels.ne(-100)
        return {**inputs, "labels": labels}

    def batches(self, number: int) -> list[Batch]:
        """The batches of group `number`: (task of each row, model inputs and labels)."""
        return [([example.task for example in batch], self.collate(batch)) for batch in self.group(number)]

    def texts(self, each: int) -> tuple[list[str], list[str]]:
        """Prompts and answers of `each` examples of every task, to train a tokenizer on."""
        rng = Random(f"texts/{self.settings.seed}")  # noqa: S311
        prompts, answers = [], []
        for name in self.settings.tasks:
            for _ in range(each):
                example = self.draw(rng, name)
                prompts += [part for part in example.prompt.request.parts if isinstance(part, str)]
                answers.append(example.answer)
        return prompts, answers


class _Groups(IterableDataset[list[Batch] | HarnessError]):
    """Groups in turn, one in `num_workers`.

    An error that a user can mend is the last thing given, not raised: out of a worker process torch would raise
    it with the worker's traceback for a message.
    """

    def __init__(self, settings: ExampleSettings, first: int) -> None:
        self._settings = settings
        self._first = first

    def __iter__(self) -> Iterator[list[Batch] | HarnessError]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        offset, every = (worker.id, worker.num_workers) if worker else (0, 1)
        try:
            examples = Examples(self._settings)
            for number in count(self._first + offset, every):
                yield examples.batches(number)
        except HarnessError as error:
            yield error


def stream(settings: ExampleSettings, step: int, workers: int) -> Iterator[Batch]:
    """Batches from number `step` on, without end, made in `workers` processes (0: in this one)."""
    first, skipped = divmod(step, settings.sorted_batches)
    groups: Iterable[list[Batch] | HarnessError] = _Groups(settings, first)
    if workers:
        groups = DataLoader(
            _Groups(settings, first),
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="spawn",
            prefetch_factor=2,
        )
    batches = (batch for group in groups for batch in _made(group))
    yield from islice(batches, skipped, None)


def _made(group: list[Batch] | HarnessError) -> list[Batch]:
    if isinstance(group, HarnessError):
        raise group
    return group
