"""The chat template that `vllm serve` uses, rendered in this process: the server does not say what it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, UsageError, first_line
from harness.models.chat import Chat
from harness.models.hf_files import checkpoint_folder
from harness.models.vllm_arguments import flags
from scorers.read.normalise import Delimiters

_TEMPLATE, _VARIABLES = "chat-template", "default-chat-template-kwargs"
_PARSER = "reasoning-parser"
_ELSEWHERE = ("config", "tokenizer", "tokenizer-mode")
"""Arguments by which vLLM may take another template than the checkpoint's."""


def parses_reasoning(arguments: Sequence[str]) -> bool:
    """Whether the server takes thinking apart from the response."""
    return _PARSER in flags(arguments)


def served_chat(
    model: str, revision: str | None, arguments: Sequence[str], delimiters: Delimiters
) -> tuple[Chat | None, str]:
    """What the server renders prompts with; None, and why, where that cannot be known here.

    Args:
        model: a folder, or a repository of the hub, whose small files are then fetched.
        revision: of the repository.
        arguments: of `vllm serve`.
        delimiters: by which thinking is known.
    """
    given = flags(arguments)
    other = [name for name in given if name in _ELSEWHERE or name.startswith(f"{_VARIABLES}.")]
    if other:
        return None, f"--{other[0]} may change it"
    try:
        folder, _ = checkpoint_folder(model, revision, weights=False)
        chat = _chat(folder, given, delimiters)
        chat.opening()
    except ImportError as error:
        return None, f'{error.name} is not installed: pip install "vlm-harness[hf]"'
    except FAULTS as error:
        return None, first_line(error)
    return chat, ""


def _chat(folder: Path, given: Mapping[str, str], delimiters: Delimiters) -> Chat:
    from transformers import AutoTokenizer

    from harness.models.processors import chat_template

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # nosec B615 # a folder
    template = _given_template(given[_TEMPLATE]) if _TEMPLATE in given else chat_template(folder, tokenizer)
    if template is None:
        raise UsageError(f"{folder.name} has no chat template")
    variables: Any = json.loads(given.get(_VARIABLES, "{}"))
    return Chat(tokenizer, tokenizer, delimiters, {**variables, "chat_template": template})


def _given_template(text: str) -> str:
    """A template as vLLM takes it: a file, or the template itself."""
    path = Path(text)
    return text if any(sign in text for sign in "{}\n") else path.read_text(encoding="utf-8")
