"""`.ci/run` reads its commands from the README: a change of either must not leave it with none."""

from __future__ import annotations

import shutil
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


def browser_part(tools: Path) -> subprocess.CompletedProcess[str]:
    """What `.ci/run` does about the browser on a machine that has these programs alone."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    start = script.index("if ! command -v chromium")
    part = script[start : script.index("\nfi\n", start) + 4]
    for name in ("bash", "id"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return subprocess.run(
        [str(tools / "bash"), "-euo", "pipefail", "-c", f"{part}echo on"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tools)},
    )


def program(tools: Path, name: str, code: int = 0) -> Path:
    log = tools / f"{name}.log"
    (tools / name).write_text(f'#!{tools}/bash\necho "$@" >> {log}\nexit {code}\n', encoding="utf-8")
    (tools / name).chmod(0o755)
    return log


def test_a_browser_that_is_there_is_not_installed(tmp_path: Path) -> None:
    program(tmp_path, "chromium")
    log = program(tmp_path, "apt-get")
    assert browser_part(tmp_path).stdout == "on\n"
    assert not log.exists()


def test_a_missing_browser_is_installed(tmp_path: Path) -> None:
    log = program(tmp_path, "apt-get")
    (tmp_path / "sudo").write_text(f'#!{tmp_path}/bash\nexec "$@"\n', encoding="utf-8")
    (tmp_path / "sudo").chmod(0o755)
    done = browser_part(tmp_path)
    assert (done.stdout, done.stderr) == ("on\n", "")
    assert log.read_text() == "-qq update\n-qq install -y chromium fonts-noto-core\n"


@pytest.mark.parametrize("code", [None, 100])
def test_without_apt_get_or_a_network_it_says_so_and_goes_on(tmp_path: Path, code: int | None) -> None:
    if code is not None:
        program(tmp_path, "apt-get", code)
    done = browser_part(tmp_path)
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert "browser tests will be skipped" in done.stderr
