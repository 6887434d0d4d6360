"""`harness view`: the list of a folder's runs and their reports, served to this machine alone."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.errors import HarnessError, UsageError
from reports.folder import entries, find_runs
from reports.server import HOST, PORT, list_page, make_server, media_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished evaluation runs, one a folder deeper."""
    root = tmp_path_factory.mktemp("made")
    for name in ("one", "deep/two"):
        command = ["eval", "--model", "mock", "--tasks", "ai2d", "--data", "synthetic", "--limit", "4"]
        assert main([*command, "--out", str(root / name)]) == 0
    return root


@pytest.fixture
def runs(made: Path, tmp_path: Path, training_logs: ModuleType) -> Path:
    """A copy of them, with a training run and a run that is broken."""
    root = tmp_path / "runs"
    subprocess.run(["cp", "-r", str(made), str(root)], check=True)
    training_logs.write(root / "trained", 6, planned=9)
    (root / "broken").mkdir()
    (root / "broken" / "run.json").write_text("{")
    return root


@dataclass
class Served:
    port: int
    root: Path
    cache: Path

    def ask(
        self, path: str, method: str = "GET", host: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        """(status, headers, text) of an answer; the path goes out as it is."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if host != "":
            connection.putheader("Host", host or f"{HOST}:{self.port}")
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        found = (answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace"))
        connection.close()
        return found


@pytest.fixture
def served(runs: Path, tmp_path: Path) -> Iterator[Served]:
    cache = tmp_path / "cache"
    cache.mkdir()
    with make_server(runs, cache, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Served(server.server_address[1], runs, cache)
        server.shutdown()
        thread.join()


# What is in a folder


def test_every_run_is_listed_with_its_state(runs: Path) -> None:
    (runs / "one" / "results.json").unlink()
    found = {entry.name: entry for entry in entries(runs)}
    assert {name: entry.state for name, entry in found.items()} == {
        "one": "stopped",
        "deep/two": "complete",
        "trained": "stopped",
        "broken": "broken",
    }
    assert "run.json: not JSON" in found["broken"].detail
    assert "\n" not in found["broken"].detail
    results = json.loads((runs / "deep" / "two" / "results.json").read_text())
    two = found["deep/two"]
    assert (two.mean, two.low, two.tasks) == (
        results["mean"]["score"]["value"],
        results["mean"]["score"]["low"],
        1,
    )
    assert two.synthetic
    assert found["trained"].detail == "g2rpo step 6/9"
    assert found["trained"].model == "some-model"


def test_a_run_is_running_while_its_lock_is_held(runs: Path, training_logs: ModuleType) -> None:
    (runs / "one" / "results.json").unlink()
    for folder in (runs / "one", runs / "trained" / "g2rpo"):
        training_logs.lock(folder)
    found = {entry.name: entry.state for entry in entries(runs)}
    assert (found["one"], found["trained"]) == ("running", "running")
    training_logs.lock(runs / "trained" / "g2rpo", age=1000)
    assert {entry.name: entry.state for entry in entries(runs)}["trained"] == "stopped"


def test_runs_that_failed_are_not_complete(runs: Path, board_runs: ModuleType) -> None:
    board_runs.write_run(runs / "none", {"ai2d": None})
    (runs / "trained" / "g2rpo" / "failed.json").write_text('{"error": "the disk is full"}')
    found = {entry.name: entry for entry in entries(runs)}
    assert (found["none"].state, found["trained"].state) == ("failed", "failed")
    assert found["none"].detail == "every request failed: rerun to retry failed samples"
    assert found["trained"].detail == "g2rpo step 6/9; the disk is full"
    page = "".join(list_page(runs))
    assert page.count('<span class="tag bad">failed</span>') == 2


@pytest.mark.parametrize("content", ["[]", '{"format": 1, "tasks": 5}', "5"])
def test_a_broken_run_file_stops_nothing(runs: Path, content: str) -> None:
    (runs / "one" / "run.json").write_text(content)
    (runs / "broken" / "run.json").write_text(content)
    assert {"one", "broken", "deep/two"} <= {entry.name for entry in entries(runs)}


@pytest.mark.parametrize("content", ["[]", '{"format": 1}', '{"format": 99}', "\x00"])
def test_a_broken_results_file_is_said_and_stops_nothing(runs: Path, content: str) -> None:
    (runs / "one" / "results.json").write_text(content)
    found = {entry.name: entry.state for entry in entries(runs)}
    assert (found["one"], found["deep/two"]) == ("broken", "complete")


def test_whatever_a_results_file_holds_the_list_is_shown(runs: Path) -> None:
    path = runs / "one" / "results.json"
    whole = json.loads(path.read_text())
    for place in (
        ("mean",),
        ("mean", "score"),
        ("mean", "score", "value"),
        ("tasks",),
        ("tasks", "ai2d", "failed"),
    ):
        for wrong in (None, "x", 7, [], {}, [[]], {"value": "x"}):
            broken = json.loads(json.dumps(whole))
            inner = broken
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = wrong
            path.write_text(json.dumps(broken))
            assert "deep/two" in "".join(list_page(runs)), (place, wrong)
    path.write_text("[" * 100_000)
    assert {entry.name: entry.state for entry in entries(runs)}["one"] == "broken"


def test_the_evaluations_of_a_training_run_are_not_listed_beside_it(runs: Path) -> None:
    os.rename(runs / "one", runs / "trained" / "g2rpo" / "eval")
    assert set(find_runs(runs)) == {"deep/two", "trained", "broken"}


def test_a_run_itself_can_be_viewed(runs: Path) -> None:
    assert [entry.name for entry in entries(runs / "one")] == ["."]


# What is served


def test_the_list_links_to_each_report(served: Served) -> None:
    status, headers, text = served.ask("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for link in ("/report/one/", "/report/deep%2Ftwo/", "/report/trained/"):
        assert f'href="{link}"' in text
    assert 'href="/report/broken/"' not in text
    assert "not JSON" in text


def test_a_report_is_made_when_it_is_opened_and_again_when_the_run_changes(served: Served) -> None:
    before = {path: path.stat().st_mtime_ns for path in served.root.rglob("*")}
    status, _, text = served.ask("/report/one/")
    assert status == 200
    assert 'data-section="leaderboard"' in text
    [page] = served.cache.glob("*/report.html")
    made = page.stat().st_mtime_ns
    assert served.ask("/report/one/")[0] == 200
    assert page.stat().st_mtime_ns == made
    results = served.root / "one" / "results.json"
    os.utime(results, ns=(1, 1))
    assert served.ask("/report/one/")[0] == 200
    assert page.stat().st_mtime_ns > made
    os.utime(results, ns=(before[results], before[results]))
    assert {path: path.stat().st_mtime_ns for path in served.root.rglob("*")} == before, (
        "the folder is only read"
    )


def test_several_runs_are_one_report(served: Served) -> None:
    status, _, text = served.ask("/report/one,deep%2Ftwo,trained/")
    assert status == 200
    assert 'data-section="leaderboard"' in text
    assert 'data-section="training"' in text
    assert served.ask("/report/one,deep%2Ftwo,trained")[1]["Location"] == "/report/one,deep%2Ftwo,trained/"


def test_a_partial_run_is_shown_as_partial(served: Served) -> None:
    (served.root / "one" / "results.json").unlink()
    status, _, text = served.ask("/report/one/")
    assert status == 200
    assert "partial" in text.lower()


def test_a_broken_run_answers_with_its_reason(served: Served) -> None:
    status, headers, text = served.ask("/report/broken/")
    assert (status, headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert "not JSON" in text
    assert served.ask("/report/one/")[0] == 200


def test_a_file_that_cannot_be_opened_is_said(served: Served) -> None:
    scores = next((served.root / "one" / "scores").glob("*.jsonl"))
    scores.unlink()
    scores.mkdir()
    status, _, text = served.ask("/report/one/")
    assert (status, text.strip()[-14:]) == (500, "Is a directory")


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/report/../../../etc/passwd",
        "/report/%2e%2e/",
        "/report/..%2f..%2fetc/",
        "/report/%2Fetc/",
        "/report//etc/",
        "/report/one%00/",
        "/report/%ff%fe/",
        "/report//",
        "/report/one/../../../../../../etc/passwd",
        "/report/one/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/report/one/..%2f..%2f..%2fruns/one/run.json",
        "/report/one//etc/passwd",
        "/report/one/%2Fetc%2Fpasswd",
        "/report/one/%00",
        "/report/one/run.json",
        "/report/one/..%5c..%5crun.json",
        "/runs/one/run.json",
        "/one/run.json",
        "//etc/passwd",
        "http://evil.example/",
    ],
)
def test_nothing_else_is_served(served: Served, path: str) -> None:
    status, _, text = served.ask(path)
    assert status == 404 or (path.startswith("http:") and status == 200 and "Runs in" in text)
    assert "root:" not in text
    assert "generation_sha" not in text


def test_links_out_of_the_folder_are_not_followed(served: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    subprocess.run(["cp", "-r", str(served.root / "one"), str(secret)], check=True)
    (served.root / "linked").symlink_to(secret)
    assert served.ask("/report/linked/")[0] == 404
    (served.root / "trained" / "g2rpo" / "rollouts").symlink_to(secret)
    assert "a link out of the folder" in served.ask("/report/trained/")[2]
    for name in ("run.json", "samples/ai2d.jsonl", "images", "items"):
        inside = served.root / "one" / name
        os.rename(inside, tmp_path / "aside")
        inside.symlink_to(secret / name)
        status, _, text = served.ask("/report/one/")
        assert status == 500, name
        assert f"one/{name}" in text
        assert "a link out of the folder" in text
        assert {entry.name: entry.state for entry in entries(served.root)}["one"] == "broken"
        inside.unlink()
        os.rename(tmp_path / "aside", inside)
    images = list((served.root / "one" / "images").iterdir())
    images[0].unlink()
    images[0].symlink_to(tmp_path / "secret.png")
    assert "a link out of the folder" in served.ask("/report/one/")[2]


def test_media_are_files_of_the_report_alone(tmp_path: Path) -> None:
    home = tmp_path / "0"
    (home / "report_media").mkdir(parents=True)
    (home / "report.html").touch()
    (home / "report_media" / "a.jpg").write_bytes(b"a")
    (tmp_path / "other.jpg").touch()
    (home / "report_media" / "link.jpg").symlink_to(tmp_path / "other.jpg")
    assert media_file(home, "report_media/a.jpg") == home / "report_media" / "a.jpg"
    for inner in (
        "report.html",
        "report_media",
        "report_media/link.jpg",
        "../other.jpg",
        "/etc/passwd",
        "a\x00",
        "..\\x",
    ):
        assert media_file(home, inner) is None, inner


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("localhost", 200),
        ("evil.example", 403),
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("localhost:1", 403),
        ("127.0.0.1:{port}@evil.example", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/report/one/"])
def test_another_host_s_name_is_refused(served: Served, host: str, status: int, path: str) -> None:
    assert served.ask(path, host=host.format(port=served.port))[0] == status


def test_two_hosts_are_refused(served: Served) -> None:
    assert served.ask("/", headers={"Host": "evil.example"})[0] == 403


def test_what_is_new_is_sent_once(served: Served, training_logs: ModuleType) -> None:
    for address in ("/runs.json", "/report/trained/training.json"):
        status, headers, text = served.ask(address)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert "html" in json.loads(text)
        again = served.ask(address, headers={"If-None-Match": headers["ETag"]})
        assert (again[0], again[2]) == (304, "")
    before = served.ask("/report/trained/training.json")[1]["ETag"]
    training_logs.append(served.root / "trained", 7, 7)
    status, headers, text = served.ask("/report/trained/training.json", headers={"If-None-Match": before})
    assert status == 200
    assert "step <b>7/9</b>" in json.loads(text)["html"]
    training_logs.lock(served.root / "trained" / "g2rpo")
    assert ">running</span>" in json.loads(served.ask("/report/trained/training.json")[2])["html"]
    assert served.ask("/report/one/training.json")[0] == 404
    assert served.ask("/report/broken/training.json")[0] == 500
    assert served.ask("/runs.json", host="evil.example")[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_and_head(served: Served, method: str) -> None:
    status, headers, _ = served.ask("/", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/report/one/", "/nowhere"])
def test_every_answer_is_guarded(served: Served, path: str) -> None:
    status, headers, text = served.ask(path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    again, same, nothing = served.ask(path, "HEAD")
    assert (again, same["Content-Length"], nothing) == (status, str(len(text.encode())), "")


def test_hostile_names_are_text(runs: Path, tmp_path: Path) -> None:
    name = '<script>alert(1)<,"&_'
    os.rename(runs / "one", runs / name)
    os.rename(runs / "deep" / "two", os.fsencode(runs / "deep") + b"/\xff_")
    with make_server(runs, tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        asked = Served(server.server_address[1], runs, tmp_path)
        text = asked.ask("/")[2]
        answers = [
            asked.ask(f"/report/{part}/")[0]
            for part in ("%3Cscript%3Ealert%281%29%3C%2C%22%26_", "deep%2F%FF_")
        ]
        server.shutdown()
        thread.join()
    assert "<script>alert" not in text
    assert 'href="/report/%3Cscript%3Ealert%281%29%3C%2C%22%26_/"' in text
    assert answers == [200, 200]


# The command


def test_it_is_bound_to_this_machine(runs: Path, tmp_path: Path) -> None:
    with make_server(runs, tmp_path, 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_said_and_the_usual_one_gives_way(runs: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HarnessError, match=f"port {port} is not free: --port 0"):
            make_server(runs, tmp_path, port)
    with make_server(runs, tmp_path) as first, make_server(runs, tmp_path) as second:
        assert PORT <= first.server_address[1] < second.server_address[1]


def test_a_folder_without_runs_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(tmp_path)]) == 2
    assert main(["view", str(tmp_path / "nowhere")]) == 2
    assert main(["view", str(tmp_path), "--port", "70000"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"harness view: {tmp_path}: no runs in it")
    with pytest.raises(UsageError, match="there is no such folder"):
        make_server(tmp_path / "nowhere", tmp_path)


def test_there_is_no_flag_for_another_host(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    assert main(["view", str(runs), "--host", "0.0.0.0"]) == 2
    assert "unknown flag --host" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(runs: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "view", str(runs), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(f"http://{HOST}:")
    port = int(line.split("/")[2].split(":")[1])
    assert Served(port, runs, tmp_path).ask("/")[0] == 200
    assert list(tmp_path.glob("harness-view-*"))
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, "")
    assert not list(tmp_path.glob("harness-view-*"))


# In the browser


def test_runs_are_ticked_and_opened_in_one_report(page: Page, watch: Any, served: Served) -> None:
    watch.allow(f"http://{HOST}:{served.port}/")
    page.goto(f"http://{HOST}:{served.port}/")
    page.get_by_label("Show").fill("deep")
    assert page.locator("tbody tr:visible").count() == 1
    page.get_by_label("Show").fill("")
    page.get_by_label("Choose one").check()
    page.get_by_label("Choose deep/two").check()
    watch.shot("list")
    page.get_by_role("button", name="One report of the 2 ticked runs").click()
    page.wait_for_url("**/report/**")
    assert page.locator("[data-section=leaderboard]").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def live_page(page: Page, watch: Any, served: Served, path: str) -> None:
    watch.allow(f"http://{HOST}:{served.port}/")
    page.goto(f"http://{HOST}:{served.port}{path}")


def test_a_growing_training_run_is_followed(
    page: Page, watch: Any, served: Served, training_logs: ModuleType
) -> None:
    training_logs.lock(served.root / "trained" / "g2rpo")
    live_page(page, watch, served, "/report/trained/")
    stage = page.locator(".training-stage")
    assert "step 6/9" in str(stage.text_content())
    assert stage.locator(".tag").text_content() == "running"
    summary = page.locator("details summary").first
    summary.click()
    chart = page.locator('[data-panel="value-all"] .training-plot')
    chart.focus()
    page.keyboard.press("Home")
    training_logs.append(served.root / "trained", 7, 8)
    training_logs.write_rollouts(served.root / "trained", 8)
    page.get_by_text("step 8/9").wait_for()
    label = str(chart.get_attribute("aria-label"))
    assert f"to {training_logs.line(8)['value']:.3f} at step 8" in label
    assert page.evaluate("document.activeElement.closest('figure').dataset.panel") == "value-all"
    assert page.locator("details").first.get_attribute("open") is not None
    assert page.get_by_role("combobox", name="Step").input_value() == "8"
    training_logs.append(served.root / "trained", 9, 9)
    (served.root / "trained" / "g2rpo" / "lock").unlink()
    (served.root / "trained" / "g2rpo" / "model").mkdir()
    (served.root / "trained" / "g2rpo" / "model" / "config.json").touch()
    page.locator(".training-stage .tag", has_text="complete").wait_for()
    assert page.get_by_text("Evaluate it as training asked it").is_visible()
    watch.shot("live")


@pytest.mark.parametrize(("state", "text"), [("failed", "the budget is spent"), ("stopped", "continues it")])
def test_a_run_that_ends_early_says_so_while_it_is_watched(
    page: Page, watch: Any, served: Served, training_logs: ModuleType, state: str, text: str
) -> None:
    stage = served.root / "trained" / "g2rpo"
    training_logs.lock(stage)
    live_page(page, watch, served, "/report/trained/")
    page.locator(".training-stage .tag", has_text="running").wait_for()
    if state == "failed":
        (stage / "failed.json").write_text('{"error": "the budget is spent"}')
        (stage / "lock").unlink()
    else:
        training_logs.lock(stage, age=1000)
    page.locator(".training-stage .tag", has_text=state).wait_for()
    assert page.locator(".training-stage").get_by_text(text).is_visible()


def test_the_list_is_followed_and_keeps_what_is_ticked(
    page: Page, watch: Any, served: Served, training_logs: ModuleType
) -> None:
    live_page(page, watch, served, "/")
    page.get_by_label("Choose one").check()
    row = page.locator("tbody tr", has_text="trained")
    assert "stopped" in str(row.text_content())
    training_logs.lock(served.root / "trained" / "g2rpo")
    row.locator(".tag", has_text="running").wait_for()
    assert page.get_by_label("Choose one").is_checked()
    assert page.get_by_role("button", name="Report of the ticked runs").is_enabled()


def test_a_server_that_has_gone_is_said(watch: Any, runs: Path, tmp_path: Path) -> None:
    page = watch.page
    with make_server(runs, tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        page.goto(f"http://{HOST}:{server.server_address[1]}/")
        page.get_by_text("Live:").wait_for()
        server.shutdown()
        thread.join()
    page.get_by_text("harness view does not answer").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_what_is_served_has_no_violation(
    browser: Browser, served: Served, training_logs: ModuleType, hand_runs: ModuleType, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")
    other = training_logs.write(served.root / "other", 9, seed=1, planned=9, advantage="grpo")
    (served.root / "trained" / "g2rpo" / "failed.json").write_text('{"error": "the disk is full"}')
    training_logs.write_rollouts(other, 9)
    for step, right in ((0, 2), (9, 18)):
        rows = [hand_runs.row(f"m{n}", float(n < right)) for n in range(20)]
        hand_runs.write_run(other / "g2rpo" / "eval" / f"step-{step:07d}", {"mathvista": rows})
    viewport = {"width": width, "height": 844}
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport=viewport)
    page = context.new_page()
    for path, shown in (
        ("/", ".view-runs"),
        ("/report/trained,other/?#/training?family=grounding", ".training-card"),
    ):
        page.goto(f"http://{HOST}:{served.port}{path}")
        page.locator(shown).first.wait_for()
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
