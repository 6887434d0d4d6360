"""The arrows of the architecture: reports, training → harness → tasks → scorers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
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


def test_what_stands_above_the_engine_is_named_in_the_table_of_verbs_alone() -> None:
    named = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "harness").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and re.match(r"(training|reports)\.[\w.]+:", str(node.value))
    }
    assert named == {"harness/cli/verbs.py"}


def test_every_room_says_what_it_is() -> None:
    rooms = [path for package in ("harness", "training") for path in (ROOT / package).rglob("__init__.py")]
    rooms += (ROOT / "reports").rglob("__init__.py")
    assert len(rooms) >= 12
    silent = [path for path in rooms if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


def modules() -> dict[str, Path]:
    """Every module of the five packages by its dotted name."""
    found = {}
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def packages_of(name: str) -> set[str]:
    """The packages that a module is in: "a.b.c" is in "a" and "a.b"."""
    return {name[:place] for place, character in enumerate(name) if character == "."}


def edges(name: str, path: Path, known: Iterable[str]) -> set[str]:
    """Modules that one imports, in functions too, with the packages that Python imports on the way to them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in known else node.module for one in inner}
    for one in list(found):
        found |= packages_of(one) - packages_of(name) - {name}
    return found & set(known)


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle of a graph, its first module again at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    paths = modules()
    graph = {name: edges(name, path, paths) for name, path in paths.items()}
    assert {"harness.api", "harness.run", "harness.shadowing"} <= graph["harness"]
    assert cycle(graph) == []


def test_a_cycle_is_found_through_functions_and_packages(tmp_path: Path) -> None:
    sources = {
        "room": "from room.door import name",
        "room.door": "def f():\n    import hall.closet",
        "hall": "",
        "hall.closet": "from room.wall import other",
        "room.wall": "",
    }
    for name, source in sources.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    graph = {name: edges(name, tmp_path / name, sources) for name in sources}
    assert graph["hall.closet"] == {"room", "room.wall"}
    assert set(cycle(graph)) == {"room", "room.door", "hall.closet"}
