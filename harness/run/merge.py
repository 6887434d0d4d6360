"""The shards of a run put together: the run that it would have been, had one command asked everything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from textwrap import shorten
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.jsonl import encode, read_lines, sha_of_list, sync, write_atomic, writing
from harness.progress import Progress
from harness.run.identity import answering, first_change, read_run, save_run, with_found
from harness.run.items import POSITION
from harness.run.journal import TaskJournal, line_of
from harness.run.lock import Lock
from harness.shards import Shard
from harness.words import counted

_OF_TASK = ("fingerprint", "generation_sha", "max_new_tokens", "synthetic", "whole")
"""What the shards of a run say alike of each task."""


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    shard: Shard
    run: Mapping[str, Any]
    """`run.json`."""

    def file(self, folder: str, task: str) -> Path:
        return self.path / folder / f"{task}.jsonl"


def merge_shards(
    run_dirs: Sequence[Path], out: Path, *, command: str | None = None, progress: Progress | None = None
) -> None:
    """Write one run from all its shards; what they lack is left for `harness eval` to ask.

    Its scores are for `harness.run.rescore` to make. The shards stay as they are; images are linked where the
    file system can.

    Args:
        run_dirs: all shards of one run, in any order.
        out: the run to write: absent, or an empty folder.
        command: as typed, kept in `run.json`.
        progress: where to say how far it is; None: nowhere.

    Raises:
        UsageError: a folder is no shard, shards are missing, given twice, or of different runs; or `out` is not
            empty.
        HarnessError: a file of a shard cannot be read, a shard is in use, or the disk is full.
    """
    progress = progress or Progress(quiet=True)
    parts = [_part(path) for path in run_dirs]
    _check(parts)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is there already, and not empty: choose another --out")
    place = out.absolute()
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    with ExitStack() as locks:
        for part in parts:
            locks.enter_context(Lock(part.path))
        with writing(out):
            beside.mkdir(parents=True)
        try:
            _write(parts, beside, out, command, progress)
            with writing(out):
                beside.replace(place)
                sync(place.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _part(path: Path) -> _Part:
    run = read_run(path) if (path / "run.json").exists() else None
    if run is None:
        raise UsageError(f"{path}: not a run: there is no run.json")
    shard = run["config"].get("shard")
    if shard is None:
        raise UsageError(f"{path}: a whole run, no shard of one (harness eval --shard I/N makes those)")
    try:
        return _Part(path, Shard.parse(shard), run)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"{path / 'run.json'}: its shard is {shard!r}: {error}") from None


def _check(parts: Sequence[_Part]) -> None:
    """Refuse what is not all shards of one run, each once."""
    if not parts:
        raise UsageError("no shard given")
    first, *others = parts
    described = _described(first)
    for part in others:
        if part.shard.count != first.shard.count:
            raise UsageError(f"{part.path} is shard {part.shard}, {first.path} is shard {first.shard}")
        if (changed := first_change(described, _described(part))) is not None:
            name, here, there = changed
            raise UsageError(
                f"{first.path} and {part.path} are no shards of one run: {name.replace('_', '-')} is "
                f"{_said(here)} in the first and {_said(there)} in the second"
            )
    by_index: dict[int, _Part] = {}
    for part in parts:
        if (same := by_index.setdefault(part.shard.index, part)) is not part:
            raise UsageError(f"{same.path} and {part.path} are both shard {part.shard}")
    missing = [
        Shard(index, first.shard.count) for index in range(1, first.shard.count + 1) if index not in by_index
    ]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UsageError(f"shard {missing[0]}{more} is missing: run harness eval with --shard {missing[0]}")


def _described(part: _Part) -> dict[str, Any]:
    """What all shards of one run have in common, under the names to say."""
    run = part.run
    try:
        return {
            **run["fixed"],
            "limit": run["config"]["limit"],
            "delimiters": run["config"]["delimiters"],
            "identity": run["identity"],
            "the model": answering(run["model"]),
            "coords": run["coords"],
            "judge": run.get("judge"),
            "task": {name: {key: told[key] for key in _OF_TASK} for name, told in run["tasks"].items()},
        }
    except KeyError as error:
        raise HarnessError(f"{part.path / 'run.json'}: broken: it has no {error}") from None


def _said(value: Any) -> str:
    return shorten(repr(value), 60, placeholder=" …")


def _write(parts: Sequence[_Part], folder: Path, out: Path, command: str | None, progress: Progress) -> None:
    """Fill a folder with what all parts hold; `run.json` comes last."""
    first = parts[0].run
    tasks = {}
    for name, described in progress.over("merging", first["tasks"].items(), len(first["tasks"])):
        tasks[name] = _merged_task(parts, folder, name, described)
        answers = (answer for part in parts for answer in TaskJournal(part.file("samples", name), name).read())
        write_atomic(folder / "samples" / f"{name}.jsonl", (encode(line_of(*answer)) for answer in answers))
        if "judge" in first:
            replies = (reply for part in parts for reply in TaskJournal(part.file("judge", name), name).read())
            write_atomic(folder / "judge" / f"{name}.jsonl", (encode(line_of(*reply)) for reply in replies))
    _link_images(parts, folder / "images")
    run = {
        **first,
        "command": command,
        "config": {**first["config"], "shard": None, "out": str(out)},
        "tasks": tasks,
        "merged": [str(part.path) for part in parts],
    }
    for part in parts:
        run = with_found(run, part.run.get("found", {}))
    save_run(folder, run)


def _merged_task(
    parts: Sequence[_Part], folder: Path, task: str, described: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a task's items in the order of the rows; what `run.json` says of it."""
    path = folder / "items" / f"{task}.jsonl"
    write_atomic(path, map(encode, _in_order(parts, task, described["whole"])))
    rendered = [part.run["tasks"][task].get("rendered") for part in parts]
    first = next((item["id"] for item in _asked(path)), None)
    return {
        **{name: value for name, value in described.items() if name != "whole"},
        "prompts_sha": sha_of_list(item["prompt_sha"] for item in _asked(path)),
        "rendered": next((one for one in rendered if one and one["id"] == first), None),
    }


def _asked(path: Path) -> Iterator[dict[str, Any]]:
    """The items of a file that can be asked."""
    return (item for _, item in read_lines(path) if "prompt_sha" in item)


def _in_order(parts: Sequence[_Part], task: str, whole: int) -> Iterator[dict[str, Any]]:
    """The items of a task as the whole run has them.

    Raises:
        HarnessError: the shards hold one twice, or lack one.
    """
    expected = 0
    for position, path, line in merge(*(_placed(part, task) for part in parts), key=lambda placed: placed[0]):
        if position != expected:
            raise HarnessError(f"{path}: sample {position} of the run, where {expected} was due: {_AGAIN}")
        expected += 1
        yield line
    if expected != whole:
        raise HarnessError(f"{task}: the shards hold {expected} of {counted(whole, 'sample')}: {_AGAIN}")


_AGAIN = "run the shards' harness eval commands again"


def _placed(part: _Part, task: str) -> Iterator[tuple[int, Path, dict[str, Any]]]:
    path = part.file("items", task)
    for number, line in read_lines(path):
        if not isinstance(line, dict) or not isinstance(line.get(POSITION), int):
            raise HarnessError(f"{path}:{number}: broken: an item of a shard has a {POSITION}")
        yield line.pop(POSITION), path, line


def _link_images(parts: Sequence[_Part], folder: Path) -> None:
    for part in parts:
        if (part.path / "images").is_dir():
            with writing(folder):
                folder.mkdir(exist_ok=True)
                for entry in os.scandir(part.path / "images"):
                    _link(Path(entry.path), folder / entry.name)


def _link(image: Path, there: Path) -> None:
    if there.exists():
        return  # shown in two shards: a name is the hash of what it holds
    try:
        os.link(image, there)
    except OSError:  # another file system, or one without links
        shutil.copyfile(image, there)
