"""What SECURITY.md promises and no other test holds, and the checks that guard the code."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import PIL.Image
import pytest

import harness
from harness.data import load_rows
from tasks.images import ImageRef
from tasks.picture import ImageError, decoded, file_bytes, header
from tests.scripted_server import error, scripted

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


def test_every_test_that_security_md_names_is_there() -> None:
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) >= 15
    assert [
        (file, name) for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ] == []


def png(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("RGB", (4, 4), "red").save(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with `in.png`, and links to a folder beside it and to `secret.png` in that."""
    secret = png(tmp_path / "beside" / "secret.png")
    inside = png(tmp_path / "data" / "letters" / "in.png").parent
    (inside / "link.png").symlink_to(secret)
    (inside / "folder").symlink_to(secret.parent)
    return tmp_path / "data"


def row_of(fakes: ModuleType, data: Path, image: Any, *, outside: bool = False) -> Any:
    fakes.write(data, "letters", [{**fakes.row(0), "image": image}])
    [row] = load_rows(fakes.LETTERS, str(data), outside_images=outside)
    return row


WAYS_OUT = [
    "../../beside/secret.png",
    "{parent}/beside/secret.png",
    "link.png",
    "folder/secret.png",
    "folder/../beside/secret.png",
    ["in.png", "../../beside/secret.png"],
    "['../../beside/secret.png']",
    {"bytes": None, "path": "../../beside/secret.png"},
    "../../data-of-another/secret.png",  # the directory's name is the beginning of this one's
]


@pytest.mark.parametrize("image", WAYS_OUT, ids=str)
def test_an_image_outside_the_data_directory_fails_its_row(fakes: ModuleType, data: Path, image: Any) -> None:
    asked = json.loads(json.dumps(image).replace("{parent}", str(data.parent)))
    row = row_of(fakes, data, asked)
    assert "leads outside" in row.error
    assert "--allow-outside-images" in row.error
    permitted = row_of(fakes, data, asked, outside=True)
    assert not hasattr(permitted, "error")


@pytest.mark.parametrize("image", ["in.png", "../letters/in.png", "{parent}/data/letters/in.png"])
def test_an_image_within_it_is_read_however_it_is_spelled(fakes: ModuleType, data: Path, image: str) -> None:
    row = row_of(fakes, data, image.format(parent=data.parent))
    assert ImageRef(row["image"]).size == (4, 4)


def bitmap(width: int, height: int) -> bytes:
    """The header of a PNG that claims a size, and nothing behind it."""
    buffer = io.BytesIO()
    PIL.Image.new("1", (1, 1)).save(buffer, "PNG")
    data = buffer.getvalue()
    chunk = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def test_a_picture_of_more_pixels_than_pillow_takes_is_not_decoded() -> None:
    assert header(bitmap(1000, 1000)).size == (1000, 1000)
    for read in (header, decoded):
        with pytest.raises(ImageError, match="exceeds limit"):
            read(bitmap(20_000, 20_000))


def test_postscript_is_not_run() -> None:
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError, match="PostScript is a program"):
        decoded(program)


def test_what_is_no_regular_file_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(ImageError):
            file_bytes(path)


def test_an_enormous_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(ImageError, match="over 256 MiB"):
        file_bytes(tmp_path / "a.png")


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "MY_KEY"])
def test_a_key_is_in_no_file_of_the_run(
    fakes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "sk-secret")
    fakes.write(tmp_path / "data", "letters", [fakes.row(0)])
    named = {} if variable == "OPENAI_API_KEY" else {"api_key_env": variable}
    with scripted(lambda number, _: (400, error(f"you sent {server.headers[number]}"))) as server:
        results = harness.evaluate(
            model="m",
            base_url=server.url,
            task_file=[str(fakes.__file__)],
            tasks="letters",
            data=str(tmp_path / "data"),
            out=str(tmp_path / "run"),
            **named,
        )
    assert results.exit_code == 3
    assert "sk-secret" in server.headers[0]["Authorization"]
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if b"sk-secret" in path.read_bytes()] == []
