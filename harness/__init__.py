"""The engine: plan → generate → journal → score → aggregate.

`evaluate` runs benchmarks on a model, `score` judges one response; both are also on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.version import __version__

__all__ = ["__version__", "evaluate", "score"]

if TYPE_CHECKING:
    from harness.api import evaluate, score


def __getattr__(name: str) -> Any:
    """Import the API when it is first used, so that `harness --help` does not wait for it."""
    if name in ("evaluate", "score"):
        from harness.shadowing import NEEDED, refuse_shadowed

        refuse_shadowed(NEEDED)
        from harness import api

        return getattr(api, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
