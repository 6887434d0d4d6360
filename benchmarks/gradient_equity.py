"""Gradient equity: which share of the gradient each task family has under each estimator of advantages.

The same rollouts of the same model, once with the rewards as they are and once with one family heavy-tailed
(Pareto noise, α = 1.5, added to its rewards). The gradient of each family's part of the loss is taken alone; an
estimator is fair where the largest and the smallest norm are alike.

    python benchmarks/gradient_equity.py [--model FOLDER] [--batches 5] [--heavy grounding] [--scale 0.5]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.models import tiny_path
from harness.models.processors import load_processor
from harness.registry import Registry
from training.advantages import Batch, Moments, estimator
from training.data.dataset import load_problems
from training.data.prompt_stream import PromptStream
from training.filtering import Acceptance
from training.local.equity import gradient_norms
from training.local.loop import Trainer
from training.models import load_model
from training.policy_stage import Stage, reward_batch
from training.recipe import load_recipe
from training.rollout import PolicyBackend

ESTIMATORS = ("grpo", "dr_grpo", "ema_grpo", "g2rpo")
PARETO = 1.5


def make_trainer(folder: Path, prompts: int, seed: int) -> Trainer:
    """The tiny recipe on a model, with batches of `prompts` prompts."""
    recipe = load_recipe(
        "tiny", {"seed": seed, "g2rpo.rollout_prompts": prompts, "g2rpo.update_prompts": prompts}
    )
    out = Path(tempfile.mkdtemp())
    problems, _ = load_problems(Registry().suite("all"), "synthetic", seed=seed, folder=out)
    backend = PolicyBackend(load_model(folder, recipe), load_processor(folder), coords="norm1000", described={})
    return Trainer(recipe.g2rpo, Stage("g2rpo", out, seed, {}, folder), backend, PromptStream(problems, seed))


def heavy_tailed(batch: Batch, family: str, scale: float, seed: int) -> Batch:
    """The batch with Pareto noise on the rewards of one family."""
    rng = np.random.default_rng(seed)
    noise = scale * rng.pareto(PARETO, len(batch.rewards))
    chosen = np.array([name == family for name in batch.families])
    return replace(batch, rewards=batch.rewards + np.where(chosen, noise, 0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=tiny_path())
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--heavy", default="grounding")
    parser.add_argument("--scale", type=float, default=0.5, help="of the Pareto noise")
    args = parser.parse_args()
    trainer = make_trainer(args.model, args.prompts, seed=0)
    moments = {tail: Moments() for tail in (False, True)}
    found: dict[tuple[bool, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for step in range(1, args.batches + 1):
        groups = trainer.collect(step, [], Acceptance())
        rollouts = [rollout for group in groups for rollout in group]
        plain = reward_batch(rollouts, trainer.recipe)
        for tail in (False, True):
            batch = heavy_tailed(plain, args.heavy, args.scale, step) if tail else plain
            for name in ESTIMATORS:
                norms = gradient_norms(
                    trainer.policy,
                    trainer.stepper,
                    rollouts,
                    estimator(name)(batch, moments[tail]).tolist(),
                    clip=trainer.clip,
                    micro_batch=48,
                )
                for family, norm in norms.items():
                    found[tail, name][family].append(norm)
    families = sorted({family for norms in found.values() for family in norms})
    for tail in (False, True):
        print(f"\n{args.heavy} heavy-tailed" if tail else "rewards as they are", f"({args.batches} batches)\n")
        print("| estimator |", " | ".join(families), "| largest / smallest |")
        print("|---|" + "---|" * (len(families) + 1))
        for name in ESTIMATORS:
            means = {family: float(np.mean(found[tail, name][family])) for family in families}
            shares = [means[family] / sum(means.values()) for family in families]
            print(
                f"| {name} |",
                " | ".join(f"{share:.1%}" for share in shares),
                f"| {max(shares) / min(shares):.1f} |",
            )


if __name__ == "__main__":
    main()
