"""A model several times over: what the asking process and a replica do, with threads in place of Ray."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness import models
from harness.cli import main
from harness.errors import HarnessError, UsageError
from harness.models import replicas, replicas_actor
from harness.models.mock import MockBackend
from harness.models.replicas_actor import Failed, Replica, sent
from harness.types import Request, Sampling
from tasks.images import ImageError, ImageRef
from tasks.prompts import ImagePart
from tasks.types import Response
from tests.fakes import picture
from tests.threaded_replicas import ThreadCluster


def requests(count: int) -> list[Request]:
    return [Request(f"k{index}", (f"question {index}",), (), Sampling(4)) for index in range(count)]


class Windowed(MockBackend):
    """Takes a window of requests before it answers a batch, as `hf` does; it has all that is optional."""

    window = 8
    notes = ("a note",)
    failing_with: Exception | None = None
    """Raised after the first batch."""
    describes: dict[str, Any] = {"model": "windowed"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(echo=True)

    def listen(self, hear: Callable[[str], None]) -> None:
        self.hear = hear

    def describe(self) -> dict[str, Any]:
        return self.describes

    def render(self, request: Request) -> str:
        if not request.parts:
            raise UsageError("no parts")
        return f"<{request.parts[0]}>"

    def found(self) -> dict[str, Any]:
        return {"notes": ["found"]}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        stream = iter(requests)
        window: list[Request] = []
        while True:
            window += islice(stream, self.window - len(window))
            if not window:
                return
            batch, window = window[:4], window[4:]
            self.hear("a batch")
            yield from super().generate(batch)
            if self.failing_with is not None:
                raise self.failing_with


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., replicas.ReplicaBackend]]:
    """Makes `ReplicaBackend`s of threads, ended after the test."""
    monkeypatch.setattr(replicas, "Cluster", ThreadCluster)
    every = []

    def make(backend: Callable[[], Any] = Windowed, count: int = 2) -> replicas.ReplicaBackend:
        spec = models.resolve("mock", replicas=models.ReplicaOptions(count))
        every.append(replicas.ReplicaBackend(spec, lambda _: backend()))
        return every[-1]

    yield make
    for each in every:
        each.close()


def handles(backend: replicas.ReplicaBackend) -> list[Any]:
    return backend._cluster.handles  # type: ignore[attr-defined,no-any-return]


def test_each_request_is_answered_once_and_the_work_is_shared(made: Any) -> None:
    backend = made(count=3)
    lines: list[str] = []
    backend.listen(lines.append)
    asked = requests(200)
    answered = list(backend.generate(iter(asked)))
    assert Counter(request.key for request, _ in answered) == Counter(request.key for request in asked)
    assert all(request in asked and response.text == request.parts[0] for request, response in answered)
    assert sum(handle.requests for handle in handles(backend)) == 200
    assert max(handle.requests for handle in handles(backend)) <= 200 / 3 + 2 * replicas.SLACK
    assert lines == ["a note", "a batch"]  # each once, however many replicas say it
    assert backend.found() == {"notes": ["found"]}


def test_requests_are_pulled_as_there_is_room(made: Any) -> None:
    backend = made()
    pulled = 0

    def stream() -> Iterator[Request]:
        nonlocal pulled
        for request in requests(1000):
            pulled += 1
            yield request

    answers = backend.generate(stream())
    list(islice(answers, 8))
    room = Windowed.window + 4 + replicas_actor.AHEAD
    assert pulled <= 8 + 3 * room * 2, "far fewer than there are"
    answers.close()
    assert len(list(backend.generate(requests(20)))) == 20, "it goes on after a call that was left"


def test_it_is_what_a_single_one_is(made: Any) -> None:
    backend = made()
    backend.start()
    assert backend.describe() == Windowed().describe()
    assert (backend.name, backend.coords) == ("mock", "norm1000")
    assert backend.render(requests(1)[0]) == "<question 0>"
    with pytest.raises(UsageError, match=r"^no parts$"):
        backend.render(Request("k", (), (), Sampling(4)))
    assert made(MockBackend).render(requests(1)[0]) is None


def test_what_a_replica_that_died_had_not_answered_is_asked_again(made: Any) -> None:
    backend = made()
    lines: list[str] = []
    backend.listen(lines.append)
    seen: Counter[str] = Counter()
    for request, _ in backend.generate(requests(100)):
        seen[request.key] += 1
        if sum(seen.values()) == 30:
            handles(backend)[0].kill()
    assert seen == Counter(request.key for request in requests(100))
    [died] = [line for line in lines if "died" in line]
    again = int(died.partition(" requests")[0].split()[-1])
    assert sum(handle.requests for handle in handles(backend)) == 100 + again
    assert len(handles(backend)) == 3


def test_replicas_that_die_again_and_again_end_the_run(made: Any) -> None:
    backend = made()
    answered = 0

    def killing() -> None:
        nonlocal answered
        for _ in backend.generate(requests(1000)):
            answered += 1
            for handle in handles(backend):
                handle.kill()

    with pytest.raises(HarnessError, match="replicas have died 7 times"):
        killing()
    assert len(handles(backend)) <= 2 + replicas.DEATHS * 2
    assert answered


@pytest.mark.parametrize("error", [UsageError("no such thing"), HarnessError("the server ended")])
def test_a_model_that_raises_ends_the_run_as_a_single_one_does(made: Any, error: HarnessError) -> None:
    backend = made(type("Raising", (Windowed,), {"failing_with": error}))
    with pytest.raises(HarnessError) as raised:
        list(backend.generate(requests(50)))
    assert (type(raised.value), str(raised.value)) == (type(error), str(error))


def test_a_bug_is_named_with_the_replica_s_traceback(made: Any) -> None:
    backend = made(type("Raising", (Windowed,), {"failing_with": KeyError("x")}))
    with pytest.raises(HarnessError, match=r"^KeyError: 'x'$") as raised:
        list(backend.generate(requests(50)))
    assert "in generate" in str(raised.value.__cause__)


def test_a_model_that_cannot_be_loaded_says_why(made: Any) -> None:
    def broken() -> Any:
        raise UsageError("m: no weights")

    with pytest.raises(UsageError, match=r"^m: no weights$"):
        made(broken).start()


def test_replicas_that_differ_are_refused(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    devices, first, reply = iter(["cpu", "cuda"]), threading.Event(), ThreadCluster.reply

    def placed() -> Any:
        device = next(devices)
        if device == "cuda":
            assert first.wait(30), "the other one is not there"
        return type("Placed", (Windowed,), {"describes": {"model": "m", "device": device}})()

    def taken(self: ThreadCluster, reference: Any) -> Any:
        result = reply(self, reference)
        if isinstance(result, replicas_actor.Loaded):
            first.set()
        return result

    monkeypatch.setattr(ThreadCluster, "reply", taken)
    backend = made(placed)
    with pytest.raises(HarnessError, match=r"differs in model: device is 'cuda' there and 'cpu' elsewhere"):
        backend.start()
    backend = made()
    monkeypatch.setattr(replicas_actor, "place_versions", lambda _: {"harness": "0.0"})
    with pytest.raises(HarnessError, match=r"differs in versions: harness is '0.0' there"):
        backend.start()


def test_it_starts_without_a_replica_that_finds_no_room(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, room, told = made(), threading.Event(), []
    hello, asked = Replica.hello, itertools.count()

    def late(self: Replica, *given: Any) -> Any:
        if next(asked):
            room.wait(30)
        return hello(self, *given)

    monkeypatch.setattr(Replica, "hello", late)
    monkeypatch.setattr(replicas, "UNPLACED", 0.3)
    backend.listen(told.append)
    assert len(list(backend.generate(requests(20)))) == 20
    assert sorted(handle.requests for handle in handles(backend)) == [0, 20]
    assert any("waiting for room" in line for line in told)
    room.set()
    assert len(list(backend.generate(requests(20)))) == 20
    monkeypatch.setattr(replicas, "NO_PLACE", 0.5)
    room.clear()
    monkeypatch.setattr(Replica, "hello", lambda *_: room.wait(30))
    try:
        with pytest.raises(HarnessError, match="no room for a replica"):
            made().start()
    finally:
        room.set()


def test_closing_from_another_thread_ends_the_start(made: Any) -> None:
    loading = threading.Event()

    def slow() -> Any:
        loading.set()
        time.sleep(1)
        return Windowed()

    backend = made(slow)
    caught: list[HarnessError] = []

    def start() -> None:
        try:
            backend.start()
        except HarnessError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert loading.wait(30)
    backend.close()
    thread.join(30)
    assert "ended before" in str(caught[0])
    assert not any(handle.alive for handle in handles(backend))


def test_an_image_is_sent_as_it_is_stored(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(7))
    stored = ImageRef(tmp_path / "a.png")
    gone = ImageRef(tmp_path / "b.png")
    request = sent(Request("k", (ImagePart(0), "?"), (stored, gone), Sampling(4)))
    assert request.images[0].data == picture(7)
    assert request.images[0].picture().tobytes() == stored.picture().tobytes()
    assert (request.images[0].label, request.images[0].size) == (str(tmp_path / "a.png"), stored.size)
    with pytest.raises(ImageError) as expected:
        gone.picture()
    with pytest.raises(ImageError) as raised:
        request.images[1].picture()
    assert str(raised.value) == str(expected.value)


def test_calls_that_overtake_each_other_lose_no_request() -> None:
    replica = Replica()
    assert not isinstance(replica.load(models.resolve("mock"), models.load), Failed)
    news = replica.begin()
    assert news.wanted == replicas_actor.AHEAD
    asked = requests(3)
    replica.feed((), 3)
    replica.feed(asked[2:])
    replica.feed(asked[:2])
    answers = list(news.answers)
    while not news.over:
        news = replica.news()
        answers += news.answers
    assert {key for key, _ in answers} == {"k0", "k1", "k2"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--base-url http://localhost:1/v1 --replicas 2", "give several servers as --base-url URL,URL"),
        ("--ray-address auto", "--ray-address is for replicas: it needs --replicas N"),
        ("--gpus-per-replica 1", "--gpus-per-replica is for replicas: it needs --replicas N"),
        ("--replicas 0", "replicas: Input should be greater than or equal to 1 (given: 0)"),
    ],
)
def test_what_makes_no_sense_is_refused(flags: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--model", "mock", "--tasks", "ai2d", *flags.split()]) == 2
    assert said in capsys.readouterr().err


def test_without_ray_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.models.replicas_ray.find_spec", lambda _: None)
    words = ["eval", "--model", "mock", "--tasks", "ai2d", "--replicas", "2", "--out", str(tmp_path / "run")]
    assert main(words) == 1
    assert "ray is not installed: pip install -c constraints.txt -e '.[ray]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
