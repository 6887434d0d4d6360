"""`.ci/run` reads its commands from the README: a change of either must not leave it with none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("name", "ends"), [("eval", "--data synthetic"), ("test", ".venv/bin/pytest")])
def test_the_readme_commands_are_found(name: str, ends: str) -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    start = script.index("command_from_readme() {")
    function = script[start : script.index("\n}\n", start) + 3]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{function}command_from_readme {name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [command] = done.stdout.splitlines()
    assert command.startswith("python3 -m venv .venv && ")
    assert command.endswith(ends)
