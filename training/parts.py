"""The parts of a vision-language model: what is frozen, and where adapters go."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Literal

from harness.errors import UsageError

Part = Literal["language", "vision", "projector"]
LANGUAGE: tuple[Part, ...] = ("language",)
_PROJECTOR = re.compile(
    r"(?:^|\.)(?:merger|deepstack_merger_list|multi_modal_projector|mm_projector|connector|aligner"
    r"|language_projection|modality_projection|image_projection|embed_vision)(?:\.|$)"
)
"""What turns features of images into inputs of the language model, as families name it."""


def parts_of(model: Any) -> Callable[[str], Part]:
    """Says to which part of a transformers model a parameter or module belongs, by its name.

    Args:
        model: a vision-language model without adapters.
    """
    language = (model.get_decoder(), model.get_output_embeddings())
    prefixes = tuple(f"{name}." for name, module in model.named_modules() if name and module in language)

    def part(name: str) -> Part:
        if _PROJECTOR.search(name):
            return "projector"
        return "language" if f"{name}.".startswith(prefixes) else "vision"

    return part


def freeze(model: Any, parts: Collection[Part]) -> None:
    """Leave parts of a model as they are.

    Raises:
        UsageError: the model has no such part, or nothing would be left to train.
    """
    part = parts_of(model)
    found = {name: part(name) for name, _ in model.named_parameters()}
    for wanted in parts:
        if wanted not in found.values():
            raise UsageError(f"freeze: {type(model).__name__} has no part that is known as its {wanted}")
    if set(found.values()) <= set(parts):
        raise UsageError(f"freeze: nothing is left to train beside {', '.join(sorted(parts))}")
    for name, parameter in model.named_parameters():
        if found[name] in parts:
            parameter.requires_grad_(False)


def linear_layers(model: Any, parts: Collection[Part]) -> list[str]:
    """The linear layers of some parts, without the output layer, by name.

    Raises:
        UsageError: there are none.
    """
    from torch import nn

    part, head = parts_of(model), model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head and part(name) in parts
    ]
    if not names:
        raise UsageError(
            f"lora_targets: {type(model).__name__} has no linear layers in its {', '.join(sorted(parts))}"
        )
    return names
