"""The documentation as a site: it builds, its links lead somewhere, nothing is loaded from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import BUILTIN, load_builtin

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -c constraints.txt -e '.[docs]'")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a broken link or anchor, or a page outside the menu, is an error."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_each_benchmark_has_a_page_of_what_it_asks_and_how_it_scores(site: Path) -> None:
    pages = {name: site / "benchmarks" / f"{name.replace('+', '-plus')}.html" for name in BUILTIN}
    for name, page in pages.items():
        task, text = load_builtin(name), page.read_text(encoding="utf-8")
        for said in (task.source.repo, task.headline.name, "Prompt as sent", "[image 1]"):
            assert said in text, (name, said)


def test_lists_are_lists(site: Path) -> None:
    """Python-Markdown wants a blank line before a list; GitHub does not."""
    pages = site.rglob("*.html")
    assert [
        page.name for page in pages if re.search(r"<p>[^<]*\n(?:- |\d+\. |\|)", page.read_text("utf-8"))
    ] == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\s\">]+)|<link[^>]* href=\"?(https?:[^\s\">]+)"
    pages = [*site.rglob("*.html")]
    assert len(pages) > 40
    assert [(page.name, found) for page in pages for found in re.findall(loaded, page.read_text("utf-8"))] == []
