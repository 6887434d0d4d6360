"""CharXiv (validation), reasoning questions: charts of arXiv papers (Wang et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from scorers.rules.charxiv import CharxivTarget, charxiv
from tasks.content_id import content_id
from tasks.images import row_images
from tasks.rubrics import CHARXIV
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

_KINDS = {1: "text in chart", 2: "text in general", 3: "number in chart", 4: "number in general"}
_SOURCES = {1: "GPT-sourced", 2: "GPT-inspired", 3: "completely human"}
_INSTRUCTIONS = {
    1: (
        "Answer with text that is written in the chart: the full name of the label or subplot, unless the "
        "question asks otherwise. Separate several by commas."
    ),
    2: "Answer with one of the options if the question gives some, else with a short phrase.",
    3: "Answer with a number that is written in the chart.",
}


def instruction(kind: int, answer: str) -> str:
    """How to answer. As in the official prompts, a number in general is asked for with the gold's decimals."""
    if kind != 4:
        return _INSTRUCTIONS[kind]
    decimals = len(answer.partition(".")[2])
    return f"Answer with a number of {decimals} decimal places." if decimals else "Answer with an integer."


def answer_kind(value: Any) -> int:
    """The answer type, 1 to 4.

    Raises:
        RowError: it is anything else.
    """
    if str(value) not in ("1", "2", "3", "4"):
        raise RowError(f"reasoning_a_type {value!r} is none of 1, 2, 3, 4")
    return int(value)


def _subplots(count: Any) -> str:
    """How many subplots a figure has, in three classes: 1, 2-4, 5 or more."""
    number = int(count)
    return "1" if number == 1 else "2-4" if number <= 4 else "5+"


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample: the figure's reasoning question. Its id is the figure's name, or a hash where it has none."""
    question, answer = str(column(row, "reasoning_q")), str(column(row, "reasoning_a"))
    kind = answer_kind(column(row, "reasoning_a_type"))
    if not answer.strip():
        raise RowError("column 'reasoning_a' is empty")
    images, path = row_images(row), row.get("figure_path")
    source = row.get("reasoning_q_source")
    groups = {"answer_type": _KINDS[kind]}
    if source is not None:
        groups["source"] = _SOURCES.get(int(source), str(source))
    if row.get("category"):
        groups["subject"] = str(row["category"])
    if row.get("num_subplots") is not None:
        groups["subplots"] = _subplots(row["num_subplots"])
    yield Sample(
        id=PurePosixPath(str(path)).stem if path else content_id(question, answer, images=images),
        question=question,
        target=CharxivTarget(answer, kind, question),
        images=images,
        instruction=instruction(kind, answer),
        groups=groups,
    )


TASK = Task(
    name="charxiv",
    category="chart",
    title="CharXiv: reasoning questions on charts of papers (validation)",
    source=Source(repo="princeton-nlp/CharXiv", split="validation", rows=1000),
    to_samples=to_samples,
    scorer=charxiv,
    target=CharxivTarget,
    metrics=(
        Metric("accuracy", headline=True),
        Metric("by answer type", by="answer_type"),
        Metric("by question source", by="source"),
        Metric("by subject", by="subject"),
        Metric("by subplots", by="subplots"),
    ),
    judged=True,
    rubric=CHARXIV,
    notes=(
        "Officially GPT-4o judges the answers; numbers are compared by value, labels by text (no judge: "
        "not comparable to published)."
    ),
)
