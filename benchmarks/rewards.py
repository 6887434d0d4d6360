"""What the rewards of 4,096 responses cost: rows of every task, right, wrong and malformed answers."""

from __future__ import annotations

import time
from collections import defaultdict

from harness.data.synthetic import synthetic_row
from harness.registry import Registry
from tasks import BUILTIN
from tasks.types import Response
from training.policy_recipe import PolicyRecipe
from training.rewards import reward

RESPONSES = 4096
WRONG = ("7", "B", "not sure", "", "(0.2, 0.3)", r"\frac{3}{7}", '{"bbox_2d": [0.1, 0.2, 0.5, 0.6]}')


def main() -> None:
    recipe = PolicyRecipe()
    work = []
    for number in range(RESPONSES):
        task = Registry().get(list(BUILTIN)[number % len(BUILTIN)])
        samples = list(task.to_samples(synthetic_row(task.name, number // len(BUILTIN), split="train")))
        sample = samples[number % len(samples)]
        answer = sample.target.gold("norm1") if number % 3 == 0 else WRONG[number % len(WRONG)]
        text = f"<think>It is number {number}, so it must be.</think><answer>{answer}</answer>"
        work.append((task, sample, Response(text, completion_tokens=40)))
    for _ in range(2):  # the first pass imports the scorers' libraries
        by_task: dict[str, float] = defaultdict(float)
        errors = 0
        start = time.perf_counter()
        for task, sample, response in work:
            before = time.perf_counter()
            earned = reward(
                task,
                sample,
                response,
                rule=recipe.reward_rule,
                envelope=recipe.shape(task).length,
                coords="norm1",
            )
            by_task[task.name] += time.perf_counter() - before
            errors += not earned.counts
        took = time.perf_counter() - start
        print(f"rewards of {RESPONSES} responses of {len(by_task)} tasks: {took:.2f} s, {errors} scorer errors")
    slowest = sorted(by_task.items(), key=lambda pair: -pair[1])[:4]
    print("  slowest:", ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in slowest))


if __name__ == "__main__":
    main()
