"""lmms-eval's `--log_samples` files: one JSON object a line, without the document that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.imports.logged import Logged
from harness.jsonl import read_lines


def predictions(path: Path) -> Iterator[Logged]:
    """The predictions of a file. Of the document there is what was asked (`input`) and the gold (`target`).

    Raises:
        UsageError: a line has no response as text.
    """
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        response = _response(line) if isinstance(line, Mapping) else None
        if response is None:
            raise UsageError(f"{where}: no line of lmms-eval's --log_samples: filtered_resps holds no text")
        question = str(line.get("input") or "")
        record = {"question": question, "answer": line.get("target")}
        yield Logged(where, str(line.get("doc_id")), response, record, question)


def _response(line: Mapping[str, Any]) -> str | None:
    """The first response: after the filters, where there were any."""
    found: Any = line.get("filtered_resps") or line.get("resps")
    while isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, str) else None
