"""The Python API: what `harness` and `training` export is what the documentation lists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
import training

PAGE = Path(__file__).parents[1] / "docs" / "python-api.md"


def test_the_documentation_lists_every_name_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+\.\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    exported = {f"{package.__name__}.{name}" for package in (harness, training) for name in package.__all__}
    assert len(listed) == len(set(listed))
    assert set(listed) == exported


@pytest.mark.parametrize("package", [harness, training])
def test_every_name_is_there(package: object) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018 - the access is the test


def test_importing_them_imports_nothing_else() -> None:
    heavy = {"tasks", "scorers", "pydantic", "numpy"}
    code = f"import sys, harness, training; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
