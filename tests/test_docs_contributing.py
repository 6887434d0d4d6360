"""What CONTRIBUTING.md says of the code is measured."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from harness import __version__

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = ("scorers", "tasks", "harness", "training", "reports")


def lines(files: Iterable[Path]) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def test_the_ratio_of_tests_to_source_is_what_is_measured() -> None:
    source = lines(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    measured = lines((ROOT / "tests").glob("*.py")) / source
    said = re.search(r"\(([\d.]+) lines\s+of tests to a line", TEXT)
    assert said is not None
    assert abs(measured - float(said[1])) < 0.05, f"measured: {measured:.2f}"


def test_every_place_of_an_idea_is_there() -> None:
    table = TEXT.split("| idea | place |", 1)[1].split("\n\n", 1)[0]
    places = re.findall(r"`((?:scorers|training|harness)/[\w/.]*)`", table)
    assert len(places) >= 10
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_version_is_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
