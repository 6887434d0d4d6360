"""Ray, as far as replicas need it: connected to, or started on this machine and ended again."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from harness.errors import FAULTS, HarnessError, UsageError, named
from harness.models.replicas_actor import Replica
from harness.models.spec import ReplicaOptions

_PASSED = "HARNESS_"
"""Variables of this process that replicas in a cluster get, beside PYTHONPATH; others are their machine's."""


ATTEMPTS = 3
"""To start Ray on this machine."""


class LostError(Exception):
    """A replica's process, or its machine, has gone."""


class Cluster:
    """Where replicas run: the Ray of this process, a cluster by its address, or a Ray of our own.

    Ray ends its processes when the thread that started them ends, so this is made in a thread that lasts.

    Raises:
        HarnessError: Ray is not installed, cannot be reached, or has no room for so many replicas.
    """

    def __init__(self, options: ReplicaOptions) -> None:
        if find_spec("ray") is None:
            raise HarnessError("ray is not installed: pip install -c constraints.txt -e '.[ray]'")
        assert options.replicas is not None
        self._folder: str | None = None
        self._connected = False
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self.ray = ray
        try:
            if options.ray_address is not None:
                self._connect(options.ray_address)
            elif not ray.is_initialized():
                self._start(options.replicas)
            self._actor = ray.remote(Replica).options(**self._needs(options))
        except BaseException:
            self.close()
            raise

    def _connect(self, address: str) -> None:
        if "://" in address:
            raise UsageError(f"--ray-address {address}: give HOST:PORT, or auto on a machine of the cluster")
        if self.ray.is_initialized():
            raise UsageError(f"--ray-address {address}: this process is connected to Ray already: leave it out")
        self._init(f"--ray-address {address}", address=address)

    def _start(self, replicas: int) -> None:
        self._folder = tempfile.mkdtemp(prefix="harness-ray-")
        cores = max(replicas, os.cpu_count() or 1)
        how = {"address": "local", "num_cpus": cores, "include_dashboard": False, "_temp_dir": self._folder}
        for left in range(ATTEMPTS - 1, -1, -1):
            try:
                self._init("Ray", **how)
            except HarnessError as error:  # Ray gives its own processes 30 s, which a busy machine may exceed
                if not left or "timed out" not in str(error):
                    raise
            else:
                return

    def _init(self, what: str, **how: Any) -> None:
        try:
            with _own_signals():
                self.ray.init(log_to_driver=False, logging_level=logging.ERROR, **how)
        except SystemExit:  # Ray's answer to SIGTERM while it starts
            raise KeyboardInterrupt from None
        except FAULTS as error:
            raise HarnessError(f"{what} cannot be had: {named(error)}") from error
        self._connected = True
        _speak(aloud=False)

    def _needs(self, options: ReplicaOptions) -> dict[str, Any]:
        """What Ray is asked to reserve for a replica."""
        has = self.ray.cluster_resources()
        replicas, gpus = options.replicas or 1, options.gpus_per_replica
        if gpus is None:
            gpus = 1.0 if has.get("GPU") else 0.0
        cpus = int(has.get("CPU", 0)) // replicas if self._folder is not None else 1
        for name, wanted in (("GPU", gpus), ("CPU", cpus or 1)):
            if replicas * wanted > has.get(name, 0.0):
                raise HarnessError(
                    f"--replicas {replicas}: they want {replicas * wanted:g} {name}s, Ray has "
                    f"{has.get(name, 0):g}: fewer replicas, or --gpus-per-replica"
                )
        needs = {"num_cpus": cpus, "num_gpus": gpus, "max_concurrency": 8, "scheduling_strategy": "SPREAD"}
        variables = {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}
        if path := os.environ.get("PYTHONPATH"):
            variables["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
        if variables and self._folder is None:  # a Ray of our own has this process's environment as it is
            needs["runtime_env"] = {"env_vars": variables}
        return needs

    def new(self) -> Any:
        """A handle of a new replica; Ray places it as it has room."""
        return self._actor.remote()

    def wait(self, replies: Sequence[Any], count: int, seconds: float) -> list[Any]:
        """Those of some references whose replies have come, once there are so many or the time is over."""
        if not replies:
            time.sleep(seconds if count else 0)
            return []
        ready, _ = self.ray.wait(list(replies), num_returns=count, timeout=seconds)
        return list(ready)

    def reply(self, reference: Any) -> Any:
        """A replica's reply.

        Raises:
            LostError: it will not come.
            HarnessError: Ray cannot run the replica.
        """
        known = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except known.RayActorError as error:
            if error.actor_init_failed:
                raise HarnessError(f"Ray's workers cannot run harness: {_last_line(error)}") from error
            raise LostError("its process has ended, or its machine is gone") from error
        except known.OutOfMemoryError as error:
            raise LostError("Ray ended it: its machine ran out of memory") from error
        except (known.NodeDiedError, known.WorkerCrashedError, known.ObjectLostError) as error:
            raise LostError("its machine is gone") from error
        except known.RayError as error:
            raise HarnessError(f"Ray: {_last_line(error)}") from error

    def end(self, replica: Any) -> None:
        """Kill a replica."""
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(replica)

    def close(self) -> None:
        """Leave Ray, and end it where it was started here."""
        if self._connected:
            self._connected = False
            self.ray.shutdown()
            _speak(aloud=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _last_line(error: Exception) -> str:
    """Of a text with a traceback in it: what was raised."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Put back the handlers that Ray takes over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _speak(aloud: bool) -> None:
    """Whether Ray prints a paragraph on standard output for every process that dies: we say it in a line."""
    from ray._private import worker

    if hasattr(worker, "_worker_logs_enabled"):
        worker._worker_logs_enabled = aloud
