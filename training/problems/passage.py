"""Whole texts as answers: what of a response is compared with a transcript, a caption or a longer answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scorers.read.locate import Channel, read_phrases
from scorers.read.normalise import Clean
from scorers.read.text import refuses, sentences, unwrap
from scorers.types import Answer, Score, Status, unparsed


def passages(response: Clean, question: str = "") -> Iterator[tuple[str, str]]:
    """(text, channel) of what may be the answer: the final answer whole, with and without the markup around it.

    Of a final answer that is one sentence also its readings as a phrase (`scorers.read.text.phrases`): "The
    sign says go home" is "go home". None depends on the gold answer. Of several sentences no part is taken: the
    rest would be a free second guess.
    """
    if response.open:
        return
    whole = response.final or response.visible
    channel = Channel.TAG if any(block.strip() for block in response.blocks) else Channel.WHOLE
    yield whole, channel
    yield unwrap(whole), channel
    if len(sentences(whole)) == 1 and (found := read_phrases(response, question)) is not None:
        yield from ((reading, found.channel) for reading in found.value)


def judge_passage(answer: Answer, question: str, rule: Callable[[str], float]) -> Score:
    """The best value of the passages; `official` is None.

    An empty response is unparsed; so is one that begins with a refusal, unless it earns more than half.

    Args:
        answer: the response.
        question: what was asked.
        rule: text → 0 to 1.
    """
    best, text, channel = 0.0, "", None
    for said, where in passages(answer.response, question):
        value = rule(said)
        if channel is None or value > best:
            best, text, channel = value, said, where
    if channel is None or (not text and best == 0.0):
        return unparsed()
    if best <= 0.5 and any(map(refuses, sentences(text[:2000])[:1])):
        return unparsed()
    return Score(best, None, Status.OK, text, channel)
