"""Delimiters of one's own, added to the standard ones: a TOML file or a table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError, nearest
from scorers.read.normalise import Delimiters

PAIRS = ("thinking", "answer", "box")
KEYS = (*PAIRS, "dropped")


def read_delimiters(given: str | Path | Mapping[str, Any] | Delimiters) -> Delimiters:
    """Delimiters from a TOML file or a table with the keys `KEYS`, all optional: lists of pairs, or of texts.

    Raises:
        UsageError: the file cannot be read, a key is unknown, or a value is not of its form.
    """
    if isinstance(given, Delimiters):
        return given
    if isinstance(given, Mapping):
        return _checked("delimiters", given)
    where = f"--delimiters {given}"
    try:
        return _checked(where, tomllib.loads(Path(given).read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: not UTF-8: {error.reason} at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: not TOML: {error}") from None


def _checked(where: str, table: Mapping[str, Any]) -> Delimiters:
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(key, KEYS)}")
        if not isinstance(value, list | tuple):
            raise UsageError(f"{where}: {key}: {value!r} is no list of {_wanted(key)}")
        for entry in value:
            if wrong := _wrong(key, entry):
                raise UsageError(f"{where}: {key}: {wrong}")
    return Delimiters.of(table)


def _wanted(key: str) -> str:
    return 'pairs [["OPENING", "CLOSING"], …]' if key in PAIRS else 'texts ["TEXT", …]'


def _wrong(key: str, entry: Any) -> str | None:
    """What is wrong with an entry of a list."""
    texts = entry if key in PAIRS else [entry]
    pair = isinstance(texts, list | tuple) and len(texts) == (2 if key in PAIRS else 1)
    if not pair or not all(isinstance(text, str) for text in texts):
        return f"{entry!r} is not one of {_wanted(key)}"
    if not all(text.strip() for text in texts):
        return f"{entry!r} has an empty text, which would be found everywhere"
    if key in PAIRS and texts[0].lower() == texts[1].lower():
        return f"{entry!r} opens and closes with the same text, so the two cannot be distinguished"
    return None


def said(delimiters: Delimiters | None) -> str:
    """Delimiters in a few words, for messages."""
    if delimiters is None:
        return "the standard ones"
    parts = [f"{key} {' … '.join(pair)}" for key in PAIRS for pair in getattr(delimiters, key)]
    parts += [f"dropped {text}" for text in delimiters.dropped]
    return f"the standard ones and {', '.join(parts)}" if parts else "the standard ones"
