"""A stage of policy training, whichever engine runs it: which groups are kept, what each step is worth, what is
remembered and compared from one start to the next.

An engine adds how responses are sampled and how the weights are updated. Nothing here knows a benchmark.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from harness.models.asking import read_training
from harness.types import Request
from scorers.types import Coords
from tasks.images import ImageError
from tasks.types import Response
from training import held_out
from training.advantages import Array, Batch, Moments, estimator
from training.budgets import Budget
from training.data.prompt_stream import Problems, PromptStream, StreamPrompt
from training.filtering import Acceptance, outcome
from training.policy_recipe import HELD_OUT, PolicyRecipe
from training.rewards import Reward, reward
from training.rollout import Asking, Rollout, requests_of
from training.rollout_log import write_rollouts


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a training run: the folder that it writes, and what makes it this stage and no other."""

    name: str
    """`g2rpo` or `refine`."""
    folder: Path
    seed: int
    identity: Mapping[str, Any]
    """What a checkpoint must agree with beside the stage's settings: the model it started from, the data."""
    source: Path
    """The folder of that model: a checkpoint has its processor files too."""
    eval_tasks: tuple[str, ...] = ()
    """Tasks of the periodic evaluation."""
    task_file: tuple[str, ...] = ()
    """Python files that define those that are not shipped."""
    held_out: Sequence[Problems] = ()
    """What it asks in their place where `eval_data` is `held-out`."""

    @property
    def checkpoints(self) -> Path:
        """The folder that holds them."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """The folder of the model of the best periodic evaluation."""
        return self.folder / "best"


NOT_IDENTITY = frozenset(
    {"steps", "epochs", "save_every", "gradient_every", "keep_rollouts"}
    | {"eval_every", "eval_data", "eval_limit", "eval_temperature"}
    | {"failure_budget", "prompt_budget", "update_budget", "empty_budget"}
)
"""Settings that may change when a stage is continued."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A response of the policy, and what it earned."""

    response: Response
    tokens: tuple[int, ...]
    reward: Reward


class PolicyStage(ABC):
    """What the engines share of a stage.

    Args:
        recipe: the stage's settings.
        stage: which stage this is, and its folder.
        stream: the prompts.
        coords: the model's coordinate convention.

    Raises:
        UsageError: a family has no length envelope and entropy band.
    """

    prompt_tokens: Callable[[Request], int]
    """How long a request's prompt is, its images included. Set before the first step."""

    def __init__(self, recipe: PolicyRecipe, stage: Stage, stream: PromptStream, coords: Coords | None) -> None:
        self.recipe, self.stage, self.stream, self.coords = recipe, stage, stream, coords
        self.shapes = {task.name: recipe.shape(task) for task in stream.tasks}
        self.bands = {recipe.key(task): self.shapes[task.name].entropy for task in stream.tasks}
        self.moments = Moments()
        self.budgets = {
            "responses": Budget("responses had no verdict", recipe.failure_budget, 10),
            "prompts": Budget("prompts were too long", recipe.prompt_budget, 20),
            "updates": Budget("updates were not finite and skipped", recipe.update_budget, 3),
            "steps": Budget("steps kept no group", recipe.empty_budget, 5),
        }
        self.seconds: dict[str, float] = {}
        """What took how long in this step: `rollout`, `reward`, `update`."""
        self._rule = recipe.reward_rule
        self._asking = Asking(
            recipe.responses,
            recipe.max_new_tokens,
            recipe.temperature,
            recipe.top_p,
            recipe.style,
            recipe.max_pixels,
            coords,
            stage.seed,
        )
        self._advantages = estimator(recipe.advantage, task_pass=recipe.task_pass)

    @abstractmethod
    def sample(self, prompts: Sequence[StreamPrompt], requests: Sequence[Request]) -> list[Judged]:
        """Responses to requests, in their order, each judged with `judge`.

        Args:
            prompts: what each request asks.
            requests: one a response.
        """

    def judge(self, prompt: StreamPrompt, response: Response) -> Reward:
        """What a response earns."""
        return reward(
            prompt.task,
            prompt.sample,
            response,
            rule=self._rule,
            envelope=self.shapes[prompt.task.name].length,
            coords=self.coords,
        )

    def collect(self, step: int, sampled: list[Rollout], acceptance: Acceptance) -> list[list[Rollout]]:
        """Groups that teach, drawn until each family has its share or the rounds are spent.

        Args:
            step: the step's number, from 1.
            sampled: takes every response with a verdict, kept or not.
            acceptance: takes what became of each group.

        Returns:
            The kept groups, whole but for responses without a verdict.

        Raises:
            HarnessError: the budget of prompts that are too long, of responses without a verdict, or of steps
                without a group, is spent.
        """
        wanted = dict(self.stream.quotas(self.recipe.rollout_prompts, step))
        kept: list[list[Rollout]] = []
        for attempt in range(self.recipe.fill_rounds):
            prompts = [
                self.stream.take(family, self._too_long)
                for family, number in wanted.items()
                for _ in range(number)
            ]
            if not prompts:
                break
            for prompt, group in zip(prompts, self._ask(prompts, step, attempt), strict=True):
                sampled += group
                what = outcome([rollout.reward for rollout in group], self.recipe.filter_rule)
                acceptance.add(self.recipe.key(prompt.task), what)
                if what == "kept":
                    kept.append(group)
                    wanted[prompt.family] -= 1
        why = f"of {len(sampled)} responses, none in a group that teaches"
        self.budgets["steps"].add(int(not kept), 1, why)
        return kept

    def _too_long(self, prompt: StreamPrompt) -> str | None:
        """Why a prompt is not asked: it has more tokens than the recipe allows. It is counted."""
        request = next(iter(requests_of([prompt], self._asking, "")))
        try:
            tokens = self.prompt_tokens(request)
        except ImageError:
            return None  # asked, and counted there
        most = self.recipe.max_prompt_tokens
        why = f"{prompt.task.name} {prompt.sample.id}: {tokens:,} tokens, max_prompt_tokens is {most:,}"
        self.budgets["prompts"].add(int(tokens > most), 1, why)
        return why if tokens > most else None

    def _ask(self, prompts: Sequence[StreamPrompt], step: int, attempt: int) -> list[list[Rollout]]:
        """The groups of prompts: responses with a verdict. The others are counted."""
        recipe, size = self.recipe, self.recipe.responses
        requests = list(requests_of(prompts, self._asking, f"{self.stage.name}/{step}/{attempt}"))
        asked = [prompt for prompt in prompts for _ in range(size)]
        groups: list[list[Rollout]] = [[] for _ in prompts]
        for number, (prompt, request, judged) in enumerate(
            zip(asked, requests, self.sample(asked, requests), strict=True)
        ):
            earned = judged.reward
            why = f"{prompt.task.name} {prompt.sample.id}: {earned.score.error}"
            self.budgets["responses"].add(int(not earned.counts), 1, why)
            if earned.counts:
                name = (prompt.epoch, prompt.index, attempt)
                key = recipe.key(prompt.task)
                groups[number // size].append(
                    Rollout(prompt, key, name, request, judged.response, judged.tokens, earned)
                )
        return groups

    def evaluates(self, step: int) -> bool:
        """Whether there is a periodic evaluation after so many steps; 0 is before the first."""
        every = self.recipe.eval_every
        return every > 0 and (self.ends(step) or step % every == 0)

    def saves(self, step: int) -> bool:
        """Whether there is a checkpoint after so many steps."""
        return self.ends(step) or step % self.recipe.save_every == 0

    def ends(self, step: int) -> bool:
        """Whether the stage is complete after so many steps, which have been made."""
        steps, prompts = self.recipe.steps, self.recipe.prompts(self.stream.row_count)
        return (steps is not None and step >= steps) or (prompts is not None and self.stream.drawn >= prompts)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Count the seconds of a block of this step."""
        began = time.monotonic()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - began

    def keep_rollouts(
        self, step: int, sampled: Sequence[Rollout], rollouts: Sequence[Rollout], advantages: Array
    ) -> None:
        """Write what was sampled, with the advantages of the kept rollouts, where the recipe wants it."""
        if self.recipe.keep_rollouts:
            keys = (rollout.request.key for rollout in rollouts)
            known = dict(zip(keys, advantages.tolist(), strict=True))
            write_rollouts(self.stage.folder / "rollouts", step, sampled, known, self.coords)

    def best(self, step: int, mean: float | None) -> dict[str, Any] | None:
        """What to keep with the model in `Stage.best`; None where an evaluation before has found as good a one.

        Args:
            step: steps done.
            mean: of the evaluation after them.
        """
        before = read_training(self.stage.best).get("eval")
        if mean is None or (before is not None and mean <= before):
            return None
        return {**self.asked(), "training": {"stage": self.stage.name, "step": step, "eval": mean}}

    def advantages(self, rollouts: Sequence[Rollout]) -> tuple[Batch, Array]:
        """The rewards of kept rollouts, and the advantage of each, in float64. Moving moments take them in."""
        batch = reward_batch(rollouts, self.recipe)
        return batch, self._advantages(batch, self.moments) if rollouts else np.zeros(0)

    def mini_batches(self, step: int, groups: Sequence[Sequence[Rollout]]) -> list[list[int]]:
        """Positions of the rollouts of each mini-batch: whole groups, in equal parts, in the step's own order.

        Responses that the token limit cut are left out where the recipe masks them.

        Args:
            step: the step's number.
            groups: the kept groups; positions count through them one after another.
        """
        starts = np.cumsum([0, *map(len, groups)]).tolist()
        order = list(range(len(groups)))
        Random(f"update/{self.stage.seed}/{step}").shuffle(order)  # noqa: S311 - an order, not a secret
        cut = [each.response.finish_reason == "length" for group in groups for each in group]
        left_out = self.recipe.overlong == "mask"
        batches = (
            [place for group in chosen for place in range(starts[group], starts[group + 1])]
            for chosen in even(order, self.recipe.update_prompts)
        )
        kept = ([place for place in batch if not (left_out and cut[place])] for batch in batches)
        return [batch for batch in kept if batch]

    def counted(self) -> dict[str, Any]:
        """What went wrong so far, and the passes over each family's rows, for the log."""
        return {
            "bad": {name: budget.bad for name, budget in self.budgets.items()},
            "unreadable": sum(self.stream.skipped.values()),
            "epochs": {family: round(passes, 4) for family, passes in self.stream.epochs.items()},
        }

    def description(self) -> dict[str, Any]:
        """What a reader of the log needs beside it: the settings, and the bands of each task, as plain JSON."""
        bands = {
            task.name: {
                "family": task.category,
                "key": self.recipe.key(task),
                **self.shapes[task.name].model_dump(mode="json"),
            }
            for task in self.stream.tasks
        }
        return {
            "stage": self.stage.name,
            "steps": self.recipe.steps if self.recipe.epochs is None else None,
            "start": str(self.stage.source),
            "settings": self.settings(),
            "shapes": bands,
        }

    def asked(self) -> dict[str, Any]:
        """How the policy is asked, for an evaluation of its model to ask it so."""
        recipe = self.recipe
        return {
            "prompt": recipe.style,
            "coords": self.coords,
            "max_new_tokens": recipe.max_new_tokens,
            "max_pixels": recipe.max_pixels,
        }

    def settings(self) -> dict[str, Any]:
        """What a checkpoint must agree with, as plain JSON."""
        own = self.recipe.model_dump(mode="json", exclude=set(NOT_IDENTITY))
        plain: dict[str, Any] = json.loads(json.dumps({**self.stage.identity, "seed": self.stage.seed, **own}))
        return plain

    def state(self) -> dict[str, Any]:
        """Settings, prompt stream, moving moments and budgets, for a checkpoint, as plain JSON."""
        return {
            "settings": self.settings(),
            "stream": self.stream.state(),
            "moments": self.moments.by_family,
            "budgets": {name: budget.state() for name, budget in self.budgets.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        self.stream.restore(state["stream"])
        self.moments.by_family = {name: (a, b) for name, (a, b) in state["moments"].items()}
        for name, budget in self.budgets.items():
            budget.restore(state["budgets"][name])


def even(items: Sequence[int], most: int) -> list[list[int]]:
    """Items in parts of at most so many, as few parts as that takes, equal to within one item."""
    parts = -(-len(items) // most)
    ends = [len(items) * part // max(parts, 1) for part in range(parts + 1)]
    return [list(items[start:end]) for start, end in pairwise(ends)]


def reward_batch(rollouts: Sequence[Rollout], recipe: PolicyRecipe) -> Batch:
    """The rewards of kept rollouts, as the estimators take them."""
    rewards = [rollout.reward for rollout in rollouts]
    weighed = dict(recipe.reward_rule.weights)
    return Batch(
        rewards=np.array([each.total for each in rewards], dtype=np.float64),
        groups=[(rollout.key, rollout.prompt.family, *rollout.group) for rollout in rollouts],
        families=[rollout.key for rollout in rollouts],
        components={
            name: np.array([each.terms[name] for each in rewards], dtype=np.float64) for name in weighed
        },
        weights=weighed,
    )


def evaluate_policy(backend: Any, stage: Stage, recipe: PolicyRecipe, step: int) -> dict[str, Any]:
    """The policy's scores: as `harness eval` gives them, in a run folder of their own; or on held-out rows.

    Args:
        backend: the policy as a backend.
        stage: whose evaluation this is.
        recipe: the stage's settings.
        step: steps done.
    """
    import harness

    backend.at_step(stage.name, step)
    folder = stage.folder / "eval" / f"step-{step:07d}"
    if recipe.eval_data == HELD_OUT:
        path = folder / "responses.jsonl"
        return held_out.evaluate(backend, stage.held_out, recipe, backend.coords, path, seed=stage.seed)
    results = harness.evaluate(
        backend,
        tasks=stage.eval_tasks,
        task_file=stage.task_file,
        data=recipe.eval_data,
        limit=recipe.eval_limit,
        prompt=recipe.style,
        max_new_tokens=recipe.max_new_tokens,
        temperature=recipe.eval_temperature,
        max_pixels=recipe.max_pixels,
        seed=stage.seed,
        images=False,
        fresh=True,
        out=str(folder),
    )
    shares = [task.share("unparsed") + task.share("truncated") for task in results.tasks.values()]
    categories = {
        name: round(category.score.value, 3)
        for name, category in results.categories.items()
        if category.score.value is not None
    }
    mean = sum(categories.values()) / len(categories) if categories else None
    return {
        "mean": mean,
        "categories": categories,
        "unparsed": round(float(np.mean(shares)), 4),
        "failed": results.failures,
    }
