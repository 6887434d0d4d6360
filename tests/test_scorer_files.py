"""How much code a verdict rests on: the files under `scorers/` that each task's scorer imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tasks import BUILTIN, load_builtin

ROOT = Path(__file__).parents[1]
SCORERS = ROOT / "scorers"
MOST = 8
MATHEMATICS = ("mathverse", "mathvision")


def imported(path: Path) -> set[Path]:
    """The files of `scorers/` that a file names in an import, those inside functions too."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            file = ROOT / f"{name.replace('.', '/')}.py"
            if name.split(".")[0] == "scorers" and file.is_file():
                found.add(file)
    return found


def counts(path: Path) -> bool:
    """Whether a file is counted: no package file, no official rule."""
    return path.name != "__init__.py" and path.relative_to(SCORERS).parts[0] != "official"


def files_of(name: str) -> list[str]:
    """The counted files of a task's scorer, transitively."""
    module = load_builtin(name).scorer.__module__
    assert module.startswith("scorers.")
    seen, left = set(), [ROOT / f"{module.replace('.', '/')}.py"]
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            left += imported(path)
    return sorted(str(path.relative_to(SCORERS)) for path in seen if counts(path))


@pytest.mark.parametrize("name", BUILTIN)
def test_a_verdict_rests_on_few_files(name: str) -> None:
    files = files_of(name)
    print(f"{name:12} {len(files):2}  {', '.join(files)}")
    if name in MATHEMATICS:
        files = [file for file in files if not file.startswith("math/")]
    assert len(files) <= MOST, files


def lines(folder: Path) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in folder.rglob("*.py"))


def test_the_scorers_are_short() -> None:
    print("scorers/", lines(SCORERS))
    assert lines(SCORERS) <= 5_500


def test_the_reader_is_short() -> None:
    print("scorers/read/", lines(SCORERS / "read"))
    assert lines(SCORERS / "read") <= 1_700
