"""What makes two commands the same run: `run.json`, and what may change between them."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.config import RunConfig
from harness.delimiters import read_delimiters, said
from harness.errors import HarnessError, UsageError
from harness.jsonl import plain, read_json, sha, write_json
from harness.models.checkpoints import step_of
from harness.urls import without_secrets
from harness.version import __version__

FORMAT = 1
PACKAGES = ("numpy", "pillow", "pycocotools", "rapidfuzz", "torch", "transformers", "vllm")
DESCRIBED: Mapping[str, type] = {"data": str, "fingerprint": str, "generation_sha": str, "synthetic": bool}
"""What a run says of each of its tasks, of which type."""
_FIXED = (
    "split",
    "prompt",
    "system_prompt",
    "epochs",
    "temperature",
    "top_p",
    "max_new_tokens",
    "seed",
    "min_pixels",
    "max_pixels",
    "generation",
    "template_vars",
    "extra_body",
    "omit",
    "allow_missing_weights",
)
"""Settings of which a change makes another run, beside those that are compared by content. `limit` and `tasks`
may grow; backend, revision, dtype, attention and device are compared as the model describes them; the others
change no answer. `delimiters` change scores: every response is scored again whenever a run is continued."""
_CHECKPOINTS = ("model", "adapter", "processor")
"""Settings that name a checkpoint."""
_ELSEWHERE = {"split", "prompt", "epochs", "control", "data", "prompt_template", *_CHECKPOINTS}
"""Settings that an answer's key holds already, in the model's description or in its other hashes."""


def generation_sha(
    model: Mapping[str, Any], fixed: Mapping[str, Any], max_new_tokens: int, coords: str | None
) -> str:
    """A hash of all that an answer depends on beside the prompt and the images.

    Args:
        model: as it describes itself.
        fixed: the run's `fixed_settings`.
        max_new_tokens: of the task.
        coords: how places are written.
    """
    asked = {name: value for name, value in fixed.items() if name not in _ELSEWHERE}
    return sha(plain(answering(model)), asked, max_new_tokens, coords)


def answering(model: Mapping[str, Any]) -> dict[str, Any]:
    """What of a model's description decides its answers: its name does not where its content is known."""
    return {name: value for name, value in model.items() if name != "model" or not model.get("fingerprint")}


def fixed_settings(config: RunConfig, identity: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings that must not change: files and folders by content, so that their spelling does not count.

    Args:
        config: the run's.
        identity: of the model, by `harness.models.identify`; None for a loaded one that was given.
    """
    settings = config.model_dump(include=set(_FIXED), mode="json")
    settings["control"] = config.control
    settings["omit"] = sorted(config.omit)
    settings |= {name: identity[name] if identity else getattr(config, name) for name in _CHECKPOINTS}
    settings["data"] = config.data_source if config.data_source in ("hub", "synthetic") else "a directory"
    for name, text in (("prompt_template", config.template()), ("chat_template", config.chat_template_text())):
        settings[name] = sha(text) if text is not None else None
    return settings


def describe_run(
    config: RunConfig,
    *,
    model: Mapping[str, Any],
    coords: str | None,
    tasks: Mapping[str, Mapping[str, Any]],
    command: Sequence[str] | None,
    identity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of `run.json`."""
    return {
        "format": FORMAT,
        "command": without_secrets(shlex.join(command)) if command is not None else None,
        "config": config.model_dump(mode="json", exclude={"fresh"}),
        "fixed": plain(fixed_settings(config, identity)),
        "identity": plain(identity),
        "model": plain(model),
        "coords": coords,
        "step": _step(config),
        "seed": config.seed,
        "tasks": plain(tasks),
        "versions": versions(),
    }


def _step(config: RunConfig) -> int | None:
    """The training step that the model's folder is of; None where nothing says one."""
    folder = Path(config.adapter or config.model).expanduser()
    return step_of(folder) if config.base_url is None and os.path.isdir(folder) else None


def with_found(run: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`run.json` with what a backend found out while asking, beside what earlier commands found out.

    It is no part of the model's identity, which is known before anything is asked: a server that refuses a
    setting is still the same server when a run is continued.
    """
    if not found:
        return dict(run)
    before = _found(run)
    both = {**before, **plain(found)}
    for name, value in both.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            both[name] = {**before[name], **value}
    both["notes"] = list(dict.fromkeys([*notes_of(run), *found.get("notes", ())]))
    return {**run, "found": both}


def notes_of(run: Mapping[str, Any]) -> list[str]:
    """What a reader of a run's scores must know of how its model was asked, a line each."""
    notes = _found(run).get("notes")
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []


def _found(run: Mapping[str, Any]) -> dict[str, Any]:
    found = run.get("found")
    return found if isinstance(found, dict) else {}


def versions() -> dict[str, str]:
    """Versions of Python, of ours, and of the packages that a score or an answer may depend on."""
    found = {"python": platform.python_version(), "harness": __version__, "platform": sys.platform}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


class DamagedRunError(HarnessError):
    """`run.json` is no JSON. The answers are still there."""


def run_to_continue(run_dir: Path, say: Callable[[str], None]) -> dict[str, Any] | None:
    """As `read_run`; None also where `run.json` is damaged, which is said.

    It is then written anew. Answers are taken up by their keys, which hold prompt, images and settings.

    Raises:
        UsageError, HarnessError: as `read_run` does.
    """
    try:
        return read_run(run_dir)
    except DamagedRunError as error:
        say(str(error))
        return None


def read_run(run_dir: Path) -> dict[str, Any] | None:
    """The content of `run.json`; None where the directory holds no run.

    Raises:
        UsageError: another version's format, or a directory that holds something else.
        DamagedRunError: it is no JSON.
        HarnessError: it is not as this version writes it: someone edited it.
    """
    path = run_dir / "run.json"
    if not path.exists():
        others = [entry.name for entry in run_dir.iterdir() if entry.name != "lock"] if run_dir.is_dir() else []
        if others:
            raise UsageError(f"{run_dir}: holds {others[0]!r} but no run.json: not a run; choose another --out")
        return None
    try:
        content: Any = read_json(path)
    except HarnessError as error:
        raise DamagedRunError(
            f"{error}; its harness eval command writes it anew and keeps the answers to the same questions"
        ) from None
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


def check_settings(
    run_dir: Path,
    old: Mapping[str, Any],
    config: RunConfig,
    fixed: Mapping[str, Any],
    fingerprints: Mapping[str, str],
) -> None:
    """Refuse to continue a run with other settings, or with other data under the same name.

    Args:
        run_dir: the run.
        old: its `run.json`.
        config: of the command.
        fixed: its `fixed_settings`.
        fingerprints: of the data, by task.

    Raises:
        UsageError: names the first setting that changed, or the task or limit that shrank.
    """
    if "imported" in old:
        raise UsageError(
            f"{run_dir}: imported from a log of another tool: it can be scored, reported and compared, not "
            "continued; choose another --out, or --fresh to start over"
        )
    if "identity" not in old:
        raise UsageError(
            f"{run_dir}: made by an earlier version, which recorded less of what decides an answer: it can be "
            "scored and reported, not continued; choose another --out, or --fresh to start over"
        )
    for name in fixed:
        before = old.get("fixed", {}).get(name)
        if before != plain(fixed[name]):
            if name in _CHECKPOINTS:
                was = _named(old["config"].get(name), before)
                raise _changed(run_dir, name, was, _named(getattr(config, name), fixed[name]))
            raise _changed(run_dir, name.replace("_", "-"), before, fixed[name])
    lost = [name for name in old["tasks"] if name not in fingerprints]
    if lost:
        raise UsageError(
            f"{run_dir}: this run has the task {lost[0]}, the command has not: tasks may only be added; "
            "choose another --out, or --fresh to start over"
        )
    part = str(config.shard) if config.shard is not None else None
    if old["config"].get("shard") != part:
        raise _changed(run_dir, "shard", old["config"].get("shard"), part)
    before, now = old["config"].get("limit"), config.limit
    if now is not None and (before is None or now < before):
        raise _changed(run_dir, "limit", before, now, "it may only grow")
    for task, fingerprint in fingerprints.items():
        stored = old["tasks"].get(task, {}).get("fingerprint", fingerprint)
        if stored != fingerprint:
            raise _changed(run_dir, f"the data of {task}", stored[:12], fingerprint[:12])


def _named(spelled: str | None, content: str | None) -> str | None:
    """A checkpoint as it was given, with the beginning of its content's hash where it is a folder."""
    if spelled is None or content is None or not content.startswith("sha256:"):
        return content
    return f"{spelled} ({content.removeprefix('sha256:')[:12]})"


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


def check_model(run_dir: Path, old: Mapping[str, Any], model: Mapping[str, Any], coords: str | None) -> None:
    """Refuse to continue a run with a model that is another than it was: in content, or as it is loaded.

    Args:
        run_dir: the run.
        old: its `run.json`.
        model: all or some of its description now.
        coords: how it writes places.

    Raises:
        UsageError: names the first thing that changed.
    """
    before, now = answering(old["model"]), plain(answering(model))
    if (changed := first_change(before, now)) is not None:
        name, was, is_now = changed
        raise _changed(run_dir, f"the model's {name}", was, is_now)
    if coords != old.get("coords"):
        raise _changed(run_dir, "coords", old.get("coords"), coords)


def check_versions(run_dir: Path, old: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    """Refuse to continue a run with other versions of what makes its answers.

    Raises:
        UsageError: names the first package that changed.
    """
    changed = first_change(old["model"].get("versions", {}), versions)
    if changed is not None:
        name, before, now = changed
        raise _changed(run_dir, name, before, now, "its answers may differ")


def first_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The name of the first entry that differs, that within an entry after a dot, with both values."""
    for name in sorted(before.keys() | now.keys()):
        was, is_now = before.get(name), now.get(name)
        if was == is_now:
            continue
        if isinstance(was, Mapping) and isinstance(is_now, Mapping):
            inner = first_change(was, is_now)
            assert inner is not None
            return f"{name}.{inner[0]}", inner[1], inner[2]
        return name, was, is_now
    return None


def check_rendered(run_dir: Path, old: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to continue a run where the chat template makes another prompt of the same question.

    Raises:
        UsageError: names the task.
    """
    for task, described in tasks.items():
        before, now = old["tasks"].get(task, {}).get("rendered"), described["rendered"]
        if before and now and before["id"] == now["id"] and before["sha"] != now["sha"]:
            raise UsageError(
                f"{run_dir}: the chat template writes another prompt for {task} {now['id']} than in this run "
                "(a date in it? fix it with --template-var); choose another --out, or --fresh to start over"
            )


def _changed(run_dir: Path, name: str, before: Any, now: Any, why: str = "") -> UsageError:
    reason = f" ({why})" if why else ""
    return UsageError(
        f"{run_dir}: {name} was {before!r} in this run and is {now!r} now{reason}; "
        "choose another --out, or --fresh to start over"
    )


def save_run(run_dir: Path, content: Mapping[str, Any]) -> None:
    """Write `run.json`."""
    write_json(run_dir / "run.json", content)
