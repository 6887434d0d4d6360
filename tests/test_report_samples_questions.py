"""The samples tab answers what a reader asks of it: with thinking, on small print, on real items."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

import harness
from harness.models.mock import MockBackend
from reports.build import build
from reports.runs import load_runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROWS = "#samples-list [data-position]"


def report(out: Path, *runs: Path) -> Path:
    """A whole report, with all its tabs."""
    return build(load_runs(runs), out).path


def loaded(page: Any, width: int) -> None:
    """Wait until the image on the stage has so many pixels."""
    image = page.locator(".samples-frame img")
    image.wait_for()
    for _ in range(200):
        if image.evaluate("(shown) => shown.complete && shown.naturalWidth") == width:
            return
        page.wait_for_timeout(30)
    assert image.evaluate("(shown) => shown.naturalWidth") == width


@pytest.fixture(scope="module")
def thinking(sample_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a run that thinks: one answer right, one wrong, one unparsed, one cut off, one failed."""
    make, folder = sample_runs, tmp_path_factory.mktemp("thinking")
    replies = [
        make.response("<think>Look:\n\n1. it is **green**\n</think>\n\nThe answer is \\boxed{B}."),
        make.response("<think>Red, surely.</think>\n\n<answer>A</answer>"),
        make.response("<think>Who knows?</think>\n\nI cannot tell."),
        make.response("<think>Let me see. " + "Hmm. " * 50, finish_reason="length", completion_tokens=128),
        make.response("", finish_reason="error", error="the endpoint said 500"),
    ]
    shown = {"images": [make.picture(folder / "run")], "sizes": [[64, 48]]}
    asked = [
        (make.choice_item(f"c{number}", **shown, prompt=[{"image": 0}, "Think first."]), one)
        for number, one in enumerate(replies)
    ]
    return report(folder / "report.html", make.write_run(folder / "run", {"ai2d": asked}))


@pytest.mark.parametrize(
    ("outcome", "name", "why"),
    [
        ("right", "c0", "✓ right"),
        ("wrong", "c1", "✗ wrong"),
        ("unparsed", "c2", "No answer was found in this response"),
        ("truncated", "c3", "The response was cut off before an answer"),
        ("failed", "c4", "the endpoint said 500"),
    ],
)
def test_which_samples_and_why(page: Any, watch: Any, thinking: Path, outcome: str, name: str, why: str):
    watch.open(thinking, "#/samples")
    page.locator(ROWS).first.wait_for()
    page.select_option("[data-key=outcome]", outcome)
    page.locator("#samples-count", has_text="1 of 5 samples").wait_for()
    assert page.locator(ROWS).locator(".samples-row-id").all_text_contents() == [name]
    page.locator("#samples-title", has_text=name).wait_for()
    assert why in page.locator(".samples-card").inner_text()


def test_what_it_saw_was_asked_said_and_what_was_read(page: Any, watch: Any, thinking: Path):
    page.set_viewport_size({"width": 1440, "height": 900})
    watch.open(thinking, "#/samples?id=c0")
    loaded(page, 64)
    seen, answers = page.locator("#samples-picture"), page.locator("#samples-answers")
    assert "Image: 64 × 48 px" in seen.inner_text()
    assert "Which colour is c0?" in answers.locator(".samples-question").inner_text()
    assert answers.locator(".samples-choice-right .samples-letter").text_content() == "B"
    assert answers.locator(".samples-read > code").text_content() == "B"
    assert "box: found in the last \\boxed{}" in answers.locator(".samples-read").inner_text()
    assert "The answer is" in answers.locator(".samples-response > .samples-text").inner_text()
    answers.locator("summary", has_text="Thinking").click()
    assert answers.locator("details ol li strong").text_content() == "green"
    answers.locator("summary", has_text="Prompt as sent").click()
    assert "Think first." in answers.locator("details").last.inner_text()
    in_sight = answers.locator(".samples-read > code").bounding_box()
    assert in_sight["y"] + in_sight["height"] < 900  # without scrolling


def small_print(path: Path) -> None:
    """A page of 1700 × 2200 px set in 12 px, its lines numbered."""
    page = Image.new("L", (1700, 2200), 255)
    draw = ImageDraw.Draw(page)
    for line in range(140):
        text = f"{line:03d}  Actual value per 1000 during 1975 was 0.28 in district no. {line * 7919 % 1000}. "
        draw.text((60, 40 + 15 * line), text * 3, fill=0)
    page.save(path)


def test_small_print_of_a_page_can_be_read(page: Any, watch: Any, tmp_path: Path):
    data = tmp_path / "docvqa"
    (data / "images").mkdir(parents=True)
    small_print(data / "images" / "page.png")
    row = {
        "questionId": "1",
        "question": "What was the value?",
        "answers": ["0.28"],
        "image": "images/page.png",
    }
    (data / "rows.jsonl").write_text(json.dumps(row) + "\n")
    harness.evaluate("mock:text=0.3", tasks="docvqa", data=str(data), out=str(tmp_path / "run"))
    page.set_viewport_size({"width": 1440, "height": 900})
    watch.open(report(tmp_path / "out" / "report.html", tmp_path / "run"), "#/samples")
    loaded(page, 1700)
    for _ in range(7):
        page.keyboard.press("+")
    page.wait_for_timeout(200)
    frame = page.locator(".samples-frame").bounding_box()
    assert frame["width"] > 1700  # every pixel of the page is at least one of the screen
    drawn = page.evaluate(
        """() => { const image = document.querySelector(".samples-frame img");
        const canvas = new OffscreenCanvas(1700, 2200), context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [...context.getImageData(60, 40, 400, 150).data].filter((value, place) => place % 4 === 0); }"""
    )
    with Image.open(data / "images" / "page.png") as original:
        wanted = list(original.crop((60, 40, 460, 190)).tobytes())
    different = sum(abs(a - b) for a, b in zip(drawn, wanted, strict=True)) / len(wanted)
    assert different < 3  # of 255


@pytest.fixture(scope="module")
def real(samples_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two models on real items of five tasks."""
    folder = tmp_path_factory.mktemp("real")
    runs = []
    for name, text in (("a", "<think>It\n\n- must be</think>\n\n\\boxed{B}"), ("b", "[100, 200, 600, 700]")):
        runs.append(folder / name)
        tasks = "docvqa,chartqa,mathvision,mmmu,refcoco"
        harness.evaluate(MockBackend(text), tasks=tasks, data=str(samples_dir), out=str(runs[-1]))
    return report(folder / "report.html", *runs)


def test_real_pages_are_whole_in_the_report(page: Any, watch: Any, real: Path):
    page.set_viewport_size({"width": 1440, "height": 900})
    watch.open(real, "#/samples?task=docvqa")
    page.locator(ROWS).first.wait_for()
    widths = set()
    for _ in range(10):
        told = page.locator("#samples-picture .samples-facts").text_content()
        width = int(told.split()[1])
        loaded(page, width)
        widths.add(width)
        page.keyboard.press("j")
        page.wait_for_timeout(30)
    assert max(widths) > 1500


def test_every_real_sample_is_shown_without_an_error(page: Any, watch: Any, real: Path):
    watch.open(real, "#/samples")
    page.locator(ROWS).first.wait_for()
    count = int(page.text_content("#samples-count").split()[0])
    assert count > 80
    for number in range(count):
        place = page.locator(f"{ROWS}[aria-selected=true][aria-posinset='{number + 1}']")
        place.wait_for()
        page.locator(".samples-card").first.wait_for()
        page.keyboard.press("j")
    watch.open(real, "#/samples?task=refcoco&sort=iou&dir=desc")
    page.locator(".samples-overlay").wait_for()
    assert page.text_content("#samples-title").startswith("…") is False
    assert "ground truth" in page.text_content(".samples-legend")


@pytest.fixture(scope="module")
def wide(sample_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of five runs on boxes, with Markdown in the answers."""
    make, folder = sample_runs, tmp_path_factory.mktemp("wide")
    text = "<think>a</think>\n# Box\n\n| a | b |\n|---|---|\n| 1 | $x^2$ |\n\n```\n[500, 0, 1000, 1000]\n```\n"
    runs = [
        make.write_run(
            folder / f"r{n}",
            {"refcoco": [(make.box_item(folder / f"r{n}", "box"), make.response(text))]},
            model=f"m{n}",
        )
        for n in range(5)
    ]
    return report(folder / "report.html", *runs)


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("many", [False, True])
def test_the_tab_has_no_violation_of_wcag(
    browser: Browser, thinking: Path, wide: Path, scheme: Any, width: int, many: bool
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")
    # axe is a script of its own, which the page's policy rightly refuses.
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 844}
    )
    page = context.new_page()
    page.goto(f"{(wide if many else thinking).as_uri()}#/samples?sort=score")
    page.locator(".samples-card").first.wait_for()
    for summary in page.locator("#samples-answers summary").all():
        summary.click()
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_everything_is_reached_by_keyboard(page: Any, watch: Any, wide: Path):
    watch.open(wide, "#/samples")
    page.locator(".samples-compact").first.wait_for()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "(one => one.getAttribute('aria-label') || one.dataset.key || one.dataset.pin"
                " || one.dataset.kind || one.textContent.trim())(document.activeElement)"
            )
        )
    wanted = {
        "task", "run", "outcome", "verdict", "q", "sort", "Samples", "Previous sample", "Next sample", "Raw",
        "Copy link", "Zoom in", "Zoom out", "Fit the whole image", "Large", "true", "predicted", "0", "4",
        "Copy the question", "Prompt as sent",
    }  # fmt: skip
    assert wanted <= seen, wanted - seen
