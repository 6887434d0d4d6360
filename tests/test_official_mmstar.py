"""MMStar's own rule against hand-derived cases, one for each branch, and against recorded verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scorers.official.mmstar import official_mmstar
from scorers.rules.choice import ChoiceTarget, mmstar
from scorers.types import Answer, Status
from tasks.mmstar import TASK
from tasks.types import Response

# fmt: off
RIGHT = (
    # 1. the first character, whatever follows
    "B", "b", "B.", "B: blue", "B) blue", "B\n\nBecause", "  B", "\nB", "b, I think", "Because the sky is blue",
    "Both A and C", "BD", "B or C",
    # 2. "(" and the letter
    "(B)", "(b) blue", "(B", "(blue or red)", "(Because",
    # 3. "option " and the letter
    "Option B", "option b.", "OPTION B is right", "Option blue", "\toption B",
    # 4. "the answer is " and the letter
    "The answer is B", "the answer is b.", "THE ANSWER IS B", "The answer is blue", "The\nanswer is B",
    "The answer is\nB",
)
WRONG = (
    "", " ", "A", "D: blue", "(A) or (B)", "( B)", "[B]", '"B"', "**B**", "\\boxed{B}", "<answer>B</answer>",
    "Option  B", "option (B)", "options B", "The answer is: B", "The answer is (B)", "The answer is  B",
    "The correct answer is B", "Answer: B", "I think B", "So the answer is B", "Option", "The answer is ",
    "Ｂ", "（B）", "A B",
)
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [(t, True) for t in RIGHT] + [(t, False) for t in WRONG])
def test_beginnings(text: str, expected: bool) -> None:
    assert official_mmstar(text, "B") is expected


def test_the_letter_may_be_written_small_and_padded() -> None:
    assert official_mmstar("B", " b\n")
    assert not official_mmstar("", "")


def test_both_verdicts_come_from_one_call() -> None:
    target = ChoiceTarget(("red", "blue", "green", ""), 1)
    score = mmstar(Answer("Because it is green"), target)
    assert (score.value, score.official, score.extracted) == (0.0, 1.0, "C")
    score = mmstar(Answer("The correct answer is B."), target)
    assert (score.value, score.official, score.extracted) == (1.0, 0.0, "B")
    score = mmstar(Answer("<think>A</think>B"), target)
    assert (score.value, score.official) == (1.0, 1.0)
    score = mmstar(Answer("<think>A</think>B", raw=True), target)
    assert (score.value, score.official) == (1.0, 0.0)
    assert mmstar(Answer("I cannot see it."), target).status is Status.UNPARSED


def test_recorded_verdicts(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = golden("mmstar/llava_next_yi_34b")
    wrong, total = [], 0.0
    for row in rows:
        (sample,) = TASK.to_samples(row["record"])
        official = TASK.score(sample, Response(row["response"]), raw=True).official
        total += official or 0.0
        if official != row["expected"]:
            wrong.append(row["id"])
    assert not wrong
    assert (total, len(rows)) == (377.0, 750)
