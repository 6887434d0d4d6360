"""Packages of ours that another file of the same name shadows: `tasks`, `reports` … are common names.

Checked before anything of ours is imported, by the command line and by the Python API, since an import that
finds the wrong file fails with a message that says nothing of it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from harness.errors import UsageError

PACKAGES = ("scorers", "tasks", "training", "reports")
NEEDED = ("scorers", "tasks")
"""What the engine itself imports."""


def refuse_shadowed(names: tuple[str, ...] = PACKAGES) -> None:
    """Check that packages are those beside this one.

    Raises:
        UsageError: one is not: the message is one line that names the file that shadows it.
    """
    home = Path(__file__).resolve().parents[1]
    for name in names:
        where = _origin(name)
        if where is None:
            raise UsageError(f"the package {name!r} is not ours: it is missing")
        if where.resolve().parent.parent != home:
            raise UsageError(
                f"the package {name!r} is not ours: {where} shadows it: "
                "rename that file or run from another folder"
            )


def _origin(name: str) -> Path | None:
    """The file that an import of this name runs."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module without a spec was put into sys.modules
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None
