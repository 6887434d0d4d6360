"""The local engine: rollout, reward, advantage, update, in one process, on a CPU or a GPU.

Synchronous, and a function of the recipe alone: stopped at any step and started again, it gives the weights
that it would have given. Nothing here knows a benchmark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from harness.jsonl import write_json
from training import checkpoint
from training.advantages import Batch, Moments, estimator, statistics
from training.data.prompt_stream import Problems, PromptStream, StreamPrompt
from training.filtering import Acceptance, outcome
from training.local import held_out
from training.local.budgets import Budget
from training.local.equity import gradient_norms, loss_weights, shares
from training.local.figures import step_figures
from training.local.policy import Clip, Policy
from training.local.rollout import Asking, PolicyBackend, Rollout, sample_responses
from training.local.update import Figures, Stepper, Updater
from training.log import StepLog
from training.models import write_model
from training.policy_recipe import HELD_OUT, PolicyRecipe
from training.rewards import TERMS, reward


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
    held_out: Sequence[Problems] = ()
    """What it asks in their place where `eval_data` is `held-out`."""


NOT_IDENTITY = frozenset(
    {"steps", "save_every", "eval_every", "eval_data", "eval_limit", "gradient_every"}
    | {"failure_budget", "update_budget", "empty_budget"}
)
"""Settings that may change when a stage is continued."""


class Trainer:
    """One stage of policy training.

    Args:
        recipe: the stage's settings.
        stage: which stage this is, and its folder.
        backend: the policy as a backend; its model is what is trained.
        stream: the prompts.

    Raises:
        UsageError: a family has no length envelope and entropy band.
    """

    def __init__(
        self, recipe: PolicyRecipe, stage: Stage, backend: PolicyBackend, stream: PromptStream
    ) -> None:
        self.recipe, self.stage, self.backend, self.stream = recipe, stage, backend, stream
        self.policy = Policy(backend.model, backend.processor, recipe.temperature)
        self.shapes = {task.name: recipe.shape(task) for task in stream.tasks}
        self.moments = Moments()
        self.budgets = {
            "responses": Budget("responses had no verdict", recipe.failure_budget, 10),
            "updates": Budget("updates were not finite and skipped", recipe.update_budget, 3),
            "steps": Budget("steps kept no group", recipe.empty_budget, 5),
        }
        self.stepper = Stepper(
            list(backend.model.named_parameters()),
            learning_rate=recipe.learning_rate,
            ramp_steps=recipe.ramp_steps,
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.max_grad_norm,
        )
        self.clip = Clip(recipe.clip_low, recipe.clip_high, recipe.dual_clip)
        self.updater = Updater(
            self.policy,
            self.stepper,
            clip=self.clip,
            bands={recipe.key(task): self.shapes[task.name].entropy for task in stream.tasks},
            entropy_weight=recipe.entropy_weight,
            micro_batch=recipe.micro_batch,
            budget=self.budgets["updates"],
        )
        self._advantages = estimator(recipe.advantage, task_pass=recipe.task_pass)

    def run(self, log: StepLog, done: int = 0) -> None:
        """Train up to the recipe's number of steps.

        Args:
            log: where figures go.
            done: steps done already, as `resume` says.

        Raises:
            HarnessError: a budget is spent, or the disk is full.
        """
        write_json(self.stage.folder / "settings.json", self.description())
        if done == 0 and self.recipe.eval_every:
            log(0, {"eval": self.evaluate(0)})
        for step in range(done + 1, self.recipe.steps + 1):
            figures = self.step(step)
            last = step == self.recipe.steps
            if self.recipe.eval_every and (last or step % self.recipe.eval_every == 0):
                figures["eval"] = self.evaluate(step)
            log(step, figures)
            if last or step % self.recipe.save_every == 0:
                self.save(step)

    def step(self, step: int) -> dict[str, Any]:
        """Rollout, reward, advantage, update; returns what to log."""
        sampled: list[Rollout] = []
        acceptance = Acceptance()
        groups = self.collect(step, sampled, acceptance)
        self.budgets["steps"].add(
            int(not groups), 1, f"of {len(sampled)} responses, none in a group that teaches"
        )
        rollouts = [rollout for group in groups for rollout in group]
        batch = reward_batch(rollouts, self.recipe)
        advantages = self._advantages(batch, self.moments) if rollouts else np.zeros(0)
        rate = self.stepper.learning_rate
        equity = self._equity(step, rollouts, advantages)
        figures = self.update(step, groups, advantages)
        spent = {name: budget.bad for name, budget in self.budgets.items()}
        return {
            "stage": self.stage.name,
            "learning_rate": rate,
            "bad": spent,
            "unreadable": sum(self.stream.skipped.values()),
            "epochs": {family: round(passes, 4) for family, passes in self.stream.epochs.items()},
            **step_figures(sampled, acceptance, figures, statistics(batch, advantages), equity),
        }

    def collect(self, step: int, sampled: list[Rollout], acceptance: Acceptance) -> list[list[Rollout]]:
        """Groups that teach, drawn until each family has its share or the rounds are spent.

        Args:
            step: the step's number, from 1.
            sampled: takes every response with a verdict, kept or not.
            acceptance: takes what became of each group.

        Returns:
            The kept groups, whole but for responses without a verdict.
        """
        wanted = dict(self.stream.quotas(self.recipe.rollout_prompts, step))
        kept: list[list[Rollout]] = []
        for attempt in range(self.recipe.fill_rounds):
            prompts = [self.stream.take(family) for family, number in wanted.items() for _ in range(number)]
            if not prompts:
                break
            for prompt, group in zip(prompts, self._ask(prompts, step, attempt), strict=True):
                sampled += group
                what = outcome([rollout.reward for rollout in group], self.recipe.filter_rule)
                acceptance.add(self.recipe.key(prompt.task), what)
                if what == "kept":
                    kept.append(group)
                    wanted[prompt.family] -= 1
        return kept

    def _ask(self, prompts: Sequence[StreamPrompt], step: int, attempt: int) -> list[list[Rollout]]:
        """The groups of prompts: responses with a verdict. The others are counted."""
        recipe, coords = self.recipe, self.backend.coords
        asking = Asking(
            recipe.responses,
            recipe.max_new_tokens,
            recipe.temperature,
            recipe.top_p,
            recipe.style,
            recipe.max_pixels,
            coords,
            self.stage.seed,
        )
        groups = []
        for prompt, answers in zip(
            prompts,
            sample_responses(self.backend, prompts, asking, f"{self.stage.name}/{step}/{attempt}"),
            strict=True,
        ):
            group = []
            for request, response, tokens in answers:
                earned = reward(
                    prompt.task,
                    prompt.sample,
                    response,
                    rule=recipe.reward_rule,
                    envelope=self.shapes[prompt.task.name].length,
                    coords=coords,
                )
                why = f"{prompt.task.name} {prompt.sample.id}: {earned.score.error}"
                self.budgets["responses"].add(int(not earned.counts), 1, why)
                if earned.counts:
                    name = (prompt.epoch, prompt.index, attempt)
                    group.append(
                        Rollout(prompt, recipe.key(prompt.task), name, request, response, tokens, earned)
                    )
            groups.append(group)
        return groups

    def update(
        self, step: int, groups: Sequence[Sequence[Rollout]], advantages: Sequence[float] | np.ndarray[Any, Any]
    ) -> Figures:
        """Updates over the groups, whole groups to a mini-batch, in an order of the step's own."""
        starts = np.cumsum([0, *map(len, groups)])
        order = list(range(len(groups)))
        Random(f"update/{self.stage.seed}/{step}").shuffle(order)  # noqa: S311 - an order, not a secret
        batches, weights = [], []
        for first in range(0, len(order), self.recipe.update_prompts):
            chosen = order[first : first + self.recipe.update_prompts]
            batches.append([rollout for index in chosen for rollout in groups[index]])
            weights.append(
                [float(a) for index in chosen for a in advantages[starts[index] : starts[index + 1]]]
            )
        self._training(True)
        try:
            return self.updater.update(batches, weights)
        finally:
            self._training(False)

    def _equity(
        self, step: int, rollouts: Sequence[Rollout], advantages: Sequence[float] | np.ndarray[Any, Any]
    ) -> dict[str, dict[str, float]]:
        """Each key's share of the loss's weight and, every `gradient_every` steps, of the gradient."""
        advantages = [float(advantage) for advantage in advantages]
        found = {"loss_share": shares(loss_weights(rollouts, advantages))}
        every = self.recipe.gradient_every
        if every and step % every == 0 and rollouts:
            self._training(True)
            try:
                norms = gradient_norms(
                    self.policy,
                    self.stepper,
                    rollouts,
                    advantages,
                    clip=self.clip,
                    micro_batch=self.recipe.micro_batch,
                )
            finally:
                self._training(False)
            found["gradient_share"] = shares(norms)
        return found

    def _training(self, on: bool) -> None:
        """Gradient checkpointing works in training mode alone; else the policy stays as it samples."""
        self.backend.model.train(on and self.recipe.gradient_checkpointing)

    def evaluate(self, step: int) -> dict[str, Any]:
        """The policy's scores: as `harness eval` gives them, in a run folder; or on held-out rows."""
        import harness

        self.backend.at_step(self.stage.name, step)
        folder = self.stage.folder / "eval" / f"step-{step:07d}"
        if self.recipe.eval_data == HELD_OUT:
            responses = folder / "responses.jsonl"
            return held_out.evaluate(
                self.backend, self.stage.held_out, self.recipe, self.backend.coords, responses
            )
        results = harness.evaluate(
            self.backend,
            tasks=self.stage.eval_tasks,
            data=self.recipe.eval_data,
            limit=self.recipe.eval_limit,
            prompt=self.recipe.style,
            max_new_tokens=self.recipe.max_new_tokens,
            max_pixels=self.recipe.max_pixels,
            seed=self.stage.seed,
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
        return {"mean": mean, "categories": categories, "unparsed": round(float(np.mean(shares)), 4)}

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
            "steps": self.recipe.steps,
            "settings": self.settings(),
            "shapes": bands,
        }

    def settings(self) -> dict[str, Any]:
        """What a checkpoint must agree with, as plain JSON."""
        own = self.recipe.model_dump(mode="json", exclude=set(NOT_IDENTITY))
        plain: dict[str, Any] = json.loads(json.dumps({**self.stage.identity, "seed": self.stage.seed, **own}))
        return plain

    def save(self, step: int) -> Path:
        """Write a checkpoint: weights, optimizer, prompt stream, moving moments, random numbers, budgets."""
        state = self.stepper.state()
        updates = state.pop("updates")
        random = [torch.get_rng_state()]
        if torch.cuda.is_available():
            random.append(torch.cuda.get_rng_state())
        return checkpoint.write(
            self.stage.folder / "checkpoints",
            step,
            {**state, "random": random},
            {
                "settings": self.settings(),
                "updates": updates,
                "stream": self.stream.state(),
                "moments": self.moments.by_family,
                "budgets": {name: budget.state() for name, budget in self.budgets.items()},
            },
            partial(write_model, self.backend.model, self.stage.source),
        )

    def resume(self) -> int:
        """Take up the latest checkpoint; returns its step, 0 where there is none.

        Raises:
            UsageError: it is of another model or other settings.
        """
        found = checkpoint.latest(self.stage.folder / "checkpoints", self.settings(), self.backend.model.device)
        if found is None:
            return 0
        self.stepper.restore({**found.tensors, "updates": found.state["updates"]})
        self.stream.restore(found.state["stream"])
        self.moments.by_family = {name: (a, b) for name, (a, b) in found.state["moments"].items()}
        for name, budget in self.budgets.items():
            budget.restore(found.state["budgets"][name])
        torch.set_rng_state(found.tensors["random"][0].cpu())
        if torch.cuda.is_available() and len(found.tensors["random"]) > 1:
            torch.cuda.set_rng_state(found.tensors["random"][1].cpu())
        return found.step


def reward_batch(rollouts: Sequence[Rollout], recipe: PolicyRecipe) -> Batch:
    """The rewards of kept rollouts, as the estimators take them."""
    rewards = [rollout.reward for rollout in rollouts]
    return Batch(
        rewards=np.array([each.total for each in rewards], dtype=np.float64),
        groups=[(rollout.key, rollout.prompt.family, *rollout.group) for rollout in rollouts],
        families=[rollout.key for rollout in rollouts],
        components={name: np.array([each.terms[name] for each in rewards], dtype=np.float64) for name in TERMS},
        weights=dict(recipe.reward),
    )
