"""How long a server is waited for, and when it is given up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.errors import UsageError
from harness.models import server_patience
from harness.models.openai import OpenAIBackend, _proxy
from harness.models.server_patience import GivenUpError, RetryPolicy, Server, Servers, Tries
from harness.models.server_reply import AttemptError, Kind
from harness.types import Request, Sampling
from tasks.types import Response
from tests.scripted_server import Reply, error, said, scripted

FAST = RetryPolicy(attempts=3, first_wait=0.01)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In a thread: the browser of other tests keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, count: int, **how: Any) -> tuple[list[Response], list[str]]:
    lines: list[str] = []
    backend = OpenAIBackend("m", url, **{"concurrency": 4, "retry": FAST, **how})
    backend.listen(lines.append)
    requests = [Request(f"{number}", (f"q{number}",), (), Sampling(16)) for number in range(count)]
    answers = {request.key: response for request, response in backend.generate(requests)}
    return [answers[request.key] for request in requests], lines


def question(body: dict[str, Any]) -> str:
    text: str = body["messages"][-1]["content"][0]["text"]
    return text


def failed(responses: list[Response]) -> int:
    return sum(response.error is not None for response in responses)


def test_a_429_costs_no_retry() -> None:
    tries: Counter[str] = Counter()

    def reply(_: int, body: dict[str, Any]) -> Reply:
        tries[question(body)] += 1
        return (
            (200, said()) if tries[question(body)] > 5 else (429, error("slow down"), {"Retry-After": "0.01"})
        )

    with scripted(reply) as server:
        responses, lines = ask(server.url, 6, retry=RetryPolicy(attempts=1, first_wait=0.01))
    assert failed(responses) == 0
    assert len([line for line in lines if "429" in line]) == 1


def test_a_429_without_end_gives_the_server_up() -> None:
    with scripted(lambda *_: (429, error("slow down"))) as server:
        responses, _ = ask(server.url, 50, max_wait=0.1)
    assert all("too many requests" in str(response.error) for response in responses)
    assert len(server.asked) < 50


class Clock:
    """A clock that only waiting moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(server_patience.time, "monotonic", lambda: self.now)

    def servers(self, *names: str, concurrency: int = 4, **how: Any) -> Servers:
        clock = self

        class Waiting(Servers):
            async def _change(self, seconds: float) -> None:
                assert seconds > 0, "nothing is waited for that ends by itself"
                clock.now += seconds

        return Waiting(
            [Server(name, name) for name in names],
            concurrency=concurrency,
            retry=RetryPolicy(first_wait=1),
            **how,
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_pace_is_even(clock: Clock) -> None:
    servers = clock.servers("a", "b", per_minute=20)

    async def sent() -> list[float]:
        times = []
        for _ in range(4):
            servers.release(await servers.take(Tries()))
            times.append(clock.now)
        clock.now += 100  # what was not sent meanwhile is not sent at once
        for _ in range(2):
            servers.release(await servers.take(Tries()))
            times.append(clock.now)
        return times

    assert run(sent()) == [1000, 1003, 1006, 1009, 1109, 1112]


async def attempt(servers: Servers, ended: AttemptError | None = None) -> None:
    """One attempt, of a request of its own, from start to end."""
    tries = Tries()
    server = await servers.take(tries)
    if ended is not None:
        servers.failed(server, ended, tries)
    else:
        servers.answered(server, tries)
    servers.release(server)


async def several(servers: Servers, errors: list[AttemptError | None]) -> None:
    """Attempts in flight together, which end in the order given."""
    attempts = [Tries() for _ in errors]
    taken = [await servers.take(tries) for tries in attempts]
    for server, tries, ended in zip(taken, attempts, errors, strict=True):
        if ended is not None:
            assert servers.failed(server, ended, tries)
            assert tries.counted == 0
        else:
            servers.answered(server, tries)
        servers.release(server)


def busy(wait: float) -> AttemptError:
    return AttemptError("a: 429", Kind.BUSY, wait=wait, status=429)


DOWN = AttemptError("a: HTTP 503", Kind.DOWN, status=503)
REFUSED_CONNECTION = AttemptError("a: cannot connect", Kind.DOWN)


def test_a_pause_is_shared_and_ends_with_fewer_at_once(clock: Clock) -> None:
    servers = clock.servers("a")

    async def go() -> None:
        await several(servers, [busy(30), busy(20), busy(0), busy(40)])
        assert int(servers.all[0].room) == 2
        await attempt(servers)
        assert clock.now == 1040
        assert int(servers.all[0].room) == 3

    run(go())


def test_a_wait_of_hours_is_cut_to_what_the_user_allows(clock: Clock) -> None:
    servers = clock.servers("a", max_wait=60)

    async def go() -> None:
        while True:
            await attempt(servers, busy(86_400))

    with pytest.raises(GivenUpError, match="too many requests for 60 s"):
        run(go())


def test_one_request_at_a_time_asks_a_server_that_is_down(clock: Clock) -> None:
    servers = clock.servers("a")

    async def go() -> None:
        await several(servers, [DOWN] * 4)
        probing = Tries()
        probe = await servers.take(probing)
        assert clock.now > 1000
        assert not probe.ready(clock.now + 1000)
        servers.answered(probe, probing)
        servers.release(probe)
        assert [await servers.take(Tries()) for _ in range(4)] == [probe] * 4

    run(go())


def test_what_was_sent_before_the_downtime_does_not_show_its_end(clock: Clock) -> None:
    servers = clock.servers("a")

    async def go() -> None:
        before = Tries()
        server = await servers.take(before)
        clock.now += 1
        await attempt(servers, DOWN)
        servers.answered(server, before)
        assert server.down_since == 1001

    run(go())


@pytest.mark.parametrize(
    ("why", "max_wait", "seconds"),
    [(DOWN, None, 600), (REFUSED_CONNECTION, None, 10), (REFUSED_CONNECTION, 120, 120), (DOWN, 0, 0)],
)
def test_a_server_that_stays_down_is_given_up(
    clock: Clock, why: AttemptError, max_wait: float | None, seconds: float
) -> None:
    servers = clock.servers("a", max_wait=max_wait)

    async def go() -> None:
        while True:
            await attempt(servers, why)

    with pytest.raises(GivenUpError, match=f"down for {seconds} s"):
        run(go())
    assert clock.now == 1000 + seconds


def test_a_503_counts_where_others_sent_since_the_last_were_answered(clock: Clock) -> None:
    servers = clock.servers("a")

    async def go() -> None:
        tries = Tries()
        for counted in (0, 1, 2):
            server = await servers.take(tries)
            clock.now += 1
            await attempt(servers)
            assert servers.failed(server, DOWN, tries)
            assert tries.counted == counted
            assert server.down_since is None
            servers.release(server)
            clock.now += 1

    run(go())


def test_downtime_is_waited_for_and_costs_no_retry() -> None:
    up = threading.Event()

    def reply(number: int, _: dict[str, Any]) -> Reply:
        if number == 40:
            up.set()
        return (200, said()) if number < 10 or up.is_set() else (503, b"loading")

    with scripted(reply) as server:
        responses, lines = ask(
            server.url, 60, retry=RetryPolicy(attempts=1, first_wait=0.01, longest_wait=0.02)
        )
    assert failed(responses) == 0
    assert "waiting up to 600 s" in lines[0]
    assert "up again" in lines[-1]


def test_a_server_that_starts_late_is_waited_for() -> None:
    port = free_port()
    results: list[Response] = []
    url = f"http://127.0.0.1:{port}/v1"
    thread = threading.Thread(target=lambda: results.extend(ask(url, 8, max_wait=60.0)[0]))
    thread.start()
    time.sleep(0.3)
    with scripted(lambda *_: (200, said()), port=port):
        thread.join()
    assert (len(results), failed(results)) == (8, 0)


def test_one_refusal_leaves_the_others_alone() -> None:
    def reply(_: int, body: dict[str, Any]) -> Reply:
        status = {"q3": 403, "q5": 400}.get(question(body), 200)
        return status, said() if status == 200 else error("flagged")

    with scripted(reply) as server:
        responses, _ = ask(server.url, 40)
    assert [number for number, response in enumerate(responses) if response.error] == [3, 5]
    assert len(server.asked) == 40


def test_a_403_for_the_first_is_no_proof_but_one_for_all_is() -> None:
    with scripted(lambda number, _: (403, error("flagged")) if number < 5 else (200, said())) as server:
        responses, _ = ask(server.url, 40, concurrency=1)
    assert failed(responses) == 5
    with scripted(lambda number, _: (403, error(f"your region is refused, request {number}"))) as server:
        responses, _ = ask(server.url, 300)
    assert failed(responses) == 300
    assert len(server.asked) < 20


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_address_ends_it_at_once(status: int) -> None:
    with scripted(lambda *_: (status, error("no"))) as server:
        responses, _ = ask(server.url, 300)
    assert all(f"HTTP {status}: no" in str(response.error) for response in responses)
    assert len(server.asked) <= 4


def test_a_401_after_answers_is_one_requests_own_until_it_is_every_ones() -> None:
    with scripted(lambda number, _: (401, error("no")) if number == 3 else (200, said())) as server:
        assert failed(ask(server.url, 40)[0]) == 1
    with scripted(lambda number, _: (401, error("expired")) if number > 3 else (200, said())) as server:
        responses, _ = ask(server.url, 300)
    assert failed(responses) == 296
    assert len(server.asked) < 20


def test_several_servers_share_the_requests() -> None:
    with scripted(lambda *_: (200, said())) as one, scripted(lambda *_: (200, said())) as two:
        responses, _ = ask(f"{one.url}, {two.url}", 60)
    assert failed(responses) == 0
    assert len(one.asked) + len(two.asked) == 60
    assert min(len(one.asked), len(two.asked)) > 10
    assert max(one.most, two.most) <= 4


@pytest.mark.parametrize("other", ["absent", 401, 503])
def test_a_dead_server_is_left_out_while_others_live(other: Any) -> None:
    with scripted(lambda *_: (200, said())) as good, scripted(lambda *_: (other, error("no"))) as bad:
        url = f"http://127.0.0.1:{free_port()}/v1" if other == "absent" else bad.url
        responses, _ = ask(f"{url},{good.url}", 60, max_wait=0.05)
    assert failed(responses) == 0


def test_names_that_a_server_lists() -> None:
    listed = {"data": [{"id": "base"}, {"id": "my-lora"}, {"id": "llava:latest"}]}
    with scripted(lambda *_: (200, said()), models=listed) as server:
        for name in ("my-lora", "llava"):
            OpenAIBackend(name, server.url).check_model()
        with pytest.raises(UsageError, match="has no such model; did you mean 'my-lora'"):
            OpenAIBackend("my-lra", server.url).check_model()


@pytest.mark.parametrize(
    "listed", [None, [], {"data": None}, {"data": [{"id": 5}, 3]}, b"<html>", b"[" * 100_000]
)
def test_a_server_that_lists_nothing_passes(listed: Any) -> None:
    with scripted(lambda *_: (200, said()), models=listed) as server:
        OpenAIBackend("m", server.url).check_model()
    OpenAIBackend("m", f"http://127.0.0.1:{free_port()}/v1").check_model()


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://llm.example/v1", "http://proxy:3128"),
        ("https://llm.example/v1", None),
        ("http://inside.corp/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://[::1]:8000/v1", None),
    ],
)
def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    from urllib.parse import urlsplit

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", ".corp")
    assert _proxy(urlsplit(url)) == proxy


def test_requests_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(lambda *_: (200, said())) as server:
        monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        responses, _ = ask("http://llm.example/v1", 3)
    assert (failed(responses), len(server.asked)) == (0, 3)


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://host/v1", "http:///v1", "http://host:port/v1", " , "]
)
def test_what_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="--base-url"):
        OpenAIBackend("m", url)
