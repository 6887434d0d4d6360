"""The model of a run: loaded where something is to be asked, and while the run is planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import fields, replace
from threading import Event
from typing import Any, TypeVar

from harness import models
from harness.config import RunConfig
from harness.data import BadRow, RowSource
from harness.models.identity import versions
from harness.types import Backend
from scorers.types import Coords
from tasks.types import Row

_T = TypeVar("_T")


class Stopped(Exception):  # noqa: N818 - not an error: what the work was for has failed
    """Work beside the loading of a model that is not wanted any more."""


def spec_of(config: RunConfig) -> models.ModelSpec:
    """The model that a configuration names, and how it is loaded.

    Raises:
        UsageError: there is no such model or backend.
    """
    return models.resolve(
        config.model,
        backend=config.backend,
        coords=config.coords,
        base_url=config.base_url,
        revision=config.revision,
        dtype=config.dtype,
        batch_size=config.batch_size,
        api_key_env=config.api_key_env,
        concurrency=config.concurrency,
        delimiters=config.all_delimiters,
        pixels=config.pixels,
        checkpoint=models.CheckpointOptions(
            **{**_named(models.CheckpointOptions, config), "chat_template": config.chat_template_text()}
        ),
        server=models.ServerOptions(**_named(models.ServerOptions, config)),
        replicas=models.ReplicaOptions(**_named(models.ReplicaOptions, config)),
        vllm=models.VLLMOptions(**_named(models.VLLMOptions, config)),
    )


def _named(options: type[Any], config: RunConfig) -> dict[str, Any]:
    """The settings of a configuration that are fields of options, by name."""
    return {field.name: getattr(config, field.name) for field in fields(options)}


class RunModel:
    """A model that is loaded once it is needed.

    Args:
        spec: what to load; None where `backend` is given.
        backend: a loaded model, which its owner closes.
        say: takes a line that the user should know.
    """

    def __init__(
        self, spec: models.ModelSpec | None, backend: Backend | None, say: Callable[[str], None]
    ) -> None:
        self._spec, self._backend, self._say = spec, backend, say
        self._mine = backend is None
        self._started = False
        self._described: dict[str, Any] | None = None
        self._coords: Coords | None = None
        if spec is not None:
            self._coords = spec.coords

    @property
    def loaded(self) -> bool:
        """Whether there is a model, not only a description."""
        return self._backend is not None

    @property
    def coords(self) -> Coords | None:
        """The convention of its family: the loaded model's, else what is expected."""
        return self._backend.coords if self._backend is not None else self._coords

    def recall(self, described: Mapping[str, Any], coords: Coords | None) -> None:
        """Take over what a run recorded of the same model, until it is loaded."""
        self._described, self._coords = dict(described), coords

    def describe(self) -> dict[str, Any]:
        """Its description with backend and versions of packages; the model is loaded where none is known."""
        if self._described is None:
            backend = self.load()
            self._described = {"backend": backend.name, **backend.describe()}
            if self._spec is not None and (found := versions(self._spec)):
                self._described["versions"] = found
            if self._spec is not None and self._spec.checkpoint.allow_missing_weights:
                self._described["allow_missing_weights"] = True
        return self._described

    def load(self) -> Backend:
        """The model, loaded and started. What was recalled of it does not count any more.

        Raises:
            HarnessError: it cannot be loaded or started.
        """
        backend = self._load()
        self._start(backend)
        return backend

    def load_beside(self, work: Callable[[Event], _T]) -> _T:
        """Load the model while other work is done in a thread; the result of the work.

        The model is loaded in the calling thread: torch has settings by thread, and Ctrl-C reaches it there. A
        server is waited for in another thread, so that an error of either side ends both at once.

        Args:
            work: is given an event; once that is set it should raise `Stopped`.
        """
        stop = Event()
        with ThreadPoolExecutor(2, "beside") as pool:
            working = pool.submit(work, stop)
            both: list[Future[Any]] = [working]
            try:
                backend = self._load()
                both.append(pool.submit(self._start, backend))
                for future in wait(both, return_when=FIRST_EXCEPTION).done:
                    future.result()
                return working.result()
            except BaseException:
                stop.set()
                while len(both) > 1 and not both[1].done():  # a start may not have begun when it is ended
                    backend.close()
                    wait(both[1:], timeout=0.2)
                raise

    def _load(self) -> Backend:
        if self._backend is None:
            assert self._spec is not None
            self._described = None
            self._backend = models.load(self._spec)
            for note in getattr(self._backend, "notes", ()):
                self._say(note)
            if (listen := getattr(self._backend, "listen", None)) is not None:
                listen(self._say)
        return self._backend

    def found(self) -> dict[str, Any]:
        """What it found out while asking, as `run.json` keeps it; empty where it finds out nothing."""
        find: Callable[[], dict[str, Any]] | None = getattr(self._backend, "found", None)
        return find() if find is not None else {}

    def _start(self, backend: Backend) -> None:
        start = getattr(backend, "start", None)
        if start is not None and not self._started:
            start()
        self._started = True

    def close(self) -> None:
        """Free the model, unless it was given."""
        backend = self._backend
        if self._mine and backend is not None:
            self._backend = None
            backend.close()


def stoppable(source: RowSource, stop: Event) -> RowSource:
    """A source whose rows end with `Stopped` once the event is set."""

    def rows() -> Iterator[Row | BadRow]:
        for row in source.open():
            if stop.is_set():
                raise Stopped
            yield row

    return replace(source, open=rows)
