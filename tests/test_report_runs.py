"""Runs as a report loads them: complete, partial, broken, and their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.errors import HarnessError, UsageError
from harness.models.mock import MockBackend
from harness.run import score_run
from reports.runs import load_runs

FAKES = str(Path(__file__).with_name("fakes.py"))


@pytest.fixture
def made(tmp_path: Path, fakes: ModuleType) -> Path:
    """A complete run of ten samples, half of them right."""
    fakes.write(tmp_path / "data", "letters", [fakes.row(index, "AB"[index % 2]) for index in range(10)])
    out = tmp_path / "run"
    harness.evaluate(
        MockBackend(), tasks="letters", data=str(tmp_path / "data"), out=str(out), task_file=(FAKES,)
    )
    return out


def cut(run: Path, lines: int, tail: bytes = b"") -> Path:
    """Make a run partial: so many responses are left, and what a crash tore."""
    journal = run / "samples" / "letters.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]) + tail)
    (run / "results.json").unlink()
    return run


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_complete_run_is_read_from_its_files(made: Path):
    [run] = load_runs([made])
    assert (run.finished, run.missing) == (True, 0)
    assert run.results.tasks["letters"].score.value == 50
    assert [item["id"] for item in run.items("letters")] == [f"r{index}" for index in range(10)]
    assert run.responses("letters").get(("r3", 0))["text"] == "A"
    assert [score["value"] for score in run.scores("letters")] == [1.0, 0.0] * 5


def test_a_partial_run_is_judged_in_memory_and_left_as_it_is(made: Path):
    before = files(cut(made, 4, tail=b'{"id": "r9", "epo'))
    [run] = load_runs([made])
    answered = [f"r{index}" for index in range(10) if run.responses("letters").get((f"r{index}", 0))]
    assert (run.finished, run.missing, len(answered)) == (False, 6, 4)
    assert run.results.tasks["letters"].responses == 4
    assert [score["id"] for score in run.scores("letters")] == answered
    assert files(made) == before


def test_the_scores_of_a_partial_run_are_those_that_the_finished_run_has(made: Path):
    whole = {(line["id"], line["epoch"]): line for line in next(iter(load_runs([made]))).scores("letters")}
    cut(made, 7)
    [run] = load_runs([made])
    assert [whole[line["id"], line["epoch"]] for line in run.scores("letters")] == list(run.scores("letters"))


def test_a_run_that_lacks_only_its_results_is_not_finished(made: Path):
    (made / "results.json").unlink()
    [run] = load_runs([made])
    assert (run.finished, run.missing) == (False, 0)


def test_the_last_line_of_a_key_counts_and_other_settings_do_not(made: Path):
    journal = made / "samples" / "letters.jsonl"
    line = json.loads(journal.read_text(encoding="utf-8").splitlines()[0])
    again = {**line, "text": "B"}
    other = {**line, "text": "C", "generation_sha": "another"}
    with journal.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(again)}\n{json.dumps(other)}\nnot json\n")
    [run] = load_runs([made])
    assert run.responses("letters").get((line["id"], 0))["text"] == "B"


def test_an_answer_to_another_prompt_is_not_a_partial_runs_answer(made: Path):
    journal = made / "samples" / "letters.jsonl"
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    lines[0]["prompt_sha"] = "of an older version"
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    (made / "results.json").unlink()
    [run] = load_runs([made])
    assert run.missing == 1
    assert run.responses("letters").get((lines[0]["id"], 0)) is None


def test_a_latency_that_is_no_number_becomes_none(made: Path):
    journal = made / "samples" / "letters.jsonl"
    journal.write_text(journal.read_text(encoding="utf-8").replace('"latency":0.0', '"latency":NaN'), "utf-8")
    [run] = load_runs([made])
    assert list(run.responses("letters").seconds()) == []


def test_each_folder_once(made: Path):
    assert len(load_runs([made, made / ".." / made.name])) == 1


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a"], ["a · run0", "a · run1"]),
        (["org/a", "/somewhere/ckpt/checkpoint-10"], ["org/a", "checkpoint-10"]),
        (["", "a"], ["run0", "a"]),
        (["a", "a", "a · run0"], ["a · run0", "a · run1", "a · run0 #2"]),
        (["x" * 200], ["x" * 79 + "…"]),
        (["a\u202eb\u2028c\x00\n\u2066d\ud800"], ["a b c d"]),
        (["\u202e"], ["run0"]),
    ],
)
def test_names_are_short_and_unique(tmp_path: Path, board_runs: Any, models: list[str], names: list[str]):
    paths = [
        board_runs.write_run(tmp_path / f"run{index}", {"ai2d": 50.0}, model=model)
        for index, model in enumerate(models)
    ]
    assert [run.name for run in load_runs(paths)] == names


def test_runs_of_one_model_in_folders_of_one_name_stay_apart(tmp_path: Path, board_runs: Any):
    paths = [board_runs.write_run(tmp_path / part / "run", {"ai2d": 50.0}) for part in ("a", "b")]
    assert [run.name for run in load_runs(paths)] == ["model · run", "model · run #2"]


def test_what_is_no_run_is_one_line(tmp_path: Path):
    for path, said in ((tmp_path, "not a run: there is no run.json"), (tmp_path / "no", "there is no such")):
        with pytest.raises(UsageError, match=said) as caught:
            load_runs([path])
        assert "\n" not in str(caught.value)


def read_all(path: Path) -> list[Any]:
    [run] = load_runs([path])
    return [*run.items("letters"), *run.scores("letters")]


def broken() -> Iterator[Any]:
    yield pytest.param("run.json", "{", r"run\.json: not JSON", id="torn run.json")
    yield pytest.param("run.json", '{"format": 1}', r"run\.json: broken: it has no 'config'", id="run.json")
    yield pytest.param("results.json", '{"format": 1}', r"results\.json: not as this version", id="results")
    yield pytest.param("results.json", "[]", r"results\.json: format None", id="results of a list")
    yield pytest.param(
        "items/letters.jsonl", '{"id":"a"}\n{', r"items/letters\.jsonl:2: not a line", id="items"
    )
    yield pytest.param("items/letters.jsonl", "3\n", r"items/letters\.jsonl:1: broken", id="items of numbers")
    yield pytest.param("scores/letters.jsonl", '{"id":"a"}', r"scores/letters\.jsonl:1: broken", id="scores")
    yield pytest.param("scores/letters.jsonl", None, r"scores/letters\.jsonl: there is no such", id="no scores")


@pytest.mark.parametrize(("name", "text", "said"), list(broken()))
def test_broken_files_are_one_line_that_names_them(made: Path, name: str, text: str | None, said: str):
    if text is None:
        (made / name).unlink()
    else:
        (made / name).write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=said) as caught:
        read_all(made)
    assert "\n" not in str(caught.value)


def test_a_partial_run_without_items_is_one_line(made: Path):
    cut(made, 3)
    (made / "items" / "letters.jsonl").unlink()
    with pytest.raises(HarnessError, match=r"items/letters\.jsonl: there is no such file"):
        load_runs([made])


def test_a_partial_run_with_another_version_s_configuration_is_one_line(made: Path):
    cut(made, 3)
    run = json.loads((made / "run.json").read_text(encoding="utf-8"))
    (made / "run.json").write_text(
        json.dumps({**run, "config": {**run["config"], "judge": 1}}), encoding="utf-8"
    )
    with pytest.raises(
        HarnessError, match=r"run\.json: not a configuration of this version: unknown .* 'judge'"
    ):
        load_runs([made])


def test_run_and_results_must_be_of_the_same_tasks(made: Path):
    run = json.loads((made / "run.json").read_text(encoding="utf-8"))
    described = run["tasks"].pop("letters")
    (made / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"results\.json: has task letters, run\.json has not"):
        load_runs([made])
    del described["generation_sha"]
    (made / "run.json").write_text(json.dumps({**run, "tasks": {"letters": described}}), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"run\.json: broken: task letters wants"):
        load_runs([made])


def test_a_number_that_is_none_is_no_score(made: Path):
    path = made / "results.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"value": 50.0', '"value": NaN'), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"results\.json: letters: its score is no finite number"):
        load_runs([made])


def test_judging_a_folder_that_is_no_run_makes_no_folder(tmp_path: Path):
    with pytest.raises(UsageError, match="not a run"):
        score_run(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
