"""Training runs as a report shows them: read from their logs, without torch and without the trainer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.run.state import State, failure_of, overall, state_of

STEPS, COLDSTART = "steps.jsonl", "train.jsonl"
_ORDER = ("vision_warmup", "coldstart", "g2rpo", "refine")
"""The stages of a recipe, in the order in which they run."""
RECENT = 20
"""Lines of a log whose pace says how long the rest will take."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a training run."""

    name: str
    """`g2rpo`, `refine`, `coldstart` or `vision_warmup`."""
    path: Path
    """Its log."""
    lines: tuple[Mapping[str, Any], ...]
    """Its steps in ascending order, as they were logged; of a step that was logged twice the last line."""
    state: State
    failure: str | None = None
    """Why it ended, where it failed."""
    garbage: int = 0
    """Lines that are no steps and were passed over."""
    torn: bool = False
    """The last line was cut off and is passed over."""
    described: Mapping[str, Any] | None = None
    """`settings.json`: `steps`, `start`, `settings` and `shapes`; None where an older version wrote the log."""

    @property
    def folder(self) -> Path:
        """What the stage writes."""
        return self.path.parent

    @property
    def last(self) -> int:
        """The number of the last step."""
        return int(self.lines[-1]["step"]) if self.lines else 0

    @property
    def planned(self) -> int | None:
        """How many steps the recipe asks for; None where nothing says so."""
        last = self.lines[-1] if self.lines else {}
        steps = (self.described or last).get("steps")  # a cold start's own lines say it
        return steps if isinstance(steps, int) else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The stage's settings; empty where nothing says so."""
        found = (self.described or {}).get("settings")
        return found if isinstance(found, Mapping) else {}

    @property
    def model(self) -> Path | None:
        """The folder of the trained model, or of the latest checkpoint; None where there is neither."""
        if (self.folder / "model").is_dir():
            return self.folder / "model"
        checkpoints = self.folder.glob("checkpoints/step-*")
        return max((path for path in checkpoints if path.suffix != ".partial"), default=None)

    @property
    def seconds_left(self) -> float | None:
        """Of the steps that are missing, at the pace of the last ones; None where that is not known."""
        seconds = [(line["step"], number(line.get("seconds"))) for line in self.lines[-RECENT:]]
        paces = [
            (later - earlier) / (step - before)
            for (before, earlier), (step, later) in pairwise(seconds)
            if earlier is not None and later is not None and later >= earlier
        ]
        if self.planned is None or not paces:
            return None
        pace: float = median(paces)
        return max(0, self.planned - self.last) * pace


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training run."""

    path: Path
    name: str
    """Shown, and unique within the report: the folder's name, with its parent's where they repeat."""
    stages: tuple[Stage, ...]

    @property
    def state(self) -> State:
        """That of its stages."""
        return overall([stage.state for stage in self.stages])


def is_training_run(path: Path) -> bool:
    """Whether a folder holds the log of a training run or of one of its stages."""
    return any(True for _ in _logs(path))


def load_training_runs(paths: Sequence[Path]) -> list[TrainingRun]:
    """The training runs in these folders, each folder once, in the order given.

    Args:
        paths: what `harness train` wrote: OUT, or a stage of it such as OUT/g2rpo.

    Raises:
        UsageError: a folder holds no log of a training run.
        HarnessError: a log cannot be read.
    """
    folders = list({path.resolve(): path for path in paths}.values())
    return [TrainingRun(path, name, _stages(path)) for path, name in zip(folders, _names(folders), strict=True)]


def _stages(path: Path) -> tuple[Stage, ...]:
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder")
    stages = [stage for log in _logs(path) for stage in _read(log)]
    if not stages:
        raise UsageError(f"{path}: not a training run: there is no {STEPS} and no {COLDSTART} with steps in it")
    known = {name: index for index, name in enumerate(_ORDER)}
    return tuple(sorted(stages, key=lambda stage: (known.get(stage.name, len(known)), stage.name)))


def _logs(path: Path) -> Iterator[Path]:
    """The logs of a run: of the folder itself and of the stages in it."""
    for candidate in (path / COLDSTART, path / STEPS, *sorted(path.glob(f"*/{STEPS}"))):
        if candidate.is_file() and (candidate.name == STEPS or _is_coldstart(candidate)):
            yield candidate


def _is_coldstart(path: Path) -> bool:
    """Whether a `train.jsonl` is a log: data sets have files of that name too."""
    try:
        with path.open("rb") as file:
            first = _step(file.readline(1 << 20).decode("utf-8", "replace"))
    except OSError:
        return False
    return first is not None and "stage" in first


def _read(path: Path) -> Iterator[Stage]:
    """The stages in one log; `train.jsonl` has the cold start's and that of a warm-up before it."""
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
    own = "coldstart" if path.name == COLDSTART else path.parent.name
    stages: dict[str, dict[int, Mapping[str, Any]]] = {} if path.name == COLDSTART else {own: {}}
    *whole, rest = text.split("\n")
    if _step(rest) is not None:  # whole but for its line break
        whole, rest = [*whole, rest], ""
    garbage = 0
    for line in whole:
        step = _step(line)
        if step is not None:
            name = str(step.get("stage", own)) if path.name == COLDSTART else own
            stages.setdefault(name, {})[step["step"]] = step
        elif line.strip():
            garbage += 1
    if garbage or rest.strip():
        stages.setdefault(own, {})
    state = state_of(path.parent)
    for name, steps in stages.items():
        spoiled = name == own
        yield Stage(
            name=name,
            path=path,
            lines=tuple(steps[number] for number in sorted(steps)),
            state="complete" if name == "vision_warmup" and (path.parent / "warmed").is_dir() else state,
            failure=failure_of(path.parent) if state == "failed" else None,
            garbage=garbage if spoiled else 0,
            torn=bool(rest.strip()) and spoiled,
            described=_described(path.parent / "settings.json") if path.name == STEPS else None,
        )


def json_object(text: str | bytes) -> Mapping[str, Any] | None:
    """A JSON object of a file that may be broken; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _step(text: str) -> Mapping[str, Any] | None:
    """A line of a log; None where it is not one."""
    line = json_object(text)
    number = line.get("step") if line is not None else None
    fits = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53
    return line if fits else None


def _described(path: Path) -> Mapping[str, Any] | None:
    """What the stage recorded of itself; None where the file is absent or broken: the steps are shown still."""
    try:
        return json_object(path.read_bytes())
    except OSError:
        return None


def number(value: Any) -> float | None:
    """A figure of a log as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _names(folders: Sequence[Path]) -> list[str]:
    """A name for each folder: its own, with its parent's where they repeat, then the whole path."""
    resolved = [path.resolve() for path in folders]
    for parts in (1, 2):
        names = ["/".join(path.parts[-parts:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in resolved]
