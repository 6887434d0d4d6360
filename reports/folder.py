"""A folder of runs as `harness view` shows it: what is in it, and reports made when they are opened."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError, UsageError
from harness.run import read_run
from harness.run.lock import held
from harness.run.state import State, state_of
from harness.words import counted
from reports.build import build
from reports.page import json_text
from reports.runs import Run, is_run, load_runs
from reports.training.runs import TrainingRun, is_training_run, load_training_runs, number

UPDATE = "training.json"
"""Beside a report that is served: what is new of its training runs."""
DEPTH = 3
"""How deep below the folder runs are looked for."""
_FILES = (
    *("run.json", "results.json", "*/*.jsonl", "*.jsonl", "coldstart.json"),
    *(
        name
        for file in ("settings.json", "failed.json", "model/config.json", "eval/*/results.json")
        for name in (file, f"*/{file}")
    ),
)
_FOLDERS = tuple(
    name for folder in ("rollouts", "rollouts/images", "eval/*") for name in (folder, f"*/{folder}")
)
"""Folders of a stage of training whose files a report reads too."""
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
    state: State | Literal["broken"]
    """Broken: a file of it cannot be read."""
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
    state = state_of(path)
    if not (path / "results.json").exists():
        run = read_run(path) or {}
        tasks, config = run.get("tasks"), run.get("config")
        return {
            "state": state,
            "model": str(config.get("model") or "") if isinstance(config, dict) else "",
            "tasks": len(tasks) if isinstance(tasks, dict) else None,
            "detail": "its report scores what is there",
        }
    [complete] = load_runs([path])
    mean, failures = complete.results.mean.score, complete.results.failures
    notes = [f"shard {complete.shard}"] if complete.shard is not None else []
    if state == "failed":
        notes.append("every request failed: rerun to retry failed samples")
    elif failures:
        notes.append(f"{counted(failures, 'response')} without a verdict: rerun to retry failed samples")
    return {
        "state": state,
        "model": complete.name,
        "synthetic": complete.synthetic,
        "tasks": len(complete.results.tasks),
        "mean": number(mean.value),
        "low": number(mean.low),
        "high": number(mean.high),
        "detail": "; ".join(notes),
    }


def _training(path: Path) -> dict[str, Any]:
    [run] = load_training_runs([path])
    steps = [
        f"{stage.name} step {stage.last}" + (f"/{stage.planned}" if stage.planned is not None else "")
        for stage in run.stages
    ]
    reasons = [stage.failure for stage in run.stages if stage.failure]
    model = next((str(stage.settings["model"]) for stage in run.stages if "model" in stage.settings), "")
    return {"state": run.state, "model": model, "detail": "; ".join([", ".join(steps), *reasons])}


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
    folders = [path / "images", *(folder for pattern in _FOLDERS for folder in path.glob(pattern))]
    found = [*folders, *_files(path)]
    for folder in folders:
        if folder.is_dir():
            found += [Path(entry.path) for entry in os.scandir(folder) if entry.is_symlink()]
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
    _made: dict[tuple[str, ...], tuple[Path, tuple[Any, ...]]] = field(default_factory=dict)
    _updates: dict[tuple[str, ...], tuple[tuple[Any, ...], bytes]] = field(default_factory=dict)
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
        chosen = self._chosen(names)
        with self._lock:  # one at a time: a report takes a core and memory
            stamp = tuple(map(_stamp, chosen))
            made = self._made.get(key)
            if made is not None and made[1] == stamp:
                return made[0]
            page = made[0] if made is not None else self.cache / str(len(self._made)) / "report.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            runs, training = _loaded(chosen)
            build(runs, page, training=training, live=UPDATE if training else None)
            self._made[key] = (page, stamp)
            return page

    def update(self, names: Sequence[str]) -> bytes:
        """What is new of the training runs among runs, as JSON for a page of theirs that is open.

        Raises:
            UsageError: there is no such run in the folder.
            HarnessError: as `page`.
        """
        from reports.training.section import update

        key = tuple(dict.fromkeys(names))
        chosen = self._chosen(names)
        with self._lock:
            stamp = tuple(map(_stamp, chosen))
            if key not in self._updates or self._updates[key][0] != stamp:
                runs, training = _loaded(chosen)
                if not training:
                    raise UsageError("no training run is among them")
                self._updates[key] = (stamp, json_text(update(training, runs)).encode())
            return self._updates[key][1]

    def _chosen(self, names: Sequence[str]) -> list[Path]:
        """The folders of runs, none of which has a link out of the folder."""
        runs = find_runs(self.root)
        missing = [name for name in names if name not in runs]
        if missing or not names:
            raise UsageError(f"{missing[0] if missing else 'no name'}: there is no such run in {self.root}")
        chosen = [runs[name] for name in dict.fromkeys(names)]
        for path in chosen:
            check_links(path, self.root.resolve())
        return chosen


def _loaded(chosen: Sequence[Path]) -> tuple[list[Run], list[TrainingRun]]:
    runs = load_runs([path for path in chosen if is_run(path)])
    return runs, load_training_runs([path for path in chosen if not is_run(path)])


def _stamp(path: Path) -> tuple[Any, ...]:
    """Differs where a run has changed: its files, and whether a process holds a lock in it."""
    files = [
        (str(file), status.st_mtime_ns, status.st_size) for file in _files(path) for status in [file.stat()]
    ]
    return (*files, held(path), *(held(lock.parent) for lock in sorted(path.glob("*/lock"))))
