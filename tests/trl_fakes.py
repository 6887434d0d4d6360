"""Trainers of the trl engine that are small enough for a test, in one process or in several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import policy_fakes
import torch
from torch.distributed.tensor import DTensor

from tasks.types import Response, Task
from training.data.prompt_stream import PromptStream, StreamPrompt
from training.filtering import Acceptance
from training.policy_recipe import PolicyRecipe
from training.policy_stage import Stage
from training.recipe import Recipe
from training.rewards import Reward
from training.rollout import Asking, Rollout, requests_of


def rank_trainer(
    model: Path,
    out: Path,
    tasks: list[Task] | None = None,
    *,
    seed: int = 0,
    around: Any = lambda model: model,
    trl: dict[str, Any] | None = None,
    **changes: Any,
) -> Any:
    """The trl engine's counterpart of `policy_fakes.trainer`."""
    from transformers import AutoModelForImageTextToText

    from harness.models.processors import load_processor
    from training.trl.config import lay_out, trl_config
    from training.trl.ranks import Ranks
    from training.trl.sampling import RankBackend, SharedStage
    from training.trl.stage import make_trainer

    torch.manual_seed(seed)
    stage = PolicyRecipe.model_validate(policy_fakes.SMALL | changes)
    tasks = tasks if tasks is not None else [policy_fakes.task("sums"), policy_fakes.task("bars", "chart")]
    ranks = Ranks()
    loaded = AutoModelForImageTextToText.from_pretrained(model, dtype="float32")
    backend = RankBackend(
        around(loaded), load_processor(model), coords="norm1000", described={"model": model.name}
    )
    stream = PromptStream([policy_fakes.problems(each) for each in tasks], seed)
    which = Stage("g2rpo", out, seed, {"fingerprint": "f"}, model)
    course = SharedStage(stage, which, stream, "norm1000", ranks=ranks)
    recipe = Recipe.model_validate({"g2rpo": stage, "seed": seed, "trl": trl or {}})
    return make_trainer(
        course, backend, trl_config(recipe, stage, lay_out(stage, ranks.count), out, course.stream.row_count)
    )


def run(trainer: Any) -> dict[str, torch.Tensor]:
    """Run to the end, from the latest checkpoint where there is one; the weights."""
    from training.trl.stage import train

    train(trainer, Recipe.model_validate({}))
    return weights(trainer)


def weights(trainer: Any) -> dict[str, torch.Tensor]:
    named = trainer.backend.model.named_parameters()
    whole = {name: value.full_tensor() if isinstance(value, DTensor) else value for name, value in named}
    return {name: value.detach().clone() for name, value in whole.items()}


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference of a weight."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def injected(course: Any, plan: list[tuple[str, list[tuple[int, float]]]]) -> list[list[Rollout]]:
    """Groups that nobody sampled.

    Args:
        course: the stage.
        plan: for each group its family, and the length and reward of each of its responses.
    """
    from scorers.types import Score
    from training.rewards import TERMS

    draw = torch.Generator().manual_seed(5)
    recipe, groups = course.recipe, []
    asking = Asking(1, recipe.max_new_tokens, 1.0, 1.0, recipe.style, None, course.coords, 0)
    for number, (family, responses) in enumerate(plan):
        prompt: StreamPrompt = course.stream.take(family)
        requests = requests_of([prompt], replace(asking, responses=len(responses)), f"injected/{number}")
        group = []
        for request, (length, value) in zip(requests, responses, strict=True):
            tokens = tuple(torch.randint(10, 250, (length,), generator=draw).tolist())
            earned = Reward(value, dict.fromkeys(TERMS, 0.0) | {"value": value}, Score(value, None))
            response = Response("", completion_tokens=length)
            group.append(
                Rollout(prompt, recipe.key(prompt.task), (0, number, 0), request, response, tokens, earned)
            )
        groups.append(group)
    return groups


def feed(trainer: Any, groups: list[list[Rollout]]) -> None:
    """Have every rollout batch be these groups."""

    def collect(step: int, sampled: list[Rollout], acceptance: Any) -> list[list[Rollout]]:
        for group in groups:
            sampled += group
            acceptance.add(group[0].key, "kept")
        return groups

    course = getattr(trainer, "course", trainer)
    course.collect = collect


__all__ = ["Acceptance", "feed", "furthest", "injected", "rank_trainer", "run", "weights"]
