"""The page's shell in a browser: one section at a time, hostile text is text, nothing leaves the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.page import Section, render

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror='hit=1'>\u2028\u202e javascript:hit()"


def written(path: Path) -> Path:
    sections = [
        Section("one", "One", Markup("<p>{}</p>").format(HOSTILE), {"block": {"text": HOSTILE}}),
        Section("two", HOSTILE, Markup("<p>second</p>")),
    ]
    path.write_text("".join(render(HOSTILE, sections, notice=HOSTILE)), encoding="utf-8")
    return path


def test_one_section_is_shown_at_a_time_and_the_address_says_which(page: Any, watch: Any, tmp_path: Path):
    watch.open(written(tmp_path / "page.html"))
    assert page.locator("#section-one").is_visible()
    page.locator("nav a").nth(1).click()
    assert page.locator("#section-two").is_visible()
    assert not page.locator("#section-one").is_visible()
    page.go_back()
    assert page.locator("#section-one").is_visible()


def test_another_tab_begins_at_its_top(page: Any, watch: Any, tmp_path: Path):
    tall = Markup("<p>{}</p>").format("line\n") * 200
    sections = [Section(name, name, tall) for name in ("one", "two")]
    path = tmp_path / "page.html"
    path.write_text("".join(render("title", sections)), encoding="utf-8")
    watch.open(path)
    page.mouse.wheel(0, 1500)
    page.wait_for_function("() => scrollY > 500")
    page.locator("nav a").nth(1).click()
    assert page.locator("#section-two").is_visible()
    assert page.evaluate("scrollY") == 0


def test_hostile_text_is_text_in_markup_title_and_data(page: Any, watch: Any, tmp_path: Path):
    watch.open(written(tmp_path / "page.html"))
    assert page.locator("#section-one p").text_content() == HOSTILE
    assert page.evaluate("harness.data('block').text") == HOSTILE
    assert page.evaluate("window.hit") is None


def test_inline_scripts_and_the_network_are_refused_by_the_policy(watch: Any, tmp_path: Path):
    watch.open(written(tmp_path / "page.html"))
    refused = watch.page.evaluate(
        """() => { const image = document.createElement("img"); image.src = "https://example.org/x.png";
        document.body.append(image); const button = document.createElement("button");
        document.body.append(button); const refused = [];
        const script = document.createElement("script");
        for (const attempt of [() => { script.textContent = "window.hit = 1"; document.body.append(script); },
            () => { document.body.innerHTML = "<p>"; },
            () => button.setAttribute("onclick", "window.hit = 1")]) {
          try { attempt(); } catch (error) { refused.push(error.message); }
        }
        button.click(); return refused; }"""
    )
    watch.page.wait_for_timeout(50)
    assert watch.page.evaluate("window.hit") is None
    assert [message.split("'")[-2] for message in refused] == ["TrustedScript", "TrustedHTML", "TrustedScript"]
    assert any("img-src" in error for error in watch.errors)
