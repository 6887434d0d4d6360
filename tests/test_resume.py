"""Continuing costs nothing: a finished run loads no model, and no old run is lost for a new one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness import models
from harness.errors import HarnessError, UsageError
from harness.models.mock import MockBackend
from harness.run.rescoring import rescore
from harness.scores.results import Results
from harness.types import Backend, Request
from tasks.types import Response

HERE = Path(__file__).parent
FAKES = str(HERE / "fakes.py")


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType) -> Path:
    return fakes.write(tmp_path / "data", "letters", [fakes.row(i) for i in range(20)])


def run(data: Path, backend: Any = "mock", **settings: Any) -> Results:
    settings = {"out": str(data.parent / "run"), "task_file": (FAKES,), "tasks": "letters", **settings}
    return harness.evaluate(backend, data=str(data), **settings)


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that were loaded."""
    names: list[str] = []
    real = models.load

    def load(spec: models.ModelSpec) -> Backend:
        names.append(spec.name)
        return real(spec)

    monkeypatch.setattr(models, "load", load)
    return names


def test_a_finished_run_loads_no_model(data: Path, loading: list[str]) -> None:
    first = run(data)
    (data.parent / "run" / "scores" / "letters.jsonl").unlink()
    again = run(data)
    assert loading == ["mock"]
    assert (again.tasks, again.model) == (first.tasks, first.model)
    assert (data.parent / "run" / "scores" / "letters.jsonl").exists()


def test_what_is_not_answered_loads_one(data: Path, loading: list[str]) -> None:
    run(data, "mock:failing=1.0", limit=5)
    assert run(data, limit=5).tasks["letters"].counted == 5
    assert run(data, limit=8).tasks["letters"].counted == 8
    assert loading == ["mock:failing=1.0", "mock", "mock"]


def test_a_finished_run_of_a_checkpoint_imports_no_torch(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", lambda spec: MockBackend())
    run(data, "tiny")
    words = ["eval", "--model", "tiny", "--tasks", "letters", "--task-file", FAKES, "--data", str(data)]
    code = f"""
import sys
from harness.cli import main
code = main({[*words, "--out", str(data.parent / "run")]!r})
print(sorted({{"torch", "transformers"}} & sys.modules.keys()))
sys.exit(code)
"""
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "20 of 20 are answered already" in again.stderr
    assert again.stdout.endswith("[]\n")


@pytest.fixture
def charts(tmp_path: Path, fakes: ModuleType) -> Path:
    """Rows of a built-in task, each with a picture in a file of its own."""
    rows = [
        {"question": f"How many {index}?", "answer": "3", "image": f"{index}.png", "type": "human"}
        for index in range(6)
    ]
    data: Path = fakes.write(tmp_path / "data", "chartqa", rows)
    for index in range(6):
        (data / "chartqa" / f"{index}.png").write_bytes(fakes.picture(index))
    return data


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that were planned."""
    from harness.run import engine

    names: list[str] = []
    real = engine.plan_task

    def plan_task(task: Any, *rest: Any) -> Any:
        names.append(task.name)
        return real(task, *rest)

    monkeypatch.setattr(engine, "plan_task", plan_task)
    return names


def ask(data: Path, model: str = "mock:text=3", **settings: Any) -> Results:
    return run(data, model, tasks="chartqa", task_file=(), **settings)


def test_a_finished_run_is_not_planned_again(charts: Path, planned: list[str]) -> None:
    first = ask(charts)
    before = files(charts.parent / "run")
    again = ask(charts)
    assert planned == ["chartqa"]
    assert (again.tasks, again.mean, again.exit_code) == (first.tasks, first.mean, first.exit_code)
    assert (first.asked, again.asked) == (6, 0)
    assert files(charts.parent / "run") == before


def cut(path: Path, lines: int = 1) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[lines:]))


CHANGES: dict[str, Callable[[Path, Path, ModuleType], Any]] = {
    "an answer has gone": lambda run, _, __: cut(run / "samples" / "chartqa.jsonl"),
    "an item has gone": lambda run, _, __: cut(run / "items" / "chartqa.jsonl"),
    "a score has gone": lambda run, _, __: cut(run / "scores" / "chartqa.jsonl"),
    "no scores": lambda run, _, __: (run / "scores" / "chartqa.jsonl").unlink(),
    "other results": lambda run, _, __: (run / "results.json").write_text("{}"),
    "a copy has gone": lambda run, _, __: next((run / "images").iterdir()).unlink(),
    "another picture": lambda _, data, fakes: (data / "chartqa" / "0.png").write_bytes(fakes.picture(99)),
    "no picture": lambda _, data, __: (data / "chartqa" / "0.png").unlink(),
    "no record": lambda run, _, __: (run / "finished.json").unlink(),
    "a damaged record": lambda run, _, __: (run / "finished.json").write_text('{"answered": [1]}'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_finished_run_that_is_not_as_it_was_is_planned_again(
    charts: Path, fakes: ModuleType, planned: list[str], change: str
) -> None:
    first = ask(charts)
    before = files(charts.parent / "run")
    CHANGES[change](charts.parent / "run", charts, fakes)
    again = ask(charts)
    assert len(planned) == 2
    if "picture" not in change:
        assert again.tasks == first.tasks
        after = files(charts.parent / "run")
        assert [name for name in before if name.startswith(("items", "scores", "images"))] == [
            name for name in after if name.startswith(("items", "scores", "images"))
        ]
    assert again.tasks["chartqa"].failed == (change == "no picture")
    assert again.asked == (change in ("an answer has gone", "another picture"))


def test_other_source_or_packages_or_flags_plan_again(
    charts: Path, planned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.run import finished

    ask(charts)
    ask(charts, failure_budget=0.5)
    assert len(planned) == 2
    ask(charts, failure_budget=0.5)
    assert len(planned) == 2
    for name, value in (("_source", lambda: "other"), ("versions", lambda: {"pillow": "0"})):
        with monkeypatch.context() as patched:
            patched.setattr(finished, name, value)
            ask(charts, failure_budget=0.5)
        ask(charts, failure_budget=0.5)
    assert len(planned) == 6


def test_a_run_with_a_failure_is_tried_again(charts: Path, planned: list[str], fakes: ModuleType) -> None:
    (charts / "chartqa" / "0.png").unlink()
    assert ask(charts).tasks["chartqa"].failed == 1
    (charts / "chartqa" / "0.png").write_bytes(fakes.picture(0))
    again = ask(charts)
    assert (again.asked, again.tasks["chartqa"].failed, len(planned)) == (1, 0, 2)


class Starting(MockBackend):
    """Has a server that starts when it is told to, and notes what happens to it."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.events: list[str] = []
        self.error = error
        self.ready, self.closed = threading.Event(), threading.Event()

    def start(self) -> None:
        self.events.append("start")
        if self.error is not None:
            raise self.error
        while not self.ready.wait(0.01):
            if self.closed.is_set():
                raise HarnessError("ended while it started")
        self.events.append("ready")

    def close(self) -> None:
        self.closed.set()


def with_server(monkeypatch: pytest.MonkeyPatch, server: Starting) -> None:
    monkeypatch.setattr(models, "load", lambda spec: server)


def slow_rows(monkeypatch: pytest.MonkeyPatch, met: list[int], then: Any = lambda index: None) -> None:
    """Planning meets one row after the other, without end; `then` is called with its number."""
    from harness.data import RowSource

    def rows() -> Iterator[Any]:
        for index in range(10**9):
            met.append(index)
            then(index)
            time.sleep(0.001)
            yield {"id": f"r{index}", "question": "?", "answer": "A"}

    source = RowSource(rows, "f", "endless")
    monkeypatch.setattr("harness.run.engine.load_rows", lambda *_, **__: source)


def test_a_server_starts_while_the_run_is_planned(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Starting()
    with_server(monkeypatch, server)
    slow_rows(monkeypatch, [], lambda index: server.ready.set() if index == 3 else None)
    assert run(data, limit=5).tasks["letters"].counted == 5
    assert server.events == ["start", "ready"]
    assert server.closed.is_set()


@pytest.mark.parametrize("where", ["load", "start"])
def test_a_model_that_fails_ends_the_planning(data: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    error = HarnessError("no such weights")

    def load(spec: models.ModelSpec) -> Backend:
        if where == "load":
            raise error
        return Starting(error)

    monkeypatch.setattr(models, "load", load)
    met: list[int] = []
    slow_rows(monkeypatch, met)
    with pytest.raises(HarnessError, match="no such weights"):
        run(data)
    assert not (data.parent / "run").exists()


@pytest.mark.parametrize(
    "error", [UsageError("a bad template"), KeyboardInterrupt()], ids=["error", "interrupt"]
)
def test_planning_that_fails_ends_the_start_of_a_server(
    data: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    server = Starting()
    with_server(monkeypatch, server)

    def fail(index: int) -> None:
        raise error

    slow_rows(monkeypatch, [], fail)
    with pytest.raises(type(error)):
        run(data)
    assert server.closed.is_set()
    assert "ready" not in server.events


def files(run_dir: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run_dir)): path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}


class Stopping(MockBackend):
    """Answers so many requests, then raises."""

    def __init__(self, answers: int, error: BaseException) -> None:
        super().__init__()
        self.answers, self.error = answers, error

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for _, answered in zip(range(self.answers), super().generate(requests), strict=False):
            yield answered
        raise self.error


@pytest.mark.parametrize(
    ("backend", "error"),
    [
        (MockBackend(failing=1.0), HarnessError),
        (Stopping(0, KeyboardInterrupt()), KeyboardInterrupt),
        (Stopping(0, HarnessError("the server ended")), HarnessError),
    ],
    ids=["no answer", "interrupt", "error"],
)
def test_fresh_gives_the_old_run_back_where_no_answer_came(
    data: Path, backend: Backend, error: type[BaseException]
) -> None:
    run(data)
    before = files(data.parent / "run")
    with pytest.raises(error) as caught:
        run(data, backend, seed=1, fresh=True)
    assert files(data.parent / "run") == before
    if isinstance(backend, MockBackend) and backend.failing:
        assert "the run that --fresh was to replace is back" in str(caught.value)


def test_fresh_leaves_the_old_run_alone_until_the_model_is_loaded(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data)
    before = files(data.parent / "run")
    with monkeypatch.context() as patched:
        with_server_error = Starting(HarnessError("no such weights"))
        with_server(patched, with_server_error)
        with pytest.raises(HarnessError, match="no such weights"):
            run(data, seed=1, fresh=True)
    assert files(data.parent / "run") == before


def test_fresh_drops_the_old_run_with_the_first_answer(data: Path) -> None:
    run(data)
    with pytest.raises(KeyboardInterrupt):
        run(data, Stopping(3, KeyboardInterrupt()), seed=1, fresh=True)
    run_dir = data.parent / "run"
    assert not (run_dir / "replaced").exists()
    assert len((run_dir / "samples" / "letters.jsonl").read_text().splitlines()) == 3
    assert run(data, seed=1).tasks["letters"].counted == 20


def test_fresh_after_a_kill_before_the_first_answer(data: Path) -> None:
    run(data)
    run_dir = data.parent / "run"
    before = files(run_dir)
    (run_dir / "replaced").mkdir()
    for name in ("run.json", "results.json", "items", "samples", "scores"):
        (run_dir / name).rename(run_dir / "replaced" / name)
    (run_dir / "run.json").write_bytes(before["run.json"])
    with pytest.raises(KeyboardInterrupt):
        run(data, Stopping(0, KeyboardInterrupt()), seed=1, fresh=True)
    assert files(run_dir) == before
    run(data, seed=1, fresh=True)
    assert not (run_dir / "replaced").exists()


@pytest.fixture
def server() -> Iterator[str]:
    """`tests/chat_server.py`, its address."""
    pytest.importorskip("aiohttp")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, str(HERE / "chat_server.py"), str(port)]) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                read(f"{address}/health")
                break
            except OSError:
                time.sleep(0.05)
        yield address
        process.kill()


def read(url: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as reply:
        content: bytes = reply.read()
        return content


def test_a_kill_asks_again_only_what_was_in_flight(data: Path, fakes: ModuleType, server: str) -> None:
    fakes.write(data, "letters", [fakes.row(i) for i in range(1200)])
    words = ["--model", "m", "--base-url", f"{server}/v1", "--concurrency", "8", "--no-report"]
    words += [
        "--tasks",
        "letters",
        "--task-file",
        FAKES,
        "--data",
        str(data),
        "--out",
        str(data.parent / "run"),
    ]
    path = data.parent / "run" / "samples" / "letters.jsonl"
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "eval", *words], stderr=subprocess.DEVNULL
    ) as killed:
        while killed.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 300):
            time.sleep(0.01)
        killed.kill()
    kept = path.read_bytes().count(b"\n")
    assert 300 <= kept < 1200
    again = subprocess.run(
        [sys.executable, "-m", "harness", "eval", *words], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert f"{kept} of 1200 are answered already" in again.stderr
    # Twice as many as are in flight are held: what is answered may wait to be written.
    assert json.loads(read(f"{server}/stats"))["again"] <= 2 * 8


class Removing(MockBackend):
    """Answers, and before the last answer something happens to the run."""

    def __init__(self, happens: Callable[[], Any]) -> None:
        super().__init__()
        self._happens = happens

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        answers = list(super().generate(requests))
        yield from answers[:-1]
        self._happens()
        yield answers[-1]


def test_a_run_that_is_removed_or_moved_while_it_is_written_is_an_error(data: Path) -> None:
    folder = data.parent / "run"
    with pytest.raises(HarnessError, match="removed while the run was writing it"):
        run(data, Removing(lambda: shutil.rmtree(folder)))
    assert not (folder / "results.json").exists()
    shutil.rmtree(folder, ignore_errors=True)
    with pytest.raises(HarnessError, match="removed or moved while the run was writing to it"):
        run(data, Removing(lambda: folder.rename(data.parent / "moved")))
    assert not (folder / "results.json").exists()


def test_scores_of_a_complete_run_are_not_replaced_by_those_of_a_part(data: Path) -> None:
    run(data)
    folder = data.parent / "run"
    before = {path: path.read_bytes() for path in [*folder.glob("scores/*"), folder / "results.json"]}
    lines = (folder / "samples" / "letters.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "samples" / "letters.jsonl").write_bytes(b"".join(lines[7:]))
    with pytest.raises(HarnessError, match="7 responses are missing although the run was complete"):
        rescore(folder)
    assert {path: path.read_bytes() for path in before} == before
    assert run(data).asked == 7
