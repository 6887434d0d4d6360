"""Addresses as they may be shown: without the passwords and keys that some hold."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote

_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#]*@")
_QUERY = re.compile(r"(?<=[?&])([\w.~-]+)=[^\s&#'\"]+")
_ADDRESS = re.compile(r"[a-zA-Z][\w+.-]*://[^\s'\"<>]+")
_PUBLIC = ("api-version", "version", "v")
"""Parameters of a query that are never a key."""


def without_secrets(text: str) -> str:
    """A text whose addresses have no user, no password and no values in their query."""

    def clean(address: re.Match[str]) -> str:
        shown = _CREDENTIALS.sub("***@", address[0])
        return _QUERY.sub(lambda pair: pair[0] if pair[1] in _PUBLIC else f"{pair[1]}=***", shown)

    return _ADDRESS.sub(clean, text)


def secrets_of(url: SplitResult) -> tuple[str, ...]:
    """The texts in an address that must not be repeated: its password, and the values of its query.

    Those of under four characters are words of any error: they are hidden where they stand in the address only.
    """
    values = [value for name, value in parse_qsl(url.query) if name not in _PUBLIC]
    password = [url.password, unquote(url.password)] if url.password else []
    return tuple(text for text in [*password, *values] if len(text) > 3)
