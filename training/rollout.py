"""Rollouts: sampled responses of the policy as it stands, through the `hf` backend's machinery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.models.hf import HFBackend, input_only_tokens
from harness.models.hf_prompts import Prompt
from harness.run.plan import request_seed
from harness.types import PixelLimits, Request, Sampling
from scorers.types import Coords
from tasks.prompts import render
from tasks.types import Response, Style
from training.data.prompt_stream import StreamPrompt
from training.rewards import Reward


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled response."""

    prompt: StreamPrompt
    key: str
    """What it is pooled under: its family or its task."""
    group: tuple[int, int, int]
    """(epoch, index, attempt) of its prompt: with the key, the group's id."""
    request: Request
    response: Response
    tokens: tuple[int, ...]
    """Of the response, the end token included where it was sampled."""
    reward: Reward


class PolicyBackend(HFBackend):
    """The model that is being trained, behind the interface of evaluation; it keeps the tokens it sampled.

    Args:
        model: a transformers model, with or without adapters.
        processor: its processor.
        coords: its coordinate convention.
        described: what identifies it before training; the step is added.
        batch_size: as for `HFBackend`.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        coords: Coords | None,
        described: Mapping[str, Any],
        batch_size: int | None = None,
    ) -> None:
        self.coords = coords
        self.input_only = input_only_tokens(model)
        """Tokens that stand for images: an answer that is trained on never holds one."""
        self._attach(model.eval(), processor, batch_size, never=self.input_only)
        self._described = dict(described)
        self.tokens: dict[str, tuple[int, ...]] = {}
        """Request key → the tokens of its response, until they are taken."""

    def at_step(self, stage: str, step: int) -> None:
        """Say how far the model is trained, for `describe`."""
        self._described |= {"stage": stage, "step": step}

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of a request's prompt as the model sees it, its images included.

        Raises:
            ImageError: an image cannot be read.
        """
        prompt = self._prompter.read(request)
        if self._prompter.rule.factor > 1 or not request.images:
            return prompt.tokens
        inputs = self._prompter.batch([prompt]).inputs  # by no rule that is known: as the processor says
        return prompt.tokens if inputs is None else int(inputs["attention_mask"].sum())

    def _response(
        self, prompt: Prompt, row: list[int], prompt_tokens: int, shown: tuple[tuple[int, int], ...]
    ) -> Response:
        # `shown`, the limits and thinking that the template opened are the backend's business, so that training
        # judges what evaluation would; its count says how much of the row it took.
        response = super()._response(prompt, row, prompt_tokens, shown)
        self.tokens[prompt.request.key] = tuple(row[: response.completion_tokens])
        return response


@dataclass(frozen=True, slots=True)
class Asking:
    """How a policy is asked."""

    responses: int
    """A prompt."""
    max_new_tokens: int
    temperature: float
    top_p: float
    style: Style
    max_pixels: int | None
    coords: Coords | None
    seed: int


def sample_responses(
    backend: PolicyBackend, requests: Sequence[Request]
) -> list[tuple[Response, tuple[int, ...]]]:
    """The response to each request, in their order, with its tokens; one that failed has none."""
    responses = {request.key: response for request, response in backend.generate(requests)}
    tokens, backend.tokens = backend.tokens, {}
    return [(responses[request.key], tokens.get(request.key, ())) for request in requests]


def requests_of(prompts: Sequence[StreamPrompt], asking: Asking, prefix: str) -> Iterable[Request]:
    """The requests of prompts: `asking.responses` of each, one prompt after another.

    Args:
        prompts: what is asked.
        asking: how.
        prefix: of the requests' keys: where in the run this is (stage, step, attempt). The seed is of the key.
    """
    for number, prompt in enumerate(prompts):
        parts = render(prompt.task, prompt.sample, asking.style, coords=asking.coords)
        for repeat in range(asking.responses):
            key = f"{prefix}/{number}/{repeat}"
            sampling = Sampling(
                asking.max_new_tokens, asking.temperature, asking.top_p, request_seed(asking.seed, key)
            )
            yield Request(key, parts, prompt.sample.images, sampling, PixelLimits(None, asking.max_pixels))
