"""`Task.score`, the one place where a score is computed: statuses, and what a scorer gets to see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scorers.read.locate import locate
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Answer, Score, ScorerError, Status, unparsed
from tasks import BUILTIN, load_builtin
from tasks.types import Response, RowError, Sample, column

SAMPLE = Sample("1", "Which?", "B")


def letter(answer: Answer, target: Any) -> Score:
    for candidate in locate(answer.response):
        if candidate.text in ("A", "B"):
            right = float(candidate.text == target)
            return Score(right, float(answer.official_text == target), Status.OK, candidate.text)
    return unparsed(0.5)


TASK = replace(load_builtin("mmstar"), scorer=letter)


@pytest.mark.parametrize(
    ("response", "value", "official", "status"),
    [
        (Response("B"), 1, 1, Status.OK),
        (Response("A"), 0, 0, Status.OK),
        (Response("<think>A</think>B"), 1, 1, Status.OK),
        (Response("B<answer>who knows</answer>"), 0, 0.5, Status.UNPARSED),
        (Response("?"), 0, 0.5, Status.UNPARSED),
        (Response(""), 0, 0.5, Status.UNPARSED),
        (Response("?", "length"), 0, 0.5, Status.TRUNCATED),
        (Response("B", "length"), 1, 1, Status.OK),
        (Response("<think>it is B", "length"), 0, 0, Status.TRUNCATED),
        (Response("<think>A</think><answer>B", "length"), 0, 0, Status.TRUNCATED),
        (Response("", "content_filter"), 0, 0, Status.FILTERED),
        (Response("B", "content_filter"), 0, 0, Status.FILTERED),
        (Response("", "error", error="HTTP 500"), 0, None, Status.FAILED),
    ],
)
def test_statuses(response: Response, value: float, official: float | None, status: Status) -> None:
    score = TASK.score(SAMPLE, response)
    assert (score.value, score.official, score.status) == (value, official, status)


def test_raw_judges_the_untouched_response_by_the_official_rule_alone() -> None:
    response = Response("<think>A</think>B")
    raw = TASK.score(SAMPLE, response, raw=True)
    assert (raw.value, raw.official) == (1, 0)


@pytest.mark.parametrize(
    "response",
    [
        Response("B <think>or A"),
        Response("<answer>B", "length"),
        Response("<answer>B</answer><answer>B", "length"),
    ],
)
def test_what_is_truncated_is_so_when_raw_too(response: Response) -> None:
    raw = TASK.score(SAMPLE, response, raw=True)
    assert (raw.value, raw.status, raw.extracted) == (0, Status.TRUNCATED, None)


def test_the_official_rule_judges_a_truncated_response_when_raw() -> None:
    def anywhere(answer: Answer, target: Any) -> Score:
        return Score(1.0, float("B" in answer.official_text))

    response = Response("<think>it is B", "length")
    task = replace(TASK, scorer=anywhere)
    assert (task.score(SAMPLE, response).official, task.score(SAMPLE, response, raw=True).official) == (0, 1)


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_open_thinking_is_no_answer_whatever_the_finish_reason(finish_reason: Any) -> None:
    assert TASK.score(SAMPLE, Response("<think>B", finish_reason)).status is Status.TRUNCATED


def test_an_open_answer_block_is_an_answer_where_the_model_stopped_by_itself() -> None:
    assert TASK.score(SAMPLE, Response("<answer>B")).value == 1


def test_thinking_is_known_by_the_delimiters_given() -> None:
    own = STANDARD + Delimiters.of({"thinking": [["<plan>", "</plan>"]]})
    open_plan = Response("<plan>A is wrong")
    assert TASK.score(SAMPLE, open_plan, delimiters=own).status is Status.TRUNCATED
    assert TASK.score(SAMPLE, Response("<plan>A</plan>B"), delimiters=own).value == 1


def test_a_scorer_that_cannot_decide_is_an_error_and_not_a_zero() -> None:
    def undecided(answer: Answer, target: Any) -> Score:
        raise ScorerError("out of time")

    score = replace(TASK, scorer=undecided).score(SAMPLE, Response("B"))
    assert (score.status, score.official, score.error) == (Status.ERROR, None, "out of time")


def test_a_scorer_sees_the_convention_and_the_size_shown() -> None:
    seen: list[Answer] = []

    def look(answer: Answer, target: Any) -> Score:
        seen.append(answer)
        return Score(1.0, None)

    task = replace(TASK, scorer=look)
    task.score(SAMPLE, Response("B", shown=((64, 48), (1, 1))), coords="abs")
    task.score(SAMPLE, Response("B"))
    assert [(answer.coords, answer.shown) for answer in seen] == [("abs", (64, 48)), (None, None)]


def test_a_truncated_response_has_no_official_verdict_where_the_task_has_none() -> None:
    score = replace(TASK, official=None).score(SAMPLE, Response("<think>", "length"))
    assert (score.status, score.official) == (Status.TRUNCATED, None)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(RowError, match=r"column 'answer' is missing \(the row has: id, question\)"):
        column({"id": 1, "question": "?"}, "answer")


@pytest.mark.parametrize("name", BUILTIN)
def test_every_task_has_one_headline_limits_and_an_instruction_or_prompt(name: str) -> None:
    task = load_builtin(name)
    assert task.name == name
    assert sum(metric.headline for metric in task.metrics) == 1
    assert set(task.limits) == {"direct", "think"}
    assert task.official is not None or task.headline.of != "official"
