"""Does policy training teach? The recipe `tiny` from the shipped model, on held-out drawings.

Some seeds of the recipe, then the other estimators on the first seed. Before and after, all 18 tasks are
asked: by sampling as in training, and greedily. A gain is that over the shipped model with its paired 95 %
interval on the same samples (`harness compare`): of the tasks that were trained on, by family, the mean over
the families, and of each family that was not trained; then each estimator over each other. A run that is there
already is not made again, a stopped one goes on.

    python benchmarks/learning.py [--seeds 0 1 2] [--estimators scale none grpo dr_grpo] [--limit 300]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import evaluate
from harness.compare import compare_runs
from harness.compare.comparison import Comparison
from harness.scores.stats import Spread, joined
from tasks.types import CATEGORIES
from training import train
from training.log import read_steps
from training.recipe import load_recipe

ESTIMATORS = {
    "rank": {"g2rpo.advantage": "g2rpo", "g2rpo.task_pass": "rank"},
    "scale": {"g2rpo.advantage": "g2rpo", "g2rpo.task_pass": "scale"},
    "none": {"g2rpo.advantage": "g2rpo", "g2rpo.task_pass": "none"},
    "grpo": {"g2rpo.advantage": "grpo"},
    "dr_grpo": {"g2rpo.advantage": "dr_grpo"},
}
"""Name → settings. The first three are G²RPO by its pass over a family; `rank` is the recipe's."""
DECODING = {"sampled": 1.0, "greedy": 0.0}
"""Name → temperature."""


def evaluated(model: str, out: Path, limit: int) -> None:
    """Ask a model held-out drawings of all tasks as in training, once for each way of decoding."""
    recipe = load_recipe("tiny", {}).g2rpo
    for name, temperature in DECODING.items():
        evaluate(
            model,
            suite="all",
            coords="norm1000",
            data="synthetic",
            limit=limit,
            prompt=recipe.style,
            max_new_tokens=64,  # answers of the other tasks are longer than those trained
            temperature=temperature,
            images=False,
            out=str(out / name),
        )


def points(spread: Spread) -> str:
    """A gain with its interval, in points."""
    gain = spread.estimate.scaled(100)
    return f"{gain.value:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"


def gains(found: Comparison, trained: tuple[str, ...]) -> Mapping[str, str]:
    """What to show → the gain: the mean of the families trained, each of them, then those not trained."""
    own: dict[str, list[Spread]] = {}
    other: dict[str, list[Spread]] = {}
    families = {found.tasks[name].category for name in trained}
    for name, task in found.tasks.items():
        if task.spread is not None and (name in trained or task.category not in families):
            (own if name in trained else other).setdefault(task.category, []).append(task.spread)
    by_family = {family: joined(own[family]) for family in CATEGORIES if family in own}
    shown = {"mean": joined(list(by_family.values())), **by_family}
    shown |= {f"{family}, not trained": joined(other[family]) for family in CATEGORIES if family in other}
    return {name: points(spread) for name, spread in shown.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--estimators", nargs="*", choices=ESTIMATORS, default=[name for name in ESTIMATORS if name != "rank"]
    )
    parser.add_argument("--limit", type=int, default=300, help="samples a task [300]")
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    args = parser.parse_args()
    evaluated("tiny", args.out / "shipped", args.limit)
    runs = [("rank", seed) for seed in args.seeds] + [(name, args.seeds[0]) for name in args.estimators]
    tables: dict[str, list[tuple[str, Mapping[str, str]]]] = {name: [] for name in DECODING}
    for name, seed in runs:
        out = args.out / f"{name}-{seed}"
        told: dict[str, Any] = {"out": str(out), "seed": seed, "g2rpo.eval_every": 0, **ESTIMATORS[name]}
        trained = load_recipe("tiny", told).tasks
        evaluated(str(train("tiny", told)), out, args.limit)
        minutes = read_steps(out / "g2rpo" / "steps.jsonl")[-1]["seconds"] / 60
        print(f"{name}, seed {seed}: {minutes:.1f} minutes")
        for decoding, rows in tables.items():
            found = compare_runs(args.out / "shipped" / decoding, out / decoding)
            rows.append((f"{name}, seed {seed}", gains(found, trained)))
    for decoding, rows in tables.items():
        columns = list(rows[0][1])
        print(f"\n{decoding}\n\n| run |" + "".join(f" {column} |" for column in columns))
        print("|---|" + "---|" * len(columns))
        for run, shown in rows:
            print(f"| {run} | " + " | ".join(shown.values()) + " |")
        for a, b in itertools.combinations([name for name, seed in runs if seed == args.seeds[0]], 2):
            found = compare_runs(*(args.out / f"{name}-{args.seeds[0]}" / decoding for name in (a, b)))
            print(f"{b} over {a}: {gains(found, load_recipe('tiny', {}).tasks)['mean']}")


if __name__ == "__main__":
    main()
