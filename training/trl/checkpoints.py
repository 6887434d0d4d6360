"""Checkpoints of a stage that several processes train: folders as `training.checkpoint` has them.

`training/` in one has what TRL's trainer continues from: the optimizer, the scheduler and each process's random
numbers; and the weights once more where they are sharded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.fingerprint import check_sums
from training import checkpoint
from training.models import write_model
from training.trl.trainer import RankTrainer


def save(trainer: RankTrainer, step: int) -> Path:
    """Write the checkpoint after `step` rollout batches; every process calls it.

    Raises:
        HarnessError: a process cannot write its part; the checkpoints that were there are intact.
    """
    course, ranks = trainer.course, trainer.course.ranks
    final = course.stage.checkpoints / f"step-{step:07d}"
    partial = final.with_name(f"{final.name}.partial")

    def agree(part: Any) -> None:
        failed: list[str] = []
        try:
            part()
        except checkpoint.write_errors() as error:
            failed = [checkpoint.reason(error)]
        if failed := ranks.everyones(failed):
            raise checkpoint.abandon(final, failed[0])

    def begin() -> None:
        if ranks.first:
            checkpoint.begin(final)

    def finish() -> None:
        if ranks.first:
            trainer.state.save_to_json(str(partial / checkpoint.OWN / "trainer_state.json"))
            checkpoint.finish(final, {"step": step, "updates": course.updates, **course.state()})

    own = str(partial / checkpoint.OWN)
    # Parts one by one: each may be written by all processes together, and a failed one would be waited for.
    agree(begin)
    agree(lambda: write_whole(trainer, partial))
    agree(lambda: trainer._save_optimizer_and_scheduler(own))
    agree(lambda: trainer._save_rng_state(own))
    agree(finish)
    if ranks.first:
        checkpoint.prune(final.parent)
    return final


def write_whole(trainer: RankTrainer, folder: Path) -> None:
    """Write the model into a folder that exists: gathered by all processes, written by the first."""
    model, ranks = trainer.backend.model, trainer.course.ranks
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.sharded else None
    if ranks.first:
        write_model(model, trainer.course.stage.source, folder, weights, asked=trainer.course.asked())


def resume(trainer: RankTrainer) -> tuple[int, Path | None]:
    """Take up the latest checkpoint.

    Returns:
        Its step and the folder that TRL's trainer continues from; 0 and None where there is none.

    Raises:
        UsageError: it is of another model or other settings.
        HarnessError: its files are damaged.
    """
    course = trainer.course

    def latest() -> tuple[Path, dict[str, Any]] | None:
        found = checkpoint.latest_state(course.stage.checkpoints, course.settings())
        if found is not None:
            check_sums(found[0], f"remove {found[0]}")  # the weights are continued from the model's own
        return found

    found = course.ranks.from_first(latest)
    if found is None:
        return 0, None
    folder, state = found
    course.restore(state)
    course.updates = int(state["updates"])
    return int(state["step"]), folder / checkpoint.OWN
