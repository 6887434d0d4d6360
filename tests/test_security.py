"""The checks that guard the code: an audit that learned nothing says so, and no exception goes unexplained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "tasks", "scorers", "training", "reports")


def audited(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """What `.ci/audit.py` says where pip-audit is the given program."""
    (folder / "pip_audit.py").write_text(program, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit.py")],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def replying(*packages: dict[str, Any], code: int = 0) -> str:
    """A pip-audit that prints its report of these packages."""
    return f"import sys\nprint({json.dumps(json.dumps({'dependencies': packages}))})\nsys.exit({code})\n"


CLEAN = {"name": "good", "version": "1.0", "vulns": []}
KNOWN = {"name": "bad", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found"}


def test_the_audit_passes_where_all_is_known_and_clean(tmp_path: Path) -> None:
    done = audited(tmp_path, replying(CLEAN))
    assert (done.returncode, done.stdout) == (0, "pip-audit: 1 packages audited\n")


def test_a_known_vulnerability_fails_and_names_what_mends_it(tmp_path: Path) -> None:
    done = audited(tmp_path, replying(CLEAN, KNOWN, UNKNOWN, code=1))
    assert done.returncode == 1
    assert "2 packages audited" in done.stdout
    assert "not in the database: own" in done.stdout
    assert "bad 1.0: CVE-1, mended by 1.1, 2.0" in done.stdout


@pytest.mark.parametrize(
    "program",
    [
        replying(UNKNOWN, UNKNOWN),
        "import sys\nsys.exit('requests.exceptions.ConnectionError: no route')\n",
        "import sys\nsys.exit('pip_audit._service.interface.ConnectionError: no route')\n",
    ],
)
def test_without_the_database_one_line_says_so(tmp_path: Path, program: str) -> None:
    done = audited(tmp_path, program)
    [line] = done.stdout.splitlines()
    assert (done.returncode, line[:26]) == (0, "pip-audit: nothing audited")


@pytest.mark.parametrize("program", ["import sys\nsys.exit(1)\n", "raise RuntimeError('no route')\n", ""])
def test_an_audit_that_breaks_otherwise_fails(tmp_path: Path, program: str) -> None:
    assert audited(tmp_path, program).returncode != 0


def test_every_exception_from_bandit_names_its_rule_and_its_reason() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if "nosec" in line]
    assert found
    assert [line for line in found if not re.search(r"# nosec B\d{3} # \w.+", line)] == []
