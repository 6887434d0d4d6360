"""The overview in a browser: sorting, filters, details, figures; by keyboard too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.scores.stats import Estimate
from reports.build import build
from reports.runs import load_runs

SCORES = {
    "alpha": {"mmmu": 70.0, "mmstar": 40.0, "ai2d": 55.0, "chartqa": 80.0, "docvqa": 75.0},
    "beta": {"mmmu": 60.0, "mmstar": 65.0, "ai2d": 50.0, "chartqa": None, "docvqa": 70.0},
    "gamma ray": {"mmmu": 30.0, "mmstar": 35.0, "ai2d": 95.0, "chartqa": 20.0, "docvqa": 10.0},
}


@pytest.fixture
def board(tmp_path: Path, board_runs: Any) -> Path:
    """A report of three runs, without samples."""
    paths = [
        board_runs.write_run(tmp_path / name, scores, model=name, latency=place + 0.25)
        for place, (name, scores) in enumerate(SCORES.items())
    ]
    return build(load_runs(paths), tmp_path / "board.html", samples=False).path


def models(page: Any) -> list[str]:
    return page.locator("#lb-board > tbody > tr[data-run] > th .lb-name").all_text_contents()


def columns(page: Any) -> list[str]:
    return page.locator("#lb-board > thead th[data-row]:visible .lb-name").all_text_contents()


def control(page: Any, name: str) -> Any:
    return page.locator("#lb-controls label").filter(has_text=re.compile(f"^{name}")).locator("select, input")


def test_a_columns_name_sorts_the_models_by_it(page: Any, watch: Any, board: Path):
    watch.open(board, "#/leaderboard?open=chart")
    assert models(page) == ["alpha", "beta", "gamma ray"]
    name = page.locator('#lb-board th[data-row="task:ai2d"] .lb-sort')
    name.click()
    assert models(page) == ["gamma ray", "alpha", "beta"]
    assert page.locator('#lb-board th[aria-sort="descending"]').count() == 1
    assert "sort=task%3Aai2d" in page.url
    name.click()
    assert models(page) == ["beta", "alpha", "gamma ray"]
    assert page.locator('#lb-board th[data-row="task:ai2d"]').get_attribute("aria-sort") == "ascending"
    name.click()
    assert models(page) == ["alpha", "beta", "gamma ray"]


def test_what_has_no_score_comes_last_either_way(page: Any, watch: Any, board: Path):
    watch.open(board, "#/leaderboard?sort=task:chartqa&open=chart")
    assert models(page) == ["alpha", "gamma ray", "beta"]
    watch.open(board, "#/leaderboard?sort=task:chartqa&dir=asc&open=chart")
    assert models(page) == ["gamma ray", "alpha", "beta"]
    cell = page.locator('td[data-row="task:chartqa"]').last
    assert cell.locator(".lb-none").text_content() == "–"


def test_filters_by_a_models_name(page: Any, watch: Any, board: Path):
    watch.open(board)
    control(page, "Models").fill("A R")
    assert models(page) == ["gamma ray"]
    assert page.locator("#lb-shown").text_content() == "1 of 3 models"
    control(page, "Models").fill("nobody")
    assert page.locator("#lb-empty").is_visible()
    assert not page.locator("#lb-board").is_visible()
    control(page, "Models").fill("")
    assert page.locator("#lb-board").is_visible()
    assert models(page) == ["alpha", "beta", "gamma ray"]


def test_the_filter_is_typed_without_losing_the_place(page: Any, watch: Any, board: Path):
    watch.open(board)
    box = control(page, "Models")
    box.focus()
    page.keyboard.type("beta")
    assert box.input_value() == "beta"
    assert models(page) == ["beta"]
    assert "q=beta" in page.url


def test_all_benchmarks_are_shown_and_hidden_together(page: Any, watch: Any, board: Path):
    watch.open(board)
    assert columns(page) == ["Overall", "General VQA", "Chart", "Document"]
    page.get_by_role("button", name="All benchmarks").click()
    assert columns(page) == [
        "Overall", "General VQA", "MMMU", "MMStar", "Chart", "AI2D", "ChartQA", "Document", "DocVQA",
    ]  # fmt: skip
    page.get_by_role("button", name="All benchmarks").click()
    assert columns(page) == ["Overall", "General VQA", "Chart", "Document"]


def test_intervals_are_shown_in_the_cells_on_demand(page: Any, watch: Any, board: Path):
    watch.open(board)
    assert page.locator("#lb-board .lb-interval:visible").count() == 0
    page.get_by_role("checkbox", name="95 % intervals").check()
    assert page.locator("#lb-board .lb-interval:visible").count() == 12
    assert "ci=1" in page.url


def test_a_models_details_open_by_keyboard(page: Any, watch: Any, board: Path):
    watch.open(board)
    button = page.get_by_role("button", name="Details of beta")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    details = page.locator(".lb-details")
    assert details.locator("table.lb-numbers tbody tr").count() == 9
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Details of beta"
    page.keyboard.press("Enter")
    assert page.locator(".lb-details").count() == 0


def test_everything_is_reached_by_tab(page: Any, watch: Any, board: Path):
    watch.open(board)
    seen = set()
    for _ in range(100):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
            )
        )
    for wanted in (
        "Benchmarks of Chart",
        "Chart",
        "Details of alpha",
        "Radar",
        "Copy CSV",
        "Axes from 0 to 100 %",
        "Save Scores as PNG",
    ):
        assert wanted in seen, wanted
    assert any(name.startswith("All numbers") for name in seen)


def test_reported_figures_never_move_among_the_measured(page: Any, watch: Any, board: Path):
    watch.open(board, "#/leaderboard?sort=task:mmmu")
    assert set(models(page)) == set(SCORES)
    assert page.locator("#lb-reported table").is_visible()
    assert "OpenVLThinkerV2" not in page.locator("#lb-board").inner_text()


def test_dots_with_whiskers_first_then_a_radar(page: Any, watch: Any, board: Path):
    watch.open(board)
    figure = page.locator("#lb-figures figure").first
    assert figure.locator(".lb-legend button").count() == 3
    labels = [svg.get_attribute("aria-label") for svg in figure.locator("svg[role=img]").all()]
    assert len(labels) == 4
    assert all("the numbers are in the table" in label for label in labels)
    assert figure.locator("title", has_text="alpha, AI2D: 55.0 (53.0 – 57.0)").count() == 1
    page.get_by_role("button", name="Radar").click()
    figure = page.locator("#lb-figures figure").first
    assert figure.locator("svg[role=img]").count() == 1
    assert figure.locator("polygon title").all_text_contents() == ["alpha", "beta", "gamma ray"]
    assert page.evaluate("document.activeElement.textContent") == "Radar"
    page.get_by_role("button", name="Radar").click()
    assert page.locator("#lb-figures figure").first.locator("svg[role=img]").count() == 4


def test_score_against_length_and_cost_of_any_row(page: Any, watch: Any, board: Path):
    watch.open(board)
    cost = page.locator(".lb-cost")
    assert cost.locator("svg[role=img]").count() == 2
    cost.locator("select").select_option("task:ai2d")
    assert page.locator(".lb-cost title", has_text="gamma ray: 95.0 at 2.25 s").count() == 1


def test_all_numbers_sort_by_any_column(page: Any, watch: Any, board: Path):
    watch.open(board)
    page.locator("#lb-all summary").click()
    page.locator("#lb-numbers th button", has_text="Score").click()
    scores = page.locator("#lb-numbers tbody td.lb-score").all_text_contents()
    assert scores[0] == "95.0"
    assert scores[-1] == "–"
    assert [float(score) for score in scores[:-1]] == sorted(map(float, scores[:-1]), reverse=True)


def test_one_run_shows_all_its_numbers_at_once(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    run = board_runs.write_run(tmp_path / "run", SCORES["alpha"])
    watch.open(build(load_runs([run]), tmp_path / "report.html", samples=False).path)
    page.locator("#lb-single th button", has_text="Score").click()
    names = page.locator("#lb-single tbody th .lb-name").all_text_contents()
    assert names == [
        "Overall",
        "General VQA",
        "MMMU",
        "MMStar",
        "Chart",
        "ChartQA",
        "AI2D",
        "Document",
        "DocVQA",
    ]
    assert page.locator("#lb-figures figure").count() == 4


def test_a_task_shows_its_groups(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    made = board_runs.result("mmmu", 60.0)
    made.metrics["by subject"] = {"Art": Estimate(50.0, 40.0, 60.0, 8), board_runs.HOSTILE: made.score}
    paths = [board_runs.write_run(tmp_path / name, {"mmmu": made, "ai2d": 5.0}) for name in "ab"]
    for chosen in (paths, paths[:1]):
        watch.open(build(load_runs(chosen), tmp_path / f"{len(chosen)}.html", samples=False).path)
        name = "Details of MMMU" if len(chosen) == 1 else "Details of model"
        page.get_by_role("button", name=name).first.click()
        if len(chosen) == 2:
            page.locator(".lb-parts summary").click()
        parts = page.locator(".lb-parts table")
        assert "50.0 40.0 – 60.0, n 8" in parts.inner_text().replace("\t", " ")
        assert board_runs.HOSTILE in parts.locator("th").all_text_contents()
        page.get_by_role("button", name=name).first.click()
        assert page.locator(".lb-parts").count() == 0


def test_counts_lead_to_their_samples(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    made = board_runs.result("mmmu", 60.0, loopholes=2)
    paths = [board_runs.write_run(tmp_path / name, {"mmmu": made}, model=f"model {name}") for name in "ab"]
    watch.open(build(load_runs(paths), tmp_path / "board.html").path)
    page.get_by_role("button", name="Details of model b").click()
    page.locator(".lb-details a").first.click()
    assert page.locator("#section-samples").is_visible()
    assert not page.locator("#section-leaderboard").is_visible()
    assert page.url.endswith("#/samples?task=mmmu&run=model+b&verdict=official-only")


def test_the_table_is_there_without_javascript(browser: Any, board: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(board.as_uri())
    assert page.locator("#lb-board .lb-score:visible").count() == 12
    page.locator("#lb-all summary").click()
    assert page.locator("#lb-numbers").is_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_does_not_scroll_sideways(page: Any, watch: Any, board: Path, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("", "#/leaderboard?layout=models&density=full"):
        watch.open(board, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_are_text_everywhere(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    paths = [
        board_runs.write_run(tmp_path / str(i), SCORES["alpha"], model=board_runs.HOSTILE) for i in range(2)
    ]
    (paths[1] / "results.json").unlink()
    for path in (paths[1] / "items").iterdir():
        path.write_text("", encoding="utf-8")
    runs = load_runs(paths)
    watch.open(build(runs, tmp_path / "board.html", title=board_runs.HOSTILE, samples=False).path)
    page.get_by_role("button", name="Radar").click()
    page.locator("#lb-board .lb-expand").nth(2).click()
    assert page.evaluate("window.hit") is None
    assert models(page) == [run.name for run in runs]
    assert page.locator(".lb-legend button").first.text_content() == runs[0].name
    assert page.locator("img").count() == 0
