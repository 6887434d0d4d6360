"""What the advantages of a batch cost: 512 prompts with 8 responses each, in six families.

And how many signs G²RPO's second pass turns: by the groups that a family has in a batch, of right and wrong
answers to questions that are right in 10 to 90 % of the answers.
"""

from __future__ import annotations

import time

import numpy as np

from training.advantages import ESTIMATORS, Batch, Moments, statistics

PROMPTS, RESPONSES, REPEATS = 512, 8, 50
FAMILIES = ("general_vqa", "math", "chart", "document", "spatial", "grounding")


def batch(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(PROMPTS), RESPONSES)
    value = rng.integers(0, 2, PROMPTS * RESPONSES).astype(float)
    length = rng.random(PROMPTS * RESPONSES)
    return Batch(
        0.9 * value + 0.1 * length,
        groups.tolist(),
        [FAMILIES[group % 6] for group in groups],
        {"value": value, "length": length},
        {"value": 0.9, "length": 0.1},
    )


def flips(groups: int, seed: int) -> float:
    """The share of turned signs in one family of so many groups, none of which is all right or all wrong."""
    rng = np.random.default_rng((groups, seed))
    rewards: list[float] = []
    while len(rewards) < groups * RESPONSES:
        answers = (rng.random(RESPONSES) < rng.uniform(0.1, 0.9)).astype(float).tolist()
        rewards += answers if 0 < sum(answers) < RESPONSES else []
    values = np.array(rewards)
    labels = [place // RESPONSES for place in range(len(rewards))]
    drawn = Batch(values, labels, ["math"] * len(rewards), {"value": values}, {"value": 1.0})
    return statistics(drawn, ESTIMATORS["g2rpo"](drawn, Moments()))["math"].flips


def main() -> None:
    batches = [batch(seed) for seed in range(REPEATS)]
    print(f"advantages of {PROMPTS} × {RESPONSES} responses, median of {REPEATS}")
    for name, estimate in ESTIMATORS.items():
        took = []
        for each in batches:
            start = time.perf_counter()
            estimate(each, Moments())
            took.append(time.perf_counter() - start)
        print(f"  {name:10} {1000 * float(np.median(took)):6.2f} ms")
    print(f"signs that the second pass turns, mean and most of {2 * REPEATS} batches")
    for groups in (4, 8, 16, 32, 85):
        shares = [flips(groups, seed) for seed in range(2 * REPEATS)]
        print(f"  {groups:2} groups of a family  {np.mean(shares):5.1%}  {np.max(shares):5.1%}")


if __name__ == "__main__":
    main()
