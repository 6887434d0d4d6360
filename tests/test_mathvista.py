"""MathVista: the task, the score, agreement with recorded verdicts, and the documentation's figures."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scorers.rules.mathvista import MathVistaTarget, mathvista
from scorers.types import Answer, Score, Status
from tasks.mathvista import TASK, instruction
from tasks.types import Response, RowError, Sample

Golden = Callable[[str], list[dict[str, Any]]]
MODELS = ("bard", "gpt4", "claude", "llava")
DOC = Path(__file__).parents[1] / "docs" / "scoring" / "mathvista.md"

ROW: dict[str, Any] = {
    "pid": "7",
    "question": "How many bars are there?",
    "decoded_image": None,
    "image": None,
    "choices": None,
    "unit": None,
    "precision": None,
    "answer": "3",
    "question_type": "free_form",
    "answer_type": "integer",
    "metadata": {
        "task": "figure question answering",
        "skills": ["statistical reasoning", "arithmetic reasoning"],
        "context": "bar chart",
        "grade": "daily life",
        "category": "general-vqa",
        "language": "english",
        "source": "DVQA",
    },
    "query": "unused",
}


def sample_of(**changes: Any) -> Sample:
    (sample,) = TASK.to_samples({**ROW, **changes})
    return sample


def scored(response: str, **changes: Any) -> Score:
    return TASK.score(sample_of(**changes), Response(response))


CHOICE: dict[str, Any] = {
    "choices": ["red", "green", "blue"],
    "answer": "green",
    "answer_type": "text",
    "question_type": "multi_choice",
    "question": "Which bar is the highest?",
}
POLAR = {**CHOICE, "choices": ["yes", "no"], "answer": "no", "question": "Is Crimson less than Gray?"}
FLOAT: dict[str, Any] = {
    "answer": "1.2",
    "answer_type": "float",
    "precision": 1.0,
    "question": "How long is it?",
}
LIST: dict[str, Any] = {"answer": "[2014, 2016]", "answer_type": "list", "question": "Between which years?"}

SCORES = [
    (ROW, "3", 1, 1),
    (ROW, "3.0", 1, 1),
    (ROW, "3.9", 0, 1),  # the official rule truncates
    (ROW, "There are 3 bars.", 1, 0),
    (ROW, "three", 1, 0),
    (ROW, "There are three bars, each above 5.", 1, 0),
    (ROW, "4", 0, 0),
    (ROW, "<think>maybe 4</think><answer>3</answer>", 1, 1),
    (ROW, "<think>3</think>\n4", 0, 0),
    (CHOICE, "B", 1, 1),
    (CHOICE, "(B) green", 1, 1),
    (CHOICE, "green", 1, 1),
    (CHOICE, "The green bar is the highest.", 1, 1),
    (POLAR, "Based on the image, Crimson is not less than Gray.", 1, 0),  # as near to yes: the first
    ({**POLAR, "answer": "yes"}, "Based on the image, Crimson is not less than Gray.", 0, 1),
    (CHOICE, "The correct answer is B. Because A is wrong", 1, 1),
    (CHOICE, "<think>Maybe (C)</think>\nB", 1, 1),
    (CHOICE, "(C)", 0, 0),
    (CHOICE, "gren", 0, 1),  # the nearest option is a lottery
    (FLOAT, "1.2", 1, 1),
    (FLOAT, "1.23 cm", 1, 0),
    (FLOAT, "1.26", 0, 0),
    (FLOAT, "The length is about 1.2 m.", 1, 0),
    ({**FLOAT, "answer": "0.47", "precision": 2.0}, "47%", 1, 0),
    (LIST, "[2014, 2016]", 1, 1),
    (LIST, "[2014,2016]", 1, 0),  # texts differ, numbers do not
    (LIST, "Between 2014 and 2016.", 1, 0),
    (LIST, "[2016, 2014]", 0, 0),
    ({**ROW, "answer": "18", "question": "How many million?"}, "18 million", 1, 0),
    ({**ROW, "answer": "1200"}, "1,200", 1, 0),
]


@pytest.mark.parametrize(("row", "response", "value", "official"), SCORES)
def test_scores(row: dict[str, Any], response: str, value: int, official: int) -> None:
    score = scored(response, **row)
    assert (score.value, score.official, score.status) == (
        value,
        official,
        Status.OK if value else score.status,
    )


@pytest.mark.parametrize(
    ("row", "response"),
    [
        (ROW, ""),
        (ROW, "1, 2, 3, 4, 5, 6"),
        (ROW, "1\n2\n3\n4"),
        (ROW, "It is 2 or 3."),
        (ROW, "I cannot see the 3 bars, sorry."),
        (CHOICE, ""),
        (CHOICE, "red, green, blue"),
        (CHOICE, "(A) (B) (C)"),
        (CHOICE, "It is either red or green."),
        (CHOICE, "I cannot determine which bar is the highest."),
        (FLOAT, ""),
        (FLOAT, "between 1.2 and 1.4"),
        (LIST, ""),
        (LIST, "2014"),
    ],
)
def test_nothing_listing_everything_and_refusing_do_not_score(row: dict[str, Any], response: str) -> None:
    score = scored(response, **row)
    assert score.value == 0
    assert score.status is Status.UNPARSED


def test_the_status_of_a_response_cut_short() -> None:
    sample = sample_of()
    assert TASK.score(sample, Response("<think>so", finish_reason="length")).status is Status.TRUNCATED
    assert TASK.score(sample, Response("", error="timeout")).status is Status.FAILED


def test_raw_judges_the_untouched_response_officially() -> None:
    target = sample_of().target
    response = "<answer>3</answer>"
    assert mathvista(Answer(response), target).official == 1
    assert mathvista(Answer(response, raw=True), target).official == 0


def test_a_row_becomes_a_sample() -> None:
    sample = sample_of(unit="g")
    assert (sample.id, sample.question) == ("7", "How many bars are there? (Unit: g)")
    assert sample.images == ()
    assert sample.groups["task"] == "FQA"
    assert sample.groups["skill"] == ("statistical reasoning", "arithmetic reasoning")
    assert sample.groups["source"] == "DVQA"
    assert sample.target == MathVistaTarget("How many bars are there?", "3", (), "integer", None)
    assert sample_of(**CHOICE).choices == ("red", "green", "blue")


def test_the_target_survives_json() -> None:
    target = sample_of(**CHOICE).target
    stored = json.loads(json.dumps(asdict(target)))
    assert MathVistaTarget(**{**stored, "choices": tuple(stored["choices"])}) == target


def test_the_image_is_the_decoded_one_else_the_path(tmp_path: Path) -> None:
    (decoded,) = sample_of(decoded_image=b"png", image="elsewhere.png").images
    assert decoded.data == b"png"
    (path,) = sample_of(image=str(tmp_path / "a.png")).images
    assert path.path == tmp_path / "a.png"


def test_instructions_follow_the_answer_type() -> None:
    assert "letter" in instruction(("a", "b"), "text", None)
    assert "integer" in instruction((), "integer", None)
    assert "one decimal place" in instruction((), "float", 1)
    assert "two decimal places" in instruction((), "float", 2)
    assert "3 decimal places" in instruction((), "float", 3)
    assert "list" in instruction((), "list", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": "yellow", "choices": ["red"]}, "none of the choices"),
        ({"answer_type": "colour"}, "answer_type"),
        ({"answer": "many"}, "no integer"),
        ({"answer": "1.2", "answer_type": "float", "precision": None}, "precision"),
        ({"answer": "1.2", "answer_type": "float", "precision": float("nan")}, "precision"),
        ({"metadata": None}, "metadata"),
    ],
)
def test_malformed_rows_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        sample_of(**changes)


@pytest.mark.parametrize(
    "column", ["pid", "question", "answer", "answer_type", "choices", "precision", "metadata"]
)
def test_a_missing_column_is_named(column: str) -> None:
    row = {key: value for key, value in ROW.items() if key != column}
    with pytest.raises(RowError, match=column):
        list(TASK.to_samples(row))


def test_only_the_columns_that_are_read_are_needed() -> None:
    unused = {"query", "image", "decoded_image", "unit"}
    assert list(TASK.to_samples({key: value for key, value in ROW.items() if key not in unused}))


def judged(golden: Golden, model: str) -> list[tuple[dict[str, Any], Score]]:
    rows = golden(f"mathvista/{model}")
    return [
        (row, TASK.score(next(iter(TASK.to_samples(row["record"]))), Response(row["response"]))) for row in rows
    ]


def differing(golden: Golden, model: str) -> tuple[set[str], int]:
    """Ids whose verdict is not the recorded one, and how many rows were compared."""
    compared = [(row, score) for row, score in judged(golden, model) if not row["nearest"]]
    return {row["id"] for row, score in compared if (score.value >= 0.5) != bool(row["expected"])}, len(
        compared
    )


def test_agreement_with_the_recorded_verdicts(golden: Golden) -> None:
    wrong, rows = 0, 0
    for model in MODELS:
        ids, compared = differing(golden, model)
        wrong, rows = wrong + len(ids), rows + compared
        print(f"mathvista/{model}: {1 - len(ids) / compared:.4f} of {compared}, differing: {sorted(ids)}")
    assert 1 - wrong / rows >= 0.98


def listed_rows(text: str) -> set[tuple[str, str]]:
    """(model, id) of the rows that the documentation lists, each class's count checked."""
    found: set[tuple[str, str]] = set()
    for count, rows in re.findall(r"^\*\*(\d+) rows?\*\*: ([^.]+)\.", text, re.MULTILINE):
        named = {
            (part.split()[0], number)
            for part in rows.split(";")
            for number in re.findall(r"(?<![a-z])\d+", part.split(maxsplit=1)[1])
        }
        assert len(named) == int(count), rows
        assert not named & found, f"listed twice: {named & found}"
        found |= named
    return found


def test_the_documentation_lists_every_difference(golden: Golden) -> None:
    text = DOC.read_text(encoding="utf-8")
    actual: set[tuple[str, str]] = set()
    total = 0
    for model in MODELS:
        ids, compared = differing(golden, model)
        actual |= {(model, row) for row in ids}
        total += compared
        assert f"| {model} | {compared} | {len(ids)} | {100 * (1 - len(ids) / compared):.2f} % |" in text
    assert f"| together | {total} | {len(actual)} | {100 * (1 - len(actual) / total):.2f} % |" in text
    assert listed_rows(text) == actual


def test_the_documentation_counts_where_the_rules_part(golden: Golden) -> None:
    counts: Counter[str] = Counter()
    for model in MODELS:
        for row, score in judged(golden, model):
            if score.value == score.official:
                continue
            kind = "multiple choice" if row["record"]["choices"] else "free form"
            read = "" if score.value else ", an option was read"
            read = ", nothing was read" if score.status is Status.UNPARSED else read
            counts[f"{kind}, `official` {score.official:.0f}, `value` {score.value:.0f}{read}"] += 1
    text = DOC.read_text(encoding="utf-8")
    assert {f"| {name} | {count} |" for name, count in counts.items()} == set(
        re.findall(r"^\| (?:free form|multiple choice),.*\|$", text, re.MULTILINE)
    )


def test_an_empty_response_scores_officially_by_the_nearest_option(golden: Golden) -> None:
    scores = [
        TASK.score(next(iter(TASK.to_samples(row["record"]))), Response("")) for row in golden("mathvista/bard")
    ]
    assert sum(score.official or 0 for score in scores) == 168
    assert sum(score.value for score in scores) == 0


FLOATS = [
    # (response, gold, decimals, ours, official)
    ("2.675", "2.68", 2, 1, 0),
    ("2.674", "2.68", 2, 0, 0),
    ("2.685", "2.68", 2, 1, 0),
    ("2.686", "2.68", 2, 0, 0),
    ("-2.68", "2.68", 2, 0, 0),
    ("0.05", "0", 1, 1, 0),
    ("0.06", "0", 1, 0, 0),
    ("0.14", "0.1", 1, 1, 1),
    ("0.16", "0.1", 1, 0, 0),
    ("0.05", "0.1", 1, 1, 1),
    ("0.04", "0.1", 1, 0, 0),
    ("0.01", "0.02", 1, 1, 0),
    ("47%", "0.47", 2, 1, 0),
    ("47%", "47", 2, 1, 0),
    ("1.8 million", "1.8", 1, 1, 0),
    ("1.8 million", "1800000", 1, 1, 0),
    ("1800000", "1.8", 1, 0, 0),
]
INTEGERS = [
    ("3.0", "3", None, 1, 1),
    ("3.7", "3", None, 0, 1),
    ("18 million", "18", None, 1, 0),
    ("three", "3", None, 1, 0),
    ("3 cm", "3", None, 1, 0),
    ("47%", "0.47", None, 0, 0),
    ("3", "x", None, 0, 0),
]
LISTS = [
    ("1 and 2", "[1, 2]", None, 1, 0),
    ("[2, 1]", "[1, 2]", None, 0, 0),
    ("[1, 2] and [1, 2]", "[1, 2]", None, 1, 0),
    ("[1, 2] and [3, 4]", "[1, 2]", None, 0, 0),
    ("from 1 to 2", "[1, 2]", None, 1, 0),
    ("The years are 1, 2.", "[1, 2]", None, 1, 0),
    ("(1; 2)", "[1, 2]", None, 1, 0),
    ("{1 2}", "[1, 2]", None, 1, 0),
    ("['1', '2']", "[1, 2]", None, 1, 0),
    ("not [3, 4] but [1, 2]", "[1, 2]", None, 1, 0),
    ("1", "[1, 2]", None, 0, 0),
    (str(list(range(100))), str(list(range(100))), None, 1, 1),
    (str(list(range(101))), str(list(range(101))), None, 0, 1),
]
TEXTS = [("It is red.", "red", None, 1, 0), ("red", "red", None, 1, 1), ("blue", "red", None, 0, 0)]


@pytest.mark.parametrize(
    ("kind", "response", "gold", "precision", "value", "official"),
    [
        (kind, *case)
        for kind, cases in (("float", FLOATS), ("integer", INTEGERS), ("list", LISTS), ("text", TEXTS))
        for case in cases
    ],
)
def test_answers_of_each_type(
    kind: str, response: str, gold: str, precision: float | None, value: int, official: int
) -> None:
    score = mathvista(Answer(response), MathVistaTarget("What is it?", gold, (), kind, precision))
    assert (score.value, score.official) == (value, official)


@pytest.mark.parametrize(
    ("kind", "response", "extracted", "channel"),
    [
        ("float", "The answer is 1.8 million", "1.8 million", "announced"),
        ("integer", "three", "three", "whole"),
        ("list", "1 and 2", "[1.0, 2.0]", "whole"),
        ("text", "The answer is red.", "red", "announced"),
        ("text", "", None, None),
        ("integer", "x", None, None),
        ("list", "x", None, None),
    ],
)
def test_what_is_shown_of_each_type(
    kind: str, response: str, extracted: str | None, channel: str | None
) -> None:
    score = mathvista(
        Answer(response), MathVistaTarget("What is it?", "[0, 1]" if kind == "list" else "0", (), kind)
    )
    assert (score.extracted, score.channel) == (extracted, channel)
    assert score.status is (Status.UNPARSED if extracted is None else Status.OK)


def test_golds() -> None:
    assert MathVistaTarget("?", "y", ("x", "y")).gold() == "B"
    assert MathVistaTarget("?", "5").gold() == "5"
    score = mathvista(Answer("B"), MathVistaTarget("?", "y", ("x", "y")))
    assert (score.value, score.extracted) == (1, "y")
