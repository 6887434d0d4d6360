"""What a reader can see in ten seconds: who leads, by how much, how surely, and where a model is weakest."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.cli import main
from harness.compare import compare_runs
from harness.compare.table import lines
from harness.jsonl import encode, read_json, read_lines, write_json
from harness.run import rescore
from reports.board.board import make_board
from reports.board.headline import headline
from reports.build import build
from reports.pairs import pairings
from reports.runs import load_runs
from reports.training.runs import load_training_runs

SKILLS = (0.95, 0.9, 0.2)
TASKS = "mmstar,mmbench,mathvision,chartqa,docvqa,refcoco"


@pytest.fixture(scope="module")
def three(skilled_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that can hardly be told apart, and a weak one."""
    folder = tmp_path_factory.mktemp("three")
    made: list[Path] = skilled_runs.make_runs(folder, 3, 3 * 6 * 20, tasks=TASKS, skills=SKILLS)
    return made


@pytest.fixture(scope="module")
def ten(skilled_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten models on all 18 tasks."""
    made: list[Path] = skilled_runs.make_runs(tmp_path_factory.mktemp("ten"), 10, 10 * 18 * 4)
    return made


def sentence(paths: list[Path]) -> str:
    runs = load_runs(paths)
    return headline(make_board(runs), pairings(runs) if len(runs) > 1 else None)


def page_of(paths: list[Path], out: Path) -> Path:
    return build(load_runs(paths), out, samples=False).path


def test_a_significant_lead_is_stated_with_its_interval_and_p(three: list[Path]) -> None:
    said = sentence([three[2], three[0]])
    overall = compare_runs(three[2], three[0]).overall.difference
    assert overall.low is not None
    assert overall.high is not None
    ends = f"95 % CI {overall.low:.1f} to {overall.high:.1f}"
    assert re.fullmatch(
        r"\S+model-00\S+ leads \S+model-02\S+ by \d+\.\d points "
        r"\(95 % CI .* to .*, p < 0\.001, paired on \d+ samples\)\.",
        said,
    )
    assert ends in said


def test_no_significant_lead_is_stated_with_what_could_have_been_detected(three: list[Path]) -> None:
    said = sentence(three[:2])
    assert said.startswith("No significant difference between")
    assert re.search(r"minimum detectable difference is \d+\.\d points \(80 % power\)", said)
    assert sentence(three) == said  # of three the best two


def test_of_one_run_the_lowest_category_and_task_are_named_and_marked(
    page: Any, watch: Any, three: list[Path], tmp_path: Path
) -> None:
    said = sentence(three[2:])
    found = re.search(
        r"scores \S+ overall on 6 tasks \(95 % CI .*\); lowest: (.*) \(\S+\), (.*) \(\S+\)\.", said
    )
    assert found
    watch.open(page_of(three[2:], tmp_path / "one.html"))
    marked = page.locator("#lb-single tr", has=page.locator(".tag", has_text="lowest")).locator(".lb-name")
    assert marked.all_text_contents() == list(found.groups())


def test_board_compare_tab_and_terminal_give_the_same_numbers(
    page: Any, watch: Any, three: list[Path], tmp_path: Path
) -> None:
    path = page_of(three[1:], tmp_path / "two.html")
    watch.open(path, "#/leaderboard?base=0&open=general_vqa")
    names = page.locator("#lb-board thead th[data-row]:visible").evaluate_all(
        "all => all.map(th => th.dataset.row)"
    )
    line = page.locator('#lb-board tr[data-run="1"]')
    board = {}
    for name in names:
        cell = line.locator(f'td[data-row="{name}"] .lb-delta')
        tone = "worse" if "bad" in (cell.get_attribute("class") or "") else ""
        points, p = cell.inner_text().split("\n")
        board[name] = (points.replace("−", "-"), p.removeprefix("p ").replace(" ", ""), tone)
    comparison = compare_runs(three[1], three[2])
    terminal: dict[str, list[str]] = {}
    for text in lines(comparison):
        if words := text.split():
            terminal.setdefault(words[0], words)  # the notes below the table begin with names too
    for name, (points, p, tone) in board.items():
        words = terminal[name.split(":")[1]]
        assert points in words, name
        assert words[-1] == p, name
        assert bool(tone) == (float(p.lstrip("<")) <= 0.05 and float(points) < 0), name
    watch.open(path, "#/compare?a=0&b=1")
    shown = page.locator("[data-cmp-body] table").inner_text().replace("−", "-")
    for points, p, _ in board.values():
        assert points in shown
        assert p.replace("<", "< ") in shown or p in shown


@pytest.fixture(scope="module")
def odd(three: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A partial copy of the second model's run, one whose requests all failed, and one in the think style."""
    folder = tmp_path_factory.mktemp("odd")
    made = {name: Path(shutil.copytree(three[1], folder / name)) for name in ("partial", "failed", "think")}
    for name, path in made.items():
        run = read_json(path / "run.json")
        run["config"]["model"] = name
        run["config"]["prompt"] = "think" if name == "think" else run["config"]["prompt"]
        write_json(path / "run.json", run)
    (made["partial"] / "results.json").unlink()
    for journal in (made["partial"] / "samples").iterdir():
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[::2]))
    for journal in (made["failed"] / "samples").iterdir():
        lines = [{**line, "error": "HTTP 500", "text": ""} for _, line in read_lines(journal)]
        journal.write_bytes(b"".join(map(encode, lines)))
    rescore(made["failed"])
    return made


LEADS = r"\S+ leads \S+ by \d+\.\d points \(95 % CI .+ to .+, p . 0\.\d+, paired on \d+ samples\)\."
EVEN = (
    r"No significant difference between \S+ and \S+: .\d+\.\d points \(95 % CI .+, paired on \d+ samples\)\. "
    r"The minimum detectable difference is \d+\.\d points \(80 % power\)\."
)


@pytest.mark.parametrize(
    ("chosen", "answer"),
    [
        ((0,), r"\S+ scores \d+\.\d overall on 6 tasks \(95 % CI .+\); lowest: .+\."),
        ((0, 2), LEADS),
        ((0, 1), EVEN),
        ((0, 1, 2), EVEN),
        ((2, "partial"), r".+(leads|difference|not compared).+"),
        ((0, "failed"), r".+no task in common that could be compared\."),
        ((2, "think"), LEADS),
    ],
)
def test_the_first_line_says_who_is_better_by_how_much_and_whether_it_is_significant(
    page: Any, watch: Any, three: list[Path], odd: dict[str, Path], tmp_path: Path, chosen: Any, answer: str
) -> None:
    paths = [odd[each] if isinstance(each, str) else three[each] for each in chosen]
    watch.open(page_of(paths, tmp_path / "page.html"))
    first = page.locator(".lb-headline")
    assert re.fullmatch(answer, first.inner_text())
    assert first.bounding_box()["y"] < 200


def test_of_ten_models_the_best_two_are_compared(
    page: Any, watch: Any, ten: list[Path], tmp_path: Path
) -> None:
    watch.open(page_of(ten, tmp_path / "ten.html"))
    best = page.locator("#lb-board > tbody > tr .lb-name").all_inner_texts()[:2]
    text = page.locator(".lb-headline").inner_text()
    assert re.fullmatch(f"{LEADS}|{EVEN}", text)
    assert all(name in text for name in best)


def test_partial_and_failed_runs_are_labelled_and_come_last(
    page: Any, watch: Any, three: list[Path], odd: dict[str, Path], tmp_path: Path
) -> None:
    watch.open(page_of([odd["partial"], odd["failed"], three[2]], tmp_path / "page.html"))
    rows = page.locator("#lb-board > tbody > tr > th")
    assert "model-02" in rows.nth(0).inner_text()
    assert {"exit 3", "partial"} == {
        word for word in ("exit 3", "partial") for row in rows.all_inner_texts()[1:] if word in row
    }
    notice = page.locator(".notice").inner_text()
    assert "Partial, and not ranked: partial." in notice
    assert "More failures than allowed (exit 3): failed." in notice


def test_the_page_without_samples_is_light(ten: list[Path], training_logs: ModuleType, tmp_path: Path) -> None:
    training = training_logs.write(tmp_path / "training", 60)
    training_logs.write_rollouts(training, 60)
    path = build(load_runs(ten), tmp_path / "ten.html", training=load_training_runs([training])).path
    block = r'(<script type="application/json" id="(?:samples|pictures)[-\d]*">).*?</script>'
    text = re.sub(block, r"\1</script>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "leaderboard-data" in text
    assert "compare-data" in text
    assert "breakdown-data" in text
    assert len(gzip.compress(text.encode())) <= 350_000


def test_bold_is_one_a_column_and_daggers_are_the_paired_tests(
    page: Any, watch: Any, three: list[Path], tmp_path: Path
) -> None:
    watch.open(page_of(three, tmp_path / "three.html"))
    for column in page.locator("#lb-board thead th[data-row]:visible").all():
        cells = page.locator(f'#lb-board td[data-row="{column.get_attribute("data-row")}"]')
        assert cells.locator(".lb-best").count() == 1
    overall = page.locator('#lb-board td[data-row="mean:all"]')
    assert ["†" in text for text in overall.all_inner_texts()] == [False, True, False]


def test_ten_models_and_seven_columns_are_visible_without_scrolling(
    page: Any, watch: Any, ten: list[Path], tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    watch.open(page_of(ten, tmp_path / "ten.html"))
    rows = page.locator("#lb-board > tbody > tr")
    heights = [rows.nth(place).bounding_box()["height"] for place in range(10)]
    assert all(32 <= height <= 36 for height in heights)
    last = rows.nth(9).locator("td:visible").last.bounding_box()
    assert rows.count() == 10
    assert rows.nth(9).locator("td:visible").count() == 7
    assert last["x"] + last["width"] <= 1440
    assert last["y"] + last["height"] <= 900
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    page.mouse.wheel(0, 300)
    page.wait_for_function("""() => {  // the header stays in view
      const box = (found) => document.querySelector(found).getBoundingClientRect();
      const [head, top] = [box("#lb-board thead th"), box(".top")];
      return scrollY > 250 && Math.abs(head.top - top.bottom) <= 1;
    }""")


def test_one_run_shows_18_tasks_and_6_categories_within_one_and_a_half_screens(
    page: Any, watch: Any, ten: list[Path], tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    watch.open(page_of(ten[:1], tmp_path / "one.html"))
    rows = page.locator("#lb-single > tbody > tr")
    assert rows.count() == 1 + 6 + 18
    last = rows.last.bounding_box()
    assert last["y"] + last["height"] <= 1.5 * 900


def test_a_category_opens_its_benchmarks(page: Any, watch: Any, ten: list[Path], tmp_path: Path) -> None:
    watch.open(page_of(ten, tmp_path / "ten.html"))
    shown = page.locator("#lb-board thead th:visible .lb-name")
    assert shown.all_text_contents() == [
        "Overall", "General VQA", "Math", "Chart", "Document", "Spatial", "Grounding",
    ]  # fmt: skip
    button = page.get_by_role("button", name="Benchmarks of Chart")
    button.focus()
    page.keyboard.press("Enter")
    assert {"AI2D", "ChartQA", "CharXiv"} <= set(shown.all_text_contents())
    assert "open=chart" in page.url
    page.keyboard.press("Enter")
    assert shown.count() == 7


def test_on_a_phone_a_model_is_a_card_and_nothing_is_cut(
    page: Any, watch: Any, ten: list[Path], tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    watch.open(page_of(ten, tmp_path / "ten.html"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    card = page.locator("#lb-board > tbody > tr").first
    for cell in card.locator("th, td:visible").all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_on_a_phone_a_task_of_one_run_is_a_card_and_nothing_is_cut(
    page: Any, watch: Any, ten: list[Path], tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    watch.open(page_of(ten[:1], tmp_path / "one.html"))
    lines = page.locator("#lb-single > tbody > tr")
    assert lines.count() == 1 + 6 + 18
    for place in (0, 2, 24):
        for cell in lines.nth(place).locator("th, td:visible").all():
            box = cell.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
    assert "unparsed" in lines.nth(2).locator("td:visible").nth(3).evaluate("td => td.dataset.label")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_table_is_copied_as_markdown_latex_and_csv(browser: Any, three: list[Path], tmp_path: Path) -> None:
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(page_of(three, tmp_path / "three.html").as_uri())
    for name, part in (("Markdown", "|"), ("LaTeX", r"\toprule"), ("CSV", ",")):
        page.get_by_role("button", name=f"Copy {name}").click()
        page.get_by_role("button", name="Copied").wait_for()
        text = page.evaluate("navigator.clipboard.readText()")
        assert part in text
        assert "model-00" in text
        page.get_by_role("button", name=f"Copy {name}").wait_for()
    context.close()


def test_the_theme_is_chosen_and_stays(page: Any, watch: Any, three: list[Path], tmp_path: Path) -> None:
    path = page_of(three, tmp_path / "three.html")
    watch.open(path)
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.locator("#theme").select_option("dark")
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark


def test_two_runs_of_one_task_outside_the_categories_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "task", "shape_count"]) == 0
    how = {"tasks": "shape_count", "task_file": "shape_count.py", "data": "data"}
    for model in ("mock:text=2", "mock:text=3"):
        harness.evaluate(model, out=model[-1], **how)
    runs = load_runs([Path("2"), Path("3")])
    said = headline(make_board(runs), pairings(runs))
    assert re.match(r"No significant difference between .+ points \(95 % CI .+, paired on 4 samples\)", said)


def test_checkpoints_of_a_training_are_drawn_against_their_steps(
    page: Any, watch: Any, three: list[Path], tmp_path: Path
) -> None:
    paths = [shutil.copytree(path, tmp_path / path.name) for path in three]
    for path, step in zip(paths, (300, 100, 200), strict=True):
        write_json(path / "run.json", {**read_json(path / "run.json"), "step": step})
    runs = load_runs(paths)
    watch.open(build(runs, tmp_path / "steps.html", samples=False).path)
    steps = page.locator(".lb-steps")
    lines = [line.locator("th, td").all_text_contents() for line in steps.locator("tbody tr").all()]
    assert [line[0].strip() for line in lines] == ["100", "200", "300"]
    means = {run.step: run.results.mean.score.value for run in runs}
    assert [float(line[2]) for line in lines] == pytest.approx(
        [means[step] for step in (100, 200, 300)], abs=0.051
    )
    best = max(means, key=lambda step: means[step] or 0.0)
    assert lines[0][4] == "–"
    assert {line[0].strip() for line in lines if line[5] == "–"} == {str(best)}
    for line in lines:
        if line[4] != "–":
            step = int(line[0])
            assert float(line[4].split()[0].replace("−", "-")) == pytest.approx(
                means[step] - means[100], abs=0.11
            )
    assert steps.locator("polyline title").text_content().startswith("In the order of steps")
    watch.open(build(load_runs(three), tmp_path / "none.html", samples=False).path)
    assert page.locator("#lb-figures svg[role=img]").count() > 0
    assert page.locator(".lb-steps").count() == 0
