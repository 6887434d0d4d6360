"""What decides a model's answers, as far as it is known without loading it.

A run keeps it beside what the loaded model says of itself (`Backend.describe`). While it is the same, so is
that description: a run that has all its answers needs no model.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.jsonl import plain, sha
from harness.models.hf_files import checkpoint_folder, fingerprint
from harness.models.spec import ModelSpec, entry_points
from harness.models.vllm_arguments import deciding, own_arguments

_PACKAGES = {
    "hf": ("transformers", "tokenizers", "torch", "torchvision", "pillow"),
    "vllm": ("vllm", "pillow"),
    "openai": ("pillow",),
}
"""By backend, the packages of this process that draw pixels, make tokens or answer."""
_SILENT = ("latency", "failing")
"""Options of the mock model that are not part of an answer."""


def identify(spec: ModelSpec) -> dict[str, Any]:
    """What is asked for, by content rather than by spelling, as plain JSON.

    `model`, `adapter` and `processor` are one text each: the SHA-256 of a folder's files, a hub repository with
    its commit, or the name that a server knows.

    Raises:
        UsageError: no such folder, repository or revision.
        HarnessError: a file cannot be read, or neither hub nor cache knows the repository.
    """
    checkpoint = spec.checkpoint
    identity: dict[str, Any] = {
        "backend": spec.backend,
        "model": _model(spec),
        "adapter": _content(checkpoint.adapter, None) if checkpoint.adapter else None,
        "processor": _content(checkpoint.processor, None) if checkpoint.processor else None,
        "dtype": spec.dtype,
        "coords": spec.coords,
        "delimiters": sha(plain(spec.delimiters)),
        "attention": checkpoint.attention,
        "device": checkpoint.device,
        "trust_remote_code": checkpoint.trust_remote_code,
        "allow_missing_weights": checkpoint.allow_missing_weights,
        "generation": checkpoint.generation,
        "chat_template": sha(checkpoint.chat_template) if checkpoint.chat_template is not None else None,
        "template_vars": plain(checkpoint.template_vars),
        "extra_body": plain(spec.server.extra_body),
        "omit": sorted(spec.server.omit),
        "versions": versions(spec),
    }
    if spec.backend == "vllm":
        identity["arguments"] = deciding(own_arguments(spec.vllm))
        identity["executable"] = os.environ.get("HARNESS_VLLM", "")
    return identity


def versions(spec: ModelSpec) -> dict[str, str]:
    """Versions of the packages of this process whose change may change answers, where they are installed."""
    found = {}
    merging = ("peft",) if spec.backend == "hf" and spec.checkpoint.adapter else ()
    for package in (*_PACKAGES.get(spec.backend, ()), *merging):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _model(spec: ModelSpec) -> str:
    if spec.backend == "openai":
        return spec.path
    if spec.backend == "mock":
        said = ",".join(f"{key}={value}" for key, value in sorted(spec.options.items()) if key not in _SILENT)
        return f"mock:{said}" if said else "mock"
    if spec.backend.startswith("entry point"):
        package = entry_points()[spec.name].dist
        return f"{spec.name} of {package.name} {package.version}" if package else spec.name
    try:
        return _content(spec.path, spec.revision)
    except HarnessError:
        if spec.backend != "vllm":
            raise
        return f"{spec.path}@{spec.revision}"  # a name that only vLLM knows


def _content(path_or_name: str, revision: str | None) -> str:
    """A folder by its files, a repository by its commit."""
    folder = Path(path_or_name).expanduser()
    if not folder.is_dir():
        _, commit = checkpoint_folder(path_or_name, revision, weights=False)
        return f"{path_or_name}@{commit}"
    return f"sha256:{fingerprint(folder)}"
