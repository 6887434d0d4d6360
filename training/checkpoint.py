"""Checkpoints of training: one that exists is whole, whatever happened while the next was written.

A checkpoint is a folder `step-N`: a model that `harness eval --model` takes as it is (an adapter, where
adapters are trained), and in `training/` what continues the run: `tensors.pt` (weights in full precision,
optimizer, random number generators) and `state.json` (all else). It is written beside, synced, and renamed;
only then is an older one renamed out of the way and removed: no folder of that name is ever in part there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError, first_line
from harness.fingerprint import check_sums, write_sums
from harness.jsonl import sync, sync_all

OWN = "training"
"""The folder within a checkpoint that continues the run."""
KEPT = 2
"""How many of the latest checkpoints stay."""
_PARTIAL = ".partial"
"""Ends the name of a folder that is being written, or removed: it is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was read back."""

    step: int
    tensors: dict[str, Any]
    state: dict[str, Any]


def found(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.suffix != _PARTIAL)


def write(
    folder: Path,
    step: int,
    tensors: Mapping[str, Any],
    state: Mapping[str, Any],
    write_model: Callable[[Path], None],
) -> Path:
    """Write the checkpoint after `step` steps, whole or not at all.

    Args:
        folder: holds the checkpoints.
        step: steps done.
        tensors: what `torch.save` writes and `torch.load(weights_only=True)` reads.
        state: plain JSON; `settings` in it says what the run was told.
        write_model: writes the model's files into a folder.

    Raises:
        HarnessError: the disk is full or cannot be written; the checkpoints that were there are intact.
    """
    import torch

    final = folder / f"step-{step:07d}"
    try:
        partial = begin(final)
        write_model(partial)
        torch.save(dict(tensors), partial / OWN / "tensors.pt")
        finish(final, {"step": step, **state})
    except write_errors() as error:
        raise abandon(final, reason(error)) from error
    prune(folder)
    return final


def begin(final: Path) -> Path:
    """The folder in which a checkpoint is written before it gets its name; `training/` is in it.

    Args:
        final: where the checkpoint will lie.
    """
    _sweep(final.parent)
    partial = _partial(final)
    (partial / OWN).mkdir(parents=True)
    return partial


def finish(final: Path, state: Mapping[str, Any]) -> None:
    """Give a checkpoint that has been written in full its name.

    Args:
        final: as for `begin`.
        state: plain JSON: `step`, `settings`, and what else continues the run.
    """
    partial = _partial(final)
    own = partial / OWN
    (own / "state.json").write_text(json.dumps(dict(state)) + "\n", encoding="utf-8")
    write_sums(own, sorted(str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()))
    sync_all(partial)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    sync(final.parent)


def prune(folder: Path) -> None:
    """Remove the checkpoints that are too old."""
    for old in found(folder)[:-KEPT]:
        old.rename(_partial(old))
    _sweep(folder)


def abandon(final: Path, why: str) -> HarnessError:
    """Remove what was written of a checkpoint; the error to raise, which names the one that is intact."""
    shutil.rmtree(_partial(final), ignore_errors=True)
    intact = found(final.parent)
    kept = f"; the last one is intact: {intact[-1]}" if intact else ""
    return HarnessError(f"{final}: the checkpoint cannot be written: {why}{kept}")


def write_errors() -> tuple[type[Exception], ...]:
    """What a full disk becomes, by who was writing."""
    from safetensors import SafetensorError

    return OSError, RuntimeError, SafetensorError


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}{_PARTIAL}")


def _sweep(folder: Path) -> None:
    """Remove what is being removed, and what a killed process was writing or removing."""
    for path in folder.glob(f"step-*{_PARTIAL}"):
        shutil.rmtree(path, ignore_errors=True)


def reason(error: Exception) -> str:
    """Why a file could not be written, in one line."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else first_line(error)


def latest(folder: Path, settings: Mapping[str, Any], device: Any = "cpu") -> Checkpoint | None:
    """The latest checkpoint of a folder; None where there is none. What a killed process left is removed.

    Args:
        folder: holds the checkpoints.
        settings: what this run is told; each must equal the checkpoint's.
        device: where the tensors go.

    Raises:
        UsageError: it is of another model, or of a run with other settings; the message names which.
        HarnessError: its files cannot be read.
    """
    import torch

    kept = latest_state(folder, settings)
    if kept is None:
        return None
    last, state = kept
    try:
        tensors = torch.load(last / OWN / "tensors.pt", map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError) as error:
        raise HarnessError(f"{last}: tensors.pt cannot be read ({reason(error)}): remove {last}") from None
    return Checkpoint(int(state["step"]), tensors, state)


def latest_state(folder: Path, settings: Mapping[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The latest checkpoint of a folder, and its state; as `latest`, but for the tensors."""
    _sweep(folder)
    paths = found(folder)
    if not paths:
        return None
    last = paths[-1]
    check_sums(last / OWN, f"remove {last}")
    try:
        state = json.loads((last / OWN / "state.json").read_text(encoding="utf-8"))
        changed = [key for key in settings if state["settings"].get(key) != settings[key]]
    except (OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{last}: not a checkpoint that can be read ({error}): remove it") from None
    if changed:
        raise UsageError(
            f"{last} was made with another {', '.join(changed)}: give another out, or remove {folder}"
        )
    return last, state
