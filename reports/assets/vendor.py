"""Renews the files of this folder from the npm packages that `vendored.toml` pins. Needs npm.

    python reports/assets/vendor.py [--update]

Each file must have the SHA-256 that `sha256.json` records; `--update` records those of new versions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUMS = HERE / "sha256.json"


def packed(npm: str, library: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(name here, content) of each file of one library, its licence among them."""
    wanted = dict(library["files"]) | {library["licence_file"]: f"{library['name']}.LICENSE.txt"}
    with tempfile.TemporaryDirectory() as folder:
        package = f"{library['package']}@{library['version']}"
        done = subprocess.run(  # noqa: S603 # nosec B603 # a list, no shell; npm is the user's own
            [npm, "pack", "--silent", package],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        with tarfile.open(Path(folder) / done.stdout.split()[-1]) as archive:
            for theirs, ours in wanted.items():
                member = archive.extractfile(f"package/{theirs}")
                assert member is not None
                yield ours, member.read()


def main() -> int:
    """Fetch, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="record the hashes of what is fetched")
    args = parser.parse_args()
    npm = shutil.which("npm")
    if npm is None:
        print("vendor.py: npm is not installed", file=sys.stderr)
        return 1
    libraries = tomllib.loads((HERE / "vendored.toml").read_text(encoding="utf-8"))
    files = {
        name: content
        for key, library in libraries.items()
        for name, content in packed(npm, {"name": key, **library})
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    if not args.update and sums != json.loads(SUMS.read_text(encoding="utf-8")):
        print("vendor.py: a file is not the one that sha256.json records; nothing was written", file=sys.stderr)
        return 1
    for name, content in files.items():
        (HERE / name).write_bytes(content)
    SUMS.write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
