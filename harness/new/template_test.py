"""Tests of newtask: pytest test_newtask.py."""

from pathlib import Path

from harness import evaluate, score
from harness.data import load_rows
from harness.registry import Registry
from harness.validate import validate
from scorers.types import Status

HERE = Path(__file__).parent
DATA = str(HERE / "data")
TASK = Registry([HERE / "newtask.py"]).get("newtask")
ROW = {"id": "1", "question": "How many circles are there?", "answer": 3, "kind": "circles"}
EARNS = {"3": 1, "There are three circles.": 1, "<answer>4</answer>": 0}


def test_every_check_of_harness_validate_passes() -> None:
    findings = list(validate(TASK, load_rows(TASK, DATA, alone=True)))
    assert [finding for finding in findings if not finding.ok] == []


def test_what_responses_earn() -> None:
    assert {said: score(TASK, response=said, record=ROW).value for said in EARNS} == EARNS


def test_no_answer_is_unparsed() -> None:
    assert score(TASK, response="I cannot see them.", record=ROW).status is Status.UNPARSED


def test_an_evaluation(tmp_path: Path) -> None:
    plugin, out = [str(HERE / "newtask.py")], str(tmp_path / "run")
    results = evaluate("mock:text=3", tasks=["newtask"], task_file=plugin, data=DATA, out=out)
    assert results.exit_code == 0
    assert results.tasks["newtask"].score.value == 25  # one of the four example rows
