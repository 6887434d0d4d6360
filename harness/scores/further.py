"""What the terminal shows below the table of scores: several responses to each sample, a judge's verdicts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from harness.scores.results import JudgeResult, Results, TaskResult
from harness.scores.stats import Estimate
from harness.scores.table import digits_of, interval, number, percent

WIDTH = 80


def further(results: Results) -> Iterator[str]:
    """The tables line by line; nothing where each sample was asked once and no judge was."""
    for part in (_repeated(results), _judged(results)):
        for place, line in enumerate(part):
            if place == 0:
                yield ""
            yield line


def _repeated(results: Results) -> Iterator[str]:
    """A row a task; pass@k of the other k is in `results.json`."""
    tasks = [(task, task.repeats) for task in results.tasks.values() if task.repeats is not None]
    for place, (task, repeats) in enumerate(tasks):
        k = repeats.epochs
        if place == 0:
            columns = ("task", f"mean@{k}", f"pass@{k}", f"maj@{k}", "consistency")
            yield f"{columns[0]:<13}{''.join(f'{name:^16}' for name in columns[1:])}".rstrip()
            yield "─" * (13 + 16 * 4)
        digits = digits_of(task.scale)
        cells = [_cell(each, digits) for each in (task.score, repeats.pass_at[k], repeats.majority)]
        cells.append(_cell(repeats.consistency, 1))
        yield f"{textwrap.shorten(task.name, 12, placeholder='…'):<13}{''.join(cells)}".rstrip()
    if tasks:
        yield from _wrapped(
            "pass@k: a response is right from a score of 0.5 on. maj@K: the score of the most frequent answer. "
            "consistency: per cent of the pairs of responses with the same answer. With 95 % intervals."
        )


def _cell(estimate: Estimate, digits: int) -> str:
    if estimate.value is None:
        return f"{number(None):^16}"
    bounds = (
        f"{number(estimate.low, digits)}–{number(estimate.high, digits)}" if estimate.low is not None else ""
    )
    return f"{number(estimate.value, digits):>6} {bounds:<9}"


def _estimated(estimate: Estimate, digits: int) -> str:
    return f"{number(estimate.value, digits):>7}  {interval(estimate, digits):^15}{f'n {estimate.n}':>10}"


def _judged(results: Results) -> Iterator[str]:
    judged = [(task, task.judge) for task in results.tasks.values() if task.judge is not None]
    for task, judge in judged:
        yield from _of_judge(task, judge)
    if judged:
        yield from _wrapped("The judge's verdicts stand beside the scores; they are no part of them.")


def _of_judge(task: TaskResult, judge: JudgeResult) -> Iterator[str]:
    digits = digits_of(task.scale)
    yield from _wrapped(f"{task.name}, judged by {judge.model} (rubric {judge.prompt})")
    yield f"  {'judge':<12}{_estimated(judge.score, digits)}"
    yield f"  {'ours':<12}{_estimated(task.score, digits)}"
    yield f"  {judge.judged} judged, {judge.failed} failed, {judge.not_asked} not asked (no answer to judge)"
    if judge.agreement is not None:
        kappa = f", Cohen's kappa {judge.kappa:.2f}" if judge.kappa is not None else ""
        yield f"  agreement {percent(judge.agreement)}{kappa}"
        yield f"  {'':<14}{'judge right':>12}{'judge wrong':>13}"
        yield f"  {'ours right':<14}{judge.both_right:>12}{judge.value_only:>13}"
        yield f"  {'ours wrong':<14}{judge.judge_only:>12}{judge.both_wrong:>13}"
    if judge.errors:
        yield f"  first failure: {textwrap.shorten(judge.errors[0], WIDTH - 17)}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=True)
