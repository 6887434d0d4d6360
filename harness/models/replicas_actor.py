"""What runs in each replica's process: a backend, fed with requests and asked for news of its answers.

Nothing here needs Ray: `harness.models.replicas` makes an actor of `Replica`, whose methods Ray calls from
several threads.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from harness.errors import FAULTS, HarnessError, UsageError, named
from harness.models import identity
from harness.models.spec import ModelSpec
from harness.types import Backend, Request
from harness.version import __version__
from scorers.types import Coords
from tasks.images import ImageError, ImageRef
from tasks.types import Response

AHEAD = 4
"""Requests that lie ready in a replica beside those that its backend has taken."""

Load = Callable[[ModelSpec], Backend]
"""What makes a backend: `harness.models.load`."""
_T = TypeVar("_T")


class SentImage(ImageRef):
    """An image on its way to another process: its stored bytes, or why they cannot be read."""

    def __init__(self, image: ImageRef) -> None:
        self._picture = self._path = self.url = self._bytes = None
        self._label, self._unreadable = image.label, ""
        try:
            self._bytes = image.data
        except ImageError as error:
            self._unreadable = str(error)

    @property
    def label(self) -> str:
        """Its file or address, for messages."""
        return self._label

    @property
    def data(self) -> bytes:
        """The encoded image, as the sender had it."""
        if self._bytes is None:
            raise ImageError(self._unreadable)
        return self._bytes


def sent(request: Request) -> Request:
    """A request with its images' stored bytes: the replica's backend makes them ready, as a single one does."""
    return replace(request, images=tuple(map(SentImage, request.images)))


@dataclass(frozen=True, slots=True)
class Failed:
    """An error of a replica's model, to be raised in the asking process as a single model would raise it."""

    said: str
    usage: bool
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """What is known of an error."""
        said = str(error) if isinstance(error, HarnessError) else named(error)
        return cls(said, isinstance(error, UsageError), "".join(traceback.format_exception(error)))

    def raise_it(self) -> None:
        """Raise it, with the replica's traceback as its cause."""
        kind = UsageError if self.usage else HarnessError
        raise kind(self.said) from RuntimeError(f"in a replica:\n{self.trace}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a replica runs."""

    host: str
    pid: int
    versions: Mapping[str, str]
    """Of what its answers may depend on, and of ours."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loaded backend says of itself."""

    name: str
    coords: Coords | None
    described: Mapping[str, Any]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class News:
    """What happened in a replica since it was asked last."""

    answers: Sequence[tuple[str, Response]]
    """Each with its request's key."""
    wanted: int
    """Requests that it has room for since `begin`, those that it was given included."""
    lines: Sequence[str]
    """What the backend has to say."""
    found: Mapping[str, Any]
    """What it found out while asking."""
    over: bool
    """Whether its backend has ended."""
    failed: Failed | None = None


@dataclass
class _Round:
    """One call of the backend's `generate`."""

    queue: deque[Request] = field(default_factory=deque)
    taken: int = 0
    told: int = 0
    """Of `wanted`, in the latest news."""
    last: int | None = None
    """After how many requests the stream ends, once that is known."""
    answers: list[tuple[str, Response]] = field(default_factory=list)
    over: bool = False
    failed: Failed | None = None


def place_versions(spec: ModelSpec) -> dict[str, str]:
    """Versions that have to be equal in the asking process and in every replica."""
    return {"harness": __version__, **identity.versions(spec)}


class Replica:
    """A backend in a process of its own. Its answers are kept until they are asked for."""

    def __init__(self) -> None:
        self._backend: Backend | None = None
        self._change = threading.Condition()
        self._round = _Round(over=True)
        self._lines: list[str] = []

    def hello(self, spec: ModelSpec, folder: str) -> Place:
        """Take the asking process's working folder, in which paths are meant, where this machine has it."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
        return Place(platform.node(), os.getpid(), place_versions(spec))

    def load(self, spec: ModelSpec, load: Load) -> Loaded | Failed:
        """Load the model, and start what it has to start."""
        return _guarded(lambda: self._load(spec, load))

    def _load(self, spec: ModelSpec, load: Load) -> Loaded:
        self._backend = backend = load(spec)
        if (listen := getattr(backend, "listen", None)) is not None:
            listen(self._hear)
        if (start := getattr(backend, "start", None)) is not None:
            start()
        return Loaded(backend.name, backend.coords, backend.describe(), getattr(backend, "notes", ()))

    def _hear(self, line: str) -> None:
        with self._change:
            self._lines.append(line)
            self._change.notify_all()

    def render(self, request: Request) -> str | Failed | None:
        """The prompt as the chat template writes it; None where the backend cannot know."""
        render: Callable[[Request], str | None] = getattr(self._backend, "render", lambda _: None)
        return _guarded(lambda: render(request))

    def begin(self) -> News:
        """Have the backend answer what `feed` will bring."""
        self._round = _Round()
        threading.Thread(target=self._answer, args=(self._round,), name="answering", daemon=True).start()
        return self.news()

    def feed(self, requests: Sequence[Request], last: int | None = None) -> None:
        """Add requests. `last`: how many it were since `begin`, once no more will come."""
        with self._change:
            self._round.queue.extend(requests)
            self._round.last = last if last is not None else self._round.last  # calls may overtake each other
            self._change.notify_all()

    def news(self) -> News:
        """Wait until there is something to tell, and tell it."""
        this = self._round
        with self._change:
            self._change.wait_for(
                lambda: this.answers or self._lines or this.over or this.taken + AHEAD > this.told
            )
            this.told = this.taken + AHEAD
            answers, this.answers = this.answers, []
            lines, self._lines = self._lines, []
            over, failed = this.over, this.failed
        find: Callable[[], dict[str, Any]] = getattr(self._backend, "found", dict)
        return News(answers, this.told, lines, find(), over, failed)

    def close(self) -> None:
        """End the backend, with what it has started."""
        if self._backend is not None:
            self._backend.close()

    def _answer(self, this: _Round) -> None:
        assert self._backend is not None
        failed = None
        try:
            for request, response in self._backend.generate(self._requests(this)):
                with self._change:
                    this.answers.append((request.key, response))
                    self._change.notify_all()
        except FAULTS as error:  # whatever it is, the asking process raises it
            failed = Failed.of(error)
        with self._change:
            this.over, this.failed = True, failed
            self._change.notify_all()

    def _requests(self, this: _Round) -> Iterator[Request]:
        """What was fed, as the backend takes it."""
        while True:
            with self._change:
                self._change.wait_for(lambda: this.queue or this.taken == this.last)
                if not this.queue:
                    return
                request = this.queue.popleft()
                this.taken += 1
                self._change.notify_all()
            yield request


def _guarded(call: Callable[[], _T]) -> _T | Failed:
    """What a call gives, or its error."""
    try:
        return call()
    except FAULTS as error:
        return Failed.of(error)
