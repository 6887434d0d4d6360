"""What the advantages of a batch cost: 512 prompts with 8 responses each, in six families."""

from __future__ import annotations

import time

import numpy as np

from training.advantages import ESTIMATORS, Batch, Moments

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


if __name__ == "__main__":
    main()
