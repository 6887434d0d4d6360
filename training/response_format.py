"""The format of a training response: a block of thinking, then a block with the answer, nothing else."""

from __future__ import annotations

from scorers.read.normalise import read_tags

_STRICT = ["<think>", "</think>", "<answer>", "</answer>"]


def response_format(text: str, *, strict: bool = True) -> float:
    """1 where a response has the format that training asks for, else 0.

    Strict: the whole response is `<think>…</think>`, then `<answer>…</answer>`, neither empty, with nothing but
    white space around and between. A second block of either, a bare answer or a nested tag fails.

    Lenient: there is exactly one closed answer block and it is not empty; thinking may be missing, have other
    tags or lack its opening one (the chat template wrote it), and text may stand around the blocks, but no
    thinking may follow the answer. Which tags there are says the table of `scorers.read`.

    Tags inside JSON strings are text, as they are for the final answer.
    """
    tags = read_tags(text)
    if strict:
        if [text[tag.start : tag.end].lower() for tag in tags] != _STRICT:
            return 0.0
        think, unthink, answer, close = tags
        outside = text[: think.start] + text[unthink.end : answer.start] + text[close.end :]
        inside = (text[think.end : unthink.start], text[answer.end : close.start])
        return float(not outside.strip() and all(part.strip() for part in inside))
    kinds = [(tag.kind, tag.closes) for tag in tags]
    if kinds.count(("answer", False)) != 1 or kinds[-2:] != [("answer", False), ("answer", True)]:
        return 0.0
    return float(bool(text[tags[-2].end : tags[-1].start].strip()))
