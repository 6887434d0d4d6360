"""What drawing the next token costs at a real vocabulary: python benchmarks/sampling.py [--threads N]

Prints the median over some steps at batch 64 and 151,936 tokens: the time of the host alone (measured at a
vocabulary so small that the arithmetic on the logits is nothing), which is what a GPU waits for; the whole
on a CPU; and what transformers' own sampling takes there, a softmax and `torch.multinomial`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

from harness.models.hf_sampling import RowSampler
from harness.types import Sampling

BATCH, VOCABULARY = 64, 151_936


def milliseconds(step: Callable[[torch.Tensor], object], vocabulary: int, steps: int) -> float:
    """The median time of a step on fresh logits."""
    logits = torch.randn(BATCH, vocabulary, generator=torch.Generator().manual_seed(0)) * 4
    times = []
    for _ in range(steps + 1):
        given = logits.clone()
        began = time.perf_counter()
        step(given)
        times.append(time.perf_counter() - began)
    return 1000 * median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=11)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rules = [Sampling(10**9, temperature=1.0, seed=row) for row in range(BATCH)]
    sampler = RowSampler(rules, end=0)

    def ours(logits: torch.Tensor) -> None:
        sampler(logits, logits)

    def theirs(logits: torch.Tensor) -> None:
        torch.multinomial(logits.softmax(-1), 1)

    host = milliseconds(ours, 64, options.steps)
    mine, others = (milliseconds(step, VOCABULARY, options.steps) for step in (ours, theirs))
    print(
        f"batch {BATCH}, vocabulary {VOCABULARY:,}, threads {options.threads}, median of {options.steps} steps"
    )
    print(f"  the host alone                 {host:7.2f} ms")
    print(f"  the whole on this CPU          {mine:7.1f} ms")
    print(f"  softmax and multinomial        {others:7.1f} ms: ratio {mine / others:.2f}")


if __name__ == "__main__":
    main()
