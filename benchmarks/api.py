"""What a sample costs beside the server's own time: `openai` backend, a 448 × 448 image each, 32 in flight.

    python benchmarks/api.py [SAMPLES]

A local server in a process of its own answers at once. The marginal cost is the difference of two runs, so
start-up does not count. Every sample has an image of its own; all of the run's files are written.
"""

from __future__ import annotations

import io
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import PIL.Image

import harness

SIDE = 448
FEW = 100


def write_rows(folder: Path, count: int) -> int:
    """Rows in MMStar's schema with picture-like PNG images; returns their mean size in bytes."""
    (folder / "images").mkdir(parents=True)
    sizes = []
    with (folder / "rows.jsonl").open("w") as rows:
        for index in range(count):
            noise = random.Random(index).randbytes(56 * 56 * 3)
            picture = PIL.Image.frombytes("RGB", (56, 56), noise).resize(
                (SIDE, SIDE), PIL.Image.Resampling.BICUBIC
            )
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            sizes.append(len(buffer.getvalue()))
            (folder / "images" / f"{index}.png").write_bytes(buffer.getvalue())
            row = {
                "index": index,
                "question": "What is shown?\nOptions: A: noise, B: a cat, C: a dog, D: a car",
                "answer": "A",
                "category": "coarse perception",
                "l2_category": "image scene and topic",
                "image": f"images/{index}.png",
            }
            rows.write(json.dumps(row) + "\n")
    return int(statistics.mean(sizes))


def start_server() -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = Path(__file__).parents[1] / "tests" / "chat_server.py"
    server = subprocess.Popen([sys.executable, str(script), str(port), "constant"])
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return server, f"http://127.0.0.1:{port}/v1"


def seconds(
    data: Path, url: str, limit: int, out: Path, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of one run."""
    started = clock()
    results = harness.evaluate(
        model="server",
        tasks="mmstar",
        data=str(data),
        base_url=url,
        limit=limit,
        concurrency=32,
        out=str(out),
    )
    assert results.tasks["mmstar"].counted == limit
    return clock() - started


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        size = write_rows(folder / "data" / "mmstar", many)
        server, url = start_server()
        try:
            marginal = []
            for repeat in range(3):
                few, all_of_them = (
                    seconds(folder / "data", url, limit, folder / f"run-{repeat}-{limit}")
                    for limit in (FEW, many)
                )
                marginal.append((all_of_them - few) / (many - FEW) * 1000)
        finally:
            server.kill()
            server.wait()
    print(f"images: {SIDE} x {SIDE} PNG, {size / 1000:.0f} kB on average; 32 in flight; {many} samples")
    print(f"marginal cost a sample: median {statistics.median(marginal):.2f} ms", end=" ")
    print(f"(runs: {', '.join(f'{value:.2f}' for value in marginal)})")


if __name__ == "__main__":
    main()
