"""A part of a run: `--shard 2/8` asks an eighth of the samples, and `harness merge` puts the parts together."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many parts that no two of have a sample in common."""

    index: int
    """From 1 to `count`."""
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that "2/8" names.

        Raises:
            ValueError: it names none.
        """
        found = re.fullmatch(r"\s*([0-9]{1,6})\s*/\s*([0-9]{1,6})\s*", text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.index <= shard.count:
            raise ValueError("a shard is I/N with I from 1 to N, such as 1/8")
        return shard

    def has(self, number: int) -> bool:
        """Whether the unit with this number, from 0, is one of this part: they are dealt in turn."""
        return number % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
