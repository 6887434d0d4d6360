"""When a request may be sent, to which server, and when a server is given up.

A server is in one of four states:

- **up**: up to `concurrency` requests are in flight;
- **busy**: it answered 429. Nothing is sent until it is time again, then fewer requests at once: half as many
  after each such pause, one more after each answer;
- **down**: no connection, or 502, 503 or 504 while it answered nothing else. One request at a time asks again;
  the others wait, which costs them none of their retries;
- **given up**: down or busy for longer than `max_wait`, or what it says is what every request would get.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.models.server_reply import AttemptError, Kind

MAX_WAIT = 600.0
"""Seconds that a server may be down, or refuse by 429, before it is given up."""
FIRST_CONTACT = 10.0
"""The same for one that was never reached, where the user does not say how long: the address may be wrong."""
PROOF = 8
"""Requests in a row that get the same refusal: then it is not about the requests."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is tried again."""

    attempts: int = 6
    first_wait: float = 0.5
    """Seconds before the second attempt; doubles each time, with jitter."""
    longest_wait: float = 30.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the given attempt (from 0) failed."""
        longest = min(self.longest_wait, self.first_wait * 2.0 ** min(attempt, 60))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


@dataclass(slots=True, eq=False)
class Server:
    """One base URL, and what is known of the server there. Times are those of `time.monotonic`."""

    url: str
    """Of its chat completions, with the query that the user gave and without user and password."""
    name: str
    """Its base URL for messages, without secrets."""
    headers: dict[str, str] = field(default_factory=dict)
    proxy: str | None = None
    room: float = 1.0
    """Requests that may be in flight."""
    in_flight: int = 0
    answers: int = 0
    """Completions so far."""
    reached: bool = False
    """It has replied to something."""
    paused_until: float = 0.0
    busy_since: float | None = None
    pauses: int = 0
    """Since the last answer."""
    down_since: float | None = None
    probing: bool = False
    probes: int = 0
    probe_at: float = 0.0
    lost: int = 0
    """Requests in a row that were given up after all their attempts."""
    refusal: tuple[str, int] = ("", 0)
    """The wording of the last refusal, and how many requests in a row got it."""
    given_up: str | None = None
    """Why nothing more is sent to it."""

    def opens(self) -> float:
        """When it takes the next request, as far as that is known."""
        return max(self.paused_until, self.probe_at if self.down_since is not None else 0.0)

    def ready(self, now: float) -> bool:
        """Whether it takes a request now."""
        if self.in_flight >= int(self.room) or now < self.opens():
            return False
        return self.down_since is None or not self.probing


class GivenUpError(Exception):
    """There is no server left to ask; the message says why."""


class Servers:
    """The servers of one model, and the pace at which they are asked.

    Args:
        servers: one for each base URL.
        concurrency: requests in flight at each.
        retry: the waits between probes of one that is down.
        per_minute: requests sent in a minute at most, to all together, evenly spaced; None: as they come.
        max_wait: see `MAX_WAIT`; None: that, but `FIRST_CONTACT` for a server that was never reached.
        say: told what the user should know, in a line.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        concurrency: int,
        retry: RetryPolicy,
        per_minute: float | None = None,
        max_wait: float | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.all = tuple(servers)
        self._concurrency, self._retry, self._max_wait, self._say = concurrency, retry, max_wait, say
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        for server in self.all:
            server.room = float(concurrency)

    async def take(self) -> Server:
        """A server for one attempt, once the pace and one of them allow it: the least busy.

        Raises:
            GivenUpError: none is left.
        """
        while True:
            left = [server for server in self.all if server.given_up is None]
            if not left:
                raise GivenUpError("; ".join(str(server.given_up) for server in self.all))
            now = time.monotonic()
            ready = [server for server in left if server.ready(now)] if now >= self._next else []
            if ready:
                # One that is down is asked by the first request that may: the others need not wait for it.
                server = min(ready, key=lambda server: (server.down_since is None, server.in_flight))
                self._next = now + self._interval
                server.in_flight += 1
                server.probing = server.down_since is not None
                return server
            times = [server.opens() for server in left if server.in_flight < int(server.room)]
            await self._change(max(self._next, min(times, default=0.0)) - now)

    async def _change(self, seconds: float) -> None:
        """Wait until some server's state changes, or for so long where that is positive."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(seconds, _wake, waiter) if seconds > 0 else None
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _changed(self, waiters: int | None = None) -> None:
        """Wake so many of those who wait for a server; None: all."""
        for waiter in self._waiting[:waiters]:
            _wake(waiter)
        del self._waiting[:waiters]

    def release(self, server: Server) -> None:
        """An attempt is over."""
        server.in_flight -= 1
        if self._waiting:
            self._changed(1)

    def answered(self, server: Server) -> None:
        """An attempt got a completion."""
        server.answers += 1
        server.busy_since, server.pauses, server.lost, server.refusal = None, 0, 0, ("", 0)
        if server.room < self._concurrency:
            server.room += 1
            self._changed(1)
        self.reached(server)

    def reached(self, server: Server) -> None:
        """An attempt got a reply that a server in working order gives."""
        server.reached = True
        if server.down_since is not None:
            self._say(f"{server.name}: up again after {time.monotonic() - server.down_since:.0f} s")
            server.down_since, server.probing, server.probes = None, False, 0
            self._changed()

    def failed(self, server: Server, error: AttemptError, answers: int) -> bool:
        """Take in that an attempt failed.

        Args:
            server: that was asked.
            error: what came of it.
            answers: `server.answers` when the attempt began.

        Returns:
            Whether the failure counts against the request. One that only shows that the server is down or
            busy does not: 502, 503 and 504 do where it answered others meanwhile.
        """
        if error.kind is Kind.DOWN and error.status is not None:
            server.reached = True
        if error.kind is Kind.DOWN and server.answers == answers:
            self._down(server, error)
            return False
        if error.kind is Kind.BUSY:
            self._busy(server, error)
            return False
        if error.status is None:
            self._not_back(server)
        elif error.kind is not Kind.DOWN:
            self.reached(server)
        if error.kind in (Kind.HOPELESS, Kind.FORBIDDEN):
            self._refused(server, error)
        return True

    def _not_back(self, server: Server) -> None:
        """A probe got no reply at all: that a server accepts connections does not show that it is up."""
        if server.probing:
            server.probing = False
            server.probe_at = time.monotonic() + self._retry.wait(server.probes)
            self._changed()

    def _patience(self, server: Server) -> float:
        if self._max_wait is not None:
            return self._max_wait
        return MAX_WAIT if server.reached else FIRST_CONTACT

    def _down(self, server: Server, error: AttemptError) -> None:
        now, patience = time.monotonic(), self._patience(server)
        if server.down_since is None:
            server.down_since = now
            self._say(f"{error}; waiting up to {patience:g} s for it (--max-wait)")
        elif not server.probing:
            return  # sent before the server was known to be down
        server.probing = False
        until = server.down_since + patience
        if now >= until:
            self.give_up(server, f"down for {now - server.down_since:.0f} s, last: {error}")
            return
        server.probe_at = min(until, now + max(error.wait, self._retry.wait(server.probes)))
        server.probes += 1
        self._changed()

    def _busy(self, server: Server, error: AttemptError) -> None:
        self.reached(server)
        now, patience = time.monotonic(), self._patience(server)
        if server.busy_since is None:
            server.busy_since = now
        if now < server.paused_until:  # sent before the pause
            server.paused_until = max(server.paused_until, now + min(error.wait, patience))
            return
        if server.pauses and now - server.busy_since >= patience:
            self.give_up(server, f"too many requests for {now - server.busy_since:.0f} s, last: {error}")
            return
        wait = min(error.wait or self._retry.wait(server.pauses), patience)
        if server.room == self._concurrency:
            self._say(f"{server.name}: too many requests: waiting {wait:.3g} s, then asking fewer at once")
        server.paused_until, server.room = now + wait, max(1.0, server.room / 2)
        server.pauses += 1
        self._changed()

    def _refused(self, server: Server, error: AttemptError) -> None:
        """Give a server up where it would refuse every request.

        A wrong key or address shows at the first reply, unless something was answered before. A 403 may be
        about one request's content, and the first may all be so: the same words to several requests, none of
        them ever answered, are the proof. Of words that differ by a number only those without it count.
        """
        wording = re.sub(r"\S*\d\S*", "#", error.said) + str(error.status)
        count = server.refusal[1] + 1 if server.refusal[0] == wording else 1
        server.refusal = (wording, count)
        if error.kind is Kind.HOPELESS and (server.answers == 0 or count >= PROOF):
            self.give_up(server, str(error))
        elif server.answers == 0 and count >= PROOF:
            self.give_up(server, f"the first {count} requests were all refused: {error}")

    def lose(self, server: Server, error: AttemptError) -> None:
        """A request was given up after all its attempts; as many in a row as fit in flight are proof."""
        if error.kind in (Kind.PASSING, Kind.DOWN):
            server.lost += 1
            if server.lost >= self._concurrency:
                self.give_up(server, f"{server.lost} failures in a row, last: {error}")

    def give_up(self, server: Server, why: str) -> None:
        """Send nothing more to a server."""
        if server.given_up is None:
            server.given_up = f"endpoint given up: {why}"
            left = sum(other.given_up is None for other in self.all)
            self._say(server.given_up + (f"; {left} of {len(self.all)} go on" if left else ""))
            self._changed()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
