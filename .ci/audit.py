"""Known vulnerabilities of the tested set: `python .ci/audit.py [FILE]`, of `constraints.txt` by default.

A vulnerability that is found is exit 1. Where the database cannot be reached, one line says so and the exit is
0: nothing was learned, which is no reason to stop work without a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

_UNREACHED = re.compile(r"^(?:requests\.exceptions|pip_audit\._service\.interface)\.\w+: .*", re.MULTILINE)


def audit(requirements: Path) -> int:
    """Print what is known of the exact versions in a file; the exit code."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    command += ["--no-deps", "--disable-pip", f"--requirement={requirements}"]  # the file names every version
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        if (reason := _UNREACHED.findall(done.stderr)) and done.returncode:
            print(f"pip-audit: nothing audited, the vulnerability database is not reached: {reason[-1][:200]}")
            return 0
        print(done.stderr, file=sys.stderr)
        return done.returncode or 1
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        print(f"pip-audit: nothing audited, the database reached knows none of {len(packages)} packages")
        return 0
    print(f"pip-audit: {len(packages) - len(skipped)} packages audited")
    if skipped:
        print(f"  not in the database: {', '.join(skipped)}")
    found = [(package, known) for package in packages for known in package.get("vulns", ())]
    for package, known in found:
        mended = ", ".join(known["fix_versions"]) or "no version"
        print(f"  {package['name']} {package['version']}: {known['id']}, mended by {mended}")
    return 1 if found else 0


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    sys.exit(audit(Path(sys.argv[1]) if sys.argv[1:] else here / "constraints.txt"))
