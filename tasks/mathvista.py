"""MathVista (testmini): 1,000 questions of mathematics in pictures (Lu et al., 2024)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from scorers.read.number import parse_number
from scorers.rules.mathvista import MathVistaTarget, mathvista
from tasks.images import row_images
from tasks.options import as_list
from tasks.rubrics import MATHVISTA
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Submission, Submitted, Task, column

_TASKS = {
    "figure question answering": "FQA",
    "geometry problem solving": "GPS",
    "math word problem": "MWP",
    "textbook question answering": "TQA",
    "visual question answering": "VQA",
}
_INSTRUCTIONS = {
    "text": "Answer the question directly with a single word or phrase.",
    "integer": "The answer is an integer. Answer with the number only, e.g. 1, 2, 3.",
    "list": "The answer is a list of numbers. Answer with a Python list only, e.g. [1, 2, 3], [1.2, 1.3, 1.4].",
}
_EXAMPLES = {1: ("one decimal place", "1.2, 1.3, 1.4"), 2: ("two decimal places", "1.23, 1.34, 1.45")}
_SUBMITTED = ("question", "choices", "unit", "precision", "question_type", "answer_type", "metadata")
"""Columns that the result file repeats beside each response: its scoring script reads them."""
_GROUPS = ("context", "grade", "category", "language", "source")


def instruction(choices: Sequence[str], answer_type: str, precision: int | None) -> str:
    """How to answer: after the official hints, which differ by answer type and decimals."""
    if choices:
        return "Answer with the option's letter from the given choices directly."
    if answer_type == "float":
        places, examples = _EXAMPLES.get(precision or 0, (f"{precision or 0} decimal places", "1.2"))
        return f"The answer is a number with {places}. Answer with the number only, e.g. {examples}."
    return _INSTRUCTIONS[answer_type]


def _target(row: Row, *, answered: bool) -> MathVistaTarget:
    """The target of a row.

    Raises:
        RowError: the answer does not fit its type, or is none of the choices.
    """
    answer = str(column(row, "answer")) if answered else ""
    answer_type = str(column(row, "answer_type"))
    given = column(row, "choices", null=True)
    choices = () if given is None else as_list(given, "choices")
    precision = column(row, "precision", null=True)
    if answer_type not in ("text", "integer", "float", "list"):
        raise RowError(f"answer_type {answer_type!r} is none of text, integer, float, list")
    if answered and choices and answer not in choices:
        raise RowError(f"answer {answer!r} is none of the choices {list(choices)}")
    if answered and not choices and answer_type in ("integer", "float") and parse_number(answer) is None:
        raise RowError(f"answer {answer!r} is no {answer_type}")
    if not choices and answer_type == "float" and (precision is None or not 0 <= precision <= 12):
        raise RowError(f"precision {precision!r} of a float answer is no number of decimals")
    return MathVistaTarget(
        question=str(column(row, "question")),
        answer=answer,
        choices=choices,
        answer_type=answer_type,
        precision=None if precision is None or precision != precision else float(precision),  # noqa: PLR0124
    )


def _groups(metadata: Mapping[str, object], row: Row) -> dict[str, str | tuple[str, ...]]:
    task = str(metadata.get("task") or "")
    skills = metadata.get("skills")
    return {
        "task": _TASKS.get(task, task),
        "skill": as_list(skills, "metadata.skills") if skills is not None else (),
        "question_type": str(column(row, "question_type")),
        "answer_type": str(column(row, "answer_type")),
        **{key: str(metadata.get(key) or "") for key in _GROUPS},
    }


def to_samples(row: Row, *, answered: bool = True) -> Iterator[Sample]:
    """One sample. A unit that the row names is asked for with the question."""
    target = _target(row, answered=answered)
    metadata = column(row, "metadata")
    if not isinstance(metadata, Mapping):
        raise RowError(f"column 'metadata' is no mapping: {type(metadata).__name__}")
    unit = row.get("unit")
    precision = None if target.precision is None else int(target.precision)
    yield Sample(
        id=str(column(row, "pid")),
        question=f"{target.question} (Unit: {unit})" if unit else target.question,
        target=target,
        images=row_images(row, "decoded_image"),
        choices=target.choices,
        instruction=instruction(target.choices, target.answer_type, precision),
        groups=_groups(metadata, row),
        meta={} if answered else {"row": {name: row.get(name) for name in _SUBMITTED}},
    )


def unanswered(row: Row) -> Iterator[Sample]:
    """The sample of a row whose answer is withheld."""
    return to_samples(row, answered=False)


def result_file(responses: Sequence[Submitted]) -> bytes:
    """The result file of MathVista's own scripts: pid → the row with `response` and `extraction`."""
    results = {
        each.sample.id: {
            "pid": each.sample.id,
            **each.sample.meta["row"],
            "response": each.response,
            "extraction": each.answer if each.found else "",
        }
        for each in responses
    }
    return json.dumps(results, indent=2).encode()


TASK = Task(
    name="mathvista",
    category="math",
    title="MathVista: mathematical reasoning in visual contexts (testmini)",
    source=Source(
        repo="AI4Math/MathVista",
        split="testmini",
        rows=1000,
        image_columns=("decoded_image", "image"),
        splits={"test": Split(rows=5141, unanswered=unanswered)},
    ),
    to_samples=to_samples,
    scorer=mathvista,
    target=MathVistaTarget,
    metrics=(
        Metric("accuracy", headline=True),
        Metric("accuracy (official rule)", of="official"),
        Metric("by task", by="task"),
        Metric("by skill", by="skill"),
        Metric("by question_type", by="question_type"),
        Metric("by answer_type", by="answer_type"),
        Metric("by context", by="context"),
        Metric("by grade", by="grade"),
        Metric("by category", by="category"),
        Metric("by language", by="language"),
    ),
    official="MathVista evaluation/calculate_score.py, on the answer text",
    judged=True,
    rubric=MATHVISTA,
    submission=Submission(
        ".json", "lupantech@gmail.com, as the README of lupantech/MathVista says", result_file
    ),
    notes=(
        "Published figures have GPT-4 extract the answer from the response; here rules do (no judge: not "
        "comparable to published). The official rule takes the nearest option where nothing was extracted: an "
        "empty answer scores 168 of 1,000."
    ),
)
