"""Prose without markup, its sentences, and what it boxes."""

from __future__ import annotations

import re

HEAD, TAIL = 8_000, 24_000
"""Characters of a longer response that are read: answers stand at its beginning or its end."""

_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit|operatorname|mbox)\s?\{([^{}]{0,200})\}")
_LATEX_SPACE = re.compile(r"\\[,;:!]|\\q?quad\b|\\ |~")
_DELIMITERS = re.compile(r"\\[()\[\]]|\$\$")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,11} ?/?>")
_FENCE = re.compile(r"```[A-Za-z]{0,12}")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK = re.compile(r" ?\n[ \n]*")


_LABEL = re.compile(r"(?m)^(?:[-*(] ?)?(?:step )?(\d{1,2})[.):] (?=\S)", re.IGNORECASE)


def _unlabelled(text: str) -> str:
    """A text without the numbers of its enumerated lines, where there are two or more."""
    return _LABEL.sub("", text) if len({match[1] for match in _LABEL.finditer(text)}) > 1 else text


def tidy(text: str) -> str:
    """A response without markup: emphasis, code fences, LaTeX wrappers and repeated blanks removed."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    if "\\" in text:
        text = _TEXT_COMMAND.sub(r" \1", text)
        text = _LATEX_SPACE.sub(" ", text)
        text = _DELIMITERS.sub(" ", text).replace("\\approx", "≈").replace("\\%", "%")
        text = text.replace("\\left", "").replace("\\right", "")
    if "<" in text:
        text = _TAG.sub("", text)
    text = _FENCE.sub("\n", text).replace("**", "").replace("__", "").replace("`", "").replace("’", "'")
    return _unlabelled(_BLANK.sub("\n", _SPACES.sub(" ", text)).strip())


_ABBREVIATED = "".join(
    rf"(?<!\b{word}\.)"
    for word in ("approx", "Fig", "fig", "vs", "No", "Eq", "Dr", "Mr", "St", r"i\.e", r"e\.g")
)
_SENTENCE = re.compile(rf"\n|(?<=[.!?])(?<!\.\.\.){_ABBREVIATED} +(?=[^a-z])|(?<=[。！？])")


def sentences(text: str) -> list[str]:
    """The sentences of a tidied text; a line break ends one, an abbreviation does not."""
    return [part for part in (piece.strip() for piece in _SENTENCE.split(text)) if part]


_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{")


def boxed(text: str, limit: int = 1_000) -> str | None:
    r"""The content of the last closed `\boxed{…}`, braces balanced; None where there is none.

    Args:
        text: a response.
        limit: characters within which it must close.
    """
    for match in list(_BOXED.finditer(text))[-1:]:
        depth = 1
        for place in range(match.end(), min(len(text), match.end() + limit)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if depth == 0:
                return text[match.end() : place].strip()
    return None
