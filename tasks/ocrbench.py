"""OCRBench v1: 1,000 questions on text in images, from words to formulas (Liu et al., 2023)."""

from __future__ import annotations

from collections.abc import Iterator

from scorers.official.ocrbench import FORMULA_DATASET
from scorers.rules.ocr import OcrTarget, ocr
from tasks.content_id import content_id
from tasks.images import row_images
from tasks.options import as_list
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column

PARTS = {"Recognition": 300, "Scene VQA": 200, "Doc VQA": 200, "KIE": 200, "HMER": 100}
"""The five parts of the total and their numbers of questions."""

_PART_OF = {
    "Regular Text Recognition": "Recognition",
    "Irregular Text Recognition": "Recognition",
    "Artistic Text Recognition": "Recognition",
    "Handwriting Recognition": "Recognition",
    "Digit String Recognition": "Recognition",
    "Non-Semantic Text Recognition": "Recognition",
    "Scene Text-centric VQA": "Scene VQA",
    "Doc-oriented VQA": "Doc VQA",
    "Key Information Extraction": "KIE",
    "Handwritten Mathematical Expression Recognition": "HMER",
}


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample. Rows have no id: it is a hash of the question, its answers and the image's key."""
    question = str(column(row, "question"))
    answers = as_list(column(row, "answer"), "answer")
    kind = str(column(row, "question_type", "category"))
    if kind not in _PART_OF:
        raise RowError(f"question_type {kind!r} is none of {', '.join(_PART_OF)}")
    if not answers:
        raise RowError("column 'answer' is an empty list")
    # A VLMEvalKit table has question types under "category" and no data sets: one has all formulas.
    formulas = FORMULA_DATASET if _PART_OF[kind] == "HMER" else ""
    dataset = str(column(row, "dataset") if "category" not in row else formulas)
    images = row_images(row)
    yield Sample(
        id=content_id(question, *answers, dataset, images=images),
        question=question,
        target=OcrTarget(answers, question, formula=dataset == FORMULA_DATASET),
        images=images,
        groups={"part": _PART_OF[kind], "question_type": kind, "dataset": dataset},
    )


TASK = Task(
    name="ocrbench",
    category="document",
    title="OCRBench: 1,000 questions on text in images",
    source=Source(repo="echo840/OCRBench", split="test", rows=1000),
    to_samples=to_samples,
    scorer=ocr,
    target=OcrTarget,
    metrics=(
        Metric("total of 1000", of="official", scale=1000.0, headline=True),
        Metric("total of 1000 (ours)", scale=1000.0),
        *(
            Metric(f"{part} of {size}", of="official", where=("part", part), scale=float(size))
            for part, size in PARTS.items()
        ),
        Metric("by question type", of="official", by="question_type"),
    ),
    official="OCRBench example.py (inclusion)",
    notes="The official rule accepts any answer that contains the gold one; ours asks for one of sane length.",
)
