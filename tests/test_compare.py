"""Two runs compared: what is paired, what is refused, and the numbers by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import harness
from harness.compare.comparison import Comparison, as_json, changes, doubts
from harness.compare.pairing import read_side
from harness.compare.runs import compare_runs, compare_sides, compare_with
from harness.compare.statistics import holm, mcnemar
from harness.compare.table import mismatch_notes, prompts_note
from harness.errors import HarnessError, UsageError
from harness.run import rescore
from harness.scores.stats import paired_interval

Rows = Sequence[Mapping[str, Any]]
Compare = Callable[..., Comparison]


@pytest.fixture
def compare(tmp_path: Path, hand_runs: ModuleType) -> Compare:
    """Writes two runs, A and B, and compares them."""

    def made(a: Mapping[str, Rows], b: Mapping[str, Rows], **more: Any) -> Comparison:
        options = {letter: {k[2:]: v for k, v in more.items() if k.startswith(f"{letter}_")} for letter in "ab"}
        hand_runs.write_run(tmp_path / "A", a, **options["a"])
        hand_runs.write_run(tmp_path / "B", b, **options["b"])
        allow = more.get("allow_mismatch", False)
        return compare_runs(tmp_path / "A", tmp_path / "B", allow_mismatch=allow)

    return made


@pytest.fixture
def row(hand_runs: ModuleType) -> Callable[..., dict[str, Any]]:
    return hand_runs.row


@pytest.fixture
def sample(hand_runs: ModuleType) -> Callable[..., dict[str, Any]]:
    return hand_runs.sample


def rows(make: Any, scores: Sequence[float | None]) -> Rows:
    return [make(f"s{place}", score) for place, score in enumerate(scores)]


def test_right_and_wrong_by_hand(compare: Compare, row: Any) -> None:
    a, b = [1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 1, 1, 1, 0, 0]
    found = compare({"mmstar": rows(row, a)}, {"mmstar": rows(row, b)}).tasks["mmstar"]
    assert (found.n, found.a, found.b) == (8, 37.5, 62.5)
    assert (found.both_right, found.only_a, found.only_b, found.both_wrong) == (2, 1, 3, 2)
    assert (found.flips_a, found.flips_b) == (("s2",), ("s3", "s4", "s5"))
    assert found.test == "McNemar"
    assert found.p == found.mcnemar == found.p_adjusted == mcnemar(1, 3)
    closed = paired_interval([float(x) for x in b], [float(x) for x in a]).scaled(100)
    assert found.difference == closed
    assert found.difference.value == 25.0
    assert found.bootstrap.value == 25.0
    assert found.bootstrap.low == pytest.approx(closed.low, abs=10)
    assert found.visible is not None


def test_samples_are_paired_by_id_not_by_place(compare: Compare, row: Any) -> None:
    a = rows(row, [1, 0, 1, 0, 1])
    found = compare({"mmstar": a}, {"mmstar": a[::-1]}).tasks["mmstar"]
    assert (found.both_right, found.only_a, found.only_b, found.both_wrong) == (3, 0, 0, 2)


def test_a_sample_without_a_verdict_leaves_its_pair(compare: Compare, row: Any) -> None:
    a, b = rows(row, [1, None, 1, 0]), rows(row, [1, 1, None, 1])
    found = compare({"mmstar": a}, {"mmstar": b}).tasks["mmstar"]
    assert (found.n, found.a, found.b, found.unanswered) == (2, 50.0, 100.0, 2)


def test_samples_that_only_one_run_has(compare: Compare, row: Any) -> None:
    a = rows(row, [1, 0, 1, 0, 1])
    found = compare({"mmstar": a}, {"mmstar": [*a[:3], row("more", 1)]})
    task = found.tasks["mmstar"]
    assert (task.n, task.only_in_a, task.only_in_b) == (3, ("s3", "s4"), ("more",))
    assert (task.shared, task.unanswered) == (3, 0)


def test_epochs_are_averaged_by_sample(compare: Compare, sample: Any) -> None:
    a = [sample("x", 1, 0, 1, 1), sample("y", 0, 0, 0, None)]
    b = [sample("x", 0, 0, 1, 0), sample("y", 1, 1, 1, 1)]
    found = compare({"mmstar": a}, {"mmstar": b}, a_epochs=4, b_epochs=4).tasks["mmstar"]
    assert (found.n, found.a, found.b, found.only_a, found.only_b) == (2, 37.5, 62.5, 1, 1)
    assert found.test == "t"


def test_circular_groups_are_the_pairs(compare: Compare, row: Any) -> None:
    def turns(scores: Sequence[Sequence[float | None]]) -> Rows:
        return [
            row(f"{place}-{turn}", score, question=f"q{place}")
            for place, members in enumerate(scores)
            for turn, score in enumerate(members)
        ]

    a = turns([[1, 1], [1, 0], [1, 1], [None, 1]])
    b = turns([[1, 1], [1, 1], [0, 1], [1, 1]])
    found = compare({"mmbench": a}, {"mmbench": b}).tasks["mmbench"]
    assert (found.n, found.both_right, found.only_a, found.only_b) == (3, 1, 1, 1)
    assert (found.flips_a, found.flips_b) == (("q2",), ("q1",))
    assert found.unanswered == 1


def test_a_group_with_a_member_in_one_run_only_is_not_paired(compare: Compare, row: Any) -> None:
    a = [row("0", 1, question="q0"), row("1", 0, question="q0"), row("2", 1, question="q1")]
    found = compare({"mmbench": a}, {"mmbench": [a[0], a[2]]}).tasks["mmbench"]
    assert (found.n, found.both_right) == (1, 1)


def test_graded_scores_with_clusters(compare: Compare, row: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(60), rng.random(60)
    pages = [f"page {place // 3}" for place in range(60)]
    made = [
        [row(f"s{place}", float(score), document=pages[place]) for place, score in enumerate(scores)]
        for scores in (a, b)
    ]
    found = compare({"docvqa": made[0]}, {"docvqa": made[1]}).tasks["docvqa"]
    assert found.difference == paired_interval(b.tolist(), a.tolist(), pages).scaled(100)
    assert found.only_a == int(((a >= 0.5) & (b < 0.5)).sum())
    assert found.test == "t"
    assert found.p != found.mcnemar
    low, high = found.bootstrap.low, found.bootstrap.high
    assert (low, high) == pytest.approx((found.difference.low, found.difference.high), abs=1.5)


def test_macro_means_weigh_groups_alike(compare: Compare, row: Any) -> None:
    def made(scores: Sequence[float]) -> Rows:
        kinds = ["human"] * 6 + ["augmented"] * 2
        return [row(f"s{i}", score, type=kinds[i], chart=f"c{i}") for i, score in enumerate(scores)]

    found = compare(
        {"chartqa": made([1, 1, 1, 0, 0, 0, 1, 0])}, {"chartqa": made([1, 1, 1, 1, 1, 1, 0, 0])}
    ).tasks["chartqa"]
    assert (found.a, found.b, found.difference.value) == (50.0, 50.0, 0.0)
    assert (found.n, found.only_a, found.only_b, found.test) == (8, 1, 3, "t")


def test_holm_over_the_tasks_and_plain_means(compare: Compare, row: Any) -> None:
    a = {name: rows(row, [0] * 12) for name in ("mmmu", "mmstar", "charxiv")}
    b = {
        "mmmu": rows(row, [1] * 8 + [0] * 4),
        "mmstar": rows(row, [1] * 6 + [0] * 6),
        "charxiv": rows(row, [1] + [0] * 11),
    }
    found = compare(a, b)
    p_values = [task.p for task in found.tasks.values()]
    assert [task.p_adjusted for task in found.tasks.values()] == pytest.approx(holm(p_values))
    general = found.categories["general_vqa"]
    assert (general.tasks, general.missing) == (("mmmu", "mmstar"), ("mmbench",))
    assert general.difference.value == pytest.approx((800 / 12 + 50) / 2)
    assert (general.a, general.b) == (0.0, pytest.approx((800 / 12 + 50) / 2))
    assert list(found.categories) == ["general_vqa", "chart"]
    overall = found.overall
    assert overall.difference.value == pytest.approx((800 / 12 + 50 + 100 / 12) / 3)
    assert len(overall.missing) == 15
    for mean in (general, overall):
        ends = mean.difference.low, mean.difference.high
        assert (mean.bootstrap.low, mean.bootstrap.high) == pytest.approx(ends, abs=3)
        assert mean.visible is not None


def test_ocrbench_is_in_points_like_the_others(compare: Compare, row: Any) -> None:
    found = compare({"ocrbench": rows(row, [0, 0, 0, 0])}, {"ocrbench": rows(row, [1, 0, 0, 0])})
    assert found.tasks["ocrbench"].difference.value == 25.0


def test_the_same_run_twice_does_not_differ(compare: Compare, row: Any) -> None:
    a = {"mmmu": rows(row, [1, 0, 1, 1]), "docvqa": rows(row, [0.3, 0.8])}
    found = compare(a, a)
    assert found.overall.difference.value == 0.0
    assert changes(found) == changes(found, better=True) == []
    assert {task.p_adjusted for task in found.tasks.values()} == {1.0}


# What is refused


def changed(made: Rows, place: int, **more: Any) -> Rows:
    return [{**one, **(more if at == place else {})} for at, one in enumerate(made)]


@pytest.mark.parametrize(
    ("more", "options", "why"),
    [
        ({}, {"b_fingerprint": "e" * 64}, "the data differ (fingerprints ffffffffffff and eeeeeeeeeeee)"),
        ({"image_sha": "x"}, {}, "the images of 1 of 4 shared samples differ"),
        ({}, {"b_scorer": "v2"}, "the scorers' versions differ (to fix it: harness score "),
    ],
)
def test_other_data_images_or_scorers_are_refused(
    compare: Compare, row: Any, more: dict[str, Any], options: dict[str, Any], why: str
) -> None:
    made = rows(row, [1, 0, 1, 1])
    with pytest.raises(UsageError) as caught:
        compare({"mmmu": made}, {"mmmu": changed(made, 2, **more)}, **options)
    assert f"mmmu: {why}" in str(caught.value) or why in str(caught.value)
    assert "--allow-mismatch" in str(caught.value)
    assert "\n" not in str(caught.value)
    found = compare({"mmmu": made}, {"mmmu": changed(made, 2, **more)}, allow_mismatch=True, **options)
    assert why in found.mismatches[0].why
    paired = 3 if "image_sha" in more else 4
    assert (found.tasks["mmmu"].n, found.tasks["mmmu"].mismatched) == (paired, 4 - paired)


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({}, "Different prompts: mmmu. Questions"),
        ({"a_prompt": "direct", "b_prompt": "think"}, "Different prompts (direct in A and think in B): mmmu."),
        (
            {"a_coords": "abs", "b_coords": "norm1"},
            "Different prompts (coordinates abs in A and norm1 in B): mmmu.",
        ),
    ],
)
def test_other_prompts_are_compared_and_named(
    compare: Compare, row: Any, options: dict[str, Any], note: str
) -> None:
    made = rows(row, [1, 0, 1, 1])
    found = compare({"mmmu": made}, {"mmmu": changed(made, 2, prompt_sha="x")}, **options)
    assert found.mismatches == ()
    assert [(each.task, each.samples) for each in found.prompts] == [("mmmu", 1)]
    assert found.tasks["mmmu"].n == 4
    assert prompts_note(found).startswith(note)
    assert doubts(found) == []


def test_tasks_of_the_same_data_are_compared_where_others_are_not(compare: Compare, row: Any) -> None:
    made = rows(row, [1, 0, 1, 1])
    other = changed(made, 2, image_sha="x")
    found = compare({"mmmu": made, "ai2d": made}, {"mmmu": made, "ai2d": other})
    assert list(found.tasks) == ["mmmu"]
    [note] = mismatch_notes(found)
    assert note == "Not compared, and in no mean: ai2d: the images of 1 of 4 shared samples differ."
    assert doubts(found) == ["ai2d: not compared: the images of 1 of 4 shared samples differ"]
    assert found.overall.tasks == ("mmmu",)


def test_several_runs_are_compared_with_one_baseline(tmp_path: Path, hand_runs: ModuleType, row: Any) -> None:
    paths = []
    for place, scores in enumerate(([1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0])):
        paths.append(hand_runs.write_run(tmp_path / f"run{place}", {"mmmu": rows(row, scores)}))
    found = compare_with(paths[0], paths[1:])
    assert [each.overall.difference.value for each in found] == [25.0, -50.0]
    assert found == [compare_runs(paths[0], path) for path in paths[1:]]


def test_only_the_run_of_another_scorer_is_to_be_scored_again(compare: Compare, row: Any) -> None:
    from harness.registry import Registry
    from harness.scores.scoring import scorer_version

    now = scorer_version(Registry().get("mmmu"))
    made = rows(row, [1, 0])
    with pytest.raises(UsageError, match=r"\(to fix it: harness score \S+/A\);"):
        compare({"mmmu": made}, {"mmmu": made}, b_scorer=now)


@pytest.mark.parametrize("more", [{"question": "Another?"}, {"choices": ["x"]}, {"target": {"answer": 2}}])
def test_another_question_is_never_paired(compare: Compare, row: Any, more: dict[str, Any]) -> None:
    made = rows(row, [1, 0, 1, 1])
    found = compare(
        {"mmmu": made}, {"mmmu": changed(made, 0, prompt_sha="x", **more)}, allow_mismatch=True
    ).tasks["mmmu"]
    assert (found.n, found.mismatched) == (3, 1)


def test_every_task_that_differs_is_counted(compare: Compare, row: Any) -> None:
    made = rows(row, [1, 0])
    with pytest.raises(UsageError, match=r"mmmu: the data differ.*, and 2 more tasks likewise"):
        compare(
            dict.fromkeys(("mmmu", "docvqa", "mmstar"), made),
            dict.fromkeys(("mmmu", "docvqa", "mmstar"), made),
            b_fingerprint="e" * 64,
        )


def test_runs_without_a_common_task_or_sample(compare: Compare, row: Any) -> None:
    with pytest.raises(UsageError, match="no task is in both: mmmu and docvqa"):
        compare({"mmmu": rows(row, [1])}, {"docvqa": rows(row, [1])})
    with pytest.raises(UsageError, match="mmmu: no sample is in both runs"):
        compare({"mmmu": [row("x", 1)]}, {"mmmu": [row("y", 1)]})
    found = compare({"mmmu": [row("x", 1)]}, {"mmmu": [row("y", 1)]}, allow_mismatch=True)
    assert found.tasks["mmmu"].n == 0
    assert found.overall.difference.value is None
    assert doubts(found) == ["mmmu: no sample could be paired"]


def test_a_folder_that_is_no_run(tmp_path: Path, compare: Compare, row: Any) -> None:
    compare({"mmmu": rows(row, [1])}, {"mmmu": rows(row, [1])})
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="not a run"):
            compare_runs(tmp_path / "A", folder)


def test_broken_files_are_named(tmp_path: Path, compare: Compare, row: Any) -> None:
    compare({"mmmu": rows(row, [1, 1])}, {"mmmu": rows(row, [1, 1])})
    scores = tmp_path / "B" / "scores" / "mmmu.jsonl"
    scores.write_text('["no verdict"]\n', encoding="utf-8")
    with pytest.raises(HarnessError, match=r"mmmu\.jsonl:1: broken"):
        compare_runs(tmp_path / "A", tmp_path / "B")
    scores.write_text('{"id": "s0"}\n', encoding="utf-8")
    with pytest.raises(HarnessError, match="mmmu: not as this version writes it"):
        compare_runs(tmp_path / "A", tmp_path / "B")
    for value in ("NaN", '"much"', "null"):
        scores.write_text(
            f'{{"id": "s0", "epoch": 0, "value": {value}, "official": null, "status": "ok", "scorer": "v1"}}\n',
            encoding="utf-8",
        )
        with pytest.raises(HarnessError, match="mmmu: not as this version writes it"):
            compare_runs(tmp_path / "A", tmp_path / "B")
    scores.unlink()
    with pytest.raises(HarnessError, match="harness score"):
        compare_runs(tmp_path / "A", tmp_path / "B")


@pytest.mark.parametrize("key", ["config", "tasks", "coords"])
def test_a_broken_run_json_is_named(tmp_path: Path, compare: Compare, row: Any, key: str) -> None:
    compare({"mmmu": rows(row, [1])}, {"mmmu": rows(row, [1])})
    path = tmp_path / "B" / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content[key]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"run\.json|mmmu: not as this"):
        compare_runs(tmp_path / "A", tmp_path / "B")


# Partial runs and real ones


def evaluated(path: Path, text: str = "A", **more: Any) -> Path:
    tasks = more.pop("tasks", "mmstar,mmbench,docvqa")
    harness.evaluate(f"mock:text={text}", tasks=tasks, data="synthetic", out=str(path), images=False, **more)
    return path


def test_what_only_the_baseline_has_leaves_the_question_open(tmp_path: Path) -> None:
    """A candidate that was asked less must not pass a gate for it."""
    a = evaluated(tmp_path / "a", tasks="mmstar,ai2d", limit=12)
    b = evaluated(tmp_path / "b", tasks="mmstar", limit=6)
    found = compare_runs(a, b)
    assert found.tasks["mmstar"].n == 6
    assert doubts(found) == ["not in B: ai2d", "mmstar: 6 of A's 12 samples are not in B"]
    assert doubts(compare_runs(b, a)) == [], "a candidate that was asked more is no worse known"


def test_a_partial_run_is_compared_on_what_it_has(tmp_path: Path) -> None:
    a, b = evaluated(tmp_path / "a", limit=12), evaluated(tmp_path / "b", "B", limit=12)
    whole = compare_runs(a, b)
    assert not whole.partial
    journal = b / "samples" / "mmstar.jsonl"
    kept = journal.read_text(encoding="utf-8").splitlines(keepends=True)[:5]
    journal.write_text("".join(kept), encoding="utf-8")
    (b / "results.json").unlink()
    found = compare_runs(a, b)
    assert found.partial
    assert (found.b.complete, found.b.missing, found.a.complete) == (False, 7, True)
    assert (found.tasks["mmstar"].n, found.tasks["mmstar"].unanswered) == (5, 7)
    assert found.tasks["mmbench"] == whole.tasks["mmbench"]
    assert "B is not complete: 7 responses are missing" in doubts(found)
    assert not (b / "results.json").exists()


def test_scores_agree_with_the_runs_own(tmp_path: Path) -> None:
    """On all samples of complete runs, A's and B's numbers are those of their results."""
    tasks = "mmmu,mmbench,mathverse,chartqa,docvqa,ocrbench,robospatial,refcoco"
    a = evaluated(tmp_path / "a", "B", limit=40, tasks=tasks, coords="norm1000")
    b = evaluated(tmp_path / "b", "yes", limit=40, tasks=tasks, coords="norm1000")
    found = compare_runs(a, b)
    assert found.synthetic
    for side, letter in ((a, "a"), (b, "b")):
        results = rescore(side).results
        for name, task in results.tasks.items():
            assert getattr(found.tasks[name], letter) == pytest.approx(task.percent.value), name
            assert found.tasks[name].n == task.score.n
        assert getattr(found.overall, letter) == pytest.approx(results.mean.score.value)


def test_more_samples_of_the_same_data_are_still_comparable(tmp_path: Path) -> None:
    a, b = evaluated(tmp_path / "a", limit=6), evaluated(tmp_path / "b", limit=9)
    found = compare_runs(a, b)
    assert found.mismatches == ()
    assert found.tasks["mmstar"].n == 6
    assert len(found.tasks["mmstar"].only_in_b) == 3


# What counts as a change


def drawn(row: Any, n: int, only_a: int, only_b: int) -> tuple[Rows, Rows]:
    a = [1.0] * only_a + [0.0] * only_b + [1.0, 0.0] * ((n - only_a - only_b) // 2)
    b = [0.0] * only_a + [1.0] * only_b + [1.0, 0.0] * ((n - only_a - only_b) // 2)
    return rows(row, a), rows(row, b)


def test_changes_and_margin(compare: Compare, row: Any) -> None:
    worse, equal = drawn(row, 200, 40, 8), drawn(row, 200, 10, 10)
    names = ("mmmu", "charxiv")
    found = compare(*[dict(zip(names, pair, strict=True)) for pair in zip(worse, equal, strict=True)])
    assert found.tasks["mmmu"].difference.value == -16.0
    assert {(change.kind, change.name) for change in changes(found)} == {
        ("task", "mmmu"),
        ("category", "general_vqa"),
        ("overall", "all"),
    }
    assert changes(found, better=True) == []
    high = found.tasks["mmmu"].difference.high
    assert high is not None
    kinds = {change.kind for change in changes(found, -high - 1.5)}
    assert "task" in kinds
    assert changes(found, -high + 0.01) == []


def test_a_change_is_never_one_that_the_table_does_not_show(compare: Compare, row: Any) -> None:
    """Close calls: a change has an interval without 0 and an adjusted p of at most 0.05."""
    seen = set()
    for only_a in range(6, 30, 2):
        a, b = drawn(row, 100, only_a, 6)
        found = compare({"mmmu": a}, {"mmmu": b}).tasks["mmmu"]
        whole = compare({"mmmu": a}, {"mmmu": b})
        named = any(change.kind == "task" for change in changes(whole))
        seen.add(named)
        assert found.difference.high is not None
        assert named == (found.p_adjusted <= 0.05 and found.difference.high < 0)
    assert seen == {True, False}


def test_many_tasks_need_more(compare: Compare, row: Any) -> None:
    """One task of 18 at p 0.02 is no alarm; alone it is one."""
    worse, equal = drawn(row, 100, 16, 4), drawn(row, 100, 6, 6)
    names = ["mmmu", "mmstar", "mathvista", "mathvision", "charxiv", "ocrbench", "embspatial"]
    many = [dict(zip(names, [pair[0]] + [pair[1]] * 6, strict=True)) for pair in zip(worse, equal, strict=True)]
    found = compare(*many)
    assert 0.01 < found.tasks["mmmu"].p < 0.05 < found.tasks["mmmu"].p_adjusted
    assert "task" not in {change.kind for change in changes(found)}
    alone = compare({"mmmu": worse[0]}, {"mmmu": worse[1]})
    assert "task" in {change.kind for change in changes(alone)}


def test_json_is_plain_and_complete(compare: Compare, row: Any) -> None:
    a, b = drawn(row, 30, 5, 2)
    text = json.dumps(as_json(compare({"mmmu": a}, {"mmmu": b})), allow_nan=False)
    found = json.loads(text)
    assert found["tasks"]["mmmu"]["flips_b"] == ["s5", "s6"]
    assert "spread" not in text


def test_the_bootstrap_may_be_left_out(tmp_path: Path, compare: Compare, row: Any) -> None:
    a, b = drawn(row, 30, 5, 2)
    whole = compare({"mmmu": a}, {"mmmu": b})
    sides = read_side(tmp_path / "A"), read_side(tmp_path / "B")
    bare = compare_sides(*sides, repeats=0)
    assert bare.tasks["mmmu"].bootstrap.value is None
    assert bare.overall.bootstrap.value is None
    same = replace(bare.tasks["mmmu"], bootstrap=whole.tasks["mmmu"].bootstrap)
    assert same == whole.tasks["mmmu"]


# How often the gate fires, drawn


def gate_rates(n: int, deltas: Sequence[float], margin: float = 0.0) -> dict[str, float]:
    path = Path(__file__).parents[1] / "benchmarks" / "gate.py"
    spec = spec_from_file_location("gate_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, float] = module.rates(n, deltas, margin)
    return found


@pytest.mark.parametrize(("delta", "margin"), [(0.0, 0.0), (-0.02, 2.0)])
def test_false_alarms_of_the_gate_are_rare(delta: float, margin: float) -> None:
    """Three looks (tasks, categories, all), each one-sided at 2.5 %: at most 7.5 % together."""
    found = gate_rates(100, [delta] * 18, margin)
    assert found["any"] <= 0.075
    assert max(found["task"], found["category"], found["overall"]) <= 0.04


def test_real_regressions_are_found() -> None:
    assert gate_rates(300, [-0.1] + [0.0] * 17)["task"] > 0.7
    assert gate_rates(300, [-0.02] * 18)["overall"] > 0.8
