"""Model names → what to load.

A name is `tiny` (the shipped checkpoint), `mock`, a path, a hub name, the name that a server knows the model
by, or one that an installed package adds through the entry point group `harness.models.spec`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import UsageError, nearest
from harness.models.families import family_coords, named_coords
from harness.models.folders import adapter_base, is_adapter, no_model
from harness.types import NO_LIMITS, PixelLimits
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BACKENDS = ("hf", "vllm", "openai", "mock")
BUILTIN: dict[str, str] = {
    "tiny": "a Qwen3-VL of under 2 M parameters, shipped in the package: runs anywhere, knows little",
    "mock": "no model: constant answers, to test the engine; mock:text=B,latency=0.1,failing=0.2",
}
"""Model names that need no download, each with one line of what it is."""


@dataclass(frozen=True, slots=True)
class CheckpointOptions:
    """How a checkpoint's files are used, by a backend that loads or serves them."""

    adapter: str | None = None
    """A folder or hub name of a LoRA adapter to be merged into, or served beside, the model."""
    processor: str | None = None
    """A folder or hub name whose processor and tokenizer stand in for the checkpoint's own."""
    attention: str | None = None
    """The attention implementation, as transformers names it; None: its own choice."""
    device: str | None = None
    """`cpu`, `cuda`, `cuda:1`, `mps`; None: the GPUs there are, else the CPU."""
    allow_missing_weights: bool = False
    """Load although weights are missing, unexpected or of another shape."""
    trust_remote_code: bool = False
    """Run the code that a checkpoint brings."""
    generation: Literal["harness", "checkpoint"] = "harness"
    """`checkpoint` takes the sampling settings of its `generation_config.json`; else none of them counts."""
    chat_template: str | None = None
    """A Jinja2 template, its text, in place of the checkpoint's."""
    template_vars: Mapping[str, Any] = field(default_factory=dict)
    """Values for variables of the chat template (`enable_thinking`)."""


AS_IT_IS = CheckpointOptions()
"""A checkpoint with its own files alone."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server of the OpenAI chat API is spoken to; None: the backend's own default."""

    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """More fields of every request's JSON."""
    omit: tuple[str, ...] = ()
    """Fields that are left out of every request."""
    timeout: float | None = None
    """Seconds for one attempt."""
    max_retries: int | None = None
    requests_per_minute: float | None = None
    max_wait: float | None = None
    """Seconds that a server may be down before the run gives it up."""


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """A judge model behind a server of the OpenAI chat API."""

    url: str
    """Up to `/v1`."""
    model: str
    """The name that the server knows it by."""
    key_env: str | None = None
    """The environment variable that holds the server's key."""
    timeout: float | None = None
    """Seconds for one attempt."""


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """Where a model runs several times over; nothing of it changes an answer."""

    replicas: int | None = None
    """Processes of Ray that each load the model; None: it is loaded in this one."""
    ray_address: str | None = None
    """Of a Ray cluster; None: a Ray of our own on this machine."""
    gpus_per_replica: float | None = None
    """None: one where the cluster has any, else none."""


@dataclass(frozen=True, slots=True)
class VLLMOptions:
    """How `vllm serve` is started; None: vLLM's own default."""

    vllm_args: str | None = None
    """Further arguments, as on a command line; they win over those of `HARNESS_VLLM_ARGS`."""
    tensor_parallel: int | None = None
    """GPUs that share each layer of one copy of the model."""
    data_parallel: int | None = None
    """Copies of the model, which share the requests."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What to load and how: all that a backend needs."""

    name: str
    """As the user gave it."""
    backend: str
    path: str
    """A folder, a hub name, or the name that the server knows."""
    coords: Coords | None = None
    revision: str | None = None
    dtype: str | None = None
    batch_size: int | None = None
    base_url: str | None = None
    """One URL, or several with commas between."""
    pixels: PixelLimits = NO_LIMITS
    """Bounds on the images that will be asked about: a server of ours is started with them."""
    checkpoint: CheckpointOptions = AS_IT_IS
    server: ServerOptions = ServerOptions()
    replicas: ReplicaOptions = ReplicaOptions()
    vllm: VLLMOptions = VLLMOptions()
    api_key_env: str | None = None
    concurrency: int | None = None
    delimiters: Delimiters = STANDARD
    """By which a backend knows that a prompt's end opened thinking."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What stands after the colon of `mock:…`."""


def tiny_path() -> Path:
    """The folder of the shipped checkpoint."""
    return Path(__file__).parent.parent / "checkpoints" / "tiny"


def entry_points() -> dict[str, EntryPoint]:
    """Models that installed packages add, by name."""
    from importlib.metadata import entry_points as find

    return {point.name: point for point in find(group="harness.models")}


def resolve(
    name: str,
    *,
    backend: str | None = None,
    coords: Coords | None = None,
    base_url: str | None = None,
    **how: Any,
) -> ModelSpec:
    """What a model name means.

    Args:
        name: see the module.
        backend: one of `BACKENDS`; None: `openai` where `base_url` is given, else what the name implies.
        coords: the convention that the user declares, in place of the family's.
        base_url: of an OpenAI-compatible server.
        how: further fields of `ModelSpec`.

    Raises:
        UsageError: there is no such model or backend; the nearest name is given.
    """
    if backend is not None and backend not in BACKENDS:
        raise UsageError(f"unknown backend {backend!r}{nearest(backend, BACKENDS)}")
    _refuse_server_options(name, backend, base_url, how.get("server") or ServerOptions())
    _refuse_replicas(backend, base_url, how.get("replicas") or ReplicaOptions())
    _refuse_vllm_options(backend, how.get("vllm") or VLLMOptions())
    base, _, options = name.partition(":")
    if base == "mock" and backend in (None, "mock"):
        _refuse_options(how.get("checkpoint", AS_IT_IS))
        return ModelSpec(name, "mock", "mock", coords or "norm1000", options=_options(options), **how)
    if base_url is not None or backend == "openai":
        if base_url is None:
            raise UsageError("--backend openai needs --base-url URL, e.g. http://localhost:8000/v1")
        return ModelSpec(name, "openai", name, coords or named_coords(name), base_url=base_url, **how)
    if name == "tiny":
        path = str(tiny_path())
        return ModelSpec(name, backend or "hf", path, coords or family_coords(path), **how)
    if backend is None and name in (plugins := entry_points()):
        return ModelSpec(name, f"entry point {plugins[name].value}", name, coords, **how)
    path = name
    folder = Path(name).expanduser()
    if folder.is_dir() and is_adapter(folder):
        path, how = _on_its_base(name, folder, how)
    elif folder.exists():
        if not (folder / "config.json").is_file():
            raise no_model(name)
    elif not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        known = nearest(name, [*BUILTIN, *entry_points()])
        raise UsageError(f"unknown model {name!r}{known}; or give a path, or a hub name ORG/NAME")
    coords = coords or family_coords(path, how.get("revision"))
    return ModelSpec(name, backend or "hf", path, coords, **how)


def _on_its_base(name: str, folder: Path, how: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(base model, fields of `ModelSpec`) for an adapter that was given as the model."""
    options: CheckpointOptions = how.get("checkpoint", AS_IT_IS)
    if options.adapter is not None:
        raise UsageError(f"{name} is an adapter itself: give its base model with --model")
    base, revision = adapter_base(name, folder)
    base = str(tiny_path()) if base == "tiny" else base
    return base, how | {"revision": revision, "checkpoint": replace(options, adapter=name)}


def _refuse_options(options: CheckpointOptions) -> None:
    """Refuse what a model without a checkpoint would ignore."""
    for option in fields(options):
        if getattr(options, option.name) != getattr(AS_IT_IS, option.name):
            raise UsageError(f"--{option.name.replace('_', '-')} means nothing to mock: it loads no checkpoint")


def _refuse_server_options(
    name: str, backend: str | None, base_url: str | None, options: ServerOptions
) -> None:
    """Refuse what is for a server where none is asked."""
    if base_url is not None and backend not in (None, "openai"):
        raise UsageError(f"--base-url is for --backend openai, not {backend}")
    if base_url is not None or backend == "openai":
        return
    for option in fields(options):
        given = getattr(options, option.name)
        if given not in (None, {}, ()) and not (backend is None and name in entry_points()):
            flag = option.name.replace("_", "-")
            raise UsageError(f"--{flag} is for a server: it needs --base-url URL")


def _refuse_replicas(backend: str | None, base_url: str | None, options: ReplicaOptions) -> None:
    """Refuse replicas of what is not loaded, and settings of replicas where there are none."""
    if options.replicas is not None and (base_url is not None or backend == "openai"):
        raise UsageError("--replicas is for a model that is loaded: give several servers as --base-url URL,URL")
    for name in ("ray_address", "gpus_per_replica"):
        if options.replicas is None and getattr(options, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} is for replicas: it needs --replicas N")


def _refuse_vllm_options(backend: str | None, options: VLLMOptions) -> None:
    """Refuse what is for a `vllm serve` of ours where none is started."""
    for option in fields(options):
        if backend != "vllm" and getattr(options, option.name) is not None:
            raise UsageError(f"--{option.name.replace('_', '-')} is for --backend vllm")


def _options(text: str) -> dict[str, str]:
    known = ("text", "latency", "failing", "echo")
    options = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise UsageError(f"unknown option {key!r} of the mock model{nearest(key, known)}")
        options[key] = value
    return options
