"""The samples tab in a browser: which samples and why; what was seen, asked, said and read."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scorers.rules.choice import ChoiceTarget

ROWS = "#samples-list [data-position]"
TITLE = "#samples-title"


@pytest.fixture(scope="module")
def report(sample_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two runs."""
    folder = tmp_path_factory.mktemp("viewer")
    return sample_runs.write_page(folder / "report.html", sample_runs.two_runs(folder))


@pytest.fixture
def opened(page: Any, watch: Any, report: Path) -> Any:
    """Opens the page at an address, and waits for a sample."""

    def go(query: str = "") -> Any:
        watch.open(report, f"#/samples{query}")
        page.locator(f"{ROWS}, #samples-answers > p").first.wait_for()
        page.locator("#samples-answers > *").first.wait_for()
        return page

    return go


def ids(page: Any) -> list[str]:
    return page.locator(f"{ROWS} .samples-row-id").all_text_contents()


def settled(page: Any, wanted: list[str]) -> None:
    """Wait until the list holds exactly these ids."""
    for _ in range(100):
        if ids(page) == wanted:
            return
        page.wait_for_timeout(50)
    assert ids(page) == wanted


def titled(page: Any, text: str) -> None:
    page.locator(TITLE, has_text=text).wait_for()


def test_all_samples_are_listed_and_the_first_is_open(opened: Any):
    page = opened()
    assert ids(page) == ["box0", "box1", "box2", "box3", "c0", "c1", "c2", "c3", "m0", "m1"]
    assert page.text_content("#samples-count") == "10 samples"
    titled(page, "box0")
    assert page.text_content("#samples-runs") == "Marks: tiny, mock (partial)"
    marks = page.locator(ROWS).nth(1).locator(".samples-mark").all_text_contents()
    assert marks == ["✓", "✗"]
    assert page.locator(ROWS).nth(9).locator(".samples-mark").all_text_contents() == ["✓", "○"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?task=ai2d", ["c0", "c1", "c2", "c3"]),
        ("?outcome=truncated", ["c2"]),
        ("?outcome=unparsed", ["c1"]),
        ("?outcome=failed", ["c3"]),
        ("?outcome=wrong", ["box1", "box2", "box3"]),
        ("?outcome=missing", ["m1"]),
        ("?outcome=missing&run=tiny", []),
        ("?outcome=missing&run=1", ["m1"]),
        ("?outcome=nonsense", []),
        ("?run=tiny&outcome=right&task=refcoco", ["box0", "box1"]),
        ("?run=1&outcome=wrong&task=refcoco", ["box1", "box3"]),
        ("?verdict=flips", ["box1", "box2"]),
        ("?verdict=a-only", ["box1"]),
        ("?verdict=b-only", ["box2"]),
        ("?verdict=a-only&a=mock&b=tiny", ["box2"]),
        ("?group=image%3Dx0", ["c0"]),
        ("?group=image%3Dnone", []),
        ("?group=x0", ["c0"]),
        ("?task=refspatial&group=location&run=0&outcome=right", ["m0", "m1"]),
        ("?sort=iou&task=refcoco", ["box3", "box1", "box2", "box0"]),
        ("?sort=iou&dir=desc&task=refcoco&run=tiny", ["box0", "box1", "box2", "box3"]),
        ("?sort=disagreement&task=refcoco", ["box1", "box2", "box0", "box3"]),
        ("?sort=distance&task=refspatial", ["m0", "m1"]),
        ("?q=green", ["c0"]),
        ("?q=WHERE+IS", ["box0", "box1", "box2", "box3"]),
        ("?q=m1", ["m1"]),
        ("?q=green&outcome=wrong", []),
    ],
)
def test_a_deep_link_filters(opened: Any, query: str, wanted: list[str]):
    page = opened(query)
    settled(page, wanted)
    if not wanted:
        assert "No sample matches" in page.text_content("#samples-answers")


def test_filters_write_the_address_and_back_undoes_them(opened: Any):
    page = opened()
    page.select_option("[data-key=task]", "refcoco")
    settled(page, ["box0", "box1", "box2", "box3"])
    page.select_option("[data-key=verdict]", "flips")
    settled(page, ["box1", "box2"])
    assert page.evaluate("location.hash") == "#/samples?task=refcoco&verdict=flips"
    assert page.locator("[data-key=a]").is_visible()
    page.go_back()
    settled(page, ["box0", "box1", "box2", "box3"])
    assert page.locator("[data-key=verdict]").input_value() == ""
    assert not page.locator("[data-key=a]").is_visible()
    page.go_forward()
    settled(page, ["box1", "box2"])
    page.click("#samples-clear")
    settled(page, ["box0", "box1", "box2", "box3", "c0", "c1", "c2", "c3", "m0", "m1"])


def test_each_choice_says_how_many_samples_it_leaves(opened: Any):
    page = opened("?task=refcoco")
    options = page.locator("[data-key=verdict] option").all_text_contents()
    assert options == ["all", "A and B disagree (2)", "A ✓ B ✗ (1)", "A ✗ B ✓ (1)"]
    outcomes = page.locator("[data-key=outcome] option").all_text_contents()
    assert outcomes == ["all", "right (3)", "wrong (3)"]


def test_opening_a_sample_writes_the_address_and_back_returns(opened: Any):
    page = opened("?task=refcoco")
    page.locator(ROWS).nth(2).click()
    titled(page, "box2")
    assert page.evaluate("location.hash") == "#/samples?task=refcoco&id=box2"
    page.locator(ROWS).nth(3).click()
    titled(page, "box3")
    page.go_back()
    titled(page, "box2")
    assert page.locator(f"{ROWS}[aria-selected=true] .samples-row-id").text_content() == "box2"


def test_a_link_to_a_sample_opens_it_among_its_filters(opened: Any):
    page = opened("?verdict=flips&id=box2&of=refcoco")
    titled(page, "box2")
    assert ids(page) == ["box1", "box2"]
    cards = page.locator(".samples-card")
    assert "✗ wrong" in cards.nth(0).text_content()
    assert "✓ right" in cards.nth(1).text_content()
    assert "IoU 0.00" in page.text_content(".samples-legend")
    assert "Coordinates: 0–1000" in cards.nth(0).text_content()
    assert "image sent: 128 × 96" in cards.nth(0).text_content()


def test_a_link_to_a_sample_that_is_not_there_says_so(opened: Any):
    page = opened("?id=nowhere")
    assert "no sample" in page.text_content("#samples-answers")


def test_the_copied_link_leads_back(opened: Any, browser: Any):
    page = opened("?task=refcoco")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("j")
    titled(page, "box1")
    page.click("#samples-copy")
    page.locator("#samples-copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith("#/samples?task=refcoco&id=box1")


def test_the_keyboard_goes_through_the_list(opened: Any):
    page = opened("?task=refcoco")
    page.keyboard.press("j")
    titled(page, "box1")
    page.keyboard.press("j")
    titled(page, "box2")
    page.keyboard.press("k")
    titled(page, "box1")
    page.locator("#samples-list").focus()
    page.keyboard.press("End")
    titled(page, "box3")
    page.keyboard.press("ArrowUp")
    titled(page, "box2")
    active = page.get_attribute("#samples-list", "aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.locator("[data-key=q]").input_value() == "jk"


def visible(page: Any, layer: str) -> bool:
    return page.locator(f".samples-overlay [data-layer={layer}]").first.is_visible()


def test_true_and_predicted_boxes_can_be_switched(opened: Any):
    page = opened("?task=refcoco")
    assert (visible(page, "true"), visible(page, "predicted")) == (True, True)
    page.get_by_label("prediction").uncheck()
    assert (visible(page, "true"), visible(page, "predicted")) == (True, False)
    page.keyboard.press("t")
    assert (visible(page, "true"), visible(page, "predicted")) == (False, False)
    assert not page.get_by_label("ground truth").is_checked()
    page.keyboard.press("j")
    titled(page, "box1")
    assert not visible(page, "true")
    page.keyboard.press("t")
    page.keyboard.press("p")
    assert (visible(page, "true"), visible(page, "predicted")) == (True, True)


def test_boxes_stand_where_they_are_in_the_image(opened: Any):
    page = opened("?task=refcoco&id=box2")
    image = page.locator(".samples-frame img").bounding_box()
    true = page.locator(".samples-overlay .samples-true").bounding_box()
    wrong = page.locator(".samples-overlay .samples-wrong").first.bounding_box()
    assert true["x"] == pytest.approx(image["x"] + image["width"] / 2, abs=3)
    assert true["width"] == pytest.approx(image["width"] / 2, abs=6)
    assert wrong["x"] == pytest.approx(image["x"], abs=3)
    assert wrong["width"] == pytest.approx(image["width"] / 4, abs=6)
    assert image["width"] / image["height"] == pytest.approx(64 / 48, rel=0.02)


def test_places_are_drawn_also_where_no_image_is_kept(page: Any, watch: Any, tmp_path: Path, sample_runs: Any):
    make = sample_runs
    asked = [(make.box_item(tmp_path / "run", "box"), make.response("[0, 0, 250, 1000]"))]
    run = make.write_run(tmp_path / "run", {"refcoco": asked})
    for image in (run / "images").iterdir():
        image.unlink()
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples")
    page.locator(".samples-absent", has_text="No image kept (64 × 48 px)").wait_for()
    frame = page.locator(".samples-frame").bounding_box()
    assert frame["width"] / frame["height"] == pytest.approx(64 / 48, rel=0.02)
    assert page.locator(".samples-overlay .samples-wrong").bounding_box()["width"] == pytest.approx(
        frame["width"] / 4, abs=6
    )


def test_points_say_which_hit(opened: Any):
    page = opened("?task=refspatial")
    assert page.locator(".samples-hit").count() == 2  # one a run
    assert page.locator(".samples-miss").count() == 2
    assert "1 of 2 points inside" in page.text_content(".samples-legend")
    assert page.locator(".samples-region").count() == 1


def test_how_the_answer_was_read_is_under_the_parsed_answer(opened: Any):
    page = opened("?id=c0")
    read = page.locator(".samples-read").first
    assert read.locator("h5").text_content() == "Parsed answer"
    assert read.locator("code").text_content() == "B"
    assert "whole: the response is the answer, or its first line is" in read.text_content()


def test_an_image_opens_large_and_closes_by_escape(opened: Any):
    page = opened("?task=refcoco")
    page.get_by_role("button", name="Large").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#samples-dialog")
    dialog.wait_for()
    assert dialog.locator("svg .samples-true").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("p")
    assert not dialog.locator("svg .samples-predicted").first.is_visible()
    page.keyboard.press("p")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    titled(page, "box0")


def test_thinking_is_folded_and_the_right_choice_marked(opened: Any):
    page = opened("?task=ai2d")
    details = page.locator(".samples-card details").first
    assert details.locator(".samples-text").count() == 0
    details.locator("summary").click()
    assert details.locator(".samples-text").text_content().strip() == "It is green."
    right = page.locator(".samples-choice-right")
    assert "green" in right.text_content()
    assert "reference" in right.text_content()
    assert "tiny" in right.text_content()


def test_thinking_that_was_cut_off_is_folded_too(opened: Any):
    page = opened("?id=c2")
    titled(page, "c2")
    card = page.locator(".samples-card").first
    summary = card.locator("summary")
    assert summary.text_content() == "Thinking (3 characters, cut off)"
    assert "… truncated" in card.text_content()
    assert "Parsed answer: none" in card.text_content()
    summary.click()
    assert card.locator(".samples-text").text_content().strip() == "hmm"


def test_runs_are_switched_one_by_one_and_the_chosen_one_stands_first(opened: Any):
    page = opened("?task=refcoco&run=mock")
    assert page.locator(".samples-card h4").all_text_contents() == ["mock", "tiny"]
    page.locator(".samples-legend").get_by_label("tiny").uncheck()
    shown = page.locator(".samples-overlay [data-layer=predicted]")
    assert [shown.nth(number).is_visible() for number in (0, 1)] == [False, True]
    page.keyboard.press("j")
    titled(page, "box1")
    assert [shown.nth(number).is_visible() for number in (0, 1)] == [False, True]


def test_a_search_can_be_ended(opened: Any, page: Any):
    opened()
    search = (
        "(end) => samplesIndex.search([0, 4, 8], 'c0', (found, done, total) => !end).then((found) => found)"
    )
    assert page.evaluate(search, False) == [4]
    ended = (
        "() => { let calls = 0; return samplesIndex.search([0, 4, 8], 'e', () => { calls += 1; return false; })"
    )
    assert page.evaluate(f"{ended}.then(() => calls) }}") == 1


def test_samples_of_one_id_in_other_data_are_told_apart(
    page: Any, watch: Any, tmp_path: Path, sample_runs: Any
):
    make = sample_runs
    runs = [
        make.write_run(
            tmp_path / mark,
            {"ai2d": [(make.item("c", f"Question {mark}", ChoiceTarget(("x",), 0)), [answer] * epochs)]},
            fingerprint=mark * 64,
            epochs=epochs,
        )
        for mark, epochs, answer in (("e", 1, make.response("A")), ("f", 2, make.response("none")))
    ]
    watch.open(make.write_page(tmp_path / "report.html", runs), "#/samples?task=ai2d&id=c&data=ffffffff")
    page.locator(".samples-question", has_text="Question f").wait_for()
    assert page.locator(".samples-card h5", has_text="Epoch").all_text_contents() == ["Epoch 1", "Epoch 2"]
    page.keyboard.press("k")
    page.locator(".samples-question", has_text="Question e").wait_for()
    assert page.evaluate("location.hash").endswith("&data=eeeeeeee")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("c1", "No answer was found"),
        ("c2", "cut off before an answer"),
        ("c3", "the endpoint said 500"),
        ("m1", "Not answered yet"),
    ],
)
def test_why_there_is_no_answer_is_said(opened: Any, name: str, words: str):
    page = opened(f"?id={name}")
    titled(page, name)
    page.locator("#samples-answers", has_text=words).wait_for()


def test_a_group_links_to_its_samples(opened: Any):
    page = opened("?task=ai2d")
    page.locator(".samples-groups a").click()
    settled(page, ["c0"])
    assert page.locator("[data-key=group]").input_value() == "image=x0"


@pytest.mark.parametrize("width", [390, 760, 1024, 1100])
def test_nothing_is_wider_than_the_window(opened: Any, page: Any, watch: Any, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    opened("?task=refcoco")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(ROWS).nth(1).click()
    titled(page, "box1")
    for part in page.locator("#section-samples button:visible, .samples-coordinates, .samples-read").all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 1
    if width < 760:
        page.locator("#samples-back").click()
        assert page.evaluate("document.activeElement.id") == "samples-list"


def test_three_panes_side_by_side_and_the_image_stays(opened: Any, page: Any):
    page.set_viewport_size({"width": 1440, "height": 600})
    opened("?task=refcoco")
    left, image, answers = (
        page.locator(name).bounding_box() for name in (".samples-left", "#samples-picture", "#samples-answers")
    )
    assert left["x"] + left["width"] <= image["x"]
    assert image["x"] + image["width"] <= answers["x"]
    page.mouse.move(answers["x"] + 20, answers["y"] + 60)
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => scrollY > 50")
    assert page.locator(".samples-stage").bounding_box()["y"] > 0


def zoom(page: Any) -> float:
    """How much larger the image is than fitted."""
    page.wait_for_timeout(100)
    return page.locator(".samples-frame").first.evaluate(
        "(one) => one.getBoundingClientRect().width / one.clientWidth"
    )


def test_wheel_keys_and_buttons_zoom_and_pan_the_image(opened: Any, page: Any):
    opened("?task=refcoco")
    stage = page.locator(".samples-stage").bounding_box()
    corner = (stage["x"] + stage["width"] / 2 + 60, stage["y"] + stage["height"] / 2 + 40)
    before = page.locator(".samples-frame img").bounding_box()
    page.mouse.move(*corner)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    wheeled = zoom(page)
    assert wheeled > 1.3
    after = page.locator(".samples-frame img").bounding_box()
    for axis, side, place in (("x", "width", corner[0]), ("y", "height", corner[1])):
        # What was under the pointer still is.
        assert (place - after[axis]) / after[side] == pytest.approx(
            (place - before[axis]) / before[side], abs=0.02
        )
    page.mouse.down()
    page.mouse.move(corner[0] + 50, corner[1] + 30, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert page.locator(".samples-frame img").bounding_box()["x"] == pytest.approx(after["x"] + 50, abs=4)
    page.get_by_role("button", name="Zoom in").click()
    assert zoom(page) > wheeled
    page.get_by_role("button", name="Fit the whole image").click()
    assert zoom(page) == pytest.approx(1, abs=0.01)
    page.keyboard.press("+")
    keyed = zoom(page)
    assert keyed > 1.2
    page.locator(".samples-stage").focus()
    start = page.locator(".samples-frame img").bounding_box()["x"]
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert page.locator(".samples-frame img").bounding_box()["x"] < start - 20
    page.keyboard.press("-")
    assert zoom(page) < keyed
    page.keyboard.press("0")
    assert zoom(page) == pytest.approx(1, abs=0.01)
    titled(page, "box0")


def test_zoomed_drawings_stay_thin_and_on_their_place(opened: Any, page: Any):
    opened("?task=refcoco&id=box2")
    for _ in range(5):
        page.keyboard.press("+")
    assert zoom(page) > 3
    image = page.locator(".samples-frame img").bounding_box()
    true = page.locator(".samples-overlay .samples-true").bounding_box()
    assert true["x"] == pytest.approx(image["x"] + image["width"] / 2, abs=8)
    assert true["width"] == pytest.approx(image["width"] / 2, abs=16)
    label = page.locator(".samples-label").first.bounding_box()
    assert label["height"] < 25


def test_the_ground_truth_is_drawn_last_over_white(opened: Any, page: Any):
    opened("?task=refcoco&id=box2")
    layers = page.locator(".samples-overlay > g")
    assert [layer.get_attribute("data-layer") for layer in layers.all()] == ["predicted", "predicted", "true"]
    first, second = layers.last.locator("rect").all()
    assert first.evaluate("(one) => getComputedStyle(one).stroke") == "rgb(255, 255, 255)"
    width = "(one) => parseFloat(getComputedStyle(one).strokeWidth)"
    assert first.evaluate(width) > second.evaluate(width)


def test_labels_never_touch_and_never_leave_the_picture(opened: Any, page: Any):
    opened("?task=refcoco")
    make = """() => { let seed = 7; const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
      const bad = []; let placed = 0;
      for (let turn = 0; turn < 300; turn++) {
        const width = 80 + 600 * random(), height = 40 + 400 * random();
        const wanted = Array.from({ length: 1 + Math.floor(8 * random()) }, () => {
          const x = width * (1.4 * random() - .2), y = height * (1.4 * random() - .2);
          return { box: [x, y, x + width * random() / 2, y + height * random() / 2], size: [60, 18] }; });
        const found = samplesPlaces.layout(wanted, width, height).filter(Boolean);
        placed += found.length;
        found.forEach(([x, y], i) => {
          const small = 1e-6, right = width + small, low = height + small;
          if (x < -small || y < -small || x + 60 > right || y + 18 > low) bad.push("outside");
          for (const [u, v] of found.slice(i + 1))
            if (Math.abs(x - u) < 60 - small && Math.abs(y - v) < 18 - small) bad.push("touch");
        });
      }
      return [bad.length, placed]; }"""
    wrong, placed = page.evaluate(make)
    assert wrong == 0
    assert placed > 700
    assert page.evaluate("samplesPlaces.layout([{ box: [0, 0, 9, 9], size: [60, 18] }], 50, 50)") == [None]


def test_coordinates_are_in_text_and_the_phrase_is_the_title(opened: Any, page: Any):
    opened("?task=refcoco&id=box2")
    legend = page.locator(".samples-legend li").all_text_contents()
    assert legend == [
        "ground truth[32, 0, 64, 48]",
        "tiny IoU 0.00[0, 0, 16, 48]",
        "mock IoU 1.00[32, 0, 64, 48]",
    ]
    assert page.text_content(TITLE) == "Where is box2?"
    assert page.text_content("#samples-about") == "refcoco box2synthetic data"
    opened("?task=refspatial&id=m0")
    page.locator(".samples-legend li", has_text="region within").wait_for()
    legend = page.locator(".samples-legend li").all_text_contents()
    assert legend[0] == "ground truthregion within [0, 0, 32, 48]"
    assert legend[1] == "tiny 1 of 2 points inside(6, 24) ✓, (58, 24) ✗"


MARKDOWN = r"""Consider <image 1>:

| x | y |
|---|---|
| **1** | $x^2$ |

Then \(\frac{1}{2}\) of `a<b` is asked. Costs: $5 and $10.
"""


@pytest.fixture
def written(page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType) -> Any:
    """A page of one item with Markdown and LaTeX in all its texts."""
    make = sample_runs
    target = ChoiceTarget((r"$\sqrt{2}$", "*two*"), 0)
    item = make.item(
        "w", MARKDOWN, target, choices=list(target.options), prompt=[{"image": 0}, "**Q** <image 1>"]
    )
    text = "<think>\n# Plan\n\n- first\n- second\n</think>\nSo it is\n\n<answer>A</answer>"
    run = make.write_run(tmp_path / "run", {"ai2d": [(item, make.response(text))]})
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples")
    page.locator(".samples-card").wait_for()
    return page


def test_markdown_and_latex_are_typeset(written: Any):
    page = written
    question = page.locator(".samples-question")
    assert question.locator("table strong").text_content() == "1"
    assert question.locator("math").count() == 2
    assert question.locator("math mfrac").count() == 1
    assert question.locator("code").text_content() == "a<b"
    assert question.locator(".samples-chip").text_content() == "image 1"
    assert "Costs: $5 and $10." in question.text_content()
    choices = page.locator(".samples-choice")
    assert choices.nth(0).locator("msqrt").count() == 1
    assert choices.nth(1).locator("em").text_content() == "two"
    page.locator(".samples-card summary").click()
    thinking = page.locator(".samples-card details .samples-text")
    assert thinking.locator("p strong").text_content() == "Plan"
    assert thinking.locator("li").all_text_contents() == ["first", "second"]


def test_raw_shows_every_text_as_it_is(written: Any):
    page = written
    page.locator("#samples-raw").click()
    page.locator("pre.samples-question").wait_for()
    assert "| **1** | $x^2$ |" in page.text_content(".samples-question")
    assert page.locator("#samples-raw").get_attribute("aria-pressed") == "true"
    assert page.locator(".samples-card mark").text_content() == "A"
    assert "raw=1" in page.url
    page.locator(".samples-card summary").click()
    assert "<think>" in page.locator(".samples-card details pre").text_content()
    page.keyboard.press("r")
    page.locator(".samples-question table").wait_for()


def test_texts_are_copied_as_they_are(written: Any):
    page = written
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the question").click()
    page.locator(".samples-copy", has_text="Copied").wait_for()
    assert "| **1** | $x^2$ |" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy the response").click()
    page.locator(".samples-response .samples-copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("<think>")


def test_the_prompt_is_there_as_sent_and_what_is_not_recorded_is_said(written: Any):
    page = written
    page.locator("#samples-answers > details summary", has_text="Prompt as sent").click()
    prompt = page.locator("#samples-answers > details").last
    assert "**Q** <image 1>" in prompt.locator("pre").text_content()
    assert prompt.locator("pre .samples-chip").text_content() == "image 1"
    assert "The chat template's output is not recorded" in prompt.text_content()


def test_the_chat_templates_output_is_shown_where_recorded(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make = sample_runs
    run = make.write_run(tmp_path / "run", {"ai2d": [(make.choice_item(n), make.response("B")) for n in "cd"]})
    content = json.loads((run / "run.json").read_text())
    content["tasks"]["ai2d"]["rendered"] = {
        "id": "c",
        "sha": "0",
        "example": "<|im_start|>user\nWhich?<|im_end|>",
    }
    content["config"]["system_prompt"] = "Be brief."
    (run / "run.json").write_text(json.dumps(content))
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples")
    sent = page.locator("#samples-answers > details")
    sent.locator("summary").click()
    assert "Chat template applied: this sample" in sent.text_content()
    assert sent.locator("pre").all_text_contents() == [
        "Be brief.", "Which colour is c?\n", "<|im_start|>user\nWhich?<|im_end|>",
    ]  # fmt: skip
    page.keyboard.press("j")
    titled(page, "d")
    sent.locator("summary").click()
    assert "the first sample of the task, c" in sent.text_content()
    assert "for the first sample of a task only" in sent.text_content()


def test_official_and_ours_disagree_is_one_filter(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make = sample_runs
    asked = [(make.box_item(tmp_path / "run", f"b{n}"), make.response(text)) for n, text in
             enumerate(("[500, 0, 1000, 1000]", "[500, 0, 1000, 510]", "[0, 0, 10, 10]"))]  # fmt: skip
    run = make.write_run(tmp_path / "run", {"refcoco": asked})
    scores = run / "scores" / "refcoco.jsonl"
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    lines[1]["value"], lines[2]["value"] = 0.3, 0.9
    scores.write_text("".join(json.dumps(line) + "\n" for line in lines))
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples")
    settled(page, ["b0", "b1", "b2"])
    options = page.locator("[data-key=verdict] option").all_text_contents()
    assert options == ["all", "official and ours disagree (2)"]
    page.select_option("[data-key=verdict]", "disagree")
    settled(page, ["b1", "b2"])
    assert page.locator(".samples-verdict .tag").text_content() == "official only"
    page.keyboard.press("j")
    titled(page, "b2")
    assert page.locator(".samples-verdict .tag").text_content() == "ours only"
    for half, wanted in (("official-only", ["b1"]), ("ours-only", ["b2"])):
        watch.open(tmp_path / "report.html", f"#/samples?verdict={half}")
        settled(page, wanted)


def test_of_many_runs_each_is_a_row_and_two_at_most_are_open(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make = sample_runs
    runs = [
        make.write_run(
            tmp_path / f"r{n}", {"ai2d": [(make.choice_item("c"), make.response("AB"[n % 2]))]}, model=f"m{n}"
        )
        for n in range(5)
    ]
    watch.open(make.write_page(tmp_path / "report.html", runs), "#/samples")
    rows = page.locator(".samples-compact")
    rows.first.wait_for()
    opened = page.locator(".samples-compact[aria-expanded=true] .samples-compact-name")
    assert rows.count() == 5
    assert opened.all_text_contents() == ["m0"]
    assert page.locator(".samples-compact-answer").all_text_contents() == list("ABABA")
    rows.nth(3).focus()
    page.keyboard.press("Enter")
    page.locator("[data-pin='3'][aria-expanded=true]").wait_for()
    assert opened.all_text_contents() == ["m0", "m3"]
    assert page.evaluate("document.activeElement.dataset.pin") == "3"
    rows.nth(4).click()
    page.locator("[data-pin='4'][aria-expanded=true]").wait_for()
    assert opened.all_text_contents() == ["m3", "m4"]
    assert "pin=3%2C4" in page.url
    for number in (3, 4):
        rows.nth(number).click()
        page.locator(f"[data-pin='{number}'][aria-expanded=false]").wait_for()
    assert opened.count() == 0


PAYLOADS = [
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1><script>window.hit=1</script><a xlink:href='javascript:window.hit=1'>x</a></svg>",
    "<style>@import 'https://evil.example/a.css'; body{background:url(https://evil.example/b.png)}</style>",
    "[link](javascript:window.hit=1) ![picture](https://evil.example/c.png) <https://evil.example/d>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe><object data=https://evil.example/e></object>",
    "<div style='position:fixed;inset:0;background:url(https://evil.example/f)' id=section-samples>over</div>",
    r"$\href{javascript:window.hit=1}{x} \includegraphics{https://evil.example/g.png} \style{color:red}{y}$",
    r"$$\def\a{\a\a}\a$$ \(\class{samples-row}{x}\) \[\htmlData{x=y}{z}\]",
    "<form action=https://evil.example/h><button formaction=javascript:window.hit=1>go</button></form>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=window.hit=1></annotation-xml></math>",
    "<a href='data:text/html,<script>alert(1)</script>' autofocus onfocus=alert(1) tabindex=1>x</a>",
    "```html\n<script>alert(1)</script>\n``` \n<meta http-equiv=refresh content='0;url=https://evil.example/i'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    '\ue000<img src=x onerror=alert(1)>\ue001 <image 1><image "onerror=alert(1)>',
]


def test_hostile_markdown_latex_html_svg_and_css_stay_inert(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make, dialogs = sample_runs, []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    asked = []
    for number, text in enumerate(PAYLOADS):
        target = ChoiceTarget((text, "b"), 0)
        item = make.item(f"p{number}", text, target, choices=[text, "b"], groups={text: text}, prompt=[text])
        asked.append((item, make.response(f"<think>{text}</think>{text}\n\nA")))
    run = make.write_run(tmp_path / "run", {"ai2d": asked}, model=PAYLOADS[1])
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples")
    page.locator(".samples-card").wait_for()
    own = set(page.evaluate("Object.keys(window)"))
    for number in range(len(PAYLOADS)):
        titled(page, f"p{number}")
        for summary in page.locator("#samples-answers summary").all():
            summary.click()
        page.wait_for_timeout(30)
        made = page.evaluate(
            """[...document.querySelectorAll("#samples-answers *")].flatMap((one) => [
                ...(/^(script|style|img|iframe|object|embed|form|svg|link|meta|base|input|audio|video)$/i.test(one.localName)
                  ? [one.localName] : []),
                ...[...one.attributes].filter(({ name, value }) => /^on|^style$|^srcdoc$|formaction/.test(name)
                  || (/href|src$/.test(name) && !value.startsWith("#/samples"))).map(({ name }) => name)])"""
        )
        assert made == [], PAYLOADS[number]
        page.keyboard.press("j")
    assert page.locator("#section-samples").count() == 1
    assert set(page.evaluate("Object.keys(window)")) == own
    assert page.evaluate("window.hit") is None
    assert dialogs == []
    assert watch.strangers == []


def test_hostile_text_is_shown_as_text_and_nothing_runs(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make, hostile = sample_runs, sample_runs.HOSTILE
    target = ChoiceTarget((hostile, "b"), 0)
    item = make.item(
        hostile, hostile, target, choices=[hostile, "b"], groups={hostile: hostile}, prompt=[hostile]
    )
    asked = [
        (item, make.response(f"<think>{hostile}</think>{hostile}")),
        (make.choice_item("long"), make.response("<b>wide</b>" * 6_000)),
        (make.choice_item("failed"), make.response("", finish_reason="error", error=hostile)),
    ]
    run = make.write_run(tmp_path / "run", {"ai2d": asked}, model=hostile)
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples?task=ai2d&raw=1")
    page.locator(".samples-card").first.wait_for()
    shown = hostile.replace("\ud800", "\ufffd").replace("\x00", "\u2400")
    assert page.locator(".samples-question").text_content().replace("\ud800", "\ufffd") == shown
    page.locator(".samples-card summary").first.click()
    page.locator(ROWS).nth(1).click()
    titled(page, "long")
    box = page.locator(".samples-text").last
    assert box.text_content().endswith("Show all 66,000 characters")
    assert box.bounding_box()["height"] < 500
    page.keyboard.press("r")
    page.locator("#samples-raw[aria-pressed=false]").wait_for()
    page.locator(".samples-text button").click()  # too long to be typeset
    assert page.locator(".samples-text").last.text_content() == "<b>wide</b>" * 6_000
    page.locator(ROWS).nth(2).click()
    titled(page, "failed")
    assert "onerror" in page.text_content(".samples-card")
    page.locator(ROWS).nth(0).click()
    page.locator(".samples-groups a").click()
    page.wait_for_timeout(100)
    assert page.evaluate("window.hit") is None
    assert page.locator("#main img, #main b b, #main script").count() == 0
    assert len(ids(page)) == 1


@pytest.mark.parametrize(("place", "beside"), [(".", "_media/"), ("a run #1", "/images/")])
def test_images_beyond_the_cap_come_from_the_folder_beside_it(
    page: Any, watch: Any, tmp_path: Path, sample_runs: Any, place: str, beside: str
):
    make, folder = sample_runs, tmp_path / "a run #1"
    name = make.picture(folder, (400, 300), (-1, 1, 0))
    items = [
        make.choice_item("beside", images=[name], sizes=[[400, 300]]),
        make.choice_item("gone", images=["0" * 24 + ".png"], sizes=[[10, 10]]),
    ]
    run = make.write_run(folder, {"ai2d": [(item, make.response("A")) for item in items]})
    watch.open(make.write_page(tmp_path / place / "out #1.html", [run], limit=0), "#/samples?id=beside")
    image = page.locator(".samples-frame img")
    image.wait_for()
    for _ in range(100):
        if image.evaluate("(shown) => shown.complete && shown.naturalWidth"):
            break
        page.wait_for_timeout(30)
    assert image.evaluate("(shown) => shown.naturalWidth") == 400
    assert any(beside in address for address in watch.requests)
    page.keyboard.press("j")
    page.locator(".samples-absent", has_text="No image kept").wait_for()


def test_a_preview_gives_way_to_the_image_beside_the_page(
    page: Any, watch: Any, tmp_path: Path, sample_runs: ModuleType
):
    make = sample_runs
    name = make.picture(tmp_path / "run", (1200, 800), (-1, 1, 0))
    item = make.choice_item("c", images=[name], sizes=[[1200, 800]])
    run = make.write_run(tmp_path / "run", {"ai2d": [(item, make.response("A"))]})
    out = make.write_page(tmp_path / "report.html", [run], limit=600_000)
    watch.open(out, "#/samples")
    page.locator(f".samples-frame img[src$='{name}']").wait_for()
    assert page.locator(".samples-note").text_content() == ""
    (tmp_path / "report_media" / name).unlink()
    page.reload()
    missing = f"Preview only: the image is not beside the page: report_media/{name}"
    page.locator(".samples-absent", has_text=missing).wait_for()
    assert page.locator(".samples-frame img").get_attribute("src").startswith("data:image/webp")
    assert all("ERR_FILE_NOT_FOUND" in error for error in watch.errors)
    watch.errors.clear()


def test_many_samples_are_listed_without_being_elements(
    page: Any, watch: Any, tmp_path: Path, sample_runs: Any
):
    make = sample_runs
    asked = [
        (make.choice_item(f"n{number}"), make.response("B" if number % 2 else "A")) for number in range(3000)
    ]
    run = make.write_run(tmp_path / "run", {"ai2d": asked})
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples?outcome=wrong")
    page.locator(ROWS).first.wait_for()
    assert page.text_content("#samples-count") == "1,500 of 3,000 samples"
    assert page.locator(ROWS).count() < 60
    page.locator("#samples-list").focus()
    page.keyboard.press("End")
    titled(page, "n2998")
    assert page.locator(f"{ROWS}[aria-selected=true]").get_attribute("aria-posinset") == "1500"
    page.fill("[data-key=q]", "is n2")
    page.locator("#samples-count", has_text="556 of 3,000").wait_for()
