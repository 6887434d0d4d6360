"""Pure scoring functions: from a response and a target to a `Score`. No I/O, no model, no task."""

from scorers.types import Answer, Coords, Score, Scorer, ScorerError, Status

__all__ = ["Answer", "Coords", "Score", "Scorer", "ScorerError", "Status"]
