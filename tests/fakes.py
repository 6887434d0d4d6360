"""Small tasks of known behaviour, as a task file, and rows: `letters`, `twins` (units), `spots` (places)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scorers.types import Answer, Coords, Score, ScorerError, Target, unparsed
from tasks.images import row_images
from tasks.types import Metric, Row, RowError, Sample, Source, Task, column


@dataclass(frozen=True, slots=True)
class LetterTarget(Target):
    answer: str
    others: tuple[str, ...] = ()

    def gold(self, coords: Coords | None = None) -> str:
        return self.answer


def letter(answer: Answer, target: LetterTarget) -> Score:
    """Right where the first word is the answer; the official rule takes it anywhere. Some words break it."""
    official = float(target.answer in answer.official_text)
    words = answer.response.final.split()
    if not words:
        return unparsed(official, length=0.0)
    if words[0] == "timeout":
        raise ScorerError("the worker ran out of time")
    if words[0] == "bug":
        raise ZeroDivisionError("a bug of the scorer")
    value = float(words[0] == target.answer)
    return Score(value, official, extracted=words[0], components={"length": 1 / len(words)})


def to_samples(row: Row) -> Iterator[Sample]:
    if row.get("answer") == "boom":
        raise KeyError("a bug of the task")
    if row.get("answer") == "none":
        raise RowError("column 'answer' holds none")
    groups: dict[str, str | tuple[str, ...]] = {"kind": str(row.get("kind", "plain"))}
    for key in ("pair", "page"):
        if key in row:
            groups[key] = str(row[key])
    if "skills" in row:
        groups["skills"] = tuple(row["skills"])
    yield Sample(
        id=str(column(row, "id")),
        question=str(column(row, "question")),
        target=LetterTarget(str(column(row, "answer")), ("x",)),
        images=row_images(row),
        text_only=row.get("image") is None,
        instruction="Answer with one letter.",
        groups=groups,
    )


def task(name: str, **changes: Any) -> Task:
    """The task `letters` under another name, with some fields changed."""
    fields: dict[str, Any] = {
        "name": name,
        "category": "general_vqa",
        "title": f"The {name} task",
        "source": Source(repo=f"nobody/{name}", split="test"),
        "to_samples": to_samples,
        "scorer": letter,
        "target": LetterTarget,
        "metrics": (
            Metric("accuracy", headline=True),
            Metric("official", of="official"),
            Metric("by kind", by="kind"),
            Metric("length", of="length"),
        ),
    }
    return Task(**(fields | changes))


LETTERS = task("letters")
TWINS = task(
    "twins",
    unit="pair",
    metrics=(
        Metric("circular", reduce="circular", by="pair", headline=True),
        Metric("vanilla"),
    ),
)
SPOTS = task("spots", places=True, category="grounding")


def row(index: int, answer: str = "A", **more: Any) -> dict[str, Any]:
    return {"id": f"r{index}", "question": f"Which letter has number {index}?", "answer": answer, **more}


def picture(shade: int, size: tuple[int, int] = (20, 10), kind: str = "PNG") -> bytes:
    import PIL.Image

    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, (shade % 256, shade // 256, 99)).save(buffer, kind)
    return buffer.getvalue()


def write(directory: Path, name: str, rows: list[Mapping[str, Any]]) -> Path:
    """Write rows as `DIRECTORY/NAME/rows.jsonl`; the directory."""
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory
