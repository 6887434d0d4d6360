"""ANLS for DocVQA and InfographicVQA: the official figure, and ours, which also reads a sentence's answer."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

from scorers.official.anls import anls
from scorers.read.locate import Channel, read_phrases
from scorers.types import Answer, Coords, Score, Status, Target, verdict


@dataclass(frozen=True, slots=True)
class DocTarget(Target):
    """What a document question is judged by."""

    answers: tuple[str, ...]
    """The gold answers; empty in test splits, which only the challenge's server can score."""
    question: str = ""
    """What was asked, so that a sentence repeating it can be read."""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002
        """The first gold answer; None in a test split."""
        return self.answers[0] if self.answers else None


def document(answer: Answer, target: DocTarget) -> Score:
    """Judge a short answer by its similarity to the gold answers.

    `official` is the Robust Reading Challenge's ANLS (`scorers.official.anls`). `value` is the same ANLS of the
    best reading of the phrase that answers (`scorers.read.text.phrases`: none depends on the gold answers), or
    1 where the final answer is a gold one to the letter.

    An empty response is unparsed, unless a gold answer is empty too; so is a refusal.
    """
    response = answer.response
    final, exact = response.final, anls(response.final, target.answers)
    official = anls(answer.text, target.answers) if answer.raw else exact
    if exact == 1.0 and not response.open:
        return Score(1.0, official, Status.OK, final, Channel.WHOLE)
    found = read_phrases(response, target.question)
    value, best = 0.0, ""
    if found is not None:
        value, best = max(((anls(text, target.answers), text) for text in found.value), key=itemgetter(0))
    return verdict(found, lambda _: value, official, lambda _: best)
