"""One recipe under both engines of policy training: what each makes of it, and how long a step takes.

    python benchmarks/engines.py [--recipe tiny] [--steps 4] [--processes 2] [--limit N] [--out DIR]

The local engine runs in one process, trl in several; on CPUs each has one thread. The first step is left out of
the times. With `--limit`, what each gained over its start on held-out drawings, and the one over the other.
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

from learning import DECODING, evaluated, gains
from safetensors.torch import load_file

from harness.compare import compare_runs
from training.log import read_steps
from training.recipe import load_recipe

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
    parser.add_argument(
        "--limit", type=int, default=0, help="samples a task to compare the results on; 0: none"
    )
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
    if args.limit:
        compare_results(args, out)


def compare_results(args: argparse.Namespace, out: Path) -> None:
    """Print what each engine gained over the model it started from, and what one has over the other."""
    models = {"start": args.model} | {
        engine: str(out / engine / "g2rpo" / "model") for engine in ("local", "trl")
    }
    for name, model in models.items():
        evaluated(model, out / "after" / name, args.limit)
    trained = load_recipe(args.recipe, {}).tasks
    for a, b in (("start", "local"), ("start", "trl"), ("local", "trl")):
        for decoding in DECODING:
            found = gains(compare_runs(*(out / "after" / name / decoding for name in (a, b))), trained)
            print(f"  {b} over {a}, {decoding}: {', '.join(f'{key} {gain}' for key, gain in found.items())}")


if __name__ == "__main__":
    main()
