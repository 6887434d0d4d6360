"""Right answers as targets write them: in a run's items, and as `harness validate` judges them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.data import load_rows
from harness.data.synthetic import synthetic_row
from harness.run.items import FailedRow, Item, gold_of, read_items
from harness.validate import validate
from scorers.place.masks import encode
from scorers.rules.choice import ChoiceTarget
from scorers.rules.document import DocTarget
from scorers.rules.grounding import BoxTarget
from scorers.rules.mmmu import MmmuTarget
from scorers.rules.refspatial import MaskTarget
from scorers.rules.robospatial import RoboSpatialTarget
from scorers.types import COORDS, Coords, ScorerError, Target
from tasks import BUILTIN, load_builtin
from tasks.types import Response


@dataclass(frozen=True, slots=True)
class Mute(Target):
    """A third party's target that knows no right answer."""

    said: str = ""


@dataclass(frozen=True, slots=True)
class Unwritable(Target):
    """A target whose answer the convention cannot write."""

    def gold(self, coords: Coords | None = None) -> str:
        raise ScorerError(f"no {coords}")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (ChoiceTarget(("x", "y"), 1), "B"),
        (MmmuTarget(golds=("seven", "7")), "seven"),
        (DocTarget(("a", "b")), "a"),
        (DocTarget(()), None),
        (RoboSpatialTarget("", ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))), "[(0.333, 0.333)]"),
        (BoxTarget((1, 2, 3, 4)), None),
        (Mute("x"), None),
        (Unwritable(), None),
        (BoxTarget((10, 20, 50, 80), 100, 200), '{"bbox_2d": [0.100, 0.100, 0.500, 0.400]}'),
    ],
)
def test_a_targets_own_answer(target: Target, text: str | None) -> None:
    assert gold_of(target, "norm1") == text


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 14)), min_size=1, max_size=60, unique=True))
@settings(deadline=None)
def test_a_point_inside_any_mask(pixels: list[tuple[int, int]]) -> None:
    array = np.zeros((15, 20), np.uint8)
    for x, y in pixels:
        array[y, x] = 1
    text = MaskTarget(encode(array), 15, 20).gold()
    assert text is not None
    x, y = (float(part) for part in text.strip("[()]").split(","))
    assert array[int(y * 15), int(x * 20)] == 1


def test_a_point_inside_a_hollow_polygon() -> None:
    """A U: its centre of mass lies outside."""
    u = ((0, 0), (0.2, 0), (0.2, 0.8), (0.8, 0.8), (0.8, 0), (1, 0), (1, 1), (0, 1))
    x, y = (float(part) for part in RoboSpatialTarget("", u).gold().strip("[()]").split(","))
    assert y >= 0.8 or not 0.2 < x < 0.8


CONVENTIONS = [
    (name, coords) for name in BUILTIN for coords in (None, *(COORDS if load_builtin(name).places else ()))
]


@pytest.mark.parametrize(("name", "coords"), CONVENTIONS)
def test_every_tasks_gold_is_right_in_every_convention(name: str, coords: Coords | None) -> None:
    task = load_builtin(name)
    for index in range(6):
        for sample in task.to_samples(synthetic_row(name, index)):
            text = sample.target.gold(coords)
            assert text is not None
            score = task.score(sample, Response(text), coords=coords or "norm1")
            assert score.value >= 0.95, (text, sample.target)


def items_of(run: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "items" / f"{name}.jsonl").read_text().splitlines()]


def test_items_hold_the_gold_text_in_the_runs_convention_and_the_places(tmp_path: Path) -> None:
    names = ("refcoco", "refspatial", "robospatial", "ai2d")
    out = tmp_path / "run"
    harness.evaluate("mock", tasks=names, data="synthetic", limit=4, coords="yx1000", out=str(out))
    for name in names:
        task = load_builtin(name)
        read = list(read_items(out / "items" / f"{name}.jsonl", task))
        for line, item in zip(items_of(out, name), read, strict=True):
            assert isinstance(item, Item)
            assert line["gold"] == item.sample.target.gold("yx1000")
            assert line["shapes"] == json.loads(json.dumps(item.sample.target.shapes()))
            score = task.score(item.sample, Response(line["gold"]), coords="yx1000")
            assert score.value >= 0.95


def test_scores_hold_the_channel_and_the_places_that_were_read(tmp_path: Path) -> None:
    out = tmp_path / "run"
    answer = "mock:text=<answer>[250 250 750 750]</answer>"
    harness.evaluate(
        answer, tasks=["refcoco", "ai2d"], data="synthetic", limit=2, coords="norm1000", out=str(out)
    )
    lines = [json.loads(line) for line in (out / "scores" / "refcoco.jsonl").read_text().splitlines()]
    assert {line["channel"] for line in lines} == {"tag"}
    assert [line["shapes"] for line in lines] == [[{"box": [0.25, 0.25, 0.75, 0.75]}]] * len(lines)
    for line in map(json.loads, (out / "scores" / "ai2d.jsonl").read_text().splitlines()):
        assert "shapes" not in line


def test_rows_that_could_not_be_asked_are_read_as_such(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(0), fakes.row(1, "none")]
    data = fakes.write(tmp_path / "data", "letters", rows)
    out = tmp_path / "run"
    harness.evaluate("mock", tasks=["letters"], data=str(data), out=str(out), task_file=fakes.__file__)
    first, second = read_items(out / "items" / "letters.jsonl", fakes.LETTERS)
    assert isinstance(first, Item)
    assert (first.id, first.sample.target.gold()) == ("r0", "A")
    assert isinstance(second, FailedRow)
    assert "holds none" in second.error


# What `harness validate` says of golds


def findings(task: Any, data: Path, **more: Any) -> dict[str, Any]:
    return {finding.name: finding for finding in validate(task, load_rows(task, str(data)), **more)}


def test_every_rows_gold_is_judged_and_those_that_fail_are_named(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(number, "AB"[number % 97 == 0]) for number in range(500)]
    rows[250] = fakes.row(250, "none")
    data = fakes.write(tmp_path, "letters", rows)

    def scorer(answer: Any, target: Any) -> Any:
        score = fakes.letter(answer, target)
        return replace(score, value=0.94 * score.value) if target.answer == "B" else score

    found = findings(fakes.task("letters", scorer=scorer), data)
    gold = found["the gold answer scores 1"]
    assert not gold.ok
    assert gold.said == "6 of 499 do not"
    assert [problem.split(":")[0] for problem in gold.problems] == ["r0", "r97", "r194", "r291", "r388", "r485"]
    assert "scores 0.94" in gold.problems[0]
    made = found["rows become samples"]
    assert made.said == "499 samples, 1 failed"
    assert made.problems == ("row 250 (id r250): column 'answer' holds none",)
    assert found["a refusal scores 0"].said == "100 of 100"
    assert findings(fakes.LETTERS, data, limit=7)["the gold answer scores 1"].said == "7 of 7"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Mute("x"), "Mute.gold: NotImplementedError"),
        (Unwritable(), "no gold answer: no norm1"),
        (None, "no gold"),
    ],
)
def test_targets_without_a_gold_are_named(
    fakes: ModuleType, tmp_path: Path, target: Target | None, why: str
) -> None:
    target = target or DocTarget(())
    task = fakes.task(
        "letters",
        target=type(target),
        to_samples=lambda row: (replace(sample, target=target) for sample in fakes.to_samples(row)),
        scorer=lambda answer, target: fakes.letter(answer, fakes.LetterTarget("A")),
    )
    gold = findings(task, fakes.write(tmp_path, "letters", [fakes.row(0)]))["the gold answer scores 1"]
    assert gold.said == "1 of 1 do not"
    assert why in gold.problems[0]
