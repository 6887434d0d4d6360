"""Processors without a video half: Qwen3-VL's own wants torchvision, which images alone do not need.

`load_processor` takes the image-only one for Qwen3-VL where torchvision is absent, `AutoProcessor` elsewhere.
The files on disk stay in the hub's form, so that other engines read the same folder.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def image_only_class() -> type[Any]:
    """Qwen3-VL's processor with an image processor and a tokenizer, and no video processor."""
    from transformers import Qwen3VLProcessor

    class ImageOnlyQwen3VLProcessor(Qwen3VLProcessor):  # type: ignore[misc]
        """`Qwen3VLProcessor` for text and images."""

        def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str | None = None) -> None:
            super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

        @classmethod
        def get_attributes(cls) -> list[str]:
            return ["image_processor", "tokenizer"]

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            """As inherited; the absent video processor is no argument."""
            if argument_name == "video_processor":
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    return ImageOnlyQwen3VLProcessor


def load_processor(folder: Path, model_type: str, *, trust_remote_code: bool = False) -> Any:
    """The processor of a checkpoint folder.

    Args:
        folder: holds `preprocessor_config.json`, the tokenizer and the chat template.
        model_type: of the checkpoint's configuration.
        trust_remote_code: run the code that the checkpoint brings.
    """
    if model_type in ("qwen3_vl", "qwen3_vl_moe") and find_spec("torchvision") is None:
        return load_image_only(folder)
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder, trust_remote_code=trust_remote_code)


def load_image_only(folder: Path) -> Any:
    """The image-only processor of a Qwen3-VL checkpoint folder."""
    from transformers import AutoTokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    images = Qwen2VLImageProcessorPil.from_pretrained(folder, trust_remote_code=False)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return image_only_class()(images, tokenizer, chat_template=chat_template(folder, tokenizer))


def chat_template(folder: Path, tokenizer: Any) -> str | None:
    """The chat template of a checkpoint folder, wherever it lies there."""
    for name in ("chat_template.jinja", "chat_template.json"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            if name.endswith(".jinja"):
                return text
            import json

            return str(json.loads(text)["chat_template"])
    template = tokenizer.chat_template
    return template if isinstance(template, str) else None
