"""TRL's GRPOTrainer with our prompts, rewards, filter, advantages and entropy hinge.

TRL's are the loop over micro-batches, the optimizer, sharding, vLLM, the fused head and the clipped loss. What
is replaced is in the methods that override its own; `tests/test_trl_config.py` holds their signatures fast.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from harness.errors import HarnessError
from harness.models.boundary import quiet
from training.local.policy import Clip, clipped_loss
from training.local.update import Figures, divergences
from training.shaping import entropy_penalty, outside
from training.trl.config import Layout
from training.trl.head import press_down
from training.trl.measuring import Measurer
from training.trl.rollout import Row, Turn, Window, deal
from training.trl.sampling import RankBackend, SharedStage

_PER_TOKEN = ("old_per_token_logps", "sampling_per_token_logps", "importance_sampling_ratio")


def _no_reward(**_: Any) -> list[float]:
    """Stands where TRL wants a reward function: ours have been earned before."""
    raise NotImplementedError


class _AfterUpdate(TrainerCallback):  # type: ignore[misc]
    def __init__(self, trainer: RankTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell the trainer that a rollout batch is trained on; stop after the last."""
        step, left = divmod(state.global_step, self._trainer.layout.windows)
        if left == 0:
            self._trainer.end_turn(step)
            control.should_training_stop |= self._trainer.course.ends(step)


class RankTrainer(GRPOTrainer):  # type: ignore[misc]
    """One process's trainer of a stage.

    Args:
        course: the stage.
        backend: the policy as a backend: its model is what is trained.
        config: TRL's arguments, as `trl_config` gives them.
        layout: how rollout batches are split.
    """

    def __init__(self, course: SharedStage, backend: RankBackend, config: GRPOConfig, layout: Layout) -> None:
        self.course, self.backend, self.layout = course, backend, layout
        recipe = course.recipe
        self.clip = Clip(recipe.clip_low, recipe.clip_high, recipe.dual_clip)
        self.figures = Figures()
        """What this process saw of the turn."""
        self.turn: Turn | None = None
        self.after_turn: Any = None
        """Called with (step, turn, figures of all processes) once a rollout batch is trained on."""
        self._micro: list[list[dict[str, Any]]] = []
        self._scoring: list[Row] | None = None
        self._shown: dict[str, Any] = {}
        self._seen: tuple[Tensor, Tensor] | None = None
        self._entropies: list[float] | None = None
        self._means: dict[str, float] = {}
        self._loss = 0.0
        self._update_began = 0.0
        model = backend.model
        model.warnings_issued = getattr(model, "warnings_issued", {})
        super().__init__(
            model=model,
            reward_funcs=[_no_reward],
            args=config,
            # One row a prompt: TRL's epoch is then one rollout batch. What the rows say is never read.
            train_dataset=Dataset.from_dict({"prompt": [""] * recipe.rollout_prompts}),
            processing_class=backend.processor,
            callbacks=[_AfterUpdate(self)],
        )
        self.remove_callback(PrinterCallback)
        self.measurer = Measurer(backend, self.accelerator, layout.micro_batch)
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        press_down(base, backend.input_only)

    # The rollout

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        """One micro-batch; those that hold no response are passed over, in every process alike."""
        model.train()
        window, place = divmod(self._step % self.args.steps_per_generation, self.layout.accumulation)
        if window == place == 0:
            self._start_turn(inputs)
        assert self.turn is not None
        own = self.turn.windows[window]
        if not own.rows or place < own.idle:
            self._step += 1
            return torch.zeros((), device=self.args.device)
        if place == own.idle:
            self._start_window(window, own)
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        return loss

    def _start_turn(self, inputs: Any) -> None:
        """Sample, reward, filter and deal a rollout batch."""
        step = self.state.global_step // self.layout.windows + 1
        turn = self.turn = Turn(step, float(self.lr_scheduler.get_last_lr()[0]))
        self.figures, self._entropies = Figures(), None
        self.course.seconds.clear()
        groups = self.course.collect(step, turn.sampled, turn.acceptance)
        self._update_began = time.monotonic()
        self.take(turn, groups, inputs)
        if self.course.ranks.first and turn.advantages is not None:
            self.course.keep_rollouts(step, turn.sampled, turn.rollouts, turn.advantages)

    def take(self, turn: Turn, groups: Sequence[Sequence[Any]], inputs: Any = ()) -> None:
        """Make the groups of a rollout batch what is trained on."""
        turn.rollouts = [rollout for group in groups for rollout in group]
        turn.batch, turn.advantages = self.course.advantages(turn.rollouts)
        places = self.course.mini_batches(turn.step, groups)
        turn.windows = deal(
            turn.rollouts, turn.advantages.tolist(), places, self.layout, self.course.ranks.index
        )
        self._micro = [[] for _ in turn.windows]
        if turn.rows:
            self._check_images(turn)
            self._split(turn, self._generate_and_score_completions(inputs))
        self.course.sampled_logps.clear()

    def _check_images(self, turn: Turn) -> None:
        """Where weights are sharded, a process without an image would wait for ever for those with one.

        Raises:
            HarnessError: of a micro-batch some processes have images and some none.
        """
        if not self.sharded or self.layout.processes == 1:
            return
        size = self.layout.micro_batch
        rows = turn.rows
        own = [
            any(row.rollout.request.images for row in rows[first : first + size])
            for first in range(0, len(rows), size)
        ]
        everyones = self.course.ranks.everyones([own])
        if any(each != own for each in everyones):
            raise HarnessError(
                f"step {turn.step}: in a micro-batch some processes have images and some none, which sharded "
                "weights cannot train on: leave the rows without images out of the data"
            )

    @property
    def sharded(self) -> bool:
        """Whether no process has all weights."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """TRL's, on the rows that are trained on: it replays what was sampled and pads it."""
        del inputs
        assert self.turn is not None
        rows = self._scoring = self.turn.rows
        try:
            output: dict[str, Any] = super()._generate_and_score_completions([{"prompt": ""}] * len(rows))
        finally:
            self._scoring = None
        real = torch.tensor([row.real for row in rows], device=self.args.device)
        output["completion_mask"] = output["completion_mask"] * real[:, None]
        output["advantages"] = torch.tensor(
            [row.advantage for row in rows], dtype=torch.float32, device=self.args.device
        )
        keys = list(self.course.bands)
        output["family"] = torch.tensor([keys.index(row.rollout.key) for row in rows], device=self.args.device)
        return output

    def _generate(self, prompts: list[Any]) -> tuple[Any, ...]:
        """What was sampled; prompts and their images are read when a micro-batch is trained on."""
        del prompts
        assert self._scoring is not None
        logps = self.course.sampled_logps
        sampled = [
            list(logps[row.rollout.request.key][: len(row.tokens)]) if logps else None for row in self._scoring
        ]
        return (
            [[self._tokenizer.pad_token_id] for _ in self._scoring],
            [list(row.tokens) for row in self._scoring],
            None,
            [row.rollout.response.text for row in self._scoring],
            sampled if logps else None,
            {},
            None,
            [],
        )

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Tensor:
        """Nothing: the advantages that TRL makes of it are replaced."""
        rows = len(prompts) * self.layout.processes * self.num_generations
        return torch.zeros(rows, 1, device=self.args.device)

    def _split(self, turn: Turn, output: dict[str, Any]) -> None:
        """Micro-batches of each window, padded no wider than their longest response."""
        size, first, rows = self.layout.micro_batch, 0, turn.rows
        for window, micro in zip(turn.windows, self._micro, strict=True):
            tokens = window.tokens.total() * self.args.steps_per_generation / self.layout.accumulation
            for _ in range(len(window.rows) // size):
                chosen = slice(first, first + size)
                part = {
                    name: value[chosen] if isinstance(value, Tensor) and value.ndim else value
                    for name, value in output.items()
                }
                width = max(1, int(part["completion_mask"].any(0).sum()))
                for name in ("completion_ids", "completion_mask", *_PER_TOKEN):
                    if name in part:
                        part[name] = part[name][:, :width]
                # TRL divides the tokens of all windows evenly among them; each has its own number.
                part["num_items_in_batch"] = torch.tensor(tokens, device=self.args.device)
                micro.append({**part, "rows": rows[chosen]})
                first += size

    # The update

    def _start_window(self, number: int, window: Window) -> None:
        """The mean entropy of each key over the window, under the present weights."""
        self._loss, self._means = 0.0, {}
        if not self.course.recipe.entropy_weight:
            return
        if number or self._entropies is None:  # else they were found when the old log-probabilities were
            self._score(window.rows)
        assert self._entropies is not None
        keys = list(window.tokens)
        sums = torch.zeros(len(keys), dtype=torch.float64, device=self.args.device)
        for row, entropy in zip(window.rows, self._entropies, strict=False):
            if row.real:
                sums[keys.index(row.rollout.key)] += entropy
        total = self.accelerator.reduce(sums, reduction="sum").tolist()
        self._means = {key: value / window.tokens[key] for key, value in zip(keys, total, strict=True)}

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        """The micro-batch whose turn it is, with its prompts and their images."""
        assert self.turn is not None
        window, place = divmod(self._step % self.args.steps_per_generation, self.layout.accumulation)
        micro = dict(self._micro[window][place - self.turn.windows[window].idle])
        micro["prompt_ids"], micro["prompt_mask"], self._shown = self.measurer.read(micro.pop("rows"))
        return micro

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **_: Any,
    ) -> tuple[Tensor, Tensor, None]:
        """Log-probabilities and entropies of response tokens, (rows, tokens); image tokens have none."""
        if self._scoring is not None:
            logps, entropies = self._score(self._scoring)
            return logps, entropies, None
        self._seen = self.measurer.forward(model, input_ids, attention_mask, self._shown, keep=logits_to_keep)
        return (*self._seen, None)

    def _score(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies, both (rows, tokens), without a gradient; keeps entropies' sums."""
        logps, entropies = self.measurer.measure(self.model, rows)
        self._entropies = entropies.double().sum(1).tolist()
        return logps, entropies

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """TRL's clipped loss and this micro-batch's part of the entropy hinge."""
        loss: Tensor = super()._compute_loss(model, inputs)
        assert self._seen is not None
        logps, entropies = self._seen
        self._seen = None
        real = inputs["completion_mask"].bool()
        names = list(self.course.bands)
        rows = inputs["family"][:, None].expand_as(real)[real]
        keys = [names[index] for index in rows.tolist()]
        if outside(self.course.bands, self._means, keys):
            assert self.turn is not None
            window = (self._step % self.args.steps_per_generation) // self.layout.accumulation
            # Gradients are averaged over processes: each adds its part as often as there are of them.
            loss = loss + self.layout.processes * entropy_penalty(
                entropies[real],
                keys,
                self._means,
                self.turn.windows[window].tokens,
                bands=self.course.bands,
                weight=self.course.recipe.entropy_weight,
            )
        with torch.no_grad():
            old = inputs.get("old_per_token_logps", logps)
            weights = inputs["advantages"][:, None].expand_as(real)[real]
            _, clipped = clipped_loss(logps[real], old[real], weights, self.clip)
            self.figures.add(keys, clipped, entropies[real], divergences(old[real], logps[real]))
        self._loss += float(loss.detach()) / self.layout.processes
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        """The gradient's norm. One that is not finite, or of no response, is dropped: nothing is updated."""
        assert self.turn is not None
        window = (self._step - 1) % self.args.steps_per_generation // self.layout.accumulation
        if self.turn.windows[window].rows:
            norm = super()._clip_grad_norm(model)
            norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
            loss = torch.tensor(self._loss, dtype=torch.float64, device=self.args.device)
            if self._finish(float(self.accelerator.reduce(loss, reduction="sum")), float(norm)):
                return norm
        for parameter in model.parameters():
            parameter.grad = None
        return torch.zeros(())

    def _finish(self, loss: float, norm: float) -> bool:
        """Count an update; False where it is not to be made.

        Raises:
            HarnessError: too many are not finite.
        """
        budget = self.course.budgets["updates"]
        if math.isfinite(loss) and math.isfinite(norm):
            self.figures.losses.append(loss)
            self.figures.norms.append(norm)
            self.course.updates += 1
            budget.add(0, 1)
            return True
        self.figures.skipped += 1
        budget.add(1, 1, "the gradient" if math.isfinite(loss) else "the loss")
        return False

    def end_turn(self, step: int) -> None:
        """Gather what all processes saw of a rollout batch, and hand it on."""
        self._metrics["train"].clear()
        turn, self.turn, self._micro = self.turn, None, []
        assert turn is not None
        own = self.figures
        together = Figures(own.losses, own.norms, own.skipped)
        for seen in self.course.ranks.everyones([own]):
            together.take_in(seen)
        self.course.seconds["update"] = time.monotonic() - self._update_began
        if self.after_turn is not None:
            self.after_turn(step, turn, together)

    # The optimizer

    def get_train_dataloader(self) -> Any:
        """TRL's, of this layout: a checkpoint may be of another number of processes."""
        self._train_batch_size = self.args.train_batch_size
        return super().get_train_dataloader()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """The weights: those of the model's folder; sharded ones lie in the folder that continues the run."""
        folder = Path(resume_from_checkpoint)
        with quiet():  # an output layer that is tied to the embedding is not saved
            super()._load_from_checkpoint(str(folder if self.sharded else folder.parent), model)

    def get_decay_parameter_names(self, model: Any) -> list[str]:
        """All weights decay, as under the local engine."""
        return [name for name, _ in model.named_parameters()]

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Constant after the ramp; the first update has the ramp's first step, not 0."""
        course, ramp = self.course, self.course.recipe.ramp_steps

        def factor(steps: int) -> float:
            done = steps if self.is_deepspeed_enabled else course.updates  # DeepSpeed steps before it is known
            return min(1.0, (done + 1) / ramp) if ramp else 1.0

        self.lr_scheduler = LambdaLR(optimizer if optimizer is not None else self.optimizer, factor)
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def generate_rows(
        self, ids: list[list[int]], pictures: list[list[Any] | None], fields: dict[str, Any]
    ) -> tuple[list[list[int]], list[list[float | None]] | None]:
        """Sample one response a row by TRL's means: vLLM, or transformers with every process in step.

        Args:
            ids: prompt tokens.
            pictures: images of each prompt; for vLLM.
            fields: what the processor made of them; for transformers.

        Returns:
            The tokens of each response, and their log-probabilities where vLLM sampled them.
        """
        shown = pictures if any(pictures) else None
        found: tuple[list[list[int]], list[list[float | None]] | None] = self._generate_single_turn(
            ids, shown, fields, self.num_generations
        )
        return found
