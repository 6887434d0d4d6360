"""MathVision: our reading of responses, rows, recorded outputs, and the figures of the documentation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scorers.math.amount import read_amount
from scorers.math.text import standard
from scorers.read.locate import boxed
from scorers.rules.math import MathTarget, mathvision
from scorers.types import Answer, Score, Status
from tasks.mathvision import TASK
from tasks.prompts import ImagePart, render
from tasks.types import Response, RowError

FILES = {
    "Random-Chance": 218,
    "LLaVA-v1.5-7B": 259,
    "Qwen-VL-Max": 474,
    "ChatGPT3.5-CoT-Text-Image-Caption": 296,
}
DOC = Path(__file__).parents[1] / "docs" / "scoring" / "mathvision.md"
BARE = ("A", "B", "C", "D", "E")
ANGLES = ("$30^{\\circ}$", "$45^{\\circ}$", "$60^{\\circ}$", "$75^{\\circ}$", "$90^{\\circ}$")
ROOTS = ("$\\sqrt{2}$", "$\\frac{\\sqrt{3}}{2}$", "$2 \\sqrt{3}$", "$\\frac{1}{2}$", "$\\pi$")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "7",
        "question": "How many?\n<image1>",
        "options": [],
        "answer": "5",
        "solution": None,
        "level": 2,
        "subject": "counting",
        **changes,
    }


@pytest.mark.parametrize(
    ("response", "answer", "options", "value"),
    [
        # letters
        ("B", "B", BARE, 1),
        ("b", "B", BARE, 1),
        ("(B)", "B", BARE, 1),
        ("B.", "B", BARE, 1),
        ("The answer is B.", "B", BARE, 1),
        ("answer: b", "B", BARE, 1),
        ("<answer>B</answer>", "B", BARE, 1),
        ("<think>Maybe (C)</think>\nD", "D", BARE, 1),
        ("A\n\nExplanation: B is wrong", "A", BARE, 1),
        ("The correct answer is B. Because A is wrong", "B", BARE, 1),
        (r"So \boxed{B}", "B", BARE, 1),
        (r"$\boxed{\text{B}}$", "B", BARE, 1),
        (r"\boxed{\text{(B)}}", "B", BARE, 1),
        (r"\boxed{A, B}", "B", BARE, 0),
        ("Arc B", "B", BARE, 1),
        ("Figure C", "B", BARE, 0),
        # options with values
        ("C", "C", ANGLES, 1),
        ("60", "C", ANGLES, 1),
        ("60°", "C", ANGLES, 1),
        ("60 degrees", "C", ANGLES, 1),
        (r"\boxed{60^\circ}", "C", ANGLES, 1),
        (r"The angle is $60^\circ$, so \boxed{C}", "C", ANGLES, 1),
        (r"\boxed{61^\circ}", "C", ANGLES, 0),
        (r"The option (C) looks right but \boxed{45^\circ}", "C", ANGLES, 0),
        ("(C) $60^{\\circ}$", "C", ANGLES, 1),
        (r"\boxed{\sqrt{12}}", "C", ROOTS, 1),
        (r"\boxed{\frac{3}{2\sqrt{3}}}", "B", ROOTS, 1),
        (r"\boxed{0.5}", "D", ROOTS, 1),
        ("0.5", "D", ROOTS, 1),
        (r"\boxed{0.866}", "B", ROOTS, 1),
        (r"\boxed{0.87}", "B", ROOTS, 0),
        (r"\boxed{4\pi + \frac{1}{2}}", "D", ROOTS, 0),
        ("<image3>", "B", ("<image2>", "<image3>", "<image4>"), 1),
        (r"$\text{P}$", "D", ("$3$", "$4$", "$6$", r"$\text{P}$", r"$\text{Q}$"), 1),
        (r"\boxed{2, 3}", "D", ("1 and 2", "1 and 3", "3 and 4", "2 and 3", "1 and 4"), 1),
        (r"\boxed{\frac{5}{12}}", "C", ("1:3", "3:8", "5:12", "7:16", "4:9"), 1),
        (r"\boxed{V = 1.5 W}", "B", ("$V=2W$", r"$V=\frac{3}{2} W$", "$V=W$"), 1),
        # free-form
        ("5", "5", (), 1),
        ("5.0", "5", (), 1),
        ("The answer is 5.", "5", (), 1),
        ("There are 5 houses.", "5", (), 1),
        ("Therefore, the number of houses is 5.", "5", (), 1),
        ("3 + 2 = 5", "5", (), 1),
        (r"We get $x = 2 + 3 = 5$ cm.", "5", (), 1),
        (r"\boxed{5 \text{ cm}}", "5", (), 1),
        (r"\[ \boxed{5} \]", "5", (), 1),
        ("**5**", "5", (), 1),
        ("five", "5", (), 1),
        ("There are 5 little cubes left (8 - 3 = 5).", "5", (), 1),
        (r"**Answer:** \( 12\sqrt{3} \)", r"12\sqrt{3}", (), 1),
        (r"\boxed{60°\ (\text{option C})}", "C", ANGLES, 1),
        (r"\boxed{\textbf{(C)}}", "C", ANGLES, 1),
        ("80 dollars per month", "80", (), 1),
        (r"\boxed{\$ 80}", "80", (), 1),
        ("The area is $2\\sqrt{3}$ square units.", r"2\sqrt{3}", (), 1),
        ("The answer is 2√3.", r"2\sqrt{3}", (), 1),
        ("So the ratio is 1:2.", "1:2", (), 1),
        ("The point is (3, -4).", "(3,-4)", (), 1),
        (r"\boxed{69^\circ}", "69{degrees}", (), 1),
        (r"\boxed{8\sqrt{3}}", r"8\sqrt{3}{squareinches}", (), 1),
        ("4", "5", (), 0),
        ("", "5", (), None),
        ("I cannot determine the answer.", "5", (), None),
        ("0 = 5. This is a contradiction, so there must be an error in the problem.", "5", (), None),
        ("Giraffe", "5", (), None),
        # a letter as gold of a question whose options are in the picture
        ("C", "C", (), 1),
        ("The answer is (C).", "C", (), 1),
        ("D", "C", (), 0),
    ],
)
def test_value(response: str, answer: str, options: tuple[str, ...], value: float | None) -> None:
    score = mathvision(Answer(response), MathTarget("How many houses are there?", answer, options))
    if value is None:
        assert (score.value, score.status) == (0.0, Status.UNPARSED)
    else:
        assert (score.value, score.status) == (value, Status.OK)


@pytest.mark.parametrize(
    ("response", "expression"),
    [
        ("The total is 12 cm because 3 times 4 is 12.", "12 cm"),
        ("So the area equals 12.5 square cm.", "12.5 square cm"),
        (r"Hence $\angle B = 60^\circ$.", r"$\angle B = 60^\circ$"),
        (r"Thus x \approx 3.14", r"x \approx 3.14"),
        (r"The probability is \frac{3}{4}, i.e. 75%.", "75%"),
        ("It is 1,200 in total", "1,200 in total"),
        ("The first is 3 and of the 8 others one is 5.", "5"),
        ("No idea.", None),
        (r"\boxed{}", None),
    ],
)
def test_expression_of_a_sentence(response: str, expression: str | None) -> None:
    assert mathvision(Answer(response), MathTarget("What is it?", "7")).extracted == expression


def test_truncated_and_failed_responses() -> None:
    [sample] = TASK.to_samples(row())
    assert TASK.score(sample, Response("<think>so", "length")).status is Status.TRUNCATED
    assert TASK.score(sample, Response("", error="timeout")).status is Status.FAILED


@pytest.mark.parametrize(
    "text",
    [
        "A,,, B,,, and or & " * 200 + "X",
        "A=" * 500,
        "$x$ is " * 500,
        "\\boxed{" * 50_000,
        "5" * 10**6,
        "is " * 300_000,
        "\ud800\x00\u202e",
        "$" * 10**5,
    ],
)
@pytest.mark.parametrize("options", [(), ANGLES])
@pytest.mark.timeout(20)
def test_garbage_ends_in_time(text: str, options: tuple[str, ...]) -> None:
    assert mathvision(Answer(text), MathTarget("?", "C" if options else "7", options)).value == 0.0


def test_rows_become_samples() -> None:
    [sample] = TASK.to_samples(row(options=list(ANGLES), answer="C"))
    assert sample.target == MathTarget("How many?\n<image1>", "C", ANGLES)
    assert sample.groups == {"level": "2", "subject": "counting"}
    assert sample.choices == ANGLES
    assert sample.images == ()


@pytest.mark.parametrize("options", [list(BARE), [f"<image{n}>" for n in range(2, 7)]])
def test_options_in_the_picture_are_not_listed(options: list[str]) -> None:
    [sample] = TASK.to_samples(row(options=options, answer="C"))
    assert sample.choices == ()
    assert sample.target.options == tuple(options)
    assert "letter" in sample.instruction


def test_a_marker_without_its_image_is_dropped() -> None:
    question = "Given <image1>, which is <image2>?"
    [sample] = TASK.to_samples(row(question=question, decoded_image=b"\x89PNG"))
    parts = render(TASK, sample)
    assert parts.count(ImagePart(0)) == 1
    assert "<image" not in "".join(part for part in parts if isinstance(part, str))


def test_damaged_golds_are_mended_for_our_rule_only() -> None:
    [sample] = TASK.to_samples(row(id="2830", answer="\x0crac{36}{13}"))
    score = TASK.score(sample, Response(r"\boxed{\frac{36}{13}}"))
    assert (score.value, score.official) == (1.0, 0.0)
    [sample] = TASK.to_samples(row(id="2957", answer="13"))
    score = TASK.score(sample, Response("$x^2 + y^2 = 13$"))
    assert (score.value, score.official) == (1.0, 1.0)
    assert TASK.score(sample, Response("$(x-2)^2 + y^2 = 13$")).value == 0.0
    [sample] = TASK.to_samples(row(id="2957", answer="4"))
    assert sample.target.corrected is None


@pytest.mark.parametrize(
    "changes", [{"options": list(ANGLES), "answer": "F"}, {"answer": " "}, {"options": ["x"], "answer": "5"}]
)
def test_malformed_rows(changes: dict[str, Any]) -> None:
    with pytest.raises(RowError):
        list(TASK.to_samples(row(**changes)))


@pytest.mark.parametrize("missing", ["id", "question", "options", "answer", "level", "subject"])
def test_missing_columns(missing: str) -> None:
    with pytest.raises(RowError, match=missing):
        list(TASK.to_samples({key: value for key, value in row().items() if key != missing}))


# --- Recorded outputs -----------------------------------------------------------------------------------------

Judged = tuple[dict[str, Any], Score]


@pytest.fixture(scope="module")
def judged(golden: Callable[[str], list[dict[str, Any]]]) -> dict[str, list[Judged]]:
    """Each file's rows with our score of the raw response."""

    @cache
    def score(name: str) -> list[Judged]:
        scored = []
        for line in golden(f"mathvision/{name}"):
            [sample] = TASK.to_samples(line["record"])
            scored.append((line, TASK.score(sample, Response(line["response"]), raw=True)))
        return scored

    return {name: score(name) for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_official_equals_the_recorded_verdict(name: str, judged: dict[str, list[Judged]]) -> None:
    assert [line["id"] for line, score in judged[name] if score.official != line["expected"]] == []
    assert sum(score.official or 0 for _, score in judged[name]) == FILES[name]


def test_no_recorded_output_is_an_error(judged: dict[str, list[Judged]]) -> None:
    assert not [line["id"] for rows in judged.values() for line, score in rows if score.status is Status.ERROR]


def cause(line: dict[str, Any], score: Score) -> str:
    """The class of a disagreement, by what the response looks like."""
    record, response = line["record"], line["response"].strip()
    answer, options = record["answer"], record["options"]
    gold = options[ord(answer) - ord("A")] if options else answer
    if score.value:
        if not boxed(response) and "boxed" in response:
            return "no option named, read as one"
        if re.match(r"\([A-E]\) ", response):
            return "letter with its option's text"
        if response == gold:
            return "the option's own text"
        amounts = read_amount(standard(gold)), read_amount(standard(boxed(response) or response))
        has_unit = any(amount is not None and amount[1] for amount in amounts)
        return "number with or without its unit" if has_unit else "another notation"
    if options and response in options:
        ambiguous = len(response) == 1
        return "option text that is a letter" if ambiguous else "another option, equal at two decimals"
    return "another value, equal at two decimals" if "=" not in (score.extracted or "") else "cut after ="


def test_the_documentation_counts_every_disagreement(judged: dict[str, list[Judged]]) -> None:
    found = {
        name: Counter(cause(*pair) for pair in rows if pair[1].value != pair[1].official)
        for name, rows in judged.items()
    }
    classes = sorted({kind for counts in found.values() for kind in counts})
    told = {}
    for cells in re.findall(
        r"^\| (.+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", DOC.read_text(encoding="utf-8"), re.M
    ):
        told[cells[0].strip("* ")] = tuple(map(int, cells[1:]))
    assert {kind: told.get(kind) for kind in classes} == {
        kind: tuple(found[name][kind] for name in FILES) for kind in classes
    }
    assert set(told) - set(classes) == {"all"}
    assert told["all"] == tuple(sum(found[name].values()) for name in FILES)


def test_loopholes_are_listed_by_id(judged: dict[str, list[Judged]]) -> None:
    """Rows that only the script counts as right: each id stands in the documentation."""
    text = DOC.read_text(encoding="utf-8")
    ids = [
        line["id"] for rows in judged.values() for line, score in rows if score.value < (score.official or 0)
    ]
    assert ids
    assert [identity for identity in ids if not re.search(rf"\b{identity}\b", text)] == []


def test_final_answer_is_what_is_judged() -> None:
    text = r"<think>\boxed{3}</think> \boxed{5}"
    score = mathvision(Answer(text), MathTarget("?", "5"))
    assert (score.value, score.official, score.extracted, score.channel) == (1.0, 1.0, "5", "box")
