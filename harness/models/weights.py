"""Weights that are missing, unexpected, of another shape, or no numbers: found, and said in one line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.fingerprint import check_sums
from harness.models.folders import MODEL_FILES, no_weights
from harness.words import counted

if TYPE_CHECKING:
    import torch

NAMED = 3
"""Keys named in a message."""
PACKED = {"I8", "U8"}
"""Types in which quantized weights are stored, as safetensors names them."""
LFS = b"version https://git-lfs"


def check_files(given: str, folder: Path, quantization: str | None = None) -> None:
    """See that every file of weights is there and whole, by its header; no weight is read.

    Args:
        given: the model, as the user named it.
        folder: with its configuration.
        quantization: `quant_method` of the configuration.

    Raises:
        UsageError: there are no weights; the message says what the folder holds instead.
        HarnessError: a shard is missing or a file is damaged.
    """
    first = next((name for name in MODEL_FILES if (folder / name).exists()), None)
    if first is None:
        raise no_weights(given, folder)
    names = _shards(folder / first) if first.endswith(".json") else [first]
    absent = [name for name in names if not (folder / name).exists()]
    if absent:
        raise HarnessError(
            f"{given}: {len(absent)} of {counted(len(names), 'shard')} of the weights missing, "
            f"{_some(absent)}: copy or download the model again"
        )
    check_headers(given, [folder / name for name in names], quantization)
    check_sums(folder)


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{index} is no index of weights ({error}): copy or download it again") from None


def check_headers(given: str, paths: Iterable[Path], quantization: str | None = None) -> None:
    """See that files of weights are whole: `check_files` for files that are known.

    Raises:
        HarnessError: one is damaged, or quantized weights lack what they mean.
    """
    from safetensors import SafetensorError, safe_open

    kinds: set[str] = set()
    scales = False
    for path in paths:
        with path.open("rb") as file:
            if file.read(len(LFS)) == LFS:
                raise HarnessError(f"{path} is a pointer of git-lfs, not the file: git lfs pull")
        if path.suffix != ".safetensors":
            continue
        try:
            with safe_open(path, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - no mapping
                    tensor = opened.get_slice(name)
                    scales = scales or "scale" in name
                    if len(tensor.get_shape()) > 1:
                        kinds.add(tensor.get_dtype())
        except SafetensorError as error:
            raise HarnessError(f"{path} is damaged ({error}): copy or download it again") from error
    if quantization is None and kinds & PACKED:
        raise HarnessError(
            f"{given}: its weights are packed integers and config.json has no quantization_config: take the "
            "config.json that was saved with them"
        )
    if quantization == "fp8" and not scales and any(kind.startswith("F8") for kind in kinds):
        raise HarnessError(
            f"{given}: its FP8 weights lack their scales (weight_scale_inv): save the model again"
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """How a checkpoint's weights fit the model that its configuration describes."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    """(key, shape in the file, shape in the model)."""

    @classmethod
    def of(cls, info: Mapping[str, Any], beside: Collection[str] = ()) -> Findings:
        """What transformers reports of loading, after its own lists of keys that do not matter.

        Args:
            info: of `from_pretrained(output_loading_info=True)`.
            beside: names of parts of the checkpoint that were not asked for: their keys are not unexpected.
        """
        others = tuple(f"{name}." for name in beside)
        return cls(
            tuple(sorted(info["missing_keys"])),
            tuple(sorted(key for key in info["unexpected_keys"] if not (others and key.startswith(others)))),
            tuple(sorted((key, tuple(one), tuple(other)) for key, one, other in info["mismatched_keys"])),
        )

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mismatched)

    def counts(self) -> dict[str, int]:
        """How many of each kind, as it is recorded."""
        numbers = {
            "missing": len(self.missing), "unexpected": len(self.unexpected), "mismatched": len(self.mismatched)
        }  # fmt: skip
        return {kind: number for kind, number in numbers.items() if number}

    def told(self, keys: Collection[str]) -> str:
        """How many weights do not fit, which, and what mends it.

        Args:
            keys: all weights of the model.
        """
        said = []
        if self.missing:
            groups = groups_of(self.missing, keys)
            said.append(f"{len(self.missing)} of {counted(len(keys), 'weight')} missing ({_some(groups)})")
        if self.unexpected:
            said.append(
                f"{counted(len(self.unexpected), 'weight')} that the model has not ({_some(self.unexpected)})"
            )
        if self.mismatched:
            shapes = [f"{key} {list(one)} for {list(other)}" for key, one, other in self.mismatched]
            said.append(f"{counted(len(shapes), 'weight')} of another shape ({_some(shapes)})")
        return f"{', '.join(said)}: {self.mend()}"

    def mend(self) -> str:
        """What to do about it: the first of these that explains it."""
        infix = next((found[0] for key in self.unexpected if (found := _WRAPPED.search(key))), None)
        prefix, lost = wrapper(self.missing, self.unexpected), wrapper(self.unexpected, self.missing)
        explained = {
            "DeepSpeed ZeRO-3 saved empty weights: gather them, or convert with zero_to_fp32.py": any(
                0 in shape for _, shape, _ in self.mismatched
            ),
            "some of the experts were not saved: save all of them, or copy the files that are not here": any(
                "expert" in key and one[:1] < other[:1] and one[1:] == other[1:]
                for key, one, other in self.mismatched
            ),
            "the vocabulary has grown and config.json is the base model's: save it with the weights": any(
                _is_vocabulary(*entry) for entry in self.mismatched
            ),
            "config.json is another model's: take the one that was saved with the weights": self.mismatched,
            "PEFT's adapters are not merged: save after merge_and_unload()": any(
                "lora_" in key or ".base_layer." in key for key in self.unexpected
            ),
            f"names begin with the wrapper's {prefix!r}: save the unwrapped model, or strip it": prefix,
            f"names hold the wrapper's {infix!r}: save the unwrapped model, or strip it": infix,
            f"names lack {lost!r}: save the whole model": lost,
            "config.json says that the head is not tied to the embeddings (tie_word_embeddings), and it was "
            "not saved: correct config.json, or save the head": self.missing
            and all(key.endswith("lm_head.weight") for key in self.missing),
            "the model was saved in part: save all of it, or copy the files that are not here": self.missing,
        }
        otherwise = "config.json describes a smaller model: take the one that was saved with the weights"
        return next((mend for mend, applies in explained.items() if applies), otherwise)


_WRAPPED = re.compile(r"_\w+_(?:mod|module)\.|(?:^|(?<=\.))module\.")
"""What `torch.compile`, FSDP, activation checkpointing and DDP put into the names of weights."""


def wrapper(wanted: Collection[str], found: Collection[str]) -> str | None:
    """The prefix that all or most of `found` have before a name of `wanted`; None where there is none."""
    ends = set(wanted)
    prefixes: Counter[str] = Counter()
    for key in found:
        parts = key.split(".")
        match = next((at for at in range(1, len(parts)) if ".".join(parts[at:]) in ends), None)
        if match is not None:
            prefixes[".".join(parts[:match]) + "."] += 1
    if not prefixes:
        return None
    [(prefix, number)] = prefixes.most_common(1)
    return prefix if 2 * number > len(found) else None


def _is_vocabulary(key: str, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    named = any(part in key for part in ("embed", "lm_head", "wte"))
    return named and len(one) == len(other) and one[:1] != other[:1] and one[1:] == other[1:]


def groups_of(missing: Collection[str], keys: Collection[str]) -> list[str]:
    """Missing keys, whole modules by their name: `model.visual (all 24)` in place of its 24 keys."""
    lacking, all_keys = _by_module(missing), _by_module(keys)
    groups: dict[str, str] = {}
    for key in sorted(missing):
        parts = key.split(".")
        for depth in range(1, len(parts)):
            module = ".".join(parts[:depth])
            if lacking[module] == all_keys[module] > 1:
                groups.setdefault(module, f"{module} (all {all_keys[module]})")
                break
        else:
            groups[key] = key
    return list(groups.values())


def _by_module(keys: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for key in keys:
        parts = key.split(".")
        counts.update(".".join(parts[:depth]) for depth in range(1, len(parts)))
    return counts


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:NAMED])
    return f"{shown}, …" if len(names) > NAMED else shown


def no_numbers(model: torch.nn.Module) -> list[str]:
    """Names of parameters that hold NaN or infinity."""
    import torch

    bad = []
    for name, parameter in model.named_parameters():
        values = parameter.detach()
        if values.is_meta or not values.is_floating_point() or not values.numel():
            continue
        if values.dtype.itemsize < 2:
            values = values.float()
        low, high = torch.aminmax(values)
        if not (torch.isfinite(low) and torch.isfinite(high)):
            bad.append(name)
    return bad


def check_numbers(given: str, model: torch.nn.Module, dtype: str) -> None:
    """Refuse a model with weights that are NaN or infinite.

    Raises:
        HarnessError: with their names.
    """
    bad = no_numbers(model)
    if bad:
        hint = "; --dtype bfloat16 or float32 where they overflow" if dtype == "float16" else ""
        raise HarnessError(
            f"{given}: NaN or infinity in {counted(len(bad), 'weight')} ({_some(bad)}): "
            f"the training diverged or the file is damaged, take an earlier checkpoint{hint}"
        )
