"""Published scores, shown as reported: `published.toml`, never ranked, never in a mean."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Published:
    """What a paper reports of one model."""

    name: str
    of: str = ""
    """What it is a variant of."""
    tasks: Mapping[str, float] = field(default_factory=dict)
    """In the headline's own scale: OCRBench 0 to 1000, else per cent."""
    categories: Mapping[str, float] = field(default_factory=dict)
    """In per cent."""

    def get(self, kind: str, name: str) -> float | None:
        """The figure of a row of the table; None where none is reported."""
        found = self.tasks if kind == "task" else self.categories if kind == "category" else {}
        return found.get(name)


@dataclass(frozen=True, slots=True)
class Figures:
    """All published scores."""

    source: str
    models: tuple[Published, ...]
    gains: Mapping[str, float]
    """Task → gain of OpenVLThinkerV2 over its base model, in per cent of the latter."""


@cache
def published() -> Figures:
    """The published scores that the package has."""
    content = tomllib.loads((files("reports") / "board" / "published.toml").read_text(encoding="utf-8"))
    models = tuple(Published(**model) for model in content["model"])
    return Figures(content["source"], models, content["gains"])
