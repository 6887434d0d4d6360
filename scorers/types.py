"""The words that every scorer shares: `Answer`, `Score`, `Status`, `Coords`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, get_args

from scorers.final_answer import final_answer, without_thinking

Coords = Literal["abs", "norm1", "norm1000", "yx1000", "loc1024"]
"""How a model writes coordinates, declared per model family, never guessed from an answer.

abs: pixels of the image as the model saw it (after pixel limits), x before y.
norm1: fractions of width and height, 0 to 1. norm1000: thousandths, 0 to 1000.
yx1000: thousandths with y before x (Gemini). loc1024: `<locYYYY>` tokens, /1024, y first (PaliGemma).
"""

COORDS: tuple[Coords, ...] = get_args(Coords)


class Status(StrEnum):
    """What became of one response. `failed` and `error` leave n; the others count."""

    OK = "ok"
    UNPARSED = "unparsed"
    """No answer was found in the response: counts 0."""
    TRUNCATED = "truncated"
    """Cut by the token limit before an answer: counts 0."""
    FAILED = "failed"
    """There is no response."""
    ERROR = "error"
    """The scorer itself failed."""


class ScorerError(Exception):
    """A scorer could not decide, e.g. its worker ran out of time: status `error`, never 0."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response as scorers see it."""

    text: str
    """The untouched response."""
    coords: Coords | None = None
    """The convention declared for the model, where the target is a place in an image."""
    shown: tuple[int, int] | None = None
    """(width, height) in pixels of the first image as the model saw it; None: as stored."""
    raw: bool = False
    """Judge `official` on the untouched response, as golden files do."""

    @property
    def official_text(self) -> str:
        """The text that the benchmark's own rule judges: the final answer, or all of it when raw."""
        return self.text if self.raw else final_answer(self.text)

    def readings(self) -> Iterator[str]:
        """The texts in which our rule looks for an answer, in order; stop at the first that parses.

        The final answer, then the response without its closed thinking blocks.
        """
        final = final_answer(self.text)
        yield final
        rest = without_thinking(self.text)
        if rest != final:
            yield rest


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one response. All fields come from one call."""

    value: float
    """Our rule, 0..1: deterministic, no loopholes. It is the reward."""
    official: float | None
    """The benchmark's own script on the same final answer, 0..1; None where it has no deterministic rule."""
    status: Status = Status.OK
    extracted: str | None = None
    """What was read from the response, as text; None where nothing was."""
    components: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    """Why the status is `failed` or `error`, in one line."""


Scorer = Callable[[Answer, Any], Score]
"""A scorer: an answer and the target type it declares → `Score`. Raises `ScorerError` only."""


def unparsed(official: float | None = None, **components: float) -> Score:
    """No answer was found: 0 by our rule; the official script may still have its own verdict."""
    return Score(0.0, official, Status.UNPARSED, None, components)
