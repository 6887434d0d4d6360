"""The sample viewer in a browser."""

from __future__ import annotations

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
        page.locator(f"{ROWS}, #samples-body > p").first.wait_for()
        page.locator("#samples-body > *").first.wait_for()
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
        ("?status=truncated", ["c2"]),
        ("?status=missing", ["m1"]),
        ("?status=missing&run=tiny", []),
        ("?run=tiny&verdict=right&task=refcoco", ["box0", "box1"]),
        ("?run=mock&verdict=wrong&task=refcoco", ["box1", "box3"]),
        ("?verdict=flips", ["box1", "box2"]),
        ("?verdict=a-only", ["box1"]),
        ("?verdict=b-only", ["box2"]),
        ("?verdict=a-only&a=mock&b=tiny", ["box2"]),
        ("?group=image%3Dx0", ["c0"]),
        ("?group=image%3Dnone", []),
        ("?q=green", ["c0"]),
        ("?q=WHERE+IS", ["box0", "box1", "box2", "box3"]),
        ("?q=m1", ["m1"]),
        ("?q=green&verdict=wrong", []),
    ],
)
def test_a_deep_link_filters(opened: Any, query: str, wanted: list[str]):
    page = opened(query)
    settled(page, wanted)
    if not wanted:
        assert "No sample matches" in page.text_content("#samples-body")


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
    assert "flips: A and B part (2)" in options
    assert "A right, B wrong (1)" in options
    assert not any(option.startswith("loophole") for option in options)


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
    assert "norm1000" in cards.nth(0).text_content()
    assert "seen at 128 × 96 px" in cards.nth(0).text_content()


def test_a_link_to_a_sample_that_is_not_there_says_so(opened: Any):
    page = opened("?id=nowhere")
    assert "no sample" in page.text_content("#samples-body")


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
    page.get_by_label("predicted").uncheck()
    assert (visible(page, "true"), visible(page, "predicted")) == (True, False)
    page.keyboard.press("t")
    assert (visible(page, "true"), visible(page, "predicted")) == (False, False)
    assert not page.get_by_label("true").is_checked()
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


def test_the_channel_stands_beside_what_was_read(opened: Any):
    page = opened("/ai2d/c0")
    channel = page.locator(".samples-read .soft[title]").first
    assert channel.text_content().strip() == "whole"
    assert channel.get_attribute("title") == "The response is the answer, or its first line is."


def test_an_image_opens_large_by_enter_and_closes_by_escape(opened: Any):
    page = opened("?task=refcoco")
    page.locator(".samples-enlarge").focus()
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
    assert not details.locator("pre").is_visible()
    details.locator("summary").click()
    assert details.locator("pre").text_content() == "<think>It is green.</think>"
    right = page.locator(".samples-choice-right")
    assert "green" in right.text_content()
    assert "tiny" in right.text_content()


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
        ("c2", "token limit cut"),
        ("c3", "the endpoint said 500"),
        ("m1", "Not answered yet"),
    ],
)
def test_why_there_is_no_answer_is_said(opened: Any, name: str, words: str):
    page = opened(f"?id={name}")
    titled(page, name)
    page.locator("#samples-body", has_text=words).wait_for()


def test_a_group_links_to_its_samples(opened: Any):
    page = opened("?task=ai2d")
    page.locator(".samples-groups a").click()
    settled(page, ["c0"])
    assert page.locator("[data-key=group]").input_value() == "image=x0"


def test_on_a_phone_nothing_is_wider_than_the_window(opened: Any, page: Any, watch: Any):
    page.set_viewport_size({"width": 390, "height": 844})
    opened("?task=refcoco")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(ROWS).nth(1).click()
    titled(page, "box1")
    page.locator("#samples-back").click()
    assert page.evaluate("document.activeElement.id") == "samples-list"
    assert watch.shot("phone").stat().st_size > 1000


def test_hostile_text_is_shown_as_text_and_nothing_runs(
    page: Any, watch: Any, tmp_path: Path, sample_runs: Any
):
    make, hostile = sample_runs, sample_runs.HOSTILE
    item = make.item(
        hostile,
        hostile,
        ChoiceTarget((hostile, "b"), 0),
        choices=[hostile, "b"],
        groups={hostile: hostile},
        prompt=[hostile],
    )
    long = make.choice_item("long")
    failed = make.choice_item("failed")
    run = make.write_run(
        tmp_path / "run",
        {
            "ai2d": [
                (item, make.response(f"<think>{hostile}</think>{hostile}")),
                (long, make.response("<b>wide</b>" * 100_000)),
                (failed, make.response("", finish_reason="error", error=hostile)),
            ]
        },
        model=hostile,
    )
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples?task=ai2d")
    page.locator(".samples-card").first.wait_for()
    shown = hostile.replace("\ud800", "\ufffd").replace("\x00", "\u2400")
    assert page.locator(".samples-question").text_content().replace("\ud800", "\ufffd") == shown
    page.locator(".samples-card summary").first.click()
    page.locator(ROWS).nth(1).click()
    titled(page, "long")
    box = page.locator(".samples-text").last
    assert len(box.text_content()) == 1_100_000
    assert box.bounding_box()["height"] < 500
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
    assert image.get_attribute("loading") == "lazy"
    for _ in range(100):
        if image.evaluate("(shown) => shown.complete && shown.naturalWidth"):
            break
        page.wait_for_timeout(30)
    assert image.evaluate("(shown) => shown.naturalWidth") == 400
    assert any(beside in address for address in watch.requests)
    page.keyboard.press("j")
    page.locator(".samples-absent", has_text="No image kept").wait_for()


def test_many_samples_are_listed_without_being_elements(
    page: Any, watch: Any, tmp_path: Path, sample_runs: Any
):
    make = sample_runs
    asked = [
        (make.choice_item(f"n{number}"), make.response("B" if number % 2 else "A")) for number in range(3000)
    ]
    run = make.write_run(tmp_path / "run", {"ai2d": asked})
    watch.open(make.write_page(tmp_path / "report.html", [run]), "#/samples?verdict=wrong")
    page.locator(ROWS).first.wait_for()
    assert page.text_content("#samples-count") == "1,500 of 3,000 samples"
    assert page.locator(ROWS).count() < 60
    page.locator("#samples-list").focus()
    page.keyboard.press("End")
    titled(page, "n2998")
    assert page.locator(f"{ROWS}[aria-selected=true]").get_attribute("aria-posinset") == "1500"
    page.fill("[data-key=q]", "is n2")
    page.locator("#samples-count", has_text="556 of 3,000").wait_for()
