"""What an evaluation would take: requests, images, tokens, time and price. Nothing is asked or written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.config import RunConfig
from harness.errors import UsageError
from harness.progress import Progress
from harness.registry import Registry
from harness.run.engine import plan_options, source_of
from harness.run.media import ImageStore
from harness.run.model import spec_of
from harness.run.plan import TaskPlan, plan_task
from harness.scores.results import Results, read_results
from harness.words import counted

CHARACTERS = 3
"""Of a prompt's text, a token: few tokenizers take more tokens than that for English, and none for code."""
PATCH = 28 * 28
"""Pixels of an image, a token: Qwen2-VL's; Qwen3-VL's are of 32 × 32."""


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """What one task would take."""

    name: str
    requests: int
    images: int
    prompt_tokens: int
    answer_tokens: int
    """At most."""
    failed: int
    """Rows that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a model answers."""

    tokens: float
    """Of answers, a second."""
    said_by: str
    answers: dict[str, float]
    """Task → tokens of an answer, in the mean, where a run measured it."""


def read_rate(text: str) -> Rate:
    """A rate as `--rate` gives it: tokens a second, or an earlier run's folder.

    Raises:
        UsageError: it is neither, or the run did not measure one.
    """
    try:
        return Rate(float(text), "--rate", {})
    except ValueError:
        pass
    if not Path(text).is_dir():
        raise UsageError(f"--rate {text}: neither tokens a second nor a run's folder")
    results = read_results(Path(text))
    answers = {
        name: task.completion_tokens
        for name, task in results.tasks.items()
        if task.completion_tokens is not None
    }
    whole = sum(answers[name] * results.tasks[name].responses for name in answers)
    if not whole or not _measured(results):
        raise UsageError(
            f"--rate {text}: that run was not made by one command, its seconds are not of all answers"
        )
    return Rate(whole / results.seconds, text, answers)


def _measured(results: Results) -> bool:
    return results.seconds > 0 and results.asked == results.responses


def estimate(config: RunConfig, progress: Progress) -> Iterator[TaskEstimate]:
    """What each task of an evaluation would take; the model is not loaded.

    Raises:
        UsageError, HarnessError: as the evaluation itself, for what is wrong with tasks, data or settings.
    """
    tasks = Registry(config.task_file).select(config.suite, config.tasks, config.split)
    options = plan_options(config, config.coords or spec_of(config).coords)
    with TemporaryDirectory() as scratch, progress.stage("planning", None) as stage:
        for task in tasks:
            source = source_of(config, task, alone=len(tasks) == 1)
            store = ImageStore(Path(scratch))
            plan = plan_task(task, source, options, store, stage.advance)
            yield _task(plan, config)
            store.close()


def _task(plan: TaskPlan, config: RunConfig) -> TaskEstimate:
    requests = images = characters = pixels = 0
    for planned in plan.planned:
        requests += 1
        images += len(planned.sample.images)
        characters += sum(len(part) for part in planned.parts if isinstance(part, str))
        characters += len(config.system_prompt or "")
        for image in planned.sample.images:
            width, height = image.size
            pixels += min(max(width * height, config.min_pixels or 0), config.max_pixels or width * height)
    tokens = -(-characters // CHARACTERS) + -(-pixels // PATCH)
    times = config.epochs
    return TaskEstimate(
        plan.task.name,
        times * requests,
        times * images,
        times * tokens,
        times * requests * plan.max_new_tokens,
        sum(1 for _ in plan.failed),
    )


def lines(
    found: Sequence[TaskEstimate], rate: Rate | None, price_in: float | None, price_out: float | None
) -> Iterator[str]:
    """What an evaluation would take, for people."""
    yield f"{'task':<16}{'requests':>10}{'images':>10}{'prompt tokens':>16}{'answer tokens':>16}"
    columns = [(each.requests, each.images, each.prompt_tokens, each.answer_tokens) for each in found]
    rows = [(each.name, *column) for each, column in zip(found, columns, strict=True)]
    whole = tuple(sum(column) for column in zip(*columns, strict=True))
    for name, *numbers in (*rows, ("all", *whole)):
        requests, images, prompt, answer = numbers
        yield f"{name:<16}{requests:>10,}{images:>10,}{prompt:>16,}{answer:>16,}"
    if failed := sum(each.failed for each in found):
        yield f"{counted(failed, 'row')} cannot be asked and are not in it."
    yield (
        f"Prompt tokens: about {CHARACTERS} characters or 28 x 28 pixels each, a bound for most models. Answer "
        "tokens: at most, where every answer takes the whole limit."
    )
    expected = _expected(found, rate)
    if rate is not None:
        most = f"at most {_time(whole[3] / rate.tokens)}"
        said = (
            most
            if expected is None
            else f"{_time(expected / rate.tokens)} with answers as in {rate.said_by}, {most}"
        )
        yield f"Time: {said}, at {rate.tokens:,.0f} answer tokens/s ({rate.said_by})."
    if price_in is not None or price_out is not None:
        prompts = whole[2] * (price_in or 0.0) / 1e6
        most = prompts + whole[3] * (price_out or 0.0) / 1e6
        like = (
            ""
            if expected is None
            else f"{prompts + expected * (price_out or 0.0) / 1e6:,.2f} with such answers, "
        )
        yield f"Price: {like}at most {most:,.2f}, of which prompts {prompts:,.2f}."


def _expected(found: Sequence[TaskEstimate], rate: Rate | None) -> float | None:
    """Answer tokens where answers are as long as a run measured them for each of the tasks."""
    if rate is None or any(each.name not in rate.answers for each in found):
        return None
    return sum(each.requests * rate.answers[each.name] for each in found)


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
