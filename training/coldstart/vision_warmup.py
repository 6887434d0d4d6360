"""Warm-up of a vision tower on drawings whose content is known cell by cell.

Answer tokens alone teach a small tower little: the loss reaches it through a language model that knows
nothing yet. Here linear heads read each image token directly: which colours and shapes cover its cell, which
characters are centred in it, where the thing centred in it ends. The heads are thrown away afterwards.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from harness.data.synthetic.canvas import COLOURS, INK, SHAPES, Canvas, Item
from harness.models.processors import load_processor

if TYPE_CHECKING:
    from PIL.Image import Image

CHARACTERS = string.digits + string.ascii_letters + "$%+-=?:.,"
"""Characters that the text head tells apart."""
_ALPHABETS = (
    string.digits,
    string.digits,
    string.digits + "$%+-=?.",
    string.ascii_uppercase,
    string.ascii_uppercase,
    string.ascii_lowercase,
)
SIZES = ((128, 128), (160, 128), (128, 160), (192, 96))
"""Canvas sizes (width, height) in pixels, one to a batch; the tiny model shows them unchanged."""
WORDS = (*COLOURS, *SHAPES)
CELL = 32
"""Pixels a side that an image token covers where images keep their size."""


@dataclass(slots=True)
class Labels:
    """What stands in each cell of one drawing; cells in reading order, `rows × columns` of them."""

    rows: int
    columns: int
    looks: list[list[float]]
    """(cells, colours + shapes): 1 where it covers a good part of the cell."""
    characters: list[list[int]]
    """(cells, 2): the character centred in the left and in the right half, from 1; 0 for none."""
    boxes: list[tuple[int, tuple[float, float, float, float]]]
    """(cell of a thing's centre, its box as fractions of width and height)."""


class _Sheet:
    """A drawing in the making, with its labels."""

    def __init__(self, rng: Random, size: tuple[int, int]) -> None:
        self.rng = rng
        self.canvas = Canvas(rng, *size)
        self.width, self.height = size
        columns, rows = size[0] // CELL, size[1] // CELL
        cells = columns * rows
        self.labels = Labels(
            rows, columns, [[0.0] * len(WORDS) for _ in range(cells)], [[0, 0] for _ in range(cells)], []
        )

    def cell(self, x: float, y: float) -> int:
        column = min(max(int(x // CELL), 0), self.labels.columns - 1)
        return min(max(int(y // CELL), 0), self.labels.rows - 1) * self.labels.columns + column

    def item(self, item: Item) -> None:
        """Draw a shape; it counts in its centre's cell and where it covers a cell's middle well."""
        self.canvas.item(item)
        inner = max(item.r * 3 // 4, 4)
        looks = (WORDS.index(item.colour), WORDS.index(item.shape))
        centre = self.cell(item.x, item.y)
        for cell in range(len(self.labels.looks)):
            x, y = (cell % self.labels.columns + 0.5) * CELL, (cell // self.labels.columns + 0.5) * CELL
            if cell == centre or (abs(x - item.x) <= inner and abs(y - item.y) <= inner):
                for look in looks:
                    self.labels.looks[cell][look] = 1.0
        x0, y0, x1, y1 = item.box
        box = (x0 / self.width, y0 / self.height, x1 / self.width, y1 / self.height)
        self.labels.boxes.append((centre, box))

    def text(self, x: float, y: float, text: str, size: int, fill: tuple[int, int, int]) -> None:
        """Write a line from (x, y), its left end and middle height, and label each character's cell."""
        from harness.data.synthetic.canvas import font

        self.canvas.text(x, y, text, size, fill, anchor="lm")
        for index, character in enumerate(text):
            start, end = (font(size).getlength(text[:length]) for length in (index, index + 1))
            middle = x + (start + end) / 2
            known = CHARACTERS.find(character) + 1
            if known and 0 <= middle < self.width:
                half = int(middle % CELL >= CELL / 2)
                self.labels.characters[self.cell(middle, y)][half] = known


def draw(rng: Random, size: tuple[int, int]) -> tuple[Image, Labels]:
    """One drawing: shapes, lines of text, or both side by side."""
    sheet = _Sheet(rng, size)
    kind = rng.random()
    if kind < 0.45:
        _things(sheet, 0, size[0])
    elif kind < 0.8:
        _lines(sheet, 4, size[0], rng.choice((1, 2, 3)))
    else:
        _things(sheet, 0, size[0] // 2)
        _lines(sheet, size[0] // 2 + 2, size[0], rng.randint(1, 3))
    return sheet.canvas.image, sheet.labels


def _things(sheet: _Sheet, left: int, right: int) -> None:
    rng, high = sheet.rng, sheet.height
    across = rng.choice((1, 2, 3)) if right - left > 100 else rng.choice((1, 2))
    down = rng.choice((1, 2, 3))
    wide, tall = (right - left) / across, high / down
    largest = int(min(wide, tall) / 2) - 2
    for cell in rng.sample(range(across * down), rng.randint(1, across * down)):
        r = rng.randint(max(9, largest // 2), max(10, min(largest, 48)))
        x0, y0 = left + cell % across * wide, cell // across * tall
        x = int(rng.uniform(x0 + r, max(x0 + r, x0 + wide - r)))
        y = int(rng.uniform(y0 + r, max(y0 + r, y0 + tall - r)))
        sheet.item(Item(rng.choice(SHAPES), rng.choice(tuple(COLOURS)), x, y, r))


def _lines(sheet: _Sheet, left: int, right: int, count: int) -> None:
    rng = sheet.rng
    tall = sheet.height / count
    for line in range(count):
        size = rng.randint(17, max(24, min(58, int(tall * 0.8))))
        room = max(1, int((right - left) / (size * 0.62)))
        text = "".join(rng.choices(rng.choice(_ALPHABETS), k=rng.randint(1, room)))
        if rng.random() < 0.3:
            text = text.capitalize()
        y = (line + 0.5) * tall + rng.uniform(-0.1, 0.1) * tall
        x = left + rng.uniform(0, max(0.0, right - left - size * 0.62 * len(text)))
        fill = INK
        if rng.random() < 0.4:
            fill = COLOURS[rng.choice(tuple(COLOURS))]
            if rng.random() < 0.5:
                sheet.canvas.bar(int(left), int(y - tall / 2), int(right), int(y + tall / 2), fill)
                fill = (255, 255, 255)
        sheet.text(x, y, text, size, fill)


Batch = dict[str, torch.Tensor]
"""pixel_values and image_grid_thw as the tower takes them; looks (cells, colours + shapes); characters
(cells, 2); box_cells (things,) and boxes (things, 4); the cells of all images in one row."""


def batch(processor: Any, seed: int, number: int, size: int) -> Batch:
    """Warm-up batch `number`: a function of (seed, number) alone."""
    rng = Random(f"warm-up/{seed}/{number}")  # noqa: S311
    canvas = rng.choice(SIZES)
    images: list[Image] = []
    looks: list[list[float]] = []
    characters: list[list[int]] = []
    cells: list[int] = []
    boxes: list[tuple[float, ...]] = []
    for _ in range(size):
        image, labels = draw(rng, canvas)
        images.append(image)
        cells += [len(looks) + cell for cell, _ in labels.boxes]
        boxes += [box for _, box in labels.boxes]
        looks += labels.looks
        characters += labels.characters
    inputs = processor.image_processor(images, return_tensors="pt")
    return {
        "pixel_values": inputs["pixel_values"],
        "image_grid_thw": inputs["image_grid_thw"],
        "looks": torch.tensor(looks),
        "characters": torch.tensor(characters),
        "box_cells": torch.tensor(cells, dtype=torch.long),
        "boxes": torch.tensor(boxes).reshape(-1, 4),
    }


class _Batches(IterableDataset[Batch]):
    """Warm-up batches in turn."""

    def __init__(self, processor: str, seed: int, size: int) -> None:
        self._processor, self._seed, self._size = processor, seed, size

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        processor = load_processor(Path(self._processor))
        for number in count():
            yield batch(processor, self._seed, number, self._size)


def stream(processor: str, seed: int, size: int, *, worker: bool = True) -> Iterator[Batch]:
    """Warm-up batches of `size` images without end, drawn in a process of their own.

    Args:
        processor: folder of the processor's files.
        worker: False draws them in this process.
    """
    batches = _Batches(processor, seed, size)
    if not worker:
        yield from batches
        return
    yield from DataLoader(
        batches, batch_size=None, num_workers=1, multiprocessing_context="spawn", prefetch_factor=8
    )


class Heads(nn.Module):
    """Linear heads on image tokens; those for looks and characters read out the words' own embeddings.

    A cell that shows a red star thus comes to point where "red" and "star" do, so that the language model finds
    what a question names, and can say what it finds, before it has learned anything.

    Args:
        embeddings: the language model's token embeddings, trained along.
        tokenizer: to find the tokens of words and characters.
    """

    names: torch.Tensor
    tokens: torch.Tensor

    def __init__(self, embeddings: nn.Embedding, tokenizer: Any) -> None:
        super().__init__()
        width = embeddings.embedding_dim
        names = [*WORDS, *CHARACTERS]
        pairs = [
            (index, ids[0])
            for index, name in enumerate(names)
            for ids in (tokenizer(text)["input_ids"] for text in (name, f" {name}"))
            if len(ids) == 1
        ]
        self.embeddings = embeddings
        self.register_buffer("names", torch.tensor([index for index, _ in pairs]), persistent=False)
        self.register_buffer("tokens", torch.tensor([token for _, token in pairs]), persistent=False)
        self.shift = nn.Parameter(torch.full((len(pairs),), -3.0))
        self.halves = nn.Linear(width, 2 * (len(CHARACTERS) + 1))
        self.boxes = nn.Linear(width, 4)

    def forward(self, cells: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
        """The losses of a batch: looks, characters and halves in nats, boxes in tenths of the image's side.

        Args:
            cells: (cells, width), the tower's output.
        """
        kinds = len(CHARACTERS) + 1
        present = functional.one_hot(batch["characters"], kinds).amax(1)[:, 1:]
        shown = torch.cat([batch["looks"], present.to(batch["looks"])], 1)[:, self.names]
        logits = cells @ self.embeddings.weight[self.tokens].T + self.shift
        each = functional.binary_cross_entropy_with_logits(logits, shown, reduction="none")
        looks = self.names < len(WORDS)
        weight = cells.new_ones(kinds)
        weight[0] = 0.2
        halves = self.halves(cells).view(-1, kinds)
        losses = {
            "looks": 4 * each[:, looks].mean(),
            "characters": 16 * each[:, ~looks].mean(),
            "halves": functional.cross_entropy(halves, batch["characters"].flatten(), weight),
        }
        if len(batch["box_cells"]):
            found = self.boxes(cells[batch["box_cells"]])
            losses["boxes"] = 10 * functional.l1_loss(found, batch["boxes"])
        return losses
