"""The compare tab: what it holds, and in a browser what it shows."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness.compare import compare_runs
from reports import pairs
from reports.build import build
from reports.compare import compare_section
from reports.pairs import pairings
from reports.runs import Run, load_runs

if TYPE_CHECKING:
    from playwright.sync_api import Page

TASKS = "mmstar,mmbench,charxiv,docvqa"


def evaluated(folder: Path, name: str, text: str, **more: Any) -> Path:
    path = folder / name
    settings = {"tasks": TASKS, "data": "synthetic", "limit": 16, **more}
    harness.evaluate(f"mock:text={text}", out=str(path), images=False, **settings)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Run]:
    texts = {"one": "A", "two": "B", "three": "</script><b>bold"}
    return load_runs([evaluated(folder, name, text) for name, text in texts.items()])


def data(runs: list[Run]) -> dict[str, Any]:
    found: dict[str, Any] = dict(compare_section(runs, pairings(runs), (0, 1)).data["compare-data"])
    return found


def test_every_pair_has_the_numbers_of_the_comparison(runs: list[Run]) -> None:
    found = data(runs)
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [(0, 1), (0, 2), (1, 2)]
    expected = compare_runs(runs[0].path, runs[1].path)
    pair = found["pairs"][0]
    tasks = {task["name"]: task for group in pair["groups"] for task in group["tasks"]}
    assert list(tasks) == list(expected.tasks)
    for name, task in tasks.items():
        other = expected.tasks[name]
        assert task["cells"] == [other.both_right, other.only_a, other.only_b, other.both_wrong]
        assert task["n"] == other.n
        ends = [other.difference.value, other.difference.low, other.difference.high]
        assert task["d"] == pytest.approx(ends, abs=0.05)
    assert pair["all"]["d"][0] == pytest.approx(expected.overall.difference.value, abs=0.05)
    assert found["runs"][2]["name"] == "mock:text=</script><b>bold"


def test_other_data_are_not_compared(runs: list[Run], folder: Path) -> None:
    other = evaluated(folder, "other", "A", seed=5)
    found = data(load_runs([runs[0].path, other]))
    [pair] = found["pairs"]
    assert pair["groups"] == []
    assert pair["all"]["d"] == [None, None, None]
    assert [each["task"] for each in pair["mismatches"]] == TASKS.split(",")
    assert all("data differ" in each["why"] and not each["paired"] for each in pair["mismatches"])


def test_no_common_task_is_reported(runs: list[Run], folder: Path) -> None:
    other = evaluated(folder, "alone", "A", tasks="mmmu")
    [pair] = data(load_runs([runs[0].path, other]))["pairs"]
    assert pair["why"].startswith("no task is in both: mmstar")
    assert str(folder) not in pair["why"]


def test_a_run_whose_task_file_is_gone_does_not_stop_the_report(
    runs: list[Run], folder: Path, fakes: ModuleType, tmp_path: Path
) -> None:
    rows = fakes.write(tmp_path / "rows", "letters", [fakes.row(0), fakes.row(1)])
    file = tmp_path / "mine.py"
    file.write_text(Path(str(fakes.__file__)).read_text(encoding="utf-8"), encoding="utf-8")
    own = evaluated(folder, "own", "A", tasks="letters", data=str(rows), task_file=(str(file),))
    file.unlink()
    [pair] = data(load_runs([runs[0].path, own]))["pairs"]
    assert "mine.py: there is no such file" in pair["why"]


def test_many_large_runs_are_compared_with_the_first(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "ALL_PAIRS", 2)
    assert len(data(runs)["pairs"]) == 3
    monkeypatch.setattr(pairs, "WORK", 10)
    assert [(pair["a"], pair["b"]) for pair in data(runs)["pairs"]] == [(0, 1), (0, 2)]
    section = compare_section(runs, pairings(runs, first=1), (0, 1))
    assert [(pair["a"], pair["b"]) for pair in section.data["compare-data"]["pairs"]] == [(0, 1), (1, 2)]
    assert "each run is compared with mock:text=B only" in section.html


def test_the_first_pair_stands_in_the_markup(runs: list[Run]) -> None:
    """Without JavaScript the table is there, escaped."""
    section = compare_section(runs, pairings(runs), (0, 1))
    assert "Overall" in section.html
    assert "CharXiv" in section.html
    assert "<b>bold" not in section.html


@pytest.fixture(scope="module")
def report(runs: list[Run], folder: Path) -> Path:
    path = folder / "report.html"
    build(runs, path, first="compare", baseline=True)
    return path


def row(page: Page, task: str) -> list[str]:
    return page.locator(f'[data-cmp="tasks"] tr[data-entry="{task}"] td').all_inner_texts()


def test_the_page_opens_on_the_comparison(page: Page, report: Path, runs: list[Run]) -> None:
    page.goto(report.as_uri())
    assert page.locator('[data-section="compare"]').is_visible()
    assert page.locator('[data-cmp="a"]').input_value() == runs[0].name
    assert page.locator('[data-cmp="b"]').input_value() == runs[1].name
    expected = compare_runs(runs[0].path, runs[1].path)
    for name, task in expected.tasks.items():
        cells = row(page, name)
        assert float(cells[1].replace("−", "-")) == pytest.approx(task.difference.value, abs=0.0501)
        assert cells[5:8] == [str(task.n), str(task.only_a), str(task.only_b)]
    label = page.locator('tr[data-entry="mmstar"] svg[role="img"]').get_attribute("aria-label")
    assert label is not None
    assert label.startswith("B minus A: ")


def test_swapping_turns_every_sign(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    before = row(page, "mmstar")
    page.locator('[data-cmp="swap"]').focus()
    page.keyboard.press("Enter")
    after = row(page, "mmstar")
    turn = str.maketrans("+−", "−+")
    assert after[1] == before[1].translate(turn) or before[1] == after[1] == "+0.0"
    assert (after[3], after[4], after[6], after[7]) == (before[4], before[3], before[7], before[6])
    low, high = before[2].split(" to ")
    assert [part.lstrip("−") for part in after[2].split(" to ")] == [high.lstrip("−"), low.lstrip("−")]
    assert "a=mock%3Atext%3DB" in page.url


def test_an_address_names_a_pair(page: Page, report: Path, runs: list[Run]) -> None:
    page.goto(report.as_uri() + "#/compare?a=mock%3Atext%3DB&b=" + "mock%3Atext%3D%3C%2Fscript%3E%3Cb%3Ebold")
    assert page.locator('[data-cmp="a"]').input_value() == runs[1].name
    assert page.locator('[data-cmp="b"]').input_value() == runs[2].name
    page.locator('[data-cmp="b"]').select_option(runs[1].name)
    assert "A and B are the same run" in page.locator("[data-cmp-body]").inner_text()


def test_runs_of_other_data_name_the_reason(page: Page, runs: list[Run], folder: Path, tmp_path: Path) -> None:
    other = evaluated(folder, "other seed", "A", seed=7, tasks="mmstar,mmmu")
    path = tmp_path / "apart.html"
    build(load_runs([runs[0].path, other]), path, samples=False, first="compare")
    page.goto(path.as_uri())
    text = page.locator("[data-cmp-body]").inner_text()
    assert "Nothing could be compared: data or scorers differ in every task." in text
    assert "Not compared, and in no mean: MMStar: the data differ (fingerprints" in text
    assert "Only in B, not compared: MMMU." in text
    assert page.locator("[data-cmp-body] table").count() == 0


def test_a_count_leads_to_its_samples(page: Page, report: Path, runs: list[Run]) -> None:
    page.goto(report.as_uri())
    link = page.locator('tr[data-entry="mmstar"] a').first
    count = int(link.inner_text())
    address = link.get_attribute("href")
    assert address is not None
    assert address.startswith("#/samples?task=mmstar&verdict=")
    link.click()
    page.wait_for_selector('[data-section="samples"]:not([hidden])')
    assert page.locator('[data-section="compare"]').is_hidden()
    page.get_by_text(f"{count} of ").first.wait_for()
