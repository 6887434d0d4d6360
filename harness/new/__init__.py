"""A task of one's own to begin with: `harness new task NAME` writes a plugin that works, its test and rows.

`template.py` and `template_test.py` are what it writes, under the name `newtask`.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import UsageError
from harness.jsonl import encode, write_atomic, writing
from harness.registry import SUITES
from tasks import BUILTIN

_TEMPLATES = Path(__file__).parent
_PLACEHOLDER = "newtask"
_LONGEST = 20
"""Characters of a name: the templates' lines stay within 112."""
_SIZE, _STEP = 128, 28
"""Pixels of an example picture's sides, and from one circle to the next."""


def write_task(name: str, folder: Path) -> list[Path]:
    """Write `NAME.py`, `test_NAME.py` and `data/NAME/` with four rows and their pictures; all as paths.

    Args:
        name: of the task and its module.
        folder: where to; made where it is not there.

    Raises:
        UsageError: the name cannot be a module's, is taken, or something of that name is there already.
        HarnessError: the folder cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > _LONGEST:
        raise UsageError(
            f"{name!r} cannot be a task's name: lower-case letters, digits and _, a letter first, at most "
            f"{_LONGEST} in all"
        )
    if name in BUILTIN or name in SUITES or name == "other":
        raise UsageError(f"{name!r} is the name of a built-in task or category: choose another")
    plugin, test, rows = folder / f"{name}.py", folder / f"test_{name}.py", folder / "data" / name
    for path in (plugin, test, rows):
        if path.exists():
            raise UsageError(f"{path} exists: choose another name, or another folder with --out")
    for template, path in (("template.py", plugin), ("template_test.py", test)):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        write_atomic(path, [text.replace(_PLACEHOLDER, name).encode()])
    _write_rows(rows)
    return [plugin, test, rows]


def _write_rows(folder: Path) -> None:
    """Four example rows: one to four circles or squares to count."""
    from PIL import Image, ImageDraw

    with writing(folder):
        folder.mkdir(parents=True)
        rows = []
        for count in range(1, 5):
            kind = ("circles", "squares")[count % 2]
            picture = Image.new("RGB", (_SIZE, _SIZE), "white")
            draw = ImageDraw.Draw(picture)
            for index in range(count):
                box = [_STEP * index + 8, 50, _STEP * index + 28, 70]
                (draw.ellipse if kind == "circles" else draw.rectangle)(box, fill="red")
            picture.save(folder / f"{count}.png")
            question = f"How many {kind} are there?"
            row = {"id": str(count), "image": f"{count}.png", "question": question, "answer": count}
            rows.append(encode({**row, "kind": kind}))
    write_atomic(folder / "rows.jsonl", rows)
