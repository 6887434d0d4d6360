"""Evaluation runs as a report shows them: complete ones from their files, partial ones scored in memory."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any

from harness.control import control_of, short
from harness.errors import HarnessError, UsageError
from harness.jsonl import read_lines
from harness.progress import Progress
from harness.run import read_run, score_run
from harness.run.journal import Answers, Key, TaskJournal, line_of
from harness.scores.results import Results, read_results
from harness.scores.verdicts import Verdicts

NAME_LENGTH = 80
# Line breaks of any kind, other control characters, lone surrogates, and marks that turn the text after them.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


_SCORE: Mapping[str, type | UnionType] = {"id": str, "epoch": int, "value": int | float | None, "status": str}
"""What a line of `scores/` has at least."""


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation run."""

    path: Path
    name: str
    """Shown, and unique within the report: the model's name, with the folder's where models repeat."""
    run: Mapping[str, Any]
    """`run.json`."""
    results: Results
    """Of `results.json`; of a partial run computed in memory from its journal, nothing being written."""
    missing: int
    """Responses still missing."""
    finished: bool
    """Whether `results.json` is there. Only then is the run complete; else it must be shown as partial."""
    _verdicts: Mapping[str, Verdicts] = field(default_factory=dict, repr=False)

    @property
    def shard(self) -> str | None:
        """The part of a run that it is, as "2/8"; None: all that was to be asked."""
        return self.results.shard

    @property
    def apart(self) -> str | None:
        """Why its numbers cannot stand beside others', in a word or two; None where they can."""
        control = control_of(self.run["config"])
        if control is not None:
            return short(control)
        return "partial" if not self.finished or self.shard is not None else None

    @property
    def whole(self) -> bool:
        """Whether its numbers can stand beside others': complete, no part of a run, and no control."""
        return self.apart is None

    @property
    def step(self) -> int | None:
        """The training step that its model is of; None where nothing says one."""
        step = self.run.get("step")
        return step if isinstance(step, int) else None

    @property
    def synthetic(self) -> bool:
        """Some rows were drawn: not the benchmarks."""
        return self.results.synthetic

    def items(self, task: str) -> Iterator[dict[str, Any]]:
        """The lines of `items/<task>.jsonl`, as plain JSON.

        Raises:
            HarnessError: the file is not there, or a line is broken; names file and line.
        """
        return _objects(self.path / "items" / f"{task}.jsonl", {"id": str})

    def responses(self, task: str) -> Responses:
        """The last journal line of each response that the run asks for.

        As everywhere, a torn last line and lines that are no responses are passed over. Where the folder has
        no journal of the task, nothing was answered.
        """
        generation = self.run["tasks"][task]["generation_sha"]
        asked = None if self.finished else {hash(_asked(item)) for item in self.items(task)}

        def name(key: Key) -> tuple[str, int] | None:
            stale = asked is not None and hash((key.id, key.prompt_sha, key.image_sha)) not in asked
            return None if stale or key.generation_sha != generation else (key.id, key.epoch)

        return Responses(TaskJournal(self.path / "samples" / f"{task}.jsonl", task).answers(name))

    def scores(self, task: str) -> Iterator[dict[str, Any]]:
        """The lines of `scores/<task>.jsonl`, as plain JSON; of a partial run scored in memory.

        Raises:
            HarnessError: the file is not there, or a line is broken; names file and line, or what makes it.
        """
        if self.finished:
            path = self.path / "scores" / f"{task}.jsonl"
            if not path.exists():
                raise HarnessError(f"{path}: there is no such file: harness score {self.path} makes it again")
            yield from _objects(path, _SCORE)
            return
        yield from map(json.loads, self._verdicts[task].lines())


class Responses:
    """Journal lines as plain JSON by (id, epoch), read when they are looked up; no latency: it is damaged."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def get(self, name: tuple[str, int]) -> dict[str, Any] | None:
        """The line of a response; None where there is none."""
        found = self._answers.find(name)
        if found is None:
            return None
        line = line_of(*found)
        if not math.isfinite(line["latency"]):
            line["latency"] = None
        return line

    def seconds(self) -> Iterator[float]:
        """How long each response took that is no error, in no order."""
        return self._answers.seconds()


def load_runs(paths: Sequence[Path], progress: Progress | None = None) -> list[Run]:
    """The evaluation runs in these folders, each folder once, in the order given.

    Args:
        paths: folders of runs.
        progress: where to say how far the judging of partial runs is.

    Raises:
        UsageError: a folder is no run.
        HarnessError: a file of a run is broken.
    """
    folders = list({path.resolve(): path for path in paths}.values())
    opened = [_open(path) for path in folders]
    names = _names([(_model_name(run), path) for run, path in zip(opened, folders, strict=True)])
    return [_load(path, name, run, progress) for path, name, run in zip(folders, names, opened, strict=True)]


def is_run(path: Path) -> bool:
    """Whether a folder holds an evaluation run, complete or not."""
    return (path / "run.json").is_file()


def _open(path: Path) -> Mapping[str, Any]:
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder")
    content = read_run(path) if is_run(path) else None
    if content is None:
        raise UsageError(f"{path}: not a run: there is no run.json")
    return content


def _load(path: Path, name: str, run: Mapping[str, Any], progress: Progress | None) -> Run:
    if (path / "results.json").exists():
        return Run(path, name, run, _checked(path, run, read_results(path)), 0, True)
    found = score_run(path, progress)
    verdicts = {task.name: scores for task, scores in found.scores}
    return Run(path, name, run, found.results, found.missing, False, verdicts)


def _checked(path: Path, run: Mapping[str, Any], results: Results) -> Results:
    """The results, of tasks that the run has, every score a number or nothing: Python's JSON has NaN."""
    for name, task in results.tasks.items():
        if name not in run["tasks"]:
            raise HarnessError(f"{path / 'results.json'}: has task {name}, run.json has not")
        numbers = (
            task.score.value,
            task.score.low,
            task.score.high,
            task.low,
            task.high,
            task.completion_tokens,
        )
        if not all(
            number is None or (isinstance(number, int | float) and math.isfinite(number)) for number in numbers
        ):
            raise HarnessError(f"{path / 'results.json'}: {name}: its score is no finite number")
    return results


def printable(text: str) -> str:
    """Text on one line that leaves the text around it as it is; a blank for each run of what would not."""
    return _UNPRINTABLE.sub(" ", text)


def _model_name(run: Mapping[str, Any]) -> str:
    """The model's name; of one that is a folder, its last part."""
    name = printable(str(run["config"].get("model") or "")).strip()
    if name.startswith(("/", "./", "../", "~")):
        name = Path(name).name
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def _names(found: Sequence[tuple[str, Path]]) -> list[str]:
    """A name for each run: its model's, then with the folder's, then with a number where they repeat."""
    folders = [printable(path.resolve().name) for _, path in found]
    models = [model or folder for (model, _), folder in zip(found, folders, strict=True)]
    full = [
        name if models.count(name) == 1 else f"{name} · {folder}"
        for name, folder in zip(models, folders, strict=True)
    ]
    unique: list[str] = []
    for name in full:
        count = 1
        candidate = name
        while candidate in unique or (count > 1 and candidate in full):
            count += 1
            candidate = f"{name} #{count}"
        unique.append(candidate)
    return unique


def _asked(item: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return item["id"], item.get("prompt_sha"), item.get("image_sha")


def _objects(path: Path, keys: Mapping[str, type | UnionType]) -> Iterator[dict[str, Any]]:
    types = tuple(keys.items())
    for number, line in read_lines(path):
        if not isinstance(line, dict) or not all(isinstance(line.get(key), of) for key, of in types):
            raise HarnessError(f"{path}:{number}: broken: a line of this file has {', '.join(keys)}")
        yield line
