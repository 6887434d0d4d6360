"""Does policy training teach? The tiny recipe from a weak checkpoint, for several seeds, on held-out drawings.

Before and after: the mean over the six categories of three tasks, with the paired 95 % interval of the
difference on the same samples (`harness compare`); and the share without a readable answer, so that a learned
format is not sold as learned answers. A run that is there already is not made again, a stopped one goes on.

    python benchmarks/learning.py [--seeds 0 1 2] [--limit 100] [--model FOLDER] [--out DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import evaluate
from harness.compare import compare_runs
from harness.compare.comparison import MeanComparison
from harness.scores.results import Results
from training import train
from training.log import read_steps
from training.recipe import load_recipe


def evaluated(model: str, out: Path, limit: int) -> Results:
    """A model's results on held-out drawings, asked as in training."""
    recipe = load_recipe("tiny", {}).g2rpo
    return evaluate(
        model,
        coords="norm1000",
        data="synthetic",
        limit=limit,
        prompt=recipe.style,
        max_new_tokens=recipe.max_new_tokens,
        images=False,
        out=str(out),
    )


def unread(results: Results) -> float:
    """The share of responses without a readable answer, unparsed or cut."""
    tasks = results.tasks.values()
    return sum(task.unparsed + task.truncated for task in tasks) / sum(task.responses for task in tasks)


def points(found: MeanComparison) -> str:
    """A difference of means with its interval."""
    gain = found.difference
    return f"{gain.value:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a weak checkpoint's folder [made by the recipe's cold start]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--limit", type=int, default=100, help="samples a task")
    parser.add_argument("--steps", type=int, default=load_recipe("tiny", {}).g2rpo.steps)
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    args = parser.parse_args()
    if args.model is None:
        train("tiny", {"stage": "coldstart", "out": str(args.out / "weak")})
    start = args.model or str(args.out / "weak" / "model")
    before = evaluated(start, args.out / "before", args.limit)
    rows, curves = [], []
    gains: dict[str, list[str]] = {}
    for seed in args.seeds:
        out = args.out / f"seed-{seed}"
        told = {"stage": "g2rpo", "model": start, "seed": seed, "out": str(out), "g2rpo.steps": args.steps}
        train("tiny", told)
        after = evaluated(str(out / "g2rpo" / "model"), out / "after", args.limit)
        comparison = compare_runs(args.out / "before", out / "after")
        steps = read_steps(out / "g2rpo" / "steps.jsonl")
        found = comparison.overall
        rows.append(
            f"| {seed} | {found.a:.1f} | {found.b:.1f} | {points(found)} "
            f"| {unread(before):.1%} | {unread(after):.1%} | {steps[-1]['seconds'] / 60:.0f} |"
        )
        for name, category in comparison.categories.items():
            gains.setdefault(name, []).append(points(category))
        curves.append(
            " ".join(f"{line['step']}: {line['eval']['mean']:.1f}" for line in steps if "eval" in line)
        )
    print("| seed | before | after | gain, 95 % interval | unread before | unread after | minutes |")
    print("|---|---|---|---|---|---|---|", *rows, sep="\n", end="\n\n")
    print("| category |" + "".join(f" seed {seed} |" for seed in args.seeds))
    print("|---|" + "---|" * len(args.seeds))
    for name, each in gains.items():
        print(f"| {name} | " + " | ".join(each) + " |")
    for seed, curve in zip(args.seeds, curves, strict=True):
        print(f"seed {seed}, mean of the periodic evaluation by step: {curve}")


if __name__ == "__main__":
    main()
