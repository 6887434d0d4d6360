"""Did training help, and at which family's cost: evaluations before and after, paired on the same samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError
from harness.jsonl import read_lines
from harness.scores.stats import Estimate
from harness.words import counted
from reports.board.board import CATEGORY_LABELS
from reports.training.figures import evaluations, families, mapping
from reports.training.handover import command, model_command, start_command
from reports.training.runs import Stage, TrainingRun, number
from tasks.types import CATEGORIES

if TYPE_CHECKING:
    from harness.compare import Comparison
    from harness.scores.stats import Spread
    from reports.runs import Run


@dataclass(frozen=True, slots=True)
class Gain:
    """A family, or all of them together. Scores and differences are in points."""

    label: str
    n: int
    """Pairs of samples."""
    before: float | None
    after: float | None
    difference: Estimate
    """After − before."""
    p: float
    """After Holm over the families."""
    sign: int
    """1: significantly better, -1: worse, 0: neither."""
    trained: bool
    """Whether training sampled prompts of it."""


@dataclass(frozen=True, slots=True)
class Gains:
    """What a stage brought, by one pair of evaluations; or why that is not known, and what would tell."""

    run: str
    stage: str
    what: str
    """The two evaluations, in words."""
    verdict: str
    """The answer in a sentence."""
    rows: Sequence[Gain] = ()
    commands: Sequence[str] = ()


def gains(run: TrainingRun, stage: Stage, runs: Sequence[Run]) -> Iterator[Gains]:
    """The pairs of evaluations of a stage: periodic ones, and runs of the report before and after.

    Args:
        run: the training run.
        stage: of it.
        runs: the evaluation runs of the report.
    """
    found = [
        made for pair in (_periodic(stage), _given(stage, runs)) if pair and (made := _made(run, stage, *pair))
    ]
    yield from found
    if not any(made.rows for made in found) and stage.name != "vision_warmup":
        yield _unknown(run, stage)


def _unknown(run: TrainingRun, stage: Stage) -> Gains:
    """What to do where no two evaluations tell: the same samples asked before and after."""
    after = model_command(stage, "runs/after") or command("MODEL", stage, "runs/after")
    commands = [start_command(stage, "runs/before"), after]
    paths = f"{run.path} runs/before runs/after"
    return Gains(
        run.name,
        stage.name,
        "",
        "Not known: there are no evaluations before and after training on the same samples. Evaluate both "
        "models and give all three to one report, or set eval_every in the recipe.",
        commands=[*commands, f"harness report {paths}"],
    )


Pair = tuple[str, Path, Path]
"""What it is, in words; the folders before and after."""


def _periodic(stage: Stage) -> Pair | None:
    """The first and the last periodic evaluation that are complete."""
    there = {
        step: path
        for step, path in evaluations(stage).items()
        if (path / "results.json").is_file() or (path / "responses.jsonl").is_file()
    }
    if len(there) < 2:
        return None
    first, last = min(there), max(there)
    return f"evaluations during training, step {first} and step {last}", there[first], there[last]


def _given(stage: Stage, runs: Sequence[Run]) -> Pair | None:
    """An evaluation run of the model that the stage started from, and one of a model that it made."""
    start, weights = (stage.described or {}).get("start"), stage.settings.get("fingerprint")
    before = after = None
    for run in runs:
        path = Path(str(run.run["config"].get("model"))).expanduser().resolve()
        same = weights is not None and run.run["model"].get("fingerprint") == weights
        if same or (isinstance(start, str) and path == Path(start).resolve()):
            before = run
        elif path.is_relative_to(stage.folder.resolve()):
            after = run
    if before is None or after is None:
        return None
    return f"evaluation runs {before.path.name} and {after.path.name}", before.path, after.path


def _made(run: TrainingRun, stage: Stage, what: str, before: Path, after: Path) -> Gains:
    trained = {key for line in stage.lines for key, own in families(line).items() if "value" in own}
    try:
        if (before / "run.json").is_file():
            rows = list(_compared(before, after, trained))
        else:
            rows = list(_held_out(stage, before, after, trained))
    except (HarnessError, UsageError) as error:
        return Gains(run.name, stage.name, what, f"Not compared: {error}")
    return Gains(run.name, stage.name, what, _verdict(rows), rows)


def _compared(before: Path, after: Path, trained: set[str]) -> Iterator[Gain]:
    """Two evaluation runs, as `harness compare` pairs them; the last row is over all tasks."""
    from harness.compare import changes, compare_sides
    from harness.compare.pairing import read_side

    found = compare_sides(read_side(before), read_side(after), repeats=0)
    signs = {
        (change.kind, change.name): sign
        for sign, better in ((1, True), (-1, False))
        for change in changes(found, better=better)
    }
    for name, mean in found.categories.items():
        if mean.difference.value is not None:
            yield Gain(
                CATEGORY_LABELS[name],
                _pairs(found, mean.tasks),
                mean.a,
                mean.b,
                mean.difference,
                mean.p_adjusted,
                signs.get(("category", name), 0),
                name in trained,
            )
    yield _overall(found, signs.get(("overall", "all"), 0))


def _overall(found: Comparison, sign: int) -> Gain:
    mean = found.overall
    n = _pairs(found, mean.tasks)
    return Gain("Overall", n, mean.a, mean.b, mean.difference, mean.p_adjusted, sign, True)


def _pairs(found: Comparison, tasks: Sequence[str]) -> int:
    return sum(found.tasks[name].n for name in tasks)


def _held_out(stage: Stage, before: Path, after: Path, trained: set[str]) -> Iterator[Gain]:
    """Two evaluations on held-out rows, paired by row; overall is the mean of the families."""
    from harness.compare.comparison import adjusted
    from harness.scores.stats import joined, paired_spread

    family_of = {
        task: str(shape["family"])
        for task, shape in mapping(stage.described or {}, "shapes").items()
        if isinstance(shape, Mapping) and "family" in shape
    }
    one, other = _values(before / "responses.jsonl"), _values(after / "responses.jsonl")
    pairs: dict[str, list[tuple[float, float]]] = {}
    for key in one.keys() & other.keys():
        pairs.setdefault(family_of.get(key[0], key[0]), []).append((one[key], other[key]))
    spreads: dict[str, Spread] = {}
    means: dict[str, tuple[float, float]] = {}
    for family in sorted(pairs, key=lambda name: (name not in CATEGORIES, name)):
        a, b = ([float(pair[side]) for pair in pairs[family]] for side in (0, 1))
        means[family] = 100 * math.fsum(a) / len(a), 100 * math.fsum(b) / len(b)
        spread = paired_spread(b, a)
        assert spread is not None
        spreads[family] = spread
    if not spreads:
        raise HarnessError(f"{before} and {after}: no row has a verdict in both")
    p_values = adjusted({family: spread.p_value() for family, spread in spreads.items()})
    for family, spread in spreads.items():
        label = CATEGORY_LABELS.get(family, family)
        yield _of_spread(label, spread, means[family], p_values[family], family in trained)
    together = joined(list(spreads.values()))
    whole = [math.fsum(pair[side] for pair in means.values()) / len(means) for side in (0, 1)]
    yield _of_spread("Overall", together, (whole[0], whole[1]), together.p_value(), True)


def _of_spread(label: str, spread: Spread, means: tuple[float, float], p: float, trained: bool) -> Gain:
    from harness.compare.comparison import SIGNIFICANT

    difference = spread.estimate.scaled(100)
    apart = (
        difference.low is not None
        and difference.high is not None
        and not difference.low <= 0 <= difference.high
    )
    sign = (1 if spread.value > 0 else -1) if apart and p <= SIGNIFICANT else 0
    return Gain(label, spread.n, *means, difference, p, sign, trained)


def _values(path: Path) -> dict[tuple[str, str], float]:
    """(task, id) → the value of each response with a verdict."""
    found = {}
    for place, line in read_lines(path):
        if not isinstance(line, dict) or not {"task", "id", "status"} <= line.keys():
            raise HarnessError(f"{path}:{place}: broken: a line of this file has task, id and status")
        value = number(line.get("value"))
        if line["status"] not in ("failed", "error") and value is not None:
            found[str(line["task"]), str(line["id"])] = value
    return found


def _verdict(rows: Sequence[Gain]) -> str:
    """The answer in a few sentences."""
    *each, whole = rows
    if whole.difference.value is None or not each:
        return "Not known: no sample could be paired."
    opening = {1: "Yes", -1: "No, it did harm", 0: "No significant change"}[whole.sign]
    words = [f"{opening}: overall {figures(whole)}."]
    for title, sign in (("Gained", 1), ("Lost", -1)):
        names = [f"{row.label} {_signed(row.difference.value)}" for row in each if row.sign == sign]
        words.append(
            f"{title} significantly: {', '.join(names)}."
            if names
            else f"No family {title.lower()} significantly."
        )
    missing = [
        label
        for name, label in CATEGORY_LABELS.items()
        if name in CATEGORIES and label not in {r.label for r in each}
    ]
    if missing:
        words.append(f"Not evaluated: {', '.join(missing)}; what training cost them is not known.")
    return " ".join(words)


def figures(gain: Gain) -> str:
    """A difference with its interval, p and pairs, in words."""
    from harness.compare.table import p_text

    found = gain.difference
    interval = "" if found.low is None else f"95 % CI {_signed(found.low)} to {_signed(found.high)}, "
    p = p_text(gain.p)
    equals = f"p {p[0]} {p[1:]}" if p.startswith("<") else f"p = {p}"
    return f"{_signed(found.value)} points ({interval}{equals}, paired on {counted(gain.n, 'sample')})"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}".replace("-", "−")


def as_row(gain: Gain) -> dict[str, Any]:
    """A line of the table."""
    from harness.compare.table import p_text

    found = gain.difference
    return {
        "label": gain.label,
        "trained": gain.trained,
        "n": gain.n,
        "before": gain.before,
        "after": gain.after,
        "gain": found.value,
        "low": found.low,
        "high": found.high,
        "p": p_text(gain.p),
        "sign": gain.sign,
    }
