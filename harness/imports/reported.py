"""What another tool said of a run's responses: `reported/<task>.jsonl`.

A file of its own: `samples/` holds responses only, and `scores/` is written again whenever a run is scored.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.imports.logged import Said
from harness.jsonl import encode, read_lines, write_atomic

Place = tuple[str, int]
"""(id, epoch)."""


def reported_path(run_dir: Path, task: str) -> Path:
    """Where it lies in a run's folder."""
    return run_dir / "reported" / f"{task}.jsonl"


def write_reported(path: Path, found: Iterable[tuple[Place, Said]]) -> None:
    """Write the verdicts, whole or not at all."""
    write_atomic(path, (encode(_line(place, said)) for place, said in found))


def _line(place: Place, said: Said) -> dict[str, Any]:
    line: dict[str, Any] = {"id": place[0], "epoch": place[1], "score": said.score}
    if said.extracted is not None:
        line["extracted"] = said.extracted
    if said.metrics:
        line["metrics"] = dict(said.metrics)
    return line


def read_reported(path: Path) -> dict[Place, Said]:
    """The verdicts, by id and epoch.

    Raises:
        HarnessError: the file is not there, or a line is no JSON.
        KeyError: a line is not as this version writes it.
    """
    return {
        (line["id"], line["epoch"]): Said(line["score"], line.get("extracted"), line.get("metrics", {}))
        for _, line in read_lines(path)
    }
