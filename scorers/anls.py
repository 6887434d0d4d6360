"""ANLS for DocVQA and InfographicVQA: the official figure, and ours, which also reads a sentence's answer."""

from __future__ import annotations

from dataclasses import dataclass

from scorers.final_answer import final_answer
from scorers.official.anls import anls
from scorers.phrase import phrases
from scorers.text import is_refusal, spoken
from scorers.types import Answer, Score, ScorerError, Status, unparsed


@dataclass(frozen=True, slots=True)
class DocTarget:
    """What a document question is judged by."""

    answers: tuple[str, ...]
    """The gold answers; empty in test splits, which only the challenge's server can score."""
    question: str = ""
    """What was asked, so that a sentence repeating it can be read."""


def best_phrase(text: str, target: DocTarget) -> tuple[float, str]:
    """The highest ANLS over the readings of a final answer, and the reading that has it.

    The readings are `scorers.phrase.phrases`: none depends on the gold answers. The whole text counts too where
    it announces nothing, or is right to the letter.
    """
    if anls(text, target.answers) == 1.0:
        return 1.0, text
    best, chosen = 0.0, text
    for reading in phrases(text, target.question):
        similarity = anls(reading, target.answers)
        if similarity > best:
            best, chosen = similarity, reading
    return best, chosen


def anls_score(answer: Answer, target: DocTarget) -> Score:
    """Judge a short answer by its similarity to the gold answers.

    `official` is the Robust Reading Challenge's ANLS (`scorers.official.anls`). `value` is the same ANLS of the
    final answer or of the phrase within it that answers, whichever is higher.

    An empty response is unparsed, unless a gold answer is empty too; so is a refusal that matches nothing.

    Raises:
        ScorerError: the target has no answers.
    """
    if not target.answers:
        raise ScorerError("no gold answers: this is a test split, write its submission file instead")
    text = final_answer(answer.text)
    official = anls(answer.text if answer.raw else text, target.answers)
    value, chosen = best_phrase(text, target)
    if value == 0.0:
        if not text:
            for rest in spoken(answer):
                value, chosen = best_phrase(rest, target)
        if not chosen or (value == 0.0 and is_refusal(chosen)):
            return unparsed(official)
    return Score(value, official, Status.OK, chosen)
