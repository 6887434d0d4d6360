"""Controls: what of a sample is changed on purpose, to see what a score owes to it.

A run of a control says so in its settings, its results and every table: it is no score of the benchmark.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.control import Control
from harness.jsonl import read_lines
from harness.run.items import Item, item_of
from tasks.reorder import can_shuffle, shuffled
from tasks.types import Sample, Task

_MARKER = re.compile(r"<image\s*\d+>")


def without_images(sample: Sample) -> Sample:
    """A sample without its images, and without the places in its texts where they would be."""
    prompt = sample.prompt
    if prompt is not None:
        prompt = replace(prompt, parts=tuple(part for part in prompt.parts if isinstance(part, str)))
    question, *choices = (_MARKER.sub("", text) for text in (sample.question, *sample.choices))
    return replace(sample, question=question, choices=tuple(choices), images=(), prompt=prompt)


def changing(control: Control | None, seed: int) -> Callable[[Sample], Sample]:
    """What a control does to each sample by itself; `permuted_images` takes the whole plan."""
    if control == "hide_images":
        return without_images
    if control == "shuffle_options":
        return lambda sample: shuffled(sample, seed)
    return lambda sample: sample


def applies(control: Control, task: Task, run_dir: Path) -> bool:
    """Whether a control changes anything of what a run asks of a task.

    Args:
        control: which.
        task: of the run.
        run_dir: of a run without a control.
    """
    path = run_dir / "items" / f"{task.name}.jsonl"
    for number, line in read_lines(path):
        item = item_of(task, line, f"{path}:{number}")
        if isinstance(item, Item) and (
            can_shuffle(item.sample) if control == "shuffle_options" else line["sizes"]
        ):
            return True
    return False
