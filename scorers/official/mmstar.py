"""MMStar's own rule, as in `eval/vlmeval/evaluate/mmstar.py` of the MMStar repository, quirks included."""

from __future__ import annotations

from scorers.choice import LETTERS, ChoiceTarget, choice
from scorers.types import Answer, Score

_PREFIXES = ("", "(", "option ", "the answer is ")


def official_mmstar(text: str, letter: str) -> bool:
    """Whether a response, lower-cased, begins with the letter after one of four beginnings.

    What follows the letter does not matter: "because…" is right where the answer is B. The four are tried
    one after the other, so a response may count by any of them.
    """
    said = text.lower().strip().replace("\n", " ")
    wanted = letter.lower().strip()
    return len(wanted) == 1 and any(said.startswith(prefix + wanted) for prefix in _PREFIXES)


def mmstar(answer: Answer, target: ChoiceTarget) -> Score:
    """`value`: the chosen option. `official`: MMStar's script."""
    ours = choice(answer, target)
    official = float(official_mmstar(answer.official_text, LETTERS[target.answer]))
    return Score(ours.value, official, ours.status, ours.extracted)
