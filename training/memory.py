"""How much memory a stage will take, worked out without its weights: from the model's configuration alone.

The model is made of tensors without content, and a micro-batch is run through its language model in them: what
the backward pass would keep is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, named
from harness.words import counted
from training.local.policy import CHUNK
from training.parts import freeze, linear_layers
from training.policy_recipe import PolicyRecipe
from training.recipe import Recipe

COPIES_OF_LOGITS = 4
"""Logits, log-probabilities, their exponentials and a gradient are there at once, in float32."""
PROMPT_TOKENS = 512
"""Of the prompt of an estimate, its images included."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one process that trains whole weights, or adapters on them."""

    weights: int
    """The weights as they are computed with."""
    training: int
    """Gradients, float32 copies and AdamW's moments of what is trained."""
    micro_batch: int
    """What a forward and backward pass keeps at most beside them."""


def micro_batch_bytes(model: Any, rows: int, prompt: int, response: int, *, checkpointing: bool = False) -> int:
    """What a forward and backward pass of the language model keeps at most, beside weights and gradients.

    The tensors that the backward pass reads, and the largest of them once more, for what is made of it on the
    way, or the logits of a chunk where they are larger. The image encoder is not counted.

    Args:
        model: a transformers model of tensors without content, made in a `FakeTensorMode` that is active.
        rows: responses of the micro-batch.
        prompt: tokens of each prompt.
        response: tokens of each response.
        checkpointing: keep what goes into each layer alone, and one layer whole while its part is done.
    """
    import torch

    def kept() -> list[int]:
        storages: dict[int, Any] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            if not isinstance(tensor, torch.nn.Parameter):
                storage = tensor.untyped_storage()
                storages[storage._cdata] = storage  # held, so that no other gets its number
            return tensor

        ids = torch.zeros(rows, prompt + response, dtype=torch.long)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model.get_decoder()(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
        return [int(storage.nbytes()) for storage in storages.values()]

    text = model.config.get_text_config()
    layers, vocabulary = int(text.num_hidden_layers), int(text.vocab_size)
    logits = min(CHUNK, rows * response) * vocabulary * 4
    whole = kept()
    passing = max(*whole, COPIES_OF_LOGITS * logits)
    if not checkpointing:
        return sum(whole) + passing
    model.gradient_checkpointing_enable({"use_reentrant": False})
    inputs = kept()
    model.gradient_checkpointing_disable()
    return sum(inputs) + sum(whole) // layers + passing


def memory(source: Path, recipe: Recipe, stage: PolicyRecipe) -> Memory:
    """The memory of a stage under the local engine.

    Args:
        source: the folder of the model's configuration.
        recipe: the whole recipe.
        stage: the stage's settings.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from transformers import AutoConfig, AutoModelForImageTextToText

    dtype = torch.bfloat16 if recipe.dtype == "bfloat16" else torch.float32
    with FakeTensorMode():
        config = AutoConfig.from_pretrained(source, local_files_only=True)  # nosec B615 # a folder
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype).train()
        size = micro_batch_bytes(
            model,
            stage.micro_batch,
            PROMPT_TOKENS,
            stage.max_new_tokens,
            checkpointing=stage.gradient_checkpointing,
        )
        weights = sum(each.numel() * each.itemsize for each in model.parameters())
        trained = _trained(model, stage)
    # Gradients and two moments; of bfloat16 weights also float32 copies and the gradients gathered in float32.
    each = 2 + 4 + 4 + 8 if dtype == torch.bfloat16 else 4 + 8
    return Memory(weights, each * trained, size)


def _trained(model: Any, stage: PolicyRecipe) -> int:
    """How many numbers a stage trains."""
    freeze(model, stage.freeze)
    if not stage.lora_rank:
        return sum(each.numel() for each in model.parameters() if each.requires_grad)
    layers = (model.get_submodule(name) for name in linear_layers(model, stage.lora_targets))
    return sum(stage.lora_rank * (layer.in_features + layer.out_features) for layer in layers)


def estimate(source: Path, recipe: Recipe, stage: PolicyRecipe, rows: int) -> Iterator[str]:
    """What a stage will take, for people.

    Args:
        source: the folder of the model's configuration; one that is not there is said.
        recipe: the whole recipe.
        stage: the stage's settings.
        rows: of the data; what `epochs` counts.
    """
    steps = stage.most_steps(rows)
    tokens = steps * stage.rollout_prompts * stage.responses * stage.max_new_tokens
    yield f"At most {tokens:,} tokens are sampled and kept, in {counted(steps, 'step')}."
    if not (source / "config.json").is_file():
        yield "Memory: the model's configuration is not in a folder here, so nothing is worked out."
        return
    try:
        found = memory(source, recipe, stage)
    except FAULTS as error:  # families whose language model cannot run without content
        yield f"Memory: cannot be worked out for this model ({named(error)})."
        return
    yield (
        f"Memory under the local engine: weights {_size(found.weights)}, gradients and optimizer "
        f"{_size(found.training)}, a micro-batch of {stage.micro_batch} responses of {stage.max_new_tokens:,} "
        f"tokens behind prompts of {PROMPT_TOKENS} {_size(found.micro_batch)}; the image encoder and sampling "
        "come on top."
    )


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"
