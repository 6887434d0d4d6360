"""How many DocVQA responses a second `scorers.rules.document` judges: final answer and `Score` included.

    python benchmarks/anls.py [--rows DIR] [--rounds N]

DIR holds `*.jsonl` with rows {record, response}, by default the recorded outputs beside the repository; where
there are none, made-up rows of the same lengths are used.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from scorers.rules.document import DocTarget, document
from scorers.types import Answer

RECORDED = Path(__file__).absolute().parents[2] / "shared" / "golden" / "docvqa"


def recorded(folder: Path) -> dict[str, list[tuple[str, DocTarget]]]:
    """File name → its responses and targets."""
    files = {}
    for path in sorted(folder.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        files[path.stem] = [
            (row["response"], DocTarget(tuple(row["record"]["answers"]), row["record"]["question"]))
            for row in rows
            if isinstance(row["response"], str)
        ]
    return files


def made_up() -> dict[str, list[tuple[str, DocTarget]]]:
    """Right answers, near misses and sentences about an invoice number."""
    question = "What is the invoice number?"
    forms = ("{}", "{}.", "No {}", "The invoice number is {}.", "something else")
    rows = [
        (forms[number % 5].format(40_000 + number), DocTarget((str(40_000 + number),), question))
        for number in range(1000)
    ]
    return {"made up": rows}


def a_second(
    rows: list[tuple[str, DocTarget]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Responses judged a second."""
    document(Answer(rows[0][0]), rows[0][1])
    start = clock()
    for _ in range(rounds):
        for response, target in rows:
            document(Answer(response), target)
    return rounds * len(rows) / (clock() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=RECORDED)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    files = recorded(options.rows) or made_up()
    total = seconds = 0.0
    for name, rows in files.items():
        rate = a_second(rows, options.rounds)
        done = options.rounds * len(rows)
        total, seconds = total + done, seconds + done / rate
        print(f"{name:24} {rate:10,.0f} a second")
    print(f"{'all':24} {total / seconds:10,.0f} a second")


if __name__ == "__main__":
    main()
