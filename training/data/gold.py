"""What a model should have answered: the text that supervised training teaches for a sample.

The answer is the target's own (`Target.gold`), places in the convention of the model that is trained. Choices
say the option's text in a thought first and its letter after, so that what is seen and where it stands in the
list are two steps.
"""

from __future__ import annotations

import re
from string import ascii_uppercase as letters

from scorers.types import Coords, ScorerError
from tasks.types import Sample, Style

_BARE = re.compile(r"[A-Za-z]|<image \d+>|")
"""Option texts that say no more than the letter."""


def answer_text(sample: Sample, coords: Coords | None, style: Style = "direct") -> str | None:
    """The response to teach; None where the target holds no answer that can be written.

    Args:
        sample: as the task made it.
        coords: the model's convention, for places.
        style: `think` puts the answer in `<answer>`, after thinking that names the chosen option.

    Raises:
        ValueError: a place is asked for and no convention is declared.
    """
    found = _answer(sample, coords)
    if found is None:
        return None
    answer, thought = found
    if style == "think":
        return _thinking(thought or " Look.", answer)
    return f"<think>{thought}</think>{answer}" if thought else answer


def guess_text(sample: Sample, other: Sample, coords: Coords | None) -> str | None:
    """A careless response: the answer to another sample of the task, after thinking that says so.

    Demonstrations of mixed quality make a weak start for policy training: a model that knows better than it
    mostly does.

    Args:
        sample: what is asked.
        other: the sample whose answer is given.
        coords: as for `answer_text`.

    Returns:
        None where that answer would not be of the kind asked for: a place, a letter, a text.
    """
    found = _answer(other, coords)
    return _thinking(" Guess.", found[0]) if found is not None and _kind(sample) == _kind(other) else None


def _kind(sample: Sample) -> tuple[frozenset[str], int]:
    """What answers look like: the kind of place, and one of how many options."""
    return frozenset(name for shape in sample.target.shapes() for name in shape), len(sample.choices)


def _thinking(thought: str, answer: str) -> str:
    return f"<think>{thought}</think><answer>{answer}</answer>"


def _answer(sample: Sample, coords: Coords | None) -> tuple[str, str] | None:
    """The right answer and the thought that names a chosen option, empty where there is nothing to name."""
    if coords is None and sample.target.shapes():
        raise ValueError(f"{sample.id}: its answer is a place, and the model's coordinates are not declared")
    try:
        answer = sample.target.gold(coords)
    except (ScorerError, NotImplementedError):
        return None
    if answer is None:
        return None
    index = letters.find(answer) if len(answer) == 1 else -1
    text = sample.choices[index] if 0 <= index < len(sample.choices) else ""
    return answer, "" if _BARE.fullmatch(text) else f" {text} {answer}"
