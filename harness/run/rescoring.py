"""Scores of a run made again from its files, without a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.config import RunConfig, build
from harness.errors import HarnessError, UsageError
from harness.jsonl import plain
from harness.models import JudgeOptions
from harness.progress import Progress
from harness.registry import Registry
from harness.run.identity import notes_of, read_run, save_run
from harness.run.items import FailedRow, Item, groups_of, read_items
from harness.run.journal import Key, TaskJournal
from harness.run.judge import Judge
from harness.run.lock import Lock
from harness.run.submission import said, write_submission
from harness.scores import aggregate, beside
from harness.scores.results import Results, TaskResult, read_results, write_results
from harness.scores.scoring import ScoringThread, write_scores
from harness.scores.verdicts import Verdicts, unanswered
from harness.words import missing_responses
from scorers.read.normalise import Delimiters
from tasks.types import Response, Task


@dataclass(frozen=True, slots=True)
class Rescored:
    """A run scored again."""

    results: Results
    missing: int
    """Responses that the run does not have yet; then `results.json` is not written."""


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run's responses, scored from its files; nothing is written."""

    results: Results
    scores: Sequence[tuple[Task, Verdicts]]
    """Each task with its verdicts."""
    missing: int
    """Responses that the run does not have yet."""


def rescore(
    run_dir: Path,
    progress: Progress | None = None,
    *,
    delimiters: Delimiters | None = None,
    judge: JudgeOptions | None = None,
) -> Rescored:
    """Score a run's responses again and rewrite `scores/`, and `results.json` where the run is complete.

    Args:
        run_dir: the run.
        progress: where to say how far it is; None: nowhere.
        delimiters: in place of those that the run was scored with, beside the standard ones; `run.json` then
            names them.
        judge: to ask about each response; `run.json` then names it. None: of the judge that the run had, the
            verdicts that are there.

    Raises:
        UsageError: the directory holds no run, or there is no such judge.
        HarnessError: a file of it cannot be read, the run is in use, or responses of a complete run have gone.
    """
    progress = progress or Progress(quiet=True)
    run = _run_of(run_dir)  # before the lock, which would make the directory
    with Lock(run_dir):
        opened = Judge.of_run(run)
        if judge is not None:
            opened = Judge.open(judge, tasks_of(_config_of(run_dir, run), run), progress.say)
            run |= {"judge": opened.described()}
        if delimiters is not None:
            run |= {"config": run["config"] | {"delimiters": plain(delimiters)}}
        verdicts = _scored(run_dir, run, opened, progress, run_dir)
        if verdicts.missing and (run_dir / "results.json").exists():
            raise HarnessError(
                f"{run_dir}: {missing_responses(verdicts.missing)} although the run was complete; its scores "
                "stay as they are: run its harness eval command again, it asks for what is missing"
            )
        if delimiters is not None or judge is not None:
            save_run(run_dir, run)
        for task, scores in verdicts.scores:
            write_scores(run_dir / "scores" / f"{task.name}.jsonl", scores)
        write_submissions(run_dir, [task for task, _ in verdicts.scores])
        if not verdicts.missing:
            write_results(run_dir / "results.json", verdicts.results)
        return Rescored(verdicts.results, verdicts.missing)


def score_run(run_dir: Path, progress: Progress | None = None) -> ScoredRun:
    """Score the responses that a run has, complete or not; no file of it is touched.

    Raises:
        UsageError: the directory holds no run.
        HarnessError: a file of it cannot be read.
    """
    run = _run_of(run_dir)
    return _scored(run_dir, run, Judge.of_run(run), progress or Progress(quiet=True))


def _scored(
    run_dir: Path,
    run: Mapping[str, Any],
    judge: Judge | None,
    progress: Progress,
    folder: Path | None = None,
) -> ScoredRun:
    """A run scored and judged; the lines of its scores wait on the disk of `folder`, None: the system's."""
    config = _config_of(run_dir, run)
    tasks: dict[str, TaskResult] = {}
    scores: list[tuple[Task, Verdicts]] = []
    missing = 0
    for task in tasks_of(config, run):
        name, described = task.name, run["tasks"][task.name]
        with ScoringThread(run["coords"], config.all_delimiters, folder) as scoring:
            unasked = _score_task(run_dir, task, run, scoring, progress)
        verdicts = scoring.of(task)
        if judge is not None:
            judge_task(judge, run_dir, run, task, verdicts, delimiters=config.all_delimiters, progress=progress)
        scores.append((task, verdicts))
        missing += unasked
        tasks[name] = beside.task_result(
            task,
            verdicts,
            data=described["data"],
            fingerprint=described["fingerprint"],
            synthetic=described["synthetic"],
        )
    seconds, asked = _told(run_dir)
    results = aggregate.run_results(
        tasks,
        failure_budget=config.failure_budget,
        model=run["model"],
        seconds=seconds,
        run_dir=run_dir,
        asked=asked,
        shard=config.shard,
        control=config.control,
        notes=notes_of(run),
    )
    return ScoredRun(results, scores, missing)


def _told(run_dir: Path) -> tuple[float, int | None]:
    """How long the last command took and how many responses it asked for: 0 and None where nothing says it."""
    try:
        results = read_results(run_dir)
    except HarnessError:
        return 0.0, None
    return results.seconds, results.asked


def tasks_of(config: RunConfig, run: Mapping[str, Any]) -> list[Task]:
    """The tasks of a run, on the split that was asked.

    Args:
        config: the run's.
        run: `run.json`.
    """
    registry = Registry(config.task_file)
    return [registry.get(name, config.split) for name in run["tasks"]]


def write_submissions(run_dir: Path, tasks: Sequence[Task]) -> None:
    """Write what challenges are sent, for each task of a run whose answers are withheld.

    Raises:
        HarnessError: a file of the run cannot be read, or one cannot be written.
    """
    withheld = [task for task in tasks if not task.answered]
    if not withheld:
        return
    run = _run_of(run_dir)
    config = _config_of(run_dir, run)
    if config.shard is None:
        for task in withheld:
            write_submission(run_dir, task, _answers(run_dir, task, run), config.all_delimiters)


def submissions_said(results: Results) -> list[str]:
    """For the end of a command: which file is to be sent where, or why there is none."""
    assert results.run_dir is not None
    run = _run_of(results.run_dir)
    return list(said(results, tasks_of(_config_of(results.run_dir, run), run)))


def _run_of(run_dir: Path) -> dict[str, Any]:
    run = read_run(run_dir) if (run_dir / "run.json").exists() else None
    if run is None:
        raise UsageError(f"{run_dir}: not a run: there is no run.json")
    return run


def _config_of(run_dir: Path, run: Mapping[str, Any]) -> RunConfig:
    try:
        return build(run["config"])
    except UsageError as error:
        raise HarnessError(f"{run_dir / 'run.json'}: not a configuration of this version: {error}") from None


def judge_task(
    judge: Judge,
    run_dir: Path,
    run: Mapping[str, Any],
    task: Task,
    verdicts: Verdicts,
    *,
    delimiters: Delimiters,
    progress: Progress,
) -> None:
    """Add a judge's verdicts to those on a task of a run, whose files are written."""
    asked = partial(_answers, run_dir, task, run)
    judge.rule(run_dir, task, verdicts, asked, delimiters=delimiters, progress=progress)


def _answers(
    run_dir: Path, task: Task, run: Mapping[str, Any]
) -> Iterator[tuple[int, Item | FailedRow, int, Response | None]]:
    """(position, item, epoch, response) of everything that a run asks of a task, in order."""
    answers = TaskJournal(run_dir / "samples" / f"{task.name}.jsonl", task.name).answers()
    generation = run["tasks"][task.name]["generation_sha"]
    for position, item in enumerate(read_items(run_dir / "items" / f"{task.name}.jsonl", task)):
        for epoch in range(run["config"]["epochs"]):
            response = None
            if isinstance(item, Item):
                key = Key(task.name, item.id, epoch, item.prompt_sha, item.image_sha, generation)
                response = answers.get(key)
            yield position, item, epoch, response


def _score_task(
    run_dir: Path, task: Task, run: Mapping[str, Any], scoring: ScoringThread, progress: Progress
) -> int:
    """Score the responses of one task; how many are missing."""
    missing = 0
    for position, item, epoch, response in _answers(run_dir, task, run):
        if isinstance(item, FailedRow):
            scoring.of(task).add(unanswered(position, item.id, groups_of(task, item), epoch, item.error))
        elif response is None:
            missing += 1
        else:
            scoring.add(task, position, item.sample, epoch, response)
    scoring.finish(progress, task.name)
    return missing
