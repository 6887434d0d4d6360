"""Checkpoint folders: where they are, what identifies them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.fingerprint import fingerprint as files_fingerprint
from harness.models.folders import is_adapter, no_model

_HASHED = (".safetensors", ".bin", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".py")
"""Suffixes of weights, settings, vocabularies, templates and a checkpoint's own code."""
_WORDS = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")
_UNREAD = ("*/*.safetensors", "*/*.bin", "consolidated*")
"""Second copies of the weights, in folders and forms that transformers does not read."""


def checkpoint_folder(
    path_or_name: str, revision: str | None, *, weights: bool = True, code: bool = False, adapter: bool = False
) -> tuple[Path, str | None]:
    """(folder, revision) of a checkpoint: a folder as it is, else a hub repository, fetched where needed.

    The revision of a hub checkpoint is the commit that a branch or tag stood for. Of a repository's weights the
    safetensors are fetched, and pickled ones (`*.bin`) only where it has no others.

    Args:
        path_or_name: a folder, or a repository of the hub.
        revision: branch, tag or commit of a repository.
        weights: fetch the weights too; else only settings, tokenizer and chat template, which are also all
            that a folder then has to hold.
        code: fetch the repository's own code.
        adapter: an adapter will do as well as a model.

    Raises:
        UsageError: there is no such folder, it is no checkpoint, or the hub has no such repository or revision.
        HarnessError: the hub cannot be reached and the checkpoint is not in its cache.
    """
    folder = Path(path_or_name).expanduser()
    if folder.is_dir():
        if weights and is_adapter(folder):
            if not adapter:
                raise UsageError(
                    f"{path_or_name} is an adapter, not a model: merge it into its base model first"
                )
        elif weights and not (folder / "config.json").exists():
            raise no_model(path_or_name)
        return folder, revision
    if folder.exists() or path_or_name.startswith((".", "/", "~")) or path_or_name.count("/") != 1:
        raise no_model(path_or_name)
    patterns = [*_WORDS, *(["*.py"] if code else []), *(["*.safetensors"] if weights else [])]
    found = _snapshot(path_or_name, revision, patterns)
    if weights and not any(found.glob("*.safetensors")):
        found = _snapshot(path_or_name, found.name, [*patterns, "*.bin"])
    return found, found.name


def _snapshot(name: str, revision: str | None, patterns: list[str]) -> Path:
    """The folder of a hub repository at one commit, from the hub or its cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=patterns, ignore_patterns=list(_UNREAD))
        )
    except GatedRepoError as error:
        raise UsageError(f"{name} is gated: ask for access on the hub, then `hf auth login`") from error
    except RevisionNotFoundError as error:
        raise UsageError(f"{name} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise UsageError(f"{name} is neither a folder nor a repository of the hub") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise HarnessError(
            f"{name} is not in the cache and the hub cannot be reached: give a folder with --model"
        ) from error


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a checkpoint folder.

    Raises:
        UsageError: it is not JSON, or names no `model_type`.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / 'config.json'} cannot be read: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
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
