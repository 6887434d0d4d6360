"""`harness`, with a record of what its model is asked and answers.

    python -m tests.faults.recorded FILE eval …

A line is written before the model is given requests, and one when an answer of it reaches the harness. Each is
handed to the operating system at once, so that a killed process has said all that it did.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from harness import models
from harness.types import Backend, Request
from tasks.types import Response


class Record:
    """The file."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __call__(self, what: str, requests: Iterable[Request]) -> None:
        names = ["/".join(request.key.split("\x1f")[:2]) for request in requests]
        line = json.dumps({"what": what, "at": time.monotonic(), "samples": names})
        os.write(self._descriptor, line.encode() + b"\n")


def watch(backend: Any, record: Record) -> None:
    """Have a loaded model recorded: `hf` is asked batch by batch, the mock request by request."""
    generate = backend.generate
    batched = hasattr(backend, "_run")

    def pulled(requests: Iterable[Request]) -> Iterator[Request]:
        for request in requests:
            record("asked", [request])
            yield request

    def recorded(requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request, response in generate(requests if batched else pulled(requests)):
            record("answered", [request])
            yield request, response

    backend.generate = recorded
    if batched:
        run = backend._run

        def recorded_run(batch: Any) -> list[Response]:
            record("asked", [prompt.request for prompt in batch.prompts])
            answers: list[Response] = run(batch)
            return answers

        backend._run = recorded_run


def main(path: str, words: list[str]) -> int:
    record, load = Record(path), models.load

    def loaded(spec: models.ModelSpec) -> Backend:
        backend = load(spec)
        watch(backend, record)
        return backend

    models.load = loaded
    from harness.cli import main as command

    return command(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
