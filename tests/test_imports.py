"""The arrows of the architecture: reports, training → harness → tasks → scorers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "scorers": set(),
    "tasks": {"scorers"},
    "harness": {"tasks", "scorers"},
    "training": {"harness", "tasks", "scorers"},
    "reports": {"harness", "tasks", "scorers"},
}


def imported(path: Path) -> set[tuple[int, str]]:
    """(line, top-level package) of every import in a file, those inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(node.lineno, alias.name.split(".")[0]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found.add((node.lineno, (node.module or "").split(".")[0]))
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_is_below_them(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files
        if (ROOT / "harness" / "cli") not in path.parents
        for line, name in imported(path)
        if name in MAY_IMPORT and name != package and name not in MAY_IMPORT[package]
    ]
    assert not wrong


def test_no_eval_no_pickle() -> None:
    wrong = []
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Name) and called.id in {"eval", "exec"}:
                    wrong.append(f"{path}:{node.lineno} calls {called.id}")
            wrong += [f"{path}:{line} imports {name}" for line, name in imported(path) if name == "pickle"]
    assert not wrong
