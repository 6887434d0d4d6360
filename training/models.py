"""Models of training: loaded from a folder, adapted, written as a folder that can be evaluated."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from harness.fingerprint import SUMS, write_sums
from harness.jsonl import sync, sync_all
from harness.models.asking import write_asking
from harness.models.checkpoint import find
from harness.models.checkpoint import load_model as load_checkpoint
from harness.models.spec import CheckpointOptions
from training.images_once import encode_images_once
from training.parts import LANGUAGE, Part, freeze, linear_layers
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe

PROCESSOR_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
)
"""Files of a checkpoint folder beside its weights and configuration."""


def load_model(folder: Path, recipe: Recipe) -> Any:
    """The model of a folder, in training mode on the best device; float32 on a CPU.

    Raises:
        UsageError: it is no vision-language model.
        HarnessError: its weights are missing, do not fit, or are no numbers: training would start from chance.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = recipe.dtype if recipe.dtype != "auto" else ("auto" if device == "cuda" else "float32")
    options = CheckpointOptions(device=device, attention=recipe.attention)
    model = load_checkpoint(find(str(folder), None, options), dtype=dtype, options=options)
    model.config.use_cache = False
    encode_images_once(model)
    if model.config.model_type == "qwen3_vl":
        _patches_by_product(model.model.visual.patch_embed)
    return model.train()


def _patches_by_product(embed: Any) -> None:
    """Compute the patch embedding of still images as a matrix product: the same numbers, much faster on a CPU.

    The frames of a still image are equal, so one of them against the sum of the weights is enough.
    """

    def forward(patches: torch.Tensor) -> torch.Tensor:
        weight = embed.proj.weight
        frame = patches.view(-1, embed.in_channels, embed.temporal_patch_size, embed.patch_size**2)[:, :, 0]
        return functional.linear(frame.flatten(1).to(weight.dtype), weight.sum(2).flatten(1), embed.proj.bias)

    embed.forward = forward


def with_adapters(
    model: Any,
    rank: int,
    *,
    alpha: int | None = None,
    targets: Collection[Part] = LANGUAGE,
    widen: bool = True,
) -> Any:
    """The model with low-rank adapters on its linear layers; unchanged for rank 0.

    Args:
        model: a transformers model.
        rank: of the adapters.
        alpha: their scale, over the rank; None: twice the rank.
        targets: the parts of the model whose layers get them.
        widen: whether adapters of a bfloat16 model are float32.
    """
    if not rank:
        return model
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,
        target_modules=linear_layers(model, targets),
        base_model_name_or_path=str(Path(model.name_or_path).resolve()),
    )
    return get_peft_model(model, settings, autocast_adapter_dtype=widen)


def partly_trained(model: Any, stage: PolicyRecipe, *, widen: bool = True) -> Any:
    """The model with what a stage freezes frozen, and with its adapters.

    Args:
        model: a transformers model.
        stage: the stage's settings.
        widen: as for `with_adapters`.

    Raises:
        UsageError: the model has no such part, or nothing would be left to train.
    """
    freeze(model, stage.freeze)
    return with_adapters(
        model, stage.lora_rank, alpha=stage.lora_alpha, targets=stage.lora_targets, widen=widen
    )


def write_model(
    model: Any,
    source: Path,
    folder: Path,
    weights: Mapping[str, torch.Tensor] | None = None,
    *,
    asked: Mapping[str, Any] | None = None,
) -> None:
    """Write a model into a folder that exists: weights, their hashes, configuration, `source`'s processor.

    Of a model with adapters these are the adapters, which name the folder that it came from.

    Args:
        model: what is written.
        source: the folder that it came from.
        folder: where to.
        weights: gathered from several processes; None: the model's own.
        asked: how it was asked (`harness.models.asking`), for an evaluation to ask it so; None: variously.
    """
    for name in PROCESSOR_FILES:
        if (source / name).exists():
            shutil.copy2(source / name, folder / name)
    model.save_pretrained(folder, state_dict=None if weights is None else dict(weights))
    write_sums(folder, sorted(path.name for path in folder.glob("*.safetensors")))
    if asked is not None:
        write_asking(folder, asked)


def save_model(
    model: Any,
    source: Path,
    folder: Path,
    dtype: torch.dtype | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model folder that can be evaluated: weights, configuration, and the processor files of `source`.

    Args:
        model: a transformers model.
        source: the folder that it came from.
        folder: where to; replaced as a whole, by rename, where it is not `source`: it is whole whenever it is
            there.
        dtype: of the weights as stored; None keeps theirs.
        asked: as for `write_model`.
    """
    if folder == source:
        model.save_pretrained(folder)
        (folder / SUMS).unlink(missing_ok=True)
        return folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    own = model.dtype
    if dtype is not None:
        model.to(dtype)
    write_model(model, source, partial, asked=asked)
    if dtype is not None:
        model.to(own)
    place(partial, folder)
    return folder


def place(partial: Path, folder: Path) -> None:
    """Give a folder that has been written beside its name; one that had the name before is gone.

    Also after a power failure a folder of that name is whole.
    """
    sync_all(partial)
    replaced = folder.with_name(folder.name + ".replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    partial.rename(folder)
    sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
