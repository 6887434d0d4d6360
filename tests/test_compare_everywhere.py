"""Did A beat B? The overview, the compare tab and the terminal give one answer, with the same numbers."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness.cli import main
from reports.board.board import CATEGORY_LABELS, LABELS
from reports.build import build
from reports.runs import load_runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SKILLS = (0.9, 0.88, 0.3)
TASKS = "mmstar,mmbench,mathvision,chartqa,docvqa,refcoco"
ROWS = {f"task:{name}": name for name in TASKS.split(",")} | {
    f"category:{name}": name for name in ("general_vqa", "math", "chart", "document", "grounding")
}


@pytest.fixture(scope="module")
def three(skilled_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models of about the same skill, and a weak one."""
    folder = tmp_path_factory.mktemp("three")
    made: list[Path] = skilled_runs.make_runs(folder, 3, 3 * 6 * 24, tasks=TASKS, skills=SKILLS)
    return made


@pytest.fixture(scope="module")
def ten(skilled_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made: list[Path] = skilled_runs.make_runs(tmp_path_factory.mktemp("ten"), 10, 10 * 6 * 12, tasks=TASKS)
    return made


def plain(text: str) -> str:
    """One spelling of minus signs, ranges and blanks."""
    return " ".join(text.replace("−", "-").split()).replace(" – ", " to ")


class Said:
    """What `harness compare` prints: its rows by name, and its verdict."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        start = next(place for place, line in enumerate(lines) if line.startswith("task "))
        self.text = plain(text)
        self.rows: dict[str, list[str]] = {}
        for line in lines[start : lines.index("", start)]:
            if words := plain(line).split():
                self.rows.setdefault(words[0], words)
        [self.verdict] = re.findall(r"Verdict: (.*?\.) (?:Better|Worse|No task)", self.text)

    def entry(self, name: str) -> tuple[str, str, str]:
        """Difference, p, and better, worse or nothing."""
        words = self.rows[name]
        [difference] = [word for word in words if re.fullmatch(r"[+-]\d+\.\d", word)][:1]
        tone = "".join(word for word in ("Better", "Worse") if name in self.listed(word))
        return difference, words[-1], tone.lower()

    def listed(self, word: str) -> list[str]:
        named = re.findall(rf"{word}: (.*?)\.(?: |$)", self.text)
        return [part.removesuffix(" (mean)") for part in named[0].split(", ")] if named else []


def terminal(capsys: pytest.CaptureFixture[str], paths: list[Path], *flags: str) -> Said:
    capsys.readouterr()
    assert main(["compare", *map(str, paths), *flags]) == 0
    return Said(capsys.readouterr().out)


def board(page: Page, path: Path) -> dict[str, tuple[str, str, str]]:
    """The same of the overview, the first run being the baseline."""
    page.goto(f"{path.as_uri()}#/leaderboard?base=0&open={','.join(CATEGORY_LABELS)}")
    found = {}
    for cell in page.locator('#lb-board tr[data-run="1"] td[data-row]').all():
        delta = cell.locator(".lb-delta")
        points, p = plain(delta.inner_text().replace("\n", " ")).split(" ", 1)
        tone = delta.get_attribute("class") or ""
        name = str(cell.get_attribute("data-row"))
        points = points if points.startswith(("-", "+")) else f"+{points}"
        verdict = "better" if "good" in tone else "worse" if "bad" in tone else ""
        found[name] = points, p.removeprefix("p ").replace("< ", "<"), verdict
    return found


def tab(page: Page, path: Path) -> dict[str, tuple[str, str, str]]:
    """The same of the compare tab."""
    page.goto(f"{path.as_uri()}#/compare")
    found = {}
    for row in page.locator('[data-cmp="tasks"] tbody tr').all():
        cells = [plain(text) for text in row.locator("td").all_inner_texts()]
        kind = {"cmp-all": "mean", "cmp-category": "category", "cmp-task": "task"}[
            str(row.get_attribute("class"))
        ]
        tone = row.locator("td").nth(1).get_attribute("class") or ""
        verdict = "better" if "better" in tone else "worse" if "worse" in tone else ""
        found[f"{kind}:{row.get_attribute('data-entry')}"] = cells[1], cells[8].replace("< ", "<"), verdict
    return found


def report(paths: list[Path], out: Path, **more: Any) -> Path:
    return build(load_runs(paths), out, samples=False, baseline=True, **more).path


@pytest.mark.parametrize(("pair", "significant"), [((2, 0), True), ((0, 2), True), ((0, 1), False)])
def test_board_tab_and_terminal_agree(
    page: Page,
    capsys: pytest.CaptureFixture[str],
    three: list[Path],
    tmp_path: Path,
    pair: tuple[int, int],
    significant: bool,
) -> None:
    paths = [three[place] for place in pair]
    printed = terminal(capsys, paths)
    path = report(paths, tmp_path / "two.html")
    overview, compared = board(page, path), tab(page, path)
    assert set(ROWS) < set(compared)
    for row, name in ROWS.items():
        assert compared[row] == printed.entry(name), name
        if row in overview:
            assert overview[row] == compared[row], name
    assert compared["mean:all"][:2] == printed.entry("all")[:2]
    assert overview["mean:all"] == compared["mean:all"]
    assert bool(compared["mean:all"][2]) == significant
    assert plain(page.locator("[data-cmp-body] .cmp-main").inner_text()) == printed.verdict
    assert ("No significant difference" in printed.verdict) == (not significant)


def test_the_list_of_what_differs_is_the_same(
    page: Page, capsys: pytest.CaptureFixture[str], three: list[Path], tmp_path: Path
) -> None:
    printed = terminal(capsys, [three[2], three[0]])
    page.goto(report([three[2], three[0]], tmp_path / "two.html").as_uri() + "#/compare")
    text = plain(page.locator(".cmp-verdict").inner_text())
    names = {**LABELS, **CATEGORY_LABELS}
    listed = printed.listed("Better")
    assert listed
    for name in listed:
        assert names[name] in text
    assert "Worse:" not in text


def test_direct_against_think_is_compared_and_named(
    page: Page, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = []
    for prompt, text in (("direct", "A"), ("think", "B")):
        paths.append(tmp_path / prompt)
        settings: dict[str, Any] = {"tasks": "mmstar,ai2d", "data": "synthetic", "limit": 30, "prompt": prompt}
        harness.evaluate(f"mock:text={text}", out=str(paths[-1]), images=False, **settings)
    printed = terminal(capsys, paths)
    note = "Different prompts (direct in A and think in B): mmstar, ai2d."
    assert note in printed.text
    path = report(paths, tmp_path / "prompts.html")
    compared = tab(page, path)
    for name in ("mmstar", "ai2d"):
        assert compared[f"task:{name}"] == printed.entry(name)
    text = plain(page.locator(".cmp-notes").inner_text())
    assert "Different prompts (direct in A and think in B): MMStar, AI2D." in text
    assert board(page, path)["mean:all"] == compared["mean:all"]
    page.goto(f"{path.as_uri()}#/compare")
    page.locator('[data-cmp="swap"]').click()
    assert "(think in A and direct in B)" in page.locator(".cmp-notes").inner_text()


def other_data(path: Path, out: Path, *tasks: str) -> Path:
    """A copy of a run whose tasks are of other data, by their fingerprints."""
    shutil.copytree(path, out)
    described = json.loads((out / "run.json").read_text())
    for name in tasks:
        described["tasks"][name]["fingerprint"] = "e" * 64
    described["config"]["model"] = "another"
    (out / "run.json").write_text(json.dumps(described))
    return out


def test_what_has_other_data_is_left_out_alike(
    page: Page, capsys: pytest.CaptureFixture[str], three: list[Path], tmp_path: Path
) -> None:
    paths = [three[2], other_data(three[0], tmp_path / "other", "mmstar")]
    printed = terminal(capsys, paths)
    assert "Not compared, and in no mean: mmstar: the data differ" in printed.text
    compared = tab(page, report(paths, tmp_path / "left.html"))
    assert "task:mmstar" not in compared
    assert compared["mean:all"][:2] == printed.entry("all")[:2]
    assert "Not compared, and in no mean: MMStar: the data differ" in page.locator(".cmp-notes").inner_text()
    assert plain(page.locator("[data-cmp-body] .cmp-main").inner_text()) == printed.verdict
    assert main(["compare", *map(str, paths), "--fail-on-regression"]) == 3


def test_allowed_mismatches_are_compared_alike(
    page: Page, capsys: pytest.CaptureFixture[str], three: list[Path], tmp_path: Path
) -> None:
    paths = [three[2], other_data(three[0], tmp_path / "other", *TASKS.split(","))]
    assert main(["compare", *map(str, paths)]) == 2
    assert "--allow-mismatch" in capsys.readouterr().err
    out = tmp_path / "allowed.html"
    printed = terminal(capsys, paths, "--allow-mismatch", "-o", str(out))
    compared = tab(page, out)
    for row, name in ROWS.items():
        assert compared[row] == printed.entry(name), name
    text = plain(page.locator("[data-cmp-body]").inner_text())
    assert "Nothing could be compared" not in text
    assert printed.verdict in text
    assert "Mismatch: " in printed.text
    assert "Mismatch: " in text
    page.goto(report(paths, tmp_path / "refused.html").as_uri() + "#/compare")
    text = page.locator("[data-cmp-body]").inner_text()
    assert "Nothing could be compared: data or scorers differ in every task." in text
    assert page.locator("[data-cmp-body] table").count() == 0


@pytest.mark.parametrize("count", [3, 10])
def test_runs_against_a_baseline_have_the_numbers_of_the_terminal(
    page: Page,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    ten: list[Path],
    tmp_path: Path,
    count: int,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "many.html"
    assert main(["compare", *map(str, ten[:count]), "-o", str(out)]) == 0
    shown = [plain(line) for line in capsys.readouterr().out.splitlines()]
    page.goto(out.as_uri())
    rows = page.locator('[data-cmp="runs"] tbody tr')
    assert rows.count() == count - 1
    for row in rows.all():
        name = str(row.get_attribute("data-run"))
        letter = "ABCDEFGHIJ"[int(name.split("-")[2])]
        cells = [plain(text) for text in row.locator("td").all_inner_texts()]
        lines = [line for line in shown if line.startswith(f"{letter} {name}")]
        overall, differences = lines[1].split(), lines[2].split()
        assert overall[2:5] == [cells[5], cells[4], cells[1]], "the run's score, A's and the difference"
        assert cells[2] in lines[1]
        assert overall[-1] == cells[3].replace("< ", "<")
        assert differences[2 : 2 + len(cells[6:])] == cells[6:], "categories, with the mark of significance"
    last = rows.last
    last.locator("button").click()
    assert last.get_attribute("data-run") == page.locator('[data-cmp="b"]').input_value()
    assert "cmp-picked" in str(page.locator('[data-cmp="runs"] tbody tr').last.get_attribute("class"))


def test_the_baseline_is_chosen(page: Page, ten: list[Path], tmp_path: Path) -> None:
    page.goto(build(load_runs(ten[:4]), tmp_path / "four.html", samples=False).path.as_uri() + "#/compare")
    names = [f"some-lab/model-0{number}-8b-instruct" for number in range(4)]
    page.locator('[data-cmp="a"]').select_option(names[2])
    others = page.locator('[data-cmp="runs"] tbody tr').evaluate_all("all => all.map(tr => tr.dataset.run)")
    assert sorted(others) == [names[0], names[1], names[3]]


def test_a_report_opens_on_the_two_best(page: Page, ten: list[Path], tmp_path: Path) -> None:
    page.goto(build(load_runs(ten), tmp_path / "ten.html", samples=False).path.as_uri() + "#/compare")
    names = [page.locator(f'[data-cmp="{key}"]').input_value() for key in ("a", "b")]
    assert names == ["some-lab/model-08-8b-instruct", "some-lab/model-09-8b-instruct"]


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("count", [2, 3])
def test_the_tab_is_accessible(
    browser: Browser, three: list[Path], tmp_path: Path, scheme: str, width: int, count: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")
    path = report(three[:count], tmp_path / "page.html")
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.goto(f"{path.as_uri()}#/compare")
    page.locator('[data-cmp="tasks"]').wait_for()
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert wide <= width
