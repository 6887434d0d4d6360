"""Checks a task from its rows to its scores: what a plugin must hold before its numbers mean anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import get_args

from harness.data import RowSource
from harness.errors import FAULTS, named
from harness.jsonl import plain, tuples
from harness.progress import Progress
from harness.run.items import FailedRow
from harness.run.plan import samples_of
from harness.scores.judging import judge
from harness.words import counted
from scorers.types import Score, ScorerError, Status
from tasks import CATEGORIES
from tasks.images import ImageError
from tasks.prompts import as_text, render
from tasks.types import Response, Sample, Style, Task

SAMPLES = 100
"""Samples that the slow checks look at where no limit is given, and all checks where rows have no end."""
EARNED = 0.95
"""What a gold answer must score at least."""
SLOWEST = 2.0
"""Seconds that scoring the longest hostile response may take."""
HOSTILE = ("", "\x00\ud800", "[" * 20_000, "$" + "9^{" * 200 + "9" + "}" * 200 + "$", "A B C 1 2 3 (" * 80_000)
"""Responses that cost a careless scorer its life: each is given for the first sample."""
ODD = (
    "",
    " \n\t",
    "NaN",
    "-Infinity",
    "1e999",
    "null",
    "[[]]",
    '{"answer": null}',
    "<answer></answer>",
    "\\boxed{}",
    "\ud800\u202e\u200b",
    "👨‍👩‍👧 答案是 ٤٧",
)
"""Short responses that are no sensible answer: all are given for each sample that the slow checks look at."""
REFUSAL = "I'm sorry, but I cannot help with that."


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome."""

    name: str
    ok: bool
    said: str
    problems: tuple[str, ...] = ()
    """Each sample or row that fails, with the reason."""
    shown: str = ""
    """A text to look at."""


@dataclass(slots=True)
class _Check:
    """A check of samples one by one, and what it found so far."""

    name: str
    wrong: Callable[[Task, Sample], str | None]
    most: int | None = None
    """How many samples it looks at; None: all."""
    seen: int = 0
    problems: list[str] = field(default_factory=list)

    def look(self, task: Task, sample: Sample) -> None:
        if self.most is not None and self.seen >= self.most:
            return
        self.seen += 1
        if (said := self.wrong(task, sample)) is not None:
            self.problems.append(f"{sample.id}: {said}")

    @property
    def finding(self) -> Finding:
        bad = len(self.problems)
        said = f"{bad} of {self.seen} do not" if bad else f"{self.seen} of {self.seen}"
        return Finding(self.name, self.seen > 0 and not bad, said, tuple(self.problems))


def validate(
    task: Task, source: RowSource, limit: int | None = None, progress: Progress | None = None
) -> Iterator[Finding]:
    """Check a task on rows; each finding as it is made.

    Args:
        task: the plugin.
        source: its rows.
        limit: how many samples to look at; None: every row of a finite source, of which the first 100 are
            decoded, rendered and refused, and 100 samples of an endless one.
        progress: where to say how far it is; None: nowhere.
    """
    yield _definition(task)
    few = limit or SAMPLES
    endless = source.synthetic and source.count is None
    rewards = _Rewards()
    checks = (
        _Check("samples survive JSON", _target),
        _Check("the clusters of the intervals are there", _groups),
        _Check("images decode", image_problem, few),
        _Check("prompts render", _prompts, few),
        _Check("the gold answer scores 1", partial(gold_problem, rewards=rewards)),
        _Check("a refusal scores 0", partial(_refusal, rewards), few),
        _Check("odd responses end in a status", partial(_odd, rewards), few),
    )
    failed: list[str] = []
    first: Sample | None = None
    with (progress or Progress(quiet=True)).stage(task.name, source.count) as stage:
        for draft in islice(samples_of(task, source), few if limit or endless else None):
            stage.advance()
            if isinstance(draft, FailedRow):
                failed.append(draft.error)
                continue
            first = first or draft
            for check in checks:
                check.look(task, draft)
    made = counted(checks[0].seen, "sample")
    yield Finding(
        "rows become samples", first is not None and not failed, f"{made}, {len(failed)} failed", tuple(failed)
    )
    yield from (check.finding for check in checks)
    if first is not None:
        yield _hostile(rewards, task, first)
        if task.answered:
            yield rewards.finding
        yield _first_prompt(task, first)


def _definition(task: Task) -> Finding:
    wrong = []
    if sum(metric.headline for metric in task.metrics) != 1:
        wrong.append("exactly one metric must be the headline")
    if len({metric.name for metric in task.metrics}) != len(task.metrics):
        wrong.append("metric names repeat")
    if task.category not in (*CATEGORIES, "other"):
        wrong.append(f"category {task.category!r} is none of {', '.join(CATEGORIES)} and other")
    missing = [style for style in get_args(Style) if task.limits.get(style, 0) < 1]
    if missing:
        wrong.append(f"no token limit for style {missing[0]}")
    wrong += [
        f"metric {metric.name!r} reduces by no group"
        for metric in task.metrics
        if metric.reduce in ("macro", "circular") and not metric.by
    ]
    wrong += [
        f"metric {metric.name!r} has no aggregate"
        for metric in task.metrics
        if metric.reduce == "whole" and metric.aggregate is None
    ]
    return Finding("definition", not wrong, "; ".join(wrong) or f"{len(task.metrics)} metrics")


def _target(task: Task, sample: Sample) -> str | None:
    if not isinstance(sample.target, task.target):
        return f"the target is a {type(sample.target).__name__}, the task says {task.target.__name__}"
    try:
        again = task.target(**tuples(json.loads(json.dumps(plain(sample.target)))))
        plain((sample.groups, sample.meta))
    except TypeError as error:
        return str(error)
    return None if again == sample.target else f"{sample.target} comes back as {again}"


def _groups(task: Task, sample: Sample) -> str | None:
    missing = task.cluster is not None and task.cluster not in sample.groups
    return f"group {task.cluster!r} is missing" if missing else None


def image_problem(_: Task, sample: Sample) -> str | None:
    """Why an image of a sample cannot be opened; None where all can."""
    try:
        for image in sample.images:
            image.picture()
    except ImageError as error:
        return str(error)
    return None


def _prompts(task: Task, sample: Sample) -> str | None:
    for style in get_args(Style):
        try:
            parts = render(task, sample, style, coords="norm1")
        except FAULTS as error:
            return f"style {style}: {named(error)}"
        if not any(isinstance(part, str) and part.strip() for part in parts):
            return f"style {style}: the prompt has no text"
    return None


@dataclass(slots=True)
class _Rewards:
    """Judges responses as training does, and remembers what they earned."""

    count: int = 0
    low: float = 1.0
    high: float = 0.0
    refused: int = 0
    """Responses without a reward: among others, of a value outside 0 … 1."""
    why: str = ""
    """Of the first of them."""

    def __call__(self, task: Task, sample: Sample, text: str) -> Score:
        score = judge(task, sample, Response(text), coords="norm1")
        if score.error is not None:
            self.refused += 1
            self.why = self.why or f"{sample.id}: {text[:40]!r}: {score.error}"
            return score
        self.count += 1
        self.low, self.high = min(self.low, score.value), max(self.high, score.value)
        return score

    @property
    def finding(self) -> Finding:
        said = f"{self.low:g} to {self.high:g} over {counted(self.count, 'response')}"
        if self.refused:
            said += f"; {counted(self.refused, 'response')} without one"
        ok = not self.refused and self.low < self.high
        return Finding("rewards lie in 0 … 1 and differ", ok, said, (self.why,) if self.why else ())


def gold_problem(task: Task, sample: Sample, rewards: _Rewards | None = None) -> str | None:
    """Why a sample's own right answer does not earn its full score; None where it does, or is withheld."""
    if not task.answered:
        return None
    rewards = rewards or _Rewards()
    try:
        text = sample.target.gold("norm1")
    except ScorerError as error:
        return f"no gold answer: {error}"
    except FAULTS as error:
        return f"{type(sample.target).__name__}.gold: {named(error)}"
    if text is None:
        return "the row holds no gold answer"
    for response in (text, f"<think>Let me see.</think>\n<answer>{text}</answer>"):
        score = rewards(task, sample, response)
        if score.status is not Status.OK or score.value < EARNED:
            return f"{response[:80]!r} scores {score.value:g} ({score.error or score.status})"
    return None


def _refusal(rewards: _Rewards, task: Task, sample: Sample) -> str | None:
    score = rewards(task, sample, REFUSAL)
    if score.value > 0 or score.status is Status.ERROR:
        return f"{REFUSAL!r} scores {score.value:g} ({score.error or score.status})"
    return None


def _odd(rewards: _Rewards, task: Task, sample: Sample) -> str | None:
    for text in ODD:
        score = rewards(task, sample, text)
        if score.error is not None:
            return f"{text!r}: {score.error}"
    return None


def _first_prompt(task: Task, sample: Sample) -> Finding:
    name = "the first prompt, style direct"
    try:
        parts = render(task, sample, coords="norm1")
    except FAULTS as error:
        return Finding(name, False, named(error))
    return Finding(name, True, sample.id, shown=as_text(parts))


def _hostile(rewards: _Rewards, task: Task, sample: Sample) -> Finding:
    name = "hostile responses end in a status, in time"
    slowest = 0.0
    for text in HOSTILE:
        started = time.perf_counter()
        score = rewards(task, sample, text)
        taken = time.perf_counter() - started
        slowest = max(slowest, taken)
        if score.error is not None or taken > SLOWEST:
            said = f"{text[:20]!r}… scores {score.value:g} ({score.error or score.status}) in {taken:.2f} s"
            return Finding(name, False, said)
    return Finding(name, True, f"{len(HOSTILE)} responses, slowest {slowest:.2f} s")
