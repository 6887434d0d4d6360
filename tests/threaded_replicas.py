"""A stand-in for Ray: replicas are threads of this process, and can be killed."""

from __future__ import annotations

import pickle
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import Any

from harness.models.replicas_actor import Replica
from harness.models.replicas_ray import LostError


class Call:
    """One method of a replica, called in a thread; requests and results are pickled, as by Ray."""

    def __init__(self, handle: Handle, name: str) -> None:
        self._handle, self._name = handle, name

    def remote(self, *arguments: Any) -> Future[Any]:
        if self._name in ("feed", "render"):
            arguments = pickle.loads(pickle.dumps(arguments))
        return self._handle.call(self._name, arguments)


class Handle:
    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.alive = True
        self.requests = 0
        """That it was fed with."""
        self._pool = ThreadPoolExecutor(8)
        self._pending: list[Future[Any]] = []
        self._lock = Lock()

    def __getattr__(self, name: str) -> Call:
        return Call(self, name)

    def call(self, name: str, given: tuple[Any, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        if name == "feed":
            self.requests += len(given[0])

        def run() -> None:
            try:
                result = pickle.loads(pickle.dumps(getattr(self.replica, name)(*given)))
            except Exception as error:  # noqa: BLE001 - whatever a call raises is its caller's
                self._settle(future, error=error)
            else:
                self._settle(future, result)

        with self._lock:
            if not self.alive:
                future.set_exception(LostError("killed"))
                return future
            self._pending.append(future)
        self._pool.submit(run)
        return future

    def _settle(self, future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
        with self._lock:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

    def kill(self) -> None:
        """What the replica has not replied to by now gets no reply."""
        with self._lock:
            self.alive = False
            for future in self._pending:
                if not future.done():
                    future.set_exception(LostError("killed"))
        self._pool.shutdown(wait=False)
        this = self.replica._round  # so that its threads end
        with self.replica._change:
            this.queue.clear()
            this.last, this.over = this.taken, True
            self.replica._change.notify_all()


class ThreadCluster:
    """In place of `harness.models.replicas.Cluster`."""

    def __init__(self, *_: Any) -> None:
        self.handles: list[Handle] = []
        self.closed = 0

    def new(self) -> Handle:
        self.handles.append(Handle(Replica()))
        return self.handles[-1]

    def wait(self, replies: list[Future[Any]], count: int, seconds: float) -> list[Future[Any]]:
        whole = FIRST_COMPLETED if count < len(replies) or count == 1 else ALL_COMPLETED
        return [reply for reply in replies if reply in wait(replies, seconds, whole).done]

    def reply(self, reference: Future[Any]) -> Any:
        return reference.result()

    def end(self, replica: Handle) -> None:
        replica.kill()

    def close(self) -> None:
        self.closed += 1
