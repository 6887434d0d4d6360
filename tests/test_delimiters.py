"""`--delimiters FILE`: what a user says that models write around thinking and answers."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.cli import main
from harness.config import build
from harness.delimiters import read_delimiters
from harness.errors import UsageError
from harness.run import rescore
from harness.scores.results import read_results
from scorers.read.normalise import Delimiters
from scorers.types import Status

FAKES = str(Path(__file__).with_name("fakes.py"))
PLAN = 'thinking = [["<plan>", "</plan>"]]\ndropped = ["<|eom|>", "~~"]\n'


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(PLAN)
    return fakes.write(tmp_path / "data", "letters", [fakes.row(index) for index in range(4)])


def run(**settings: Any) -> Any:
    given = {"model": "mock:text=<plan>B</plan>A", "tasks": "letters", "data": "data", "out": "run"}
    return harness.evaluate(**{**given, "task_file": (FAKES,), **settings})


def values() -> list[float]:
    lines = Path("run/scores/letters.jsonl").read_text().splitlines()
    return [json.loads(line)["value"] for line in lines]


def stored() -> Any:
    return json.loads(Path("run/run.json").read_text())["config"]["delimiters"]


def test_a_file_and_a_table_say_the_same(data: Path) -> None:
    table = {"thinking": [["<plan>", "</plan>"]], "dropped": ["<|eom|>", "~~"]}
    for given in ("plan.toml", Path("plan.toml"), table):
        found = read_delimiters(given)
        assert (found.thinking, found.dropped) == ((("<plan>", "</plan>"),), ("<|eom|>", "~~"))
        assert (found.answer, found.box) == ((), ())


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("thinkin = []", "unknown key 'thinkin'; did you mean 'thinking'?"),
        ('answer = "<a>"', "answer: '<a>' is no list of pairs"),
        ('answer = ["<a>"]', "answer: '<a>' is not one of pairs"),
        ('answer = [["<a>", "</a>", "x"]]', "answer: ['<a>', '</a>', 'x'] is not one of pairs"),
        ('box = [["<a>", 3]]', "box: ['<a>', 3] is not one of pairs"),
        ('thinking = [["", "</a>"]]', "thinking: ['', '</a>'] has an empty text"),
        ('thinking = [["<a>", "<A>"]]', "thinking: ['<a>', '<A>'] opens and closes with the same text"),
        ("dropped = [3]", 'dropped: 3 is not one of texts ["TEXT", …]'),
        ('dropped = [" "]', "dropped: ' ' has an empty text"),
        ("thinking = [", "not TOML: "),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(data: Path, toml: str, said: str) -> None:
    Path("own.toml").write_text(toml)
    with pytest.raises(UsageError) as raised:
        read_delimiters("own.toml")
    assert str(raised.value).startswith(f"--delimiters own.toml: {said}")
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_said(data: Path) -> None:
    Path("latin.toml").write_bytes('dropped = ["é"]'.encode("latin-1"))
    for name, said in (("absent.toml", "No such file"), (".", "directory"), ("latin.toml", "not UTF-8")):
        with pytest.raises(UsageError, match=f"--delimiters {name}: .*{said}"):
            read_delimiters(name)
    with pytest.raises(UsageError, match=r"delimiters: .*given: 3"):
        build({"delimiters": 3})


def test_a_run_is_read_by_them_and_holds_what_they_say(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(delimiters="plan.toml")
    assert values() == [1.0] * 4
    assert stored()["thinking"] == [["<plan>", "</plan>"]]
    Path("plan.toml").unlink()
    assert read_results(rescore(Path("run")).results.run_dir).tasks["letters"].score.value == 100
    assert values() == [1.0] * 4
    assert main(["score", "run"]) == 0
    assert values() == [1.0] * 4


def test_a_run_continued_with_others_is_scored_again_and_asked_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    assert values() == [0.0] * 4
    again = run(delimiters="plan.toml", verbose=True)
    assert (again.asked, values()) == (0, [1.0] * 4)
    assert (
        "run: the delimiters were the standard ones and are the standard ones and thinking <plan> … </plan>, "
        "dropped <|eom|>, dropped ~~ now: its responses are scored again"
    ) in capsys.readouterr().err
    run(delimiters="plan.toml", verbose=True)
    assert "delimiters" not in capsys.readouterr().err
    run(verbose=True)
    assert "are the standard ones now" in capsys.readouterr().err
    assert (values(), stored()) == ([0.0] * 4, None)


def test_score_run_takes_others_and_keeps_them(data: Path) -> None:
    run()
    assert main(["score", "run", "--delimiters", "plan.toml"]) == 0
    assert values() == [1.0] * 4
    assert stored()["thinking"] == [["<plan>", "</plan>"]]
    assert main(["score", "run"]) == 0
    assert values() == [1.0] * 4


def test_score_file_takes_them(data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    line = {"id": "x", "record": fakes.row(0), "response": "<plan>B</plan>A~~"}
    Path("r.jsonl").write_text(json.dumps(line))
    for more, value in (([], 0.0), (["--delimiters", "plan.toml"], 1.0)):
        assert main(["score", "letters", "r.jsonl", "--task-file", FAKES, *more]) == 0
        assert json.loads(capsys.readouterr().out)["value"] == value
    assert main(["score", "letters", "r.jsonl", "--task-file", FAKES, "--delimiters", "absent.toml"]) == 2


def test_the_configuration_file_names_a_file_or_holds_a_table(data: Path) -> None:
    Path("a.toml").write_text('delimiters = "plan.toml"\n')
    Path("b.toml").write_text(f"[delimiters]\n{PLAN}")
    for name in ("a.toml", "b.toml"):
        assert build({}, name).all_delimiters.thinking[-1] == ("<plan>", "</plan>")
    assert main(["eval", "--config", "a.toml", "--delimiters", "absent.toml"]) == 2


def test_the_python_api_takes_them(data: Path, fakes: ModuleType) -> None:
    own = {"thinking": [["<plan>", "</plan>"]]}
    for given, value in ((None, 0.0), (own, 1.0), ("plan.toml", 1.0)):
        score = harness.score(fakes.LETTERS, response="<plan>B</plan>A", record=fakes.row(0), delimiters=given)
        assert score.value == value
    cut = harness.score(fakes.LETTERS, response="<answer>A", record=fakes.row(0), finish_reason="length")
    assert cut.status is Status.TRUNCATED


def test_what_is_given_as_delimiters_stays_so() -> None:
    given = Delimiters.of({})
    assert read_delimiters(given) is given
