"""The local engine: rollout, reward, advantage, update, in one process, on a CPU or a GPU.

Synchronous, and a function of the recipe alone: stopped at any step and started again, it gives the weights
that it would have given. Nothing here knows a benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.jsonl import write_json
from harness.types import Request
from training import checkpoint
from training.advantages import statistics
from training.data.prompt_stream import PromptStream, StreamPrompt
from training.figures import step_figures
from training.filtering import Acceptance
from training.local.equity import gradient_norms, loss_weights, shares
from training.local.policy import Clip, Policy
from training.local.update import Figures, Stepper, Updater
from training.log import StepLog
from training.models import save_model, write_model
from training.policy_recipe import PolicyRecipe
from training.policy_stage import Judged, PolicyStage, Stage, evaluate_policy
from training.rollout import PolicyBackend, Rollout, sample_responses


class Trainer(PolicyStage):
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
        super().__init__(recipe, stage, stream, backend.coords)
        self.backend, self.prompt_tokens = backend, backend.prompt_tokens
        self.policy = Policy(
            backend.model, backend.processor, recipe.temperature, keeps_reference=recipe.kl_weight > 0
        )
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
            bands=self.bands,
            entropy_weight=recipe.entropy_weight,
            kl_weight=recipe.kl_weight,
            micro_batch=recipe.micro_batch,
            budget=self.budgets["updates"],
        )

    def run(self, log: StepLog, done: int = 0) -> None:
        """Train to the end that the recipe says.

        Args:
            log: where figures go.
            done: steps done already, as `resume` says.

        Raises:
            HarnessError: a budget is spent, or the disk is full.
        """
        write_json(self.stage.folder / "settings.json", self.description())
        if done == 0 and self.evaluates(0):
            log(0, {"eval": self.evaluate(0)})
        step = done
        while not self.ends(step):
            step += 1
            figures = self.step(step)
            if self.evaluates(step):
                figures["eval"] = self.evaluate(step)
                if (best := self.best(step, figures["eval"]["mean"])) is not None:
                    save_model(self.backend.model, self.stage.source, self.stage.best, asked=best)
            log(step, figures)
            if self.saves(step):
                self.save(step)

    def step(self, step: int) -> dict[str, Any]:
        """Rollout, reward, advantage, update; returns what to log."""
        sampled: list[Rollout] = []
        acceptance = Acceptance()
        self.seconds.clear()
        groups = self.collect(step, sampled, acceptance)
        rollouts = [rollout for group in groups for rollout in group]
        batch, advantages = self.advantages(rollouts)
        self.keep_rollouts(step, sampled, rollouts, advantages)
        rate = self.stepper.learning_rate
        equity = self._equity(step, rollouts, advantages)
        with self.timed("update"):
            figures = self.update(step, groups, advantages)
        return {
            "stage": self.stage.name,
            "learning_rate": rate,
            **self.counted(),
            **step_figures(
                sampled, acceptance, figures, statistics(batch, advantages), equity, seconds=self.seconds
            ),
        }

    def sample(self, prompts: Sequence[StreamPrompt], requests: Sequence[Request]) -> list[Judged]:
        """Responses of the policy as it stands; see `PolicyStage`."""
        with self.timed("rollout"):
            answers = sample_responses(self.backend, requests)
        with self.timed("reward"):
            return [
                Judged(response, tokens, self.judge(prompt, response))
                for prompt, (response, tokens) in zip(prompts, answers, strict=True)
            ]

    def update(
        self, step: int, groups: Sequence[Sequence[Rollout]], advantages: Sequence[float] | np.ndarray[Any, Any]
    ) -> Figures:
        """Updates over the groups, a mini-batch each."""
        rollouts = [rollout for group in groups for rollout in group]
        places = self.mini_batches(step, groups)
        batches = [[rollouts[place] for place in own] for own in places]
        weights = [[float(advantages[place]) for place in own] for own in places]
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
        """The policy's scores as `harness eval` gives them, from a run folder of their own."""
        return evaluate_policy(self.backend, self.stage, self.recipe, step)

    def save(self, step: int) -> Path:
        """Write a checkpoint: weights, optimizer, prompt stream, moving moments, random numbers, budgets."""
        state = self.stepper.state()
        updates = state.pop("updates")
        random = [torch.get_rng_state()]
        if torch.cuda.is_available():
            random.append(torch.cuda.get_rng_state())
        return checkpoint.write(
            self.stage.checkpoints,
            step,
            {**state, "random": random},
            {**self.state(), "updates": updates},
            partial(write_model, self.backend.model, self.stage.source, asked=self.asked()),
        )

    def resume(self) -> int:
        """Take up the latest checkpoint; returns its step, 0 where there is none.

        Raises:
            UsageError: it is of another model or other settings.
        """
        found = checkpoint.latest(self.stage.checkpoints, self.settings(), self.backend.model.device)
        if found is None:
            return 0
        self.stepper.restore({**found.tensors, "updates": found.state["updates"]})
        self.restore(found.state)
        torch.set_rng_state(found.tensors["random"][0].cpu())
        if torch.cuda.is_available() and len(found.tensors["random"]) > 1:
            torch.cuda.set_rng_state(found.tensors["random"][1].cpu())
        return found.step
