"""From many responses to verdicts: beside generation, from the files of a run, or from a file of responses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Literal

from harness.errors import FAULTS, HarnessError, named
from harness.jsonl import write_atomic
from harness.progress import Progress
from harness.scores.judging import judge
from harness.scores.verdicts import Verdict, Verdicts, scorer_version
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords, Score, Status
from tasks.types import Response, Sample, Task

Pending = tuple[Task, int, Sample, int, Response]
"""Task, position of the item, sample, epoch, response."""


def verdict_on(pending: Pending, coords: Coords | None, delimiters: Delimiters = STANDARD) -> Verdict:
    """Score one response of a run."""
    task, position, sample, epoch, response = pending
    score = judge(task, sample, response, coords=coords, delimiters=delimiters)
    return Verdict(
        position, sample.id, epoch, sample.groups, score, response.prompt_tokens, response.completion_tokens
    )


def write_scores(path: Path, verdicts: Verdicts) -> None:
    """Write `scores/<task>.jsonl`, whole or not at all."""
    write_atomic(path, verdicts.lines())


class ScoringThread:
    """Scores responses beside generation.

    Enter it, `add` responses, `finish`; then `of` gives every task's verdicts.

    The thread dies with the process: no scorer that hangs keeps Ctrl-C from ending it. A response on which the
    scorer works for longer than `LIMIT` is an error, and the rest goes on in another thread.

    Args:
        coords: the model's coordinate convention.
        delimiters: by which thinking, answers and chat tokens are known.
        folder: on whose disk the lines of the scores wait; None: in the system's folder for temporary files.
    """

    AHEAD = 256
    """Responses that may wait to be scored before `add` waits too: their texts are in memory."""
    LIMIT = 120.0
    """Seconds; the benchmarks' own scorers take at most two (`benchmarks/fuzzing.py`)."""
    MOST = 3
    """Responses on which scorers may hang before the run is ended."""

    def __init__(
        self, coords: Coords | None, delimiters: Delimiters = STANDARD, folder: Path | None = None
    ) -> None:
        self._verdicts: dict[str, Verdicts] = {}
        self._folder = folder
        self._coords, self._delimiters = coords, delimiters
        self._todo = _Todo()
        self._done: SimpleQueue[tuple[str, Verdict] | BaseException] = SimpleQueue()
        self._waiting = 0
        self._hung: list[str] = []
        self._worker = self._start()

    def _start(self) -> _Worker:
        worker = _Worker(self._todo, self._done, self._score)
        worker.start()
        return worker

    def _score(self, pending: Pending) -> Verdict:
        return verdict_on(pending, self._coords, self._delimiters)

    def add(self, task: Task, position: int, sample: Sample, epoch: int, response: Response) -> None:
        """Have a response scored soon.

        Raises:
            HarnessError: scorers hang, or a verdict cannot be kept.
        """
        if task.prepare is not None and task.name not in self._verdicts:
            task.prepare()
        self.of(task)
        self._todo.put((task, position, sample, epoch, response))
        self._waiting += 1
        if self._waiting > self.AHEAD:
            self._take()

    def of(self, task: Task) -> Verdicts:
        """The verdicts of a task so far; also for those on what was not asked or not answered."""
        if task.name not in self._verdicts:
            self._verdicts[task.name] = Verdicts(scorer_version(task), self._folder)
        return self._verdicts[task.name]

    def _take(self) -> None:
        task, verdict = self._next()
        self._verdicts[task].add(verdict)
        self._waiting -= 1

    def finish(self, progress: Progress, name: str = "scoring") -> None:
        """Wait until all are scored; `name` is what the progress says.

        Raises:
            HarnessError: scorers hang, or a verdict cannot be kept.
        """
        self._todo.wake()
        for _ in progress.over(name, range(self._waiting), self._waiting):
            self._take()

    def _next(self) -> tuple[str, Verdict]:
        while True:
            try:
                done = self._done.get(timeout=min(1.0, self.LIMIT))
            except Empty:
                if (pending := self._worker.give_up(self.LIMIT)) is not None:
                    return self._given_up(pending)
                continue
            if isinstance(done, BaseException):
                raise HarnessError(f"scoring ended: {named(done)}") from done
            return done

    def _given_up(self, pending: Pending) -> tuple[str, Verdict]:
        task, position, sample, epoch, _ = pending
        self._hung.append(sample.id)
        if len(self._hung) == self.MOST:
            raise HarnessError(
                f"{task.name}: its scorer hangs (on {', '.join(self._hung)}); the answers are kept: fix it, "
                "then rerun the command"
            )
        self._worker = self._start()
        score = Score(0.0, None, Status.ERROR, error=f"the scorer gave nothing within {self.LIMIT:g} s")
        return task.name, Verdict(position, sample.id, epoch, sample.groups, score)

    def __enter__(self) -> ScoringThread:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.leave()
        self._todo.put(None)
        self._todo.wake()


class _Todo:
    """What is to be scored.

    Its reader is woken for a block, and looks by itself now and then: to wake it for each response takes longer
    than most verdicts do.
    """

    BLOCK = 64
    SOON = 0.5
    """Seconds after which it looks."""

    def __init__(self) -> None:
        self._waiting: deque[Pending | None] = deque()
        self._awake = Event()

    def put(self, pending: Pending | None) -> None:
        """Add what is to be done; None: there is no more."""
        self._waiting.append(pending)
        if len(self._waiting) >= self.BLOCK:
            self.wake()

    def wake(self) -> None:
        """Have the reader take what there is."""
        if not self._awake.is_set():
            self._awake.set()

    def get(self) -> Pending | None:
        """The next one; the reader waits where there is none."""
        while not self._waiting:
            self._awake.wait(self.SOON)
            self._awake.clear()
        return self._waiting.popleft()


class _Worker(Thread):
    """Scores what is to be done, one after the other, until it meets None or is left."""

    def __init__(
        self,
        todo: _Todo,
        done: SimpleQueue[tuple[str, Verdict] | BaseException],
        score: Callable[[Pending], Verdict],
    ) -> None:
        super().__init__(name="scoring", daemon=True)
        self._todo, self._done, self._score = todo, done, score
        self._lock = Lock()
        self._current: tuple[Pending, float] | None = None
        self._left = False

    def run(self) -> None:
        """Work."""
        while (pending := self._todo.get()) is not None:
            self._current = (pending, time.monotonic())
            done: tuple[str, Verdict] | BaseException
            try:
                done = (pending[0].name, self._score(pending))
            except BaseException as error:  # noqa: BLE001 - of ours: raised where it is waited for
                done = error
            with self._lock:
                if self._left:
                    return
                self._current = None
                self._done.put(done)

    def leave(self) -> None:
        """Nothing more is wanted, also of what is still to be done."""
        with self._lock:
            self._left = True

    def give_up(self, limit: float) -> Pending | None:
        """What it has worked on for longer than the limit, in seconds; nothing of it counts from then on."""
        with self._lock:
            if self._current is None or time.monotonic() - self._current[1] <= limit:
                return None
            self._left = True
            return self._current[0]


def score_rows(
    task: Task,
    rows: Iterable[tuple[str, Any, dict[str, Any]]],
    *,
    coords: Coords | None = None,
    raw: bool = False,
    delimiters: Delimiters = STANDARD,
) -> Iterator[tuple[str, Score, dict[str, Any]]]:
    """Score responses with their data set rows, without a run.

    Args:
        task: whose scorer judges.
        rows: (where, record, row): a name for messages, the data set row (or why there is none, as text), and
            the whole row with `response` and, where it says so, `id`, `coords` and `finish_reason` (as in
            `tasks.types.Response`).
        coords: the convention of responses whose row does not name one.
        raw: judge `official` on the untouched response.
        delimiters: by which thinking, answers and chat tokens are known.

    Yields:
        (id, score, row). A record that cannot become a sample, or a response that is no text, is `failed`.
    """
    for where, record, row in rows:
        convention = row.get("coords") or coords
        for sample in _samples_of(task, where, record):
            if isinstance(sample, str):
                yield str(row.get("id", where)), Score(0.0, None, Status.FAILED, error=sample), row
                continue
            score = judge(
                task, sample, _response(where, row), coords=convention, raw=raw, delimiters=delimiters
            )
            yield str(row.get("id", sample.id)), score, row


def _response(where: str, row: dict[str, Any]) -> Response:
    """The response of a row; what is no text, or ended in an error, is none."""
    text, reason = row["response"], row.get("finish_reason") or "stop"
    if not isinstance(text, str):
        return Response("", "error", error=f"{where}: the response is {type(text).__name__}, not text")
    if reason == "error":
        return Response("", "error", error=f"{where}: {row.get('error') or 'its finish_reason is error'}")
    known: tuple[Literal["length", "content_filter"], ...] = ("length", "content_filter")
    return Response(text, next((name for name in known if name == reason), "stop"))


def _samples_of(task: Task, where: str, record: Any) -> list[Sample] | list[str]:
    from tasks.images import ImageError
    from tasks.types import RowError

    if isinstance(record, str):
        return [record]
    try:
        return list(task.to_samples(record)) or [f"{where}: the record gives no sample"]
    except (RowError, ImageError) as error:
        return [f"{where}: {error}"]
    except FAULTS as error:
        return [f"{where}: {named(error)}"]
