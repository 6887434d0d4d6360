"""One prediction of another tool's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction."""

    where: str
    """File and line, for messages."""
    key: str
    """The document's number or index in the data set."""
    response: str
    record: dict[str, Any]
    """What the file itself says of the data set row: all of it, or no more than the question and the gold."""
    question: str
    """What was asked, as the file has it: the question, or the whole prompt that holds it."""
