"""One recipe under both engines of policy training: what each makes of it, and how long a step takes.

    python benchmarks/engines.py [--recipe tiny] [--steps 4] [--processes 2] [--model tiny] [--out DIR]

The local engine runs in one process, trl in several; on CPUs each has one thread. The first step is left out of
the times.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from safetensors.torch import load_file

from training.log import read_steps

SHOWN = ("value", "reward", "length", "entropy", "acceptance", "loss", "grad_norm", "clip_share")


def run(engine: str, args: argparse.Namespace, out: Path) -> list[dict[str, Any]]:
    """Train; the lines of its log."""
    command = ["-m", "harness", "train", args.recipe, "--stage", "g2rpo", "--engine", engine]
    command += ["--model", args.model, "--out", str(out), "--set", f"g2rpo.steps={args.steps}"]
    command += ["--set", "g2rpo.eval_every=0"]
    if engine == "trl" and args.processes > 1:
        launcher = ["torch.distributed.run", "--standalone", "--nproc_per_node", str(args.processes)]
        command = ["-m", *launcher, *command]
    subprocess.run([sys.executable, *command], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return read_steps(out / "g2rpo" / "steps.jsonl")


def step_seconds(lines: list[dict[str, Any]]) -> float:
    ends = [line["seconds"] for line in lines]
    return median(later - earlier for earlier, later in pairwise(ends))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    out = args.out or Path(tempfile.mkdtemp())
    found = {engine: run(engine, args, out / engine) for engine in ("local", "trl")}
    print(f"{args.recipe}, step {args.steps}; trl in {args.processes} process(es)")
    for name in SHOWN:
        values = [lines[-1][name] for lines in found.values()]
        print(f"  {name:12}" + "".join(f"{value:12.6f}" if value is not None else " " * 12 for value in values))
    if args.steps > 1:
        seconds = {engine: step_seconds(lines) for engine, lines in found.items()}
        ratio = seconds["trl"] / seconds["local"]
        print(f"  a step: local {seconds['local']:.2f} s, trl {seconds['trl']:.2f} s, ratio {ratio:.2f}")
    weights = [load_file(out / engine / "g2rpo" / "model" / "model.safetensors") for engine in found]
    furthest = max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])
    print(f"  the largest difference of a weight: {furthest:.2e}")


if __name__ == "__main__":
    main()
