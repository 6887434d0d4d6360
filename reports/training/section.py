"""The training page: what the logs of training runs say over their steps, several runs overlaid."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reports.page import Section, markup
from reports.training.rollouts import stage_rollouts
from reports.training.runs import Stage, TrainingRun, number
from tasks.types import CATEGORIES

MOST_POINTS = 600
"""A line of the page; longer logs are averaged over so many consecutive steps that no more are left."""
GROUPS = ("kept", "too easy", "too hard", "no spread", "too few")
"""What becomes of a group of responses, as `training/filtering.py` says."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity of the logs."""

    key: str
    """In a line of the log; dotted where nested."""
    title: str
    unit: str
    note: str
    bounds: tuple[float, float] | None = None
    """What it cannot leave."""
    shown: bool = True
    """From the start, by family."""


FIGURES = (
    Figure("reward", "Reward", "", "mean over all sampled responses, kept or not"),
    Figure("value", "Value", "accuracy, 0 to 1", "the task's score, our rule; no shaping in it", (0, 1)),
    Figure("length", "Response length", "tokens", "band: the envelope of the length term", None),
    Figure("entropy", "Entropy", "nats", "full softmax, mean over the trained tokens; band: no penalty inside"),
    Figure(
        "gradient_share",
        "Share of the gradient",
        "of the norms' sum",
        "measured every k steps; dashed: equal shares",
        (0, 1),
    ),
    Figure(
        "loss_share",
        "Share of the loss's weight",
        "of |advantage| × tokens",
        "kept responses; dashed: equal shares",
        (0, 1),
    ),
    Figure("acceptance", "Groups kept", "share", "of the groups sampled; the others teach nothing", (0, 1)),
    Figure("unparsed", "Unparsed", "share", "responses in which no answer was found", (0, 1), False),
    Figure("truncated", "Truncated", "share", "cut by the token limit before an answer", (0, 1), False),
    Figure(
        "clip_share",
        "Clipped",
        "share of tokens",
        "where the surrogate's bounds cut the gradient",
        (0, 1),
        False,
    ),
    Figure("terms.format", "Format", "0 to 1", "one thinking block, then one answer block", (0, 1), False),
    Figure("terms.length", "Length term", "0 to 1", "the envelope over the response's tokens", (0, 1), False),
    Figure(
        "terms.structure", "Structure", "0 to 1", "format, and an answer of the shape asked for", (0, 1), False
    ),
    Figure(
        "advantage.flips", "Sign flips", "share", "advantages against the sign of reward - mean", (0, 1), False
    ),
    Figure("eval", "Evaluation", "score of 100", "harness eval of the policy, mean of the tasks", (0, 100)),
    Figure("loss", "Loss", "", "mean of the step's updates"),
    Figure("grad_norm", "Gradient norm", "", "before clipping, mean of the step's updates"),
    Figure("learning_rate", "Learning rate", "", "of the step's first update"),
    Figure("skipped_updates", "Skipped updates", "updates", "loss or gradient was not finite", None, False),
)


def training_section(runs: Sequence[TrainingRun]) -> Section:
    """The tab of training runs.

    Args:
        runs: at least one; more are overlaid.
    """
    curves = [(run.name, stage, _curves(stage)) for run in runs for stage in run.stages]
    return Section(
        id="training",
        title="Training",
        html=markup(
            "training.html.jinja",
            runs=[{"name": run.name, "stages": [_about(stage) for stage in run.stages]} for run in runs],
            tables=list(_tables(curves)),
            groups=list(_groups(runs)),
            outcomes=GROUPS,
            rollouts=[
                {"run": run.name, "stage": stage.name, "steps": found}
                for run in runs
                for stage in run.stages
                if (found := stage_rollouts(stage)) is not None
            ],
        ),
        data={
            "training-data": {
                "figures": [asdict(figure) for figure in FIGURES],
                "families": CATEGORIES,
                "runs": [
                    {"name": run.name, "stages": [own for name, _, own in curves if name == run.name]}
                    for run in runs
                ],
            }
        },
        scripts=("training_chart.js", "training.js"),
        styles=("training.css",),
    )


def _about(stage: Stage) -> dict[str, Any]:
    """A line of the list of runs."""
    of = f" of {stage.planned}" if stage.planned is not None else ""
    notes = []
    if stage.torn:
        notes.append("the last line is cut off and left out")
    if stage.garbage:
        notes.append(
            f"{stage.garbage} line{'s' if stage.garbage > 1 else ''} of the log are no steps and left out"
        )
    if stage.described is None and stage.name in ("g2rpo", "refine"):
        notes.append("no settings.json beside the log: bands are not known")
    seconds = number(stage.lines[-1].get("seconds")) if stage.lines else None
    settings = (stage.described or {}).get("settings")
    settings = settings if isinstance(settings, dict) else {}
    return {
        "name": stage.name,
        "steps": f"{stage.last}{of}" if stage.lines else f"0{of}",
        "finished": stage.finished,
        "hours": None if seconds is None else seconds / 3600,
        "evaluate": _evaluation(stage),
        "notes": notes,
        "settings": [
            (name, settings[name])
            for name in ("model", "data", "advantage", "task_pass", "learning_rate", "seed")
            if isinstance(settings.get(name), str | int | float)
        ],
    }


def _evaluation(stage: Stage) -> str | None:
    """The command that evaluates a stage's model: its folder says how to ask it. None before it is there."""
    if not stage.finished or stage.name == "vision_warmup":
        return None
    folder = stage.path.parent / "model"
    here = Path.cwd()
    return shlex.join(
        ["harness", "eval", "--model", str(folder.relative_to(here) if folder.is_relative_to(here) else folder)]
    )


def _curves(stage: Stage) -> dict[str, Any]:
    """A stage's figures as columns: one entry a step, or a mean of several."""
    every = -(-len(stage.lines) // MOST_POINTS) or 1
    starts = range(0, len(stage.lines), every)
    by_family = [_families(line) for line in stage.lines]
    families = {
        key: _columns([[own.get(key, {}) for own in by_family[start : start + every]] for start in starts])
        for key in sorted({key for own in by_family for key in own})
    }
    parts = [stage.lines[start : start + every] for start in starts]
    return {
        "name": stage.name,
        "finished": stage.finished,
        "every": every,
        "step": [part[-1]["step"] for part in parts],
        "hours": [_hours(part[-1]) for part in parts],
        "overall": _columns([[_overall(line) for line in part] for part in parts]),
        "families": families,
        "bands": _bands(stage),
    }


def _columns(parts: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, list[float | None]]:
    """Figure → its means over the parts; a figure that is nowhere logged is left out."""
    found = {}
    for figure in FIGURES:
        column = [_mean([_figure(line, figure.key) for line in part]) for part in parts]
        if any(value is not None for value in column):
            found[figure.key] = column
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is there, to five digits."""
    there = [value for value in values if value is not None]
    return float(f"{sum(there) / len(there):.5g}") if there else None


def _figure(line: Mapping[str, Any], key: str) -> float | None:
    value: Any = line
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return number(value)


def _overall(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures over all families, the evaluation's mean among them."""
    evaluation = line.get("eval")
    return {**line, "eval": evaluation.get("mean") if isinstance(evaluation, Mapping) else None}


def _families(line: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Family → its figures; of a cold start task → its loss."""
    found = {
        key: {name: value for name, value in own.items() if name != "eval"}
        for key, own in _mapping(line, "families").items()
        if isinstance(own, Mapping)
    }
    for key, loss in _mapping(line, "tasks").items():
        found.setdefault(key, {})["loss"] = loss
    for key, score in _mapping(_mapping(line, "eval"), "categories").items():
        found.setdefault(key, {})["eval"] = score
    return found


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _hours(line: Mapping[str, Any]) -> float | None:
    seconds = number(line.get("seconds"))
    return None if seconds is None else round(seconds / 3600, 5)


_ENVELOPE = ("min_start", "peak_start", "peak_end", "max_end")


def _bands(stage: Stage) -> dict[str, dict[str, list[list[float]]]]:
    """Family → its distinct length envelopes (four bounds, tokens) and entropy bands (low and high, nats)."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for shape in _mapping(stage.described or {}, "shapes").values():
        if not isinstance(shape, Mapping) or not isinstance(shape.get("key"), str):
            continue
        own = found.setdefault(shape["key"], {"length": [], "entropy": []})
        for name, bounds in (("length", _ENVELOPE), ("entropy", ("low", "high"))):
            values = [number(_mapping(shape, name).get(bound)) for bound in bounds]
            band = [value for value in values if value is not None]
            if len(band) == len(bounds) and band not in own[name]:
                own[name].append(band)
    return found


_TABLE = (
    "reward",
    "value",
    "length",
    "entropy",
    "gradient_share",
    "loss_share",
    "acceptance",
    "unparsed",
    "loss",
)


def _tables(curves: Sequence[tuple[str, Stage, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """For each stage a table of first and last values: the text alternative of the figures."""
    for name in dict.fromkeys(stage.name for _, stage, _ in curves):
        rows = [row for run, stage, own in curves if stage.name == name for row in _rows(run, own)]
        keys = {key for row in rows for key in row["cells"]}
        if rows:
            yield {
                "stage": name,
                "figures": [figure for figure in FIGURES if figure.key in keys],
                "rows": rows,
            }


def _rows(run: str, curves: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, columns in (("all", curves["overall"]), *curves["families"].items()):
        cells = {name: _ends(columns[name]) for name in _TABLE if name in columns}
        if cells:
            yield {"run": run, "family": key, "cells": cells}


def _ends(column: Sequence[float | None]) -> tuple[str, str]:
    """The means of the first and of the last tenth of what is there, as text."""
    there = [value for value in column if value is not None]
    some = max(1, len(there) // 10)
    return f"{sum(there[:some]) / some:.3g}", f"{sum(there[-some:]) / some:.3g}"


def _groups(runs: Sequence[TrainingRun]) -> Iterator[dict[str, Any]]:
    """What became of the groups of each run, stage and family, over all steps."""
    for run in runs:
        for stage in run.stages:
            counts: dict[str, Counter[str]] = {}
            for line in stage.lines:
                for key, own in _mapping(line, "families").items():
                    what = _mapping(own, "groups") if isinstance(own, Mapping) else {}
                    for outcome, count in what.items():
                        counts.setdefault(key, Counter())[outcome] += int(number(count) or 0)
            for key, counter in sorted(counts.items()):
                total = sum(counter[outcome] for outcome in GROUPS)
                if total:
                    yield {
                        "run": run.name,
                        "stage": stage.name,
                        "family": key,
                        "total": total,
                        "shares": [counter[outcome] / total for outcome in GROUPS],
                    }
