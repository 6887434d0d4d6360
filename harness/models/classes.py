"""The class by which a checkpoint is loaded, by the mappings of transformers; and the device it is put on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.models.boundary import wants_code
from harness.words import counted


@dataclass(frozen=True, slots=True)
class ModelClass:
    """By which class, and with which configuration, a checkpoint is loaded."""

    model: Any
    config: Any
    beside: tuple[str, ...] = ()
    """Parts of the checkpoint that text output does not need: a talker, a vocoder."""


def model_class(given: str, folder: Path, said: dict[str, Any], *, code: bool) -> ModelClass:
    """The class of a vision-language model, by transformers' mappings or, if allowed, the checkpoint's own.

    Of a model of several parts, one of which turns images and text into text, that part is loaded.

    Args:
        given: the model, as the user named it.
        folder: its folder.
        said: its `config.json`.
        code: whether it may run code of its own.

    Raises:
        UsageError: transformers knows no such model, or it is of another kind.
    """
    import transformers
    from transformers import AutoConfig
    from transformers.models.auto import configuration_auto, modeling_auto

    own = said.get("auto_map") or {}
    model_type = said["model_type"]
    if code and (name := next((name for name in _OWN_CLASSES if name in own), None)):
        from transformers.dynamic_module_utils import get_class_from_dynamic_module

        config = AutoConfig.from_pretrained(folder, trust_remote_code=True)  # nosec B615 # a folder
        return ModelClass(get_class_from_dynamic_module(own[name], str(folder)), config)
    if model_type not in configuration_auto.CONFIG_MAPPING:
        if own:
            raise wants_code(given)
        raise UsageError(
            f"{given}: transformers {transformers.__version__} knows no model_type {model_type!r}: a newer one "
            "may, else serve it with the software it was published with, and --backend openai"
        )
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)  # nosec B615 # a folder
    images = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    several = modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING
    if type(config) in images:
        return ModelClass(_of(images, config), config)
    if type(config) in several:
        parts = {name: getattr(config, name, None) for name in type(config).sub_configs}
        for name, part in parts.items():
            if type(part) in images:
                beside = tuple(other.removesuffix("_config") for other in parts if other != name)
                return ModelClass(_of(images, part), part, beside)
        return ModelClass(_of(several, config), config)
    if own:
        raise wants_code(given)
    if type(config) in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UsageError(
            f"{given} is a language model ({model_type}), not a vision-language model: it sees no images"
        )
    raise UsageError(
        f"{given} is not a vision-language model: transformers has no class that answers ({model_type})"
    )


_OWN_CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForMultimodalLM",
    "AutoModelForVision2Seq",
    "AutoModelForCausalLM",
    "AutoModel",
)
"""Under which names of `auto_map` a checkpoint's own code has its model, the likeliest first."""


def _of(mapping: Any, config: Any) -> Any:
    """The class of a configuration; of several the one that `architectures` names, else the first."""
    found = mapping[type(config)]
    if not isinstance(found, list | tuple):
        return found
    named = {one.__name__: one for one in found}
    return next((named[name] for name in config.architectures or () if name in named), found[0])


def device_map(device: str | None) -> dict[str, str] | str | None:
    """Where transformers puts a model: None for the CPU, all GPUs, or one device.

    Args:
        device: `cpu`, `cuda`, `cuda:N`, `mps`; None: all GPUs there are, else the CPU.

    Raises:
        UsageError: there is no such device here.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device is None:
        return ("auto" if gpus > 1 else {"": "cuda:0"}) if gpus else None
    if device == "cpu":
        return None
    if device == "mps" and torch.backends.mps.is_available():
        return {"": "mps"}
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if match is not None and (index := int(match[1] or 0)) < gpus:
        return {"": f"cuda:{index}"}
    if match is None and device != "mps":
        raise UsageError(f"--device {device}: no such device; known: cpu, cuda, cuda:N, mps")
    here = f"torch {torch.__version__} sees {counted(gpus, 'GPU')} here"
    raise UsageError(f"--device {device}: {here}; leave --device out, or give cpu")
