"""How each model family writes coordinates: declared once a family, never guessed from an answer or a path."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.errors import UsageError
from scorers.types import Coords

FAMILIES: dict[str, Coords] = {
    # Model cards and cookbooks of QwenLM/Qwen2-VL, Qwen2.5-VL, Qwen3-VL: github.com/QwenLM/Qwen3-VL, cookbooks.
    "qwen2_vl": "norm1000",
    "qwen2_5_vl": "abs",
    "qwen3_vl": "norm1000",
    "qwen3_vl_moe": "norm1000",
    "qwen3_5": "norm1000",
    "qwen3_5_moe": "norm1000",
    "qwen3_omni_moe": "norm1000",
    # Integers from 0 to 1000: internvl.readthedocs.io; under its authors' model_type and transformers' own.
    "internvl_chat": "norm1000",
    "internvl": "norm1000",
    # `<locDDDD>`, y first: github.com/google-research/big_vision, proj/paligemma/README.md.
    "paligemma": "loc1024",
    # `Florence2PostProcessor` (transformers): 1000 bins, each of which stands for its middle, `bin + 0.5`.
    "florence2": "loc1000",
    # "Normalized to between 0 and 100", its authors: huggingface.co/allenai/Molmo-7B-O-0924/discussions/1.
    # Not Molmo 2 (`points coords="…"`) nor MolmoAct and MolmoPoint, which write otherwise.
    "molmo": "norm100",
    # x = round(x_pixel / W * 1000): github.com/zai-org/GLM-V, skills/glmv-grounding.
    "glm4v": "norm1000",
    "glm4v_moe": "norm1000",
    "glm46v": "norm1000",
    # "Normalized to the range [0, 999]", its authors: huggingface.co/AskUI/PTA-1/discussions/2. Read as
    # thousandths, a place is off by a thousandth of its distance from the origin at most.
    "deepseek_vl_v2": "norm1000",
    # Fractions from 0.0 to 1.0: github.com/askui/python-sdk/pull/282.
    "kimi_vl": "norm1",
    "kimi_k25": "norm1",
}
"""The `model_type` of a checkpoint's `config.json` → how the family writes coordinates."""

_NAMES: tuple[tuple[str, Coords], ...] = (
    (r"qwen2[._-]?5[._-]?vl", "abs"),
    (r"qwen[2-9]?[._-]?vl|qwen3", "norm1000"),
    (r"intern[._-]?vl", "norm1000"),
    (r"gemini", "yx1000"),  # ai.google.dev/gemini-api/docs/image-understanding
    (r"paligemma", "loc1024"),
    (r"florence[._-]?2", "loc1000"),
    (r"molmoe?(?![a-z2-9]|[._-]2)", "norm100"),
    (r"glm[._-]?4(?:[._]\d)?v", "norm1000"),
    (r"deepseek[._-]?vl[._-]?2", "norm1000"),
    (r"kimi[._-]?vl", "norm1"),
)
"""A pattern found in the name by which a server knows a model → its convention. The first match counts."""


def family_coords(model: str, revision: str | None = None) -> Coords | None:
    """The coordinate convention of a checkpoint's family, by the `model_type` of its configuration.

    Args:
        model: a folder, or a repository of the hub, whose `config.json` is then fetched. Where that cannot be
            had, the repository's name counts; a folder's never does.
        revision: of the repository.

    Returns:
        None where the family is not known: then the user declares it.
    """
    folder = Path(model).expanduser()
    if folder.exists():
        path: Path | None = folder / "config.json"
    elif re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", model):
        path = _fetched(model, revision)
        if path is None:
            return named_coords(model)
    else:
        return None
    if path is None or not path.is_file():
        return None
    try:
        config = json.loads(path.read_bytes())
    except ValueError:
        raise UsageError(f"{path}: not JSON") from None
    return FAMILIES.get(str(config.get("model_type"))) if isinstance(config, dict) else None


def named_coords(name: str) -> Coords | None:
    """The coordinate convention of the family that a served model's name names; None where that is a path."""
    if name.startswith(("/", ".", "~")) or name.count("/") > 1 or Path(name).exists():
        return None
    return next((coords for pattern, coords in _NAMES if re.search(pattern, name.lower())), None)


def _fetched(name: str, revision: str | None) -> Path | None:
    """`config.json` of a hub repository, from the cache where the hub cannot be reached; None without."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(hf_hub_download(name, "config.json", revision=revision))
    except (HfHubHTTPError, OSError, ValueError):
        return None
