"""`harness doctor`."""

from __future__ import annotations

import argparse

from harness.cli.common import Runner


def doctor(parser: argparse.ArgumentParser) -> Runner:  # noqa: ARG001 - it has no flags
    """Check this installation: one line a finding; exit 1 where the main job cannot work."""
    return _run


def _run(args: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is run with them
    """Print one line a finding."""
    from harness.doctor import examine

    wrong = 0
    for finding in examine():
        mark = "–" if finding.ok is None else "ok" if finding.ok else "WRONG"
        print(f"{mark:<7}{finding.name:<14}{finding.said}", flush=True)
        wrong += finding.ok is False
    return 1 if wrong else 0
