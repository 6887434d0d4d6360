"""Several responses to one sample: pass@k, the majority's score, and how often two of them agree.

Everything here is about one sample; `aggregate` takes the means over samples, with intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

from scorers.read.number import parse_number
from scorers.read.text import normalize_text

RIGHT = 0.5
"""From this score on a graded response counts as right: in pass@k, comparisons and the sample viewer."""

Vote = tuple[str | None, float]
"""A response's ballot, None where nothing was parsed, and its score."""


def powers(epochs: int) -> Iterator[int]:
    """The k of pass@k: 1, 2, 4 … and the number of epochs itself."""
    k = 1
    while k < epochs:
        yield k
        k *= 2
    yield epochs


def pass_at(k: int, scores: Sequence[float]) -> float | None:
    """The probability that one of k responses is right, estimated without bias from n of them.

    1 − C(n − c, k) / C(n, k), c of them being right; None where there are fewer than k.
    Source: Chen et al. 2021, arXiv 2107.03374.
    """
    n = len(scores)
    if n < k:
        return None
    wrong = sum(score < RIGHT for score in scores)
    return 1 - comb(wrong, k) / comb(n, k)


def ballot(extracted: str | None) -> str | None:
    """What a response votes for: its parsed answer, numbers by value, other text in one spelling."""
    if extracted is None:
        return None
    number = parse_number(extracted)
    return normalize_text(extracted) if number is None else f"{number:.12g}"


def majority(votes: Sequence[Vote]) -> float:
    """The score of the answer that most responses give, of several such the mean: a tie broken at random.

    Responses without a parsed answer do not vote. Where none votes, the mean of their scores, which is 0.
    """
    answers: dict[str, list[float]] = {}
    for given, score in votes:
        if given is not None:
            answers.setdefault(given, []).append(score)
    if not answers:
        return _mean([score for _, score in votes])
    most = max(map(len, answers.values()))
    return _mean([_mean(scores) for scores in answers.values() if len(scores) == most])


def consistency(votes: Sequence[Vote]) -> float | None:
    """The share of pairs of responses that give the same answer; a response without one agrees with none.

    None where there are fewer than two.
    """
    if len(votes) < 2:
        return None
    answers = [given for given, _ in votes if given is not None]
    pairs = sum(comb(answers.count(given), 2) for given in set(answers))
    return pairs / comb(len(votes), 2)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
