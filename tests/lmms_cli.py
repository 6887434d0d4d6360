"""lmms-eval's command line as a test runs it: in a working folder of its own, with our entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def entry_point() -> str:
    """Where our model is found, as `pyproject.toml` declares it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: str = declared["project"]["entry-points"]["lmms_eval.models"]["harness"]
    return found


def run(
    include: Path, tasks: str, work: Path, model: str = "model=tiny"
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Evaluate our model on tasks of a folder.

    Args:
        include: the folder, for `--include_path`.
        tasks: by name, with commas between.
        work: a folder for what it writes; `cwd` in it is where it is started.
        model: its `--model_args`.

    Returns:
        (results.json, task → the lines of its sample log).
    """
    package = work / "path" / "harness_entry-0.dist-info"  # the tree under test, whatever pip has installed
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-entry\nVersion: 0\n")
    (package / "entry_points.txt").write_text(f"[lmms_eval.models]\nharness = {entry_point()}\n")
    (work / "cwd").mkdir()
    command = [sys.executable, "-m", "lmms_eval", "--model", "harness", "--model_args", model]
    command += ["--include_path", str(include), "--tasks", tasks, "--batch_size", "auto", "--log_samples"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(package.parent)]),
        "HF_HOME": str(work / "hub"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*command, "--output_path", str(work / "out")],
        cwd=work / "cwd",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = list((work / "out").glob("*/*_results.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(found) == 1, done.stdout + done.stderr
    logs = {
        path.name.split("_samples_")[1].removesuffix(".jsonl"): [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in (work / "out").glob("*/*_samples_*.jsonl")
    }
    return json.loads(found[0].read_text(encoding="utf-8")), logs
