"""How each model family writes coordinates: declared once a family, never guessed from an answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.errors import UsageError
from scorers.types import Coords

FAMILIES: tuple[tuple[str, Coords], ...] = (
    (r"qwen2[._-]?5[._-]?vl", "abs"),
    (r"qwen[2-9]?[._-]?vl|qwen3", "norm1000"),
    (r"intern[._-]?vl", "norm1000"),
    (r"gemini", "yx1000"),
    (r"paligemma", "loc1024"),
    # `Florence2PostProcessor` (transformers): 1000 bins, each of which stands for its middle, `bin + 0.5`.
    (r"florence[._-]?2", "loc1000"),
    # "Normalized to between 0 and 100", its authors: huggingface.co/allenai/Molmo-7B-O-0924/discussions/1.
    # Not Molmo 2 nor MolmoAct, which write otherwise.
    (r"molmoe?(?![a-z2-9]|[._-]2)", "norm100"),
)
"""A pattern found in a model's type or name → how the family writes coordinates. The first match counts."""


def family_coords(path: str) -> Coords | None:
    """The coordinate convention of a model's family, by the `model_type` of its config or by its name.

    None where the family is not known: then the user declares it.
    """
    config = Path(path) / "config.json"
    names = [path.lower()]
    if config.is_file():
        try:
            names.insert(0, str(json.loads(config.read_bytes()).get("model_type", "")))
        except ValueError:
            raise UsageError(f"{config}: not JSON") from None
    for name in names:
        for pattern, coords in FAMILIES:
            if re.search(pattern, name):
                return coords
    return None
