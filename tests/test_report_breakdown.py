"""The breakdown: in which groups a model is worst, scores by group, outcomes, chosen options; by keyboard."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.jsonl import read_lines
from harness.scores.stats import Estimate
from reports.board.board import make_board
from reports.breakdown.groups import LEAST, groups, lowest, widest
from reports.breakdown.outcomes import OUTCOMES, outcome_of, read_outcomes
from reports.breakdown.section import breakdown_section, sentence
from reports.build import build
from reports.runs import load_runs

TASKS = "mmstar,mmmu,chartqa,refcoco"
SKILLS = (0.9, 0.6, 0.3)


@pytest.fixture(scope="module")
def three(skilled_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three models of clearly differing skill on four tasks, two of them multiple choice."""
    folder = tmp_path_factory.mktemp("three")
    made: list[Path] = skilled_runs.make_runs(folder, 3, 3 * 4 * 60, tasks=TASKS, skills=SKILLS)
    return made


@pytest.fixture(scope="module")
def report(three: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their report, samples included."""
    return build(load_runs(three), tmp_path_factory.mktemp("report") / "report.html").path


def part(value: float | None, n: int) -> Estimate:
    if value is None:
        return Estimate(None, None, None, 0)
    return Estimate(value, max(0.0, value - 5), min(100.0, value + 5), n)


def with_subjects(board_runs: Any, path: Path, subjects: dict[str, Estimate], **more: Any) -> Path:
    task = board_runs.result("mmmu", 50.0, **more)
    task.metrics["by subject"] = subjects
    made: Path = board_runs.write_run(path, {"mmmu": task, "refcoco": 90.0}, model=path.name)
    return made


def board_of(*paths: Path) -> Any:
    return make_board(load_runs(paths))


def test_rows_are_the_groups_that_results_report_and_whole_tasks_without_any(tmp_path: Path, board_runs: Any):
    board = board_of(
        with_subjects(board_runs, tmp_path / "a", {"Art": part(20, 30), "Biology": part(70, 30)}),
        with_subjects(board_runs, tmp_path / "b", {"Art": part(40, 30), "Design": part(None, 0)}),
    )
    found = groups(board)
    assert [group.label for group in found] == ["MMMU · Art", "MMMU · Biology", "MMMU · Design", "RefCOCO"]
    assert [group.key for group in found] == ["subject"] * 3 + [""]
    assert [[group.percent(run) for run in (0, 1)] for group in found] == [
        [20, 40],
        [70, None],
        [None, None],
        [90, 90],
    ]


def test_of_two_rules_for_one_group_key_the_headlines_is_shown(tmp_path: Path, board_runs: Any):
    task = board_runs.result("chartqa", 50.0)
    task.metrics.update({"by type": {"human": part(40, 20)}, "by type (ours)": {"human": part(60, 20)}})
    found = groups(board_of(board_runs.write_run(tmp_path / "a", {"chartqa": task})))
    assert [(group.metric, group.percent(0)) for group in found] == [("by type", 40)]


def test_a_group_of_few_samples_is_not_called_the_lowest(tmp_path: Path, board_runs: Any):
    subjects = {"Art": part(0, LEAST - 1), "Biology": part(30, LEAST), "Chemistry": part(60, 50)}
    board = board_of(with_subjects(board_runs, tmp_path / "a", subjects))
    assert [group.value for group in lowest(groups(board), 0)] == ["Biology", "Chemistry", ""]
    assert sentence(board, groups(board)) == (
        f"a is lowest in MMMU · Biology: 30.0 (95 % CI 25.0 – 35.0, n {LEAST})."
    )
    few = board_of(with_subjects(board_runs, tmp_path / "b", {"Art": part(0, 3), "Biology": part(30, 4)}, n=4))
    found = [group for group in groups(few) if group.metric]
    assert [group.value for group in lowest(found, 0)] == ["Art", "Biology"]


def test_the_widest_gap_is_between_complete_runs_on_the_same_samples(tmp_path: Path, board_runs: Any):
    low, high = {"Art": part(20, 30), "Biology": part(50, 30)}, {"Art": part(80, 30), "Biology": part(60, 30)}
    paths = [
        with_subjects(board_runs, tmp_path / "a", low),
        with_subjects(board_runs, tmp_path / "b", high),
    ]
    board = board_of(*paths)
    gap = widest(board, groups(board))
    assert gap is not None
    assert (gap.group.label, gap.best, gap.worst, gap.points) == ("MMMU · Art", 1, 0, 60)
    assert sentence(board, groups(board)) == (
        "The widest gap is in MMMU · Art: 60.0 points between b (80.0, n 30) and a (20.0, n 30)."
    )
    other = with_subjects(board_runs, tmp_path / "c", high, fingerprint="other data")
    apart = board_of(paths[0], other)
    assert widest(apart, groups(apart)) is None
    assert breakdown_section(apart).data["breakdown-data"]["apart"] == ["task:mmmu"]


def test_outcomes_are_those_of_the_score_lines(three: list[Path]):
    [run] = load_runs(three[1:2])
    for task, of in (("mmstar", "official"), ("chartqa", "official"), ("refcoco", "official")):
        found = read_outcomes(run, task)
        assert found is not None
        lines = [line for _, line in read_lines(run.path / "scores" / f"{task}.jsonl")]
        statuses = Counter(line["status"] for line in lines)
        assert {name: found.counts[name] for name in ("unparsed", "truncated")} == {
            name: statuses[name] for name in ("unparsed", "truncated")
        }
        right = sum(line["status"] == "ok" and line[of] >= 0.5 for line in lines)
        assert found.counts["right"] == right
        assert sum(found.counts.values()) == len(lines)


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        ({"status": "ok", "value": 1.0}, "right"),
        ({"status": "ok", "value": 0.49}, "wrong"),
        ({"status": "ok", "value": 0.0, "official": 1.0}, "wrong"),
        ({"status": "unparsed", "value": 0.0}, "unparsed"),
        ({"status": "filtered", "value": 0.0}, "filtered"),
        ({"status": "error", "value": 0.0}, "failed"),
        ({"status": "failed", "value": 0.0}, "failed"),
    ],
)
def test_every_response_has_one_outcome(score: dict[str, Any], outcome: str):
    assert outcome_of(score, "value") == outcome
    assert outcome in OUTCOMES


def test_letters_are_the_references_and_what_was_parsed(three: list[Path]):
    [run] = load_runs(three[1:2])
    found = read_outcomes(run, "mmstar")
    assert found is not None
    items = {line["id"]: line for _, line in read_lines(run.path / "items" / "mmstar.jsonl")}
    expected = Counter(
        (items[line["id"]]["gold"], line["extracted"] if line["status"] == "ok" else "none")
        for _, line in read_lines(run.path / "scores" / "mmstar.jsonl")
    )
    assert found.letters == expected
    refcoco = read_outcomes(run, "refcoco")
    assert refcoco is not None
    assert not refcoco.letters


def test_a_run_without_its_score_lines_has_no_outcomes(tmp_path: Path, board_runs: Any):
    path = board_runs.write_run(tmp_path / "a", {"mmmu": 50.0})
    (path / "scores" / "mmmu.jsonl").unlink()
    [run] = load_runs([path])
    assert read_outcomes(run, "mmmu") is None
    assert breakdown_section(make_board([run])).data["breakdown-data"]["counts"] == {"task:mmmu": [None]}


def test_a_broken_run_is_one_line_that_names_the_file(tmp_path: Path, board_runs: Any):
    path = board_runs.write_run(tmp_path / "a", {"mmmu": 50.0})
    (path / "scores" / "mmmu.jsonl").write_text('{"id": 7}\n', encoding="utf-8")
    with pytest.raises(HarnessError, match=r"scores/mmmu\.jsonl:1: broken: [^\n]+$"):
        breakdown_section(make_board(load_runs([path])))


# --- in a browser -------------------------------------------------------------------------------------------


def rows(page: Any) -> list[str]:
    texts: list[str] = page.locator(".bd-table tbody tr:not(.bd-metric) > th").all_inner_texts()
    return texts


def column(page: Any, place: int) -> list[float]:
    texts = page.locator(f".bd-table tbody tr:not(.bd-metric) > td:nth-of-type({place})").all_inner_texts()
    return [float(re.sub(r"[^\d.].*", "", text, flags=re.DOTALL)) for text in texts]


def chosen(page: Any, name: str) -> Any:
    return page.locator("#bd-controls label").filter(has_text=re.compile(f"^{name}")).locator("select")


def test_the_first_screen_says_where_each_model_is_lowest(
    page: Any, watch: Any, report: Path, three: list[Path]
):
    watch.open(report, "#/breakdown")
    board = make_board(load_runs(three))
    lines = page.locator(".bd-lowest tbody tr")
    assert lines.count() == 3
    for place, run in enumerate(board.order):
        names = [group.label for group in lowest(groups(board), run)]
        assert lines.nth(place).locator("td a").all_inner_texts() == names
    assert page.locator(".bd-headline").inner_text() == sentence(board, groups(board))
    assert lines.last.bounding_box()["y"] < 800


def test_one_run_names_its_lowest_groups_and_marks_them(
    page: Any, watch: Any, three: list[Path], tmp_path: Path
):
    watch.open(build(load_runs(three[2:]), tmp_path / "one.html").path, "#/breakdown")
    named = page.locator(".bd-lowest td a").all_inner_texts()
    assert len(named) == 6
    scores = [float(text) for text in page.locator(".bd-lowest td b").all_inner_texts()]
    assert column(page, 1)[:6] == scores == sorted(scores)  # those of few samples follow, however low
    marked = page.locator(".bd-table tr", has=page.locator(".bd-flag")).locator("th").all_inner_texts()
    assert sorted(marked) == sorted(named)
    assert page.locator(".bd-gap").count() == 0
    assert chosen(page, "Outcomes").count() == 0


def test_groups_sort_by_name_score_and_gap(page: Any, watch: Any, report: Path):
    watch.open(report, "#/breakdown?task=mmstar")
    inside = page.locator(".bd-table tbody").nth(1)  # one group key: others follow below

    def values(place: int) -> list[float]:
        texts = inside.locator(f"tr:not(.bd-metric) > td:nth-of-type({place})").all_inner_texts()
        return [float(re.match(r"[\d.]+", text.strip())[0]) for text in texts]  # type: ignore[index]

    page.get_by_role("button", name="Gap", exact=True).click()
    assert values(4) == sorted(values(4), reverse=True)
    assert "sort=gap" in page.url
    page.get_by_role("button", name="Gap", exact=True).click()
    assert values(4) == sorted(values(4))
    page.get_by_role("button", name="Group", exact=True).click()
    names = inside.locator("tr:not(.bd-metric) > th").all_inner_texts()
    assert names == sorted(names)
    page.locator(".bd-table thead .bd-sort").nth(2).click()
    assert values(2) == sorted(values(2))
    assert page.locator(".bd-table th[aria-sort=ascending]").count() == 1


def test_a_cell_opens_its_samples_and_says_n_and_interval(
    page: Any, watch: Any, report: Path, three: list[Path]
):
    watch.open(report, "#/breakdown?task=mmstar")
    results = load_runs(three)[1].results.tasks["mmstar"].metrics["by category"]
    assert not isinstance(results, Estimate)
    value, estimate = next(iter(results.items()))
    cell = page.locator(".bd-table tr", has=page.locator("th", has_text=re.compile(f"^{re.escape(value)}$")))
    link = cell.first.locator('a[href*="run=1"]')
    assert estimate.value is not None
    said = link.text_content()
    assert f"{estimate.value:.1f}" in said
    assert f"n {estimate.n}" in said
    assert f"95 % CI {estimate.low:.1f} – {estimate.high:.1f}" in said
    link.hover()
    assert f"n {estimate.n}" in page.locator("#bd-tip").inner_text()
    link.click()
    assert re.search(r"#/samples\?task=mmstar&group=category%3D[^&]+&run=1$", page.url)
    assert page.locator("#section-samples").is_visible()


def test_cells_are_reached_by_keyboard_alone(page: Any, watch: Any, report: Path):
    watch.open(report, "#/breakdown?task=mmstar")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('bd-cell')"):
            break
    about = "document.activeElement.dataset.about"
    first = page.evaluate(about)
    assert page.locator("#bd-tip").inner_text() == first
    page.keyboard.press("ArrowRight")
    assert page.evaluate(about).split(",")[0] != first.split(",")[0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(about).split(",")[0] == first.split(",")[0]
    assert page.evaluate(about) != first
    page.keyboard.press("Escape")
    assert page.locator("#bd-tip").is_hidden()
    page.keyboard.press("Enter")
    assert "#/samples?task=mmstar" in page.url


def test_outcome_shares_sum_to_all_responses_and_lead_to_samples(
    page: Any, watch: Any, report: Path, three: list[Path]
):
    watch.open(report, "#/breakdown?task=chartqa")
    for place, run in enumerate(make_board(load_runs(three)).order):
        line = page.locator(".bd-outcomes tbody tr").nth(place)
        texts = line.locator("td:not(.bd-bar)").all_inner_texts()
        total, shares = int(texts[-1]), [float(text.removesuffix(" %")) for text in texts[:-1]]
        counted = read_outcomes(load_runs(three)[run], "chartqa")
        assert counted is not None
        assert total == sum(counted.counts.values())
        assert sum(shares) == pytest.approx(100, abs=0.3)
        assert shares[0] == pytest.approx(100 * counted.counts["right"] / total, abs=0.06)
        widths = line.locator(".bd-bar span span").evaluate_all("all => all.map(n => Number(n.style.flexGrow))")
        assert sum(widths) == total
    link = page.locator(".bd-outcomes tbody a").first
    assert "outcome=right" in link.get_attribute("href")


def test_letters_are_a_matrix_for_multiple_choice_only(page: Any, watch: Any, report: Path, three: list[Path]):
    watch.open(report, "#/breakdown?task=mmstar")
    assert page.locator(".bd-letters").count() == 3
    run = make_board(load_runs(three)).order[0]
    found = read_outcomes(load_runs(three)[run], "mmstar")
    assert found is not None
    table = page.locator(".bd-letters").first
    names = table.locator("thead th").all_inner_texts()[1:-1]
    for line in table.locator("tbody tr").all():
        reference = line.locator("th").inner_text()
        counts = [int(text) for text in line.locator("td").all_inner_texts()[:-1]]
        assert counts == [found.letters.get((reference, name), 0) for name in names]
    watch.open(report, "#/breakdown?task=refcoco")
    assert page.locator(".bd-letters").count() == 0


def test_partial_and_failed_runs_are_shown_and_are_in_no_gap(
    page: Any, watch: Any, tmp_path: Path, board_runs: Any
):
    subjects = {"Art": part(20, 30), "Biology": part(70, 30)}
    paths = [
        with_subjects(board_runs, tmp_path / "whole", subjects),
        board_runs.write_run(tmp_path / "failed", {"mmmu": None, "refcoco": None}, model="failed"),
        with_subjects(board_runs, tmp_path / "partial", {"Art": part(90, 5)}),
    ]
    (paths[2] / "results.json").unlink()
    for file in (paths[2] / "items").iterdir():
        file.write_text("", encoding="utf-8")
    watch.open(build(load_runs(paths), tmp_path / "board.html").path, "#/breakdown?task=mmmu")
    assert page.locator(".bd-table thead th").count() == 1 + 3 + 1
    assert set(page.locator(".bd-table tbody tr:not(.bd-metric) td:last-child").all_inner_texts()) == {"–"}
    assert (
        page.locator(".bd-headline").inner_text()
        == "No two complete runs differ in any group of the same samples."
    )
    assert page.locator(".bd-lowest tbody tr", has_text="failed").count() == 0


def test_hostile_group_names_are_text(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    path = with_subjects(board_runs, tmp_path / "a", {board_runs.HOSTILE: part(20, 30), "Art": part(70, 30)})
    watch.open(build(load_runs([path]), tmp_path / "board.html").path, "#/breakdown")
    assert any("<script>" in name for name in rows(page))
    assert page.evaluate("window.hit") is None
    link = page.locator(".bd-table a").first.get_attribute("href")
    assert link.startswith("#/samples?task=mmmu&group=subject%3D")


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_tab_does_not_scroll_sideways(page: Any, watch: Any, report: Path, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    for address in ("#/breakdown", "#/breakdown?task=mmmu"):
        watch.open(report, address)
        page.locator(".bd-table").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_the_lowest_groups_are_there(browser: Any, report: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri() + "#/breakdown")
    assert page.locator(".bd-lowest tbody tr").count() == 3
    context.close()


def test_the_page_repeats_no_score(three: list[Path]):
    section = breakdown_section(make_board(load_runs(three)))
    data = json.dumps(section.data["breakdown-data"])
    assert "cells" not in data
    assert set(section.data) == {"breakdown-data"}
