"""MMBench (dev, English): one question in several rotations of its options (Liu et al., 2023).

A question counts only where every rotation of it is answered right: that is the circular accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

from scorers.read.option import LETTERS
from scorers.rules.choice import ChoiceTarget, choice
from tasks.images import row_images
from tasks.options import absent, letter_index, lettered
from tasks.rubrics import MMBENCH
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Submission, Submitted, Task, column

_CELL = 32_767
"""Characters that a cell of an Excel table holds at most."""
_ROTATION = 1_000_000
"""Row index = rotation × this + the question's number."""


def to_samples(row: Row, *, answered: bool = True) -> Iterator[Sample]:
    """One sample: one rotation of a question."""
    index = column(row, "index")
    try:
        index = int(index)
    except (TypeError, ValueError):
        raise RowError(f"column 'index' is no whole number: {index!r}") from None
    options = lettered(row)
    if not options:
        raise RowError("column 'A' is missing or empty: the row has no options")
    level2 = next((row[name] for name in ("l2-category", "L2-category", "l2_category") if row.get(name)), None)
    hint = absent(row.get("hint"))
    question = str(column(row, "question"))
    yield Sample(
        id=str(index),
        question=question,
        target=ChoiceTarget(
            options, letter_index(column(row, "answer"), options) if answered else -1, question
        ),
        images=row_images(row),
        choices=options,
        instruction="Answer with the option's letter from the given choices directly.",
        groups={
            "question": str(index % _ROTATION),
            "pass": "first" if index < _ROTATION else "rotated",
            "category": absent(row.get("category")) or "none",
            "l2-category": absent(level2) or "none",
        },
        meta={"hint": hint} if hint else {},
    )


def unanswered(row: Row) -> Iterator[Sample]:
    """The sample of a row whose answer is withheld."""
    return to_samples(row, answered=False)


def server_table(responses: Sequence[Submitted]) -> bytes:
    """The evaluation server's Excel table, a row for each rotation; options that a question lacks are blank."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    letters = LETTERS[: max(4, *(len(each.sample.choices) for each in responses))]
    book = Workbook(write_only=True)
    sheet = book.create_sheet()

    def text(value: str) -> WriteOnlyCell:
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:_CELL])
        cell.data_type = "s"  # a formula never
        return cell

    sheet.append(["index", "question", *letters, "prediction", "category", "l2_category"])
    for each in responses:
        sample = each.sample
        options = [*map(text, sample.choices), *[None] * (len(letters) - len(sample.choices))]
        groups = [text(str(sample.groups[name])) for name in ("category", "l2-category")]
        sheet.append([int(sample.id), text(sample.question), *options, text(each.answer), *groups])
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


TASK = Task(
    name="mmbench",
    category="general_vqa",
    title="MMBench (dev, English): circular accuracy over rotated options",
    source=Source(
        repo="lmms-lab-encoder/MMBench",
        former=("lmms-lab/MMBench",),
        split="dev",
        configs=("en",),
        other_configs=("cn", "cc"),
        rows=4329,
        splits={"test": Split(unanswered=unanswered)},
    ),
    to_samples=to_samples,
    scorer=choice,
    target=ChoiceTarget,
    metrics=(
        Metric("circular accuracy", reduce="circular", by="question", headline=True),
        Metric("vanilla accuracy", where=("pass", "first")),
        Metric("accuracy over all rotations"),
        Metric("by category", by="category"),
        Metric("by l2-category", by="l2-category"),
    ),
    cluster="question",
    unit="question",
    judged=True,
    rubric=MMBENCH,
    submission=Submission(
        ".xlsx", "https://mmbench.opencompass.org.cn/mmbench-submission", server_table, needs="openpyxl"
    ),
    notes=(
        "v1.0. Published figures use a judge model where a rule finds no letter. The breakdowns are over all "
        "rotations; a set without rotations has a circular accuracy equal to the vanilla one."
    ),
)
