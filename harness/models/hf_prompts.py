"""From requests to model inputs: chat template, images, token estimates, batches of like length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.errors import FAULTS, first_line
from harness.models.chat import Chat
from harness.models.pixels import fitted, rule_of
from harness.types import Request
from scorers.read.normalise import STANDARD, Delimiters
from tasks.images import ImageError, ImageRef
from tasks.prompts import ImagePart
from tasks.types import Response

if TYPE_CHECKING:
    from PIL.Image import Image

TOKENS_PER_IMAGE = 600
"""What an image is taken to cost where the processor cannot say."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as text, its images still encoded."""

    request: Request
    text: str
    tokens: int
    """Of the prompt, image tokens included: exact for Qwen's processors, else an estimate."""
    arrived: float
    """`time.monotonic()` at which the request was taken."""

    @property
    def cost(self) -> int:
        """Tokens that the request can come to."""
        return self.tokens + self.request.sampling.max_new_tokens


@dataclass(slots=True)
class Batch:
    """Requests to be answered together, with the inputs that the processor made of them."""

    prompts: list[Prompt] = field(default_factory=list)
    inputs: Any = None
    """None where the processor takes each request alone, but not all in one call."""
    shown: list[tuple[tuple[int, int], ...]] = field(default_factory=list)
    failed: list[tuple[Request, Response]] = field(default_factory=list)
    """Requests that will get no answer, and why."""


class Prompter:
    """Turns requests into prompts and batches for one Hugging Face processor.

    Args:
        processor: with its tokenizer and chat template.
        delimiters: by which thinking and answers are known.
        template: a chat template in place of the processor's.
        variables: values for the template's variables.

    Raises:
        UsageError: there is no chat template, or it shows no images or no text.
    """

    def __init__(
        self,
        processor: Any,
        delimiters: Delimiters = STANDARD,
        *,
        template: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.rule = rule_of(processor.image_processor.to_dict())
        """How the processor sizes an image."""
        if template is not None:
            processor.chat_template = template
        plain = processor.chat_template is None and self._takes_plain_text()
        self.chat = Chat(processor, self.tokenizer, delimiters, variables, plain=plain)
        self.chat.check(str(getattr(processor, "image_token", "") or ""))

    def _takes_plain_text(self) -> bool:
        """Whether the processor puts images into a plain prompt itself, as those of task-prompt models do."""
        import PIL.Image

        try:
            self.processor(text=["?"], images=[[PIL.Image.new("RGB", (64, 64))]], return_tensors="pt")
        except FAULTS:
            return False
        return True

    def read(self, request: Request) -> Prompt:
        """The prompt of a request. Only the headers of images are read.

        Raises:
            ImageError: an image cannot be read.
        """
        arrived = time.monotonic()
        text = self.chat.render(request)
        words = self.tokenizer(text, add_special_tokens=not self._begins(text))["input_ids"]
        tokens = len(words) + sum(self._image_tokens(request))
        return Prompt(request, text, tokens, arrived)

    def _image_tokens(self, request: Request) -> Iterator[int]:
        for index, image in _images(request):
            with _naming(index):
                width, height = self.rule.size(image.size, request.pixels)
            # Of Qwen's: its one placeholder is among the text's tokens.
            yield width * height // self.rule.factor**2 - 1 if self.rule.factor > 1 else TOKENS_PER_IMAGE

    def batch(self, prompts: Iterable[Prompt]) -> Batch:
        """Decode the images and make the model's inputs; what cannot be read is in `failed`.

        All prompts have the same pixel limits.
        """
        batch = Batch()
        pictures: list[list[Image]] = []
        for prompt in prompts:
            try:
                opened = [
                    self._picture(index, image, prompt.request) for index, image in _images(prompt.request)
                ]
            except ImageError as error:
                batch.failed.append((prompt.request, failure(str(error), prompt.arrived)))
                continue
            batch.prompts.append(prompt)
            pictures.append(opened)
        if batch.prompts:
            self._process(batch, pictures)
        return batch

    def _process(self, batch: Batch, pictures: list[list[Image]]) -> None:
        """Fill in `inputs` and `shown`. A request that the processor refuses fails alone."""
        try:
            batch.inputs = self._inputs(batch.prompts, pictures)
        except FAULTS as error:
            if len(batch.prompts) == 1:
                [prompt] = batch.prompts
                reason = f"the processor refuses it: {first_line(error)}"
                batch.failed.append((prompt.request, failure(reason, prompt.arrived)))
                batch.prompts = []
            return
        batch.shown = self._shown(batch.inputs, pictures)

    def _inputs(self, prompts: list[Prompt], pictures: list[list[Image]]) -> Any:
        """What transformers' `apply_chat_template(…, tokenize=True)` makes of the same prompts and pictures."""
        # Fitted by `_picture`; the processor of such a rule can be told to leave the size alone.
        options: dict[str, Any] = {"images_kwargs": {"do_resize": False}} if self.rule.factor > 1 else {}
        texts = [prompt.text for prompt in prompts]
        if any(pictures):
            options["images"] = pictures if all(pictures) else _flat(pictures)
        if self._begins(texts[0]):
            options["add_special_tokens"] = False
        return self.processor(text=texts, padding=True, return_tensors="pt", **options)

    def _begins(self, text: str) -> bool:
        """Whether a prompt has its beginning-of-text token already, by the rule of transformers."""
        bos = self.tokenizer.bos_token
        return bos is not None and text.startswith(bos) and not self.chat.plain

    def _picture(self, index: int, image: ImageRef, request: Request) -> Image:
        with _naming(index):
            return fitted(image, request.pixels, self.rule)

    def _shown(self, inputs: Any, pictures: list[list[Image]]) -> list[tuple[tuple[int, int], ...]]:
        patch = getattr(self.processor.image_processor, "patch_size", None)
        if not isinstance(patch, int) or "image_grid_thw" not in inputs:
            return [tuple(picture.size for picture in opened) for opened in pictures]
        grids = iter(inputs["image_grid_thw"].tolist())
        sizes: list[tuple[tuple[int, int], ...]] = []
        for opened in pictures:
            own = [next(grids) for _ in opened]
            sizes.append(tuple((columns * patch, rows * patch) for _, rows, columns in own))
        return sizes


class Batcher:
    """Draws requests from a stream into a window, and from the window batches of like length.

    Args:
        size: requests in a batch at most.
        budget: tokens in a batch at most, prompt, images and answer together, padding included.
        window: requests looked at together.
    """

    def __init__(
        self, prompter: Prompter, requests: Iterable[Request], size: int, budget: Callable[[], int], window: int
    ) -> None:
        self._prompter = prompter
        self._requests = iter(requests)
        self._size = size
        self._budget = budget
        self._window = window
        self._waiting: list[Prompt] = []

    def next(self) -> Batch | None:
        """The next batch; None once the stream is empty."""
        failed = self._fill()
        if not self._waiting:
            return Batch(failed=failed) if failed else None
        batch = self._prompter.batch(self._take())
        return replace(batch, failed=failed + batch.failed)

    def _fill(self) -> list[tuple[Request, Response]]:
        failed = []
        while len(self._waiting) < self._window:
            request = next(self._requests, None)
            if request is None:
                break
            try:
                self._waiting.append(self._prompter.read(request))
            except ImageError as error:
                failed.append((request, failure(str(error), time.monotonic())))
        return failed

    def _take(self) -> list[Prompt]:
        self._waiting.sort(
            key=lambda prompt: (prompt.request.sampling.max_new_tokens, prompt.tokens), reverse=True
        )
        first = self._waiting[0]
        widest = 0
        taken: list[Prompt] = []
        left: list[Prompt] = []
        for prompt in self._waiting:
            wider = max(widest, prompt.cost)
            fits = not taken or (len(taken) < self._size and wider * (len(taken) + 1) <= self._budget())
            if fits and prompt.request.pixels == first.request.pixels and _alike(prompt, first):
                taken.append(prompt)
                widest = wider
            else:
                left.append(prompt)
        self._waiting = left
        return taken


def _alike(one: Prompt, other: Prompt) -> bool:
    """Whether both have images, or neither: processors differ in how they take a mixture."""
    return bool(one.request.images) == bool(other.request.images)


def failure(reason: str, arrived: float) -> Response:
    """A response that is none."""
    return Response("", "error", latency=time.monotonic() - arrived, error=reason)


def _images(request: Request) -> Iterator[tuple[int, ImageRef]]:
    """(index, image) in the order in which the prompt shows them."""
    for part in request.parts:
        if isinstance(part, ImagePart):
            yield part.index, request.images[part.index]


def _flat(pictures: list[list[Image]]) -> list[Image]:
    return [picture for opened in pictures for picture in opened]


class _naming:  # noqa: N801 - a context manager that reads as a word
    """Adds to an `ImageError` which image it was."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ImageError):
            raise ImageError(f"image {self._index + 1}: {error}") from error
