"""From many responses to verdicts: beside generation, from the files of a run, or from a file of responses."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from harness.errors import PLUGIN_BUGS
from harness.jsonl import encode, plain, write_atomic
from harness.progress import Progress
from harness.scores.judging import judge
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords, Score, Status
from tasks.types import Groups, Response, Sample, Task


@dataclass(frozen=True, slots=True)
class Verdict:
    """One response and its verdict."""

    position: int
    """Of the item within its task, from 0."""
    id: str
    epoch: int
    groups: Groups
    score: Score
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is part of n."""
        return self.score.status not in (Status.FAILED, Status.ERROR)


Pending = tuple[Task, int, Sample, int, Response]
"""Task, position of the item, sample, epoch, response."""


def verdict_on(pending: Pending, coords: Coords | None, delimiters: Delimiters = STANDARD) -> Verdict:
    """Score one response of a run."""
    task, position, sample, epoch, response = pending
    score = judge(task, sample, response, coords=coords, delimiters=delimiters)
    return Verdict(
        position, sample.id, epoch, sample.groups, score, response.prompt_tokens, response.completion_tokens
    )


def unanswered(position: int, name: str, groups: Groups, epoch: int, error: str) -> Verdict:
    """The verdict on a sample, by its id, that could not be asked or was not answered."""
    return Verdict(position, name, epoch, groups, Score(0.0, None, Status.FAILED, error=error))


def scorer_version(task: Task) -> str:
    """Twelve hex digits over the source of all scorers and of the task: scores of one version agree."""
    return _version(task.to_samples.__module__)


@cache
def _version(task_module: str) -> str:
    import scorers

    digest = hashlib.sha256()
    files = sorted(
        path for path in Path(scorers.__file__).parent.rglob("*.*") if path.suffix in (".py", ".toml")
    )
    source = getattr(sys.modules.get(task_module), "__file__", None)
    if source is not None:
        files.append(Path(source))
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def write_scores(path: Path, task: Task, verdicts: Iterable[Verdict]) -> None:
    """Write `scores/<task>.jsonl`, each line stamped with the scorer's version, whole or not at all."""
    version = scorer_version(task)
    write_atomic(path, (encode(score_line(verdict, version)) for verdict in verdicts))


def score_line(verdict: Verdict, version: str) -> dict[str, Any]:
    """A verdict as plain JSON."""
    return {"id": verdict.id, "epoch": verdict.epoch, **score_json(verdict.score), "scorer": version}


def score_json(score: Score) -> dict[str, Any]:
    """A score as plain JSON."""
    line: dict[str, Any] = {
        "value": score.value,
        "official": score.official,
        "status": str(score.status),
        "extracted": score.extracted,
    }
    if score.channel is not None:
        line["channel"] = str(score.channel)
    if score.components:
        line["components"] = plain(score.components)
    if score.shapes:
        line["shapes"] = plain(score.shapes)
    if score.error is not None:
        line["error"] = score.error
    return line


class ScoringThread:
    """Scores responses beside generation.

    Enter it, `add` responses, `finish`; then `verdicts` holds every task's.

    Args:
        coords: the model's coordinate convention.
        delimiters: by which thinking, answers and chat tokens are known.
    """

    BATCH = 64

    def __init__(self, coords: Coords | None, delimiters: Delimiters = STANDARD) -> None:
        self.verdicts: dict[str, list[Verdict]] = {}
        self._coords, self._delimiters = coords, delimiters
        self._batch: list[Pending] = []
        self._pool = ThreadPoolExecutor(1, "scoring")
        self._futures: list[Future[None]] = []

    def add(self, task: Task, position: int, sample: Sample, epoch: int, response: Response) -> None:
        """Have a response scored soon."""
        self._batch.append((task, position, sample, epoch, response))
        if len(self._batch) >= self.BATCH:
            self._hand_over()

    def _hand_over(self) -> None:
        self._futures.append(self._pool.submit(self._score, self._batch))
        self._batch = []

    def finish(self, progress: Progress) -> None:
        """Wait until all are scored."""
        self._hand_over()
        for future in progress.over("scoring", self._futures, len(self._futures)):
            future.result()
        self._futures = []

    def _score(self, batch: list[Pending]) -> None:
        for pending in batch:
            verdict = verdict_on(pending, self._coords, self._delimiters)
            self.verdicts.setdefault(pending[0].name, []).append(verdict)

    def __enter__(self) -> ScoringThread:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


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
    except PLUGIN_BUGS as error:
        return [f"{where}: {type(error).__name__}: {error}"]
