"""Two runs sample by sample: what each was asked, its verdicts, and which of them may be compared.

A comparison is of models, not of data: samples are paired by id, and only where data, prompt, images and scorer
are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.jsonl import read_lines, tuples
from harness.registry import Registry
from harness.run import read_run, score_run
from harness.scores.aggregate import Observation, fell_together, group_names, observations_of
from harness.scores.scoring import Verdict, score_line, scorer_version
from scorers.types import Score, Status
from tasks.types import Task

Lines = Callable[[str], Iterable[Mapping[str, Any]]]
"""A task's name → the lines of its items or scores, as plain JSON."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sample was asked."""

    prompt_sha: str
    image_sha: str
    content: tuple[Any, ...]
    """Question, choices and target."""


@dataclass(frozen=True, slots=True)
class TaskSide:
    """One task of one run."""

    fingerprint: str
    """Of its data."""
    scorers: frozenset[str]
    """Versions of the scorers that its verdicts are from."""
    asked: Mapping[str, Asked | None]
    """Sample id → what it was asked; None: it could not be."""
    verdicts: Sequence[Verdict]
    """One for each sample and epoch; those still missing are `failed`."""
    missing: int
    """Responses that the run does not have yet."""
    whole: dict[str, dict[str, Observation]] = field(default_factory=dict, compare=False, repr=False)
    """Headline → its numbers over all samples, kept: a run is compared with several others."""


@dataclass(frozen=True, slots=True)
class Side:
    """One run of a comparison."""

    path: Path
    name: str
    coords: str | None
    synthetic: bool
    complete: bool
    missing: int
    registry: Registry
    tasks: Mapping[str, TaskSide]


def read_side(path: Path) -> Side:
    """A run's folder, complete or not; nothing is written.

    Raises:
        UsageError: the folder holds no run.
        HarnessError: a file of it cannot be read.
    """
    run = read_run(path) if (path / "run.json").is_file() else None
    if run is None:
        raise UsageError(f"{path}: not a run: there is no run.json")
    items = _lines_of(path, "items")
    if (path / "results.json").is_file():
        return side_of(path, None, run, items, _lines_of(path, "scores"))
    verdicts_of = {task.name: (task, verdicts) for task, verdicts in score_run(path).scores}

    def scores(name: str) -> Iterator[Mapping[str, Any]]:
        task, verdicts = verdicts_of[name]
        return (score_line(verdict, scorer_version(task)) for verdict in verdicts)

    return side_of(path, None, run, items, scores, complete=False)


def _lines_of(path: Path, folder: str) -> Lines:
    def lines(task: str) -> Iterator[Mapping[str, Any]]:
        file = path / folder / f"{task}.jsonl"
        if not file.is_file():
            raise HarnessError(
                f"{file}: there is no such file, and the run has this task: harness score {path}"
            )
        for number, line in read_lines(file):
            if not isinstance(line, dict) or not isinstance(line.get("id"), str):
                raise HarnessError(f"{file}:{number}: broken: a line of this file has an id")
            yield line

    return lines


def side_of(
    path: Path, name: str | None, run: Mapping[str, Any], items: Lines, scores: Lines, *, complete: bool = True
) -> Side:
    """A run from what its files hold.

    Args:
        path: its folder, for messages.
        name: to show; None: the model's.
        run: `run.json`.
        items: task → lines of `items/<task>.jsonl`.
        scores: task → lines of `scores/<task>.jsonl`.
        complete: whether it says that it is; else its verdicts may lack some.

    Raises:
        HarnessError: a line is not as this version writes it.
    """
    where = "run.json"
    try:
        config, tasks = run["config"], {}
        for task, described in run["tasks"].items():
            where = task
            tasks[task] = _task_side(
                described["fingerprint"], list(items(task)), list(scores(task)), config["epochs"]
            )
        return Side(
            path=path,
            name=str(config["model"] if name is None else name),
            coords=run["coords"],
            synthetic=any(described["synthetic"] for described in run["tasks"].values()),
            complete=complete,
            missing=sum(side.missing for side in tasks.values()),
            registry=Registry(config["task_file"]),
            tasks=tasks,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{path}: {where}: not as this version writes it ({error!r})") from None


def _task_side(
    fingerprint: str, items: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]], epochs: int
) -> TaskSide:
    found = {(line["id"], line["epoch"]): line for line in scores}
    verdicts = []
    missing = 0
    for position, item in enumerate(items):
        groups = {key: tuples(value) for key, value in item.get("groups", {}).items()}
        for epoch in range(epochs):
            line = found.get((item["id"], epoch))
            missing += line is None
            verdicts.append(Verdict(position, item["id"], epoch, groups, _score(line)))
    return TaskSide(
        fingerprint,
        frozenset(line["scorer"] for line in scores),
        {item["id"]: _asked(item) for item in items},
        verdicts,
        missing,
    )


def _score(line: Mapping[str, Any] | None) -> Score:
    if line is None:
        return Score(0.0, None, Status.FAILED, error="no response yet")
    official = line["official"]
    return Score(
        _fraction(line["value"]),
        None if official is None else _fraction(official),
        Status(line["status"]),
        components={name: _fraction(value) for name, value in line.get("components", {}).items()},
    )


def _fraction(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no score")
    return number


def _asked(item: Mapping[str, Any]) -> Asked | None:
    if "error" in item:
        return None
    content = (item["question"], item["choices"], item["target"])
    return Asked(item["prompt_sha"], item["image_sha"], content)


def mismatch(name: str, a: Side, b: Side) -> str | None:
    """Why a task of two runs cannot be compared, in words; None where it can."""
    one, other = a.tasks[name], b.tasks[name]
    shared = [
        (mine, theirs)
        for key, mine in one.asked.items()
        if mine is not None and (theirs := other.asked.get(key)) is not None
    ]
    if one.fingerprint != other.fingerprint:
        return f"the data differ (fingerprints {one.fingerprint[:12]} and {other.fingerprint[:12]})"
    if not shared:
        return "no sample is in both runs"
    prompts = sum(mine.prompt_sha != theirs.prompt_sha for mine, theirs in shared)
    if prompts:
        coords = f" (coordinates: {a.coords} and {b.coords})" if a.coords != b.coords else ""
        return f"the prompts of {prompts} of {len(shared)} shared samples differ{coords}"
    images = sum(mine.image_sha != theirs.image_sha for mine, theirs in shared)
    if images:
        return f"the images of {images} of {len(shared)} shared samples differ"
    if one.scorers != other.scorers and one.scorers and other.scorers:
        now = frozenset({scorer_version(a.registry.get(name))})
        stale = [f"harness score {side.path}" for side in (a, b) if side.tasks[name].scorers != now]
        return f"the scorers' versions differ (mend it: {'; '.join(stale)})"
    return None


@dataclass(frozen=True, slots=True)
class Pairs:
    """The paired numbers of one task's headline, in the order of A's items."""

    keys: tuple[str, ...]
    """Sample ids, or names of groups where the metric is circular."""
    a: tuple[float, ...]
    b: tuple[float, ...]
    clusters: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    """The groups that a macro mean averages; one empty tuple a pair otherwise."""
    only_in_a: tuple[str, ...]
    """Samples that only A was asked."""
    only_in_b: tuple[str, ...]
    shared: int
    """Samples that both were asked."""
    mismatched: int
    """Shared samples whose question or images differ."""
    unanswered: int
    """Shared samples without a verdict in one of the runs: missing, failed or a scorer's error."""


def pair(task: Task, a: TaskSide, b: TaskSide) -> Pairs:
    """Pair two runs of one task on sample ids; epochs are averaged by sample.

    A sample leaves where question, choices, target or images differ, or where either run has no verdict; with
    it its whole group, where members stand or fall together.
    """
    shared = [key for key in a.asked if key in b.asked]
    same = {key for key in shared if _same(a.asked[key], b.asked[key])}
    left, right = (_observations(task, side, same) for side in (a, b))
    both = [(mine, right[key]) for key, mine in left.items() if key in right]
    answered = _answered(a) & _answered(b)
    metric = task.headline
    return Pairs(
        keys=tuple(mine.key for mine, _ in both),
        a=tuple(mine.value for mine, _ in both),
        b=tuple(theirs.value for _, theirs in both),
        clusters=tuple(mine.cluster for mine, _ in both),
        groups=tuple(
            group_names(mine.groups.get(metric.by or "")) if metric.reduce == "macro" else ()
            for mine, _ in both
        ),
        only_in_a=tuple(key for key in a.asked if key not in b.asked),
        only_in_b=tuple(key for key in b.asked if key not in a.asked),
        shared=len(shared),
        mismatched=sum(
            key not in same and a.asked[key] is not None and b.asked[key] is not None for key in shared
        ),
        unanswered=sum(key not in answered for key in shared),
    )


def _same(one: Asked | None, other: Asked | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.image_sha == other.image_sha
        and one.content == other.content
    )


def _observations(task: Task, side: TaskSide, same: set[str]) -> dict[str, Observation]:
    """Key → the headline's number, of the samples in `same` and of groups that are whole among them."""
    if same.issuperset(side.asked):
        if task.headline.name not in side.whole:
            side.whole[task.headline.name] = _counted(task, side.verdicts)
        return side.whole[task.headline.name]
    apart = Score(0.0, None, Status.FAILED, error="not paired")
    verdicts = [verdict if verdict.id in same else replace(verdict, score=apart) for verdict in side.verdicts]
    return _counted(task, verdicts)


def _counted(task: Task, verdicts: Sequence[Verdict]) -> dict[str, Observation]:
    counted = [verdict for verdict in fell_together(task, verdicts) if verdict.counts]
    return {found.key: found for found in observations_of(task, task.headline, counted)}


def _answered(side: TaskSide) -> set[str]:
    return {verdict.id for verdict in side.verdicts if verdict.counts}
