"""`harness export`."""

from __future__ import annotations

import argparse
from typing import Any

from harness.cli.common import Runner


def export(parser: argparse.ArgumentParser) -> Runner:
    """Write benchmarks as tasks of another evaluation tool, scored there by the scorers of harness.

    harness export lmms-eval DIR --coords norm1000
    python -m lmms_eval --include_path DIR --tasks harness_all --model … --output_path OUT --log_samples
    """
    parser.add_argument("tool", choices=("lmms-eval",))
    parser.add_argument("dir", metavar="DIR", help="a new folder, for its --include_path")
    what = parser.add_argument_group("what to export")
    what.add_argument("--suite", help="all, or a category [all]")
    what.add_argument("--tasks", metavar="A,B", help="tasks by name, in place of a suite")
    what.add_argument("--data", metavar="hub|DIR|synthetic", help="[hub]")
    what.add_argument("--limit", type=int, metavar="N", help="samples a task, groups kept whole")
    what.add_argument("--seed", type=int, metavar="S", help="of synthetic data [0]")
    how = parser.add_argument_group("how to ask")
    how.add_argument("--prompt", metavar="direct|think", help="the answer alone, or thinking first [direct]")
    how.add_argument("--coords", help="how the model that will be asked writes places, see harness eval --help")
    how.add_argument("--max-new-tokens", type=int, metavar="N", help="[each task's own]")
    how.add_argument("--min-pixels", type=int, metavar="N", help="width times height at least")
    how.add_argument("--max-pixels", type=int, metavar="N", help="width times height at most")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Write the folder and say what it holds."""
    from pathlib import Path

    from harness.config import build
    from harness.lmms.export import Settings
    from harness.lmms.export import export as write
    from harness.progress import Progress
    from harness.registry import Registry
    from harness.types import PixelLimits

    given: dict[str, Any] = vars(args)
    out = Path(given.pop("dir"))
    del given["tool"]
    config = build({"data": "hub", **given})
    settings = Settings(
        data=config.data,
        limit=config.limit,
        seed=config.seed,
        style=config.prompt,
        coords=config.coords,
        max_new_tokens=config.max_new_tokens,
        pixels=PixelLimits(config.min_pixels, config.max_pixels),
    )
    counts = write(Registry().select(config.suite, config.tasks), out, settings, Progress())
    print(f"{out}: {len(counts)} tasks, {sum(counts.values())} documents, for lmms-eval's --include_path")
    return 0
