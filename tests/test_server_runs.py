"""Runs against a server: what is recorded and said, and what a continued run makes of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.run.rescoring import rescore
from harness.scores.results import read_results
from harness.scores.table import lines
from tests.scripted_server import Reply, error, said, scripted


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight rows of `letters`, in the working directory."""
    monkeypatch.chdir(tmp_path)
    fakes.write(tmp_path / "data", "letters", [fakes.row(number) for number in range(8)])
    return tmp_path / "data"


def evaluate(fakes: ModuleType, url: str, *more: str, model: str = "m") -> int:
    where = ("--task-file", str(fakes.__file__), "--tasks", "letters", "--data", "data", "--out", "run")
    return main(["eval", "--model", model, "--base-url", url, "--no-report", *where, *more])


def recorded() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path("run/run.json").read_text())
    return content


def refuses_temperature(_: int, body: dict[str, Any]) -> Reply:
    if body.get("temperature", 1) != 1:
        return 400, error(
            "'temperature' does not support 0.0. Only the default (1) value.", param="temperature"
        )
    return 200, said()


def test_what_the_server_refused_is_recorded_and_stands_under_the_scores(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted(refuses_temperature) as server:
        assert evaluate(fakes, server.url, "--limit", "4") == 0
        shown = capsys.readouterr()
        note = "m: temperature = 0 is refused: it is left out of every request"
        assert note in shown.err
        assert note in " ".join(shown.out.split())
        before = recorded()
        assert before["found"]["fields"] == ["max_tokens", "top_p", "seed"]
        assert before["found"]["notes"][0].endswith("default, which is not greedy")
        sent = len(server.asked)
        assert evaluate(fakes, server.url) == 0
        assert len([body for body in server.asked[sent:] if "temperature" not in body]) == 4
    assert recorded()["found"] == before["found"]
    assert recorded()["model"] == before["model"]
    assert evaluate(fakes, server.url) == 0  # nothing is left to ask of the server, which is gone
    assert recorded()["found"] == before["found"]
    assert read_results(Path("run")).notes == tuple(before["found"]["notes"])
    assert rescore(Path("run")).results.notes == tuple(before["found"]["notes"])


@pytest.mark.usefixtures("data")
def test_filtered_answers_stay_in_n_and_are_counted_apart(fakes: ModuleType) -> None:
    def reply(number: int, _: dict[str, Any]) -> Reply:
        return 200, said(None, "content_filter", refusal="No.") if number < 2 else said("A")

    with scripted(reply) as server:
        assert evaluate(fakes, server.url) == 0
    results = read_results(Path("run"))
    task = results.tasks["letters"]
    assert (task.filtered, task.unparsed, task.failed, task.counted) == (2, 0, 0, 8)
    assert task.high is not None
    assert task.low is not None
    assert task.high - task.low == pytest.approx(25)
    assert "2 of 8 answers (25.0 %) were withheld" in " ".join(" ".join(lines(results)).split())


@pytest.mark.usefixtures("data")
def test_the_flags_reach_the_server_and_identify_the_run(
    fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--extra-body", '{"top_k": 5}', "--omit", "seed", "--template-var", "enable_thinking=false")
    with scripted(lambda *_: (200, said())) as server:
        assert evaluate(fakes, server.url, *flags) == 0
        body = server.asked[-1]
        assert (body["top_k"], body["chat_template_kwargs"]) == (5, {"enable_thinking": False})
        assert "seed" not in body
        assert evaluate(fakes, server.url, *flags[:2]) == 2
        assert "omit was" in capsys.readouterr().err
        assert evaluate(fakes, server.url, "--fresh", "--generation", "checkpoint") == 0
        assert not {"temperature", "top_p"} & server.asked[-1].keys()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("flags", "match"),
    [
        (("--omit", "temprature"), "did you mean 'temperature'"),
        (("--extra-body", '{"model": "x"}'), "--model gives it"),
        (("--adapter", "data"), "--lora-modules"),
        (("--device", "cpu"), "--device: a server loads its model itself"),
        (("--backend", "hf"), "--base-url is for --backend openai, not hf"),
    ],
)
def test_what_a_server_cannot_be_told_is_a_usage_error(
    fakes: ModuleType, capsys: pytest.CaptureFixture[str], flags: tuple[str, str], match: str
) -> None:
    assert evaluate(fakes, "http://127.0.0.1:9/v1", *flags) == 2
    assert match in capsys.readouterr().err


def test_what_is_for_a_server_needs_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--model", "mock", "--tasks", "ai2d", "--extra-body", '{"top_k": 5}']) == 2
    assert "--extra-body is for a server: it needs --base-url URL" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_a_chat_template_is_the_servers_own(fakes: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    Path("template.jinja").write_text("{{ messages }}")
    assert evaluate(fakes, "http://127.0.0.1:9/v1", "--chat-template", "template.jinja") == 2
    assert "--chat-template: a server has its own" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_a_name_that_the_server_does_not_list_is_a_usage_error(
    fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted(lambda *_: (200, said()), models={"data": [{"id": "my-lora"}]}) as server:
        assert evaluate(fakes, server.url, model="my-lra") == 2
    assert "did you mean 'my-lora'" in capsys.readouterr().err
    assert not server.asked


@pytest.mark.usefixtures("data")
def test_no_secret_of_an_address_is_written_anywhere(
    fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def reply(number: int, _: dict[str, Any]) -> Reply:
        return 400, error(f"I saw {server.headers[number]} at {server.url}?key=query-secret")

    with scripted(reply) as server:
        url = server.url.replace("//", "//user:pass-secret@") + "?key=query-secret"
        assert evaluate(fakes, url) == 3
    shown = capsys.readouterr()
    written = "".join(path.read_text() for path in Path("run").rglob("*.json*"))
    for secret in ("pass-secret", "query-secret"):
        assert secret not in shown.out + shown.err + written
    assert "http://***@127.0.0.1" in written


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_a_server_that_is_killed_in_mid_run_hands_its_requests_to_the_other(
    data: Path, fakes: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.write(data.parent / "data", "letters", [fakes.row(number) for number in range(400)])
    ports = [free_port(), free_port()]
    program = str(Path(__file__).with_name("chat_server.py"))
    servers = [subprocess.Popen([sys.executable, program, str(port)]) for port in ports]
    journal = Path("run/samples/letters.jsonl")

    def kill_one() -> None:
        while servers[0].poll() is None:
            if journal.exists() and journal.read_bytes().count(b"\n") > 40:
                servers[0].kill()
            time.sleep(0.005)

    killer = threading.Thread(target=kill_one)
    try:
        for port in ports:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.05)
        killer.start()
        urls = ",".join(f"http://127.0.0.1:{port}/v1" for port in ports)
        assert evaluate(fakes, urls, "--concurrency", "4") == 0
        assert servers[0].poll() == -9, "it was killed while it was asked"
    finally:
        for server in servers:
            server.kill()
            server.wait()
        killer.join()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(f"r{number}" for number in range(400))
    assert not any("error" in line for line in lines)
    assert read_results(Path("run")).failures == 0
    assert f"127.0.0.1:{ports[0]}" in capsys.readouterr().err
