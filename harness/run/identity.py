"""What makes two commands the same run: `run.json`, and what may change between them."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.config import RunConfig
from harness.delimiters import read_delimiters, said
from harness.errors import HarnessError, UsageError
from harness.jsonl import plain, read_json, sha, write_json
from harness.urls import without_secrets
from harness.version import __version__

FORMAT = 1
PACKAGES = ("numpy", "pillow", "pycocotools", "rapidfuzz", "torch", "transformers", "vllm")
DESCRIBED: Mapping[str, type] = {"data": str, "fingerprint": str, "generation_sha": str, "synthetic": bool}
"""What a run says of each of its tasks, of which type."""
_FIXED = (
    "model",
    "data",
    "prompt",
    "system_prompt",
    "epochs",
    "temperature",
    "top_p",
    "max_new_tokens",
    "seed",
    "min_pixels",
    "max_pixels",
    "permute_images",
)
"""Settings of which a change makes another run. `limit` and `tasks` may grow; backend, revision and dtype are
compared as the model describes them; the others change no answer. `delimiters` change scores: every response is
scored again whenever a run is continued."""


def generation_sha(model: Mapping[str, Any], config: RunConfig, max_new_tokens: int, coords: str | None) -> str:
    """A hash of all that an answer depends on beside the prompt and the images."""
    return sha(
        plain(model),
        max_new_tokens,
        config.temperature,
        config.top_p,
        config.seed,
        config.min_pixels,
        config.max_pixels,
        config.system_prompt,
        coords,
    )


def fixed_settings(config: RunConfig) -> dict[str, Any]:
    """The settings that must not change, the template by its hash."""
    settings = config.model_dump(include=set(_FIXED), mode="json")
    settings["data"] = config.data_source
    template = config.template()
    settings["prompt_template"] = sha(template) if template is not None else None
    return settings


def describe_run(
    config: RunConfig,
    *,
    model: Mapping[str, Any],
    coords: str | None,
    tasks: Mapping[str, Mapping[str, Any]],
    command: Sequence[str] | None,
) -> dict[str, Any]:
    """The content of `run.json`."""
    return {
        "format": FORMAT,
        "command": without_secrets(shlex.join(command)) if command is not None else None,
        "config": config.model_dump(mode="json", exclude={"fresh"}),
        "fixed": fixed_settings(config),
        "model": plain(model),
        "coords": coords,
        "seed": config.seed,
        "tasks": plain(tasks),
        "versions": versions(),
    }


def with_found(run: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`run.json` with what a backend found out while asking, beside what earlier commands found out.

    It is no part of the model's identity, which is known before anything is asked: a server that refuses a
    setting is still the same server when a run is continued.
    """
    if not found:
        return dict(run)
    before = run.get("found", {})
    both = {
        name: {**before.get(name, {}), **value} if isinstance(value, Mapping) else value
        for name, value in {**before, **plain(found)}.items()
    }
    both["notes"] = list(dict.fromkeys([*notes_of(run), *found.get("notes", ())]))
    return {**run, "found": both}


def notes_of(run: Mapping[str, Any]) -> list[str]:
    """What a reader of a run's scores must know of how its model was asked, a line each."""
    notes = run.get("found", {}).get("notes", [])
    return [note for note in notes if isinstance(note, str)]


def versions() -> dict[str, str]:
    """Versions of Python, of ours, and of the packages that a score or an answer may depend on."""
    found = {"python": platform.python_version(), "harness": __version__, "platform": sys.platform}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def read_run(run_dir: Path) -> dict[str, Any] | None:
    """The content of `run.json`; None where the directory holds no run.

    Raises:
        UsageError: another version's format, or a directory that holds something else.
        HarnessError: it is not as this version writes it: someone edited it.
    """
    path = run_dir / "run.json"
    if not path.exists():
        others = [entry.name for entry in run_dir.iterdir() if entry.name != "lock"] if run_dir.is_dir() else []
        if others:
            raise UsageError(f"{run_dir}: holds {others[0]!r} but no run.json: not a run; choose another --out")
        return None
    content: Any = read_json(path)
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path}: format {found}, this version reads {FORMAT}; choose another --out")
    run: dict[str, Any] = content
    _check(path, run)
    return run


def _check(path: Path, run: Mapping[str, Any]) -> None:
    """Refuse what would end in a traceback wherever it is used."""
    missing = [name for name in ("config", "model", "tasks") if not isinstance(run.get(name), dict)]
    if missing:
        raise HarnessError(f"{path}: broken: it has no {missing[0]!r}")
    for task, described in run["tasks"].items():
        if not isinstance(described, dict) or not described.keys() >= DESCRIBED.keys():
            raise HarnessError(f"{path}: broken: task {task} wants {', '.join(sorted(DESCRIBED))}")
        for name, kind in DESCRIBED.items():
            if not isinstance(described[name], kind):
                raise HarnessError(f"{path}: broken: the {name} of task {task} is {described[name]!r}")


def check_settings(run_dir: Path, old: Mapping[str, Any], config: RunConfig, tasks: Sequence[str]) -> None:
    """Refuse to continue a run with other settings.

    Raises:
        UsageError: names the first setting that changed, or the task or limit that shrank.
    """
    new = fixed_settings(config)
    for name in new:
        before = old["fixed"].get(name)
        if before != new[name]:
            raise _changed(run_dir, name.replace("_", "-"), before, new[name])
    lost = [name for name in old["tasks"] if name not in tasks]
    if lost:
        raise UsageError(
            f"{run_dir}: this run has the task {lost[0]}, the command has not: tasks may only be added; "
            "choose another --out, or --fresh to start over"
        )
    before, now = old["config"]["limit"], config.limit
    if now is not None and (before is None or now < before):
        raise _changed(run_dir, "limit", before, now, "it may only grow")


def changed_scoring(run_dir: Path, old: Mapping[str, Any], config: RunConfig) -> list[str]:
    """What changes the scores of a run's responses but not the responses, a line each."""
    stored = old["config"].get("delimiters")
    before = read_delimiters(stored) if stored is not None else None
    if said(before) == said(config.delimiters):
        return []
    return [
        f"{run_dir}: the delimiters were {said(before)} and are {said(config.delimiters)} now: "
        "its responses are scored again"
    ]


def check_contents(
    run_dir: Path,
    old: Mapping[str, Any],
    model: Mapping[str, Any],
    coords: str | None,
    fingerprints: Mapping[str, str],
) -> None:
    """Refuse to continue a run with another model or other data under the same name.

    Raises:
        UsageError: names what changed.
    """
    new = plain(model)
    for name in new.keys() | old["model"].keys():
        if new.get(name) != old["model"].get(name):
            raise _changed(run_dir, f"the model's {name}", old["model"].get(name), new.get(name))
    if coords != old["coords"]:
        raise _changed(run_dir, "coords", old["coords"], coords)
    for task, fingerprint in fingerprints.items():
        before = old["tasks"].get(task, {}).get("fingerprint")
        if before is not None and before != fingerprint:
            raise _changed(run_dir, f"the data of {task}", before[:12], fingerprint[:12])


def _changed(run_dir: Path, name: str, before: Any, now: Any, why: str = "") -> UsageError:
    reason = f" ({why})" if why else ""
    return UsageError(
        f"{run_dir}: {name} was {before!r} in this run and is {now!r} now{reason}; "
        "choose another --out, or --fresh to start over"
    )


def save_run(run_dir: Path, content: Mapping[str, Any]) -> None:
    """Write `run.json`."""
    write_json(run_dir / "run.json", content)
