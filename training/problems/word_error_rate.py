"""Word error rate: how far a transcript is from the text that was to be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scorers.read.text import fold
from scorers.types import Answer, Coords, Score, Target
from training.problems.passage import judge_passage

_UNSPACED = re.compile(r"([\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef])")
"""Scripts written without spaces: each character counts as a word."""


@dataclass(frozen=True, slots=True)
class TranscriptTarget(Target):
    """The text that is to be read."""

    answer: str
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str:  # noqa: ARG002
        """The text."""
        return self.answer


def _words(text: str) -> list[str]:
    return _UNSPACED.sub(r" \1 ", fold(text)).split()


def word_error_rate(told: str, gold: str) -> float:
    """Substitutions, deletions and insertions of words, over the number of gold words; may exceed 1.

    Case, width, quotes, dashes and white space do not matter. A Chinese, Japanese or Korean character is one
    word.
    Where the gold text is empty: 0 for an empty transcript, else the number of its words.
    """
    mine, theirs = _words(told), _words(gold)
    if not theirs or not mine:
        return float(len(mine)) if not theirs else 1.0
    if len(mine) > 2 * len(theirs):
        return (len(mine) - len(theirs)) / len(theirs)  # a lower bound above 1 is enough
    import jiwer

    return float(jiwer.wer([" ".join(theirs)], [" ".join(mine)]))


def transcript_score(answer: Answer, target: TranscriptTarget) -> Score:
    """`value` is 1 − WER, at least 0, of the final answer with or without markup around it. `official` is None.

    An empty response to a text that is not empty is unparsed; so is a refusal.
    """

    def right(text: str) -> float:
        return max(0.0, 1.0 - word_error_rate(text, target.answer))

    return judge_passage(answer, target.question, right)
