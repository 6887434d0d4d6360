"""Reading a list of numbers from a response."""

from __future__ import annotations

import re

from scorers.number import parse_number
from scorers.prose import tidy
from scorers.statement import statements

_LIST = re.compile(r"[\[({]([^\[\](){}]{1,400})[\])}]")
_SEPARATOR = re.compile(r"\s*[,;]\s*(?:and\s)?|\s+and\s+|\s+")
_PAIR = re.compile(
    r"(?:\b(?:between|from|are|is)|:)\s(?P<first>[-\d.]{1,20})\s(?:and|to)\s(?P<second>[-\d.]{1,20})",
    re.IGNORECASE,
)


def _elements(inside: str) -> tuple[float, ...] | None:
    """The numbers of a text that is a list of two or more and nothing else."""
    parts = [part for part in _SEPARATOR.split(inside.strip(" .'\"")) if part]
    if not 2 <= len(parts) <= 100:
        return None
    values = [parse_number(part.strip("'\"")) for part in parts]
    return tuple(value for value in values if value is not None) if None not in values else None


def _bracketed(text: str) -> tuple[float, ...] | None:
    """The last bracketed list of a text."""
    found = (_elements(inside) for inside in reversed(_LIST.findall(text)))
    return next((elements for elements in found if elements is not None), None)


def _pair(text: str) -> tuple[float, ...] | None:
    """The last two numbers of "between 2014 and 2016", "are 2 and 5"."""
    pairs = list(_PAIR.finditer(text))
    return _elements(f"{pairs[-1]['first']}, {pairs[-1]['second'].rstrip('.')}") if pairs else None


def read_list(response: str, question: str = "") -> tuple[float, ...] | None:
    """The list of numbers that a response gives; None where it gives none.

    "[2014, 2016]" in brackets, bare after "the answer is", or "between 2014 and 2016".
    """
    places = list(statements(response, question))
    for statement in places:
        elements = _bracketed(statement.text) or _elements(statement.text) or _pair(statement.text)
        if elements is not None:
            return elements
    return _bracketed(tidy(response))
