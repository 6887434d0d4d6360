"""The figures of the overview: labels, axes, the Pareto line, marks that can be told apart, saved files."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import PIL.Image
import pytest

from reports.build import build
from reports.runs import load_runs

STATIC = Path(__file__).parents[1] / "reports" / "static"
CORE = (STATIC / "core.css").read_text(encoding="utf-8")
THEMES = ("light", "dark")


def variable(name: str, theme: str) -> tuple[float, float, float]:
    """A colour of `core.css` in a theme, as sRGB from 0 to 1."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CORE)
    assert found is not None
    text = found[1 + THEMES.index(theme)].lstrip("#")
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def linear(colour: tuple[float, float, float]) -> list[float]:
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]


def contrast(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """WCAG's contrast ratio."""
    lights = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(each), strict=True)) for each in (a, b)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


# Viénot, Brettel and Mollon (1999): what a person without long- or middle-wave cones sees, of linear sRGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
    "deuteranopia": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
}


def oklab(light: list[float]) -> list[float]:
    """Ottosson's Oklab of linear sRGB: distances in it are about those that one sees."""
    to_lms = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    to_lab = (
        (0.2104542553, 0.793617785, -0.0040720468),
        (1.9779984951, -2.428592205, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.808675766),
    )
    lms = [max(0.0, sum(w * part for w, part in zip(row, light, strict=True))) ** (1 / 3) for row in to_lms]
    return [sum(w * part for w, part in zip(row, lms, strict=True)) for row in to_lab]


def seen(colour: tuple[float, float, float], blindness: str) -> list[float]:
    light = linear(colour)
    return oklab([sum(w * part for w, part in zip(row, light, strict=True)) for row in BLINDNESS[blindness]])


def apart(a: list[float], b: list[float]) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


@pytest.mark.parametrize("theme", THEMES)
def test_every_runs_colour_has_contrast_on_paper_and_panel(theme: str):
    for number, back in itertools.product(range(1, 11), ("paper", "panel")):
        assert contrast(variable(f"c{number}", theme), variable(back, theme)) >= 3, (number, back)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_ten_colours_are_told_apart_with_any_sight(theme: str, blindness: str):
    colours = {number: seen(variable(f"c{number}", theme), blindness) for number in range(1, 11)}
    close = {
        pair: distance
        for pair in itertools.combinations(colours, 2)
        if (distance := apart(colours[pair[0]], colours[pair[1]])) < (0.15 if blindness == "none" else 0.07)
    }
    assert not close


def board(folder: Path, board_runs: Any, count: int, **settings: Any) -> Path:
    """A report of so many runs, the better the longer their responses, without samples."""
    paths = []
    for number in range(count):
        scores = {
            name: board_runs.result(
                name, 40.0 + 3 * number + place, completion_tokens=100.0 + 20 * number + 7 * (number % 3)
            )
            for place, name in enumerate(("mmmu", "ai2d", "docvqa", "mathvision"))
        }
        latency = settings.get("latency", lambda place: 0.5 + 0.1 * place)(number)
        made = board_runs.write_run(folder / str(number), scores, model=f"lab/model-{number}", latency=latency)
        paths.append(made)
    return build(load_runs(paths), folder / "board.html", samples=False).path


def test_a_run_has_one_mark_everywhere_and_ten_have_ten(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    path = board(tmp_path, board_runs, 12)
    watch.open(path)
    marks = "all => all.map(node => node.getAttribute('d') + node.style.fill)"
    order = page.locator("#lb-board > tbody > tr").evaluate_all("all => all.map(tr => Number(tr.dataset.run))")
    overview = page.locator("#lb-board > tbody > tr .marker path").evaluate_all(marks)
    assert len(set(overview)) == 12
    shapes = page.locator("#lb-board .marker path").evaluate_all(
        "all => all.map(node => node.getAttribute('d'))"
    )
    by_run = dict(zip(order, shapes, strict=True))
    assert len({by_run[run] for run in range(10)}) == 10
    watch.open(path, "#/breakdown")
    heads = page.locator(".bd-table thead .marker path").evaluate_all(marks)
    assert heads == overview
    assert page.locator(".bd-table thead .bd-sort").nth(1).inner_text() == f"lab/model-{order[0]}"


def test_every_point_is_labelled_and_no_label_covers_another(
    page: Any, watch: Any, tmp_path: Path, board_runs: Any
):
    watch.open(board(tmp_path, board_runs, 10))
    for picture in page.locator(".lb-cost svg[role=img]").all():
        labels = picture.locator(".lb-label")
        assert sorted(labels.all_text_contents()) == sorted(f"model-{number}" for number in range(10))
        boxes = [label.bounding_box() for label in labels.all()]
        frame = picture.bounding_box()
        for box in boxes:
            assert box["x"] >= frame["x"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"]
        for a, b in itertools.combinations(boxes, 2):
            across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
            down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
            assert across <= 2 or down <= 2


def test_axes_have_units_and_fit_their_values(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    watch.open(board(tmp_path, board_runs, 3))
    tokens, latency = page.locator(".lb-cost svg[role=img]").all()
    assert {"score, %", "tokens of a response, mean"} <= set(tokens.locator("text").all_text_contents())
    assert "seconds of a response, mean" in latency.locator("text").all_text_contents()
    ticks = [
        float(text) for text in tokens.locator("text").all_text_contents() if re.fullmatch(r"[\d.]+", text)
    ]
    assert min(ticks) >= 35  # neither axis begins at 0: scores are 40 and more, lengths 100 and more
    facet = page.locator("#lb-figures figure").first.locator("svg[role=img]").first
    assert any(text.endswith(" %") for text in facet.locator("text").all_text_contents())


def test_the_pareto_line_joins_what_no_other_run_beats(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    latencies = (2.0, 0.5, 3.0, 1.0)  # model 3 scores highest, then 2, 1, 0
    watch.open(board(tmp_path, board_runs, 4, latency=latencies.__getitem__))
    line = page.locator(".lb-cost figure").nth(1).locator(".lb-pareto title")
    assert line.text_content() == "Pareto line: model-1, model-3"


def test_nothing_is_drawn_against_what_was_not_recorded(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    task = board_runs.result("mmmu", 50.0, completion_tokens=None)
    paths = [board_runs.write_run(tmp_path / name, {"mmmu": task}, model=name) for name in "ab"]
    for path in paths:
        (path / "samples" / "mmmu.jsonl").unlink()
    watch.open(build(load_runs(paths), tmp_path / "board.html", samples=False).path)
    assert page.locator("#lb-figures figure").count() == 1
    assert page.locator(".lb-cost").count() == 0


def test_a_radar_has_at_most_four_models(page: Any, watch: Any, tmp_path: Path, board_runs: Any):
    watch.open(board(tmp_path, board_runs, 5))
    radar = page.get_by_role("button", name="Radar")
    assert radar.count() == 0
    page.locator("#lb-controls input[type=search]").fill("model-1")
    radar.click()
    assert page.locator("#lb-figures polygon title").count() == 1
    page.locator("#lb-controls input[type=search]").fill("")
    assert radar.count() == 0
    assert page.locator("#lb-figures polygon").count() == 0


@pytest.mark.parametrize("scheme", THEMES)
def test_figures_are_saved_as_svg_and_png(browser: Any, tmp_path: Path, board_runs: Any, scheme: str):
    path = board(tmp_path, board_runs, 3)
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    for title in ("Scores", "Response length by task", "Score against response length"):
        saved = {}
        for kind in ("SVG", "PNG"):
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Save {title} as {kind}", exact=True).click()
            saved[kind] = Path(download.value.path()).read_bytes()
            assert download.value.suggested_filename == f"{title.lower().replace(' ', '-')}.{kind.lower()}"
        drawing = ElementTree.fromstring(saved["SVG"])
        texts = [node.text for node in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert title in texts
        assert {f"lab/model-{number}" for number in range(3)} <= set(texts)
        assert b"var(" not in saved["SVG"]  # it needs nothing of the page
        image = PIL.Image.open(io.BytesIO(saved["PNG"]))
        assert image.size == tuple(2 * int(drawing.attrib[side]) for side in ("width", "height"))
        assert (
            len(image.convert("RGB").quantize(64).getcolors() or ()) > 8
        )  # marks and text, not an empty canvas
    assert not errors
    context.close()
