"""Thinking that the end of a prompt opened.

A chat template may write `<think>` itself; what follows is a thought. Backends that know the rendered prompt
put its end back in front of the response (`Chat.whole`), which is judged and journalled so.
"""

from __future__ import annotations

from dataclasses import replace

from scorers.read.normalise import STANDARD, Delimiters, read_tags
from tasks.types import Response


def with_opening(response: Response, opened: str, delimiters: Delimiters = STANDARD) -> Response:
    """A response with the thinking that its prompt opened; as it is where there is none, or where it begins so.

    Args:
        response: what the model said.
        opened: the end of its prompt, as `opened_thinking` gives it.
        delimiters: by which thinking is known.
    """
    if not opened or response.error is not None or begins_thinking(response.text, delimiters):
        return response
    return replace(response, text=opened + response.text)


def closes_thinking(prompt: str, delimiters: Delimiters = STANDARD) -> bool:
    """Whether the end of a rendered prompt has thought already: a thinking block, and nothing after it."""
    tail = prompt[-400:]
    tags = [tag for tag in read_tags(tail, delimiters) if tag.kind == "thinking"]
    return bool(tags) and tags[-1].closes and not tail[tags[-1].end :].strip()


def begins_thinking(text: str, delimiters: Delimiters = STANDARD) -> bool:
    """Whether the first that a text says is that it thinks."""
    tags = read_tags(text, delimiters)
    return bool(tags) and tags[0][:2] == ("thinking", False) and not text[: tags[0].start].strip()
