"""A model small enough to train in a test, and tasks that an untrained one can earn rewards in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scorers.types import Answer, Coords, Score, ScorerError, Target
from tasks.images import ImageRef
from tasks.types import Category, Metric, Sample, Source, Task
from training.data.dataset import HeldProblems
from training.data.prompt_stream import PromptStream
from training.local.loop import Trainer
from training.policy_recipe import PolicyRecipe
from training.policy_stage import Stage

SHAPE = {
    "length": {"min_start": 0, "peak_start": 2, "peak_end": 6, "max_end": 12},
    "entropy": {"low": 0.1, "high": 5.0},
}
SMALL: dict[str, Any] = {
    "steps": 3,
    "responses": 4,
    "max_new_tokens": 6,
    "rollout_prompts": 4,
    "update_prompts": 2,
    "micro_batch": 4,
    "fill_rounds": 2,
    "learning_rate": 1e-3,
    "save_every": 1,
    "shapes": {"math": SHAPE, "chart": SHAPE},
}


@dataclass(frozen=True, slots=True)
class WordTarget(Target):
    """A word that no answer needs to be."""

    word: str

    def gold(self, coords: Coords | None = None) -> None:
        return None


def even(answer: Answer, target: WordTarget) -> Score:
    """1 where a checksum of the response is even: an untrained model earns it half the time."""
    right = zlib.crc32((answer.text + target.word).encode()) % 2 == 0
    return Score(float(right), None, extracted=answer.text)


def broken(answer: Answer, target: WordTarget) -> Score:
    raise ScorerError("the worker ran out of time")


def task(name: str, category: Category = "math", **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "name": name,
        "category": category,
        "title": "",
        "source": Source(repo="nobody/even", split="test"),
        "to_samples": lambda row: [row],
        "scorer": even,
        "target": WordTarget,
        "metrics": (Metric("accuracy", headline=True),),
    }
    return Task(**(fields | changes))


def picture(shade: int) -> ImageRef:
    import PIL.Image

    return ImageRef(PIL.Image.new("RGB", (64, 64), (shade % 256, 90, 160)))


def problems(of: Task, number: int = 8) -> HeldProblems:
    samples = [
        Sample(f"{of.name}-{i}", f"Question {i}?", WordTarget("x"), images=(picture(31 * i),))
        for i in range(number)
    ]
    return HeldProblems(of, samples)


def lengths(of: Task, words: list[int]) -> HeldProblems:
    """A question of so many words each, with an image."""
    asked = ["word " * number for number in words]
    samples = [
        Sample(f"{place}-{words[place]}", text, WordTarget("x"), images=(picture(place),))
        for place, text in enumerate(asked)
    ]
    return HeldProblems(of, samples)


def collected(stage: Any, step: int = 1) -> list[Any]:
    """What a step samples."""
    from training.filtering import Acceptance

    sampled: list[Any] = []
    stage.collect(step, sampled, Acceptance())
    return sampled


def build_model(folder: Path, texts: int = 40) -> Path:
    """An untrained Qwen3-VL of two thin layers."""
    from training.coldstart.tiny import TinyConfig, train_tokenizer, untrained, write_processor
    from training.models import save_model

    config = TinyConfig(
        hidden=64, layers=2, mlp=96, vocabulary=300, vision_hidden=32, vision_layers=2, vision_mlp=64
    )
    tokenizer = train_tokenizer(["<think>a</think><answer>B</answer> Question 12?"] * texts, config.vocabulary)
    write_processor(folder, tokenizer, config)
    save_model(untrained(tokenizer, config, 0), folder, folder)
    return folder


def trainer(
    model: Path,
    out: Path,
    tasks: list[Task] | None = None,
    *,
    seed: int = 0,
    around: Callable[[Any], Any] = lambda model: model,
    **changes: Any,
) -> Trainer:
    """A trainer of two families on a fresh copy of the model."""
    import torch
    from transformers import AutoModelForImageTextToText

    from harness.models.processors import load_processor
    from training.rollout import PolicyBackend

    torch.manual_seed(seed)
    recipe = PolicyRecipe.model_validate(SMALL | changes)
    tasks = tasks if tasks is not None else [task("sums"), task("bars", "chart")]
    loaded = AutoModelForImageTextToText.from_pretrained(model, dtype="float32")
    backend = PolicyBackend(
        around(loaded), load_processor(model), coords="norm1000", described={"model": model.name}
    )
    stream = PromptStream([problems(each) for each in tasks], seed)
    return Trainer(recipe, Stage("g2rpo", out, seed, {"fingerprint": "f"}, model), backend, stream)


def weights(of: Trainer) -> dict[str, Any]:
    return {name: parameter.detach().clone() for name, parameter in of.policy.model.named_parameters()}
