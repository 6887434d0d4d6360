"""MathVision (test): 3,040 competition problems with pictures, 16 subjects, 5 levels (Wang et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scorers.read.option import LETTERS
from scorers.rules.math import MathTarget, mathvision
from tasks.images import row_images
from tasks.options import as_list, letter_index
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Task, column

CHOOSE = "Answer with the option's letter from the given choices directly."
COMPUTE = "Answer with a single number or expression."


SECOND = "<image2>"
"""Names a second image in 334 questions; the data set has one image a question."""
_CORRECTED = {
    "2830": ("\x0crac{36}{13}", r"\frac{36}{13}"),  # a form feed where \f was meant
    "2957": ("13", "x^2+y^2=13"),  # the right side of the equation that is asked for
}
"""Damaged golds by id: as the data set has them, and as our rule reads them."""


_ODD = {
    "59": "its gold is a letter, and it has no options: they are in the picture",
    "434": "its gold is a letter, and it has no options: they are in the picture",
    **{
        identity: f"its gold is {damaged!r}, read as {mended!r} by our rule"
        for identity, (damaged, mended) in _CORRECTED.items()
    },
}
"""What is known to be wrong with published rows, by id."""


def defect(row: Row) -> str | None:
    """Damaged golds (2830, 2957), letters as golds without options (59, 434), second images that are absent."""
    identity = str(row.get("id"))
    if identity in _ODD:
        return f"{identity}: {_ODD[identity]}"
    second = (
        SECOND in str(row.get("question")) and f"{identity}: it names a second image, which it does not have"
    )
    return second or None


def shown_options(options: Sequence[str]) -> tuple[str, ...]:
    """The options to list: none where all are in the picture, as letters (384 problems) or images."""
    if all(
        option.strip() in ("", letter) or option.startswith("<image")
        for letter, option in zip(LETTERS, options, strict=False)
    ):
        return ()
    return tuple(options)


def _target(row: Row) -> MathTarget:
    """The target of a row.

    Raises:
        RowError: there is no answer, or it is the letter of none of the options.
    """
    options, answer = as_list(column(row, "options"), "options"), str(column(row, "answer"))
    if options:
        letter_index(answer, options)
    elif not answer.strip():
        raise RowError("column 'answer' is empty")
    damaged, mended = _CORRECTED.get(str(column(row, "id")), (None, None))
    corrected = mended if answer == damaged else None
    return MathTarget(str(column(row, "question")), answer, options, corrected)


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. 334 questions name a second image that the data set does not have: the marker is dropped.

    On the hub `image` is a file name and `decoded_image` the picture; a directory may have it in either.
    """
    target, images = _target(row), row_images(row, "decoded_image")
    yield Sample(
        id=str(column(row, "id")),
        question=target.question.replace(SECOND, "") if len(images) == 1 else target.question,
        target=target,
        images=images,
        choices=shown_options(target.options),
        instruction=CHOOSE if target.options else COMPUTE,
        groups={"level": str(column(row, "level")), "subject": str(column(row, "subject"))},
    )


TASK = Task(
    name="mathvision",
    category="math",
    title="MathVision: competition problems with pictures (test)",
    source=Source(
        repo="MathLLMs/MathVision",
        split="test",
        image_columns=("decoded_image", "image"),
        rows=3040,
        splits={"testmini": Split(rows=304)},
    ),
    to_samples=to_samples,
    defect=defect,
    scorer=mathvision,
    target=MathTarget,
    metrics=(
        Metric("accuracy", of="official", headline=True),
        Metric("accuracy (ours)"),
        Metric("by level", of="official", by="level"),
        Metric("by subject", of="official", by="subject"),
    ),
    limits={"direct": 1024, "think": 4096},
    official="MATH-V evaluation/evaluate.py, without its eval of model output",
    notes="Golds with units or degrees are compared as the script does; the other rule reads mathematics.",
)
