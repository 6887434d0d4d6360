"""Evaluate vision-language models on 18 benchmarks, with the scorers that training takes for rewards.

These names are the Python API; docs/python-api.md describes them. Each is imported when it is first used, so
that `harness --help` does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    from harness.api import evaluate, score
    from harness.compare import Comparison, changes, compare_runs
    from harness.errors import HarnessError, UsageError
    from harness.models import JudgeOptions, ModelSpec
    from harness.run import rescore
    from harness.scores import Results, paired_interval, read_results
    from harness.types import Backend, Request

__all__ = [
    "Backend",
    "Comparison",
    "HarnessError",
    "JudgeOptions",
    "ModelSpec",
    "Request",
    "Results",
    "UsageError",
    "__version__",
    "changes",
    "compare_runs",
    "evaluate",
    "paired_interval",
    "read_results",
    "rescore",
    "score",
]

_HOMES = {
    "harness.api": ("evaluate", "score"),
    "harness.compare": ("Comparison", "changes", "compare_runs"),
    "harness.errors": ("HarnessError", "UsageError"),
    "harness.models": ("JudgeOptions", "ModelSpec"),
    "harness.run": ("rescore",),
    "harness.scores": ("Results", "paired_interval", "read_results"),
    "harness.types": ("Backend", "Request"),
}
"""Module → the names that it gives to the API."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from harness.shadowing import NEEDED, refuse_shadowed

    refuse_shadowed(NEEDED)
    return getattr(import_module(home), name)
