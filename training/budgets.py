"""Budgets: how much may go wrong before training stops. What goes wrong is counted, never taken for a 0."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError


@dataclass
class Budget:
    """Counts bad events among all; raises where they are more than a share of all and more than a floor.

    Args:
        what: of the bad events, for the message: "responses without a verdict".
        share: of all events so far that may be bad.
        floor: so many may be bad however few there were.
    """

    what: str
    share: float
    floor: int
    bad: int = 0
    seen: int = 0

    def add(self, bad: int, seen: int, why: str = "") -> None:
        """Count events.

        Args:
            bad: of these events.
            seen: all of them.
            why: what the last bad one was, for the message.

        Raises:
            HarnessError: the budget is spent.
        """
        self.bad += bad
        self.seen += seen
        if bad and self.bad > max(self.floor, self.share * self.seen):
            because = f"; the last: {why}" if why else ""
            raise HarnessError(
                f"training stopped: {self.bad} of {self.seen} {self.what}, more than the budget of "
                f"{self.share:.0%} (at least {self.floor}){because}"
            )

    def state(self) -> list[int]:
        """[bad, seen], for a checkpoint."""
        return [self.bad, self.seen]

    def restore(self, state: list[int]) -> None:
        """Take up what `state` gave."""
        self.bad, self.seen = state
