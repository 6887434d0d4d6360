"""A model several times over: Ray actors, each with a backend of its own, on one machine or on many.

One process asks, and it alone journals. It pulls requests as replicas have room for them, and hands them out
evenly; answers come back as they finish. A replica whose process dies is replaced, and what it had not answered
is asked again. One whose model raises ends the run, as a single model does.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError
from harness.jsonl import plain
from harness.models.replicas_actor import Failed, Load, Loaded, News, Place, place_versions, sent
from harness.models.replicas_ray import Cluster, LostError
from harness.models.spec import ModelSpec, ReplicaOptions
from harness.types import Request
from tasks.types import Response

SLACK = 16
"""Requests that a replica may hold more than another, where it has room for them."""
DEATHS = 3
"""How many replicas may die, for each that there is to be."""
POLL = 0.2
"""Seconds after which a wait looks up."""
UNPLACED, NO_PLACE = 30.0, 600.0
"""Seconds without room in the cluster after which a run goes on with fewer replicas, and without any ends."""
CLOSING = 20.0
"""Seconds that backends have to end what they have started."""

Answered = tuple[Request, Response]


@dataclass(eq=False)
class _Replica:
    """A replica as the asking process sees it."""

    handle: Any
    pending: Any
    """Ray's reference to its next reply; None while it is idle."""
    state: Literal["unplaced", "loading", "idle", "answering"] = "unplaced"
    since: float = field(default_factory=time.monotonic)
    host: str = ""
    pid: int = 0
    held: dict[str, list[Request]] = field(default_factory=dict)
    """Requests that it was given and has not answered, by key."""
    given: int = 0
    """Requests since it began."""
    wanted: int = 0
    """Requests that it has room for, since it began."""
    holding: int = 0
    ending: bool = False
    """Whether it knows that no more will come."""

    def begin(self) -> None:
        """Have it answer; the first reply says what it has room for."""
        self.state, self.given, self.wanted, self.ending = "answering", 0, 0, False
        self.pending = self.handle.begin.remote()

    def rest(self) -> None:
        """It has ended; what it holds will get no answer."""
        self.state, self.pending = "idle", None
        self.held, self.holding = {}, 0

    def give(self, request: Request) -> None:
        """Note that it is given a request."""
        self.given += 1
        self.holding += 1
        self.held.setdefault(request.key, []).append(request)

    def take(self, key: str) -> Request:
        """The request that an answer is to."""
        self.holding -= 1
        return self.held[key].pop()

    @property
    def waiting(self) -> float:
        """Seconds that it has waited for a place."""
        return time.monotonic() - self.since if self.state == "unplaced" else 0.0


class _Work:
    """Requests that no replica holds: those that one died with, then those that are still to be pulled."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._source = iter(requests)
        self.again: deque[Request] = deque()

    def next(self) -> Request | None:
        """The next one; None where there is none, as far as is known."""
        return self.again.popleft() if self.again else next(self._source, None)

    @property
    def left(self) -> bool:
        """Whether there is one."""
        request = self.next()
        if request is not None:
            self.again.appendleft(request)
        return request is not None


class ReplicaBackend:
    """A `harness.types.Backend` of several like it. It describes itself as one of them does.

    Made in a thread that lasts as long as it does.

    Args:
        spec: of the model, and how many replicas where.
        load: makes a backend of it, in the replicas.

    Raises:
        UsageError, HarnessError: Ray is not there, or has no room; `start` raises what loading a model does.
    """

    notes: tuple[str, ...] = ()
    """Known once replicas are loaded, and said then."""

    def __init__(self, spec: ModelSpec, load: Load) -> None:
        assert spec.replicas.replicas is not None
        self.name, self.coords = spec.backend, spec.coords
        self._count = spec.replicas.replicas
        self._spec, self._load = replace(spec, replicas=ReplicaOptions()), load
        self._versions = place_versions(spec)
        self._loaded: Loaded | None = None
        self._found: dict[str, Any] = {}
        self._said: set[str] = set()
        self._heard: Callable[[str], None] = lambda _: None
        self._replicas: list[_Replica] = []
        self._deaths = 0
        self._work = _Work(())
        self._starting, self._closing = threading.Lock(), threading.Event()
        self._cluster = Cluster(spec.replicas)

    def listen(self, hear: Callable[[str], None]) -> None:
        """Have what the user should know told to `hear`, a line each and each once."""
        self._heard = hear

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._heard(line)

    def start(self) -> None:
        """Load the model in every replica; where the cluster has no room for some, they join later.

        Raises:
            UsageError, HarnessError: it cannot be loaded, replicas differ, or they die again and again.
        """
        with self._starting:
            while not self._closing.is_set():
                while len(self._replicas) < self._count:
                    self._add()
                here = [replica for replica in self._replicas if replica.waiting < UNPLACED]
                if here and all(replica.state == "idle" for replica in here):
                    return
                self._step()
            raise HarnessError("the replicas were ended before they had started")

    def describe(self) -> dict[str, Any]:
        """As a single backend describes itself: how many there are, and where, changes no answer."""
        if self._loaded is None:
            self.start()
        assert self._loaded is not None
        return dict(self._loaded.described)

    def found(self) -> dict[str, Any]:
        """What replicas found out while asking, notes of all of them together."""
        return dict(self._found)

    def render(self, request: Request) -> str | None:
        """The prompt as a replica's chat template writes it."""
        while True:
            self.start()
            replica = next(each for each in self._replicas if each.state == "idle")
            try:
                text = self._cluster.reply(replica.handle.render.remote(sent(request)))
            except LostError as error:
                self._lose(replica, str(error))
                continue
            if isinstance(text, Failed):
                text.raise_it()
            return None if text is None else str(text)

    def generate(self, requests: Iterable[Request]) -> Iterator[Answered]:
        """Answer requests with all replicas, yielding each as it finishes; see `harness.types.Backend`.

        Raises:
            UsageError, HarnessError: what a replica's model raises, or replicas die again and again.
        """
        for replica in [each for each in self._replicas if each.state == "answering"]:
            self._drop(replica)  # an earlier call was left in the middle
        self.start()
        self._work = _Work(requests)
        while self._deal():
            yield from self._step()

    def close(self) -> None:
        """End all replicas and, where it was started here, Ray. From another thread it ends `start`."""
        self._closing.set()
        with self._starting:
            replicas, self._replicas = self._replicas, []
            running = [each.handle for each in replicas if each.state != "unplaced"]
            self._cluster.wait([handle.close.remote() for handle in running], len(running), CLOSING)
            for replica in replicas:
                self._cluster.end(replica.handle)
            self._cluster.close()

    def _add(self) -> None:
        handle = self._cluster.new()
        self._replicas.append(_Replica(handle, handle.hello.remote(self._spec, str(Path.cwd()))))

    def _drop(self, replica: _Replica) -> None:
        self._replicas.remove(replica)
        self._cluster.end(replica.handle)

    def _deal(self) -> bool:
        """Hand out requests to replicas that have room; False once nothing is left, held ones included."""
        for replica in self._replicas:
            if replica.state == "idle" and self._work.left:
                replica.begin()
        portions: dict[_Replica, list[Request]] = defaultdict(list)
        while (hungry := self._hungriest()) is not None and (request := self._work.next()) is not None:
            hungry.give(request)
            portions[hungry].append(sent(request))
        for replica, portion in portions.items():
            replica.handle.feed.remote(portion)
        answering = [replica for replica in self._replicas if replica.state == "answering"]
        if left := self._work.left:
            return left
        for replica in answering:
            if not replica.ending:
                replica.ending = True
                replica.handle.feed.remote((), replica.given)
        return bool(answering)

    def _hungriest(self) -> _Replica | None:
        """The replica to be given the next request: one that has room, and not many more than the others."""
        answering = [each for each in self._replicas if each.state == "answering" and not each.ending]
        least = min((each.holding for each in answering), default=0)
        hungry = [each for each in answering if each.given < each.wanted and each.holding < least + SLACK]
        return min(hungry, key=lambda each: each.holding, default=None)

    def _step(self) -> list[Answered]:
        """Wait a moment for a replica's reply, and act on it; the answers that it brings."""
        pending = {replica.pending: replica for replica in self._replicas if replica.pending is not None}
        ready = self._cluster.wait(list(pending), 1, POLL)
        if not ready:
            self._look_for_places()
            return []
        replica = pending[ready[0]]
        try:
            reply = self._cluster.reply(ready[0])
        except LostError as error:
            self._lose(replica, str(error))
            return []
        if isinstance(reply, Failed):
            reply.raise_it()
        if isinstance(reply, News):
            return self._hear(replica, reply)
        if isinstance(reply, Place):
            self._place(replica, reply)
        elif isinstance(reply, Loaded):
            self._take(replica, reply)
        return []

    def _place(self, replica: _Replica, place: Place) -> None:
        replica.state, replica.host, replica.pid = "loading", place.host, place.pid
        _refuse_difference("versions", self._versions, place.versions, place.host)
        replica.pending = replica.handle.load.remote(self._spec, self._load)

    def _take(self, replica: _Replica, loaded: Loaded) -> None:
        for line in loaded.notes:
            self._say(line)
        if self._loaded is None:
            self._loaded, self.name, self.coords = loaded, loaded.name, loaded.coords
        _refuse_difference("model", self._loaded.described, loaded.described, replica.host)
        replica.rest()

    def _hear(self, replica: _Replica, news: News) -> list[Answered]:
        for line in news.lines:
            self._say(line)
        notes = dict.fromkeys([*self._found.get("notes", ()), *news.found.get("notes", ())])
        self._found |= {**news.found, **({"notes": list(notes)} if notes else {})}
        answered = [(replica.take(key), response) for key, response in news.answers]
        replica.wanted = news.wanted
        if news.failed is not None:
            news.failed.raise_it()
        if news.over:
            replica.rest()
        else:
            replica.pending = replica.handle.news.remote()
        return answered

    def _lose(self, replica: _Replica, why: str) -> None:
        """Replace a replica that died, and have asked again what it had not answered."""
        self._drop(replica)
        self._deaths += 1
        where = f" on {replica.host}" if replica.host else ""
        if self._deaths > DEATHS * self._count:
            raise HarnessError(
                f"replicas have died {self._deaths} times, the last{where} ({why}): too little memory for "
                f"--replicas {self._count}? The same command continues"
            )
        self._heard(
            f"a replica{where} died ({why}) and is replaced; {replica.holding} requests are asked again"
        )
        self._work.again.extend(request for held in replica.held.values() for request in held)
        self._add()

    def _look_for_places(self) -> None:
        """Say that replicas wait for room in the cluster; end where none runs for long."""
        waiting = [replica.waiting for replica in self._replicas]
        if waiting and min(waiting) > NO_PLACE:
            raise HarnessError(f"Ray had no room for a replica in {NO_PLACE:g} s: is the cluster in use?")
        if waiting and max(waiting) > UNPLACED:
            self._say("waiting for room in the cluster: fewer replicas than asked for are running")


def _refuse_difference(what: str, one: Mapping[str, Any], other: Mapping[str, Any], host: str) -> None:
    """Refuse a replica that differs from the first one, or from this process.

    Raises:
        HarnessError: names the first difference.
    """
    before, now = plain(one), plain(other)
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise HarnessError(
                f"the replica on {host} differs in {what}: {name} is {now.get(name)!r} there and "
                f"{before.get(name)!r} elsewhere: answers would too"
            )
