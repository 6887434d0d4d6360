"""What 100,000 samples cost beside 10,000: the most memory and the seconds of each command.

    python benchmarks/growth.py [--samples 10000,100000] [--tasks embspatial,mmbench] [--keep DIR]

The rows lie in a folder and share one picture; the model is `mock`. `embspatial` is right or wrong row by row;
`mmbench` has four rotations of a question, which are its unit, its cluster and its circular headline. Every
command runs in a process of its own: `eval` (without a report), `resume` (the same command again on the
finished run), `half` (again, half of the answers gone), `score`, `report`, and `compare` with a second
model's run.

Wanted: memory at the larger number <= 1.3 times that at the smaller, seconds at most in proportion, and a
resume <= a tenth of the run.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

OPTIONS = ("left of", "right of", "above", "under")
VERBS = ("eval", "resume", "half", "score", "report", "compare")


def embspatial(index: int) -> dict[str, Any]:
    return {
        "question_id": f"q{index}",
        "question": f"How are the chair and table {index} positioned to each other?",
        "relation": OPTIONS[index % 3],
        "answer_options": OPTIONS,
        "answer": index % 4,
        "data_source": ("mp3d", "scannet", "ai2thor")[index % 3],
        "image": "shared.png",
    }


def mmbench(index: int) -> dict[str, Any]:
    question, rotation = divmod(index, 4)
    turned = OPTIONS[rotation:] + OPTIONS[:rotation]
    return {
        "index": rotation * 1_000_000 + question,
        "question": f"How are the chair and table {question} positioned to each other?",
        **dict(zip("ABCD", turned, strict=True)),
        "answer": "ABCD"[turned.index(OPTIONS[question % 4])],
        "category": f"category {question % 20}",
        "l2-category": f"wide category {question % 6}",
        "image": "shared.png",
    }


ROWS: dict[str, Callable[[int], dict[str, Any]]] = {"embspatial": embspatial, "mmbench": mmbench}


def png(side: int) -> bytes:
    """A grey square: written by hand, so that this process stays small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x80" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def write_rows(folder: Path, task: str, count: int) -> Path:
    """The data directory of a task."""
    place = folder / "data" / task
    place.mkdir(parents=True)
    (place / "shared.png").write_bytes(png(64))
    with (place / "rows.jsonl").open("w") as file:
        for index in range(count):
            file.write(json.dumps(ROWS[task](index)) + "\n")
    return folder / "data"


def measured(*words: str) -> tuple[float, float]:
    """Most megabytes and seconds of a command.

    Raises:
        SystemExit: it failed.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen([sys.executable, "-m", "harness", *words], stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise SystemExit(f"harness {' '.join(words)}: exit {child.returncode}\n{said.read().decode()}")
    return usage.ru_maxrss / 1024, time.perf_counter() - start


def drop_half(run: Path, task: str) -> None:
    """Every other answer goes from a journal; line by line, as what this process held counts for a command."""
    path = run / "samples" / f"{task}.jsonl"
    kept = path.with_suffix(".kept")
    with path.open("rb") as lines, kept.open("wb") as half:
        half.writelines(islice(lines, 0, None, 2))
    kept.replace(path)


def measure(folder: Path, task: str, count: int) -> dict[str, tuple[float, float]]:
    """What each verb costs at so many samples."""
    data = write_rows(folder, task, count)
    first, second = folder / "first", folder / "second"

    def asked(run: Path, text: str) -> list[str]:
        words = ["eval", "--model", f"mock:text={text}", "--tasks", task, "--data", str(data)]
        return [*words, "--no-report", "--out", str(run)]

    found = {"eval": measured(*asked(first, "A"))}
    found["resume"] = measured(*asked(first, "A"))
    drop_half(first, task)
    found["half"] = measured(*asked(first, "A"))
    found["score"] = measured("score", str(first))
    found["report"] = measured("report", str(first))
    measured(*asked(second, "B"))
    found["compare"] = measured("compare", str(first), str(second))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", default="10000,100000", metavar="SMALL,LARGE")
    parser.add_argument("--tasks", default=",".join(ROWS))
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the runs here and keep them")
    args = parser.parse_args()
    small, large = map(int, args.samples.split(","))
    with tempfile.TemporaryDirectory() as folder:
        base = args.keep or Path(folder)
        for task in args.tasks.split(","):
            few, many = (measure(base / f"{task}-{count}", task, count) for count in (small, large))
            print(f"\n{task:<10}{small:>9,}{'':9}{large:>11,}{'':9}  memory    time")
            for verb in VERBS:
                (memory, seconds), (more, longer) = few[verb], many[verb]
                ratios = f"{more / memory:6.2f} x {longer / seconds:5.1f} x"
                print(f"{verb:<10}{memory:6.0f} MB{seconds:7.2f} s  {more:8.0f} MB{longer:7.2f} s  {ratios}")
            print(f"resume: {many['resume'][1] / many['eval'][1]:.3f} of the run", flush=True)


if __name__ == "__main__":
    main()
