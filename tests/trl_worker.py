"""What each process runs for tests/test_trl_distributed.py: torchrun tests/trl_worker.py CASES MODEL OUT."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import policy_fakes
import torch
import trl_fakes

from harness.errors import HarnessError
from scorers.types import Score

PLAN = [
    ("math", [(1, 0.0), (3, 1.0), (5, 0.0), (7, 1.0)]),
    ("chart", [(2, 0.0), (4, 0.0), (6, 0.0), (8, 1.0)]),
]
"""Sorted by length, the responses of the two families take turns: each of two processes has one family."""


def wrong(answer: Any, target: Any) -> Score:
    return Score(0.0, None)


def no_number(answer: Any, target: Any) -> Score:
    return Score(float("nan"), None)


def raising(answer: Any, target: Any) -> Score:
    raise ZeroDivisionError("in a scorer")


def straight(model: Path, out: Path) -> Any:
    return trl_fakes.rank_trainer(model, out)


def absent(model: Path, out: Path) -> Any:
    trainer = trl_fakes.rank_trainer(model, out, steps=1, rollout_prompts=2, micro_batch=2, max_new_tokens=8)
    trl_fakes.feed(trainer, trl_fakes.injected(trainer.course, PLAN))
    return trainer


def one_sided(model: Path, out: Path) -> Any:
    tasks = [policy_fakes.task("sums"), policy_fakes.task("bars", "chart", scorer=wrong)]
    return trl_fakes.rank_trainer(model, out, tasks, steps=2, rollout_prompts=2)


def all_wrong(model: Path, out: Path) -> Any:
    return trl_fakes.rank_trainer(model, out, [policy_fakes.task("sums", scorer=wrong)], steps=2)


def by_trl(model: Path, out: Path) -> Any:
    from training.trl.sampling import TrlSampler

    trainer = trl_fakes.rank_trainer(model, out, steps=2, rollout_prompts=3, update_prompts=3, responses=2)
    trainer.course.sampler = TrlSampler(trainer.backend, trainer, trainer.course.ranks, 4)
    return trainer


def broken(model: Path, out: Path) -> Any:
    return trl_fakes.rank_trainer(model, out, [policy_fakes.task("sums", scorer=raising)])


def nan(model: Path, out: Path) -> Any:
    return trl_fakes.rank_trainer(model, out, [policy_fakes.task("sums", scorer=no_number)])


def resumed(model: Path, out: Path) -> Any:
    trl_fakes.run(trl_fakes.rank_trainer(model, out, steps=1))
    torch.manual_seed(12345)  # whatever another process had drawn
    return straight(model, out)


CASES: dict[str, Callable[[Path, Path], Any]] = {
    each.__name__: each for each in (straight, absent, one_sided, all_wrong, by_trl, broken, nan, resumed)
}


def die(model: Path, out: Path) -> None:
    """The second process is killed in the rollout of step 2."""
    trainer = straight(model, out)
    sampler = trainer.course.sampler

    def deadly(requests: Any, rows: int, spare: Any) -> Any:
        if trainer.course.ranks.index == 1 and (out / "checkpoints" / "step-0000001").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return sampler(requests, rows, spare)

    trainer.course.sampler = deadly
    trl_fakes.run(trainer)


def full(model: Path, out: Path) -> Any:
    """Files of the first process may not exceed 100 kB from the second checkpoint on."""
    import resource

    trainer = straight(model, out)
    sampler, most = trainer.course.sampler, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limited(requests: Any, rows: int, spare: Any) -> Any:
        if trainer.course.ranks.index == 0 and (out / "checkpoints" / "step-0000001").exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
        return sampler(requests, rows, spare)

    trainer.course.sampler = limited
    try:
        trl_fakes.run(trainer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return trainer


def sharded(model: Path, out: Path) -> float:
    """How far log-probabilities and entropies move where the weights are sharded as FSDP shards them."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    trainer = trl_fakes.rank_trainer(model, out)
    rows = [type("Row", (), {"rollout": trl_fakes.injected(trainer.course, PLAN)[0][3], "tokens": ()})()]
    rows[0].tokens = rows[0].rollout.tokens
    whole = trainer.measurer.measure(trainer.model, rows)
    own, mesh = trainer.backend.model, init_device_mesh("cpu", (2,))
    own.lm_head.weight = torch.nn.Parameter(own.lm_head.weight.detach().clone())  # large models do not tie it
    for part in (*own.model.language_model.layers, *own.model.visual.blocks, own.lm_head, own):
        fully_shard(part, mesh=mesh)
    with torch.no_grad():
        parts = trainer.measurer.measure(trainer.model, rows)
    return max(float((one - other).abs().max()) for one, other in zip(whole, parts, strict=True))


def pretend_fsdp() -> None:
    """Have accelerate shard on CPUs too, which it does on GPUs alone, with the settings that are shipped."""
    import accelerate.state
    import yaml
    from accelerate.utils import DistributedType

    from training.trl import ranks

    shipped = Path(ranks.__file__).parent / "accelerate" / "fsdp.yaml"
    os.environ["ACCELERATE_USE_FSDP"] = "true"
    for name, value in yaml.safe_load(shipped.read_text())["fsdp_config"].items():
        os.environ[name.upper()] = str(value)
    state = accelerate.state.AcceleratorState
    start = state.__init__

    def start_sharded(self: Any, *given: Any, fsdp_plugin: Any = None, **named: Any) -> None:
        start(self, *given, fsdp_plugin=fsdp_plugin, **named)
        if fsdp_plugin is not None:
            self.distributed_type = DistributedType.FSDP
            self.fsdp_plugin = fsdp_plugin
            accelerate.state.PartialState._shared_state["distributed_type"] = DistributedType.FSDP

    state.__init__ = start_sharded


def fsdp(model: Path, out: Path, steps: int = 2) -> Any:
    trainer = trl_fakes.rank_trainer(model, out, steps=steps, max_new_tokens=8, learning_rate=1e-4)
    trl_fakes.feed(trainer, trl_fakes.injected(trainer.course, PLAN))
    return trainer


def fsdp_resumed(model: Path, out: Path) -> Any:
    trl_fakes.run(fsdp(model, out, 1))
    return fsdp(model, out)


def fsdp_sampled(model: Path, out: Path) -> Any:
    trainer = trl_fakes.rank_trainer(model, out, steps=2, rollout_prompts=3, update_prompts=3, responses=2)
    assert trainer.sharded
    assert type(trainer.course.sampler).__name__ == "TrlSampler"
    return trainer


def fsdp_adapters(model: Path, out: Path) -> Any:
    from training.models import with_adapters

    trainer = trl_fakes.rank_trainer(
        model,
        out,
        steps=1,
        max_new_tokens=8,
        lora_rank=2,
        gradient_checkpointing=True,
        around=lambda plain: with_adapters(plain, 2),
    )
    trl_fakes.feed(trainer, trl_fakes.injected(trainer.course, PLAN))
    return trainer


CASES |= {each.__name__: each for each in (fsdp, fsdp_resumed, fsdp_sampled, fsdp_adapters)}


def main() -> None:
    torch.set_num_threads(1)
    wanted, model, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if wanted.startswith("fsdp"):
        pretend_fsdp()
    from training.trl.stage import write_result

    if wanted == "die":
        die(model, out / "straight")
        return
    for name in wanted.split(","):
        error = None
        saved: dict[str, torch.Tensor] = {}
        own: list[str] = []
        try:
            if name == "full":
                full(model, out / name)
            elif name == "sharded":
                saved["moved"] = torch.tensor(sharded(model, out / name))
            else:
                trainer = CASES[name](model, out / name)
                seen = trainer.take

                def take(turn: Any, groups: Any, inputs: Any = (), seen: Any = seen, own: Any = own) -> None:
                    seen(turn, groups, inputs)
                    own += [row.rollout.key for row in turn.rows]

                trainer.take = take
                saved = trl_fakes.run(trainer)
                write_result(trainer, out / name / "model")
        except HarnessError as failed:
            error = str(failed)
        rank = os.environ["RANK"]
        (out / f"{name}-{rank}.json").write_text(json.dumps({"error": error, "rows": own}))
        torch.save(saved, out / f"{name}-{rank}.pt")


if __name__ == "__main__":
    main()
