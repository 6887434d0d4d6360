"""Loads the model that a specification names; only the chosen backend is imported."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError
from harness.models.spec import CheckpointOptions, ModelSpec, entry_points

if TYPE_CHECKING:
    from harness.types import Backend


_OWN_SIZES = (
    "the pixel limits bound what is sent; the server's own processor may size it again: name the checkpoint "
    "that it serves with --processor, and what is sent has the size that its processor leaves alone"
)


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given: a backend keeps its own defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def load(spec: ModelSpec) -> Backend:
    """Load the model that a specification names, or connect to its server.

    Raises:
        HarnessError: a package or the model is missing; the message says what.
    """
    if spec.replicas.replicas is not None:
        from harness.models.replicas import ReplicaBackend

        return ReplicaBackend(spec, load)
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
            spec.path,
            coords=spec.coords,
            revision=spec.revision,
            delimiters=spec.delimiters,
            options=spec.checkpoint,
            serving=spec.vllm,
            pixels=spec.pixels,
            **how,
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
    from harness.models.hf_files import checkpoint_folder
    from harness.models.openai import OpenAIBackend
    from harness.models.pixels import AS_STORED, image_settings, rule_of, server_rule
    from harness.models.server_patience import RetryPolicy
    from harness.types import NO_LIMITS

    key = None
    if spec.api_key_env is not None:
        key = os.environ.get(spec.api_key_env)
        if key is None:
            raise UsageError(f"--api-key-env {spec.api_key_env}: the environment has no such variable")
    assert spec.base_url is not None
    _refuse_what_servers_lack(spec.checkpoint)
    server = spec.server
    omit = server.omit
    if spec.checkpoint.generation == "checkpoint":
        omit = tuple(dict.fromkeys((*omit, "temperature", "top_p")))  # then the server's own settings count
    retry = RetryPolicy(attempts=server.max_retries + 1) if server.max_retries is not None else None
    how = _given(concurrency=spec.concurrency, api_key=key, timeout=server.timeout)
    if spec.checkpoint.processor is not None:
        rule = rule_of(image_settings(checkpoint_folder(spec.checkpoint.processor, None, weights=False)[0]))
    else:
        rule = server_rule(spec.path, spec.coords, spec.pixels)
    backend = OpenAIBackend(
        spec.path,
        spec.base_url,
        coords=spec.coords,
        rule=rule,
        retry=retry,
        extra_body=server.extra_body,
        omit=omit,
        template_vars=spec.checkpoint.template_vars,
        requests_per_minute=server.requests_per_minute,
        max_wait=server.max_wait,
        **how,
    )
    if spec.pixels != NO_LIMITS and rule == AS_STORED:
        backend.notes = (_OWN_SIZES,)
    backend.check_model()
    return backend


def _refuse_what_servers_lack(options: CheckpointOptions) -> None:
    """Refuse what only the one who starts a server can decide."""
    if options.chat_template is not None:
        raise UsageError(
            "--chat-template: a server has its own: start it with that file (vllm serve --chat-template)"
        )
    if options.adapter is not None:
        raise UsageError(
            "--adapter: start the server with it (vllm serve --lora-modules) and give its name as --model"
        )
    for flag, given in (
        ("--attention", options.attention),
        ("--device", options.device),
        ("--allow-missing-weights", options.allow_missing_weights),
        ("--trust-remote-code", options.trust_remote_code),
    ):
        if given:
            raise UsageError(
                f"{flag}: a server loads its model itself: it is for a backend that loads a checkpoint"
            )
