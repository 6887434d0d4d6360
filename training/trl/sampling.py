"""Sampling responses on several processes: each answers its share, and all learn all answers.

Two samplers. `OwnSampler` is the local engine's: each response has a seed of its own, so how many processes
share the work changes none. `TrlSampler` is TRL's, for vLLM and for weights that are sharded over processes:
all have to take every forward pass together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from trl.models.utils import unwrap_model_for_generation

from harness.errors import HarnessError
from harness.models.hf_prompts import Batch, failure
from harness.models.pixels import fitted
from harness.types import Request
from scorers.types import Coords
from tasks.images import ImageError
from tasks.prompts import ImagePart
from tasks.types import Response
from training.data.prompt_stream import PromptStream, StreamPrompt
from training.policy_recipe import PolicyRecipe
from training.policy_stage import Judged, PolicyStage, Stage
from training.rollout import PolicyBackend, sample_responses
from training.trl.ranks import Ranks


@dataclass(frozen=True, slots=True)
class Answer:
    """One sampled response."""

    response: Response
    tokens: tuple[int, ...]
    logps: tuple[float, ...] | None = None
    """Of each token where it was sampled; None: as in training."""


class Sampler(Protocol):
    """Answers the requests of this process."""

    def __call__(self, requests: Sequence[Request], rows: int, spare: Request) -> list[Answer]:
        """The answer to each request, in their order.

        Args:
            requests: this process's share: whole groups, or nothing.
            rows: how many requests the largest share has: every process calls with the same number.
            spare: one to ask where this process has none and has to keep step.
        """
        ...


class SharedStage(PolicyStage):
    """A stage whose responses are sampled and judged by several processes.

    Args:
        recipe, stage, stream, coords: as for `PolicyStage`.
        ranks: the processes.
    """

    sampler: Sampler
    """Set before the first step."""
    updates = 0
    """Updates made."""

    def __init__(
        self, recipe: PolicyRecipe, stage: Stage, stream: PromptStream, coords: Coords | None, *, ranks: Ranks
    ) -> None:
        super().__init__(recipe, stage, stream, coords)
        self.ranks = ranks
        self.sampled_logps: dict[str, tuple[float, ...]] = {}
        """Request key → log-probabilities under the sampler, of the present step; none: they are training's."""

    def sample(self, prompts: Sequence[StreamPrompt], requests: Sequence[Request]) -> list[Judged]:
        """Each process answers and judges every n-th group; see `PolicyStage`."""
        size = self.recipe.responses
        groups = len(requests) // size
        own = [
            group * size + repeat
            for group in range(self.ranks.index, groups, self.ranks.count)
            for repeat in range(size)
        ]
        largest = -(-groups // self.ranks.count) * size
        failed: str | None = None
        answered: list[tuple[int, Judged, tuple[float, ...] | None]] = []
        try:
            with self.timed("rollout"):
                answers = self.sampler([requests[place] for place in own], largest, requests[0])
            with self.timed("reward"):
                for place, answer in zip(own, answers, strict=True):
                    earned = self.judge(prompts[place], answer.response)
                    answered.append((place, Judged(answer.response, answer.tokens, earned), answer.logps))
        except HarnessError as error:
            failed = str(error)
        self.ranks.agree(failed)
        result = sorted(self.ranks.everyones(answered), key=lambda each: each[0])
        for place, _, logps in result:
            if logps is not None:
                self.sampled_logps[requests[place].key] = logps
        return [judged for _, judged, _ in result]


class RankBackend(PolicyBackend):
    """The policy in one process, which can also read what another sampler generated."""

    def _itemsize(self) -> int:
        kind = self.device.type
        computed = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.model.dtype
        return computed.itemsize

    def read(self, requests: Sequence[Request]) -> Batch:
        """Requests as model inputs, in their order; what cannot be read is in `failed`."""
        prompts, failed = [], []
        for request in requests:
            try:
                prompts.append(self._prompter.read(request))
            except ImageError as error:
                failed.append((request, failure(str(error), time.monotonic())))
        batch = self._prompter.batch(prompts)
        batch.failed += failed
        return batch

    def pictures(self, request: Request) -> list[Any]:
        """The images of a request as the model sees them, in the order in which the prompt shows them."""
        shown = (part for part in request.parts if isinstance(part, ImagePart))
        return [fitted(request.images[part.index], request.pixels, self._prompter.rule) for part in shown]

    def answer(self, batch: Batch, place: int, row: list[int], logps: Sequence[float] | None) -> Answer:
        """What was generated for one prompt of a batch, as this backend would have said it."""
        length = int(batch.inputs["attention_mask"][place].sum())
        response = self._response(batch.prompts[place], row, length, batch.shown[place])
        tokens = self.tokens.pop(batch.prompts[place].request.key)
        return Answer(response, tokens, None if logps is None else tuple(logps[: len(tokens)]))


class OwnSampler:
    """The local engine's sampling, on this process's copy of the weights.

    Args:
        backend: around the model that is trained.
        trainer: the trainer, for its wrapped model.
    """

    def __init__(self, backend: RankBackend, trainer: Any) -> None:
        self._backend, self._trainer = backend, trainer

    def __call__(self, requests: Sequence[Request], rows: int, spare: Request) -> list[Answer]:
        """See `Sampler`."""
        del rows, spare
        if not requests:
            return []
        trainer, model = self._trainer, self._backend.model
        with (
            unwrap_model_for_generation(
                trainer.model_wrapped,
                trainer.accelerator,
                gradient_checkpointing_kwargs=trainer.args.gradient_checkpointing_kwargs,
            ),
            trainer.accelerator.autocast(),
        ):
            model.eval()
            try:
                answers = sample_responses(self._backend, requests)
            finally:
                model.train()
        return [Answer(response, tokens) for response, tokens in answers]


class TrlSampler:
    """TRL's sampling: by vLLM, or by transformers with every process in step.

    Args:
        backend: reads prompts and what was generated.
        trainer: the trainer.
        ranks: the processes.
        batch: responses generated together, over equal counts in every process; None: all.
    """

    def __init__(self, backend: RankBackend, trainer: Any, ranks: Ranks, batch: int | None) -> None:
        self._backend, self._trainer, self._ranks, self._batch = backend, trainer, ranks, batch

    def __call__(self, requests: Sequence[Request], rows: int, spare: Request) -> list[Answer]:
        """See `Sampler`.

        Raises:
            HarnessError: a process has no prompt that can be read: the others cannot go on without it.
        """
        size = rows if self._trainer.use_vllm or self._batch is None else min(self._batch, rows)
        answers: list[Answer] = []
        for first in range(0, rows, size):
            own = list(requests[first : first + size])
            answers += self._generate(own, min(size, rows - first), spare)
        return answers

    def _generate(self, requests: list[Request], rows: int, spare: Request) -> list[Answer]:
        batch = self._backend.read(requests)
        found = {request.key: Answer(response, ()) for request, response in batch.failed}
        answered = len(batch.prompts)
        if not answered:
            batch = self._backend.read([spare])
        self._ranks.agree(None if batch.prompts else f"no prompt can be read: {batch.failed[0][1].error}")
        places = list(range(len(batch.prompts)))
        # Others wait for as many rows as theirs: the last prompt is asked again, and its answer dropped.
        places += [places[-1]] * (rows - len(places))
        inputs = batch.inputs
        masks = inputs["attention_mask"].bool()
        ids = [inputs["input_ids"][place][masks[place]].tolist() for place in places]
        pictures = [self._backend.pictures(batch.prompts[place].request) or None for place in places]
        generated, logps = self._trainer.generate_rows(ids, pictures, self._fields(batch, places))
        for place in range(answered):
            own = None if logps is None else [float("nan") if one is None else one for one in logps[place]]
            found[batch.prompts[place].request.key] = self._backend.answer(batch, place, generated[place], own)
        return [found[request.key] for request in requests]

    def _fields(self, batch: Batch, places: Sequence[int]) -> dict[str, Any]:
        """What the processor made beside the tokens, for these prompts; repeated ones are read again."""
        if len(places) != len(batch.prompts):
            batch = self._backend.read([batch.prompts[place].request for place in places])
        left_out = ("input_ids", "attention_mask")
        return {name: torch.as_tensor(value) for name, value in batch.inputs.items() if name not in left_out}
