"""What the charts of the training page show: the quantities, and a stage's log as columns over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.scores.results import read_results
from harness.scores.stats import mean_of
from reports.training.runs import Stage, number

MOST_POINTS = 600
"""A line of the page; longer logs are averaged over so many consecutive steps that no more are left."""


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
    Figure("value", "Value", "accuracy, 0 to 1", "the task's score by our rule, without shaping", (0, 1)),
    Figure("length", "Response length", "tokens", "band: the envelope of the length term", None),
    Figure("entropy", "Entropy", "nats", "full softmax, mean over the trained tokens; band: no penalty inside"),
    Figure(
        "gradient_share",
        "Share of the gradient",
        "of the sum of norms",
        "measured every k steps; dashed: equal shares",
        (0, 1),
    ),
    Figure(
        "loss_share",
        "Share of the loss weight",
        "of |advantage| × tokens",
        "kept responses; dashed: equal shares",
        (0, 1),
    ),
    Figure("acceptance", "Groups kept", "share", "of the sampled groups; the others are filtered out", (0, 1)),
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
        "advantage.flips",
        "Sign flips",
        "share",
        "advantages whose sign differs from reward − mean",
        (0, 1),
        False,
    ),
    Figure("eval", "Evaluation", "score of 100", "harness eval of the policy; bars: 95 % intervals", (0, 100)),
    Figure("loss", "Loss", "", "mean of the step's updates"),
    Figure("grad_norm", "Gradient norm", "", "before clipping, mean of the step's updates"),
    Figure("learning_rate", "Learning rate", "", "of the step's first update"),
    Figure("skipped_updates", "Skipped updates", "updates", "loss or gradient was not finite", None, False),
)


def curves(stage: Stage) -> dict[str, Any]:
    """A stage's figures as columns: one entry a step, or a mean of several and the last step by itself."""
    every = -(-len(stage.lines) // (MOST_POINTS - 1)) or 1
    pieces = [stage.lines[start : start + every] for start in range(0, len(stage.lines) - 1, every)]
    pieces = [piece[:-1] if piece[-1] is stage.lines[-1] else piece for piece in pieces]
    pieces = [
        piece for piece in (*pieces, stage.lines[-1:]) if piece
    ]  # the last step by itself, as it was logged
    by_family = [[families(line) for line in piece] for piece in pieces]
    columns = {
        key: _columns([[own.get(key, {}) for own in piece] for piece in by_family])
        for key in sorted({key for piece in by_family for own in piece for key in own})
    }
    return {
        "name": stage.name,
        "state": stage.state,
        "every": every,
        "step": [piece[-1]["step"] for piece in pieces],
        "hours": [_hours(piece[-1]) for piece in pieces],
        "overall": _columns([[_overall(line) for line in piece] for piece in pieces]),
        "families": columns,
        "bands": _bands(stage),
        "intervals": _intervals(stage),
    }


def value_of(line: Mapping[str, Any], key: str) -> float | None:
    """A figure of a line, by its dotted key."""
    value: Any = line
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return number(value)


def families(line: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Family → its figures in a line; of a cold start task → its loss."""
    found = {
        key: {name: value for name, value in own.items() if name != "eval"}
        for key, own in mapping(line, "families").items()
        if isinstance(own, Mapping)
    }
    for key, loss in mapping(line, "tasks").items():
        found.setdefault(key, {})["loss"] = loss
    for key, score in mapping(mapping(line, "eval"), "categories").items():
        found.setdefault(key, {})["eval"] = score
    return found


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What is under a key, where it is a mapping; else an empty one."""
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def evaluations(stage: Stage) -> dict[int, Path]:
    """Step → the folder of its periodic evaluation, in the order of the steps."""
    found = {}
    for path in sorted(stage.folder.glob("eval/step-*")):
        step = path.name.removeprefix("step-")
        if path.is_dir() and step.isdecimal():
            found[int(step)] = path
    return dict(sorted(found.items()))


def _columns(pieces: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, list[float | None]]:
    """Figure → its means over the pieces; a figure that is nowhere logged is left out."""
    found = {}
    for figure in FIGURES:
        column = [_mean([value_of(line, figure.key) for line in piece]) for piece in pieces]
        if any(value is not None for value in column):
            found[figure.key] = column
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is there, to five digits."""
    there = [value for value in values if value is not None]
    return float(f"{sum(there) / len(there):.5g}") if there else None


def _overall(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures over all families, the evaluation's mean among them."""
    evaluation = line.get("eval")
    return {**line, "eval": evaluation.get("mean") if isinstance(evaluation, Mapping) else None}


def _hours(line: Mapping[str, Any]) -> float | None:
    seconds = number(line.get("seconds"))
    return None if seconds is None else round(seconds / 3600, 5)


_ENVELOPE = ("min_start", "peak_start", "peak_end", "max_end")


def _bands(stage: Stage) -> dict[str, dict[str, list[list[float]]]]:
    """Family → its distinct length envelopes (four bounds, tokens) and entropy bands (low and high, nats)."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for shape in mapping(stage.described or {}, "shapes").values():
        if not isinstance(shape, Mapping) or not isinstance(shape.get("key"), str):
            continue
        own = found.setdefault(shape["key"], {"length": [], "entropy": []})
        for name, bounds in (("length", _ENVELOPE), ("entropy", ("low", "high"))):
            values = [number(mapping(shape, name).get(bound)) for bound in bounds]
            band = [value for value in values if value is not None]
            if len(band) == len(bounds) and band not in own[name]:
                own[name].append(band)
    return found


def _intervals(stage: Stage) -> dict[str, list[list[float]]]:
    """Family, or "all" → step, low and high of the 95 % intervals of periodic evaluations that are kept."""
    found: dict[str, list[list[float]]] = {}
    for step, path in evaluations(stage).items():
        for key, low, high in _interval(path):
            found.setdefault(key, []).append([step, low, high])
    return found


def _interval(path: Path) -> Iterator[tuple[str, float, float]]:
    if not (path / "results.json").is_file():
        return
    try:
        results = read_results(path)
    except HarnessError:
        return  # the scores are in the log; only their intervals are lost
    scores = {name: category.score for name, category in results.categories.items()}
    there = [score for score in scores.values() if score.value is not None]
    for key, score in (("all", mean_of(there)), *scores.items()):
        low, high = number(score.low), number(score.high)
        if low is not None and high is not None:
            yield key, low, high
