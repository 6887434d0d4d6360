"""What recorded rollouts earn here and by the released code's rules: each difference has its cause in the docs.

The released rules (`tests/released_rewards.py`) can be changed into ours one departure at a time. With all made
they must pay what we pay: what is left over is unexplained. A departure counts for a response where the rest
without it pay something else.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from harness.models import tiny_path
from harness.registry import Registry
from harness.run.media import ImageStore
from scorers.types import Answer, Score, ScorerError
from tasks.types import Response, Task
from training.data.dataset import DrawnProblems
from training.data.file_problems import FileProblems, load_file
from training.data.prompt_stream import StreamPrompt
from training.data.row_format import RowFormat
from training.rewards import RewardRule, reward

pytest.importorskip("torch")
from training.rollout import (
    Asking,
    PolicyBackend,
    Rollout,
    requests_of,
    sample_responses,
)
from training.rollout_log import write_rollouts

DOCS = Path(__file__).parents[1] / "docs" / "training.md"
DRAWN = (
    ("mmbench", "multiple choice"),
    ("ai2d", "multiple choice"),
    ("mathvista", "numerical"),
    ("mathvista", "math"),
    ("chartqa", "regression"),
    ("ocrbench", "ocr"),
    ("docvqa", "open-ended"),
    ("refcoco", "spatial grounding"),
)
"""Task whose drawings the tiny model knows → the problem type that they are asked as."""


def said(answer: str) -> str:
    return f"<think>Let me look.</think><answer>{answer}</answer>"


WRITTEN: dict[tuple[str, str], tuple[str, ...]] = {
    ("multiple choice", "B"): (
        said("B"),
        said("b"),
        said("B. dog"),
        said("dog"),
        said("A"),
        said(""),
        said("I think the answer is B."),
        "B",
        "The answer is B.",
        "<thinking>Look.</thinking><answer>B</answer>",
        "<think>Look.</think><answer>A</answer><answer>B</answer>",
        "<think>A? <answer>A</answer></think><answer>B</answer>",
        "<THINK>Look.</THINK><ANSWER>B</ANSWER>",
        "<think>It is B, or",
        "",
    ),
    ("multiple choice", "dog"): (said("B"), said("dog"), said("A")),
    ("numerical", "47"): (said("47"), said("47%"), said("$47"), said("47 cm"), said("48"), "47", said("many")),
    ("regression", "10"): (said("10"), said("5"), said("8"), said("8.3"), said("about 9 metres"), said("many")),
    ("ocr", "Go Home Now"): (
        said("Go Home Now"),
        said("go home now"),
        said("Go Home"),
        said("**Go Home Now**"),
        "Go Home Now",
        "<think>I see Go Home Now",
        "The text is Go Home Now",
    ),
    ("ocr", "60 km / h"): (said("60 km / h"), said("60 km/h")),
    ("ocr", "出口在左"): (said("出口在左"), said("出口在右")),
    ("open-ended", "a red bus stops at the sign"): (
        said("a red bus stops at the sign"),
        said("red buses stopped at a sign"),
        said("a dog"),
        "a red bus",
        said("I cannot determine what stands at the sign."),
    ),
    ("math", r"\sqrt{3}"): (said(r"\sqrt{3}"), said(r"$\sqrt{3}$"), said(r"\sqrt{5}"), r"\sqrt{3}", said("2")),
    ("math", "2x"): (said("2x"), said("$2x$"), said("2y")),
    ("math", "0.5"): (said("0.5"), said("1/2"), said(r"$\frac{1}{2}$"), said("0.6"), "The answer is 0.5"),
    ("spatial grounding", '{"boxes": [100, 100, 500, 500]}'): (
        said('{"boxes": [100, 100, 500, 500]}'),
        said('{"boxes": [100, 100, 500, 300]}'),
        said('{"bbox_2d": [100, 100, 500, 500]}'),
        said("[100, 100, 500, 500]"),
        said('{"boxes": [500, 500, 100, 100]}'),
        said("on the left"),
        '{"boxes": [100, 100, 500, 500]}',
    ),
}
"""Problem type and gold answer → what models write."""


class Recorded(NamedTuple):
    """A response as the rollout log has it, and the row that it answers."""

    line: dict[str, Any]
    asked: Any
    drawn: bool
    """The tiny model's own."""


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of OneThinker's format: drawings, and one for each gold answer of `WRITTEN`."""
    for number, (name, kind) in enumerate(DRAWN):
        for index in range(3):
            sample = DrawnProblems(Registry().get(name), number).sample(index)
            sample.images[0].picture().save(folder / f"{number}-{index}.png")
            gold = str(sample.target.gold("norm1000"))
            yield {
                "problem_id": f"{number}-{index}",
                "problem": f"<image> {sample.question}",
                "options": list(sample.choices),
                "answer": f"<answer>{gold.replace('bbox_2d', 'boxes')}</answer>",
                "problem_type": kind,
                "images": [f"{number}-{index}.png"],
            }
    for kind, gold in WRITTEN:
        options = ["cat", "dog"] if kind == "multiple choice" else []
        known = {"problem_id": gold, "answer": gold, "problem_type": kind, "options": options}
        yield {**known, "problem": "<image> What is it?", "images": ["0-0.png"]}


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> list[FileProblems]:
    folder = tmp_path_factory.mktemp("released")
    (folder / "train.json").write_text(json.dumps(list(rows(folder))), encoding="utf-8")
    found, failed, _ = load_file(str(folder / "train.json"), RowFormat(gold_budget=0.5), ImageStore(folder))
    assert len(failed) < len(DRAWN), "some drawings have an answer of another type: those are left out"
    assert {gold for _, gold in WRITTEN} <= {row.id for each in found for row in each.rows}
    return found


def prompts(problems: list[FileProblems]) -> list[StreamPrompt]:
    return [
        StreamPrompt(each.task, each.sample(at), each.task.category, 0, at)
        for each in problems
        for at in range(len(each.rows))
    ]


@pytest.fixture(scope="module")
def recorded(
    problems: list[FileProblems], released: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> list[Recorded]:
    """Four responses of the tiny model to each drawing and all of `WRITTEN`, out of the rollout log."""
    from transformers import AutoModelForImageTextToText

    from harness.models.processors import load_processor

    model = AutoModelForImageTextToText.from_pretrained(tiny_path(), dtype="float32")
    backend = PolicyBackend(model, load_processor(tiny_path()), coords="norm1000", described={"model": "tiny"})
    asking = Asking(4, 96, 1.0, 1.0, "think", None, "norm1000", 0)
    written = {gold: [*map(respond, texts)] for (_, gold), texts in WRITTEN.items()}
    drawn = [prompt for prompt in prompts(problems) if prompt.sample.id not in written]
    requests = list(requests_of(drawn, asking, "released"))
    responses = iter(sample_responses(backend, requests))
    rollouts = []
    for prompt in prompts(problems):
        request = next(iter(requests_of([prompt], asking, "written")))
        for response, tokens in written.get(prompt.sample.id) or [next(responses) for _ in range(4)]:
            earned = earn(prompt.task, prompt.sample, response, released)
            rollouts.append(Rollout(prompt, prompt.family, (0, 0, 0), request, response, tokens, earned))
    path = write_rollouts(tmp_path_factory.mktemp("log"), 1, rollouts, {})
    golds = {(each.task.name, row.id): (each, at) for each in problems for at, row in enumerate(each.rows)}
    found = []
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        each, at = golds[line["task"], line["id"]]
        kind = line["task"].partition("/")[2]
        letter = str(each.sample(at).target.gold()) if kind == "multiple choice" else ""
        asked = released.Asked(kind, each.rows[at].problem.gold, letter)
        found.append(Recorded(line, asked, line["id"] not in written))
    assert len(found) == len(rollouts)
    return found


def respond(text: str) -> tuple[Response, tuple[int, ...]]:
    """A response of so many tokens as it has words and tags."""
    size = len(re.findall(r"\w+|</?\w+>", text))
    return Response(text, "stop", completion_tokens=size), tuple(range(size))


def earn(task: Task, sample: Any, response: Response, released: ModuleType) -> Any:
    return reward(task, sample, response, rule=RewardRule(), envelope=released.ENVELOPE, coords="norm1000")


def ours(line: dict[str, Any]) -> tuple[float, ...]:
    terms = line["terms"]
    return (line["value"], terms["format"], terms["structure"], terms["length"], line["reward"])


def alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(math.isclose(a, b, rel_tol=0, abs_tol=1e-12) for a, b in zip(one, other, strict=True))


def causes(seen: Recorded, released: ModuleType) -> list[str] | None:
    """The departures that together make the released rules pay what we paid, none in vain; None: none do."""
    made = set(released.DEPARTURES)
    if not alike(released.judged(seen.line, seen.asked, made), ours(seen.line)):
        return None
    for name in released.DEPARTURES:
        if alike(released.judged(seen.line, seen.asked, made - {name}), ours(seen.line)):
            made.remove(name)
    return [name for name in released.DEPARTURES if name in made]


def unexplained(recorded: list[Recorded], released: ModuleType) -> list[str]:
    return [
        f"{seen.asked}: {seen.line['text']!r} earned {ours(seen.line)}, "
        f"there {released.judged(seen.line, seen.asked, set(released.DEPARTURES))}"
        for seen in recorded
        if causes(seen, released) is None
    ]


def documented() -> set[str]:
    """The names in the first column of the table of rewards."""
    table = DOCS.read_text(encoding="utf-8").partition("### Rewards\n")[2].partition("\n### ")[0]
    return {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {"class"}


def test_every_difference_is_explained(recorded: list[Recorded], released: ModuleType) -> None:
    assert not unexplained(recorded, released)


def test_every_class_occurs_and_is_in_the_docs(recorded: list[Recorded], released: ModuleType) -> None:
    counts: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for seen in recorded:
        found = causes(seen, released) or []
        counts.update(found)
        drawn.update(found if seen.drawn else ())
    for at, term in enumerate(released.Judged._fields):
        differ = [
            seen for seen in recorded if released.judged(seen.line, seen.asked)[at] != ours(seen.line)[at]
        ]
        print(f"{term} differs: {len(differ)}, of the tiny model's {sum(seen.drawn for seen in differ)}")
    print(f"\n{'class':18} responses  of the tiny model, of {len(recorded)}, {sum(s.drawn for s in recorded)}")
    for name in released.DEPARTURES:
        print(f"{name:18} {counts[name]:9}  {drawn[name]}")
    assert set(counts) == set(released.DEPARTURES) == documented()


def test_the_tiny_model_answers_every_problem_type(recorded: list[Recorded]) -> None:
    own = [seen for seen in recorded if seen.drawn]
    assert {seen.asked.kind for seen in own} == {kind for _, kind in DRAWN} == {kind for kind, _ in WRITTEN}
    assert len({seen.line["text"] for seen in own}) > len(own) / 2
    assert any(seen.line["value"] for seen in own)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("edits", lambda mine, theirs: abs(len(mine) - len(theirs))),
        ("same_option", lambda told, gold: told == gold or told == "A"),
        ("formatted", lambda text, tag, strict: 1.0),
        ("overlap", lambda mine, theirs, made: float(mine == theirs)),
    ],
)
def test_another_rule_leaves_a_difference(
    recorded: list[Recorded], released: ModuleType, rule: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, rule, wrong)
    assert unexplained(recorded, released)


def test_another_verdict_of_ours_is_unexplained(recorded: list[Recorded], released: ModuleType) -> None:
    changed = [seen._replace(line=seen.line | {"value": seen.line["value"] + 0.01}) for seen in recorded]
    assert len(unexplained(changed, released)) == len(recorded)


@pytest.mark.parametrize(
    ("text", "kind", "gold", "earned"),
    [
        ("<thinking>x</thinking><answer>B</answer>", "multiple choice", "B", 1.5),
        ("<thinking>x</thinking><answer>A</answer>", "multiple choice", "B", 0.6),
        ("<thinking>x</thinking><answer>B</answer><answer>A</answer>", "multiple choice", "B", 1.5),
        ("<thinking></thinking><answer></answer>", "multiple choice", "B", 0.6),
        ("<think>x</think><answer>B</answer>", "multiple choice", "B", 0.9),
        ("B", "multiple choice", "B", 0.9),
        ("The answer is B", "multiple choice", "B", 0.0),
        ("the sign", "open-ended", "the sign", 0.0),
        (r"\sqrt{3}", "math", r"\sqrt{3}", 0.0),
        ("the Sign", "ocr", "the sign", 0.45),
        ('{"boxes": [0, 0, 10, 5]}', "spatial grounding", '{"boxes": [0, 0, 10, 10]}', 0.45),
        (
            '<thinking>x</thinking><answer>{"bbox_2d": [0, 0, 9, 9]}</answer>',
            "spatial grounding",
            '{"boxes": [0, 0, 9, 9]}',
            0.1,
        ),
    ],
)
def test_what_the_release_pays(text: str, kind: str, gold: str, earned: float, released: ModuleType) -> None:
    line = {"text": text, "task": kind, "tokens": 5, "status": "ok", "extracted": gold}
    assert released.judged(line, released.Asked(kind, gold, gold)).total == pytest.approx(earned)


def test_a_scorer_that_fails_is_no_verdict_here(problems: list[FileProblems], released: ModuleType) -> None:
    def broken(answer: Answer, target: Any) -> Score:
        raise ScorerError("the worker ran out of time")

    each = problems[0]
    response, _ = respond(said("B"))
    assert earn(each.task, each.sample(0), response, released).counts
    assert not earn(replace(each.task, scorer=broken), each.sample(0), response, released).counts


def test_options_and_mathematics_are_judged_as_by_the_packages(released: ModuleType) -> None:
    rules = {"option": released.same_option, "mathematics": released.same_mathematics}
    for rule, gold, told, verdict in released.VERDICTS:
        assert rules[rule](told, gold) is verdict, (rule, gold, told)
