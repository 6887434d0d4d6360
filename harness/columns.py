"""Columns of numbers, sorted without a list of all: that would hold an object for each."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from heapq import merge
from typing import Any

PORTION = 4096
"""Numbers that are sorted at once."""


def sorted_column(column: array[Any], key: Callable[[Any], Any] | None = None) -> array[Any]:
    """A column as `sorted` orders it: in portions, which are merged."""
    portions = (column[start : start + PORTION] for start in range(0, len(column), PORTION))
    parts = [array(column.typecode, sorted(portion, key=key)) for portion in portions]
    return array(column.typecode, merge(*parts, key=key))
