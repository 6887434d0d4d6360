"""DocVQA, InfoVQA and OCRBench: rows to samples, groups, metrics, and what their documentation counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scorers.read.locate import Channel
from scorers.rules.document import DocTarget
from scorers.rules.ocr import OcrTarget
from scorers.types import Answer, Score, Status
from tasks import load_builtin
from tasks.ocrbench import PARTS
from tasks.types import Response, RowError, Sample

DOC = Path(__file__).parents[1] / "docs" / "scoring" / "document.md"
DOCVQA = {
    "questionId": "49153",
    "question": "What is the total?",
    "question_types": ["table/list", "form"],
    "image": None,
    "docId": 14465,
    "ucsf_document_id": "pybv0228",
    "ucsf_document_page_no": "81",
    "answers": ["$12", "12"],
    "data_split": "val",
}
INFOVQA = {
    "questionId": 98313,
    "question": "How many?",
    "answer_type": ["single span"],
    "image_url": "https://example.org/a.jpeg",
    "operation/reasoning": [],
    "ocr": "[]",
    "answers": ["4", "four"],
    "data_split": "val",
}
OCRBENCH = {
    "dataset": "IIIT5K",
    "question_type": "Regular Text Recognition",
    "question": "what is written in the image?",
    "answer": ["CENTRE"],
}


def sample_of(task: str, row: dict[str, Any]) -> Sample:
    (sample,) = load_builtin(task).to_samples(row)
    return sample


def without(row: dict[str, Any], column: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != column}


def test_docvqa_sample() -> None:
    sample = sample_of("docvqa", DOCVQA)
    assert (sample.id, sample.images) == ("49153", ())
    assert sample.target == DocTarget(("$12", "12"), "What is the total?")
    assert sample.groups == {"question_type": ("table/list", "form"), "document": "pybv0228"}
    assert sample.instruction == "Answer the question using a single word or phrase."


def test_infovqa_sample() -> None:
    sample = sample_of("infovqa", INFOVQA)
    assert sample.id == "98313"
    assert sample.target == DocTarget(("4", "four"), "How many?")
    assert sample.groups == {"answer_type": ("single span",), "infographic": "https://example.org/a.jpeg"}


def test_only_what_is_asked_for_is_needed() -> None:
    row = {"questionId": "1", "question": "What?", "answers": ["a"]}
    assert sample_of("docvqa", row).groups == {"question_type": ()}
    assert sample_of("infovqa", row).groups == {"answer_type": ()}
    assert sample_of("docvqa", {**row, "docId": 7}).groups["document"] == "7"


@pytest.mark.parametrize("name", ["docvqa", "infovqa"])
@pytest.mark.parametrize(
    "row", [{"answers": None}, {"data_split": "test"}, {"answers": [], "data_split": "test"}]
)
def test_a_test_split_is_read_and_not_scored(name: str, row: dict[str, Any]) -> None:
    task = load_builtin(name).on_split("test")
    asked = {"questionId": "1", "question": "What?", **row}
    (sample,) = task.to_samples(asked)
    assert sample.target.answers == ()
    assert sample.target.gold() is None
    score = task.score(sample, Response("<think>a</think><answer> 12 </answer>"))
    assert (score.status, score.official, score.extracted) == (Status.UNSCORED, None, "12")
    with pytest.raises(RowError, match="answers"):
        sample_of(name, asked)


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("docvqa", without(DOCVQA, "questionId"), "'questionId' is missing"),
        ("docvqa", without(DOCVQA, "question"), "'question' is missing"),
        ("docvqa", without(DOCVQA, "answers"), "'answers' is missing"),
        ("docvqa", {**DOCVQA, "answers": []}, "empty list"),
        ("docvqa", {**DOCVQA, "answers": [None]}, "no list of texts"),
        ("infovqa", without(INFOVQA, "answers"), "'answers' is missing"),
        ("ocrbench", without(OCRBENCH, "answer"), "'answer' is missing"),
        ("ocrbench", without(OCRBENCH, "dataset"), "'dataset' is missing"),
        ("ocrbench", without(OCRBENCH, "question_type"), "'question_type' is missing"),
        ("ocrbench", {**OCRBENCH, "question_type": "Poetry"}, "'Poetry' is none of"),
        ("ocrbench", {**OCRBENCH, "answer": []}, "empty list"),
    ],
)
def test_rows_that_cannot_be_asked(task: str, row: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        sample_of(task, row)


def test_ocrbench_sample() -> None:
    sample = sample_of("ocrbench", OCRBENCH)
    assert sample.target == OcrTarget(("CENTRE",), "what is written in the image?", formula=False)
    assert sample.groups == {
        "part": "Recognition",
        "question_type": "Regular Text Recognition",
        "dataset": "IIIT5K",
    }
    other = sample_of("ocrbench", {**OCRBENCH, "image": "a.png"})
    assert other.id != sample.id
    assert len(other.images) == 1


def test_only_hme100k_holds_formulas() -> None:
    kind = "Handwritten Mathematical Expression Recognition"
    row = {**OCRBENCH, "question_type": kind, "dataset": "HME100k"}
    assert sample_of("ocrbench", row).target.formula
    assert sample_of("ocrbench", row).groups["part"] == "HMER"


def test_ocrbench_parts_are_the_published_ones(golden) -> None:
    """Half of the items are recorded, so each part has half of its questions."""
    counts = Counter(
        sample_of("ocrbench", row["record"]).groups["part"] for row in golden("ocrbench/synthetic")
    )
    assert {part: 2 * count for part, count in counts.items()} == PARTS


def test_headlines() -> None:
    for name, scale in (("docvqa", 100.0), ("infovqa", 100.0), ("ocrbench", 1000.0)):
        task = load_builtin(name)
        assert sum(metric.headline for metric in task.metrics) == 1
        assert (task.headline.of, task.headline.reduce, task.headline.scale) == ("official", "mean", scale)
        assert task.official


def test_ids_are_unique_in_recorded_rows(golden) -> None:
    ids = [sample_of("docvqa", row["record"]).id for row in golden("docvqa/nemotron")]
    assert len(set(ids)) == len(ids) == 1000


# --- What docs/scoring/document.md counts -----------------------------------------------------------------

PARTING = 0.5


def documented(heading: str) -> dict[str, int]:
    """The table under a heading of the document: its first column → its last, a number."""
    section = DOC.read_text(encoding="utf-8").split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| ([^|]+?) \|.*\| (\d+) \|$", section, re.MULTILINE)
    return {name: int(count) for name, count in rows}


def parted(task: str, rows: list[dict[str, Any]]) -> Iterator[tuple[str, Score]]:
    """Responses on which the two verdicts part by half a point or more."""
    for row in rows:
        if isinstance(row["response"], str):
            target = sample_of(task, row["record"]).target
            score = load_builtin(task).scorer(Answer(row["response"], raw=True), target)
            if abs(score.value - score.official) >= PARTING:
                yield row["response"], score


def bare(text: str | None) -> str:
    return re.sub(r"^\W+|\W+$", "", text or "")


def anls_reason(response: str, score: Score) -> str:
    if score.channel == Channel.ANNOUNCED:
        return "announced"
    if bare(response) == bare(score.extracted):
        return "marks around it"
    return "sentence in the question's words"


def test_counts_of_anls(golden) -> None:
    reasons: Counter[str] = Counter()
    for name in ("docvqa/nemotron", "docvqa/qwen2_vl_7b_instruct", "docvqa/llama_scout", "docvqa/synthetic",
                 "infovqa/synthetic"):  # fmt: skip
        for response, score in parted(name.partition("/")[0], golden(name)):
            assert score.value > score.official
            reasons[anls_reason(response, score)] += 1
    assert dict(reasons) == documented("Where the two disagree: DocVQA and InfoVQA")


def test_counts_of_ocrbench(golden) -> None:
    reasons: Counter[str] = Counter()
    for response, score in parted("ocrbench", golden("ocrbench/synthetic")):
        assert (score.value, score.official) == (1.0, 0.0)
        full = re.search("[\uff01-\uff5e]", response)
        reasons["full width" if full else "closing full stop missing"] += 1
    assert dict(reasons) == documented("Where the two disagree: OCRBench")
