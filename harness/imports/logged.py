"""What a file of another tool says: the predictions, and the tool's own verdicts on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.types import FinishReason


@dataclass(frozen=True, slots=True)
class Said:
    """The other tool's verdict on one response."""

    score: float | None = None
    """0 to 1; None where the file has none for this response."""
    extracted: str | None = None
    """What it read from the response, where the file says so."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Every number that the file has on this response, as it is there."""


NOTHING = Said()


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction."""

    where: str
    """File and line or member, for messages."""
    key: str
    """The document's number or index in the data set, as the file has it."""
    response: str
    record: dict[str, Any]
    """What the file itself says of the data set row: all of it, or no more than the question and the gold."""
    question: str
    """What was asked, as the file has it: the question, or the whole prompt that holds it."""
    names: tuple[str, ...] = ()
    """The row's identities in the data set: its index, its id; none where the file has only its number."""
    number: int | None = None
    """The row's place in the data set, from 0, where known."""
    gold: Any = None
    """The right answer, as the file has it; None where it has none."""
    choices: tuple[str, ...] = ()
    """The options, where the file has them apart from the question."""
    epoch: int = 0
    finish_reason: FinishReason = "stop"
    """`stop` where the file does not say."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None
    """Why there is no response, where the tool says that there is none."""
    said: Said = NOTHING


@dataclass(frozen=True, slots=True)
class Headline:
    """The other tool's score of the whole file."""

    metric: str
    value: float
    """In the tool's own units."""


@dataclass(frozen=True, slots=True)
class Log:
    """A file of predictions."""

    tool: str
    """`lmms-eval`, `VLMEvalKit` or `inspect`."""
    predictions: Iterable[Logged]
    """Read as they are iterated, once."""
    name: str | None = None
    """What the tool calls the task."""
    task: str | None = None
    """The benchmark that this is without doubt."""
    model: str | None = None
    version: str | None = None
    """Of the tool."""
    metric: str | None = None
    """Which of the tool's metrics the verdicts are of."""
    headline: Headline | None = None
    judged: bool = False
    """The tool's verdicts are a judge model's."""
    prompts: bool = False
    """`Logged.question` is the whole prompt."""
    beside: tuple[str, ...] = ()
    """Other files of the tool that were read too."""
