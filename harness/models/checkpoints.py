"""The checkpoints that a trainer writes below a folder, whichever trainer it is: found, and known to be whole.

Layouts: transformers' `checkpoint-500/`, verl's `global_step_20/actor/huggingface/`, our own
`checkpoints/step-0000020/`, and other folders named after a step. One that is being written is not whole: its
weights lack a shard or end early, its state is not there yet, its hashes differ, or its files still change.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.fingerprint import check_sums
from harness.models.asking import read_training
from harness.models.folders import ADAPTER_FILES, has_weights, is_adapter
from harness.models.weights import check_files, check_headers

SETTLED = 5.0
"""Seconds for which no file of a checkpoint may have changed."""
_DEPTH = 5
"""Levels below the folder that are looked at."""
_STEP = re.compile(r"(?:global_step|checkpoint|ckpt|step|iter|iteration)[-_]?0*(\d+)")
_WRITTEN = re.compile(r"\..*|tmp-.*|.*\.(?:partial|tmp|replaced|incomplete)")
"""Names of folders that a trainer gives while it writes or removes."""
_LATEST = "latest_checkpointed_iteration.txt"
"""verl's file with the last step that was written in full."""
Files = tuple[tuple[str, int, int], ...]
"""(path, size, time of change) of each file of a checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that holds a model after so many steps."""

    step: int
    name: str
    """That of its run."""
    folder: Path


def step_of(folder: Path) -> int | None:
    """The step that a model's folder is of, as training noted in it or its path says; else None."""
    if isinstance(step := read_training(folder).get("step"), int):
        return step
    named = _named(folder.resolve().parts[-3:])
    return named[1] if named is not None else None


def _named(parts: tuple[str, ...]) -> tuple[int, int] | None:
    """(place, step) of the last part of a path that is named after a step."""
    for place in reversed(range(len(parts))):
        if (match := _STEP.fullmatch(parts[place])) is not None:
            return place, int(match[1])
    return None


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """The checkpoints below a folder in the order of their steps, whole or not."""
    found = []
    for place in _folders(folder, _DEPTH):
        parts = place.relative_to(folder).parts
        if (named := _named(parts)) is not None and (has_weights(place) or is_adapter(place)):
            kept = [part for part in parts[: named[0] + 1] if part != "checkpoints"]
            found.append(Checkpoint(named[1], "-".join(kept), place))
    return sorted(found, key=lambda each: (each.step, each.name))


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """The folders below one that nobody is writing or removing by their names."""
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return  # removed by the trainer meanwhile
    for path in inside:
        if _WRITTEN.fullmatch(path.name) is None:
            yield path
            if depth:
                yield from _folders(path, depth - 1)


def why_not_whole(checkpoint: Checkpoint) -> str | None:
    """What a checkpoint lacks, in a line; None where it is whole, as far as its files say."""
    folder = checkpoint.folder
    try:
        if is_adapter(folder):
            check_headers(str(folder), [folder / name for name in ADAPTER_FILES if (folder / name).exists()])
            check_sums(folder)
            json.loads((folder / "adapter_config.json").read_bytes())
        else:
            check_files(str(folder), folder)
            json.loads((folder / "config.json").read_bytes())
        if folder.name.startswith("checkpoint-"):  # transformers writes its state last
            state = json.loads((folder / "trainer_state.json").read_bytes())
            if state.get("global_step") != checkpoint.step:
                return f"trainer_state.json is of step {state.get('global_step')}"
        latest = folder.parent.parent.parent / _LATEST
        if folder.name == "huggingface" and latest.is_file() and int(latest.read_text()) < checkpoint.step:
            return f"{_LATEST} says {latest.read_text().strip()}"
    except HarnessError as error:
        return str(error)
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


class Watched:
    """The checkpoints below a folder, each once it is whole and its files have rested.

    Args:
        folder: where a trainer writes.
        settled: seconds for which no file of a checkpoint may have changed.
    """

    def __init__(self, folder: Path, settled: float = SETTLED) -> None:
        self._folder, self._settled = folder, settled
        self._seen: dict[Path, tuple[Files, float]] = {}
        """Files of each checkpoint as they were seen last, and since when."""
        self._given: set[Path] = set()

    def ready(self) -> list[Checkpoint]:
        """Those that can be evaluated now, in the order of their steps; none is given twice."""
        waiting = (each for each in checkpoints_in(self._folder) if each.folder not in self._given)
        found = [each for each in waiting if self._rests(each) and not why_not_whole(each)]
        self._given |= {each.folder for each in found}
        return found

    def _rests(self, checkpoint: Checkpoint) -> bool:
        now = time.monotonic()
        try:
            files = tuple(sorted(_files(checkpoint.folder)))
        except OSError:
            return False
        before = self._seen.get(checkpoint.folder)
        if before is None or before[0] != files:
            self._seen[checkpoint.folder] = files, now
            return self._settled <= 0
        return now - before[1] >= self._settled


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in folder.rglob("*"):
        told = path.stat()
        yield str(path), told.st_size, told.st_mtime_ns
