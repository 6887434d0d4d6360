"""`harness score`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.cli.common import Runner
    from scorers.types import Score
    from tasks.types import Task


def score(parser: argparse.ArgumentParser) -> Runner:
    """Score responses without a model.

      harness score TASK FILE.jsonl  rows {id, record, response} become {id, value, official, status, extracted}
      harness score RUN              a run's responses again: rewrites its scores and results
      harness score RUN --submission DIR  writes the files that challenges score (DocVQA, InfoVQA test splits)

    `record` is the data set row in the hub's columns, images left out or as paths relative to FILE's folder.
    """
    parser.add_argument("what", metavar="TASK|RUN", help="a task's name, or a run's directory")
    parser.add_argument("file", nargs="?", metavar="FILE.jsonl", help="the responses; only with TASK")
    parser.add_argument("--out", metavar="FILE", help="where to write the scores [standard output]")
    parser.add_argument(
        "--submission", metavar="DIR", help="of a RUN: write the files that challenges score, and no scores"
    )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.add_argument("--coords", help="how the responses write coordinates; a row's own `coords` wins")
    parser.add_argument("--raw", action="store_true", help="judge `official` on the untouched response")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Score a file of responses, or a run again."""
    from harness.errors import UsageError

    given = vars(args)
    if "file" in given:
        if "submission" in given:
            raise UsageError("--submission is for harness score RUN")
        return _file(given)
    return _again(given)


def _again(given: dict[str, Any]) -> int:
    from harness.errors import UsageError
    from harness.progress import Progress
    from harness.run.rescoring import rescore, write_submissions
    from harness.scores.table import lines
    from harness.words import missing_responses

    run_dir = Path(given["what"])
    if not run_dir.is_dir():
        raise UsageError(f"{run_dir}: no such run; for a file of responses: harness score TASK FILE.jsonl")
    for flag in ("coords", "raw", "out"):
        if flag in given:
            raise UsageError(f"--{flag} is for harness score TASK FILE.jsonl; a run has its own")
    if "submission" in given:
        for path in write_submissions(run_dir, Path(given["submission"])):
            print(path)
        return 0
    rescored = rescore(run_dir, Progress())
    if given.get("json"):
        print(json.dumps(_run_summary(rescored.results, rescored.missing)))
    else:
        for line in lines(rescored.results):
            print(line)
        if rescored.missing:
            print(f"{run_dir}: not complete, {missing_responses(rescored.missing)}: scores of the others")
    return int(rescored.results.exit_code)


def _run_summary(results: Any, missing: int) -> dict[str, Any]:
    from harness.jsonl import plain

    tasks = {name: plain(task.score) for name, task in results.tasks.items()}
    return {"tasks": tasks, "mean": plain(results.mean.score), "missing": missing}


def _file(given: dict[str, Any]) -> int:
    from harness.errors import UsageError, nearest
    from harness.jsonl import encode, write_atomic
    from harness.progress import Progress
    from harness.registry import Registry
    from harness.scores.scoring import score_json, score_rows
    from scorers.types import COORDS

    task = Registry(given.get("task_file", ())).get(given["what"])
    path, coords = Path(given["file"]), given.get("coords")
    if coords is not None and coords not in COORDS:
        raise UsageError(f"unknown --coords {coords!r}{nearest(coords, COORDS)}")
    with Progress().stage(task.name, None) as stage:
        scored = []
        for row in score_rows(task, _rows(path, task), coords=coords, raw=given.get("raw", False)):
            scored.append(row)
            stage.advance()
    lines = [encode({"id": name, **score_json(score)}) for name, score, _ in scored]
    if "out" in given:
        write_atomic(Path(given["out"]), lines)
    elif not given.get("json"):
        for line in lines:
            print(line.decode(), end="")
    if given.get("json"):
        print(json.dumps(_summary(task.name, scored)))
    return 0


def _rows(path: Path, task: Task) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    from harness.errors import UsageError
    from harness.jsonl import read_lines
    from scorers.types import COORDS

    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    for number, row in read_lines(path):
        where = f"{path}:{number}"
        for key in ("record", "response"):
            if not isinstance(row, dict) or key not in row:
                raise UsageError(f"{where}: wants {{id, record, response}}: {key!r} is missing")
        if not isinstance(row["record"], dict):
            raise UsageError(f"{where}: `record` is no data set row")
        if row.get("coords") is not None and row["coords"] not in COORDS:
            raise UsageError(f"{where}: unknown coords {row['coords']!r}; known: {', '.join(COORDS)}")
        yield where, _with_paths(row["record"], task, path.parent), row


def _with_paths(record: dict[str, Any], task: Task, folder: Path) -> dict[str, Any]:
    """The record with image and mask files named relative to the responses' folder made absolute."""
    found = dict(record)
    for name in task.source.image_columns:
        value = found.get(name)
        if isinstance(value, str) and 0 < len(value) < 1024 and (folder / value).is_file():
            found[name] = str((folder / value).absolute())
    return found


def _summary(task: str, scored: list[tuple[str, Score, dict[str, Any]]]) -> dict[str, Any]:
    """n, means, how often value and official agree, statuses; and `expected`, where the rows have it."""
    from collections import Counter

    from scorers.types import Status

    counted = [item for item in scored if item[1].status not in (Status.FAILED, Status.ERROR)]
    official = [item for item in counted if item[1].official is not None]
    agree = [abs(score.value - (score.official or 0.0)) < 0.5 for _, score, _ in official]
    summary: dict[str, Any] = {
        "task": task,
        "n": len(counted),
        "value": _mean([score.value for _, score, _ in counted]),
        "official": _mean([score.official or 0.0 for _, score, _ in official]),
        "agreement": _mean([float(same) for same in agree]),
        "loopholes": sum((score.official or 0.0) - score.value >= 0.5 for _, score, _ in official),
        "missed": sum(score.value - (score.official or 0.0) >= 0.5 for _, score, _ in official),
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
