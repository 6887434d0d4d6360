"""What the page uses of others: the recorded files, each with its licence and its line in the docs."""

from __future__ import annotations

import gzip
import hashlib
import json
import tomllib
from html import unescape
from pathlib import Path

import pytest
from markupsafe import Markup

from reports.page import Section, render

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "reports" / "assets"
LIBRARIES = tomllib.loads((ASSETS / "vendored.toml").read_text(encoding="utf-8"))


def test_every_file_is_the_one_that_was_recorded() -> None:
    sums = json.loads((ASSETS / "sha256.json").read_text(encoding="utf-8"))
    found = {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in sums}
    assert found == sums
    named = {ours for library in LIBRARIES.values() for ours in library["files"].values()}
    assert {path.name for path in ASSETS.iterdir() if path.suffix in (".js", ".css", ".woff2")} == named


@pytest.mark.parametrize("name", LIBRARIES)
def test_each_has_its_licence_and_its_line_in_the_docs(name: str) -> None:
    library = LIBRARIES[name]
    assert len((ASSETS / f"{name}.LICENSE.txt").read_text(encoding="utf-8")) > 500
    content = [(ASSETS / ours).read_bytes() for ours in library["files"].values()]
    size = sum(len(gzip.compress(each, 9, mtime=0)) for each in content)
    facts = [library[key] for key in ("package", "version", "licence")]
    line = " | ".join([*facts, f"{size / 1000:.0f} kB", library["use"]])
    assert f"| {line} |" in (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")


def test_a_page_names_no_file_beside_it_and_allows_each_of_its_scripts() -> None:
    files = [ours for library in LIBRARIES.values() for ours in library["files"].values()]
    libraries = tuple(name for name in files if name.endswith((".js", ".css")))
    page = unescape("".join(render("title", [Section("x", "X", Markup(""), libraries=libraries)])))
    assert "sourceMappingURL" not in page
    assert "@font-face" not in page.replace('@font-face { font-family: "Inter"', "")
    allowed = page.split("script-src", 1)[1].split(";")[0].count("sha256-")
    assert page.count("<script>") == allowed == len([name for name in libraries if name.endswith(".js")]) + 1
