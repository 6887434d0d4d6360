"""How many answers of two runs differ: python benchmarks/same_answers.py RUN_A RUN_B [--show N]

The same checkpoint, prompts and pictures should give the same text on every backend where decoding is greedy
and the dtype is float32. Exits 1 where an answer, the size of an image as shown, the number of prompt tokens or
a finish reason differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

COMPARED = ("text", "shown", "prompt_tokens", "finish_reason", "error")


def answers(run: Path) -> dict[tuple[str, str, int], dict[str, object]]:
    """(task, id, epoch) → its last line in the journal."""
    found = {}
    for path in sorted((run / "samples").glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                found[path.stem, line["id"], line["epoch"]] = line
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--show", type=int, default=3, help="differences of a kind to print")
    args = parser.parse_args()
    first, second = map(answers, args.runs)
    alone = first.keys() ^ second.keys()
    both = [key for key in first if key in second]
    print(f"{len(both)} answers in both runs, {len(alone)} in one alone")
    differing = 0
    for name in COMPARED:
        different = [key for key in both if first[key].get(name) != second[key].get(name)]
        differing += len(different)
        print(f"{name:>14}: {len(different)} of {len(both)} differ")
        for key in different[: args.show]:
            print(f"{'':>16}{'/'.join(map(str, key))}: {first[key].get(name)!r} | {second[key].get(name)!r}")
    return 1 if differing or alone or not both else 0


if __name__ == "__main__":
    sys.exit(main())
