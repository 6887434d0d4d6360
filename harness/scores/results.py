"""What a run found: `results.json`, and the same as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.control import Control
from harness.errors import Exit, HarnessError
from harness.jsonl import plain, read_json, write_json
from harness.scores.stats import Estimate

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Repeats:
    """What several responses to each sample show beside their mean, which is the headline. In its units."""

    epochs: int
    """Responses to each sample: K."""
    pass_at: Mapping[int, Estimate]
    """k → the headline if the best of k responses counted: 1, 2, 4 … K."""
    majority: Estimate
    """maj@K: the headline if the answer counted that most of a sample's responses give."""
    consistency: Estimate
    """Per cent of the pairs of a sample's responses that give the same answer."""


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """A judge model's verdicts on a task, beside our rule's: never a headline, never a reward."""

    model: str
    """The judge."""
    prompt: str
    """A hash of the rubric that it was asked by."""
    score: Estimate
    """The headline by its verdicts, in the headline's units; `failed` are excluded from n."""
    judged: int
    """Responses with a verdict of its; with `failed` and `not_asked` they are the responses in n."""
    failed: int
    """Responses on which it gave none: an error, a time-out, a reply that holds no verdict."""
    not_asked: int
    """Responses without an answer that could be judged: truncated, withheld, empty. They count 0."""
    both_right: int
    """Of `judged`: right by the judge and by `value`, from 0.5 on."""
    judge_only: int
    value_only: int
    both_wrong: int
    agreement: float | None
    """The share of `judged` on which both say the same, 0..1."""
    kappa: float | None
    """Cohen's kappa of the two; None where chance alone would agree on all."""
    errors: tuple[str, ...] = ()
    """The first few reasons of failures."""

    @property
    def failing(self) -> float:
        """The share of what it was asked about that it gave no verdict on, 0..1."""
        return self.failed / max(1, self.failed + self.judged)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The scores of one task. Estimates are in displayed units, `scale` being all right."""

    name: str
    category: str
    headline: str
    """The headline metric's name."""
    scale: float
    score: Estimate
    """The headline."""
    low: float | None
    """The headline if all unparsed, truncated, filtered, failed and erroneous responses had scored 0."""
    high: float | None
    """The same if they had scored 1."""
    metrics: Mapping[str, Estimate | Mapping[str, Estimate]]
    """Metric name → its estimate, or one a group."""
    samples: int
    """How many were planned."""
    counted: int
    """Samples in n: those with a verdict."""
    responses: int
    """Samples times epochs."""
    unparsed: int
    truncated: int
    failed: int
    error: int
    loopholes: int
    """Responses right by the official rule and wrong by ours: official - value >= 0.5."""
    missed: int
    """Responses wrong by the official rule and right by ours."""
    prompt_tokens: float | None
    """Mean over the responses."""
    completion_tokens: float | None
    labels: tuple[str, ...] = ()
    """What a reader must know: synthetic data, no judge."""
    data: str = ""
    fingerprint: str = ""
    scorer: str = ""
    """Version of the scorers."""
    errors: tuple[str, ...] = ()
    """The first few reasons of failures."""
    filtered: int = 0
    unscored: int = 0
    """Responses that were read and not scored: the split's answers are withheld."""
    repeats: Repeats | None = None
    """None where each sample was asked once."""
    judge: JudgeResult | None = None
    """None where no judge was asked."""

    def share(self, status: str) -> float:
        """The share of responses with a status, 0..1."""
        return float(getattr(self, status)) / self.responses if self.responses else 0.0

    @property
    def percent(self) -> Estimate:
        """The headline in per cent, as means over tasks use it."""
        return self.score.scaled(100 / self.scale)


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """The plain mean of the headlines of a category, in per cent."""

    name: str
    score: Estimate
    tasks: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """Tasks of the category without a score: then the mean is of the others only."""


@dataclass(frozen=True, slots=True)
class Results:
    """All scores of a run."""

    tasks: Mapping[str, TaskResult]
    categories: Mapping[str, CategoryResult]
    mean: CategoryResult
    """Over all 18 tasks, or those there are."""
    exit_code: Exit
    model: Mapping[str, Any]
    synthetic: bool = False
    """Some rows were drawn: not the benchmark."""
    shard: str | None = None
    """The part of the run that this is, as "2/8": no score of a benchmark. None: all that was to be asked."""
    control: Control | None = None
    """What was changed of the samples on purpose: no score of a benchmark. None: nothing."""
    seconds: float = 0.0
    """How long the last command took."""
    asked: int | None = None
    """Responses that the last command asked for; fewer than all where it continued. None: not recorded."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how the model was asked: settings that its server refused."""
    run_dir: Path | None = field(default=None, compare=False)

    @property
    def responses(self) -> int:
        """All that were asked for, epochs counted."""
        return sum(task.responses for task in self.tasks.values())

    @property
    def failures(self) -> int:
        """Responses without a verdict, or without one of the judge that was asked."""
        judged = sum(task.judge.failed for task in self.tasks.values() if task.judge is not None)
        return judged + sum(task.failed + task.error for task in self.tasks.values())


def write_results(path: Path, results: Results) -> None:
    """Write `results.json`, whole or not at all: its presence means that the run is complete."""
    content = {"format": FORMAT, **plain(replace(results, run_dir=None))}
    del content["run_dir"]
    write_json(path, content)


def read_results(run_dir: Path) -> Results:
    """The results of a complete run.

    Raises:
        HarnessError: the folder is no run, or the run is not complete.
    """
    path = run_dir / "results.json"
    if not path.exists() and (run_dir / "run.json").exists():
        raise HarnessError(f"{run_dir}: the run is not complete: run its command again, it continues")
    content = read_json(path)
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise HarnessError(
            f"{path}: format {found}, this version reads {FORMAT}: harness score {run_dir} makes it again"
        )
    try:
        return _results(run_dir, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(
            f"{path}: not as this version writes it ({error!r}): harness score {run_dir} makes it again"
        ) from None


def _results(run_dir: Path, content: Mapping[str, Any]) -> Results:
    return Results(
        tasks={name: _task(value) for name, value in content["tasks"].items()},
        categories={name: _category(value) for name, value in content["categories"].items()},
        mean=_category(content["mean"]),
        exit_code=Exit(content["exit_code"]),
        model=content["model"],
        synthetic=content["synthetic"],
        shard=content.get("shard"),
        control=content.get("control"),
        seconds=float(content["seconds"]),
        asked=content.get("asked"),
        notes=tuple(content.get("notes", ())),
        run_dir=run_dir,
    )


def _task(value: dict[str, Any]) -> TaskResult:
    metrics = {
        name: Estimate(**metric)
        if "value" in metric and "low" in metric
        else {group: Estimate(**estimate) for group, estimate in metric.items()}
        for name, metric in value["metrics"].items()
    }
    lists = {name: tuple(value[name]) for name in ("labels", "errors")}
    beside = {"repeats": _repeats(value.get("repeats")), "judge": _judge(value.get("judge"))}
    return TaskResult(**{**value, **lists, **beside, "score": Estimate(**value["score"]), "metrics": metrics})


def _repeats(value: dict[str, Any] | None) -> Repeats | None:
    if value is None:
        return None
    passes = {int(k): Estimate(**estimate) for k, estimate in value["pass_at"].items()}
    others = (Estimate(**value[name]) for name in ("majority", "consistency"))
    return Repeats(value["epochs"], passes, *others)


def _judge(value: dict[str, Any] | None) -> JudgeResult | None:
    if value is None:
        return None
    return JudgeResult(**{**value, "score": Estimate(**value["score"]), "errors": tuple(value["errors"])})


def _category(value: dict[str, Any]) -> CategoryResult:
    return CategoryResult(
        value["name"], Estimate(**value["score"]), tuple(value["tasks"]), tuple(value["missing"])
    )
