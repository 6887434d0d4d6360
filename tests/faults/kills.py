"""Kill evaluations and trainings at random moments, continue them, and check what docs/runs.md promises.

    python -m tests.faults.kills [--kills 200] [--training 50] [--trl 20] [--seed 0]

Exits 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.faults.evaluations import kill_evaluations
from tests.faults.model import Tally

SHARES = {"mock": 2, "server": 2, "hf": 1}
"""How the kills in evaluation are dealt among the kinds."""
TRAININGS = {"training": "training", "trl": "trl", "trl2": "trl"}
"""Kinds of training (by the local engine, by the trl engine in one process and in two) → the flag that says
how many kills."""
KINDS = (*SHARES, *TRAININGS)
HEADER = tuple("kind kills early runs lost twice most flying waited torn results".split())
LEGEND = """\
early      kills before the process had asked or learned anything
runs       carried to their end, each killed several times
lost       answers gone from the journal, or given more than {within:g} s before a kill and not in it;
           steps that had a checkpoint and were done again
twice      samples asked, or steps done, once more in all; most: because of one kill
flying     samples in flight, or steps without a checkpoint, at a kill at most
waited     the longest that an answer had been given for when a kill found it not in the journal
torn       last lines that a kill cut in two
results    of all runs equal to those of a run that was not killed"""


def dealt(kills: int, chosen: list[str]) -> dict[str, int]:
    """Kind of evaluation → kills."""
    shares = {name: SHARES[name] for name in chosen if name in SHARES}
    counts = {name: kills * share // sum(shares.values()) for name, share in shares.items()}
    for name in list(shares)[: kills - sum(counts.values())]:
        counts[name] += 1
    return counts


def row(name: str, tally: Tally) -> tuple[str, ...]:
    same = "same" if tally.runs and not tally.broken else "BROKEN"
    counts = (tally.kills, tally.early, tally.runs, tally.lost, tally.again, tally.again_most)
    waited = f"{1000 * tally.oldest:.0f} ms"
    return (name, *map(str, counts), str(tally.flying_most), waited, str(tally.torn), same)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="in evaluation [200]")
    parser.add_argument("--training", type=int, default=50, help="in training [50]")
    parser.add_argument("--trl", type=int, default=20, help="by trl in one process, and in two [20]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"with commas [{','.join(KINDS)}]")
    parser.add_argument(
        "--within", type=float, default=1.0, help="seconds until an answer is in the journal [1]"
    )
    parser.add_argument("--size", type=float, default=1.0, help="of the runs, relative to the full test [1]")
    args = parser.parse_args()
    chosen = args.kinds.split(",")
    if unknown := set(chosen) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    trainings = {name: getattr(args, flag) for name, flag in TRAININGS.items() if name in chosen}
    counts = dealt(args.kills, chosen) | trainings
    rows, broken = [HEADER], []
    with tempfile.TemporaryDirectory() as folder:
        for name, kills in counts.items():
            started = time.monotonic()
            rng = Random(f"{args.seed}/{name}")
            where = Path(folder) / name
            if name in TRAININGS:
                from tests.faults.trainings import kill_trainings

                tally = kill_trainings(name, kills, rng, where, size=args.size)
            else:
                tally = kill_evaluations(name, kills, rng, where, within=args.within, size=args.size)
            rows.append(row(name, tally))
            broken += [f"{name}: {what}" for what in tally.broken]
            took = time.monotonic() - started
            print(f"{' '.join(rows[-1])} ({took:.0f} s)", file=sys.stderr, flush=True)
    widths = [max(len(each[place]) for each in rows) for place in range(len(HEADER))]
    for each in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip())
    print(f"\n{LEGEND.format(within=args.within)}")
    for what in broken:
        print(f"broken: {what}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
