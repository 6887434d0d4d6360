"""A step of the local engine on an untrained tiny model, beside TRL's GRPOTrainer; and memory over many steps.

Both get the same model, prompts, images, rewards (a coin made of the response's text), and lengths: an
untrained model hardly ever ends its answer. One update a batch; ours with and without the entropy hinge.

    python benchmarks/train_step.py [--steps 8] [--memory 200]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from harness.data.synthetic import synthetic_rows
from harness.models.processors import load_processor
from harness.registry import Registry
from scorers.types import Answer, Score
from tasks.prompts import render
from tasks.types import Metric, Sample, Source, Task
from training.coldstart.stage import build_untrained
from training.data.dataset import HeldProblems
from training.data.prompt_stream import PromptStream
from training.local.loop import Trainer
from training.models import load_model
from training.policy_recipe import PolicyRecipe
from training.policy_stage import Stage
from training.recipe import Recipe, load_recipe
from training.rollout import PolicyBackend

PROMPTS, RESPONSES, TOKENS, ROWS = 4, 8, 16, 64


def coin(text: str) -> float:
    return float(zlib.crc32(text.encode()) % 2)


def toss(answer: Answer, target: str) -> Score:
    return Score(coin(answer.text + target), None)


def samples() -> list[Sample]:
    """ChartQA drawings whose scorer is the coin."""
    task = Registry().get("chartqa")
    found = (sample for row in synthetic_rows("chartqa", split="train") for sample in task.to_samples(row))
    return [Sample(s.id, s.question, "", s.images, instruction=s.instruction) for s in islice(found, ROWS)]


def make_trainer(folder: Path, recipe: Recipe, hinge: bool) -> Trainer:
    task = Task("coin", "chart", "", Source("", ""), lambda _: [], toss, str, (Metric("value", headline=True),))
    stage = PolicyRecipe(
        responses=RESPONSES,
        max_new_tokens=TOKENS,
        rollout_prompts=PROMPTS,
        update_prompts=PROMPTS,
        micro_batch=PROMPTS * RESPONSES,
        fill_rounds=1,
        reward={"format": 0.0, "length": 0.0},
        entropy_weight=0.02 if hinge else 0.0,
        style="direct",
    )
    torch.manual_seed(0)
    backend = PolicyBackend(load_model(folder, recipe), load_processor(folder), coords=None, described={})
    which = Stage("bench", Path(tempfile.mkdtemp()), 0, {}, folder)
    return Trainer(stage, which, backend, PromptStream([HeldProblems(task, samples())], 0))


def ours(folder: Path, recipe: Recipe, steps: int, hinge: bool) -> list[float]:
    trainer = make_trainer(folder, recipe, hinge)
    took = []
    for step in range(1, steps + 1):
        start = time.perf_counter()
        trainer.step(step)
        took.append(time.perf_counter() - start)
    return took[1:]


def trl(folder: Path, recipe: Recipe, steps: int) -> list[float]:
    from datasets import Dataset, Image
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    task = Registry().get("chartqa")
    rows = [
        {
            "prompt": [{"role": "user", "content": str(render(task, sample)[-1])}],
            "image": {"bytes": sample.images[0].data, "path": None},
        }
        for sample in samples()
    ]
    data = Dataset.from_list(rows).cast_column("image", Image())

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.ends = [time.perf_counter()]

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.ends.append(time.perf_counter())

    def reward(completions: list[Any], **_: Any) -> list[float]:
        return [coin(completion[0]["content"]) for completion in completions]

    clock = Clock()
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=PROMPTS * RESPONSES,
        num_generations=RESPONSES,
        max_completion_length=TOKENS,
        max_steps=steps,
        learning_rate=2e-6,
        beta=0.0,
        loss_type="dapo",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1000,
        disable_tqdm=True,
    )
    torch.manual_seed(0)
    model = load_model(folder, recipe)
    model.warnings_issued = {}
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=data,
        processing_class=load_processor(folder),
        callbacks=[clock],
    )
    clock.ends = [time.perf_counter()]
    trainer.train()
    return list(np.diff(clock.ends))[1:]


def memory(folder: Path, recipe: Recipe, steps: int) -> None:
    trainer = make_trainer(folder, recipe, hinge=True)
    process = psutil.Process()
    print(f"memory over {steps} steps (resident MB):", end="", flush=True)
    for step in range(1, steps + 1):
        trainer.step(step)
        if step == 1 or step % (steps // 10) == 0:
            print(f" {step}: {process.memory_info().rss / 2**20:.0f}", end="", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--memory", type=int, default=0, help="steps of the memory run; 0 leaves it out")
    args = parser.parse_args()
    recipe = load_recipe("tiny-coldstart", {"model": "none"})
    folder = Path(tempfile.mkdtemp())
    build_untrained(folder, recipe, ("chartqa",))
    if args.memory:
        memory(folder, recipe, args.memory)
        return
    print(f"{PROMPTS} prompts × {RESPONSES} responses × {TOKENS} tokens, {torch.get_num_threads()} thread(s)")
    plain = float(np.median(ours(folder, recipe, args.steps, hinge=False)))
    hinged = float(np.median(ours(folder, recipe, args.steps, hinge=True)))
    theirs = float(np.median(trl(folder, recipe, args.steps)))
    print(f"  ours {plain:.3f} s, with the entropy hinge {hinged:.3f} s, TRL {theirs:.3f} s a step")
    print(f"  ratio ours / TRL: {plain / theirs:.2f}, with the entropy hinge {hinged / theirs:.2f}")


if __name__ == "__main__":
    main()
