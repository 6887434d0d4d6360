"""How many answers of runs differ: python benchmarks/same_answers.py RUN_A RUN_B … [--show N]
Makes the runs first, all on drawn data: python benchmarks/same_answers.py --make DIR [--ways hf,vllm,shards]

The same checkpoint, prompts and pictures should give the same text on every backend where decoding is greedy
and the dtype is float32. Each run is compared with the first. Exits 1 where an answer, the size of an image as
shown, the number of prompt tokens or a finish reason differs.

The seconds of a run are those between writing what is asked and the last answer: no loading, no start of a
server. Of shards, which were run one after the other, they are the sum.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

COMPARED = ("text", "shown", "prompt_tokens", "finish_reason", "error")
SHARDS = 3
SMALL = "--vllm-args=--gpu-memory-utilization 0.2"
"""On a CPU vLLM reserves this share of the memory, by default more than is free beside other work."""
WAYS: dict[str, tuple[str, ...]] = {
    "hf": ("--backend", "hf"),
    "vllm": ("--backend", "vllm", SMALL),
    "data-parallel": ("--backend", "vllm", SMALL, "--data-parallel", "2"),
    "shards": ("--backend", "hf"),
}
"""Flags of each way to run `tiny`; `shards` is in so many parts that are merged."""


def answers(run: Path) -> dict[tuple[str, str, int], dict[str, object]]:
    """(task, id, epoch) → its last line in the journal."""
    found = {}
    for path in sorted((run / "samples").glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                found[path.stem, line["id"], line["epoch"]] = line
    return found


def seconds(run: Path) -> float:
    """How long answering took."""
    merged = json.loads((run / "run.json").read_text(encoding="utf-8")).get("merged")
    if merged:
        return sum(seconds(Path(shard)) for shard in merged)
    began, ended = (
        max(path.stat().st_mtime for path in (run / folder).iterdir()) for folder in ("items", "samples")
    )
    return ended - began


def differing(first: Path, second: Path, show: int) -> int:
    """Say how the answers of two runs differ; how many differences there are."""
    here, there = answers(first), answers(second)
    alone = here.keys() ^ there.keys()
    both = [key for key in here if key in there]
    print(f"{first} and {second}: {len(both)} answers in both, {len(alone)} in one alone")
    count = len(alone) + (not both)
    for name in COMPARED:
        different = [key for key in both if here[key].get(name) != there[key].get(name)]
        count += len(different)
        print(f"{name:>14}: {len(different)} of {len(both)} differ")
        for key in different[:show]:
            print(f"{'':>16}{'/'.join(map(str, key))}: {here[key].get(name)!r} | {there[key].get(name)!r}")
    return count


def speeds(runs: list[Path]) -> None:
    """Say how fast the runs were, the first being 1."""
    found = {run: len(answers(run)) / max(seconds(run), 1e-9) for run in runs}
    for run, speed in found.items():
        print(f"{run}: {speed:.2f} answers/s, {speed / found[runs[0]]:.2f} of the first")


def make(folder: Path, ways: list[str], limit: int) -> list[Path]:
    """The runs of the ways, made where they are not there yet."""
    common = ["--model", "tiny", "--suite", "all", "--data", "synthetic", "--limit", str(limit)]
    common += ["--dtype", "float32", "--no-report"]
    for way in ways:
        started, run = time.monotonic(), folder / way
        if (run / "results.json").exists():
            continue  # asking nothing more would move the times by which its speed is known
        if way == "shards":
            parts = [f"{index}/{SHARDS}" for index in range(1, SHARDS + 1)]
            names = [folder / f"shard-{index + 1}" for index in range(SHARDS)]
            for part, name in zip(parts, names, strict=True):
                if not (name / "results.json").exists():
                    harness("eval", *common, *WAYS[way], "--shard", part, "--out", str(name))
            harness("merge", *map(str, names), "--out", str(run), "--no-report")
        else:
            harness("eval", *common, *WAYS[way], "--out", str(run))
        print(f"{run}: made in {time.monotonic() - started:.0f} s", flush=True)
    return [folder / way for way in ways]


def harness(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "harness", *words], check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--show", type=int, default=3, help="differences of a kind to print")
    parser.add_argument("--make", type=Path, metavar="DIR", help="make the runs there")
    parser.add_argument("--ways", default="hf,vllm,data-parallel,shards", help=", ".join(WAYS))
    parser.add_argument("--limit", type=int, default=20, help="samples a task")
    args = parser.parse_args()
    ways = args.ways.split(",")
    if unknown := [way for way in ways if way not in WAYS]:
        parser.error(f"unknown way {unknown[0]!r}: {', '.join(WAYS)}")
    runs = make(args.make, ways, args.limit) if args.make else args.runs
    if len(runs) < 2:
        parser.error("give two runs or more, or --make DIR")
    count = sum(differing(runs[0], run, args.show) for run in runs[1:])
    if args.make:
        speeds(runs)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
