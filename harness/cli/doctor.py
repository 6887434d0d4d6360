"""Check this installation: one line a finding; exit 1 where the main job cannot work."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`harness doctor` has no flags."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - every verb takes its flags
    """Print one line a finding."""
    from harness.doctor import examine

    wrong = 0
    for finding in examine():
        mark = "–" if finding.ok is None else "ok" if finding.ok else "WRONG"
        print(f"{mark:<7}{finding.name:<14}{finding.said}", flush=True)
        wrong += finding.ok is False
    return 1 if wrong else 0
