"""RefCOCO, RefCOCO+ (UNC splits) and RefCOCOg (UMD splits): a sentence names one thing, the answer is its box.

Two hub layouts are read: the VLMEvalKit table (`index, image, question, answer, category`; one expression
a row, the box in fractions) and lmms-lab's (`question_id, image, answer, bbox, file_name`; all
expressions of one object, the box as x, y, width, height in pixels). The val splits come from the former:
lmms-lab's mix in another split.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from scorers.place.coordinates import Box, Size
from scorers.rules.grounding import BoxTarget, grounding
from tasks.coordinate_phrases import BOX, prompt_template
from tasks.images import ImageError, ImageRef, row_images
from tasks.options import as_list
from tasks.types import Metric, Row, RowError, Sample, Source, Split, Task, column

_QUESTION = "Please provide the bounding box coordinate of the region this sentence describes: {}"
_REF = re.compile(r"<ref>(.*?)</ref>", re.DOTALL)
_DESCRIBES = re.compile(r"sentence describes:(.+)", re.DOTALL)
_COCO_IMAGE = re.compile(r"COCO_\w{1,32}?_\d{12}")


def _four(value: Any, name: str) -> Box:
    """Four finite numbers out of a list or its text."""
    try:
        numbers = [float(number) for number in (json.loads(value) if isinstance(value, str) else value)]
    except (TypeError, ValueError) as error:
        raise RowError(f"column {name!r} holds no box: {str(value)[:60]!r}") from error
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise RowError(f"column {name!r} holds no box of four numbers: {str(value)[:60]!r}")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _size(row: Row, image: ImageRef | None) -> Size | None:
    """(width, height) from the row's columns, else from the image's header."""
    if row.get("width") and row.get("height"):
        return int(row["width"]), int(row["height"])
    try:
        return image.size if image is not None else None
    except ImageError as error:
        raise RowError(f"column 'image': {error}") from error


def _target(row: Row, size: Size | None) -> BoxTarget:
    """The true box in pixels; in fractions of a 1 × 1 image where the row gives fractions and no size."""
    if row.get("bbox") is not None:
        x, y, width, height = _four(row["bbox"], "bbox")
        return BoxTarget((x, y, x + width, y + height), *(size or (None, None)))
    x1, y1, x2, y2 = _four(column(row, "answer"), "answer")
    if not all(-0.01 <= value <= 1.01 for value in (x1, y1, x2, y2)):
        raise RowError(f"column 'answer' must hold fractions of the image: {str(row['answer'])[:60]!r}")
    width, height = size or (1, 1)
    return BoxTarget((x1 * width, y1 * height, x2 * width, y2 * height), width, height)


def _expressions(row: Row) -> list[str]:
    """The sentences that name the row's object; at least one, and none of them empty."""
    if row.get("bbox") is not None:
        name, found = "answer", as_list(column(row, "answer"), "answer")
    else:
        name, question = "question", str(column(row, "question"))
        match = _REF.search(question) or _DESCRIBES.search(question)
        found = (match[1] if match else question,)
    expressions = [expression.strip() for expression in found]
    if not expressions or not all(expressions):
        raise RowError(f"column {name!r} names nothing: {str(row[name])[:60]!r}")
    return expressions


def _image_name(row: Row, image: ImageRef | None, row_id: str) -> str:
    """What samples of one image share: COCO's file name, else the image's hash."""
    name = str(row.get("file_name") or row.get("image_path") or "")
    match = _COCO_IMAGE.search(name)
    if match:
        return match[0]
    return name or (image.sha if image is not None else row_id)


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample an expression.

    Raises:
        RowError: there is no box or no expression, or the image cannot be decoded.
    """
    row_id = str(row["question_id"] if "question_id" in row else column(row, "index"))
    images = row_images(row)
    image = images[0] if images else None
    target = _target(row, _size(row, image))
    groups = {"image": _image_name(row, image, row_id)}
    if row.get("category"):
        groups["split"] = str(row["category"])
    table = row.get("bbox") is None
    for number, expression in enumerate(_expressions(row)):
        yield Sample(
            id=row_id if table else f"{row_id}:{number}",
            question=_QUESTION.format(expression),
            target=target,
            images=images,
            instruction=BOX["norm1000"],
            groups=groups,
            meta={"coordinates": True},
        )


def _task(name: str, title: str, table_name: str, **rows: int) -> Task:
    """A task on `val`, with the expressions in each split of its table."""
    splits = {
        split: Split(rows=count, where=("category", (f"{table_name} {split}", f"{table_name}_{split}")))
        for split, count in rows.items()
    }
    usual = splits.pop("val")
    return Task(
        name=name,
        category="grounding",
        title=title,
        source=Source(
            repo="mjuicem/RefCOCO-VLMEvalKit",
            split="val",
            data_files="RefCOCO.tsv",
            where=usual.where,
            rows=usual.rows,
            splits=splits,
        ),
        to_samples=to_samples,
        scorer=grounding,
        target=BoxTarget,
        metrics=(
            Metric("Acc@0.5", of="official", headline=True),
            Metric("mean IoU", of="iou"),
            Metric("R@0.3", of="r@0.3"),
            Metric("R@0.7", of="r@0.7"),
        ),
        prompt=prompt_template(BOX),
        cluster="image",
        places=True,
        official="IoU of at least 0.5 (Acc@0.5)",
        notes="`value` is the IoU, `official` Acc@0.5. Other splits: --split.",
    )


REFCOCO = _task(
    "refcoco", "Boxes of things named by short phrases (UNC), val", "RefCOCO", val=10834, testA=5657, testB=5095
)
REFCOCO_PLUS = _task(
    "refcoco+",
    "Boxes of things named without their place (UNC), val",
    "RefCOCO+",
    val=10758,
    testA=5726,
    testB=4889,
)
REFCOCOG = _task(
    "refcocog", "Boxes of things named by whole sentences (UMD), val", "RefCOCOg", val=4896, test=9602
)
