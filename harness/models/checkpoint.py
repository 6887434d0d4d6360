"""Loads a checkpoint with transformers: exactly what was asked for, or one line that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.jsonl import sha
from harness.models import adapters
from harness.models.boundary import one_line, quiet
from harness.models.classes import ModelClass, device_map, model_class
from harness.models.folders import adapter_base, is_adapter, read_adapter
from harness.models.generation import check_ends
from harness.models.hf_files import checkpoint_folder, fingerprint, read_config
from harness.models.processors import load_processor
from harness.models.spec import AS_IT_IS, CheckpointOptions, tiny_path
from harness.models.weights import Findings, check_files, check_numbers

DTYPES = ("auto", "float32", "bfloat16", "float16")
SMALL = 20_000_000
"""Parameters under which a CPU's threads cost more than they bring: such a model runs on one."""
_ELSEWHERE = "serve it with --backend vllm, or elsewhere with --backend openai"
SETTINGS_KEPT = 4_000
"""Characters of a processor's settings up to which they are recorded as they are; else their SHA-256."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, or a hub repository that was fetched."""

    name: str
    """As the user gave it, or as an adapter names its base."""
    folder: Path
    revision: str | None

    @property
    def label(self) -> str:
        """Which it is, without where it lies."""
        return self.folder.resolve().name if Path(self.name).expanduser().is_dir() else self.name


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is to be loaded, found."""

    model: Source
    config: dict[str, Any]
    adapter: Source | None = None
    processor: Source | None = None

    @property
    def quantization(self) -> str | None:
        """By which method the weights are quantized."""
        return (self.config.get("quantization_config") or {}).get("quant_method")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model on its device, in evaluation mode, and its processor."""

    model: Any
    processor: Any
    described: dict[str, Any]
    """What was loaded and how, as plain JSON: part of every response's identity."""
    notes: tuple[str, ...]
    """What the user should know: one line each."""


def find(path_or_name: str, revision: str | None, options: CheckpointOptions) -> Checkpoint:
    """Find a model, its adapter and its processor; fetch them from the hub where needed.

    Args:
        path_or_name: a model's or an adapter's folder or hub repository. An adapter stands on the model that
            its `base_model_name_or_path` names.
        revision: of `path_or_name`, on the hub.
        options: may name an adapter and a processor.

    Raises:
        UsageError: something is not there, or is not what it is given as.
        HarnessError: the hub cannot be reached.
    """
    code = options.trust_remote_code
    given = Source(path_or_name, *checkpoint_folder(path_or_name, revision, code=code, adapter=True))
    adapter = None
    if is_adapter(given.folder):
        if options.adapter is not None:
            raise UsageError(f"{path_or_name} is an adapter itself: give its base model with --model")
        adapter = given
        base, base_revision = adapter_base(path_or_name, given.folder)
        base = str(tiny_path()) if base == "tiny" else base
        given = Source(base, *checkpoint_folder(base, base_revision, code=code))
    elif options.adapter is not None:
        adapter = Source(options.adapter, *checkpoint_folder(options.adapter, None, adapter=True))
        read_adapter(adapter.folder)
    if adapter is None and (given.folder / "adapter_config.json").exists():
        raise UsageError(
            f"{path_or_name} holds a model and an adapter: move the adapter's files to a folder of their own, "
            "and name it with --adapter if it is meant"
        )
    processor = None
    if options.processor is not None:
        processor = Source(
            options.processor, *checkpoint_folder(options.processor, None, weights=False, code=code)
        )
    return Checkpoint(given, read_config(given.folder), adapter, processor)


def load(checkpoint: Checkpoint, *, dtype: str = "auto", options: CheckpointOptions = AS_IT_IS) -> Loaded:
    """Load what was found.

    Args:
        checkpoint: see `find`.
        dtype: one of `DTYPES`. `auto` is float32 on a CPU, where answers then do not depend on the batch, and
            the checkpoint's own elsewhere.
        options: device, attention, and what is allowed.

    Raises:
        UsageError: it is no vision-language model, or wants something that was not allowed.
        HarnessError: weights are missing, do not fit, or are no numbers; a package is missing; anything else
            that keeps it from being loaded.
    """
    if dtype not in DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}; known: {', '.join(DTYPES)}")
    placed = device_map(options.device)
    if dtype == "auto" and placed is None:
        dtype = "float32"
    with quiet():
        kind = _class(checkpoint, options)
        processor = _processor(checkpoint, options)
        model, findings = _model(checkpoint, kind, options, dtype, placed)
        described = _described(checkpoint, model, processor)
        if findings:
            described["missing_weights"] = findings.counts()
        notes = list(_notes(checkpoint, described, findings))
        if checkpoint.adapter is not None:
            model, fit = _adapted(checkpoint.adapter, model, options)
            if fit:
                described["adapter"]["allowed"] = fit.counts()
                notes.append(
                    _allowed(checkpoint.adapter.name, fit, "what is missing is as it was before training")
                )
        check_numbers((checkpoint.adapter or checkpoint.model).name, model, dtype)
    if model.device.type == "cpu" and model.num_parameters() < SMALL:
        import torch

        torch.set_num_threads(1)
    return Loaded(model.eval(), processor, described, tuple(notes))


def load_model(checkpoint: Checkpoint, *, dtype: str, options: CheckpointOptions) -> Any:
    """The model alone, without what was found beside it, in evaluation mode: what training starts from.

    Args:
        checkpoint: see `find`.
        dtype: as for `load`.
        options: device and attention.

    Raises:
        HarnessError: as `load` does.
    """
    with quiet():
        kind = _class(checkpoint, options)
        model, _ = _model(checkpoint, kind, options, dtype, device_map(options.device))
        check_numbers(checkpoint.model.name, model, dtype)
    return model


def _processor(checkpoint: Checkpoint, options: CheckpointOptions) -> Any:
    """The processor that was asked for: --processor's, else the adapter's own over the base's."""
    source = checkpoint.processor or checkpoint.model
    mend = "give one with --processor BASE, a folder or hub name, such as the model that this one was made from"
    with TemporaryDirectory() as scratch, one_line(source.name, "the processor", mend):
        folder = source.folder
        if checkpoint.processor is None and checkpoint.adapter is not None:
            folder = adapters.words_folder(folder, checkpoint.adapter.folder, Path(scratch))
        return load_processor(folder, trust_remote_code=options.trust_remote_code)


def _class(checkpoint: Checkpoint, options: CheckpointOptions) -> ModelClass:
    """The class of the model; its files are looked at before anything is loaded."""
    source = checkpoint.model
    with one_line(source.name, "the configuration", _ELSEWHERE):
        kind = model_class(source.name, source.folder, checkpoint.config, code=options.trust_remote_code)
        _check_quantization(checkpoint)
    attention = options.attention or getattr(kind.config, "_attn_implementation", None)
    if attention is not None and "/" in attention and not options.trust_remote_code:
        raise UsageError(
            f"the attention {attention} runs code of the hub: --trust-remote-code, or --attention sdpa"
        )
    check_files(source.name, source.folder, checkpoint.quantization)
    check_ends(source.folder)
    return kind


def _check_quantization(checkpoint: Checkpoint) -> None:
    """Refuse a method that transformers does not know: it would load packed weights as if they were plain."""
    from transformers.quantizers import AutoHfQuantizer

    said = checkpoint.config.get("quantization_config")
    if said and not AutoHfQuantizer.supports_quant_method(said):
        name, method = checkpoint.model.name, checkpoint.quantization
        raise HarnessError(f"{name}: transformers knows no quantization {method!r}: {_ELSEWHERE}")


def _model(
    checkpoint: Checkpoint,
    kind: ModelClass,
    options: CheckpointOptions,
    dtype: str,
    placed: dict[str, str] | str | None,
) -> tuple[Any, Findings]:
    """The model, and what of its weights does not fit, which is nothing unless that was allowed."""
    import torch

    given, folder = checkpoint.model.name, checkpoint.model.folder
    more: dict[str, Any] = {"device_map": placed} if placed is not None else {}
    if options.attention is not None:
        more["attn_implementation"] = options.attention
    with one_line(given, "the model", _ELSEWHERE, options.attention), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # weights that are allowed to be missing are the same in every run
        model, info = kind.model.from_pretrained(
            folder,
            config=kind.config,
            dtype=dtype,
            trust_remote_code=options.trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in `info`, and refused below
            **more,
        )
        if checkpoint.quantization and all(
            one.is_floating_point() and one.dtype.itemsize > 1 for one in model.parameters()
        ):
            model = model.to(getattr(torch, dtype) if dtype != "auto" else model.dtype)
    findings = Findings.of(info, kind.beside)
    if findings and not options.allow_missing_weights:
        told = findings.told(list(model.state_dict()))
        raise HarnessError(f"{given}: {told}; --allow-missing-weights loads it as it is")
    return model, findings


def _adapted(adapter: Source, model: Any, options: CheckpointOptions) -> tuple[Any, Findings]:
    mend = "give its base model with --model BASE --adapter DIR, or merge it where it was trained"
    with one_line(adapter.name, "the adapter", mend):
        return adapters.merge(adapter.name, model, adapter.folder, allow_missing=options.allow_missing_weights)


def _described(checkpoint: Checkpoint, model: Any, processor: Any) -> dict[str, Any]:
    """What was loaded and how: effective values, not what was asked for, and no places of this machine."""
    source = checkpoint.model
    described: dict[str, Any] = {
        "model": source.label,
        "model_type": checkpoint.config["model_type"],
        "revision": source.revision,
        "fingerprint": fingerprint(source.folder),
        "class": type(model).__name__,
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": model.config._attn_implementation,
        "device": model.device.type,
        "processor": _settings(processor),
    }
    if checkpoint.processor is not None:
        words = checkpoint.processor
        described["processor"] |= {
            "model": words.label, "revision": words.revision, "fingerprint": fingerprint(words.folder)
        }  # fmt: skip
    if checkpoint.adapter is not None:
        adapter = checkpoint.adapter
        described["adapter"] = {
            "model": adapter.label,
            "revision": adapter.revision,
            "fingerprint": fingerprint(adapter.folder),
            "kind": read_adapter(adapter.folder)["peft_type"],
        }
    if own := _own_code(model, processor):
        described["trust_remote_code"] = own
    return described


def _settings(processor: Any) -> dict[str, Any]:
    """The class of a processor and its settings, or their SHA-256 where they are long."""
    images = processor.image_processor
    settings = {
        name: value
        for name, value in images.to_dict().items()
        if not name.startswith("_") and name not in ("name_or_path", "auto_map", "processor_class")
    }
    text = json.dumps(settings, sort_keys=True, default=str)
    kept = json.loads(text) if len(text) <= SETTINGS_KEPT else {"sha256": sha(text)}
    return {"class": type(processor).__name__, "images": type(images).__name__, "settings": kept}


def _own_code(*objects: Any) -> list[str]:
    """Classes that a checkpoint brought itself."""
    return [type(one).__name__ for one in objects if type(one).__module__.startswith("transformers_modules")]


def _allowed(given: str, findings: Findings, so: str) -> str:
    kinds = ", ".join(f"{number} {kind}" for kind, number in findings.counts().items())
    return f"{given}: weights {kinds}, as --allow-missing-weights allows: {so}"


def _notes(checkpoint: Checkpoint, described: dict[str, Any], findings: Findings) -> Iterator[str]:
    given = checkpoint.model.name
    if "trust_remote_code" in described:
        own = ", ".join(described["trust_remote_code"])
        yield f"{given}: runs its own code, as --trust-remote-code allows: {own}"
    if findings:
        yield _allowed(given, findings, "what is missing is random")
    if checkpoint.quantization is not None:
        yield f"{given}: quantized with {checkpoint.quantization}, run in {described['dtype']}"
