"""Checkpoints of a training run: written beside, then renamed, so that one that exists is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from harness.errors import UsageError
from training.optimizers import Optimizers

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


def save_model(model: Any, source: Path, folder: Path, dtype: torch.dtype | None = None) -> Path:
    """Write a model folder that can be evaluated: weights, configuration, and the processor files of `source`.

    Args:
        model: a transformers model.
        source: the folder that it came from.
        folder: where to; replaced as a whole, by rename, where it is not `source`.
        dtype: of the weights as stored; None keeps theirs.
    """
    if folder == source:
        model.save_pretrained(folder)
        return folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in PROCESSOR_FILES:
        if (source / name).exists():
            shutil.copy2(source / name, partial / name)
    own = model.dtype
    if dtype is not None:
        model.to(dtype)
    model.save_pretrained(partial)
    if dtype is not None:
        model.to(own)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder


class Saver:
    """Checkpoints of one stage: weights, optimizers, step. The last two are kept.

    Args:
        folder: where they go.
        settings: what the stage was told; a checkpoint of other settings is not taken up.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = dict(settings)

    def save(self, step: int, optimizers: Optimizers) -> Path:
        """Write a checkpoint after `step` steps."""
        final = self._folder / f"step-{step:07d}"
        partial = self._folder / f"{final.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        trained = {name: parameter.detach() for name, parameter in optimizers.named.items()}
        torch.save(trained, partial / "weights.pt")
        torch.save(optimizers.state_dict(), partial / "optimizers.pt")
        state = {"step": step, "settings": self._settings}
        (partial / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        for old in self._found()[:-2]:
            shutil.rmtree(old)
        return final

    def load(self, model: Any, optimizers: Optimizers) -> int:
        """Take up the latest checkpoint; returns its step, 0 where there is none.

        Raises:
            UsageError: it was written with other settings.
        """
        found = self._found()
        if not found:
            return 0
        latest = found[-1]
        state = json.loads((latest / "state.json").read_text(encoding="utf-8"))
        changed = [key for key, value in self._settings.items() if state["settings"].get(key) != value]
        if changed:
            raise UsageError(
                f"{latest} was trained with another {', '.join(changed)}: "
                f"give another out, or remove {self._folder}"
            )
        device = next(model.parameters()).device
        weights = torch.load(latest / "weights.pt", map_location=device, weights_only=True)
        model.load_state_dict(weights, strict=False)
        optimizers.load_state_dict(torch.load(latest / "optimizers.pt", map_location=device, weights_only=True))
        return int(state["step"])

    def _found(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("step-*") if not path.name.endswith(".partial"))
