"""Checkpoint folders: where they are, what identifies them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.fingerprint import fingerprint as files_fingerprint

_HASHED = (".safetensors", ".bin", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".py")
"""Suffixes of weights, settings, vocabularies, templates and a checkpoint's own code."""
_WANTED = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
_WORDS = ["*.json", "*.jinja", "*.txt", "*.model"]


def checkpoint_folder(
    path_or_name: str, revision: str | None, *, weights: bool = True
) -> tuple[Path, str | None]:
    """(folder, revision) of a checkpoint: a folder as it is, else a hub repository, fetched where needed.

    The revision of a hub checkpoint is the commit that a branch or tag stood for.

    Args:
        path_or_name: a folder, or a repository of the hub.
        revision: branch, tag or commit of a repository.
        weights: fetch the weights too; else only settings, tokenizer and chat template.

    Raises:
        UsageError: there is no such folder and the hub has no such repository or revision.
        HarnessError: the hub cannot be reached and the checkpoint is not in its cache.
    """
    folder = Path(path_or_name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise UsageError(f"{path_or_name}: not a checkpoint, it has no config.json")
        return folder, revision
    if path_or_name.startswith((".", "/", "~")) or path_or_name.count("/") != 1:
        raise UsageError(f"no such model folder: {path_or_name}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        wanted = _WANTED if weights else _WORDS
        found = Path(snapshot_download(path_or_name, revision=revision, allow_patterns=wanted))
    except GatedRepoError as error:
        raise UsageError(f"{path_or_name} is gated: ask for access on the hub, then `hf auth login`") from error
    except RevisionNotFoundError as error:
        raise UsageError(f"{path_or_name} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise UsageError(f"{path_or_name} is neither a folder nor a repository of the hub") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise HarnessError(
            f"{path_or_name} is not in the cache and the hub cannot be reached: give a folder with --model"
        ) from error
    return found, found.name


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a checkpoint folder.

    Raises:
        UsageError: it is not JSON, or names no `model_type`.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / 'config.json'} cannot be read: {error}") from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise UsageError(f"{folder / 'config.json'} names no model_type")
    return config


def fingerprint(folder: Path) -> str:
    """SHA-256, in hex, over all bytes of the files that decide what a checkpoint answers.

    Names within the folder count, the folder's own path does not.

    Raises:
        HarnessError: a file cannot be read.
    """
    found = [path for path in folder.iterdir() if path.suffix in _HASHED]
    found += folder.glob("additional_chat_templates/*.jinja")
    files = sorted((path.relative_to(folder).as_posix(), path) for path in found if path.is_file())
    return files_fingerprint(files)
