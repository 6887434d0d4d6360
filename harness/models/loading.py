"""Loads the model that a specification names; only the chosen backend is imported."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError
from harness.models.spec import ModelSpec, entry_points

if TYPE_CHECKING:
    from harness.types import Backend


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given: a backend keeps its own defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def load(spec: ModelSpec) -> Backend:
    """Load the model that a specification names, or connect to its server.

    Raises:
        HarnessError: a package or the model is missing; the message says what.
    """
    if spec.backend.startswith("entry point"):
        factory: Callable[[ModelSpec], Backend] = entry_points()[spec.name].load()
        return factory(spec)
    if spec.backend == "mock":
        return _mock(spec)
    if spec.backend == "openai":
        return _openai(spec)
    if spec.backend == "vllm":
        from harness.models.vllm import VLLMBackend

        how = _given(dtype=spec.dtype, concurrency=spec.concurrency)
        return VLLMBackend(
            spec.path, coords=spec.coords, revision=spec.revision, delimiters=spec.delimiters, **how
        )
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise HarnessError(f"{package} is not installed: pip install -c constraints.txt -e '.[hf]'")
    from harness.models.hf import HFBackend

    how = _given(dtype=spec.dtype, batch_size=spec.batch_size)
    return HFBackend(
        spec.path,
        coords=spec.coords,
        revision=spec.revision,
        delimiters=spec.delimiters,
        checkpoint=spec.checkpoint,
        **how,
    )


def _mock(spec: ModelSpec) -> Backend:
    from harness.models.mock import MockBackend

    given = spec.options
    try:
        latency, failing = float(given.get("latency", 0)), float(given.get("failing", 0))
    except ValueError as error:
        raise UsageError(f"--model {spec.name}: {error}") from None
    return MockBackend(
        given.get("text", "A"), echo="echo" in given, latency=latency, failing=failing, coords=spec.coords
    )


def _openai(spec: ModelSpec) -> Backend:
    from harness.models.openai import OpenAIBackend

    key = None
    if spec.api_key_env is not None:
        key = os.environ.get(spec.api_key_env)
        if key is None:
            raise UsageError(f"--api-key-env {spec.api_key_env}: the environment has no such variable")
    assert spec.base_url is not None
    how = _given(concurrency=spec.concurrency, api_key=key)
    return OpenAIBackend(spec.path, spec.base_url, coords=spec.coords, **how)
