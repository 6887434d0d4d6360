"""ROUGE-L for open-ended answers: the longest common subsequence of words (Lin, 2004).

Of the ROUGE family, ROUGE-L rewards the right words in the right order without asking for them in a row; its
F1 punishes an answer that is longer than needed as much as one that leaves something out. Words are those of
the `rouge-score` package: lower case, letters and digits, no stemming, no downloads.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from scorers.read.text import fold
from scorers.types import Answer, Coords, Score, Target
from training.problems.passage import judge_passage

LONGEST = 4_000
"""Words of a response that are compared."""


@dataclass(frozen=True, slots=True)
class OpenTarget(Target):
    """The reference answers, the nearest of which counts."""

    answers: tuple[str, ...]
    question: str = ""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002
        """The first reference; None where there is none."""
        return self.answers[0] if self.answers else None


def _tokens(text: str) -> list[str]:
    """Words as `rouge-score` cuts them, accents folded; single characters where a text has no Latin words."""
    from rouge_score.tokenize import tokenize

    plain = "".join(
        char for char in unicodedata.normalize("NFKD", fold(text)) if not unicodedata.combining(char)
    )
    found: list[str] = tokenize(plain, None)
    return (found or [char for char in plain if char.isalnum()])[:LONGEST]


def rouge_l(told: str, gold: str) -> float:
    """F1 of the longest common subsequence of words, 0 to 1; two texts without words are equal: 1."""
    from rapidfuzz.distance import LCSseq

    mine, theirs = _tokens(told), _tokens(gold)
    if not mine or not theirs:
        return float(mine == theirs)
    return 2.0 * LCSseq.similarity(mine, theirs) / (len(mine) + len(theirs))


def rouge_score(answer: Answer, target: OpenTarget) -> Score:
    """`value` is the ROUGE-L F1 of the final answer and the nearest reference. `official` is None.

    An empty response is unparsed; so is a refusal, unless it has more than half of a reference's words.
    """

    def nearest(text: str) -> float:
        return max((rouge_l(text, gold) for gold in target.answers), default=0.0)

    return judge_passage(answer, target.question, nearest)
