"""Options as rows hold them: lists, or lists written as text; answers as letters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import takewhile
from types import NoneType
from typing import Any

from scorers.read.option import LETTERS
from tasks.types import Row, RowError

_LONGEST = 100_000
"""Characters of a list written as text that are parsed."""


def as_list(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts, given as such or as its Python text ("['a', 'b']"); any other text is a list of one.

    Args:
        value: what the row holds in a column.
        name: the column, for the error.

    Raises:
        RowError: it is neither.
    """
    if isinstance(value, str):
        text = value.strip()
        if text[:1] + text[-1:] != "[]" or len(text) > _LONGEST:
            return (value,)
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise RowError(f"column {name!r} is no list: {text[:60]!r}") from None
    if isinstance(value, (str, bytes)) or not isinstance(value, (list, tuple, Sequence)):
        value = list(value) if hasattr(value, "tolist") else [value]
    if len(value) == 1 and isinstance(value[0], list | tuple):  # as some items of MMMU-Pro have it
        value = value[0]
    if any(isinstance(item, (list, tuple, dict, NoneType)) for item in value):
        raise RowError(f"column {name!r} is no list of texts: {str(value)[:60]}")
    return tuple(map(str, value))


def letter_index(answer: Any, options: Sequence[str]) -> int:
    """The index of the option that a letter names.

    Raises:
        RowError: it is no letter, or no option has it.
    """
    letter = str(answer).strip().upper()
    if len(letter) != 1 or letter not in LETTERS[: len(options)]:
        raise RowError(f"answer {answer!r} is no letter of {len(options)} options")
    return LETTERS.index(letter)


def lettered(row: Row, letters: str = LETTERS[:9]) -> tuple[str, ...]:
    """The options in the columns A, B, C …: up to the last that holds a text or that the answer names.

    An option before that one which is null or "nan" is the text "None": a table reader has made it so. Empty
    where no column holds a text.
    """
    columns = list(takewhile(row.__contains__, letters))
    texts = [absent(row[letter]) for letter in columns]
    if all(text is None for text in texts):
        return ()
    answer = str(row.get("answer") or "").strip().upper()
    last = max(place for place, text in enumerate(texts) if text is not None or columns[place] == answer)
    return tuple(text if text is not None else "None" for text in texts[: last + 1])


def absent(value: Any) -> str | None:
    """A cell's text; None where it is null, "nan" or blank, as tables leave cells out ("None" is a text)."""
    if value is None or value != value:  # noqa: PLR0124 - a float NaN differs from itself
        return None
    text = str(value).strip()
    return None if text.lower() in ("", "nan") else text


def option_index(answer: Any, options: Sequence[str]) -> int:
    """The index of the right option, given as a whole number from 0 or its text.

    Raises:
        RowError: it is neither, or no option has it.
    """
    text = str(answer).strip()
    if isinstance(answer, bool) or not text.isdecimal() or len(text) > 3 or int(text) >= len(options):
        raise RowError(f"answer {answer!r} is no index of {len(options)} options")
    return int(text)
