"""ChartQA and CharXiv: rows to samples, groups, metrics, and what their documentation counts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scorers.rules.chart import ChartTarget, chart
from scorers.rules.charxiv import CharxivTarget, charxiv
from scorers.types import Answer
from tasks import load_builtin
from tasks.charxiv import instruction
from tasks.types import Response, RowError, Sample

DOC = Path(__file__).parents[1] / "docs" / "scoring" / "chart.md"
CHARTQA = {"type": "human_test", "question": "Which age group?", "answer": "50-64 years"}
CHARXIV = {
    "category": "cs",
    "year": "21",
    "num_subplots": 3,
    "figure_path": "images/2001.jpg",
    "reasoning_q": "Which subplot?",
    "reasoning_a": "(c)",
    "reasoning_q_source": 3,
    "reasoning_a_type": 1,
}


def sample_of(task: str, row: dict[str, Any]) -> Sample:
    (sample,) = load_builtin(task).to_samples(row)
    return sample


def without(row: dict[str, Any], column: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != column}


def test_chartqa_sample() -> None:
    sample = sample_of("chartqa", CHARTQA)
    assert sample.target == ChartTarget("50-64 years", "Which age group?")
    assert (sample.groups, sample.images) == ({"type": "human"}, ())
    assert sample.instruction == "Answer the question using a single word or phrase."
    assert sample_of("chartqa", {**CHARTQA, "type": "augmented_test"}).groups["type"] == "augmented"


def test_chartqa_ids_differ_by_question_answer_type_and_image() -> None:
    rows = [
        CHARTQA,
        {**CHARTQA, "question": "Which other group?"},
        {**CHARTQA, "answer": "0-14"},
        {**CHARTQA, "type": "augmented_test"},
        {**CHARTQA, "image": "a.png"},
        {**CHARTQA, "image": "b.png"},
        {**CHARTQA, "image": {"bytes": b"abc", "path": None}},
    ]
    assert len({sample_of("chartqa", row).id for row in rows}) == len(rows)
    assert sample_of("chartqa", CHARTQA).id == sample_of("chartqa", dict(CHARTQA)).id


def test_questions_on_one_chart_form_a_cluster() -> None:
    task = load_builtin("chartqa")
    one, other = (
        sample_of("chartqa", {**CHARTQA, "question": question, "image": "a.png"}) for question in ("A?", "B?")
    )
    assert task.cluster is not None
    assert one.groups[task.cluster] == other.groups[task.cluster] == "a.png"
    assert task.cluster not in sample_of("chartqa", CHARTQA).groups


def test_charxiv_sample() -> None:
    sample = sample_of("charxiv", CHARXIV)
    assert (sample.id, sample.target) == ("2001", CharxivTarget("(c)", 1, "Which subplot?"))
    assert sample.groups == {
        "answer_type": "text in chart",
        "source": "completely human",
        "subject": "cs",
        "subplots": "2-4",
    }


@pytest.mark.parametrize(("count", "group"), [(1, "1"), (2, "2-4"), (4, "2-4"), (5, "5+"), (12, "5+")])
def test_subplots(count: int, group: str) -> None:
    assert sample_of("charxiv", {**CHARXIV, "num_subplots": count}).groups["subplots"] == group


def test_charxiv_is_judged_by_answer_type_not_by_source() -> None:
    task = load_builtin("charxiv")
    row = {**CHARXIV, "reasoning_a": "94", "reasoning_a_type": 3, "reasoning_q_source": 1}
    assert task.score(sample_of("charxiv", row), Response("94.0")).value == 1.0
    assert task.score(sample_of("charxiv", {**row, "reasoning_a_type": 1}), Response("94.0")).value == 0.0
    assert task.score(sample_of("charxiv", row), Response("94")).official is None


@pytest.mark.parametrize(
    ("kind", "answer", "part"),
    [(1, "a", "written in the chart"), (2, "a", "options"), (3, "1", "number that is written"),
     (4, "3", "an integer"), (4, "0.25", "2 decimal places")],
)  # fmt: skip
def test_charxiv_instructions(kind: int, answer: str, part: str) -> None:
    assert part in instruction(kind, answer)


def test_charxiv_needs_only_question_answer_and_type() -> None:
    row = {"reasoning_q": "Which?", "reasoning_a": "a", "reasoning_a_type": "2"}
    sample = sample_of("charxiv", row)
    assert sample.groups == {"answer_type": "text in general"}
    assert len(sample.id) == 16


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("chartqa", without(CHARTQA, "question"), "'question' is missing"),
        ("chartqa", without(CHARTQA, "answer"), "'answer' is missing"),
        ("chartqa", {**CHARTQA, "type": "robot_test"}, "'robot_test' is neither"),
        ("chartqa", {**CHARTQA, "answer": None}, "'answer' is null"),
        ("chartqa", {**CHARTQA, "question": float("nan")}, "'question' is null"),
        ("chartqa", {**CHARTQA, "answer": " "}, "'answer' is empty"),
        ("charxiv", without(CHARXIV, "reasoning_q"), "'reasoning_q' is missing"),
        ("charxiv", without(CHARXIV, "reasoning_a"), "'reasoning_a' is missing"),
        ("charxiv", without(CHARXIV, "reasoning_a_type"), "'reasoning_a_type' is missing"),
        ("charxiv", {**CHARXIV, "reasoning_a_type": 5}, "5 is none of 1, 2, 3, 4"),
        ("charxiv", {**CHARXIV, "reasoning_a": ""}, "'reasoning_a' is empty"),
    ],
)
def test_rows_that_cannot_be_asked(task: str, row: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        sample_of(task, row)


def test_headlines() -> None:
    chartqa, charxiv = load_builtin("chartqa"), load_builtin("charxiv")
    assert (chartqa.headline.of, chartqa.headline.reduce, chartqa.headline.by) == ("official", "macro", "type")
    assert (charxiv.headline.of, charxiv.judged, charxiv.official) == ("value", True, None)
    assert not chartqa.judged


def test_real_rows_become_samples(samples_dir: Path) -> None:
    import json

    lines = (samples_dir / "chartqa" / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    samples = [sample_of("chartqa", row) for row in rows]
    assert len({sample.id for sample in samples}) == len(rows) == 24
    assert {sample.groups["type"] for sample in samples} == {"human", "augmented"}


# --- What docs/scoring/chart.md counts --------------------------------------------------------------------


def documented(heading: str) -> dict[str, int]:
    """The table under a heading of the document: its first column → its last, a number."""
    section = DOC.read_text(encoding="utf-8").split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| ([^|]+?) \|.*\| (\d+) \|$", section, re.MULTILINE)
    return {name: int(count) for name, count in rows}


def reason(response: str) -> str:
    if response.startswith("<answer>"):
        return "answer tags"
    if re.fullmatch(r"[\d,.]+,\d{3}", response):
        return "digits grouped"
    return "scale word" if response.endswith(" million") else "closing full stop"


def test_counts_of_chartqa(golden) -> None:
    reasons: Counter[str] = Counter()
    wrong_scales, totals = 0, [0.0, 0.0, 0.0]
    for row in golden("chartqa/synthetic"):
        target = ChartTarget(row["record"]["answer"], row["record"]["question"])
        score = chart(Answer(row["response"], raw=True), target)
        totals = [total + more for total, more in zip(totals, (1, score.official, score.value), strict=True)]
        if score.value != score.official:
            assert (score.value, score.official) == (1.0, 0.0)
            reasons[reason(row["response"])] += 1
        elif row["note"] == "unit":
            wrong_scales += 1
    assert dict(reasons) == documented("Where the two disagree: ChartQA")
    text = DOC.read_text(encoding="utf-8")
    assert f"In {wrong_scales} others" in text
    asked, official, value = map(int, totals)
    assert f"{asked:,} questions" in text
    assert f"{official} right officially" in text
    assert f"{value} are right by `value`" in text


def test_counts_of_charxiv(golden) -> None:
    kinds = Counter(
        sample_of("charxiv", row["record"]).groups["answer_type"] for row in golden("charxiv/reasoning_gold")
    )
    text = DOC.read_text(encoding="utf-8")
    for name, count in kinds.items():
        assert f"| {name} | {count} |" in text
    targets = [sample_of("charxiv", row["record"]).target for row in golden("charxiv/reasoning_gold")]
    wordings = ("{}", "The answer is {}.", "**{}**", r"\boxed{{{}}}", "<think>4 (b)</think><answer>{}</answer>")
    right = sum(
        all(charxiv(Answer(wording.format(target.answer)), target).value == 1 for wording in wordings)
        for target in targets
    )
    assert f"Of the {len(targets):,} gold answers {right} are right verbatim" in text
