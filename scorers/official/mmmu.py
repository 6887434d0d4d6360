"""MMMU's own rules, as in `eval/eval_utils.py` of the MMMU repository, quirks included.

The one change: where the script draws an option at random, there is no verdict but wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scorers.read.option import LETTERS

_STRIPPED = (",", ".", "!", "?", ";", ":", "'")
_CUES = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_TRIVIAL = frozenset(":,.!?;'")
_GROUPED = re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b")
_SCIENTIFIC = re.compile(r"-?(?<!\d)\d++(?:\.\d++)?[eE][+-]?\d++")
_PLAIN = re.compile(r"-?(?:(?<!\d)\d++\.\d++|\.\d++|(?<!\d)\d++\b)(?![eE][+-]?\d)(?![,\d])")


def official_choice(text: str, options: Sequence[str]) -> int | None:
    """The option that MMMU's script reads from a response; None where it would draw one at random.

    "(X)" anywhere, else " X " anywhere, else, in a response of more than five words, an option's text
    anywhere in any case. Of several, the one whose last place is last; of equal places the first option.
    """
    for character in _STRIPPED:
        text = text.strip(character)
    text = f" {text} "
    lowered = text.lower()
    letters = LETTERS[: len(options)]
    places = [text.rfind(f"({letter})") for letter in letters]
    if max(places, default=-1) < 0:
        places = [text.rfind(f" {letter} ") for letter in letters]
    if max(places, default=-1) < 0 and len(text.split()) > 5:
        places = [lowered.rfind(option.lower()) for option in options]
    last = max(places, default=-1)
    return places.index(last) if last >= 0 else None


def official_open(text: str, golds: Sequence[str]) -> bool:
    """MMMU's verdict on an open question: any reading of the response meets any gold.

    A number equals a gold of the same value at two decimals; a text contains a gold text.
    """
    wanted = [form for gold in golds for form in _normalized(gold)]
    numbers = {form for form in wanted if isinstance(form, float)}
    texts = [form for form in wanted if isinstance(form, str)]
    for reading in dict.fromkeys(official_readings(text)):
        for form in _normalized(reading):
            if form in numbers if isinstance(form, float) else any(gold in form for gold in texts):
                return True
    return False


def official_readings(text: str) -> list[str]:
    """What MMMU's script reads from a response to an open question: key phrases, then their numbers.

    The script also means to split at full stops before a capital, but lower-cases first, so only line
    breaks split.
    """
    text = text.strip().strip(".").lower()
    lines = text.split("\n")
    phrases = [_key_phrase(line, _CUES) for line in lines[:-1]]
    phrases.append(_key_phrase(lines[-1], (*_CUES, "=")))
    found = [phrase for phrase in phrases if phrase and phrase not in _TRIVIAL] or [text]
    return found + [number for phrase in found for number in official_numbers(phrase)]


def _key_phrase(line: str, cues: Sequence[str]) -> str:
    """The shortest of what follows each cue's last place; one that is empty gives way to the next cue's."""
    shortest = ""
    for cue in cues:
        if cue in line:
            tail = line.rpartition(cue)[2].strip()
            if not shortest or len(tail) < len(shortest):
                shortest = tail
    return shortest


def official_numbers(text: str) -> list[str]:
    """Numbers grouped by commas, in scientific notation, and plain, as the script's patterns find them.

    The patterns differ from the script's only in never looking twice at a digit, which finds the same.
    """
    return _GROUPED.findall(text) + _SCIENTIFIC.findall(text) + _PLAIN.findall(text)


def _normalized(text: str) -> list[float | str]:
    """A number at two decimals, else the lower-cased text; one character needs a space on either side."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        text = text.lower()
    return [f" {text}", f"{text} "] if len(text) == 1 else [text]
