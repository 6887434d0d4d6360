"""The overview: its sentence, rows, labels, what is best and tied, published scores apart, hostile names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.scores.stats import Estimate
from reports.board.board import LABELS, make_board, rank_intervals
from reports.board.leaderboard import View, board_section
from reports.board.published import published
from reports.board.tags import notice, tags
from reports.page import Section, json_text, render
from reports.pairs import Pairings, pairings
from reports.runs import load_runs
from tasks import BUILTIN, CATEGORIES


def pairs_of(runs: Any) -> Pairings | None:
    return pairings(runs) if len(runs) > 1 else None


def section_of(runs: Any, *, samples: bool = True) -> Section:
    return board_section(make_board(runs), pairs_of(runs), samples=samples)


def intervals(*bounds: tuple[float, float]) -> list[Estimate]:
    return [Estimate((low + high) / 2, low, high, 10) for low, high in bounds]


def text(html: str) -> str:
    """What a reader sees, tags and runs of blanks removed."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize(
    ("scores", "ranks"),
    [
        (intervals((80, 90), (60, 70), (40, 50)), [(1, 1), (2, 2), (3, 3)]),
        (intervals((40, 50), (60, 70), (80, 90)), [(3, 3), (2, 2), (1, 1)]),
        (intervals((60, 90), (50, 70), (40, 55)), [(1, 2), (1, 3), (2, 3)]),  # overlap is not transitive
        (intervals((50, 60), (50, 60), (50, 60)), [(1, 3)] * 3),
        (intervals((50, 60), (60, 70)), [(1, 2), (1, 2)]),  # touching is overlapping
        (intervals((0, 100), (10, 20), (30, 40)), [(1, 3), (2, 3), (1, 2)]),
    ],
)
def test_models_whose_intervals_overlap_tie(scores: list[Estimate], ranks: list[tuple[int, int]]):
    assert rank_intervals(scores) == ranks


def test_rows_are_the_mean_then_each_category_with_its_tasks(tmp_path: Path, board_runs: Any):
    run = board_runs.write_run(tmp_path / "a", dict.fromkeys(BUILTIN, 50.0))
    rows = make_board(load_runs([run])).rows
    assert [row.name for row in rows if row.kind == "task"] == list(BUILTIN)
    assert [row.name for row in rows if row.kind == "category"] == list(CATEGORIES)
    assert rows[0].kind == "mean"
    assert [row.kind for row in rows[1:5]] == ["category", "task", "task", "task"]
    assert set(LABELS) == set(BUILTIN)


def test_one_task_alone_has_no_means(tmp_path: Path, board_runs: Any):
    rows = make_board(load_runs([board_runs.write_run(tmp_path / "a", {"ai2d": 50.0})])).rows
    assert [row.id for row in rows] == ["task:ai2d"]


def ranks(board: Any, row: str) -> list[str | None]:
    return [None if (rank := board.cells[row, i].rank) is None else str(rank) for i in range(len(board.runs))]


def test_only_runs_evaluated_on_the_same_samples_are_ranked(tmp_path: Path, board_runs: Any):
    ai2d = board_runs.result
    paths = [
        board_runs.write_run(tmp_path / "a", {"ai2d": 80.0}),
        board_runs.write_run(tmp_path / "b", {"ai2d": 60.0}),
        board_runs.write_run(tmp_path / "c", {"ai2d": ai2d("ai2d", 99.0, fingerprint="others")}),
        board_runs.write_run(tmp_path / "d", {"ai2d": ai2d("ai2d", 98.0, n=20)}),
        board_runs.write_run(tmp_path / "e", {"ai2d": 97.0}, permute_images=True),
        board_runs.write_run(tmp_path / "f", {"ai2d": None}),
    ]
    board = make_board(load_runs(paths))
    assert ranks(board, "task:ai2d") == ["1", "2", None, None, None, None]
    rank = board.cells["task:ai2d", 0].rank
    assert rank is not None
    assert rank.of == 2


def test_means_over_other_tasks_are_not_ranked_together(tmp_path: Path, board_runs: Any):
    paths = [
        board_runs.write_run(tmp_path / "a", {"ai2d": 80.0, "mmmu": 70.0}),
        board_runs.write_run(tmp_path / "b", {"ai2d": 60.0, "mmmu": 50.0}),
        board_runs.write_run(tmp_path / "c", {"ai2d": 99.0}),
    ]
    board = make_board(load_runs(paths))
    assert ranks(board, "mean:all") == ["1", "2", None]
    assert ranks(board, "task:ai2d") == ["2", "3", "1"]


def test_partial_runs_are_labelled_told_above_and_not_ranked(tmp_path: Path, board_runs: Any):
    paths = [board_runs.write_run(tmp_path / name, {"ai2d": 50.0}, model=name) for name in "abc"]
    (paths[1] / "results.json").unlink()
    (paths[1] / "items" / "ai2d.jsonl").write_text("", encoding="utf-8")
    runs = load_runs(paths)
    board = make_board(runs)
    assert ranks(board, "task:ai2d") == ["1–2", None, "1–2"]
    assert board.order[-1] == 1
    assert "partial" in text(section_of(runs).html)
    assert notice(runs) == "Partial, and not ranked: b."


def test_what_must_be_known_of_a_run_is_said(tmp_path: Path, board_runs: Any):
    failed = board_runs.result("ai2d", 50.0, failed=40)
    path = board_runs.write_run(
        tmp_path / "a", {"ai2d": failed}, synthetic=True, permute_images=True, limit=7, prompt="think", epochs=3
    )
    [run] = load_runs([path])
    said = {tag.text: tag.warns for tag in tags(run)}
    assert said == {
        "synthetic": True,
        "exit 3": True,
        "images shuffled": True,
        "limit 7": False,
        "think": False,
        "3 epochs": False,
    }
    above = notice([run]) or ""
    assert "Synthetic data: not the benchmarks" in above
    assert "exit 3" in above
    assert notice(load_runs([board_runs.write_run(tmp_path / "b", {"ai2d": 50.0})])) is None


def test_a_task_without_any_verdict_is_a_dash(tmp_path: Path, board_runs: Any):
    paths = [
        board_runs.write_run(tmp_path / "a", {"ai2d": None}),
        board_runs.write_run(tmp_path / "b", {"mmmu": 5.0}),
    ]
    for chosen in (paths, paths[:1]):
        html = str(section_of(load_runs(chosen)).html)
        cells = re.findall(r'<t[dr][^>]* data-row="task:ai2d".*?</t[dr]>', html, re.DOTALL)
        assert re.search(r'class="lb-(score|none)">–<', cells[0])
        assert not re.search(r"\b0\.0\b", text(" ".join(cells)))


def test_what_stands_beside_a_score(tmp_path: Path, board_runs: Any):
    ours = Estimate(61.25, 60, 62, 200)
    task = board_runs.result(
        "mmmu", 60.0, n=200, low=60.0, high=66.0, unparsed=8, truncated=4, filtered=3, loopholes=3, missed=5
    )
    task.metrics["accuracy (ours)"] = ours
    for names in ("a",), ("a", "b"):
        paths = [board_runs.write_run(tmp_path / name, {"mmmu": task}, model=name) for name in names]
        html = str(section_of(load_runs(paths)).html)
        said = text(html)
        for part in (
            "60.0",
            "58.0 – 62.0",
            "200",
            "4.0 %",
            "2.0 %",
            "1.5 %",
            "60.0…66.0",
            "61.2",
            "10.0",
            "0.50 s",
        ):
            assert part in said, part
        for verdict in ("official-only", "ours-only"):
            assert f"#/samples?task=mmmu&amp;run=a&amp;verdict={verdict}" in html
        assert "#/samples?task=mmmu&amp;run=a&amp;outcome=unparsed" in html
        assert "#/samples" not in str(section_of(load_runs(paths), samples=False).html)


@pytest.mark.parametrize("task", ["mmmu", "mathvista", "chartqa", "ocrbench", "refspatial", "refcoco"])
def test_ours_and_official_are_the_headline_by_either_rule(tmp_path: Path, board_runs: Any, task: str):
    twins = {
        "mmmu": "accuracy (ours)",
        "mathvista": "accuracy (official rule)",
        "chartqa": "mean of human and augmented (ours)",
        "ocrbench": "total of 1000 (ours)",
        "refspatial": "official",
        "refcoco": "mean IoU",
    }
    made = board_runs.result(task, 40.0)
    made.metrics[twins[task]] = Estimate(30.0, 29.0, 31.0, 100)
    cell = make_board(load_runs([board_runs.write_run(tmp_path / "a", {task: made})])).cells[f"task:{task}", 0]
    assert cell.value is not None
    assert cell.official is not None
    expected = (40, 30) if task in ("mathvista", "refspatial") else (30, 40)
    assert (cell.value.value, cell.official.value) == expected


def test_a_mean_over_fewer_tasks_says_so(tmp_path: Path, board_runs: Any):
    run = board_runs.write_run(tmp_path / "a", {"ai2d": 80.0, "chartqa": 70.0, "charxiv": None})
    said = text(section_of(load_runs([run])).html)
    assert "2 of 3 tasks" in said
    assert "2 of 18 tasks" in said


def test_throughput_only_where_the_time_is_that_of_all_responses(tmp_path: Path, board_runs: Any):
    for asked, expected in ((100, 50.0), (30, None)):
        path = board_runs.write_run(tmp_path / str(asked), {"ai2d": 50.0}, seconds=20.0, asked=asked)
        speed = View(make_board(load_runs([path])), samples=True).speed(0)
        assert speed["tokens_per_second"] == expected
        assert speed["mean"] == 0.5


def test_published_scores_are_in_a_table_of_their_own(tmp_path: Path, board_runs: Any):
    paths = [board_runs.write_run(tmp_path / name, {"ocrbench": 900.0, "mmmu": 50.0}) for name in "ab"]
    section = section_of(load_runs(paths))
    measured, reported = str(section.html).split('id="lb-reported"')
    reported = reported.split("</details>")[0]
    for model in published().models:
        assert model.name not in text(measured)
        assert model.name in text(reported)
    assert re.search(r"<td[^>]*>911</td>", reported)
    assert "lb-rank" not in reported
    assert "lb-whisker" not in reported
    assert 'id="lb-reported" open' in str(section.html)
    cells = section.data["leaderboard-data"]["cells"]
    assert all(len(line) == 2 for line in cells)
    assert section.data["leaderboard-data"]["reported"]["task:ocrbench"][0] == ("OpenVLThinkerV2", "911")


def test_published_scores_are_closed_beside_synthetic_data(tmp_path: Path, board_runs: Any):
    html = str(
        section_of(load_runs([board_runs.write_run(tmp_path / "a", {"ai2d": 5.0}, synthetic=True)])).html
    )
    assert 'id="lb-reported" open' not in html
    assert "Not comparable with synthetic data" in html


def test_published_scores_name_tasks_and_categories_that_exist_in_their_scales():
    for model in published().models:
        assert set(model.tasks) <= set(BUILTIN)
        assert set(model.categories) <= set(CATEGORIES)
        assert all((100 < value <= 1000) == (task == "ocrbench") for task, value in model.tasks.items())
        assert all(0 < value <= 100 for value in model.categories.values())
    assert set(published().gains) == set(BUILTIN)


def test_provenance_names_command_versions_data_prompts_seed_and_settings(tmp_path: Path, board_runs: Any):
    run = board_runs.write_run(tmp_path / "a", {"ai2d": 5.0}, model="some model", seed=13)
    said = text(str(section_of(load_runs([run])).html).split('id="lb-provenance"')[1])
    for part in (
        "--model &#39;some model&#39;",
        "harness 0",
        "data of ai2d",
        "prompts of ai2d",
        "13",
        "temperature 0.0",
        "epochs 1",
        "exit code 0",
        "norm1000",
    ):
        assert part in said, part


def test_hostile_names_are_text(tmp_path: Path, board_runs: Any):
    hostile = board_runs.HOSTILE
    paths = [board_runs.write_run(tmp_path / str(i), {"ai2d": 50.0 + i}, model=hostile) for i in range(2)]
    runs = load_runs(paths)
    section = section_of(runs)
    assert "<script" not in section.html
    assert "<img" not in section.html
    page = "".join(render(hostile, [section], notice=notice(runs)))
    assert page.count("<script>") == 1
    assert "<img src=x" not in page
    data = json_text(section.data["leaderboard-data"])
    assert "<" not in data
    assert json.loads(data)["runs"][0]["name"] == runs[0].name


def test_the_markup_has_no_inline_style_or_handler(tmp_path: Path, board_runs: Any):
    paths = [board_runs.write_run(tmp_path / name, dict.fromkeys(BUILTIN, 50.0)) for name in "ab"]
    for chosen in (paths, paths[:1]):
        html = str(section_of(load_runs(chosen)).html)
        assert not re.search(r"<[^>]+\s(style|on\w+)=", html)


def test_other_metrics_and_groups_of_each_run_are_there_once(tmp_path: Path, board_runs: Any):
    half, all_right = Estimate(50.0, 40.0, 60.0, 8), Estimate(100.0, 90.0, 100.0, 4)
    one, two = board_runs.result("mmmu", 60.0), board_runs.result("mmmu", 70.0)
    one.metrics.update(
        {"accuracy (ours)": half, "by subject": {"Art": half, "Zoo": Estimate(None, None, None, 0)}}
    )
    two.metrics.update({"by subject": {"Art": all_right, "Math": half}})
    paths = [board_runs.write_run(tmp_path / name, {"mmmu": task}) for name, task in (("a", one), ("b", two))]
    found = section_of(load_runs(paths)).data["leaderboard-data"]["metrics"]
    assert list(found) == ["task:mmmu"]
    assert [metric.get("by") for metric in found["task:mmmu"]] == [None, "subject"]
    assert [(metric["name"], metric["groups"]) for metric in found["task:mmmu"]] == [
        ("accuracy (ours)", [("", [[50.0, 40.0, 60.0, 8], None])]),
        (
            "by subject",
            [
                ("Art", [[50.0, 40.0, 60.0, 8], [100.0, 90.0, 100.0, 4]]),
                ("Math", [None, [50.0, 40.0, 60.0, 8]]),
                ("Zoo", [None, None]),
            ],
        ),
    ]
