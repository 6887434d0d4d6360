"""One place: what a response earns in training is what an evaluation writes about it; and the other terms."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
import tasks
from harness.errors import UsageError
from harness.registry import Registry
from harness.run.items import Item, read_items
from harness.run.journal import TaskJournal
from harness.types import Request
from scorers.rules.choice import ChoiceTarget, choice
from scorers.types import Answer, Score, ScorerError, Status
from tasks.types import Response, Sample
from training.policy_recipe import PolicyRecipe
from training.rewards import TERMS, RewardRule, Term, reward, weights
from training.shaping import LengthEnvelope, default_shapes

ROOT = Path(__file__).parents[1]
ANY_LENGTH = LengthEnvelope(min_start=0, peak_start=1, peak_end=5000, max_end=9000)
NAMES = tuple(tasks.BUILTIN)
SCORERS_SEEN_BY_TRAINING = {
    "scorers.types",
    "scorers.read.normalise",
    "scorers.read.locate",
    "scorers.read.option",
}
"""Beside `training.problems`, which holds what only training data is judged by."""


class Assorted:
    """A backend whose answers are right, wrong, formatted, bare, empty or cut, by a count of requests."""

    name = "assorted"
    coords = "norm1"
    RULES = (
        "<think>Look.</think><answer>{gold}</answer>",
        "{gold}",
        "<think>It must be so.</think><answer>B</answer>",
        "the answer is 7",
        "",
        "<think>I have not yet",
        "(0.2, 0.3)",
        '{{"bbox_2d": [0.1, 0.2, 0.5, 0.6]}}',
    )

    def __init__(self, gold: dict[tuple[str, ...], str]) -> None:
        self._gold = gold
        self._count = 0

    def describe(self) -> dict[str, Any]:
        return {"model": "assorted"}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            rule = self.RULES[self._count % len(self.RULES)]
            self._count += 1
            text = rule.format(gold=self._gold.get(asked(request.parts, request.images), "A"))
            finish = "length" if text.startswith("<think>I have") else "stop"
            yield request, Response(text, finish, 9, 1 + len(text) // 3, 0.0)

    def close(self) -> None:
        pass


def asked(parts: Iterable[Any], images: Iterable[Any]) -> tuple[str, ...]:
    return ("".join(part for part in parts if isinstance(part, str)), *(image.sha for image in images))


def gold_by_question(data: str, limit: int) -> dict[tuple[str, ...], str]:
    from itertools import islice

    from harness.data import load_rows
    from tasks.prompts import render

    gold = {}
    for task in map(Registry().get, NAMES):
        for row in islice(load_rows(task, data).rows, limit):
            for sample in task.to_samples(row):
                parts = render(task, sample, "think", coords="norm1")
                gold[asked(parts, sample.images)] = sample.target.gold("norm1") or "A"
    return gold


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all 18 tasks with assorted answers."""
    out = tmp_path_factory.mktemp("rewards") / "run"
    backend = Assorted(gold_by_question("synthetic", 12))
    harness.evaluate(backend, tasks=NAMES, data="synthetic", limit=8, prompt="think", out=str(out))
    return out


def answered(run: Path, name: str) -> list[tuple[Sample, Response, dict[str, Any]]]:
    task = Registry().get(name)
    items = [item for item in read_items(run / "items" / f"{name}.jsonl", task) if isinstance(item, Item)]
    samples = {item.sample.id: item.sample for item in items}
    lines = (run / "scores" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    scores = {line["id"]: line for line in map(json.loads, lines)}
    journal = TaskJournal(run / "samples" / f"{name}.jsonl", name)
    return [(samples[key.id], response, scores[key.id]) for key, response in journal.read()]


def earn(task: Any, sample: Sample, response: Response, **changes: Any) -> Any:
    settings: dict[str, Any] = {"rule": RewardRule(), "envelope": ANY_LENGTH, "coords": "norm1"}
    return reward(task, sample, response, **(settings | changes))


@pytest.mark.parametrize("name", NAMES)
def test_the_reward_s_value_is_what_the_evaluation_wrote(run: Path, name: str) -> None:
    task = Registry().get(name)
    responses = answered(run, name)
    assert len(responses) >= 6
    for sample, response, line in responses:
        earned = earn(task, sample, response)
        assert earned.value == line["value"]
        assert earned.score.status == line["status"]
        assert earned.score.extracted == line["extracted"]
        assert earned.score.channel == line.get("channel")


def test_the_saved_responses_are_of_every_kind(run: Path) -> None:
    lines = [line for name in NAMES for _, _, line in answered(run, name)]
    assert {line["status"] for line in lines} >= {"ok", "unparsed", "truncated"}
    right = [line for line in lines if line["value"] == 1.0]
    assert len(right) > len(lines) / 8
    assert (
        len({name for name in NAMES for _, _, line in answered(run, name) if line["value"] > 0.5})
        >= len(NAMES) - 2
    )


def test_another_scorer_changes_the_evaluation_and_the_reward_alike(
    fakes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_letter_counts_half(answer: Answer, target: Any) -> Score:
        return Score(0.5 if answer.text else 0.0, None)

    fakes.write(tmp_path / "data", "letters", [fakes.row(i, "B") for i in range(4)])
    values = {}
    for name, task in {
        "old": fakes.LETTERS,
        "new": replace(fakes.LETTERS, scorer=first_letter_counts_half),
    }.items():
        monkeypatch.setattr(Registry, "get", lambda self, name, task=task: task)
        out = tmp_path / name
        result = harness.evaluate(
            Assorted({}), tasks=("letters",), data=str(tmp_path / "data"), prompt="think", out=str(out)
        )
        earned = [earn(task, sample, response).value for sample, response, _ in answered(out, "letters")]
        journal = [line["value"] for _, _, line in answered(out, "letters")]
        assert earned == journal
        assert result.tasks["letters"].score.value == pytest.approx(100 * sum(earned) / len(earned))
        values[name] = journal
    assert values["old"] != values["new"]


LETTER = "<think>It is B.</think><answer>B</answer>"


@pytest.mark.parametrize(
    ("text", "value", "shaped", "status"),
    [
        (LETTER, 0.0, 1.0, Status.OK),
        ("B", 0.0, 0.0, Status.OK),
        ("A", 1.0, 0.0, Status.OK),
        ("<think>x</think><answer>A</answer>", 1.0, 1.0, Status.OK),
        ("<think>x</think><answer> </answer>", 0.0, 0.0, Status.UNPARSED),
        ("<think>x</think><answer>A</answer><answer>A</answer>", 1.0, 0.0, Status.OK),
        ("A<think>x</think><answer>A</answer>", 1.0, 0.0, Status.OK),
    ],
)
def test_the_terms_add_up(fakes: ModuleType, text: str, value: float, shaped: float, status: Status) -> None:
    sample = next(fakes.to_samples(fakes.row(1, "A")))
    earned = earn(fakes.LETTERS, sample, Response(text, completion_tokens=3))
    structure = shaped * (status is Status.OK)
    assert earned.terms == {
        "value": value,
        "format": shaped,
        "length": 1.0,
        "structure": structure,
        "tagged": value * ("<answer>A</answer>" in text),
    }
    assert earned.total == pytest.approx(0.8 * value + 0.1 * shaped + 0.1 + 0.5 * structure)


def test_a_term_is_one_entry_of_the_table(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Term(lambda seen: float(len(seen.response.text) < 9), 0.2)
    monkeypatch.setattr("training.rewards.TERMS", {**TERMS, "short": short})
    own = weights({"short": 0.3})
    assert own == {"value": 0.5, "format": 0.1, "length": 0.1, "structure": 0.5, "tagged": 0.0, "short": 0.3}
    earned = earn(fakes.LETTERS, next(fakes.to_samples(fakes.row(1, "A"))), Response("A"), rule=RewardRule(own))
    assert earned.terms["short"] == 1.0
    assert earned.total == pytest.approx(0.5 + 0.3)


def test_without_shaping_the_whole_weight_is_on_the_answer(fakes: ModuleType) -> None:
    sample = next(fakes.to_samples(fakes.row(1, "A")))
    bare = RewardRule(weights({"format": 0, "length": 0, "structure": 0}))
    assert earn(fakes.LETTERS, sample, Response("A"), rule=bare).total == 1.0


CHOICE = ChoiceTarget(("red", "blue"), 0, "Which?")


@pytest.mark.parametrize(
    ("text", "value", "tagged"),
    [
        ("<think>Red.</think><answer>A</answer>", 1.0, 1.0),
        ("<think>Red.</think><answer>The answer is A</answer>", 1.0, 1.0),
        ("<think>Red.</think>So: <answer>A</answer>", 1.0, 1.0),
        ("<think>Red.</think><answer>B</answer>", 0.0, 0.0),
        ("<think>Red.</think><answer>A or B</answer>", 0.0, 0.0),
        ("<think>Red.</think>The answer is A", 1.0, 0.0),
        ("<think>Red.</think>The answer is A<answer></answer>", 1.0, 0.0),
        (r"<think>Red.</think>\boxed{A}", 1.0, 0.0),
        ("A", 1.0, 0.0),
        ("<think>Red.</think>", 0.0, 0.0),
    ],
)
def test_a_recipe_may_pay_for_tagged_answers_alone(
    policy_fakes: ModuleType, text: str, value: float, tagged: float
) -> None:
    task = policy_fakes.task("choices", scorer=choice, target=ChoiceTarget)
    sample = Sample("1", "Which?", CHOICE, choices=CHOICE.options)
    alone = RewardRule(weights({"tagged": 0.9, "format": 0.1, "length": 0.0, "structure": 0.0}))
    assert alone.weights["value"] == pytest.approx(0.0)
    earned = earn(task, sample, Response(text, completion_tokens=3), rule=alone)
    assert (earned.value, earned.terms["tagged"]) == (value, tagged)
    assert earned.total == pytest.approx(0.9 * tagged + 0.1 * earned.terms["format"])


@pytest.mark.parametrize(
    "text",
    [
        "<think>It is red, the answer is A",
        "<think>It is red. <answer>A</answer>",
        "<think>No.</think> Wait. <think>The answer is A",
        "[THINK]The answer is A",
        r"◁think▷\boxed{A}",
    ],
)
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_open_thinking_earns_nothing(policy_fakes: ModuleType, text: str, finish: Any) -> None:
    task = policy_fakes.task("choices", scorer=choice, target=ChoiceTarget)
    sample = Sample("1", "Which?", CHOICE, choices=CHOICE.options)
    earned = earn(task, sample, Response(text, finish, completion_tokens=3))
    assert earned.score.status is Status.TRUNCATED
    assert (earned.score.extracted, earned.score.channel) == (None, None)
    assert earned.counts
    assert {name: found for name, found in earned.terms.items() if name != "length"} == {
        "value": 0.0,
        "format": 0.0,
        "structure": 0.0,
        "tagged": 0.0,
    }


def test_length_is_counted_in_tokens_and_none_are_no_accident(fakes: ModuleType) -> None:
    sample = next(fakes.to_samples(fakes.row(1, "A")))
    envelope = default_shapes()["grounding"].length
    lengths = [
        earn(fakes.LETTERS, sample, Response("A" * 999, completion_tokens=n), envelope=envelope).terms["length"]
        for n in (0, 16, 24, 32, 160, 320, 480)
    ]
    assert lengths == [0, 0, 0.5, 1, 1, 0.5, 0]


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (Response("timeout"), Status.ERROR),
        (Response("bug"), Status.ERROR),
        (Response("", "error", error="no answer"), Status.FAILED),
    ],
)
def test_a_scorer_s_error_is_no_zero(fakes: ModuleType, response: Response, status: Status) -> None:
    earned = earn(fakes.LETTERS, next(fakes.to_samples(fakes.row(1, "A"))), response)
    assert not earned.counts
    assert earned.score.status is status
    assert earned.score.error


def test_a_scorer_that_raises_costs_its_response_alone(policy_fakes: ModuleType) -> None:
    with pytest.raises(ScorerError):
        policy_fakes.broken(Answer("x"), policy_fakes.WordTarget("x"))
    sample = Sample("1", "?", policy_fakes.WordTarget("x"))
    assert not earn(policy_fakes.task("broken", scorer=policy_fakes.broken), sample, Response("x")).counts


GENERAL = {"tasks.types", "tasks.prompts", "tasks.images", "tasks.options"}


def test_no_scoring_code_in_training() -> None:
    wrong = []
    for path in (ROOT / "training").rglob("*.py"):
        if path.parent.name == "problems":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module] if node.module != "scorers" else [f"scorers.{n.name}" for n in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            wrong += [
                f"{path.name}:{node.lineno} imports {name}"
                for name in names
                if name.split(".")[0] == "scorers" and name not in SCORERS_SEEN_BY_TRAINING
            ]
            wrong += [
                f"{path.name}:{node.lineno} knows the benchmark {name}"
                for name in names
                if name.startswith("tasks.") and name not in GENERAL
            ]
    assert not wrong


def test_scorers_know_nothing_of_training() -> None:
    for path in (ROOT / "scorers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in modules if name.split(".")[0] in ("training", "harness", "tasks")], (
                path
            )


OWN = """
import math

def brief(text, sample, score):
    return 1.0 if len(text) < 9 else 0.5 * score.value

def raises(text, sample, score):
    raise KeyError(sample.id)

def nothing(text, sample, score):
    return math.nan

def much(text, sample, score):
    return 7

NUMBER = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of reward functions in the working folder."""
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_reward_function_of_ones_own_is_a_further_term(fakes: ModuleType, own_module: str) -> None:
    recipe = PolicyRecipe.model_validate({"own_reward": {"function": f"{own_module}:brief", "weight": 0.25}})
    sample = next(fakes.to_samples(fakes.row(1, "A")))
    for text, own in (("A", 1.0), ("B", 1.0), ("A" + " " * 20, 0.5), ("The answer is B", 0.0)):
        earned = earn(fakes.LETTERS, sample, Response(text), rule=recipe.reward_rule)
        bare = earn(fakes.LETTERS, sample, Response(text), rule=RewardRule(recipe.reward))
        assert earned.terms["own"] == own
        assert earned.total == pytest.approx(bare.total + 0.25 * own)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("raises", "the reward function: KeyError: 'r1'"),
        ("nothing", "gave nan, which is no number in 0..1"),
        ("much", "gave 7,"),
    ],
)
def test_a_reward_function_that_fails_costs_the_response_its_verdict(
    fakes: ModuleType, own_module: str, function: str, why: str
) -> None:
    recipe = PolicyRecipe.model_validate(
        {"own_reward": {"function": f"{own_module}:{function}", "weight": 1.0}}
    )
    sample = next(fakes.to_samples(fakes.row(1, "A")))
    earned = earn(fakes.LETTERS, sample, Response("A"), rule=recipe.reward_rule)
    assert not earned.counts
    assert why in earned.score.error


def test_a_reward_function_that_is_not_there_is_refused(own_module: str) -> None:
    for name, why in (
        ("brief", "wants module:function"),
        (f"{own_module}:missing", "AttributeError"),
        (f"{own_module}:NUMBER", "it is no function"),
        ("no_such_module:f", "ModuleNotFoundError: No module named 'no_such_module'"),
    ):
        recipe = PolicyRecipe.model_validate({"own_reward": {"function": name, "weight": 1.0}})
        with pytest.raises(UsageError, match=why):
            _ = recipe.reward_rule
