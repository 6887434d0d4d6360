"""Every tab of a report under axe-core, the field's checker of WCAG: names, roles, contrast, keyboard reach.

Light and dark; the widths of a desk, a tablet and a phone. What axe cannot see (a figure's text says what it
shows, the order of keys) the tests of each tab check.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import harness
from reports.build import build
from reports.runs import load_runs
from reports.training.runs import load_training_runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TABS = ("leaderboard", "breakdown", "samples", "compare", "training")


@pytest.fixture(scope="module")
def report(training_logs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with all its tabs: two models, three kinds of tasks, a training run."""
    folder = tmp_path_factory.mktemp("report")
    runs = []
    for text in ("A", "(100 100 600 700)"):
        runs.append(folder / f"run{len(runs)}")
        tasks = "refcoco,mmbench,chartqa"
        harness.evaluate(f"mock:text={text}", tasks=tasks, data="synthetic", limit=8, out=str(runs[-1]))
    training = training_logs.write(folder / "training", 6)
    training_logs.write_rollouts(training, 6)
    return build(load_runs(runs), folder / "report.html", training=load_training_runs([training])).path


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_has_no_violation(browser: Browser, report: Path, tab: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")
    viewport = {"width": width, "height": 844}
    # axe is a script of its own, which the page's policy rightly refuses.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport=viewport)
    page = context.new_page()
    page.goto(f"{report.as_uri()}#/{tab}")
    page.locator(f'[data-section="{tab}"]').wait_for()
    if tab == "samples":
        page.locator(".samples-row").first.wait_for()
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
