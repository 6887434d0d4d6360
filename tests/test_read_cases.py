"""Cases of public bug reports and recorded verdicts, judged in process: `../shared/cases`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from scorers.read.normalise import opened_thinking
from scorers.types import Score, Status
from tasks import load_builtin
from tasks.types import Response

SHARED = Path(os.environ.get("HARNESS_SHARED", Path(__file__).parents[2] / "shared"))
CASES = SHARED / "cases"
NAMES = tuple(sorted(path.stem for path in (CASES / "reading").glob("*.jsonl") if path.stem != "finish_reason"))
TOTALS: dict[str, tuple[int, int, int, int]] = {}
"""(right, rows, right answers missed, wrong answers accepted) of a file."""

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    if not path.exists():
        pytest.skip(f"recorded cases are absent: {path} (set HARNESS_SHARED to their folder)")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if "mask" in row["record"]:
            row["record"]["mask"] = str((path.parent / row["record"]["mask"]).resolve())
    return rows


def judge(name: str, row: Row, text: str | None = None) -> Score:
    task = load_builtin(name)
    (sample,) = task.to_samples(row["record"])
    response = Response(row["response"] if text is None else text, row.get("finish_reason") or "stop")
    return task.score(sample, response, coords=row.get("coords"))


def tally(name: str) -> tuple[int, int, int, int]:
    """Judges a file once, and prints what differs."""
    if name not in TOTALS:
        right = missed = accepted = 0
        rows = rows_of(CASES / "reading" / f"{name}.jsonl")
        for row in rows:
            score, wanted = judge(name, row), row["right_value"]
            low, high = wanted if isinstance(wanted, list) else (wanted - 0.005, wanted + 0.005)
            if low - 1e-9 <= score.value <= high + 1e-9:
                right += 1
                continue
            missed += score.value < low
            accepted += score.value > high
            print(f"{row['id']}: {score.value} for {wanted} ({score.extracted!r}): {row['response'][:110]!r}")
        TOTALS[name] = right, len(rows), missed, accepted
    return TOTALS[name]


@pytest.mark.parametrize("name", NAMES or [pytest.param("none", marks=pytest.mark.skip(f"absent: {CASES}"))])
def test_cases_of_a_task(name: str) -> None:
    right, rows, missed, accepted = tally(name)
    print(f"{name}: {right} of {rows}, missed {missed}, wrongly accepted {accepted}")
    assert right / rows >= 0.95
    assert accepted <= 5


def test_cases_together() -> None:
    if not NAMES:
        pytest.skip(f"recorded cases are absent: {CASES}")
    right, rows, missed, accepted = map(sum, zip(*map(tally, NAMES), strict=True))
    print(f"right on {right} of {rows} = {right / rows:.4f}; missed {missed}, wrongly accepted {accepted}")
    assert right / rows >= 0.98
    assert accepted <= 5


def test_a_prompt_that_opened_thinking_leaves_no_answer() -> None:
    rows = rows_of(CASES / "reading" / "finish_reason.jsonl")
    assert rows
    for row in rows:
        opened = row.get("prompt_ends_with") or ""
        assert opened_thinking(f"<|im_start|>assistant\n{opened}") == opened
        score = judge(row["id"].split("-")[0], row, opened + row["response"])
        assert (score.status, score.value) == (Status.TRUNCATED, 0.0), row["id"]
        assert score.status == row["right_status"]


TEXT_DECIDES = {"validation_Public_Health_15"}
"""Rows whose letter and text name different options: "B. 1 to 1", where A is "1 to 1"."""
LETTER = re.compile(r"(?<![\w.])([A-J])\.\s")


def test_gpt_4o_on_mmmu_differs_only_where_the_recorded_extraction_took_another_letter() -> None:
    """The recorded one takes the last capital that may be a letter: "D. RB" is no D to it."""
    recorded = rows_of(CASES / "outputs" / "mmmu_gpt4o_direct.jsonl")
    rows = [row for row in recorded if row["verdict"] is not None]
    differing = []
    for row in rows:
        score = judge("mmmu", row)
        if score.value != float(row["verdict"]):
            differing.append(row["id"])
            if row["id"] not in TEXT_DECIDES:
                *_, letter = LETTER.findall(row["response"])
                assert score.value == float(letter == row["record"]["answer"]), row["id"]
    print(f"agreement {1 - len(differing) / len(rows):.4f} of {len(rows)}: {differing}")
    assert len(rows) >= 900
    assert len(differing) <= 0.035 * len(rows)
