"""What a report costs: seconds and memory to make it, its size, and how soon a browser shows it.

    python benchmarks/report.py [--case MODELS,SAMPLES …] [--keep DIR]

Run folders are made first: drawn rows of all 18 tasks with their PNG images, answered by models of differing
skill in responses of 100 to 2,000 characters (right, wrong, unparsed and cut off; boxes and points among them),
and scored by the tasks' own scorers. SAMPLES counts the responses of all models. Then `harness report` makes
the page, in a process of its own, and Chromium opens it from the disk, where it and Playwright are installed.
Medians of three; processor seconds are the fairer figure where others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skilled_runs import make_runs

CASES = ("10,10000", "10,50000")
TARGETS = {"10,10000": "< 3 s", "10,50000": "< 15 s, < 1 GB, first paint < 1 s"}
REPEATS = 3
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def build(runs: list[Path], page: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak megabytes of `harness report`."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "harness", "report", *map(str, runs), "-o", str(page)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"harness report ended with {child.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium; None where there is none."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def paints(browser: Any, page: Path) -> dict[str, float]:
    """Milliseconds from opening the page to its first paint and its end; from a click to the sample list."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(page.as_uri(), timeout=120_000)
    tab.wait_for_function("performance.getEntriesByType('paint').length > 0")
    found = {
        "first paint": tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
        "loaded": tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"),
    }
    start = time.perf_counter()
    tab.click("[data-tab=samples]")
    tab.locator("#section-samples [data-row], #section-samples tbody tr, #section-samples li").first.wait_for()
    found["to the sample list"] = 1000 * (time.perf_counter() - start)
    context.close()
    return found


def size_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size


def measure(case: str, folder: Path) -> None:
    models, samples = map(int, case.split(","))
    made = folder / case.replace(",", "x")
    runs = sorted(made.glob("model-*")) or make_runs(made, models, samples)
    page = made / "report.html"
    results = [json.loads((run / "results.json").read_bytes()) for run in runs]
    asked = sum(task["responses"] for result in results for task in result["tasks"].values())
    tasks = len(results[0]["tasks"])
    print(f"\n{len(runs)} models x {tasks} tasks, {asked:,} samples  (target: {TARGETS.get(case, 'none')})")
    wall, cpu, memory = (
        statistics.median(values) for values in zip(*[build(runs, page) for _ in range(REPEATS)], strict=True)
    )
    print(f"  harness report   {wall:6.2f} s wall, {cpu:6.2f} s processor, {memory:5.0f} MB at most")
    media = made / "report_media"
    beside = f", {size_of(media) / 1e6:.1f} MB of media beside it" if media.exists() else ""
    print(f"  report.html      {size_of(page) / 1e6:6.1f} MB{beside}")
    with chromium() as browser:
        if browser is None:
            print("  no Chromium or no Playwright: first paint is not measured")
            return
        opened = [paints(browser, page) for _ in range(REPEATS)]
        for name in opened[0]:
            print(f"  {name:<17}{statistics.median(one[name] for one in opened):5.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", metavar="MODELS,SAMPLES", help=f"[{' '.join(CASES)}]")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the runs here and keep them")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for case in args.case or CASES:
            measure(case, args.keep or Path(folder))


if __name__ == "__main__":
    main()
