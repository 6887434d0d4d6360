"""Replicas as actors of a real Ray: the same answers as one, whatever becomes of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness import models
from harness.errors import HarnessError, UsageError
from harness.models import replicas
from harness.models.replicas_ray import Cluster
from harness.types import Request, Sampling

ray = pytest.importorskip("ray", reason="ray is not installed: pip install -c constraints.txt -e '.[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray that this process is connected to, as a user of the Python API may be."""
    before = signal.getsignal(signal.SIGTERM)
    with closing(Cluster(models.ReplicaOptions(2))):
        assert signal.getsignal(signal.SIGTERM) is before
        yield


@pytest.fixture
def made(cluster: None) -> Iterator[Any]:
    """Makes backends of two replicas, ended after the test."""
    every = []

    def make(name: str) -> replicas.ReplicaBackend:
        every.append(models.load(models.resolve(name, replicas=models.ReplicaOptions(2))))
        return every[-1]  # type: ignore[return-value]

    yield make
    for each in every:
        each.close()
    assert ray.is_initialized(), "Ray is not ours to end"


def requests(count: int) -> list[Request]:
    return [Request(f"k{index}", (f"question {index}",), (), Sampling(4)) for index in range(count)]


def pids(backend: replicas.ReplicaBackend) -> list[int]:
    return [replica.pid for replica in backend._replicas if replica.pid]


def test_two_replicas_answer_as_one_model_does(cluster: None, same_answers: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    how: dict[str, Any] = {"tasks": "ai2d,chartqa,refcoco", "data": "synthetic"}
    harness.evaluate("tiny", limit=12, out=str(tmp_path / "one"), **how)
    harness.evaluate("tiny", limit=4, out=str(tmp_path / "both"), **how)
    both = harness.evaluate("tiny", limit=12, replicas=2, out=str(tmp_path / "both"), **how)
    assert both.asked == 24, "a run is the same however many answer it"
    single, several = (same_answers.answers(tmp_path / name) for name in ("one", "both"))
    for line in (*single.values(), *several.values()):
        line.pop("latency")
    assert len(single) == 36
    assert single == several, "keys, texts, token counts and sizes"


def test_nothing_is_lost_with_a_replica_that_is_killed(made: Any) -> None:
    backend = made("mock:echo,latency=0.02")
    lines: list[str] = []
    backend.listen(lines.append)
    seen: Counter[str] = Counter()
    for request, response in backend.generate(requests(150)):
        assert response.text == request.parts[0]
        seen[request.key] += 1
        if sum(seen.values()) == 40:
            os.kill(pids(backend)[0], signal.SIGKILL)
    assert seen == Counter(request.key for request in requests(150))
    [died] = lines
    assert died.startswith(f"a replica on {os.uname().nodename} died (its process has ended, or its machine")
    assert int(died.partition(" requests")[0].split()[-1]) <= 10, "what it held, and no more"


def test_replicas_that_die_again_and_again_end_the_run(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "DEATHS", 1)
    backend = made("mock:latency=0.02")

    def killing() -> None:
        for _ in backend.generate(requests(1000)):
            for pid in pids(backend):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    with pytest.raises(HarnessError, match=r"replicas have died 3 times, the last on .*: too little memory"):
        killing()


def test_a_model_that_cannot_be_loaded_says_what_a_single_one_says(made: Any) -> None:
    with pytest.raises(UsageError) as single:
        models.load(models.resolve("mock:latency=x"))
    with pytest.raises(UsageError) as several:
        made("mock:latency=x").start()
    assert str(several.value) == str(single.value)


def test_more_than_there_is_room_for_is_refused(cluster: None) -> None:
    many = int(ray.cluster_resources()["CPU"]) + 1
    for options, said in (
        (models.ReplicaOptions(2, gpus_per_replica=1), "they want 2 GPUs, Ray has 0"),
        (models.ReplicaOptions(many), f"they want {many} CPUs, Ray has {many - 1}"),
        (models.ReplicaOptions(2, "x:1"), "this process is connected to Ray already: leave it out"),
        (models.ReplicaOptions(2, "ray://x:1"), "give HOST:PORT, or auto on a machine of the cluster"),
    ):
        with pytest.raises(HarnessError, match=said):
            models.load(models.resolve("mock", replicas=options))


def test_a_signal_ends_replicas_and_the_ray_that_was_started_for_them(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    words = ["eval", "--model", "mock:latency=0.1", "--tasks", "ai2d", "--limit", "300", "--no-report"]
    words += ["--data", "synthetic", "--replicas", "2", "--out", str(tmp_path / "run")]
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        journal = tmp_path / "run" / "samples" / "ai2d.jsonl"
        deadline = time.monotonic() + 300
        while not journal.exists() or len(journal.read_bytes().splitlines()) < 5:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "no answers"
            time.sleep(0.1)
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) > 4
        process.send_signal(signal.SIGTERM)
        printed, said = process.communicate(timeout=120)
        assert process.returncode == 130
        assert printed == b""
        assert said.decode().endswith("harness eval: interrupted; the same command continues\n")
        assert not psutil.wait_procs(started, timeout=30)[1]
        assert not list(Path(folder).glob("harness-ray-*"))
    assert not (tmp_path / "run" / "lock").exists()
