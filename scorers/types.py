"""The words that every scorer shares: `Answer`, `Score`, `Status`, `Coords`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar, get_args

from scorers.read.normalise import STANDARD, Clean, Delimiters, clean

Coords = Literal["abs", "norm1", "norm100", "norm1000", "yx1000", "loc1024", "loc1000"]
"""How a model writes coordinates, declared per model family, never guessed from an answer.

abs: pixels of the image as the model saw it (after pixel limits), x before y.
norm1: fractions of width and height, 0 to 1. norm100: percent, 0 to 100 (Molmo). norm1000: thousandths.
yx1000: thousandths with y before x (Gemini). loc1024: `<locYYYY>` tokens, /1024, y first (PaliGemma).
loc1000: `<loc_123>` tokens, x first, bins 0 to 999, each of which stands for its middle (Florence-2).
"""

COORDS: tuple[Coords, ...] = get_args(Coords)

Shape = Mapping[str, Any]
"""A place in an image as plain JSON, in fractions of width and height, x before y.

`{"box": [x1, y1, x2, y2]}`; `{"rings": [[[x, y], …], …]}`, outlines filled even-odd; `{"points": [[x, y, hit],
…]}`, hit being 1 where the scorer counts the point as inside; `{"mask": {"counts": …, "height": …,
"width": …}}`, COCO's compressed run lengths.
"""


class Target:
    """What a response is compared with: the base of every task's target, a frozen dataclass of plain values."""

    __slots__ = ()

    def gold(self, coords: Coords | None = None) -> str | None:
        """A right answer as a response would give it, places in the convention; None where it holds none.

        Raises:
            ScorerError: a place cannot be written in that convention.
        """
        raise NotImplementedError

    def shapes(self) -> tuple[Shape, ...]:
        """The true places; none where the answer is no place or the size of the image is not known."""
        return ()


class Status(StrEnum):
    """What became of one response. `failed`, `error` and `unscored` are excluded from n; the others count."""

    OK = "ok"
    UNPARSED = "unparsed"
    """No answer was found in the response: counts 0."""
    TRUNCATED = "truncated"
    """Cut by the token limit before an answer: counts 0."""
    FILTERED = "filtered"
    """Withheld by the provider's content filter: counts 0."""
    FAILED = "failed"
    """There is no response."""
    ERROR = "error"
    """The scorer itself failed."""
    UNSCORED = "unscored"
    """It was read, and there is no answer to compare it with."""


class ScorerError(Exception):
    """A scorer could not decide, e.g. a size it needs is not known: status `error`, never 0."""


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
    delimiters: Delimiters = STANDARD
    """By which thinking, answers and chat tokens are known."""

    @property
    def response(self) -> Clean:
        """The response, taken apart."""
        return clean(self.text, self.delimiters)

    @property
    def official_text(self) -> str:
        """The text that the benchmark's own rule judges: the final answer, or all of it when raw."""
        return self.text if self.raw else self.response.final


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
    channel: str | None = None
    """Where it was found: a `scorers.read.locate.Channel`; None where nothing was."""
    components: Mapping[str, float] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ()
    """The places that were read from the response."""
    error: str | None = None
    """Why the status is `failed` or `error`, in one line."""


Scorer = Callable[[Answer, Any], Score]
"""A scorer: an answer and the target type it declares → `Score`. Raises `ScorerError` only."""


def unparsed(official: float | None = None, **components: float) -> Score:
    """No answer was found: 0 by our rule; the official script may still have its own verdict."""
    return Score(0.0, official, Status.UNPARSED, components=components)


T_co = TypeVar("T_co", covariant=True)


class Reading(Protocol[T_co]):
    """What a reader of `scorers.read` found."""

    @property
    def value(self) -> T_co:
        """The answer."""

    @property
    def channel(self) -> str:
        """Where it stood."""


def verdict(
    found: Reading[T_co] | None,
    rule: Callable[[T_co], float],
    official: float | None,
    shown: Callable[[T_co], str] = str,
) -> Score:
    """The score of an answer that was read, by a rule, or `unparsed` where none was.

    Args:
        found: the answer, or None.
        rule: its value, 0 to 1.
        official: the script's verdict.
        shown: the answer as text.
    """
    if found is None:
        return unparsed(official)
    return Score(float(rule(found.value)), official, Status.OK, shown(found.value), found.channel)


def said(affirmed: bool) -> str:
    """An answer to a yes/no question as text."""
    return "yes" if affirmed else "no"
