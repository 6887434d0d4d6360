"""What share of small errors put into `scorers/` the tests find: mutation testing with mutmut.

    python benchmarks/mutation.py [--sample 250] [--seed 1] [--jobs 2] [--survivors FILE]

mutmut changes one thing at a time (a comparison, a number, an argument …) in a copy of the checkout and runs
the tests that reach the changed function. A seeded sample of all its mutants is tried. Those with which a test
fails or never ends are killed; those that no test reaches, and those that change nothing, count as survivors.

Recorded outputs (`HARNESS_SHARED`) are used where they are there; without them fewer mutants are killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.scores.stats import mean_interval

ROOT = Path(__file__).absolute().parents[1]
COPIED = ("harness", "reports", "scorers", "tasks", "training", "docs", "tests", "pyproject.toml", "README.md")
TESTS = """
    arithmetic box chart_rule charxiv coordinates delimiters docs_choice docs_reading document_rule engine_gold
    judging mathverse mathvision mathvista ocr official_* points read_* symbolic task_score tasks_*
"""
"""The tests of scorers: files of `tests/`. Others reach scorers too, through whole runs that take minutes."""
SLOW = """
    long_texts_take or no_candidate_is_longer or enormous or linear_time or megabyte or garbage or adversarial
    or every_scorer_is_total
"""
"""Names of tests that take seconds for what others check as well."""
FIRST = "scorers.official.mmstar.*"
"""A few mutants for mutmut's first run, which makes all of them and finds the tests of each function."""
KILLED = ("killed", "timeout")
SETTINGS = """
process_isolation = forkserver
timeout_multiplier = 3
timeout_constant = 60
use_git_change_detection = false
"""
"""A server that has run no test forks one process for each mutant, so that each starts with empty caches."""


def copy(folder: Path) -> None:
    """The checkout with mutmut's settings, which stand in a `setup.cfg` of the copy."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    tests = sorted(
        str(path.relative_to(ROOT)) for word in TESTS.split() for path in ROOT.glob(f"tests/test_{word}.py")
    )
    settings = {
        "source_paths": ["scorers"],
        "also_copy": [name for name in COPIED if name != "scorers"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": [
            "-p",
            "no:cacheprovider",
            "--timeout=60",
            "-k",
            f"not ({' '.join(SLOW.split())})",
        ],
    }
    lists = "".join("\n    ".join([f"{key} =", *values]) + "\n" for key, values in settings.items())
    (folder / "setup.cfg").write_text(f"[mutmut]{SETTINGS}{lists}", encoding="utf-8")


def mutmut(folder: Path, *arguments: str) -> str:
    """What a command of mutmut prints."""
    environment = {
        "HARNESS_SHARED": str(ROOT.parent / "shared"),
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": "",  # nothing but the copy is imported
        "PYTHONHASHSEED": "0",  # tests run in the same order every time
    }
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]}: {(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def results(folder: Path) -> dict[str, str]:
    """The status of every mutant."""
    lines = mutmut(folder, "results", "--all", "true").splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if "__mutmut_" in line)


def share(statuses: list[str]) -> str:
    found = mean_interval([float(status in KILLED) for status in statuses])
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--survivors", type=Path, help="a file for the diffs of the survivors")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name)
        copy(folder)
        jobs = f"--max-children={options.jobs}"
        mutmut(folder, "run", jobs, FIRST)
        everything = sorted(results(folder))
        drawn = random.Random(options.seed).sample(everything, min(options.sample, len(everything)))
        mutmut(folder, "run", jobs, *drawn)
        found = results(folder)
        lived = sorted(name for name in drawn if found[name] not in KILLED)
        if options.survivors:
            diffs = "\n".join(mutmut(folder, "show", name) for name in lived)
            options.survivors.write_text(diffs, encoding="utf-8")
    modules = {name: name.rsplit(".", 1)[0] for name in drawn}
    print("| module | mutants | killed |\n|---|---|---|")
    for module in sorted(set(modules.values())):
        statuses = [found[name] for name in drawn if modules[name] == module]
        print(f"| {module} | {len(statuses)} | {sum(status in KILLED for status in statuses)} |")
    counts = ", ".join(f"{count} {status}" for status, count in Counter(found[n] for n in drawn).most_common())
    print(f"\n{len(drawn)} of {len(everything)} mutants, seed {options.seed}: {counts}")
    print(f"killed: {share([found[n] for n in drawn])}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
