"""Controls: samples changed on purpose, and what that costs the score."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.control import CONTROLS, short
from harness.errors import UsageError
from scorers.rules.choice import ChoiceTarget
from scorers.rules.math import MathTarget
from scorers.rules.mathvista import MathVistaTarget
from scorers.rules.mmmu import MmmuTarget
from scorers.types import Target
from tasks import load_builtin
from tasks.reorder import can_shuffle, shuffled
from tasks.types import Response, Sample

OPTIONS = ("red", "green", "blue", "black")
TARGETS: dict[str, tuple[Target, str]] = {
    "ai2d": (ChoiceTarget(OPTIONS, 2), "blue"),
    "mmmu": (MmmuTarget(OPTIONS, 0), "red"),
    "mathvision": (MathTarget("Which?", "D", OPTIONS), "black"),
    "mathvista": (MathVistaTarget("Which?", "green", OPTIONS), "green"),
}


def asked(name: str, target: Target, options: tuple[str, ...] = OPTIONS) -> Sample:
    return Sample(id=name, question="Which?", target=target, choices=options, text_only=True)


@pytest.mark.parametrize("name", TARGETS)
def test_the_right_answer_follows_its_option(name: str) -> None:
    target, right = TARGETS[name]
    task = load_builtin(name)
    for number in range(20):
        moved = shuffled(asked(f"s{number}", target), seed=3)
        assert moved.choices != OPTIONS
        assert sorted(moved.choices) == sorted(OPTIONS)
        letter = "ABCD"[moved.choices.index(right)]
        assert moved.target.gold() == letter
        for said in "ABCD":
            assert task.score(moved, Response(said)).value == float(said == letter)


def test_an_order_is_the_samples_own_and_the_seeds() -> None:
    target = TARGETS["ai2d"][0]
    orders = {
        (seed, name): shuffled(asked(name, target), seed).choices for seed in (0, 1) for name in "abcdefgh"
    }
    assert len(set(orders.values())) > 4
    assert orders == {key: shuffled(asked(key[1], target), key[0]).choices for key in orders}


@pytest.mark.parametrize(
    ("options", "can"),
    [
        (OPTIONS, True),
        (("red",), False),
        ((), False),
        (("above", "below", "left", "both sides"), True),
        (("red", "blue", "all of the above"), False),
        (("red", "blue", "None of these"), False),
        (("red", "blue", "Both A and B"), False),
        (("A and C", "B", "D"), False),
    ],
)
def test_options_that_speak_of_others_stay(options: tuple[str, ...], can: bool) -> None:
    sample = asked("s", ChoiceTarget(options, 0), options)
    assert can_shuffle(sample) is can
    assert (shuffled(sample, 0) is sample) is not can


def evaluate(out: str, *more: str) -> dict[str, Any]:
    words = ["--model", "mock:text=A", "--tasks", "ai2d,chartqa,refcoco", "--limit", "12", "--no-report"]
    assert main(["eval", *words, "--out", out, *more]) == 0
    return {
        name: [json.loads(line) for line in Path(out, "items", f"{name}.jsonl").read_text().splitlines()]
        for name in ("ai2d", "chartqa", "refcoco")
    }


def test_each_control_changes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base = evaluate("base")
    shown = {name: [item["image_sha"] for item in items] for name, items in base.items()}
    hidden, moved = evaluate("hidden", "--hide-images"), evaluate("moved", "--shuffle-options")
    permuted = evaluate("permuted", "--permute-images")
    for name, items in base.items():
        for plain, without, other in zip(items, hidden[name], permuted[name], strict=True):
            assert plain["id"] == without["id"] == other["id"]
            assert (without["images"], without["image_sha"]) == ([], "")
            assert without["prompt"] == [part for part in plain["prompt"] if isinstance(part, str)]
            assert other["prompt"] == plain["prompt"]
        assert sorted(shown[name]) == sorted(item["image_sha"] for item in permuted[name])
        assert shown[name] != [item["image_sha"] for item in permuted[name]]
    for plain, other in zip(base["ai2d"], moved["ai2d"], strict=True):
        assert sorted(plain["choices"]) == sorted(other["choices"])
        assert plain["choices"] != other["choices"]
        right = plain["choices"][plain["target"]["answer"]]
        assert other["choices"][other["target"]["answer"]] == right
        assert all(option in str(other["prompt"]) for option in other["choices"])
    assert moved["chartqa"] == base["chartqa"]


def test_a_control_is_labelled_wherever_its_scores_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["eval", "--model", "mock", "--tasks", "ai2d", "--limit", "6"]
    for control, said in CONTROLS.items():
        flag = control.replace("_", "-")
        assert main([*words, f"--{flag}"]) == 0
        out = Path("runs", f"mock-ai2d-synthetic-{flag}")
        assert f"Not a score of the benchmark: {said}." in capsys.readouterr().out
        run = json.loads((out / "run.json").read_text())
        assert (run["fixed"]["control"], run["config"][control]) == (control, True)
        assert json.loads((out / "results.json").read_text())["control"] == control
        assert short(control) in (out / "report.html").read_text(encoding="utf-8")
        assert main(["score", str(out)]) == 0
        assert said in capsys.readouterr().out
    assert main(["ls", "runs"]) == 0
    listed = capsys.readouterr().out
    assert all(short(control) in listed for control in CONTROLS)


def test_a_run_is_not_continued_as_a_control_nor_compared_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["eval", "--model", "mock", "--tasks", "ai2d", "--limit", "6", "--no-report"]
    assert main([*words, "--out", "base"]) == 0
    assert main([*words, "--out", "base", "--hide-images"]) == 2
    assert "control was None in this run and is 'hide_images' now" in capsys.readouterr().err
    assert main([*words, "--out", "other", "--shuffle-options"]) == 0
    assert main(["compare", "base", "other"]) == 2
    assert "what was asked differs: as it is and options shuffled (control)" in capsys.readouterr().err


def test_controls_exclude_each_other() -> None:
    from harness.config import build

    with pytest.raises(UsageError, match="permute_images and shuffle_options exclude each other"):
        build({"permute_images": True, "shuffle_options": True})


@pytest.fixture
def position_bound(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rows of ai2d whose right answer is A three times in four, and rows of letters without an image."""
    monkeypatch.chdir(tmp_path)
    rows = []
    folder = tmp_path / "data" / "ai2d"
    folder.mkdir(parents=True)
    for number in range(40):
        (folder / f"{number}.png").write_bytes(fakes.picture(number * 300))
        answer = 0 if number % 4 else 1
        row = {"question": f"Which of {number}?", "options": list(OPTIONS), "answer": str(answer)}
        rows.append(json.dumps({**row, "image": f"{number}.png"}))
    (folder / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return fakes.write(tmp_path / "data", "letters", [fakes.row(number) for number in range(6)])


def test_harness_controls_shows_a_position_bias(
    position_bound: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["controls", "--model", "mock:text=A", "--tasks", "ai2d,letters", "--data", "data", "--out", "c"]
    words += ["--task-file", str(fakes.__file__), "--no-report"]
    assert main(words) == 0
    shown = capsys.readouterr()
    table = shown.out.splitlines()
    assert max(map(len, table)) <= 80
    rows = {(row[0], row[1]): row[2:] for row in (re.split(r" {2,}", line.strip()) for line in table[2:8])}
    assert rows["ai2d", "images shuffled"][:4] == ["40", "75.0", "75.0", "+0.0"]
    assert rows["ai2d", "no image"][:4] == ["40", "75.0", "75.0", "+0.0"]
    count, base, score, difference = rows["ai2d", "options shuffled"][:4]
    assert (count, base) == ("40", "75.0")
    assert float(score) < 45
    assert float(difference) == pytest.approx(float(score) - 75, abs=0.11)
    assert rows["letters", "no image"] == ["not applicable"]
    assert sorted(path.name for path in Path("c").iterdir()) == [
        "base", "hide-images", "permute-images", "shuffle-options"
    ]  # fmt: skip
    assert main([*words, "--json"]) == 0
    again = capsys.readouterr()
    assert again.err.count("are answered already") == 4
    found = json.loads(again.out)["controls"]
    assert found["shuffle_options"]["tasks"]["ai2d"]["n"] == 40
    assert found["shuffle_options"]["not_applicable"] == ["letters"]
    assert found["shuffle_options"]["tasks"]["ai2d"]["difference"]["high"] < 0


@pytest.mark.parametrize("flag", ["--permute-images", "--shard=1/2"])
def test_harness_controls_takes_no_control_and_no_shard(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "--model", "mock", "--tasks", "ai2d", flag]) == 2
    assert "harness controls runs every control on all samples" in capsys.readouterr().err
