"""A folder of runs as `harness view` shows it: what is in it, and reports made when they are opened."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.run import read_run
from harness.words import counted
from reports.build import build
from reports.runs import is_run, load_runs
from reports.training.runs import is_training_run, load_training_runs, number

DEPTH = 3
"""How deep below the folder runs are looked for."""
_FILES = ("run.json", "results.json", "*/*.jsonl", "*.jsonl", "*/settings.json")
"""Files of a run that a report reads; where one has changed, the report is made again."""


MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
"""What readers of a run raise where a file of it holds JSON of another shape than ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list."""

    name: str
    """Its path below the folder, with `/`; "." where the folder itself is the run."""
    path: Path
    kind: str
    """`evaluation` or `training`."""
    state: str
    """`complete`, `partial`, `shard`, `finished`, `unfinished` or `broken`."""
    when: str
    """Its last change, UTC, to the minute."""
    model: str = ""
    synthetic: bool = False
    tasks: int | None = None
    mean: float | None = None
    """Over its tasks, per cent."""
    low: float | None = None
    high: float | None = None
    detail: str = ""
    """Why it is broken, what is missing, or how far it has come."""


def find_runs(root: Path) -> dict[str, Path]:
    """Name → folder of the runs in a folder, sorted; nothing that a link puts outside of it.

    A run is not searched for further runs: the evaluations of a training run belong to it.
    """
    home = root.resolve()
    return dict(sorted(_below(home, home, DEPTH)))


def _below(home: Path, folder: Path, depth: int) -> Iterator[tuple[str, Path]]:
    try:
        found = is_run(folder) or is_training_run(folder)
        inner = sorted(folder.iterdir()) if depth and not found else []
        inner = [path for path in inner if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return  # a folder that may not be read holds no run that could be shown
    if found:
        yield folder.relative_to(home).as_posix(), folder
    for path in inner:
        if path.resolve().is_relative_to(home) and not path.is_symlink():
            yield from _below(home, path, depth - 1)


def entries(root: Path) -> list[Entry]:
    """The runs in a folder, the latest first; a broken one says why and stops none of the others."""
    home = root.resolve()
    found = [_entry(name, path, home) for name, path in find_runs(root).items()]
    return sorted(found, key=lambda entry: entry.when, reverse=True)


def _entry(name: str, path: Path, home: Path) -> Entry:
    kind = "evaluation" if is_run(path) else "training"
    common: dict[str, Any] = {"name": name, "path": path, "kind": kind, "when": _when(path)}
    try:
        check_links(path, home)
        return Entry(**common, **(_evaluation(path) if kind == "evaluation" else _training(path)))
    except (HarnessError, OSError) as error:
        return Entry(**common, state="broken", detail=str(error))
    except MALFORMED as error:
        return Entry(**common, state="broken", detail=f"a file is not as this version writes it ({error!r})")


def _evaluation(path: Path) -> dict[str, Any]:
    if not (path / "results.json").exists():
        tasks = (read_run(path) or {}).get("tasks")
        return {
            "state": "partial",
            "tasks": len(tasks) if isinstance(tasks, dict) else None,
            "detail": "not complete; its report scores what is there",
        }
    [complete] = load_runs([path])
    mean, failures = complete.results.mean.score, complete.results.failures
    said = [f"shard {complete.shard}, a part of a run"] if complete.shard is not None else []
    said += [f"{counted(failures, 'response')} without a verdict"] if failures else []
    return {
        "state": "complete" if complete.whole else "shard",
        "model": complete.name,
        "synthetic": complete.synthetic,
        "tasks": len(complete.results.tasks),
        "mean": number(mean.value),
        "low": number(mean.low),
        "high": number(mean.high),
        "detail": "; ".join(said),
    }


def _training(path: Path) -> dict[str, Any]:
    [run] = load_training_runs([path])
    steps = [
        f"{stage.name} {stage.last}" + (f" of {stage.planned}" if stage.planned is not None else "")
        for stage in run.stages
    ]
    return {"state": "finished" if run.finished else "unfinished", "detail": ", ".join(steps)}


def _files(path: Path) -> list[Path]:
    """The files of a run that count, sorted."""
    return sorted({file for pattern in _FILES for file in path.glob(pattern)})


def _when(path: Path) -> str:
    """The last change of a run's files."""
    try:
        last = max(file.lstat().st_mtime for file in _files(path))
        return f"{datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M}"
    except (OSError, ValueError, OverflowError):
        return "–"


def check_links(path: Path, home: Path) -> None:
    """Refuse a run of which a file or image is a link to somewhere outside of the folder.

    Raises:
        HarnessError: names the link.
    """
    images = path / "images"
    found = [images, *_files(path)]
    if images.is_dir():
        found += [Path(entry.path) for entry in os.scandir(images) if entry.is_symlink()]
    for file in found:
        if not file.resolve().is_relative_to(home):
            raise HarnessError(f"{file.relative_to(home)}: a link out of the folder: not shown")


@dataclass
class Reports:
    """Reports of runs in a folder, made in another one when they are first asked for.

    Args:
        root: the folder of runs; nothing is written there.
        cache: where reports go.
    """

    root: Path
    cache: Path
    _made: dict[tuple[str, ...], tuple[Path, tuple[tuple[str, int, int], ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, names: Sequence[str], *, fresh: bool = True) -> Path:
        """The report of runs: a file with its media beside it.

        Args:
            names: of runs in the folder.
            fresh: make it again where a run has changed; else one that was made will do.

        Raises:
            UsageError: there is no such run in the folder.
            HarnessError: a run is broken; what is in `MALFORMED` where its files are of another shape.
        """
        key = tuple(dict.fromkeys(names))
        if not fresh and key in self._made:
            return self._made[key][0]
        runs = find_runs(self.root)
        missing = [name for name in names if name not in runs]
        if missing or not names:
            raise UsageError(f"{missing[0] if missing else 'no name'}: there is no such run in {self.root}")
        for name in key:
            check_links(runs[name], self.root.resolve())
        with self._lock:  # one at a time: a report takes a core and memory
            stamp = tuple(
                (str(file), status.st_mtime_ns, status.st_size)
                for name in key
                for file in _files(runs[name])
                for status in [file.stat()]
            )
            made = self._made.get(key)
            if made is not None and made[1] == stamp:
                return made[0]
            page = made[0] if made is not None else self.cache / str(len(self._made)) / "report.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            chosen = [runs[name] for name in key]
            build(
                load_runs([path for path in chosen if is_run(path)]),
                page,
                training=load_training_runs([path for path in chosen if not is_run(path)]),
            )
            self._made[key] = (page, stamp)
            return page
