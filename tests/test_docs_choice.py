"""The figures and examples of docs/scoring/choice.md are recomputed, so that they cannot go stale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scorers.official.mmmu import official_choice, official_open
from scorers.rules.choice import ChoiceTarget, mmstar
from scorers.rules.mmmu import MmmuTarget, mmmu
from scorers.types import Answer, Score
from tasks import load_builtin
from tasks.types import Response, Sample

DOC = Path(__file__).parents[1] / "docs" / "scoring" / "choice.md"
FILES = {"mmmu": "mmmu/llava1.5_13b", "mmstar": "mmstar/llava_next_yi_34b"}
COLOURS = ("red", "blue", "green", "grey")
Golden = Callable[[str], list[dict[str, Any]]]


def table(*header: str) -> list[list[str]]:
    """The rows of the document's table whose header begins with these cells."""
    lines = DOC.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {' | '.join(header)} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def verdicts(name: str, golden: Golden) -> list[tuple[Sample, str, Score]]:
    task = load_builtin(name)
    found = []
    for row in golden(FILES[name]):
        (sample,) = task.to_samples(row["record"])
        score = task.score(sample, Response(row["response"]), raw=True)
        assert score.official == row["expected"]
        found.append((sample, row["response"], score))
    return found


def part(score: Score) -> bool:
    assert score.official is not None
    return abs(score.value - score.official) >= 0.5


def kind(sample: Sample, response: str) -> str:
    """The class of a disagreement, by what the response looks like."""
    options, answer = sample.target.options, sample.target.answer
    if not options:
        beside = any(f" {gold.lower()}" in response.lower() for gold in sample.target.golds)
        return "open question, a word beside the gold" if beside else f"unknown: {response!r}"
    if len(re.findall(r"^\([A-D]\)", response, re.MULTILINE)) == len(options):
        return "options repeated"
    if re.match(r"[A-J]\) ", response) and official_choice(response, options) is None:
        return "letter with one bracket"
    if response in "ABCDEFGHIJ" and options["ABCDEFGHIJ".index(response)] == options[answer]:
        return "right text under another letter"
    return f"unknown: {response!r}"


@pytest.mark.parametrize("name", FILES)
def test_totals(name: str, golden: Golden) -> None:
    found = verdicts(name, golden)
    figures = [
        len(found),
        sum(score.official or 0.0 for _, _, score in found),
        sum(score.value for _, _, score in found),
        sum(part(score) for _, _, score in found),
    ]
    (row,) = [row for row in table("set") if row[0] == name]
    assert [float(cell) for cell in row[1:]] == figures


def test_classes(golden: Golden) -> None:
    documented = {row[0]: row[1:] for row in table("class")}
    for place, name in enumerate(FILES):
        parted = [found for found in verdicts(name, golden) if part(found[2])]
        counts = Counter(kind(sample, response) for sample, response, _ in parted)
        assert dict(counts) == {key: int(row[place]) for key, row in documented.items() if row[place] != "0"}
        for sample, response, score in parted:
            assert documented[kind(sample, response)][2] == f"{score.value:.0f}, {score.official:.0f}"


def test_every_class_has_a_paragraph() -> None:
    text = DOC.read_text(encoding="utf-8")
    for row in table("class"):
        assert f"**{row[0].capitalize()}.**" in text


def test_open_questions_part_where_the_page_says(golden: Golden) -> None:
    found = [one for one in verdicts("mmmu", golden) if not one[0].target.options]
    assert f"the {len(found)} open questions' only difference" in DOC.read_text(encoding="utf-8")
    for sample, response, score in found:
        assert score.official == float(official_open(response, sample.target.golds))
    assert [sample.id for sample, _, score in found if part(score)] == ["validation_Pharmacy_19"]


@pytest.mark.parametrize("row", table("response"), ids=lambda row: row[0])
def test_examples(row: list[str]) -> None:
    response = Answer(row[0].strip("`"))
    choices = mmmu(response, MmmuTarget(COLOURS, 1)), mmstar(response, ChoiceTarget(COLOURS, 1))
    assert choices[0].value == choices[1].value == float(row[1])
    assert [score.official for score in choices] == [float(cell) for cell in row[2:]]
