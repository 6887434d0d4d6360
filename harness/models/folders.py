"""What a folder holds: a model, an adapter, or neither, and then what makes a model of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UsageError

MODEL_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""The files of weights that transformers looks for."""
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin")
DEPTH = 3
"""Levels below a folder in which a checkpoint is looked for."""
SEEN = 10_000
"""Entries looked at: a folder of a whole disk is not searched to its end."""


def has_weights(folder: Path) -> bool:
    """Whether a folder holds weights of a model in a form that transformers reads."""
    return any((folder / name).exists() for name in MODEL_FILES)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter and no model."""
    return (folder / "adapter_config.json").is_file() and not has_weights(folder)


def no_model(given: str) -> UsageError:
    """Why a path is no model's folder, and what to give in its place: one line."""
    path = Path(given).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return UsageError(f"{given}: {_GGUF}")
    if path.is_file():
        return UsageError(f"{given} is a file: give the folder that it is in, {path.parent}")
    if not path.is_dir():
        return UsageError(f"no such model folder: {given}")
    files = list(_below(path))
    if not files:
        return UsageError(f"{given}: the folder is empty")
    below = [
        folder
        for folder in dict.fromkeys(file.parent for file in files if file.name in _CONFIGS)
        if folder != path and (has_weights(folder) or is_adapter(folder))
    ]
    if below:
        return UsageError(f"{given}: not a model, it has no config.json; {_did_you_mean(path, below)}")
    mend = _unmerged(files) or "give the folder that has config.json, the weights and the tokenizer"
    return UsageError(f"{given}: not a model, it has no config.json; {mend}")


def no_weights(given: str, folder: Path) -> UsageError:
    """Why a folder with a configuration has no weights, and how to get them: one line."""
    files = list(_below(folder))
    around = [*files]
    if folder.name == "huggingface":  # as verl and EasyR1 lay it: the shards are beside it
        around += [file for file in folder.parent.iterdir() if file.is_file()]
    below = [file.parent for file in files if file.name in MODEL_FILES and file.parent != folder]
    found = [folder for folder in dict.fromkeys(below) if (folder / "config.json").exists()]
    mend = _unmerged(around)
    if mend is None and found:
        mend = _did_you_mean(folder, found)
    if mend is None:
        others = sorted(file.name for file in files if file.suffix in (".safetensors", ".bin", ".pt", ".pth"))
        named = f" (it has {', '.join(others[:3])})" if others else ""
        mend = f"copy model.safetensors, or the shards and their index, into it{named}"
    return UsageError(f"{given}: no weights that transformers reads; {mend}")


_CONFIGS = ("config.json", "adapter_config.json")
_GGUF = (
    "GGUF weights are run by llama.cpp: start `llama-server` with them and its --mmproj, "
    "then --backend openai --base-url URL"
)


def _below(folder: Path) -> Iterator[Path]:
    """Files in a folder and up to `DEPTH` levels below it."""
    level, seen = [folder], 0
    for _ in range(DEPTH + 1):
        deeper = []
        for place in level:
            for entry in sorted(place.iterdir()):
                seen += 1
                if seen > SEEN:
                    return
                if entry.is_dir():
                    deeper.append(entry)
                else:
                    yield entry
        level = deeper


def _did_you_mean(given: Path, below: list[Path]) -> str:
    """Names the latest of the checkpoints below a folder, and the one that its trainer calls the best."""
    latest = max(below, key=lambda folder: (_numbers(folder.relative_to(given)), -len(folder.parts)))
    best = next((best for folder in (given, latest) if (best := _best(folder)) is not None), None)
    several = f" (the latest of {len(below)})" if len(below) > 1 else ""
    praised = f"; trainer_state.json calls {best} the best" if best is not None else ""
    return f"did you mean {latest}?{several}{praised}"


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _best(folder: Path) -> str | None:
    try:
        state = json.loads((folder / "trainer_state.json").read_bytes())
    except (OSError, ValueError):
        return None
    best = state.get("best_model_checkpoint") if isinstance(state, dict) else None
    return Path(best).name if isinstance(best, str) and best else None


_LEFT = (
    (
        r"model_world_size_\d+_rank_\d+\.pt",
        "{place} holds the shards of a verl actor: python -m verl.model_merger merge --backend fsdp "
        "--local_dir {place} --target_dir OUT (EasyR1: python3 scripts/model_merger.py --local_dir {place})",
    ),
    (
        r".*zero_pp_rank_\d+.*|mp_rank_\d+_model_states\.pt",
        "{place} holds DeepSpeed's shards: python {above}/zero_to_fp32.py {above} OUT",
    ),
    (
        r"common\.pt|model_optim_rng\.pt",
        "{place} holds Megatron's shards: convert them with the engine that wrote them (verl: python -m "
        "verl.model_merger merge --backend megatron --local_dir {above} --target_dir OUT)",
    ),
    (r".*\.distcp", "{place} holds FSDP's shards: accelerate merge-weights {place} OUT"),
    (r".*\.gguf", "{place}/{name}: " + _GGUF),
    (
        r"consolidated.*\.(?:safetensors|pth)",
        "{name} is in its authors' format: give transformers' form of the model, or --backend vllm",
    ),
    (
        r"model-\d+-of-\d+\.safetensors",
        "{place} holds shards without their model.safetensors.index.json: copy that too",
    ),
)
"""Names of files that training engines and other software leave, and how they become a model."""


def _unmerged(files: list[Path]) -> str | None:
    """How the weights that lie among files become a model; None where none are known."""
    for pattern, mend in _LEFT:
        for file in files:
            if re.fullmatch(pattern, file.name) and not has_weights(file.parent):
                return mend.format(place=file.parent, above=file.parent.parent, name=file.name)
    return None


def read_adapter(folder: Path) -> dict[str, Any]:
    """`adapter_config.json` of a folder.

    Raises:
        UsageError: it is not there, or not JSON of an adapter.
    """
    path = folder / "adapter_config.json"
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{folder}: not an adapter, it has no adapter_config.json") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict) or "peft_type" not in config:
        raise UsageError(f"{path} names no peft_type")
    return config


def adapter_base(given: str, folder: Path) -> tuple[str, str | None]:
    """(model, revision) that an adapter was trained on, by its `base_model_name_or_path`.

    Raises:
        UsageError: it names none, or a folder that is not here.
    """
    config = read_adapter(folder)
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UsageError(f"{given}: the adapter names no base model: --model BASE --adapter {given}")
    near = folder / base
    if not Path(base).is_absolute() and not Path(base).is_dir() and near.is_dir():
        base = str(near)
    if not Path(base).expanduser().is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+|tiny", base):
        raise UsageError(f"{given}: its base model {base} is not here: --model BASE --adapter {given}")
    revision = config.get("revision")
    return base, revision if isinstance(revision, str) else None
