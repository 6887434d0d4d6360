"""The log of a training stage: one JSON object a step, and a tracker of the user's choice.

TensorBoard, W&B and trackio are reached through their own libraries; none is needed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

from harness.errors import HarnessError

STEPS = "steps.jsonl"
"""The name of a stage's log of policy training, in its folder."""

TrackerName = Literal["none", "tensorboard", "wandb", "trackio"]


def say(line: str) -> None:
    """Tell people how a long run gets on."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the progress of a long run


class Tracker(Protocol):
    """Takes scalars by name."""

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Record the scalars of a step."""
        ...

    def close(self) -> None:
        """Write what is still held."""
        ...


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        module = _library("torch.utils.tensorboard", "tensorboard")
        self._writer = module.SummaryWriter(str(folder))

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Run:
    """W&B, and trackio, which has W&B's interface. A run that is continued goes on in its run there."""

    def __init__(
        self, library: str, project: str, name: str, settings: Mapping[str, Any], folder: Path
    ) -> None:
        self._library = _library(library, library)
        known = {"id": _run_id(folder)} if library == "wandb" else {}  # trackio knows a run by its name
        self._library.init(project=project, name=name, config=dict(settings), resume="allow", **known)

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        self._library.log(dict(scalars), step=step)

    def close(self) -> None:
        self._library.finish()


def _run_id(folder: Path) -> str:
    """The id of a run of W&B: made once, kept in the run's folder."""
    path = folder / "wandb-id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(uuid4().hex, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _library(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise HarnessError(f"tracker {package}: the package is not installed: pip install {package}") from None


def tracker(
    name: TrackerName, folder: Path, run: str, settings: Mapping[str, Any], project: str | None = None
) -> Tracker | None:
    """The tracker of that name; None for `none`.

    Args:
        name: which library.
        folder: where TensorBoard writes, and the id of a run of W&B is kept.
        run: the run's name.
        settings: recorded with the run.
        project: of W&B or trackio; None: what `WANDB_PROJECT` says, else `harness`.

    Raises:
        HarnessError: its library is not installed.
    """
    if name == "none":
        return None
    if name == "tensorboard":
        return _TensorBoard(folder)
    project = project or os.environ.get("WANDB_PROJECT") or "harness"
    return _Run(name, project, run, settings, folder)


def scalars(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(slashed name, value) of every number in nested figures."""
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from scalars(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)


class StepLog:
    """`steps.jsonl` of a stage.

    Args:
        path: of the file.
        done: steps that the run continues after: lines of later ones, written before it was cut off, are
            dropped, as they will be written again.
        to: a tracker beside it.
        say: where a short line of each step goes, for people; None: nowhere.
    """

    def __init__(
        self,
        path: Path,
        done: int = 0,
        to: Tracker | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._path, self._tracker, self._say = path, to, say
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [line for line in read_steps(path) if line["step"] <= done] if done else []
        text = "".join(json.dumps(line) + "\n" for line in lines)
        partial = path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.rename(path)
        self._seconds = float(lines[-1]["seconds"]) if lines else 0.0
        self._start = time.monotonic()

    def __call__(self, step: int, figures: Mapping[str, Any]) -> None:
        """Write the figures after `step` steps."""
        seconds = round(self._seconds + time.monotonic() - self._start, 3)
        line = {"step": step, "seconds": seconds, **figures}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._tracker is not None:
            self._tracker.log(dict(scalars(figures)), step)
        if self._say is not None:
            self._say(f"step {step}  {seconds:.0f} s  {_short(figures)}")

    def close(self) -> None:
        """Close the tracker."""
        if self._tracker is not None:
            self._tracker.close()


def _short(figures: Mapping[str, Any]) -> str:
    """The figures that people watch, on one line."""
    words = []
    for name in ("value", "reward", "length", "unparsed", "acceptance", "entropy", "grad_norm", "eval"):
        figure = figures.get(name)
        figure = figure["mean"] if isinstance(figure, Mapping) else figure
        if isinstance(figure, int | float):
            words.append(f"{name} {figure:.3f}")
    return "  ".join(words)


def read_steps(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; a torn last one is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines
