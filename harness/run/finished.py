"""What a finished run was made of: `finished.json`, by which the same command knows that nothing is left to do.

It names, by hashes, whatever planning, asking and scoring again would look at: the command's settings, our own
source and the packages that read rows and make prompts, image files, and the run's files. Where all is as it
was, the results stand. Where anything differs, or is not covered (a sample without a verdict, tasks that are
not ours, images from addresses or in very many files), the run is planned and scored again as ever. Model, data
and templates are compared before, as for every run that is continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import scorers
from harness.config import RunConfig
from harness.errors import HarnessError
from harness.fingerprint import hashes
from harness.jsonl import read_json, write_json
from harness.run.identity import versions
from harness.run.replaced import FOLDER
from tasks import BUILTIN
from tasks.types import Task

NAME = "finished.json"
_SOURCE = ("harness", "tasks", "scorers", "reports")
_READERS = ("datasets", "jinja2", "pyarrow")
"""Packages that a plan may depend on, beside those of `run.json`."""


def record(
    run_dir: Path, config: RunConfig, tasks: Iterable[Task], pictures: Mapping[str, str] | None, answered: int
) -> None:
    """Write what a run was made of, where that is covered. It is complete, and every response has a verdict.

    Args:
        run_dir: the run.
        config: its command's.
        tasks: of the run.
        pictures: image files with the SHA-256 of each; None: that is not known of all.
        answered: responses.

    Raises:
        HarnessError: it cannot be written.
    """
    if pictures is not None and all(map(_ours, tasks)):
        write_json(run_dir / NAME, {"answered": answered, "pictures": pictures, **_state(run_dir, config)})


def answered_all(run_dir: Path, config: RunConfig, tasks: Iterable[Task]) -> int | None:
    """How many responses a run has, where its results are current and nothing is left to ask; else None.

    Args:
        run_dir: the run; its settings, data and model were found to be those of the command.
        config: the command's.
        tasks: that it names.
    """
    if not all(map(_ours, tasks)) or (run_dir / FOLDER).exists() or not (run_dir / NAME).exists():
        return None
    try:
        content = read_json(run_dir / NAME)
        answered, pictures = content.pop("answered"), content.pop("pictures")
        known = isinstance(answered, int) and content == _state(run_dir, config)
        paths = [Path(path) for path in pictures]
        return answered if known and hashes(paths) == list(pictures.values()) else None
    except (HarnessError, AttributeError, KeyError, TypeError, ValueError):
        return None  # damaged, or a picture has gone


def _ours(task: Task) -> bool:
    """Whether all of a task's source is hashed here."""
    return task.name in BUILTIN and task.to_samples.__module__.startswith("tasks.")


def _state(run_dir: Path, config: RunConfig) -> dict[str, Any]:
    """What must be the same for the results to be."""
    files = sorted(run_dir.glob("*/*.jsonl"))
    copies = run_dir / "images"
    names = sorted(entry.name for entry in copies.iterdir() if entry.stat().st_size) if copies.is_dir() else []
    return {
        "config": config.model_dump(mode="json", exclude={"fresh"}),
        "source": _source(),
        "versions": versions() | {name: found for name in _READERS if (found := _version(name))},
        "files": {
            str(path.relative_to(run_dir)): content for path, content in zip(files, hashes(files), strict=True)
        },
        "run": hashes([run_dir / "run.json", run_dir / "results.json"]),
        "images": hashlib.sha256("\n".join(names).encode()).hexdigest(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _source() -> str:
    """A hash of our own source."""
    digest = hashlib.sha256()
    for package in _SOURCE:
        for path in sorted((Path(scorers.__file__).parent.parent / package).rglob("*")):
            if path.suffix not in (".pyc", "") and path.is_file():
                digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()
