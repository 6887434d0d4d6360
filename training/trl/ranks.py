"""The processes of a run, one a GPU: who they are, and how they agree."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from harness.errors import HarnessError, UsageError
from training.log import say
from training.policy_setup import on_all_gpus

T = TypeVar("T")

PATIENCE = timedelta(hours=6)
"""How long a process waits for another: a cold start or an evaluation runs in one of them."""


class Ranks:
    """The processes of a run; one alone is the first of one.

    Raises:
        UsageError: several GPUs are visible to a process that was started alone.
    """

    def __init__(self) -> None:
        gpus = torch.cuda.device_count()
        if gpus > 1 and "LOCAL_RANK" not in os.environ:
            raise UsageError(
                f"{gpus} GPUs are visible to one process: {on_all_gpus(gpus)}; "
                "CUDA_VISIBLE_DEVICES=0 trains on one"
            )
        on_cpu = not torch.cuda.is_available()
        together = int(os.environ.get("WORLD_SIZE", "1")) > 1
        state = PartialState(cpu=on_cpu, **({"timeout": PATIENCE} if together else {}))
        self.index: int = state.process_index
        self.count: int = state.num_processes
        self.device: torch.device = state.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.index == 0

    def say(self, line: str) -> None:
        """Tell people, once."""
        if self.first:
            say(line)

    def everyones(self, own: Sequence[T]) -> list[T]:
        """The items of every process, those of the first first."""
        found: list[T] = gather_object(list(own))
        return found

    def from_first(self, do: Callable[[], T]) -> T:
        """What the first process finds, in every process; so is its error.

        Raises:
            HarnessError: as `do` does.
        """
        outcome: list[Any] = [None, None, HarnessError]
        if self.first:
            try:
                outcome[0] = do()
            except HarnessError as error:
                outcome[1:] = [str(error), UsageError if isinstance(error, UsageError) else HarnessError]
        result, failed, kind = broadcast_object_list(outcome)
        if failed is not None:
            raise kind(failed)
        found: T = result
        return found

    def agree(self, error: str | None) -> None:
        """Go on where no process has an error; else raise the first of them in every process.

        Raises:
            HarnessError: one has.
        """
        errors = [each for each in self.everyones([error]) if each is not None]
        if errors:
            raise HarnessError(errors[0])
