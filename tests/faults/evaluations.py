"""Evaluations that are killed and continued until they are complete."""

from __future__ import annotations

import json
import math
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import PIL.Image

from tests.faults.lives import Starting, live
from tests.faults.model import Asked, Journal, Model, Tally, read_journal, results_of, unreadable
from tests.scripted_server import Reply, Scripted, said, scripted

TASK = "embspatial"
EARLY = 0.2
"""The share of kills whose moment is counted from the start, so that planning and loading are hit too."""
BURST = 0.25
"""Seconds between the bursts in which the server answers."""
CONCURRENCY, BATCH = 32, 8
ENOUGH = 20
"""Broken promises after which a kind is not gone on with."""


class Source(Protocol):
    """Where it is recorded what a process asks."""

    def begin(self) -> None:
        """A process is about to start."""

    def any_asked(self) -> bool:
        """Whether it has asked anything."""

    def asked(self) -> Asked:
        """What it asked, once it has ended."""


class FileSource:
    """The record that `tests.faults.recorded` writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self) -> None:
        self._start = self._size()

    def any_asked(self) -> bool:
        return self._size() > self._start

    def asked(self) -> Asked:
        samples: list[str] = []
        answered: dict[str, float] = {}
        if self.path.exists():
            for line in self.path.read_bytes()[self._start :].splitlines():
                event = json.loads(line)
                if event["what"] == "asked":
                    samples += event["samples"]
                else:
                    answered |= dict.fromkeys(event["samples"], event["at"])
        return Asked(samples, answered)


class ServerSource:
    """The log of a server."""

    def __init__(self, server: Scripted) -> None:
        self._server = server
        self._start = 0

    def begin(self) -> None:
        self._start = len(self._server.asked)

    def any_asked(self) -> bool:
        return len(self._server.asked) > self._start

    def asked(self) -> Asked:
        time.sleep(0.05)  # what a process had sent when it was killed may still have to be read
        while self._server.in_flight:
            time.sleep(0.01)
        numbers = range(self._start, len(self._server.asked))
        names = {number: f"{TASK}/q{question(self._server.asked[number])}" for number in numbers}
        sent = {names[number]: self._server.sent[number] for number in numbers if number in self._server.sent}
        return Asked(list(names.values()), sent)


def question(body: Mapping[str, Any]) -> int:
    """The number of the row that a request asks about."""
    found = re.search(r"the chair and table (\d+) positioned", json.dumps(body["messages"]))
    assert found is not None
    return int(found[1])


def in_bursts(_: int, body: Mapping[str, Any]) -> Reply:
    """A letter that depends on the question alone, sent with all others at the next stroke of the clock."""
    time.sleep(BURST - time.monotonic() % BURST)
    return 200, said("ABCD"[zlib.crc32(f"{question(body)}".encode()) % 4])


def write_rows(folder: Path, count: int) -> Path:
    """A data directory of questions about one small image."""
    (folder / TASK).mkdir(parents=True)
    PIL.Image.new("RGB", (32, 32), (90, 140, 200)).save(folder / TASK / "room.png")
    rows = [
        {
            "question_id": f"q{index}",
            "question": f"How are the chair and table {index} positioned to each other?",
            "relation": "left",
            "answer_options": ["left of", "right of", "above", "under"],
            "answer": index % 4,
            "data_source": "mp3d",
            "image": "room.png",
        }
        for index in range(count)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / TASK / "test.jsonl").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Kind:
    """A kind of evaluation."""

    words: Callable[[Path], list[str]]
    """The command, given where the run is to lie."""
    source: Source
    room: int
    """Requests in flight at once at most."""
    arriving: int
    """Answers that may have come and not be written yet: the one that is being written, a burst of a server."""
    span: float
    """Seconds of asking within which it is killed."""


@contextmanager
def kind(name: str, folder: Path, size: float = 1.0) -> Iterator[Kind]:
    """A kind by name: `mock`, `server` or `hf`.

    Args:
        name: of the kind.
        folder: for its data and its record.
        size: how many samples it has, relative to a full test.
    """
    eval_ = ["eval", "--tasks", TASK, "--seed", "0", "--out"]
    record = folder / "record.jsonl"
    recorded = ["-m", "tests.faults.recorded", str(record)]
    if name == "mock":
        data = ["--model", "mock:latency=0.002", "--data", str(write_rows(folder / "data", int(3000 * size)))]
        yield Kind(lambda out: [*recorded, *eval_, str(out), *data], FileSource(record), 1, 1, 1.2)
    elif name == "server":
        rows = str(write_rows(folder / "data", int(2400 * size)))
        with scripted(in_bursts) as server:
            data = ["--model", "m", "--base-url", server.url, "--concurrency", str(CONCURRENCY), "--data", rows]
            yield Kind(
                lambda out: ["-m", "harness", *eval_, str(out), *data],
                ServerSource(server),
                CONCURRENCY,
                CONCURRENCY,
                2.5,
            )
    else:
        data = ["--model", "tiny", "--batch-size", str(BATCH), "--data", "synthetic"]
        data += ["--limit", str(int(400 * size)), "--no-images", "--no-report"]
        yield Kind(lambda out: [*recorded, *eval_, str(out), *data], FileSource(record), BATCH, 1, 2.0)


def kill_evaluations(
    name: str, kills: int, rng: Random, folder: Path, *, within: float, size: float = 1.0
) -> Tally:
    """Kill runs of a kind so many times, carry each to its end, and compare with one that was not killed."""
    tally = Tally()
    folder.mkdir(parents=True)
    environment = {"XDG_CACHE_HOME": str(folder / "cache")}
    with kind(name, folder, size) as how:
        log, whole = folder / "said.txt", folder / "whole"
        starting = Starting(how.source.any_asked)
        how.source.begin()
        ended = live(how.words(whole), log, environment, starting.then(math.inf))
        if ended.code != 0:
            tally.broken.append(f"the run without kills: exit {ended.code}: {ended.last_words}")
            return tally
        expected, answers = results_of(whole), read_journal(whole).answers
        number = 0
        while tally.kills < kills and len(tally.broken) < ENOUGH:
            number += 1
            run_dir = folder / f"run-{number}"
            model = Model(tally, how.room, how.arriving, within)
            while True:
                moment = None
                if tally.kills < kills:
                    early = rng.random() < EARLY
                    share = rng.random()
                    moment = starting.before(share) if early else starting.then(share * how.span)
                before: list[Journal] = []
                how.source.begin()
                ended = live(
                    how.words(run_dir),
                    log,
                    environment,
                    moment,
                    lambda before=before, at=run_dir: before.append(read_journal(at)),
                )
                asked, journal = how.source.asked(), read_journal(run_dir)
                tally.broken += [f"{path} is not whole after a kill" for path in unreadable(run_dir)]
                if (run_dir / "results.json").exists() and results_of(run_dir) != expected:
                    tally.broken.append("results.json is there, and is not that of the whole run")
                if ended.killed_at is None:
                    break
                model.killed(asked, ended.killed_at, before[0], journal)
            if ended.code != 0:
                tally.broken.append(f"continued, kill {tally.kills}: exit {ended.code}: {ended.last_words}")
            elif not (run_dir / "results.json").exists():
                tally.broken.append("complete, and there is no results.json")
            else:
                model.finished(asked, journal, set(answers))
                if journal.answers != answers:
                    tally.broken.append("other answers than without kills")
    return tally
