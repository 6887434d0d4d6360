"""What replicas give and cost: `tiny` in this process and in N replicas of Ray, then `mock`, in one run.

    python benchmarks/replicas.py [--replicas N] [--limit N] [--repeats N]

Answers a second from the first request pulled to the last answer, so that loading does not count; medians of
repeats in turn. `mock` answers at once: what a request costs on its way.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import harness
from harness import models
from harness.models import ReplicaOptions
from harness.types import Backend, Request
from tasks.types import Response


class Timed:
    """A backend, and how long its answers take."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.name, self.coords = backend, backend.name, backend.coords
        self.rates: list[float] = []

    def describe(self) -> dict[str, Any]:
        return self.backend.describe()

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        started, count = time.perf_counter(), 0
        for answered in self.backend.generate(requests):
            count += 1
            yield answered
        self.rates.append(count / (time.perf_counter() - started))

    def close(self) -> None:
        self.backend.close()


def loaded(name: str, replicas: int | None) -> Timed:
    backend = models.load(models.resolve(name, replicas=ReplicaOptions(replicas)))
    timed = Timed(backend)
    if replicas is not None:
        backend.start()  # type: ignore[attr-defined]
        timed.name, timed.coords = backend.name, backend.coords
    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--limit", type=int, default=20, help="samples a task")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    for name in ("tiny", "mock"):
        both = loaded(name, None), loaded(name, given.replicas)
        with tempfile.TemporaryDirectory() as folder:
            for repeat in range(given.repeats):
                for number, each in enumerate(both):
                    out = str(Path(folder) / f"{number}-{repeat}")
                    harness.evaluate(each, data="synthetic", limit=given.limit, out=out)
        for each in both:
            each.close()
        one, several = (statistics.median(each.rates) for each in both)
        print(
            f"{name}: {one:.1f} answers a second alone, {several:.1f} with {given.replicas} replicas:", end=" "
        )
        print(f"{several / one:.2f} times; {1000 / several - 1000 / one:+.2f} ms a request")


if __name__ == "__main__":
    main()
