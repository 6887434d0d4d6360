"""Killable workers: time, memory, death, recycling, threads, forks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scorers.types import ScorerError
from scorers.workers import WorkerPool

JOBS = """
import os, sys, time
from scorers.workers import serve

def answer(request):
    job, argument = request
    if job == "echo":
        return argument
    if job == "print":
        print(argument, flush=True)
        return argument
    if job == "pid":
        return os.getpid()
    if job == "sleep":
        time.sleep(argument)
        return argument
    if job == "spin":
        while True:
            pass
    if job == "digits":
        return 9 ** 9 ** 9 % 10
    if job == "allocate":
        return len(bytearray(argument))
    if job == "swallow":
        try:
            return len(bytearray(argument)) + len(b"x" * argument)
        except MemoryError:
            return 0
    if job == "die":
        os._exit(1)
    raise ValueError(job)

time.sleep(float(os.environ.get("SLOW_START", 0)))
if os.environ.get("FAIL_START"):
    raise ImportError("no such engine")
serve(answer)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "worker_jobs.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "worker_jobs"


@pytest.fixture
def pool(module: str) -> Iterator[WorkerPool]:
    pool = WorkerPool(module, seconds=60.0, memory=1 << 28)
    yield pool
    pool.close()


def gone(pid: int) -> bool:
    """Whether a process has ended and was waited for (a zombie still has its directory)."""
    return not Path(f"/proc/{pid}").exists()


def test_jobs_are_answered_by_one_worker(pool: WorkerPool) -> None:
    assert pool.pids() == ()
    assert pool.call(["echo", {"a": [1, "é\ud800"]}]) == {"a": [1, "é\ud800"]}
    assert pool.pids() == (pool.call(["pid", None]),)
    assert pool.call(["pid", None]) == pool.call(["pid", None])


def test_prints_do_not_disturb(pool: WorkerPool) -> None:
    assert pool.call(["print", "noise"]) == "noise"
    assert pool.call(["echo", 1]) == 1


@pytest.mark.parametrize("job", ["spin", "digits"])
def test_time_limit_kills_and_is_an_error(module: str, job: str) -> None:
    """Pure Python and a single endless C call alike."""
    pool = WorkerPool(module, seconds=2.0)
    pid = pool.call(["pid", None])
    with pytest.raises(ScorerError, match="more than 2 s"):
        pool.call([job, None])
    assert gone(pid)
    assert pool.call(["echo", 1]) == 1
    pool.close()


def test_start_is_not_counted_as_work(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOW_START", "2.5")
    pool = WorkerPool(module, seconds=2.0)
    assert pool.call(["echo", 1]) == 1
    pool.close()


def test_slow_start_is_an_error(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOW_START", "30")
    pool = WorkerPool(module, startup_seconds=0.3)
    with pytest.raises(ScorerError, match="did not start"):
        pool.call(["echo", 1])


def test_failed_start_says_why(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL_START", "1")
    with pytest.raises(ScorerError, match="no such engine"):
        WorkerPool(module).call(["echo", 1])


def test_unknown_module_is_an_error() -> None:
    with pytest.raises(ScorerError, match="did not start"):
        WorkerPool("no_such_worker").call(["echo", 1])


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
@pytest.mark.parametrize("job", ["allocate", "swallow"])
def test_memory_is_bounded(pool: WorkerPool, job: str) -> None:
    """Also where the job swallows the exception."""
    assert pool.call(["allocate", 1 << 20]) == 1 << 20
    with pytest.raises(ScorerError, match="out of memory"):
        pool.call([job, 1 << 30 if job == "allocate" else 150 << 20])
    assert pool.call(["echo", 1]) == 1


def test_a_large_parent_does_not_count(pool: WorkerPool) -> None:
    held = bytearray(300 << 20)
    held[:: 1 << 12] = bytes(len(held[:: 1 << 12]))
    assert pool.call(["echo", 1]) == 1


def test_a_killed_idle_worker_is_replaced(pool: WorkerPool) -> None:
    pid = pool.call(["pid", None])
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert pool.call(["pid", None]) != pid
    assert gone(pid)


def test_a_worker_killed_at_work_is_replaced_once(pool: WorkerPool) -> None:
    pid = pool.call(["pid", None])
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    assert pool.call(["sleep", 0.5]) == 0.5
    assert gone(pid)


def test_a_worker_that_dies_twice_is_an_error(pool: WorkerPool) -> None:
    with pytest.raises(ScorerError, match="died twice"):
        pool.call(["die", None])
    with pytest.raises(ScorerError, match="died twice"):
        pool.call(["no such job", None])
    assert pool.call(["echo", 1]) == 1


def test_workers_are_recycled(module: str) -> None:
    pool = WorkerPool(module, jobs=3)
    pids = [pool.call(["pid", None]) for _ in range(6)]
    assert len(set(pids)) == 2
    assert all(map(gone, pids))


def test_threads_get_their_own_answers(module: str) -> None:
    pool = WorkerPool(module, size=2)
    got: dict[int, list[int]] = {}

    def work(thread: int) -> None:
        got[thread] = [pool.call(["echo", 100 * thread + i]) for i in range(20)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {thread: [100 * thread + i for i in range(20)] for thread in range(5)}
    assert len(pool.pids()) <= 2
    pool.close()


def test_close_leaves_no_process_and_the_pool_usable(pool: WorkerPool) -> None:
    pid = pool.call(["pid", None])
    pool.close()
    assert gone(pid)
    assert pool.call(["pid", None]) != pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own(pool: WorkerPool) -> None:
    pid = pool.call(["pid", None])
    child = os.fork()
    if child == 0:
        own = pool.call(["pid", None])
        pool.close()
        os._exit(0 if own != pid else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool.call(["pid", None]) == pid


@pytest.mark.skipif(sys.platform == "win32", reason="no alarm here")
def test_a_hanging_worker_ends_without_its_parent(module: str, tmp_path: Path) -> None:
    """The parent is killed while its worker spins: the worker's own clock ends it."""
    import subprocess

    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from scorers.workers import WorkerPool\np = WorkerPool({module!r}, seconds=0.3)\n"
            "print(p.call(['pid', None]), flush=True)\nimport threading, os\n"
            "threading.Timer(0.1, os._exit, (9,)).start()\np.call(['spin', None])",
        ],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}{os.pathsep}{tmp_path}"},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.wait(20) == 9
    parent.stdout.close()
    end = time.monotonic() + 10
    while _running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _running(pid)


def _running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
