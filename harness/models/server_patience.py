"""When a request may be sent, to which server, and when a server is given up.

A server is in one of four states:

- **up**: up to `concurrency` requests are in flight;
- **busy**: it answered 429. Nothing is sent until it is time again, then fewer requests at once: half as many
  after each such pause, one more after each answer;
- **down**: no connection, or 502, 503 or 504 to a request during which it answered no other. One request at a
  time asks again; the others wait, which costs them none of their retries;
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
SLOWEST_PROBE = 4
"""The attempt whose wait is the longest between two probes of a server that is down: 8 s."""
LONGEST_PAUSE = 60.0
"""Seconds that `Retry-After` of a failure other than 429 and 503 may ask for."""
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
    shown_up: float = 0.0
    """When the attempt began that began last of those answered."""
    reached: bool = False
    """It has replied to something."""
    paused_until: float = 0.0
    busy_since: float | None = None
    pauses: int = 0
    """Since the last answer."""
    slowed: bool = False
    """It was said once that it is busy."""
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


@dataclass(slots=True)
class Tries:
    """What one request has been through.

    A 502, 503 or 504 counts against it only where others, sent after the one before, were answered: alone it
    may be the first sign that the server is down.
    """

    counted: int = 0
    """Failures that count against it."""
    began: float = 0.0
    """When the last attempt did."""
    down_at: float | None = None
    """When it last found a server down."""
    pause: float = 0.0
    """Seconds to wait before it is sent again."""


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

    async def take(self, tries: Tries) -> Server:
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
                tries.began = now
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

    def answered(self, server: Server, tries: Tries) -> None:
        """An attempt got a completion."""
        server.answers += 1
        server.shown_up = max(server.shown_up, tries.began)
        server.busy_since, server.pauses, server.lost, server.refusal = None, 0, 0, ("", 0)
        if server.room < self._concurrency:
            server.room += 1
            self._changed(1)
        self.reached(server, tries)

    def reached(self, server: Server, tries: Tries) -> None:
        """An attempt got a reply of a working server: it is up, unless that was sent before it was down."""
        server.reached = True
        if server.down_since is not None and tries.began >= server.down_since:
            self._say(f"{server.name}: up again after {time.monotonic() - server.down_since:.0f} s")
            server.down_since, server.probing, server.probes = None, False, 0
            self._changed()

    def failed(self, server: Server, error: AttemptError, tries: Tries) -> bool:
        """Take in that an attempt failed.

        Returns:
            Whether the request may be sent again: to this server after `tries.pause` seconds, or to another.
        """
        tries.pause = 0.0
        if error.kind is Kind.BUSY:
            self._busy(server, error, tries)
            return True
        if error.kind is Kind.DOWN:
            server.reached = server.reached or error.status is not None
            last = max(other.shown_up for other in self.all)
            only_down = tries.down_at is None or last <= tries.down_at
            tries.down_at = time.monotonic()
            if server.shown_up <= tries.began:
                self._down(server, error, tries)
            if only_down:
                tries.pause = 0.0 if server.down_since is not None else self._retry.wait(0)
                return True
        elif error.status is None:
            self._not_back(server, tries)
        else:
            self.reached(server, tries)
        if error.kind in (Kind.HOPELESS, Kind.FORBIDDEN):
            self._refused(server, error)
            return server.given_up is not None
        if error.kind is Kind.REFUSED:
            return False
        tries.counted += 1
        tries.pause = max(min(error.wait, LONGEST_PAUSE), self._retry.wait(tries.counted - 1))
        if tries.counted < self._retry.attempts:
            return True
        self._lose(server, error)
        return False

    def _not_back(self, server: Server, tries: Tries) -> None:
        """A probe got no reply at all: that a server accepts connections does not show that it is up."""
        if server.down_since is not None and tries.began >= server.down_since:
            server.probing = False
            server.probe_at = time.monotonic() + self._retry.wait(min(server.probes, SLOWEST_PROBE))
            self._changed()

    def _patience(self, server: Server) -> float:
        if self._max_wait is not None:
            return self._max_wait
        return MAX_WAIT if server.reached else FIRST_CONTACT

    def _down(self, server: Server, error: AttemptError, tries: Tries) -> None:
        now, patience = time.monotonic(), self._patience(server)
        if server.down_since is None:
            server.down_since = now
            self._say(f"{error}; waiting up to {patience:g} s for it (--max-wait)")
        elif tries.began < server.down_since:
            return  # sent before the server was known to be down
        server.probing = False
        until = server.down_since + patience
        if now >= until:
            self.give_up(server, f"down for {now - server.down_since:.0f} s, last: {error}")
            return
        server.probe_at = min(until, now + max(error.wait, self._retry.wait(min(server.probes, SLOWEST_PROBE))))
        server.probes += 1
        self._changed()

    def _busy(self, server: Server, error: AttemptError, tries: Tries) -> None:
        self.reached(server, tries)
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
        if not server.slowed:
            server.slowed = True
            self._say(
                f"{server.name}: too many requests (429): waiting {wait:.3g} s, then asking fewer at once"
            )
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

    def _lose(self, server: Server, error: AttemptError) -> None:
        """A request was given up after all its attempts; as many in a row as fit in flight are proof."""
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
