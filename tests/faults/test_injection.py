"""A fault at every point where a command meets the system, foreign code or the network.

Each command must end with a documented code and, run again without the fault, complete with the same scores.
One fault is drawn for each point; `HARNESS_FAULTS=all` tries all four, at the first and at a later hit.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from tests.faults.injection import FAULTS, Injector, injecting
from tests.faults.trainings import CLOCKS
from tests.scripted_server import said, scripted

CODES = (0, 1, 2, 3, 130)
SECONDS = 20.0
ALL = os.environ.get("HARNESS_FAULTS") == "all"

PLUGIN = """
import sys
from dataclasses import dataclass
from scorers.types import Score, Target
from tasks.images import row_images
from tasks.types import Metric, Sample, Source, Task

def meet(name):
    injector = sys.modules.get("injector_of_faults")
    if injector is not None:
        injector.meet("plugin." + name)

@dataclass(frozen=True, slots=True)
class Gold(Target):
    text: str

    def gold(self, coords=None):
        meet("gold")
        return self.text

    def shapes(self):
        meet("shapes")
        return ()

def samples(row):
    meet("to_samples")
    yield Sample(str(row["id"]), row["question"], Gold(row["answer"]), images=row_images(row))

def score(answer, target):
    meet("scorer")
    return Score(float(answer.text.strip() == target.text), None, extracted=answer.text)

TASK = Task(name="points", category="math", title="Points", source=Source(repo="x/points", split="test"),
            to_samples=samples, scorer=score, target=Gold, metrics=(Metric("accuracy", headline=True),))
"""


@dataclass(frozen=True)
class Command:
    """A command that is tried with faults."""

    words: Sequence[str]
    out: Path
    """What it writes, which is made anew for each try."""
    again: Callable[[], int]
    """Run without a fault after one with."""


class Late(BaseException):
    """It would hang. Nothing takes it for a fault of its own."""


@contextmanager
def bounded() -> Iterator[None]:
    """An error where the block takes too long: it would hang."""

    def late(*_: object) -> None:
        raise Late(f"not ended within {SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, fakes: Any) -> list[str]:
    """Arguments that name a plugin's task, and a directory of three rows with pictures, one 900 px wide."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "points.py").write_text(PLUGIN)
    rows = folder / "data" / "points"
    rows.mkdir(parents=True)
    for number, size in enumerate([(20, 10), (900, 30), (30, 20)]):
        (rows / f"{number}.png").write_bytes(fakes.picture(number, size))
    lines = [
        json.dumps({"id": number, "question": f"Which is {number}?", "answer": "A", "image": f"{number}.png"})
        for number in range(3)
    ]
    (rows / "rows.jsonl").write_text("\n".join(lines) + "\n")
    named = ["--task-file", folder / "points.py", "--tasks", "points", "--data", folder / "data"]
    return list(map(str, named))


def scores(run: Path) -> Any:
    """What a complete run found."""
    return json.loads((run / "results.json").read_text())["tasks"]


def tried(command: Command, injector: Injector) -> int:
    """The exit code of the command with what the injector does."""
    with bounded(), injecting(injector):
        return main(list(command.words))


def check(
    command: Command,
    prepare: Callable[[], None],
    result: Callable[[], Any],
    *,
    one_in: int = 1,
    counted: Callable[[], bool] = lambda: False,
) -> int:
    """Try a command with a fault at each of its points, or in CI at one in so many; the number of points.

    Other results than without the fault are right only where `counted` finds that the command says so.
    """
    prepare()
    recorder = Injector()
    assert tried(command, recorder) == 0
    expected = result()
    draw = random.Random(0)
    wrong = []
    points = sorted(recorder.seen.items())
    for point, hits in points if ALL else draw.sample(points, len(points) // one_in):
        times = {1, (hits + 1) // 2} if ALL else {draw.randint(1, hits)}
        for name in FAULTS if ALL else [draw.choice(list(FAULTS))]:
            for hit in times:
                prepare()
                injector = Injector(point, hit, FAULTS[name])
                if why := _fault(command, injector, lambda: expected if counted() else result(), expected):
                    wrong.append(f"{point.primitive} at {point.place}, hit {hit} of {hits}, {name}: {why}")
    assert not wrong, "\n".join(wrong)
    return len(recorder.seen)


def _fault(command: Command, injector: Injector, result: Callable[[], Any], expected: Any) -> str | None:
    """What went wrong with a command that met a fault, or when it was run again."""
    try:
        code = tried(command, injector)
    except BaseException as error:  # noqa: BLE001 - whatever leaves `main` is what is looked for
        return f"{type(error).__name__} left the command: {error}"
    if code not in CODES:
        return f"exit code {code}"
    if code == 0 and result() != expected:
        return "exit code 0 with other results"
    try:
        with bounded():
            code = command.again()
    except BaseException as error:  # noqa: BLE001 - as above
        return f"run again: {type(error).__name__}: {error}"
    if code != 0:
        return f"run again: exit code {code}"
    return None if result() == expected else "run again: other results"


def evaluation(words: Sequence[str], out: Path) -> tuple[Command, Callable[[], None], Callable[[], Any]]:
    """An evaluation, from nothing."""
    command = [*words, "--out", str(out)]
    return (
        Command(command, out, lambda: main(command)),
        lambda: shutil.rmtree(out, ignore_errors=True),
        lambda: scores(out),
    )


def test_an_evaluation(world: list[str], tmp_path: Path) -> None:
    points = check(*evaluation(["eval", "--model", "mock", *world, "--no-report"], tmp_path / "run"))
    print(f"{points} points of an evaluation")
    assert points > 40


def test_an_evaluation_that_is_continued(world: list[str], tmp_path: Path) -> None:
    words = ["eval", "--model", "mock", *world, "--no-report"]
    command, fresh, result = evaluation(words, tmp_path / "run")
    assert main([*command.words, "--limit", "2"]) == 0
    shutil.copytree(command.out, tmp_path / "before")

    def prepare() -> None:
        fresh()
        shutil.copytree(tmp_path / "before", command.out)

    points = check(command, prepare, result)
    print(f"{points} points of an evaluation that is continued")
    assert points > 40


def test_an_evaluation_on_a_server(world: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.models.server_patience.RetryPolicy.wait", lambda *_: 0.01)
    with scripted(lambda *_: (200, said("A"))) as server:
        words = [
            "eval",
            "--model",
            "m",
            "--base-url",
            server.url,
            "--coords",
            "norm1000",
            *world,
            "--no-report",
        ]
        words += ["--max-wait", "1", "--max-retries", "1"]
        points = check(*evaluation(words, tmp_path / "run"))
    print(f"{points} points of an evaluation on a server")
    assert points > 50


@pytest.mark.parametrize("verb", ["score", "report", "compare"])
def test_what_reads_a_run(world: list[str], tmp_path: Path, verb: str) -> None:
    run, case, page = tmp_path / "run", tmp_path / "case", tmp_path / "page.html"
    assert main(["eval", "--model", "mock", *world, "--out", str(run)]) == 0
    words = {
        "score": ["score", str(case)],
        "report": ["report", str(case), "-o", str(page)],
        "compare": ["compare", str(case), str(run)],
    }[verb]

    def prepare() -> None:
        shutil.rmtree(case, ignore_errors=True)
        page.unlink(missing_ok=True)
        shutil.copytree(run, case)

    def result() -> Any:
        return scores(case), verb == "report" and page.stat().st_size > 0

    points = check(Command(words, case, lambda: main(words)), prepare, result)
    print(f"{points} points of harness {verb}")
    assert points >= 4


RECIPE = """
stages = ["g2rpo"]
model = "tiny"
data = "synthetic"
tasks = ["chartqa"]
threads = 1
[g2rpo]
steps = 2
responses = 2
max_new_tokens = 4
rollout_prompts = 2
update_prompts = 2
micro_batch = 4
fill_rounds = 1
rollout_batch = 4
learning_rate = 1e-4
low_accuracy = 0.0
high_accuracy = 1.0
empty_budget = 1.0
save_every = 1
eval_every = 2
eval_limit = 1
"""


def test_a_training(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipe, out = tmp_path / "recipe.toml", tmp_path / "trained"
    recipe.write_text(RECIPE)
    words = ["train", str(recipe), "--out", str(out)]

    def result() -> Any:
        lines = [json.loads(line) for line in (out / "g2rpo" / "steps.jsonl").read_text().splitlines()]
        steps = [{key: value for key, value in line.items() if key not in CLOCKS} for line in lines]
        return steps, (out / "g2rpo" / "model" / "model.safetensors").read_bytes()

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)

    def counted() -> bool:
        lines, _ = result()
        evaluated = sum(line["eval"]["failed"] for line in lines if "eval" in line)
        return evaluated + sum(lines[-1]["bad"].values()) + lines[-1]["unreadable"] > 0

    prepare()
    assert main(words) == 0  # what is imported and worked out once is no point
    points = check(Command(words, out, lambda: main(words)), prepare, result, one_in=6, counted=counted)
    print(f"{points} points of a training")
    assert points > 80


# Replies of a server


VALUES = (
    None,
    "",
    "x",
    -1,
    7,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    True,
    [],
    [None],
    {},
    {"x": 1},
    "\ud800",
    "x" * 99_999,
)


def mutated(reply: Any) -> Iterator[Any]:
    """The reply with each of its fields taken out, and with each value in each field's place."""
    for path in _paths(reply):
        for value in (*VALUES, KeyError):
            copy = json.loads(json.dumps(reply))
            inner = copy
            for key in path[:-1]:
                inner = inner[key]
            if value is KeyError:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            yield copy
    yield from VALUES


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(inner))


def test_every_field_of_a_reply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replies = list(mutated({**said("A"), "error": None}))

    def reply(number: int, _: Any) -> tuple[int, Any]:
        return 200, said("A") if number % 2 else replies[number // 2 % len(replies)]

    with scripted(reply) as server, bounded():
        words = ["eval", "--model", "m", "--base-url", server.url, "--coords", "norm1000", "--tasks", "ai2d"]
        words += ["--data", "synthetic", "--limit", str(2 * len(replies)), "--concurrency", "8", "--no-images"]
        words += ["--max-retries", "0", "--no-report", "--max-wait", "1", "--out", str(tmp_path / "run")]
        assert main(words) == 3
        answered = (tmp_path / "run" / "samples" / "ai2d.jsonl").read_bytes().splitlines()
        assert len(answered) == len(server.asked) == 2 * len(replies)
    lines = [json.loads(line) for line in answered]
    assert all(isinstance(line["text"], str) and 0 <= line["completion_tokens"] < 10**9 for line in lines)
    json.loads((tmp_path / "run" / "results.json").read_text(), parse_constant=pytest.fail)
    print(f"{len(replies)} replies")
