"""Metrics by hand: circular, macro, breakdowns, ranges, partings, category means, the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.scores.aggregate import category_results, overall, run_results, task_result
from harness.scores.results import TaskResult
from harness.scores.stats import Estimate
from harness.scores.table import interval, lines, number, percent
from harness.scores.verdicts import Verdict, Verdicts
from scorers.types import Score, ScorerError, Status
from tasks.types import Metric, Task


def verdict(position: int, score: Score | float | Status, *, epoch: int = 0, **groups: Any) -> Verdict:
    if isinstance(score, Status):
        bad = score in (Status.FAILED, Status.ERROR)
        score = Score(0.0, None, score, error="gone" if bad else None)
    elif not isinstance(score, Score):
        score = Score(score, score)
    return Verdict(position, f"s{position}", epoch, groups, score, 100, 10)


def result(task: Task, verdicts: Sequence[Verdict], synthetic: bool = False) -> TaskResult:
    return task_result(task, Verdicts.of(verdicts), data="here", fingerprint="f", synthetic=synthetic)


def value(estimate: Any) -> float | None:
    assert isinstance(estimate, Estimate)
    return estimate.value


@pytest.mark.parametrize(
    ("groups", "circular", "vanilla", "n"),
    [
        ({"p": [1, 1, 1, 1]}, 100, 100, 1),
        ({"p": [1, 1, 0, 1]}, 0, 75, 1),
        ({"p": [0, 0, 0, 0]}, 0, 0, 1),
        ({"p": [1, 1], "q": [1, 0]}, 50, 75, 2),
        ({"p": [1], "q": [1, 0, 1]}, 50, 75, 2),
        ({"p": [1, Status.UNPARSED], "q": [1]}, 50, 200 / 3, 2),
        ({"p": [1, Status.TRUNCATED], "q": [1]}, 50, 200 / 3, 2),
        ({"p": [1, Status.FAILED], "q": [1, 0]}, 0, 50, 1),
        ({"p": [1, Status.ERROR], "q": [1, 1]}, 100, 100, 1),
        ({"p": [0, Status.FAILED], "q": [1, 1]}, 100, 100, 1),
        ({"p": [Status.FAILED]}, None, None, 0),
    ],
    ids=str,
)
def test_circular(
    fakes: ModuleType, groups: dict[str, list[Any]], circular: float | None, vanilla: float | None, n: int
) -> None:
    verdicts = []
    for pair, scores in groups.items():
        for score in scores:
            given = score if isinstance(score, Status) else float(score)
            verdicts.append(verdict(len(verdicts), given, pair=pair))
    found = result(fakes.TWINS, verdicts)
    assert found.score.value == (None if circular is None else pytest.approx(circular))
    assert found.score.n == n
    assert value(found.metrics["vanilla"]) == (None if vanilla is None else pytest.approx(vanilla))


def test_circular_over_epochs_is_per_epoch(fakes: ModuleType) -> None:
    verdicts = [
        verdict(0, 1.0, epoch=0, pair="p"),
        verdict(1, 1.0, epoch=0, pair="p"),
        verdict(0, 1.0, epoch=1, pair="p"),
        verdict(1, 0.0, epoch=1, pair="p"),
    ]
    assert result(fakes.TWINS, verdicts).score.value == 50.0


def test_a_range_counts_what_has_no_answer(fakes: ModuleType) -> None:
    verdicts = [
        verdict(0, 1.0),
        verdict(1, 0.0),
        verdict(2, Status.UNPARSED),
        verdict(3, Status.TRUNCATED),
        verdict(4, Status.FAILED),
        verdict(5, Status.ERROR),
        verdict(6, Status.FILTERED),
    ]
    found = result(fakes.LETTERS, verdicts)
    assert (found.counted, found.unparsed, found.truncated, found.failed, found.error) == (5, 1, 1, 1, 1)
    assert found.share("filtered") == pytest.approx(1 / 7)
    assert found.score.value == 20.0
    assert found.low == pytest.approx(100 / 7)
    assert found.high == pytest.approx(600 / 7)


def test_partings_in_each_direction(fakes: ModuleType) -> None:
    scores = [Score(0, 1.0), Score(0.3, 0.8), Score(1, 0.0), Score(1, None), Score(0.6, 1.0), Score(0.0, 0.0)]
    found = result(fakes.LETTERS, [verdict(place, score) for place, score in enumerate(scores)])
    assert (found.loopholes, found.missed) == (2, 1)


def test_macro_by_hand(fakes: ModuleType) -> None:
    task = fakes.task("macro", metrics=(Metric("macro", reduce="macro", by="kind", headline=True),))
    verdicts = [verdict(place, 1.0, kind="big") for place in range(8)] + [verdict(8, 0.0, kind="small")]
    assert result(task, verdicts).score.value == 50.0


def test_breakdowns_with_several_groups_a_sample(fakes: ModuleType) -> None:
    task = fakes.task("skills", metrics=(Metric("all", headline=True), Metric("by skill", by="skills")))
    verdicts = [
        verdict(0, 1.0, skills=("algebra", "logic")),
        verdict(1, 0.0, skills=("logic",)),
        verdict(2, 1.0, skills=()),
    ]
    found = result(task, verdicts).metrics["by skill"]
    assert isinstance(found, dict)
    assert {name: (estimate.value, estimate.n) for name, estimate in found.items()} == {
        "algebra": (100.0, 1),
        "logic": (50.0, 2),
    }


def test_where_and_scale(fakes: ModuleType) -> None:
    metrics = (Metric("total", scale=1000, headline=True), Metric("odd", where=("kind", "odd"), scale=1))
    verdicts = [verdict(0, 1.0, kind="odd"), verdict(1, 0.0, kind="even"), verdict(2, 0.0, kind="odd")]
    found = result(fakes.task("scaled", metrics=metrics), verdicts)
    assert found.score.value == pytest.approx(1000 / 3)
    assert found.percent.value == pytest.approx(100 / 3)
    assert value(found.metrics["odd"]) == 0.5


def test_components_that_some_scores_have_not(fakes: ModuleType) -> None:
    task = fakes.task("parts", metrics=(Metric("all", headline=True), Metric("iou", of="iou")))
    verdicts = [
        verdict(0, Score(1, None, components={"iou": 0.5})),
        verdict(1, Score(1, None)),
        verdict(2, Status.TRUNCATED),
    ]
    found = result(task, verdicts).metrics["iou"]
    assert isinstance(found, Estimate)
    assert (found.value, found.n) == (25.0, 2)


def test_official_where_there_is_none(fakes: ModuleType) -> None:
    found = result(fakes.LETTERS, [verdict(0, Score(1, None)), verdict(1, Score(1, 1.0))]).metrics["official"]
    assert isinstance(found, Estimate)
    assert (found.value, found.n) == (100.0, 1)


def test_epochs_are_averaged_by_sample(fakes: ModuleType) -> None:
    verdicts = [verdict(place, float(epoch == 0), epoch=epoch) for place in range(6) for epoch in range(4)]
    found = result(fakes.LETTERS, verdicts)
    assert (found.score.value, found.score.n, found.responses) == (25.0, 6, 24)


def test_clusters_widen_the_interval(fakes: ModuleType) -> None:
    verdicts = [verdict(place, float(place % 4 < 2), page=f"p{place % 4}") for place in range(40)]
    apart = result(fakes.LETTERS, verdicts).score
    joined = result(fakes.task("pages", cluster="page"), verdicts).score
    assert apart.value == joined.value == 50.0
    assert apart.low is not None
    assert joined.low is not None
    assert joined.low < apart.low - 10


def test_labels(fakes: ModuleType) -> None:
    found = result(fakes.task("judged", judged=True), [verdict(0, 1.0)], synthetic=True)
    assert found.labels == ("synthetic data: not the benchmark", "no judge: not comparable to published")


def joined(extracted: Sequence[str]) -> float | None:
    """The number that the responses spell, those of an epoch one after the other."""
    if "bad" in extracted:
        raise ScorerError("joined: not digits")
    return float("".join(extracted)) if extracted else None


def whole(fakes: ModuleType, reduce: str, aggregate: Any) -> Task:
    metric = Metric("joined", of="digit", reduce=reduce, scale=1.0, headline=True, aggregate=aggregate)  # type: ignore[arg-type]
    found = fakes.task("whole", category="other", metrics=(metric,), labels=("in its own units",))
    assert isinstance(found, Task)
    return found


def digit(position: int, text: str, epoch: int = 0) -> Verdict:
    components = {"digit": float(text)} if text.isdigit() else {}
    return verdict(position, Score(0.0, None, extracted=text, components=components), epoch=epoch)


def test_a_number_of_all_responses_together_has_no_interval(fakes: ModuleType) -> None:
    task = whole(fakes, "whole", joined)
    found = result(
        task, [digit(0, "1"), verdict(1, Status.FAILED), digit(2, "2"), digit(0, "3", 1), digit(2, "4", 1)]
    )
    assert found.score == Estimate((12 + 34) / 2, None, None, 2)
    assert (found.low, found.high, found.labels) == (None, None, ("in its own units",))
    assert interval(found.score) == "–"


def test_a_mean_that_an_aggregation_makes_has_the_interval_of_that_mean(fakes: ModuleType) -> None:
    def mean(extracted: Sequence[str]) -> float:
        return sum(map(float, extracted)) / len(extracted)

    digits = [digit(0, "1"), digit(1, "0"), digit(2, "1"), digit(3, "1")]
    found = result(whole(fakes, "mean", mean), digits).score
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.3006, 0.9544), abs=1e-3)
    assert result(whole(fakes, "mean", joined), digits).score == Estimate(1011.0, None, None, 4)


def test_an_aggregation_that_fails_leaves_the_run_without_a_number(fakes: ModuleType, tmp_path: Path) -> None:
    found = result(whole(fakes, "whole", joined), [digit(0, "bad")])
    assert found.score.value is None
    assert found.errors == ("joined: not digits",)
    results = run_results({"whole": found}, failure_budget=0.5, model={}, seconds=1, run_dir=tmp_path)
    assert results.exit_code == 3


def test_tasks_outside_the_categories_enter_no_mean(fakes: ModuleType) -> None:
    foreign = result(whole(fakes, "whole", joined), [digit(0, "9")])
    own = named("ai2d", "chart", Estimate(50, 40, 60, 10))
    assert overall({"whole": foreign, "ai2d": own}).tasks == ("ai2d",)
    assert list(category_results({"whole": foreign, "ai2d": own})) == ["chart"]
    assert overall({"whole": foreign}).score.value is None


def named(name: str, category: str, score: Estimate, scale: float = 100) -> TaskResult:
    return TaskResult(
        name, category, "accuracy", scale, score, None, None, {}, 10, 10, 10, 0, 0, 0, 0, 0, 0, 1.0, 1.0
    )


def test_category_means_take_a_tenth_of_ocrbench() -> None:
    tasks = {
        "docvqa": named("docvqa", "document", Estimate(90.0, 88.0, 92.0, 100)),
        "ocrbench": named("ocrbench", "document", Estimate(800.0, 770.0, 830.0, 1000), 1000),
        "infovqa": named("infovqa", "document", Estimate(70.0, 66.0, 74.0, 100)),
    }
    found = category_results(tasks)["document"]
    assert found.score.value == pytest.approx(80.0)
    assert found.score.low == pytest.approx(80 - (2**2 + 3**2 + 4**2) ** 0.5 / 3)
    assert found.missing == ()
    assert overall(tasks).score.value == pytest.approx(80.0)
    assert len(overall(tasks).missing) == 15


def test_a_category_without_a_score_is_partial() -> None:
    tasks = {
        "docvqa": named("docvqa", "document", Estimate(90.0, 88.0, 92.0, 100)),
        "infovqa": named("infovqa", "document", Estimate(None, None, None, 0)),
    }
    found = category_results(tasks)["document"]
    assert found.score.value == 90.0
    assert (found.tasks, found.missing) == (("docvqa",), ("infovqa", "ocrbench"))


def test_the_table_fits_80_columns(fakes: ModuleType) -> None:
    tasks = {
        "docvqa": named("docvqa", "document", Estimate(100.0, 100.0, 100.0, 1_000_000)),
        "ocrbench": named("ocrbench", "document", Estimate(1000.0, 1000.0, 1000.0, 1000), 1000),
        "a_task_of_a_very_long_name": named("x" * 40, "math", Estimate(None, None, None, 0)),
        "broken": result(fakes.task("broken", judged=True), [verdict(0, Status.FAILED)] * 3, synthetic=True),
        **{f"t{place}": result(fakes.task(f"t{place}", judged=True), [verdict(0, 1.0)]) for place in range(18)},
    }
    results = run_results(tasks, failure_budget=0.01, model={}, seconds=1.0, run_dir=None)
    text = list(lines(results))
    assert max(map(len, text)) == 80
    whole = " ".join(text)
    for said in (
        "Synthetic data",
        "No judge",
        "1000 – 1000",
        "exit 3",
        "3 failed of 3; first: gone",
    ):
        assert said in " ".join(whole.split())


def test_numbers_of_the_table() -> None:
    assert number(None) == "–"
    assert number(0.04) == "0.0"
    assert interval(Estimate(None, None, None, 0)) == "–"
    assert interval(Estimate(5.0, 1.25, 9.87, 3)) == "1.2 – 9.9"
    assert [percent(share) for share in (0, 0.0001, 0.0123, 1)] == ["0 %", "<0.1 %", "1.2 %", "100.0 %"]
