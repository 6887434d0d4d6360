"""A run from start to end on fake tasks: files, continuing, failures, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.errors import Exit, HarnessError, UsageError
from harness.models.mock import MockBackend
from harness.run import rescore
from harness.scores.results import Results, read_results
from harness.types import Request
from tasks.types import Response

FAKES = str(Path(__file__).with_name("fakes.py"))


class Recorder(MockBackend):
    """Answers as told by id's last digit and remembers what it was asked."""

    def __init__(self, answers: dict[str, Response] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.answers = answers or {}
        self.asked: list[Request] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            self.asked.append(request)
            name = request.key.split("\x1f")[1]
            yield request, self.answers.get(name, Response(self.text, "stop", 7, 1))


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType) -> Path:
    directory = tmp_path / "data"
    fakes.write(
        directory,
        "letters",
        [fakes.row(i, "AB"[i % 2], kind="even" if i % 2 == 0 else "odd") for i in range(20)],
    )
    fakes.write(directory, "spots", [fakes.row(i) for i in range(3)])
    twins = [fakes.row(i, "AB"[i % 3 == 0], pair=f"p{i % 6}") for i in range(12)]
    return fakes.write(directory, "twins", twins)


def run(data: Path, backend: Any = None, tasks: str = "letters", **settings: Any) -> Results:
    settings = {"out": str(data.parent / "run"), "task_file": (FAKES,), **settings}
    return harness.evaluate(backend or MockBackend(), tasks=tasks, data=str(data), **settings)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_is_a_directory_of_plain_files(data: Path, fakes: ModuleType) -> None:
    fakes.write(data, "letters", [fakes.row(0, image="a.png"), fakes.row(1, "B")])
    (data / "letters" / "a.png").write_bytes(fakes.picture(1))
    results = run(data)
    assert results.run_dir is not None
    names = {str(path.relative_to(results.run_dir)) for path in results.run_dir.rglob("*") if path.is_file()}
    images = {name for name in names if name.startswith("images/")}
    assert names - images == {
        *("run.json", "results.json"),
        *("items/letters.jsonl", "samples/letters.jsonl", "scores/letters.jsonl"),
    }
    assert [(results.run_dir / name).read_bytes() for name in images] == [fakes.picture(1)]
    item = lines(results.run_dir / "items" / "letters.jsonl")[0]
    assert item["images"] == [name.removeprefix("images/") for name in images]
    assert item["sizes"] == [[20, 10]]
    assert item["target"] == {"answer": "A", "others": ["x"]}
    assert item["prompt"][0] == {"image": 0}
    score = lines(results.run_dir / "scores" / "letters.jsonl")[1]
    assert (score["id"], score["value"], score["status"], score["extracted"]) == ("r1", 0.0, "ok", "A")
    assert len(score["scorer"]) == 12
    stored = json.loads((results.run_dir / "run.json").read_text())
    assert stored["model"] == {"backend": "mock", "model": "mock", "text": "A", "echo": False}
    assert len(stored["tasks"]["letters"]["fingerprint"]) == 64


def test_the_numbers(data: Path) -> None:
    results = run(data)
    task = results.tasks["letters"]
    assert results.exit_code == Exit.COMPLETE
    assert (task.score.value, task.score.n) == (50.0, 20)
    assert (task.counted, task.responses, task.unparsed, task.failed) == (20, 20, 0, 0)
    assert (task.low, task.high) == (50.0, 50.0)
    assert task.completion_tokens == 1.0
    kinds = task.metrics["by kind"]
    assert isinstance(kinds, dict)
    assert {kind: estimate.value for kind, estimate in kinds.items()} == {"even": 100.0, "odd": 0.0}
    assert results.mean.score.value == 50.0
    assert results.categories["general_vqa"].tasks == ("letters",)
    assert not results.synthetic
    assert results == read_results(data.parent / "run")


def test_the_same_command_asks_nothing_twice(data: Path) -> None:
    first = run(data, Recorder())
    again = Recorder()
    second = run(data, again)
    assert again.asked == []
    assert second.tasks == first.tasks


def test_a_limit_may_grow_and_tasks_may_be_added(data: Path) -> None:
    run(data, limit=5)
    more = Recorder()
    assert run(data, more, limit=8).tasks["letters"].samples == 8
    assert len(more.asked) == 3
    most = Recorder()
    grown = run(data, most, tasks="letters,twins")
    assert len(most.asked) == 12 + 12
    assert list(grown.tasks) == ["letters", "twins"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"limit": 5}, "limit was None"),
        ({"seed": 1}, "seed was 0"),
        ({"temperature": 0.5}, "temperature was 0.0"),
        ({"prompt": "think"}, "prompt was 'direct'"),
        ({"epochs": 2, "temperature": 0.7}, "epochs was 1"),
        ({"system_prompt": "Be brief."}, "system-prompt was None"),
        ({"max_new_tokens": 3}, "max-new-tokens was None"),
        ({"max_pixels": 3}, "max-pixels was None"),
        ({"coords": "abs"}, "coords was 'norm1000'"),
        ({"tasks": "twins"}, "has the task letters"),
        ({"backend": MockBackend("B")}, "the model's text was 'A'"),
    ],
    ids=str,
)
def test_a_changed_setting_is_named(data: Path, changed: dict[str, Any], said: str) -> None:
    run(data)
    before = (data.parent / "run" / "samples" / "letters.jsonl").read_bytes()
    with pytest.raises(UsageError) as caught:
        run(data, **changed)
    assert said in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (data.parent / "run" / "samples" / "letters.jsonl").read_bytes() == before
    assert (data.parent / "run" / "results.json").exists()


def test_changed_data_and_template_are_named(data: Path, tmp_path: Path, fakes: ModuleType) -> None:
    run(data)
    template = tmp_path / "mine.jinja"
    template.write_text("{{ question }}!")
    with pytest.raises(UsageError, match="prompt-template was None"):
        run(data, prompt_template=str(template))
    fakes.write(data, "letters", [fakes.row(0)])
    with pytest.raises(UsageError, match="the data of letters was"):
        run(data)


def test_fresh_starts_over(data: Path) -> None:
    run(data)
    recorder = Recorder()
    results = run(data, recorder, seed=1, fresh=True)
    assert len(recorder.asked) == 20
    assert results.exit_code == Exit.COMPLETE


def test_a_directory_of_something_else_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("x")
    for fresh in (False, True):
        with pytest.raises(UsageError, match=r"thesis\.tex"):
            run(data, fresh=fresh)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_settings_that_change_no_answer_may_change(data: Path) -> None:
    run(data)
    assert run(data, Recorder(), batch_size=3, images=False, failure_budget=0.5).tasks["letters"].counted == 20


def test_failed_lines_are_asked_again(data: Path) -> None:
    broken = {f"r{i}": Response("", "error", error="connection refused") for i in range(5)}
    first = run(data, Recorder(broken))
    task = first.tasks["letters"]
    assert first.exit_code == Exit.INCOMPLETE
    assert (task.failed, task.counted, task.score.n) == (5, 15, 15)
    assert task.errors == ("connection refused",)
    assert task.low is not None
    assert task.high is not None
    assert task.low < (task.score.value or 0) < task.high
    repaired = Recorder()
    second = run(data, repaired)
    assert sorted(request.key.split("\x1f")[1] for request in repaired.asked) == sorted(broken)
    assert second.exit_code == Exit.COMPLETE
    assert second.tasks["letters"].score.value == 50.0
    assert len(lines(data.parent / "run" / "samples" / "letters.jsonl")) == 25


def test_a_dead_endpoint_scores_nothing_rather_than_zero(data: Path) -> None:
    results = run(data, MockBackend(failing=1.0))
    task = results.tasks["letters"]
    assert results.exit_code == Exit.INCOMPLETE
    assert (task.failed, task.counted, task.score.value, task.score.n) == (20, 0, None, 0)
    assert (task.low, task.high) == (0.0, 100.0)
    assert results.mean.score.value is None
    from harness.scores.table import lines as table

    text = "\n".join(table(results))
    assert " 0.0 " not in text
    assert "20 failed of 20" in text


def test_within_the_budget_failures_are_no_failure(data: Path) -> None:
    one = {"r3": Response("", "error", error="x")}
    assert run(data, Recorder(one), failure_budget=0.05).exit_code == Exit.COMPLETE
    assert run(data, Recorder(one), failure_budget=0.04).exit_code == Exit.INCOMPLETE


class Stopping(Recorder):
    """Stops in mid-run."""

    def __init__(self, after: int, error: BaseException) -> None:
        super().__init__()
        self.after, self.error = after, error

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for count, answered in enumerate(super().generate(requests)):
            if count == self.after:
                raise self.error
            yield answered


def test_an_interrupt_keeps_everything(data: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(data, Stopping(7, KeyboardInterrupt()))
    run_dir = data.parent / "run"
    assert len(lines(run_dir / "samples" / "letters.jsonl")) == 7
    assert not (run_dir / "results.json").exists()
    assert not (run_dir / "lock").exists()
    with pytest.raises(HarnessError, match="not complete"):
        read_results(run_dir)
    partial = rescore(run_dir)
    assert (partial.missing, partial.results.tasks["letters"].counted) == (13, 7)
    assert not (run_dir / "results.json").exists()
    rest = Recorder()
    assert run(data, rest).tasks["letters"].counted == 20
    assert len(rest.asked) == 13


def test_a_backend_that_stops_early_has_failed_the_rest(data: Path) -> None:
    class Short(Recorder):
        def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
            for _, answered in zip(range(12), super().generate(requests), strict=False):
                yield answered

    results = run(data, Short())
    assert results.tasks["letters"].failed == 8
    assert results.tasks["letters"].errors == ("the backend gave no answer",)
    assert results.exit_code == Exit.INCOMPLETE


def test_garbage_and_a_torn_line_in_an_old_run(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(data)
    path = data.parent / "run" / "samples" / "letters.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*whole[:4], b"what is this\n", *whole[5:-1], whole[-1][:30]]))
    recorder = Recorder()
    results = run(data, recorder, verbose=True)
    assert len(recorder.asked) == 2
    assert results.tasks["letters"].counted == 20
    said = capfd.readouterr().err
    assert "1 line is garbage, moved to" in said
    assert "the last line was torn" in said
    assert path.with_suffix(".garbage").read_bytes() == b"what is this\n"


def test_the_last_line_of_a_key_wins(data: Path) -> None:
    run(data)
    path = data.parent / "run" / "samples" / "letters.jsonl"
    line = lines(path)[0]
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line | {"text": "Z"}) + "\n")
    assert run(data, Recorder()).tasks["letters"].score.value == 45.0


def test_a_row_that_is_there_twice_is_asked_twice(data: Path, fakes: ModuleType) -> None:
    fakes.write(data, "letters", [fakes.row(0), fakes.row(1), fakes.row(0)])
    task = run(data).tasks["letters"]
    assert (task.samples, task.counted, task.failed) == (3, 3, 0)
    asked = [line["id"] for line in lines(data.parent / "run" / "items" / "letters.jsonl")]
    assert asked == ["r0", "r1", "r0~2"]


def test_bad_rows_are_counted_and_named(
    data: Path, fakes: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    (data / "letters").mkdir(exist_ok=True)
    (data / "letters" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    rows = [
        fakes.row(0),
        {"id": "r1", "answer": "A"},
        fakes.row(2, "none"),
        fakes.row(3, "boom"),
        fakes.row(4, image="bad.png"),
        fakes.row(5, image="absent.png"),
        fakes.row(0, "B"),
        fakes.row(7),
    ]
    fakes.write(data, "letters", rows)
    with (data / "letters" / "rows.jsonl").open("a") as file:
        file.write("{not json\n")
    results = run(data, verbose=True)
    task = results.tasks["letters"]
    assert results.exit_code == Exit.INCOMPLETE
    assert (task.samples, task.counted, task.failed) == (9, 2, 7)
    assert task.score.value == 100.0
    errors = [
        line["error"] for line in lines(data.parent / "run" / "items" / "letters.jsonl") if "error" in line
    ]
    for error, said in zip(
        errors,
        [
            "row 1 (id r1): column 'question' is missing",
            "row 2 (id r2): column 'answer' holds none",
            "row 3 (id r3): KeyError",
            f"r4: image {str(data / 'letters' / 'bad.png')!r}: no image of a format that is known",
            "r5: image",
            "row 6: id 'r0' is not unique",
            "row 8: ",
        ],
        strict=True,
    ):
        assert error.startswith(said)
    assert "counted as failed: row 1 (id r1)" in capfd.readouterr().err
    assert rescore(data.parent / "run").results.tasks == results.tasks


def test_a_bug_of_the_scorer_is_an_error_not_a_zero(data: Path) -> None:
    answers = {"r0": Response("bug"), "r2": Response("timeout"), "r4": Response("")}
    results = run(data, Recorder(answers))
    task = results.tasks["letters"]
    assert (task.error, task.unparsed, task.counted) == (2, 1, 18)
    assert task.errors == ("ZeroDivisionError: a bug of the scorer", "the worker ran out of time")
    assert task.score.value == pytest.approx(100 * 7 / 18)
    assert (task.low, task.high) == (35.0, 50.0)
    assert results.exit_code == Exit.INCOMPLETE


def test_responses_that_are_empty_enormous_or_no_unicode(data: Path) -> None:
    answers = {
        "r0": Response("\ud800\udfff\x00"),
        "r1": Response("x" * 5_000_000),
        "r2": Response("", "length"),
        "r3": Response("<think>" + "9^{" * 100_000, "length"),
    }
    results = run(data, Recorder(answers))
    task = results.tasks["letters"]
    assert (task.truncated, task.unparsed, task.failed, task.error) == (2, 0, 0, 0)
    assert run(data, Recorder()).tasks == results.tasks
    assert rescore(data.parent / "run").results.tasks == results.tasks


def test_units_stand_or_fall_together(data: Path) -> None:
    results = run(data, Recorder({"r1": Response("", "error", error="x")}), tasks="twins")
    task = results.tasks["twins"]
    # Six pairs (i, i + 6); those of multiples of three have the answer B twice; the pair of r1 failed.
    assert (task.counted, task.failed) == (10, 2)
    assert (task.score.value, task.score.n) == (60.0, 5)
    limited = run(data, tasks="twins", limit=5, out=str(data.parent / "other"))
    assert limited.tasks["twins"].samples == 4


def test_epochs_ask_several_times_with_seeds_of_their_own(data: Path) -> None:
    recorder = Recorder()
    results = run(data, recorder, epochs=3, limit=4, temperature=1.0)
    assert len({request.sampling.seed for request in recorder.asked}) == 12
    assert len({request.key for request in recorder.asked}) == 12
    task = results.tasks["letters"]
    assert (task.samples, task.responses, task.score.n) == (4, 12, 4)
    again = Recorder()
    run(data, again, epochs=3, limit=4, temperature=1.0, out=str(data.parent / "again"))
    assert [request.sampling.seed for request in again.asked] == [
        request.sampling.seed for request in recorder.asked
    ]


def test_one_stream_longest_first(data: Path, fakes: ModuleType) -> None:
    rows = [fakes.row(i) | {"question": "long " * (i * 37 % 20)} for i in range(20)]
    fakes.write(data, "letters", rows)
    recorder = Recorder()
    run(data, recorder, tasks="letters,spots,twins")
    lengths = [sum(len(part) for part in request.parts if isinstance(part, str)) for request in recorder.asked]
    assert lengths == sorted(lengths, reverse=True)
    assert len({request.key.split("\x1f")[0] for request in recorder.asked[-16:]}) > 1


def test_requests_carry_the_settings(data: Path) -> None:
    recorder = Recorder()
    run(
        data,
        recorder,
        temperature=0.7,
        top_p=0.9,
        max_new_tokens=9,
        min_pixels=4,
        max_pixels=99,
        system_prompt="Hi",
    )
    request = recorder.asked[0]
    assert (request.sampling.temperature, request.sampling.top_p, request.sampling.max_new_tokens) == (
        0.7,
        0.9,
        9,
    )
    assert (request.pixels.min_pixels, request.pixels.max_pixels) == (4, 99)
    assert request.system_prompt == "Hi"


def test_places_need_declared_coordinates(data: Path) -> None:
    nameless = Recorder(coords=None)
    with pytest.raises(UsageError, match=r"spots asks for places.*--coords") as caught:
        run(data, nameless, tasks="letters,spots")
    assert caught.value.code == Exit.USAGE
    assert nameless.asked == []
    assert not (data.parent / "run").exists()
    assert run(data, nameless, tasks="letters,spots", coords="norm1").exit_code == Exit.COMPLETE


def test_permuted_images(data: Path, fakes: ModuleType) -> None:
    rows = [fakes.row(i, image=f"{i}.png") for i in range(6)] + [fakes.row(6)]
    fakes.write(data, "letters", rows)
    for index in range(6):
        (data / "letters" / f"{index}.png").write_bytes(fakes.picture(index))
    recorder = Recorder()
    run(data, recorder, permute_images=True)
    shown = {
        request.key.split("\x1f")[1]: [image.data for image in request.images] for request in recorder.asked
    }
    assert shown.pop("r6") == []
    own = {f"r{index}": [fakes.picture(index)] for index in range(6)}
    assert all(shown[name] != own[name] for name in own)
    assert sorted(shown.values()) == sorted(own.values())


def test_no_images_are_kept_where_not_wanted(data: Path, fakes: ModuleType) -> None:
    fakes.write(data, "letters", [fakes.row(0, image="a.png")])
    (data / "letters" / "a.png").write_bytes(fakes.picture(1))
    results = run(data, images=False)
    assert results.run_dir is not None
    assert not (results.run_dir / "images").exists()


def test_a_second_writer_is_refused(data: Path) -> None:
    class Nested(Recorder):
        said = ""

        def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
            with pytest.raises(HarnessError) as caught:
                run(data)
            self.said = str(caught.value)
            yield from super().generate(requests)

    nested = Nested()
    assert run(data, nested).exit_code == Exit.COMPLETE
    assert f"process {os.getpid()}" in nested.said


def command(data: Path, *more: str) -> list[str]:
    run_dir = str(data.parent / "run")
    words = ["eval", "--tasks", "letters", "--task-file", FAKES, "--data", str(data), "--out", run_dir, *more]
    return [sys.executable, "-m", "harness", *words]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_killed_in_mid_run_and_run_again(
    data: Path, fakes: ModuleType, sent: signal.Signals, code: int
) -> None:
    fakes.write(data, "letters", [fakes.row(i) for i in range(800)])
    words = command(data, "--model", "mock:latency=0.004")
    path = data.parent / "run" / "samples" / "letters.jsonl"

    def heed_interrupts() -> None:
        # A shell's background job ignores SIGINT and so would its children, as under some CI.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 300):
            time.sleep(0.01)
        process.send_signal(sent)
        _, said = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in said
    written = path.read_bytes().count(b"\n")
    assert 300 <= written < 800
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{written} of 800 are answered already" in again.stderr
    assert path.read_bytes().count(b"\n") == 800
    assert read_results(data.parent / "run").tasks["letters"].counted == 800


@pytest.mark.parametrize(("room", "answered"), [(60_000, False), (250_000, True)], ids=["items", "samples"])
def test_a_full_disk(data: Path, fakes: ModuleType, room: int, answered: bool) -> None:
    """RLIMIT_FSIZE stands in for a full disk: a write ends in the middle, the next one fails."""
    fakes.write(data, "letters", [fakes.row(i) for i in range(400)])
    code = f"""
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from harness.cli import main
sys.exit(main({command(data, "--model", "mock:text=" + "A" * 1000)[3:]!r}))
"""
    full = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "no space left" in full.stderr
    assert "Traceback" not in full.stderr
    run_dir = data.parent / "run"
    assert not (run_dir / "results.json").exists()
    samples = [json.loads(line) for line in read_if_there(run_dir / "samples")]
    assert (100 < len(samples) < 400) == answered
    fine = subprocess.run(command(data, "--model", "mock:text=" + "A" * 1000), capture_output=True, check=False)
    assert fine.returncode == 0


def read_if_there(folder: Path) -> list[str]:
    path = folder / "letters.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
