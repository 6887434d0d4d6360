"""`harness score`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.common import add_delimiters, add_judge, print_results

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from harness.imports import Logged
    from scorers.types import Score
    from tasks.types import Task

    Scored = tuple[str, Score, dict[str, Any]]
    """(id, score, row)."""


def score(parser: argparse.ArgumentParser) -> Runner:
    """Score responses without a model.

      harness score TASK FILE.jsonl  rows {id, record, response} become {id, value, official, status, …}
      harness score TASK LOG [--data DIR]  predictions of lmms-eval, VLMEvalKit or inspect
      harness score RUN              a run's responses again: rewrites its scores and results

    `record` is the data set row in the hub's columns, images left out or as paths relative to FILE's folder;
    `finish_reason`, where a row has it, is stop, length, content_filter or error. Exit 3 where no row got a
    verdict.
    """
    parser.add_argument("what", metavar="TASK|RUN", help="a task's name, or a run's directory")
    parser.add_argument("file", nargs="?", metavar="FILE.jsonl", help="the responses; only with TASK")
    parser.add_argument("--out", metavar="FILE", help="where to write the scores [standard output]")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.add_argument(
        "--data", metavar="hub|DIR", help="with a LOG: join it with the task's own rows from there"
    )
    parser.add_argument("--coords", help="how the responses write coordinates; a row's own `coords` wins")
    parser.add_argument("--raw", action="store_true", help="judge `official` on the untouched response")
    add_delimiters(parser)
    add_judge(parser.add_argument_group("a judge model, beside the scores of a RUN"))
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Score a file of responses, or a run again."""
    given = vars(args)
    return _file(given) if "file" in given else _again(given)


def _again(given: dict[str, Any]) -> int:
    from harness.config import judge_options
    from harness.delimiters import read_delimiters
    from harness.errors import UsageError
    from harness.progress import Progress
    from harness.run.rescoring import rescore, submissions_said
    from harness.words import missing_responses

    run_dir = Path(given["what"])
    if not run_dir.is_dir():
        raise UsageError(f"{run_dir}: no such run; for a file of responses: harness score TASK FILE.jsonl")
    for flag in ("coords", "raw", "out", "data"):
        if flag in given:
            raise UsageError(f"--{flag} is for harness score TASK FILE.jsonl; a run has its own")
    own = read_delimiters(given["delimiters"]) if "delimiters" in given else None
    try:
        judge = judge_options(given)
    except ValueError as error:
        raise UsageError(str(error)) from None
    rescored = rescore(run_dir, Progress(), delimiters=own, judge=judge)
    if given.get("json"):
        print(json.dumps(_run_summary(rescored.results, rescored.missing)))
    else:
        print_results(rescored.results)
        for line in submissions_said(rescored.results):
            print(line)
        if rescored.missing:
            print(f"{run_dir}: not complete, {missing_responses(rescored.missing)}: scores of the others")
    return int(rescored.results.exit_code)


def _run_summary(results: Any, missing: int) -> dict[str, Any]:
    from harness.jsonl import plain

    tasks = {name: plain(task.score) for name, task in results.tasks.items()}
    part = {"shard": results.shard} if results.shard is not None else {}
    return {"tasks": tasks, "mean": plain(results.mean.score), "missing": missing, **part}


def _file(given: dict[str, Any]) -> int:
    from harness.delimiters import read_delimiters
    from harness.errors import Exit, UsageError, nearest
    from harness.jsonl import encode, write_atomic
    from harness.progress import Progress
    from harness.registry import Registry
    from harness.scores.scoring import score_rows
    from scorers.read.normalise import STANDARD
    from scorers.types import COORDS

    task = Registry(given.get("task_file", ())).get(given["what"])
    path, coords = Path(given["file"]), given.get("coords")
    if task.rows is not None:
        raise UsageError(f"{task.name} brings its own rows: harness score RUN scores what harness eval asked")
    if coords is not None and coords not in COORDS:
        raise UsageError(f"unknown --coords {coords!r}{nearest(coords, COORDS)}")
    for flag in ("judge_url", "judge_model", "judge_key_env", "judge_timeout"):
        if flag in given:
            raise UsageError(f"--{flag.replace('_', '-')} is for harness score RUN")
    known = STANDARD + read_delimiters(given["delimiters"]) if "delimiters" in given else STANDARD
    progress = Progress()
    with progress.stage(task.name, None) as stage:
        scored = []
        rows = _rows(path, task, given.get("data"))
        for row in score_rows(task, rows, coords=coords, raw=given.get("raw", False), delimiters=known):
            scored.append(row)
            stage.advance()
    lines = [encode(_line(name, score)) for name, score, _ in scored]
    if "out" in given:
        write_atomic(Path(given["out"]), lines)
    elif not given.get("json"):
        for line in lines:
            print(line.decode(), end="")
    if given.get("json"):
        print(json.dumps(_summary(task.name, scored)))
    for said in without_verdict(path, scored):
        progress.say(said)
    return Exit.COMPLETE if not scored or any(map(_counts, scored)) else Exit.INCOMPLETE


def _line(name: str, score: Score) -> dict[str, Any]:
    """A row of the output: `channel` stands beside what was read."""
    from harness.scores.judging import score_json

    said = score_json(score)
    said.pop("channel", None)
    before = ("value", "official", "status", "extracted")
    return {"id": name, **{key: said.pop(key) for key in before}, "channel": score.channel, **said}


def _counts(scored: Scored) -> bool:
    from scorers.types import Status

    return scored[1].status not in (Status.FAILED, Status.ERROR)


def without_verdict(path: Path, scored: list[Scored]) -> list[str]:
    """Why rows got no verdict: where none did the most frequent reason, else every reason with its count."""
    examples: dict[str, list[str]] = {}
    for name, score, _ in (row for row in scored if not _counts(row)):
        reason = re.sub(rf"^{re.escape(str(path))}:\d+: ", "", score.error or str(score.status))
        examples.setdefault(reason, []).append(name)
    ranked = sorted(examples.items(), key=lambda found: -len(found[1]))
    if not any(map(_counts, scored)):
        return [
            f"{path}: no row got a verdict ({len(scored)}); {len(names)} because: {reason} (e.g. {names[0]})"
            for reason, names in ranked[:1]
        ]
    return [f"{path}: {len(names)} without a verdict: {reason} (e.g. {names[0]})" for reason, names in ranked]


def _rows(path: Path, task: Task, data: str | None) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    from harness.errors import UsageError
    from harness.imports import read_log

    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    log = read_log(path)
    if log is not None:
        return _logged(log.predictions, task, data)
    if data is not None:
        raise UsageError(f"--data is for predictions of another tool: the rows of {path} have their records")
    return _own_rows(path, task)


def _logged(
    predictions: Iterable[Logged], task: Task, data: str | None
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    from harness.data import load_rows
    from harness.imports import joined

    for each in predictions if data is None else joined(predictions, load_rows(task, data, alone=True)):
        if isinstance(each, str):
            yield each, each, {"response": ""}
        else:
            reason = "error" if each.error is not None else each.finish_reason
            row = {"id": each.key, "response": each.response, "finish_reason": reason, "error": each.error}
            yield each.where, each.record, row


def _own_rows(path: Path, task: Task) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    from harness.errors import UsageError
    from harness.jsonl import read_lines
    from scorers.types import COORDS
    from tasks.types import FINISH_REASONS

    for number, row in read_lines(path):
        where = f"{path}:{number}"
        for key in ("record", "response"):
            if not isinstance(row, dict) or key not in row:
                raise UsageError(f"{where}: wants {{id, record, response}}: {key!r} is missing")
        if not isinstance(row["record"], dict):
            raise UsageError(f"{where}: `record` is no data set row")
        if row.get("coords") is not None and row["coords"] not in COORDS:
            raise UsageError(f"{where}: unknown coords {row['coords']!r}; known: {', '.join(COORDS)}")
        if row.get("finish_reason") not in (None, *FINISH_REASONS):
            raise UsageError(
                f"{where}: unknown finish_reason {row['finish_reason']!r}; known: {', '.join(FINISH_REASONS)}"
            )
        yield where, _with_paths(row["record"], task, path.parent), row


def _with_paths(record: dict[str, Any], task: Task, folder: Path) -> dict[str, Any]:
    """The record with image and mask files named relative to the responses' folder made absolute."""
    found = dict(record)
    for name in task.source.image_columns:
        value = found.get(name)
        if isinstance(value, str) and 0 < len(value) < 1024 and (folder / value).is_file():
            found[name] = str((folder / value).absolute())
    return found


def _summary(task: str, scored: list[Scored]) -> dict[str, Any]:
    """n, means, how often value and official agree, statuses; and `expected`, where the rows have it."""
    from collections import Counter

    counted = [item for item in scored if _counts(item)]
    official = [item for item in counted if item[1].official is not None]
    agree = [abs(score.value - (score.official or 0.0)) < 0.5 for _, score, _ in official]
    summary: dict[str, Any] = {
        "task": task,
        "n": len(counted),
        "value": _mean([score.value for _, score, _ in counted]),
        "official": _mean([score.official or 0.0 for _, score, _ in official]),
        "agreement": _mean([float(same) for same in agree]),
        "official_only": sum((score.official or 0.0) - score.value >= 0.5 for _, score, _ in official),
        "ours_only": sum(score.value - (score.official or 0.0) >= 0.5 for _, score, _ in official),
        "statuses": {str(status): count for status, count in Counter(s.status for _, s, _ in scored).items()},
    }
    expected = [item for item in scored if isinstance(item[2].get("expected"), int | float)]
    if expected:
        same = [
            score.official is not None and abs(score.official - row["expected"]) < 1e-6
            for _, score, row in expected
        ]
        differing = [name for (name, _, _), equal in zip(expected, same, strict=True) if not equal]
        summary["expected"] = {"n": len(expected), "equal": sum(same), "differing": differing[:20]}
    return summary


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
