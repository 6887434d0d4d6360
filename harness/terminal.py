"""Tables on a terminal: the columns that fit its width, and colour only where somebody watches."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import combining, east_asian_width

GAP = "  "
NARROWEST = 40
SHORTEST = 12
"""What the first column keeps where the others take the rest."""
STYLES = {"": "", "bold": "1", "soft": "2", "bad": "1;31", "good": "32", "warn": "33"}
"""What a cell may be → the terminal's code for it."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What text is written for."""

    width: int = 80
    colour: bool = False


def screen() -> Screen:
    """The screen behind standard output; 80 columns where nothing says how many.

    `COLUMNS` sets the width. Colour is for terminals; `NO_COLOR` turns it off.
    """
    watched = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns
    return Screen(max(NARROWEST, width), watched and not os.environ.get("NO_COLOR"))


class Cell(NamedTuple):
    """A cell of a table: its text, and a key of `STYLES`."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    rank: int = 0
    """0: always shown. Of the others the highest is left out first where the screen is narrow."""
    left: bool = False
    """Aligned at the left: text. The first column always is, and gives way where the screen is narrow."""


Row = Sequence[Cell | str] | None
"""A cell for each column; None: a line across."""


def table(columns: Sequence[Column], rows: Sequence[Row], where: Screen) -> Iterator[str]:
    """The lines of a table, as wide as the screen at most."""
    shown = [None if row is None else [_cell(cell) for cell in row] for row in rows]
    widths = _widths(columns, shown, where.width)
    head = [Cell(column.title, "bold") for column in columns]
    across = "─" * (sum(widths.values()) + len(GAP) * (len(widths) - 1))
    yield _line(head, columns, widths, where)
    yield across
    for row in shown:
        yield across if row is None else _line(row, columns, widths, where)


def painted(text: str, style: str, where: Screen) -> str:
    """A text in a style of `STYLES`, where there is colour."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if where.colour and STYLES[style] else text


def wrapped(text: str, where: Screen) -> list[str]:
    """A sentence in lines that fit, all but the first set in."""
    return textwrap.wrap(printable(text), where.width, subsequent_indent="  ", break_long_words=True)


def printable(text: str) -> str:
    """Text on one line that moves no cursor."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def shortened(text: str, width: int) -> str:
    """Text in so many columns; of a long one the beginning and the end, which tells names apart."""
    if columns_of(text) <= width:
        return text
    tail = text
    while columns_of(tail) > (width - 1) // 2:
        tail = tail[1:]
    head = text
    while columns_of(head) > width - 1 - columns_of(tail):
        head = head[:-1]
    return f"{head.rstrip()}…{tail}"


def columns_of(text: str) -> int:
    """How many columns a text takes: two for each wide character of East Asia, none for a combining mark."""
    return sum(2 if east_asian_width(each) in "WF" else not combining(each) for each in text)


def show(lines: Iterable[str]) -> None:
    """Print lines to standard output."""
    for line in lines:
        print(line)  # noqa: T201 - what this module is for


def _cell(cell: Cell | str) -> Cell:
    text, style = cell if isinstance(cell, Cell) else (cell, "")
    return Cell(printable(text), style)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell] | None], width: int) -> dict[int, int]:
    """Place → width of the columns that fit."""
    lines = [[column.title for column in columns], *([cell.text for cell in row] for row in rows if row)]
    widths = {place: max(columns_of(line[place]) for line in lines) for place in range(len(columns))}

    def excess() -> int:
        return sum(widths.values()) + len(GAP) * (len(widths) - 1) - width

    spare = max(0, widths[0] - SHORTEST)  # long names are shortened before a column of numbers is left out
    for place in sorted(widths, key=lambda place: (-columns[place].rank, -place)):
        if columns[place].rank and excess() > (spare if columns[place].rank == 1 else 0):
            del widths[place]
    widths[0] = max(min(SHORTEST, widths[0]), widths[0] - max(0, excess()))
    return widths


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: dict[int, int], where: Screen) -> str:
    parts = []
    for place, width in widths.items():
        text = shortened(row[place].text, width)
        blank = " " * (width - columns_of(text))
        shown = painted(text, row[place].style, where)
        parts.append(shown + blank if columns[place].left or place == 0 else blank + shown)
    return GAP.join(parts).rstrip()
