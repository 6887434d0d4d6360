"""MMStar's own rule, as in `eval/vlmeval/evaluate/mmstar.py` of the MMStar repository, quirks included."""

from __future__ import annotations

_PREFIXES = ("", "(", "option ", "the answer is ")


def official_mmstar(text: str, letter: str) -> bool:
    """Whether a response, lower-cased, begins with the letter after one of four beginnings.

    What follows the letter does not matter: "because…" is right where the answer is B. The four are tried
    one after the other, so a response may count by any of them.
    """
    said = text.lower().strip().replace("\n", " ")
    wanted = letter.lower().strip()
    return len(wanted) == 1 and any(said.startswith(prefix + wanted) for prefix in _PREFIXES)
