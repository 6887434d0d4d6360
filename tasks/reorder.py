"""Options in another order, with the right answer following: a control of position bias.

A target of another type takes part where it has a method `reordered(order)` that gives the same target with its
options so ordered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from scorers.read.option import LETTERS
from scorers.rules.choice import ChoiceTarget
from scorers.rules.math import MathTarget
from scorers.rules.mathvista import MathVistaTarget
from scorers.rules.mmmu import MmmuTarget
from scorers.types import Target
from tasks.types import Sample

_SPEAKS_OF_OTHERS = re.compile(
    r"\bof (?:the )?(?:above|below|these|those|others?|options|choices)\b|\bthe (?:above|below)\b"
    r"|\bboth [A-I]\b|\b[A-I]\s*(?:and|or|&|,)\s*[A-I]\b",
    re.IGNORECASE,
)
"""An option that speaks of others by their place or letter: "all of the above", "both A and B"."""


def _moved(options: Sequence[str], order: Sequence[int]) -> tuple[str, ...]:
    return tuple(options[index] for index in order)


def _by_index(target: Any, order: Sequence[int]) -> Target:
    found: Target = replace(target, options=_moved(target.options, order), answer=order.index(target.answer))
    return found


def _by_letters(target: MathTarget, order: Sequence[int]) -> Target:
    letters = sorted(LETTERS[order.index(LETTERS.index(letter))] for letter in target.answer)
    return replace(target, options=_moved(target.options, order), answer="".join(letters))


def _by_text(target: MathVistaTarget, order: Sequence[int]) -> Target:
    return replace(target, choices=_moved(target.choices, order))


_TYPES: Mapping[type[Target], Callable[[Any, Sequence[int]], Target]] = {
    ChoiceTarget: _by_index,
    MmmuTarget: _by_index,
    MathTarget: _by_letters,
    MathVistaTarget: _by_text,
}


def can_shuffle(sample: Sample) -> bool:
    """Whether a sample's options can be shown in another order.

    Not where the question or the task's own prompt lists them, or an option speaks of others.
    """
    known = type(sample.target) in _TYPES or hasattr(sample.target, "reordered")
    told = any(map(_SPEAKS_OF_OTHERS.search, sample.choices))
    return known and len(sample.choices) > 1 and sample.prompt is None and not told


def shuffled(sample: Sample, seed: int) -> Sample:
    """A sample with its options in an order that seed and id decide; as it is where it has none to move."""
    if not can_shuffle(sample):
        return sample
    count = len(sample.choices)
    draw = Random(f"options/{seed}/{sample.id}")  # noqa: S311 - an order, not a secret
    order = list(range(count))
    while order == list(range(count)):
        draw.shuffle(order)
    reorder = _TYPES.get(type(sample.target))
    target: Target = (
        reorder(sample.target, order) if reorder is not None else sample.target.reordered(order)  # type: ignore[attr-defined]
    )
    return replace(sample, choices=_moved(sample.choices, order), target=target)
