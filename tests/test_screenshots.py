"""The pictures of the documents: those that the script makes, small, and shown where they are described."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import PIL.Image
import pytest

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"


@pytest.fixture(scope="module")
def names(screenshots: ModuleType) -> set[str]:
    """What the script would write."""
    return set(screenshots.files())


def test_the_folder_has_exactly_what_the_script_makes(names: set[str]) -> None:
    assert {path.name for path in IMAGES.iterdir()} == names


def test_each_is_referenced_and_small_and_of_its_size(names: set[str], screenshots: ModuleType) -> None:
    referenced = re.findall(
        r"\(images/([\w-]+\.png)\)", (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    )
    assert set(referenced) == names
    sizes = {
        f"{shot.name}-{scheme}.png": shot.size for shot in screenshots.SHOTS for scheme in screenshots.SCHEMES
    }
    for name in names:
        assert (IMAGES / name).stat().st_size <= screenshots.LARGEST == 150_000
        assert PIL.Image.open(IMAGES / name).size == sizes[name]
