"""Does policy training teach? The tiny recipe from a weak checkpoint, for several seeds, on held-out drawings.

Before and after: the mean of the scores (our rule) over the six categories of three tasks, with the paired
95 % interval of the difference on the same samples; and the share without a readable answer, so that a learned
format is not sold as learned answers. A run that is there already is not made again.

    python benchmarks/learning.py --model WEAK [--seeds 0 1 2] [--limit 100] [--out runs/learning]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness import evaluate
from harness.stats import Estimate, mean_of, paired_interval
from tasks import BUILTIN
from training.log import read_steps
from training.recipe import load_recipe
from training.train import run_training

Verdicts = dict[str, list[tuple[str, float, str]]]
"""Task → (id, value, status) of each sample, in order."""


def verdicts(model: str, out: Path, limit: int) -> Verdicts:
    """The scores of a model on held-out drawings, asked as in training."""
    recipe = load_recipe("tiny", {}).g2rpo
    evaluate(
        model,
        coords="norm1000",
        data="synthetic",
        limit=limit,
        prompt=recipe.style,
        max_new_tokens=recipe.max_new_tokens,
        images=False,
        out=str(out),
    )
    found: Verdicts = {}
    for name in BUILTIN:
        lines = (out / "scores" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        found[name] = [(line["id"], line["value"], line["status"]) for line in map(json.loads, lines)]
    return found


def gain(before: Verdicts, after: Verdicts) -> Estimate:
    """The difference of the means over the six categories of three tasks, in points."""
    each = []
    for name in BUILTIN:
        assert [line[0] for line in before[name]] == [line[0] for line in after[name]]
        each.append(paired_interval([line[1] for line in after[name]], [line[1] for line in before[name]]))
    return mean_of(each).scaled(100)


def mean(of: Verdicts) -> float:
    return 100 * sum(sum(line[1] for line in lines) / len(lines) for lines in of.values()) / len(of)


def unread(of: Verdicts) -> float:
    """The share of responses without a readable answer, unparsed or cut."""
    lines = [line for task in of.values() for line in task]
    return sum(line[2] in ("unparsed", "truncated") for line in lines) / len(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="the weak checkpoint's folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--limit", type=int, default=100, help="samples a task")
    parser.add_argument("--steps", type=int, default=load_recipe("tiny", {}).g2rpo.steps)
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    args = parser.parse_args()
    before = verdicts(args.model, args.out / "before", args.limit)
    rows = []
    for seed in args.seeds:
        out = args.out / f"seed-{seed}"
        run_training("tiny", {"model": args.model, "seed": seed, "out": str(out), "g2rpo.steps": args.steps})
        after = verdicts(str(out / "g2rpo" / "model"), out / "after", args.limit)
        steps = read_steps(out / "g2rpo" / "steps.jsonl")
        curve = " ".join(f"{line['step']}: {line['eval']['mean']:.1f}" for line in steps if "eval" in line)
        rows.append((seed, after, gain(before, after), steps[-1]["seconds"], curve))
    print("| seed | before | after | gain, 95 % interval | unread before | unread after | minutes |")
    print("|---|---|---|---|---|---|---|")
    for seed, after, found, seconds, _ in rows:
        print(
            f"| {seed} | {mean(before):.1f} | {mean(after):.1f} "
            f"| {found.value:+.1f} ({found.low:+.1f} to {found.high:+.1f}) "
            f"| {unread(before):.1%} | {unread(after):.1%} | {seconds / 60:.0f} |"
        )
    for seed, *_, curve in rows:
        print(f"seed {seed}, evaluation mean by step: {curve}")


if __name__ == "__main__":
    main()
