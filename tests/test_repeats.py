"""Several responses to each sample: pass@k, maj@K and consistency against closed forms, and in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import comb, isclose
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.config import build
from harness.errors import UsageError
from harness.run import execute
from harness.scores.beside import task_result
from harness.scores.further import further
from harness.scores.repeats import Vote, ballot, consistency, majority, pass_at, powers
from harness.scores.results import Repeats, TaskResult, read_results
from harness.scores.verdicts import Verdict, Verdicts
from harness.types import Request
from scorers.types import Score, Status
from tasks.types import Metric, Response, Task

CATEGORICAL: Mapping[str | None, float] = {"A": 0.4, "B": 0.3, "C": 0.2, None: 0.1}
"""What a model answers, None: nothing that can be parsed. A is right."""


def votes_of(answers: Sequence[str | None]) -> list[Vote]:
    return [(answer, float(answer == "A")) for answer in answers]


def enumerated(k: int) -> Iterator[tuple[float, Sequence[str | None]]]:
    """Every sequence of k answers with its probability."""
    for answers in product(CATEGORICAL, repeat=k):
        chance = 1.0
        for answer in answers:
            chance *= CATEGORICAL[answer]
        yield chance, answers


@pytest.mark.parametrize(("n", "k"), [(1, 1), (4, 1), (4, 2), (4, 4), (10, 4), (16, 8)])
@pytest.mark.parametrize("p", [0.0, 0.05, 0.3, 0.9, 1.0])
def test_pass_at_k_is_unbiased(n: int, k: int, p: float) -> None:
    """Over binomial counts of right responses the mean is exactly the chance that one of k is right."""
    expected = 0.0
    for right in range(n + 1):
        found = pass_at(k, [1.0] * right + [0.0] * (n - right))
        assert found is not None
        expected += comb(n, right) * p**right * (1 - p) ** (n - right) * found
    assert isclose(expected, 1 - (1 - p) ** k, abs_tol=1e-12)


def test_pass_at_k_by_hand() -> None:
    assert pass_at(2, [1, 0, 0, 0]) == 0.5
    assert pass_at(2, [0.5, 0.49, 0, 0]) == 0.5  # right from a half on
    assert pass_at(4, [1, 0, 0]) is None
    assert pass_at(3, [1, 1, 0, 0]) == 1.0


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_the_majority_over_a_categorical_is_that_of_its_multinomial(k: int) -> None:
    """Enumerating sequences of answers gives what the counts of the multinomial give."""
    found = sum(chance * majority(votes_of(answers)) for chance, answers in enumerated(k))
    names = list(CATEGORICAL)
    expected = 0.0
    for counts in product(range(k + 1), repeat=len(names)):
        if sum(counts) != k:
            continue
        chance, left = 1.0, k
        for name, count in zip(names, counts, strict=True):
            chance *= comb(left, count) * CATEGORICAL[name] ** count
            left -= count
        most = max(counts[:3])
        tied = [name for name, count in zip(names[:3], counts[:3], strict=True) if count == most]
        expected += chance * (("A" in tied) / len(tied) if most else 0.0)
    assert isclose(found, expected, abs_tol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_consistency_is_the_chance_that_two_answers_agree(k: int) -> None:
    found = 0.0
    for chance, answers in enumerated(k):
        share = consistency(votes_of(answers))
        assert share is not None
        found += chance * share
    assert isclose(found, 0.4**2 + 0.3**2 + 0.2**2, abs_tol=1e-12)


def test_votes_by_hand() -> None:
    assert majority(votes_of(["A", "A", "B"])) == 1.0
    assert majority(votes_of(["A", "B", None, None, None])) == 0.5  # what is not parsed does not vote
    assert majority([("x", 0.75), ("x", 0.25), ("y", 1.0)]) == 0.5
    assert majority([(None, 0.0), (None, 0.0)]) == 0.0
    assert consistency(votes_of(["A", "A", None])) == pytest.approx(1 / 3)
    assert consistency(votes_of([None, None])) == 0.0
    assert consistency(votes_of(["A"])) is None


def test_equal_answers_have_one_ballot() -> None:
    assert ballot("1,200") == ballot("1200.0") == ballot("1.2e3")
    assert ballot("The Cat.") == ballot("the cat")
    assert ballot("A") != ballot("B")
    assert ballot(None) is None


def test_the_k_of_pass_at_k() -> None:
    assert [list(powers(epochs)) for epochs in (2, 5, 8)] == [[1, 2], [1, 2, 4, 5], [1, 2, 4, 8]]


def verdicts(answers: Sequence[Sequence[str | Status | None]], **groups: Sequence[str]) -> Verdicts:
    """Samples with their answers by epoch; A is right, None unparsed."""
    found = []
    for position, epochs in enumerate(answers):
        mine = {name: given[position] for name, given in groups.items()}
        for epoch, answer in enumerate(epochs):
            if isinstance(answer, Status):
                score = Score(0.0, None, answer, error="gone")
            elif answer is None:
                score = Score(0.0, 0.0, Status.UNPARSED)
            else:
                score = Score(float(answer == "A"), 0.0, extracted=answer)
            found.append(Verdict(position, f"s{position}", epoch, mine, score))
    return Verdicts.of(found)


def repeats(task: Task, table: Verdicts) -> tuple[TaskResult, Repeats]:
    found = task_result(task, table, data="", fingerprint="", synthetic=False)
    assert found.repeats is not None
    return found, found.repeats


def test_of_a_task(fakes: ModuleType) -> None:
    found, several = repeats(
        fakes.LETTERS, verdicts([["A", "A", "B", None], ["B", "B", "B", "C"], ["A", "B", None, None]])
    )
    assert several.epochs == 4
    assert found.score.value == pytest.approx(100 * (0.5 + 0 + 0.25) / 3)
    assert {k: each.value for k, each in several.pass_at.items()} == {
        1: found.score.value,
        2: pytest.approx(100 * (5 / 6 + 0 + 1 / 2) / 3),
        4: pytest.approx(100 * 2 / 3),
    }
    assert several.majority.value == pytest.approx(100 * (1 + 0 + 0.5) / 3)
    assert several.consistency.value == pytest.approx(100 * (1 / 6 + 3 / 6 + 0) / 3)
    assert all(each.n == 3 for each in (*several.pass_at.values(), several.majority, several.consistency))
    assert several.majority.low is not None


def test_failed_responses_are_excluded(fakes: ModuleType) -> None:
    """pass@k wants k responses with a verdict, maj@K all of them, consistency two."""
    gone = Status.FAILED
    _, several = repeats(
        fakes.LETTERS,
        verdicts([["A", "A", gone, gone], ["A", gone, gone, gone], ["B"] * 4, [gone] * 4]),
    )
    assert {k: each.n for k, each in several.pass_at.items()} == {1: 3, 2: 2, 4: 1}
    assert several.pass_at[4].value == 0.0
    assert (several.majority.n, several.majority.value) == (1, 0.0)
    assert (several.consistency.n, several.consistency.value) == (2, 100.0)


def test_a_circular_score_counts_groups(fakes: ModuleType) -> None:
    """A group passes an epoch where all of its members do; its majority where all of theirs are right."""
    table = verdicts(
        [["A", "B"], ["A", "A"], ["A", "A"], ["A", "A"], ["A", "B"], ["A", "B"]],
        pair=["p", "p", "q", "q", "r", "r"],
    )
    found, several = repeats(fakes.TWINS, table)
    assert found.score.value == pytest.approx(100 * (0.5 + 1 + 0.5) / 3)
    assert several.pass_at[1].value == pytest.approx(found.score.value)
    assert several.pass_at[2].value == 100.0
    assert several.pass_at[2].n == several.majority.n == 3
    assert several.majority.value == pytest.approx(100 * (0.5 + 1 + 0.25) / 3)
    assert several.consistency.n == 6


def test_a_macro_score_stays_one(fakes: ModuleType) -> None:
    task = fakes.task("macro", metrics=(Metric("macro", reduce="macro", by="kind", headline=True),))
    found, several = repeats(task, verdicts([["A", "B"], ["A", "B"], ["B", "B"]], kind=["big", "big", "small"]))
    assert found.score.value == 25.0
    assert several.pass_at[2].value == 50.0


def test_clusters_widen_the_intervals(fakes: ModuleType) -> None:
    answers = [["A", "A"] if place % 4 < 2 else ["B", "C"] for place in range(40)]
    pages = [f"p{place % 4}" for place in range(40)]
    _, apart = repeats(fakes.LETTERS, verdicts(answers, page=pages))
    _, joined = repeats(fakes.task("pages", cluster="page"), verdicts(answers, page=pages))
    for wide, narrow in (
        (joined.pass_at[2], apart.pass_at[2]),
        (joined.majority, apart.majority),
        (joined.consistency, apart.consistency),
    ):
        assert wide.value == narrow.value == 50.0
        assert wide.low is not None
        assert narrow.low is not None
        assert wide.low < narrow.low - 10


def test_places_are_not_voted_on(fakes: ModuleType) -> None:
    _, several = repeats(fakes.SPOTS, verdicts([["A", "A"], ["A", "B"]]))
    assert several.pass_at[2].value == 100.0
    assert (several.majority.value, several.consistency.n) == (None, 0)


def test_one_response_to_each_sample_has_no_repeats(fakes: ModuleType) -> None:
    found = task_result(fakes.LETTERS, verdicts([["A"], ["B"]]), data="", fingerprint="", synthetic=False)
    assert found.repeats is None


# --- Runs -----------------------------------------------------------------------------------------------------


class Fickle:
    """Answers A in even epochs: its seeds differ."""

    name, coords = "fickle", None

    def __init__(self) -> None:
        self.count = 0

    def describe(self) -> dict[str, Any]:
        return {"model": "fickle"}

    def generate(self, requests: Iterator[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            epoch = int(request.key.split("\x1f")[2])
            yield request, Response("AB"[epoch % 2])

    def close(self) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType) -> dict[str, Any]:
    fakes.write(tmp_path / "data", "letters", [fakes.row(number) for number in range(6)])
    where = {"data": str(tmp_path / "data"), "out": str(tmp_path / "run")}
    return {"tasks": "letters", "task_file": str(fakes.__file__), **where}


def test_a_run_keeps_and_shows_them(data: dict[str, Any]) -> None:
    found = execute(build({**data, "epochs": 4, "temperature": 0.7}), backend=Fickle())
    several = found.tasks["letters"].repeats
    assert several is not None
    assert (several.pass_at[1].value, several.pass_at[4].value) == (50.0, 100.0)
    assert several.consistency.value == pytest.approx(100 / 3)
    assert read_results(Path(data["out"])).tasks["letters"].repeats == several
    lines = list(further(found))
    assert max(map(len, lines)) <= 80
    assert "mean@4" in lines[1]
    assert "letters" in lines[3]
    assert list(further(execute(build({**data, "fresh": True, "limit": 2}), backend=Fickle()))) == []


def test_the_report_has_a_section_of_its_own(data: dict[str, Any]) -> None:
    execute(build({**data, "epochs": 4, "temperature": 0.7}), backend=Fickle())
    out = Path(data["out"]).with_name("page.html")
    assert main(["report", data["out"], "-o", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert "4 responses to each sample" in page
    assert '<th scope="col">pass@4</th>' in page
    execute(build({**data, "fresh": True}), backend=Fickle())
    assert main(["report", data["out"], "-o", str(out)]) == 0
    assert "responses to each sample" not in out.read_text(encoding="utf-8")


def test_greedy_decoding_is_refused(data: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--{name.replace('_', '-')}={value}" for name, value in data.items()]
    assert main(["eval", "--model", "mock", *words, "--epochs", "4"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--epochs 4 with greedy decoding gives 4 equal answers" in line
    assert "--temperature" in line
    assert not Path(data["out"]).exists()


def test_a_checkpoint_that_wants_greedy_decoding_is_asked_once(data: dict[str, Any]) -> None:
    class Greedy(Fickle):
        def describe(self) -> dict[str, Any]:
            return super().describe() | {"generation": {"source": "checkpoint", "temperature": 0.0}}

    config = {**data, "generation": "checkpoint"}
    with pytest.raises(UsageError, match="greedy decoding, which the checkpoint asks for, gives 4"):
        execute(build({**config, "epochs": 4}), backend=Greedy())
    assert execute(build(config), backend=Greedy()).exit_code == 0


@pytest.mark.parametrize(
    ("settings", "greedy"),
    [
        ({}, True),
        ({"temperature": 0.5}, False),
        ({"generation": "checkpoint"}, False),
        ({"omit": ("temperature",)}, False),
        ({"extra_body": {"temperature": 0.8}}, False),
        ({"temperature": 0.5, "extra_body": {"temperature": 0}}, True),
    ],
    ids=str,
)
def test_what_is_greedy(settings: dict[str, Any], greedy: bool) -> None:
    assert build({"model": "m", **settings}).greedy is greedy


def test_the_python_api_refuses_it_too(data: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="greedy"):
        execute(build({**data, "epochs": 2}), backend=Fickle())
