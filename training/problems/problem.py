"""A problem: what a row of training data asks and what is right, in the words of the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scorers.read.normalise import clean
from scorers.types import Coords

_MARKER = re.compile(r"<image(?: \d+)?>")


class ProblemError(ValueError):
    """A training row cannot be scored: its type is unknown or its answer does not fit the type. In one line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a training row asks and what is right."""

    answer: str
    """The gold answer, with or without its `<answer>` block."""
    question: str = ""
    """What is asked, with or without `<image>` marks and a list of the options."""
    options: Sequence[str] = ()
    """Texts of the options, with or without their letters; empty where the question lists them."""
    size: tuple[int, int] | None = None
    """(width, height) of the stored image in pixels, where the answer is a box; (1, 1) judges in fractions."""
    coords: Coords | None = None
    """How the gold answer writes coordinates: declared, never guessed from its numbers."""

    @property
    def gold(self) -> str:
        """The gold answer without its block."""
        return clean(self.answer).final

    @property
    def asked(self) -> str:
        """The question without image marks."""
        return _MARKER.sub(" ", self.question).strip()

    def shown_gold(self) -> str:
        """The gold answer as error messages show it: one line of at most 60 characters."""
        return repr(" ".join(self.gold.split())[:60])
