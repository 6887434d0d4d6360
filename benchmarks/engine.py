"""What the engine costs: a sample more, with journal, items, scores and images on, and no model.

    python benchmarks/engine.py

The marginal cost is the slope between a small and a large run over rows that lie on disk: planning, prompt,
keys, journal, scoring, aggregation. The least of five repeats counts: others use this machine too.
"""

from __future__ import annotations

import io
import json
import resource
import tempfile
import time
from pathlib import Path

import PIL.Image

import harness

TASK, TEXT_TASK = "embspatial", "words"
TEXT_FILE = str(Path(__file__).with_name("text_task.py"))
SMALL, LARGE, REPEATS = 500, 3500, 5
RUNS = (
    ("text only", None, False),
    ("a 64 x 64 image each, --no-images", 64, False),
    ("a 64 x 64 image each", 64, True),
    ("a 448 x 448 image each", 448, True),
)


def write_rows(folder: Path, count: int, side: int | None) -> None:
    folder.mkdir(parents=True)
    lines = []
    for index in range(count):
        row = {
            "question_id": f"q{index}",
            "question": f"How are the chair and table {index} positioned to each other?",
            "relation": "left",
            "answer_options": ["left of", "right of", "above", "under"],
            "answer": index % 4,
            "data_source": "mp3d",
        }
        if side is not None:
            row["image"] = f"{index}.png"
            buffer = io.BytesIO()
            PIL.Image.new("RGB", (side, side), (index % 256, index // 256, 0)).save(buffer, "PNG")
            (folder / row["image"]).write_bytes(buffer.getvalue())
        lines.append(json.dumps(row))
    (folder / "test.jsonl").write_text("\n".join(lines))


def seconds(data: Path, out: Path, copies: bool, task: str = TASK) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    results = harness.evaluate(
        "mock", tasks=task, task_file=TEXT_FILE, data=str(data), out=str(out), images=copies
    )
    assert results.tasks[task].failed == 0
    return time.perf_counter() - wall, time.process_time() - cpu


def marginal(folder: Path, side: int | None, copies: bool) -> tuple[float, float]:
    """Wall and processor milliseconds a sample."""
    task = TASK if side is not None else TEXT_TASK
    for count in (SMALL, LARGE):
        write_rows(folder / str(count) / task, count, side)
    best = {SMALL: (1e9, 1e9), LARGE: (1e9, 1e9)}
    for repeat in range(REPEATS):
        for count in best:
            taken = seconds(folder / str(count), folder / f"run-{count}-{repeat}", copies, task)
            best[count] = (min(best[count][0], taken[0]), min(best[count][1], taken[1]))
    wall, cpu = (1000 * (best[LARGE][place] - best[SMALL][place]) / (LARGE - SMALL) for place in (0, 1))
    return wall, cpu


def main() -> None:
    print("wanted: <= 0.3 ms with the journal on; copies of images cost what the file system takes for a file")
    for name, side, copies in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = marginal(Path(folder), side, copies)
        print(f"{name:<36}{wall:6.3f} ms a sample ({cpu:.3f} ms of processor time)")
    print(f"{'most memory':<36}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB")


if __name__ == "__main__":
    main()
