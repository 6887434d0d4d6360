"""The training page: how training runs are doing, what they brought, and their logs as curves, overlaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports.board.board import CATEGORY_LABELS
from reports.page import Section, markup
from reports.training.figures import FIGURES, curves, families, mapping, value_of
from reports.training.gains import as_row, gains
from reports.training.handover import model_command, shown
from reports.training.recipe import differences, settings_of
from reports.training.rollouts import Budget, packed, stage_rollouts
from reports.training.runs import Stage, TrainingRun, number
from tasks.types import CATEGORIES

if TYPE_CHECKING:
    from reports.runs import Run

GROUPS = ("kept", "too easy", "too hard", "no spread", "too few")
"""What becomes of a group of responses, as `training/filtering.py` says."""
LIBRARIES = (
    "uplot.min.js",
    "uplot.min.css",
    "temml.min.js",
    "temml.css",
    "marked.umd.js",
    "purify.min.js",
)


def training_section(
    runs: Sequence[TrainingRun], evaluated: Sequence[Run] = (), live: str | None = None
) -> Section:
    """The tab of training runs.

    Args:
        runs: at least one; more are overlaid.
        evaluated: evaluation runs of the same report: some may be of models before and after training.
        live: where the page asks for what is new, while a server shows it; None: nowhere.
    """
    index, blocks = _rollouts(runs)
    return Section(
        id="training",
        title="Training",
        html=_html(runs, evaluated),
        data={"training-data": {**_data(runs), "live": live, "rollouts": index}, **blocks},
        libraries=LIBRARIES,
        scripts=("rich.js", "live.js", "training_plot.js", "training_rollouts.js", "training.js"),
        styles=("training.css",),
    )


def update(runs: Sequence[TrainingRun], evaluated: Sequence[Run] = ()) -> dict[str, Any]:
    """What an open page needs to show the runs as they are now, as plain JSON; of rollouts the last step."""
    index, blocks = _rollouts(runs, 1)
    return {"html": str(_html(runs, evaluated)), "data": {**_data(runs), "rollouts": index}, "blocks": blocks}


def _html(runs: Sequence[TrainingRun], evaluated: Sequence[Run]) -> Markup:
    return markup(
        "training.html.jinja",
        runs=[{"name": run.name, "stages": [_about(stage) for stage in run.stages]} for run in runs],
        gains=[
            {"found": found, "rows": [as_row(row) for row in found.rows]}
            for run in runs
            for stage in run.stages
            for found in gains(run, stage, evaluated)
        ],
        differences=list(differences(runs)),
        tables=list(_tables(runs)),
        groups=list(_groups(runs)),
        outcomes=GROUPS,
        labels=CATEGORY_LABELS,
    )


def _data(runs: Sequence[TrainingRun]) -> dict[str, Any]:
    return {
        "figures": [asdict(figure) for figure in FIGURES],
        "families": CATEGORIES,
        "labels": CATEGORY_LABELS,
        "runs": [
            {"name": run.name, "state": run.state, "stages": [curves(stage) for stage in run.stages]}
            for run in runs
        ],
    }


def _rollouts(
    runs: Sequence[TrainingRun], steps: int | None = None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The steps whose rollouts are in the page, and a data block for each."""
    budget, index = Budget(), []
    blocks: dict[str, str] = {}
    for run in runs:
        for stage in run.stages:
            found = stage_rollouts(stage, budget) if steps is None else stage_rollouts(stage, budget, steps)
            for step in found:
                block = f"training-rollouts-{len(blocks)}"
                blocks[block] = packed(step)
                about = {key: step[key] for key in ("step", "responses", "unreadable", "file")}
                index.append({"run": run.name, "stage": stage.name, "block": block, **about})
    return index, blocks


def _about(stage: Stage) -> dict[str, Any]:
    """A line of the list of runs."""
    notes = []
    if stage.torn:
        notes.append("the last line is cut off and left out")
    if stage.garbage:
        notes.append(
            f"{stage.garbage} line{'s' if stage.garbage > 1 else ''} of the log are no steps and left out"
        )
    if stage.described is None and stage.name in ("g2rpo", "refine"):
        notes.append("no settings.json beside the log: bands are not known")
    last = stage.lines[-1] if stage.lines else {}
    seconds, left = number(last.get("seconds")), stage.seconds_left
    return {
        "name": stage.name,
        "state": stage.state,
        "failure": stage.failure,
        "step": stage.last,
        "planned": stage.planned,
        "elapsed": None if seconds is None else duration(seconds),
        "left": None if left is None or stage.state == "complete" else duration(left),
        "last": [(title, text) for key, title in _LAST if (text := _last(stage, key)) is not None],
        "evaluate": model_command(stage),
        "model": None if stage.model is None else shown(stage.model),
        "trained": stage.model is not None and stage.model.name == "model",
        "notes": notes,
        "settings": list(settings_of(stage).items()),
    }


_LAST = (("reward", "reward"), ("value", "value"), ("loss", "loss"), ("eval.mean", "evaluation"))


def _last(stage: Stage, key: str) -> str | None:
    """The last value of a figure that was logged, as it was logged."""
    values = (value_of(line, key) for line in reversed(stage.lines))
    value = next((value for value in values if value is not None), None)
    return None if value is None else f"{value + 0.0:.3g}"  # no -0


def duration(seconds: float) -> str:
    """So long, in the two largest units: "2 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes:02} min"


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
    "eval",
)


def _tables(runs: Sequence[TrainingRun]) -> Iterator[dict[str, Any]]:
    """For each stage a table of first and last values: the text alternative of the charts."""
    for name in dict.fromkeys(stage.name for run in runs for stage in run.stages):
        rows = [
            row for run in runs for stage in run.stages if stage.name == name for row in _rows(run.name, stage)
        ]
        keys = {key for row in rows for key in row["cells"]}
        if rows:
            yield {"stage": name, "figures": [figure for figure in FIGURES if figure.key in keys], "rows": rows}


def _rows(run: str, stage: Stage) -> Iterator[dict[str, Any]]:
    whole = [{**line, "eval": mapping(line, "eval").get("mean")} for line in stage.lines]
    by_family = [families(line) for line in stage.lines]
    names = sorted({name for own in by_family for name in own})
    lines: list[tuple[str, list[Mapping[str, Any]]]] = [("all", [*whole])]
    lines += [(name, [own.get(name, {}) for own in by_family]) for name in names]
    for name, own in lines:
        cells = {key: ends for key in _TABLE if (ends := _ends(own, key)) is not None}
        if cells:
            yield {"run": run, "family": CATEGORY_LABELS.get(name, name), "cells": cells}


def _ends(lines: Sequence[Mapping[str, Any]], key: str) -> tuple[str, str] | None:
    """The first and the last value of a figure, as text; None where it was never logged."""
    there = [value for line in lines if (value := value_of(line, key)) is not None]
    return (f"{there[0]:.3g}", f"{there[-1]:.3g}") if there else None


def _groups(runs: Sequence[TrainingRun]) -> Iterator[dict[str, Any]]:
    """What became of the groups of each run, stage and family, over all steps."""
    for run in runs:
        for stage in run.stages:
            counts: dict[str, Counter[str]] = {}
            for line in stage.lines:
                for key, own in mapping(line, "families").items():
                    what = mapping(own, "groups") if isinstance(own, Mapping) else {}
                    for outcome, count in what.items():
                        counts.setdefault(key, Counter())[outcome] += int(number(count) or 0)
            for key, counter in sorted(counts.items()):
                total = sum(counter[outcome] for outcome in GROUPS)
                if total:
                    yield {
                        "run": run.name,
                        "stage": stage.name,
                        "family": CATEGORY_LABELS.get(key, key),
                        "total": total,
                        "shares": [counter[outcome] / total for outcome in GROUPS],
                    }
